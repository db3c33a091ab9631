//! What is at a position: a key or a value, and the keys above it.
//!
//! A text that is being typed is mostly not YAML yet, so positions are found by lines and their indentation.
//! What a rule means, and what is wrong with it, is read by [`sigma`] and [`knowledge`] alone.

mod flow;
mod line;
mod region;

use std::ops::Range;

use line::Line;
pub(crate) use region::{Language, is_note};

/// A place in the YAML of a rule or of front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'t> {
    /// Which YAML it is.
    pub(crate) language: Language,
    /// The keys above, outermost first; for a value also its own key.
    pub(crate) path: Vec<&'t str>,
    /// Whether a key is here or a value.
    pub(crate) part: Part,
    /// The key with its modifiers, or the value without quotes.
    pub(crate) word: &'t str,
    /// Where `word` is in the text, in bytes.
    pub(crate) range: Range<usize>,
    /// The byte offset of the position.
    pub(crate) offset: usize,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A key, perhaps unfinished.
    Key,
    /// A value, or an entry of a list.
    Value,
}

impl<'t> Place<'t> {
    /// Finds the place at a byte offset of a file; `None` outside of YAML, and in comments.
    pub(crate) fn at(name: &str, text: &'t str, offset: usize) -> Option<Place<'t>> {
        let lines = line::split(text);
        let idx = lines.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let region = region::of(name, &lines, idx)?;
        let &(start, line) = lines.get(idx)?;
        let column = offset.checked_sub(start)?.min(line.len());
        let parsed = Line::read(line);
        let mut place = Place {
            language: region.language,
            path: Vec::new(),
            part: Part::Key,
            word: "",
            range: offset..offset,
            offset,
        };
        let Some(parsed) = parsed else {
            if !line.trim().is_empty() {
                return None;
            }
            // An empty line: a key may be typed at this column.
            place.path = above(&lines, region.first, idx, column, false);
            return Some(place);
        };
        let outer = parsed.dash.unwrap_or(parsed.content);
        let mut path = above(&lines, region.first, idx, outer, parsed.dash.is_some());
        let set = |place: &mut Place<'t>, range: Range<usize>| {
            place.word = line.get(range.clone()).unwrap_or_default();
            place.range = start + range.start..start + range.end;
        };
        match &parsed.key {
            Some(key) if column <= key.end => set(&mut place, key.clone()),
            key => {
                if let Some(key) = key {
                    path.push(line.get(key.clone()).unwrap_or_default());
                } else if parsed.dash.is_none() && !parsed.is_flow(line) {
                    set(&mut place, parsed.content..line.trim_end().len());
                    place.path = path;
                    return Some(place);
                }
                let found = flow::at(line, parsed.value, column);
                path.extend(found.path);
                place.part = found.part;
                set(&mut place, found.range);
            }
        }
        place.path = path;
        Some(place)
    }

    /// The last key of the path.
    pub(crate) fn key(&self) -> Option<&'t str> {
        self.path.last().copied()
    }

    /// The part of the word at the position that consists of these characters, and where it is.
    pub(crate) fn part_of_word(&self, belongs: impl Fn(char) -> bool) -> (&'t str, Range<usize>) {
        let at = self.offset.saturating_sub(self.range.start).min(self.word.len());
        let (before, behind) = self.word.split_at_checked(at).unwrap_or((self.word, ""));
        let n_before: usize =
            before.chars().rev().take_while(|c| belongs(*c)).map(char::len_utf8).sum();
        let n_behind: usize = behind.chars().take_while(|c| belongs(*c)).map(char::len_utf8).sum();
        let within = at.saturating_sub(n_before)..at + n_behind;
        let word = self.word.get(within.clone()).unwrap_or_default();
        (word, self.range.start + within.start..self.range.start + within.end)
    }

    /// Returns true if the place is among the fields of a search: below a search identifier, and not deeper
    /// than its fields.
    pub(crate) fn is_field(&self) -> bool {
        self.language == Language::Sigma
            && matches!(*self.path.as_slice(), ["detection" | "filter", name]
                if !matches!(name, "condition" | "timeframe" | "rules"))
    }
}

