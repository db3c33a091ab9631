//! A condition as a tree of lines, each part with its truth.

use inspect::{Condition, Evidence, Node};

use super::truth_name;
use crate::limits::MAX_LISTED_VALUES;

/// The lines of a condition's tree.
///
/// ```text
/// true           all of
/// true           ├─ selection: all of
/// true           │  ├─ cs-host: `api.telegram.org`
/// true           │  │     found `api.telegram.org` in `api.telegram.org`
/// not yet known  └─ sc-status: `200`
/// ```
pub fn condition_lines(condition: &Condition) -> Vec<String> {
    let mut rows = Vec::new();
    rows_of(condition, "", "", &mut rows);
    let width = rows.iter().map(|(truth, _)| truth.len()).max().unwrap_or_default();
    rows.into_iter().map(|(truth, text)| format!("{truth:<width$}  {text}")).collect()
}

fn rows_of(
    condition: &Condition,
    branch: &str,
    indent: &str,
    rows: &mut Vec<(&'static str, String)>,
) {
    let truth = truth_name(condition.truth);
    let name = condition.name.as_ref().map(|name| printable(name.as_bytes()));
    let name = name.map_or(String::new(), |name| format!("{name}: "));
    let mut row = |text: &str| rows.push((truth, format!("{branch}{name}{text}")));
    let parts = match &condition.node {
        Node::All(parts) => {
            row("all of");
            parts.as_slice()
        }
        Node::Any(parts) => {
            row("any of");
            parts.as_slice()
        }
        Node::Not(part) => {
            row("not");
            std::slice::from_ref(part.as_ref())
        }
        Node::Item { label, patterns, evidence } => {
            row(&item(label, patterns));
            if let Some(evidence) = evidence {
                rows.push(("", format!("{indent}   {}", found(evidence))));
            }
            return;
        }
    };
    for (idx, part) in parts.iter().enumerate() {
        let (fork, line) =
            if idx + 1 == parts.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        rows_of(part, &format!("{indent}{fork}"), &format!("{indent}{line}"), rows);
    }
}

fn item(label: &str, patterns: &[String]) -> String {
    let label = printable(label.as_bytes());
    let listed = patterns.iter().take(MAX_LISTED_VALUES);
    let listed: Vec<_> = listed.map(|value| format!("`{}`", printable(value.as_bytes()))).collect();
    match patterns.len().checked_sub(MAX_LISTED_VALUES) {
        _ if patterns.is_empty() => label,
        None | Some(0) => format!("{label}: {}", listed.join(", ")),
        Some(n_more) => format!("{label}: {} and {n_more} more", listed.join(", ")),
    }
}

fn found(evidence: &Evidence) -> String {
    let pattern = printable(evidence.pattern.as_bytes());
    format!("found `{pattern}` in `{}`", printable(&evidence.value))
}

/// Text as a terminal may show it: control characters and bytes that are not UTF-8 are escaped.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char.is_control() || is_invisible(char) {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}

/// Characters that turn the direction of text or hide in it.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        for (bytes, expect) in [
            (&b"a b\x1b[31m"[..], "a b\\u{1b}[31m"),
            (b"\xff\xc3\xa4", "\\xff\u{e4}"),
            ("\u{202e}x".as_bytes(), "\\u{202e}x"),
            (b"\n", "\\n"),
        ] {
            assert_eq!(printable(bytes), expect);
        }
    }
}
