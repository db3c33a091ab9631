//! The front matter of a Markdown file: split from the text, and read as YAML with places.

use crate::diagnostic::Span;
use crate::source::SourceText;
use crate::text::{Lines, number};
use crate::yaml::{self, Kind, Node};

/// A text that is split behind its front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrontMatter<'t> {
    /// The text between the two `---` lines. It starts on line 2.
    pub yaml: &'t str,
    /// The text after the second `---` line.
    pub body: &'t str,
    /// The line on which the body starts, from 1.
    pub body_line: u32,
}

/// Why a text has no front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The text does not begin with a `---` line.
    Absent,
    /// No second `---` line follows.
    Unclosed,
    /// A `...` line ends the YAML. Obsidian does not end front matter there.
    Dots(Span),
}

/// A key of front matter, and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The place of the key.
    pub span: Span,
    /// The value.
    pub value: Node,
}

/// Why front matter cannot be read as a map, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// The place in the file.
    pub span: Span,
}

/// Splits a text behind its front matter, as Obsidian does: the first line is `---`, and so is the line
/// that ends it. Blanks may follow both, and line breaks may be CRLF.
///
/// # Errors
/// The text has no front matter, or it is not closed.
pub fn split(text: &str) -> Result<FrontMatter<'_>, Missing> {
    let bare = |line: &str| line.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let is = |line: &str, mark: &str| line.starts_with(mark) && bare(line) == mark.len();
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is(first, "---") {
        return Err(Missing::Absent);
    }
    let mut end = first.len();
    for line in lines {
        let start = end;
        end += line.len();
        let place = || Lines::new(text.get(..start).unwrap_or_default()).n_lines();
        if is(line, "...") {
            let line = place();
            return Err(Missing::Dots(Span { line, column: 1, end_line: line, end_column: 4 }));
        }
        if is(line, "---") {
            let last = place();
            let body_line = if line.ends_with('\n') { last.saturating_add(1) } else { last };
            let yaml = text.get(first.len()..start).unwrap_or_default();
            return Ok(FrontMatter { yaml, body: text.get(end..).unwrap_or_default(), body_line });
        }
    }
    Err(Missing::Unclosed)
}

/// The text behind the front matter and the line on which it starts; the whole text where it has none.
pub fn body(text: &str) -> (&str, u32) {
    split(text).map_or((text, 1), |split| (split.body, split.body_line))
}

impl FrontMatter<'_> {
    /// Reads the keys, in the order of the text.
    ///
    /// # Errors
    /// The text is not YAML, not one map, or repeats a key in a map.
    pub fn entries(&self) -> Result<Vec<Entry>, Problem> {
        entries(self.yaml, 2)
    }

    /// The text of a key that is written on a line of its own, whatever is wrong with other lines.
    pub fn guess(&self, key: &str) -> Option<String> {
        self.yaml.lines().filter(|line| line.contains(key)).find_map(|line| {
            let entries = entries(line, 1).ok()?;
            entries.iter().find(|entry| entry.key == key)?.value.text().map(str::to_owned)
        })
    }
}

fn entries(text: &str, first_line: u32) -> Result<Vec<Entry>, Problem> {
    let problem = |span: Span, message: &str| Problem { message: message.to_owned(), span };
    let mut diagnostics = Vec::new();
    let source = SourceText::new("", text).at_line(first_line);
    let mut documents = yaml::read(&source, &mut diagnostics);
    if let Some(diagnostic) = diagnostics.into_iter().next() {
        return Err(Problem { message: diagnostic.message, span: diagnostic.place.span });
    }
    if let Some(second) = documents.get(1) {
        return Err(problem(second.span, "a second YAML document begins here"));
    }
    let Some(document) = documents.pop() else { return Ok(Vec::new()) };
    if let Some((key, span)) = repeated(&document) {
        return Err(Problem {
            message: format!("the key `{}` is repeated", key.escape_debug()),
            span,
        });
    }
    let pairs = match document.kind {
        Kind::Map(pairs) => pairs,
        _ if document.text().is_none() && document.scalar().is_some() => return Ok(Vec::new()),
        _ => return Err(problem(document.span, "this is not a map of keys and values")),
    };
    let entry = |(key, value): (Node, Node)| {
        let name = key.text().ok_or_else(|| problem(key.span, "the key is not a text"))?;
        Ok(Entry { key: name.to_owned(), span: one_line(key.span, name), value })
    };
    pairs.into_iter().map(entry).collect()
}