/// The keys above a line, outermost first. `limit` is the column of what is on the line.
fn above<'t>(
    lines: &[(usize, &'t str)],
    first: usize,
    idx: usize,
    mut limit: usize,
    mut has_dash: bool,
) -> Vec<&'t str> {
    let mut path = Vec::new();
    let before = lines.get(first..idx).unwrap_or_default();
    for (_, line) in before.iter().rev() {
        if line.starts_with("---") {
            break;
        }
        let Some(parsed) = Line::read(line) else { continue };
        let Some(key) = &parsed.key else { continue };
        // The entries of a list may be written at the column of its key.
        let is_above =
            parsed.content < limit || has_dash && parsed.dash.is_none() && parsed.content == limit;
        if !is_above {
            continue;
        }
        path.push(line.get(key.clone()).unwrap_or_default());
        has_dash = parsed.dash.is_some();
        limit = parsed.dash.unwrap_or(parsed.content);
        if limit == 0 && !has_dash {
            break;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `^` is the position. Shows language, part, path and word.
    fn show(name: &str, marked: &str) -> String {
        let offset = marked.find('^').unwrap();
        let text = marked.replacen('^', "", 1);
        let Some(place) = Place::at(name, &text, offset) else { return "nothing".to_owned() };
        assert_eq!(text.get(place.range.clone()), Some(place.word), "{marked}");
        let part = if place.part == Part::Key { "key" } else { "value" };
        format!("{:?} {part} {}: {}", place.language, place.path.join("/"), place.word)
    }

    #[test]
    fn places_of_rules_are_found_in_finished_and_unfinished_text() {
        for (marked, expect) in [
            ("ti^tle: a", "Sigma key : title"),
            ("title: a^b c", "Sigma value title: ab c"),
            ("title: 'a^b'", "Sigma value title: ab"),
            ("title: 'a^b", "Sigma value title: ab"),
            ("title: ab # c^", "Sigma value title: ab"),
            ("# ti^tle", "nothing"),
            ("lev^", "Sigma key : lev"),
            ("title: a\n^", "Sigma key : "),
            ("logsource:\n    cat^: proxy", "Sigma key logsource: cat"),
            ("logsource:\n    ^", "Sigma key logsource: "),
            ("logsource:\n    category: pr^", "Sigma value logsource/category: pr"),
            ("logsource: {category: pro^xy, product: a}", "Sigma value logsource/category: proxy"),
            ("logsource: {category: proxy, pro^duct: a}", "Sigma key logsource: product"),
            (
                "detection:\n  s:\n    cs-ho^st|endswith: a",
                "Sigma key detection/s: cs-host|endswith",
            ),
            ("detection:\n  s:\n    cs-ho^", "Sigma key detection/s: cs-ho"),
            ("detection:\n  s:\n  - cs-ho^st: a", "Sigma key detection/s: cs-host"),
            ("detection:\n  s:\n  - a: b\n    cs-ho^st: a", "Sigma key detection/s: cs-host"),
            ("detection:\n  s:\n    cs-host:\n    - a^b", "Sigma value detection/s/cs-host: ab"),
            (
                "detection:\n  s:\n    cs-host:\n      - a\n      - \"b^\"",
                "Sigma value detection/s/cs-host: b",
            ),
            ("detection: {s: {cs-h^ost: a}, condition: s}", "Sigma key detection/s: cs-host"),
            (
                "detection: {s: {cs-host: [a, b^c]}, condition: s}",
                "Sigma value detection/s/cs-host: bc",
            ),
            ("detection: {s: {cs-host: a}, condition: s^}", "Sigma value detection/condition: s"),
            (
                "detection:\n  s:\n    a: b\n  condition: s and^ t",
                "Sigma value detection/condition: s and t",
            ),
            ("tags:\n- attack.t^1102", "Sigma value tags: attack.t1102"),
            ("tags: [a, attack.t^1102]", "Sigma value tags: attack.t1102"),
            ("a: b\n---\ntit^le: c", "Sigma key : title"),
            ("a:\n  b: c\n---\n  tit^le: c", "Sigma key : title"),
            ("\"ti^tle\": a", "Sigma key : title"),
        ] {
            assert_eq!(show("a.yml", marked), expect, "{marked}");
        }
    }

    #[test]
    fn places_of_notes_are_in_front_matter_and_sigma_blocks() {
        for (marked, expect) in [
            ("---\nki^nd: rule\n---\n", "FrontMatter key : kind"),
            ("---\nkind: rule\nservices: [Tele^]\n", "FrontMatter value services: Tele"),
            ("---\nkind: rule\n---\ntit^le: a", "nothing"),
            ("---\n---\n```sigma\nlogsource:\n  cat^\n```\n", "Sigma key logsource: cat"),
            ("---\n---\n```sigma\ntitle: a\n```\nle^vel: a\n", "nothing"),
            ("---\n---\n```http match\nGE^T: a\n```\n", "nothing"),
            ("---\n---\n~~~ sigma\nle^vel\n", "Sigma key : level"),
        ] {
            assert_eq!(show("a.md", marked), expect, "{marked}");
        }
    }
}
