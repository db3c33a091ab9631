//! Tags in the text of pages, as Obsidian finds them.

use super::check::is_of_tag;
use super::fences::Fences;
use super::property::tag;

/// The tag that a text behind `#` begins with; `None` where it is none, or one by which pages find rules and
/// tests: a person's words would add to those.
pub(crate) fn at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !is_of_tag(c)).unwrap_or(text.len());
    let found = text.get(..end)?;
    let is_whole = !text.get(end..)?.starts_with('#');
    (!found.is_empty() && is_whole && tag(found) == found && !is_of_technique(found))
        .then_some(found)
}

/// `T1102`, `T1102_002`, `attack/T1102/002`.
fn is_of_technique(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    let digits = tag.strip_prefix('t').unwrap_or_default();
    let is_id = digits.len() >= 4 && digits.bytes().take(4).all(|byte| byte.is_ascii_digit());
    is_id || tag == "attack" || tag.starts_with("attack/")
}

/// The tags of a page's text, each once, as they are written first. Code and comments have none.
pub(crate) fn in_text(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut fences = Fences::default();
    for line in text.lines().filter(|line| line.contains('#') || line.contains(['`', '~'])) {
        let bare = line.trim_start_matches(['>', ' ', '\t']).trim_end();
        fences.read(bare);
        if !fences.is_within {
            tags.extend(in_line(line));
        }
    }
    let mut known: Vec<String> = Vec::new();
    tags.retain(|tag| {
        let lower = tag.to_lowercase();
        let is_new = !known.contains(&lower);
        known.push(lower);
        is_new
    });
    tags
}

fn in_line(line: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let is_hidden = |before: &str| {
        before.matches('`').count() % 2 == 1
            || before.matches("<!--").count() > before.matches("-->").count()
    };
    for (start, _) in line.match_indices('#') {
        let (before, behind) = line.split_at(start);
        let is_free = before.chars().next_back().is_none_or(char::is_whitespace);
        let found = at(behind.get(1..).unwrap_or_default());
        tags.extend(found.filter(|_| is_free && !is_hidden(before)).map(ToOwned::to_owned));
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_that_obsidian_shows() {
        let text = "#soc and #Soc/tier2, (#no) \\#no a#no ##no #1984 #y1984 `#no` <!-- #no --> #SOC\n\n```sh\n#no\n```\n> #quoted.\n# Heading\n#T1102_002 #\u{e9}t\u{e9}";
        assert_eq!(in_text(text), ["soc", "Soc/tier2", "y1984", "quoted", "\u{e9}t\u{e9}"]);
    }
}