/// The place of a key, which may be written over several lines.
fn one_line(span: Span, key: &str) -> Span {
    if span.line == span.end_line {
        return span;
    }
    let end_column = span.column.saturating_add(number(key.chars().count()));
    Span { end_line: span.line, end_column, ..span }
}

/// The first key that a map contains twice.
fn repeated(node: &Node) -> Option<(&str, Span)> {
    match &node.kind {
        Kind::Scalar { .. } => None,
        Kind::List(list) => list.iter().find_map(repeated),
        Kind::Map(pairs) => {
            let mut seen = std::collections::BTreeSet::new();
            pairs.iter().find_map(|(key, value)| match key.text() {
                Some(text) if !seen.insert(text) => Some((text, key.span)),
                _ => repeated(value),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lines_are_found_as_obsidian_finds_them() {
        type Case = (&'static str, Result<(&'static str, &'static str, u32), Missing>);
        let cases: &[Case] = &[
            ("---\na: b\n---\nc", Ok(("a: b\n", "c", 4))),
            ("--- \t\r\na: b\r\n---  \r\nc\r\n", Ok(("a: b\r\n", "c\r\n", 4))),
            ("---\n---\n", Ok(("", "", 3))),
            ("---\na: b\n---", Ok(("a: b\n", "", 3))),
            ("---\n\n# c\na: b\n---\n---\n", Ok(("\n# c\na: b\n", "---\n", 6))),
            ("", Err(Missing::Absent)),
            ("\n---\n---\n", Err(Missing::Absent)),
            ("----\n---\n", Err(Missing::Absent)),
            ("--- a: b\n---\n", Err(Missing::Absent)),
            (" ---\n---\n", Err(Missing::Absent)),
            ("---", Err(Missing::Unclosed)),
            ("---\na: b\n ---\n", Err(Missing::Unclosed)),
            (
                "---\na: b\n...\n---\n",
                Err(Missing::Dots(Span { line: 3, column: 1, end_line: 3, end_column: 4 })),
            ),
        ];
        for (text, expect) in cases {
            let found = split(text).map(|found| (found.yaml, found.body, found.body_line));
            assert_eq!(found, *expect, "{text:?}");
        }
    }

    #[test]
    fn keys_have_places_and_problems_too() {
        let read = |yaml: &str| {
            let text = format!("---\n{yaml}---\n");
            let entries = split(&text).unwrap().entries();
            entries.map(|entries| {
                let shown = |entry: &Entry| {
                    let value = entry.value.text().unwrap_or_default();
                    format!("{}:{} {}={value}", entry.span.line, entry.span.column, entry.key)
                };
                entries.iter().map(shown).collect::<Vec<_>>().join(" ")
            })
        };
        for (yaml, expect) in [
            ("", ""),
            ("~\n", ""),
            ("# a\n\nkind: rule # b\n", "4:1 kind=rule"),
            ("\"kind\": 'rule'\nb: \"c\\u0064\"\n", "2:1 kind=rule 3:1 b=cd"),
            ("{kind: rule, b: c}\n", "2:2 kind=rule 2:14 b=c"),
            ("a: &x rule\nkind: *x\n", "2:1 a=rule 3:1 kind=rule"),
            ("kind: !!str rule\r\n", "2:1 kind=rule"),
            ("kind: >-\n  rule\n", "2:1 kind=rule"),
        ] {
            assert_eq!(read(yaml).as_deref(), Ok(expect), "{yaml:?}");
        }
        for (yaml, line, message) in [
            ("a\n", 2, "this is not a map of keys and values"),
            ("- a\n", 2, "this is not a map of keys and values"),
            ("a: b\na: c\n", 3, "the key `a` is repeated"),
            ("a: b\n\"a\": c\n", 3, "the key `a` is repeated"),
            ("a: b\nc: [{d: 1, d: 2}]\n", 3, "the key `d` is repeated"),
            ("[a]: b\n", 2, "the key is not a text"),
        ] {
            let problem = read(yaml).unwrap_err();
            assert_eq!((problem.span.line, problem.message.as_str()), (line, message), "{yaml:?}");
        }
        assert!(read("a: [b\n").is_err());
        for tab in ["a:\n\t- b\n", "a:\tb\n"] {
            assert!(read(tab).is_err(), "{tab:?}");
        }
    }
}
