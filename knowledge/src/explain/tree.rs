//! A condition as a tree of lines, each part with its truth.

use std::collections::BTreeSet;

use diagnostics::printable;
use inspect::{Condition, Evidence, Node, Truth};

use super::{Found, truth_name};
use crate::limits::MAX_LISTED_VALUES;

/// The lines of a condition's tree, as far as it decides: of alternatives one of which holds those that do not are
/// counted, and where parts are asked for together and some fail, what holds has one line.
///
/// ```text
/// true           all of
/// true           ├─ selection: all of
/// true           │  ├─ cs-host: `api.telegram.org`
/// true           │  └─ c-uri-stem|contains: `/sendDocument`
/// true           │        found `/sendDocument` in `/bot1:a/sendDocument`
/// not yet known  └─ sc-status: `200`
/// ```
pub fn condition_lines(condition: &Condition) -> Vec<String> {
    let mut rows = Vec::new();
    rows_of(condition, Depth::Whole, "", "", &mut rows);
    let width = rows.iter().map(|(truth, _)| truth.len()).max().unwrap_or_default();
    rows.into_iter().map(|(truth, text)| format!("{truth:<width$}  {text}")).collect()
}

/// How much of a part is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Whole,
    /// One line.
    Line,
}

fn rows_of(
    condition: &Condition,
    depth: Depth,
    branch: &str,
    indent: &str,
    rows: &mut Vec<(&'static str, String)>,
) {
    let truth = condition.truth;
    let name = condition.name.as_ref().map(|name| printable(name.as_bytes()));
    let name = name.map_or(String::new(), |name| format!("{name}: "));
    let more = if depth == Depth::Line { " …" } else { "" };
    let mut row = |text: &str| rows.push((truth_name(truth), format!("{branch}{name}{text}")));
    let mut parts = match &condition.node {
        Node::All(parts) => {
            row(&format!("all of{more}"));
            flattened(parts, true)
        }
        Node::Any(parts) => {
            row(&format!("any of{more}"));
            flattened(parts, false)
        }
        Node::Not(part) => {
            row(&format!("not{more}"));
            vec![part.as_ref()]
        }
        Node::Item { label, patterns, evidence, seen } => {
            row(&item(label, patterns));
            let note = match evidence {
                Some(evidence) => found(evidence, patterns),
                None if truth == Truth::False => Some(is_in_request(label, seen)),
                None => None,
            };
            rows.extend(note.map(|note| ("", format!("{indent}   {note}"))));
            return;
        }
    };
    if depth == Depth::Line {
        return;
    }
    let n_parts = parts.len();
    if matches!(condition.node, Node::Any(_)) && truth == Truth::True {
        parts.retain(|part| part.truth == Truth::True);
    }
    let n_others = n_parts - parts.len();
    let fails_together = matches!(condition.node, Node::All(_)) && truth == Truth::False;
    let n_shown = parts.len();
    for (idx, part) in parts.into_iter().enumerate() {
        let is_last = idx + 1 == n_shown && n_others == 0;
        let (fork, line) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let is_brief = fails_together && part.truth != Truth::False;
        let depth = if is_brief { Depth::Line } else { Depth::Whole };
        rows_of(part, depth, &format!("{indent}{fork}"), &format!("{indent}{line}"), rows);
    }
    if n_others > 0 {
        rows.push(("", format!("{indent}└─ and {n_others} more, which do not hold")));
    }
}

/// The parts of a condition; an unnamed part of the same kind gives its own.
fn flattened(parts: &[Condition], is_all: bool) -> Vec<&Condition> {
    let mut flat = Vec::new();
    for part in parts {
        match &part.node {
            Node::All(inner) if is_all && part.name.is_none() => {
                flat.extend(flattened(inner, is_all));
            }
            Node::Any(inner) if !is_all && part.name.is_none() => {
                flat.extend(flattened(inner, is_all));
            }
            _ => flat.push(part),
        }
    }
    flat
}

fn item(label: &str, patterns: &[String]) -> String {
    let label = printable(label.as_bytes());
    // All values of a list are there under its name.
    let mut seen = BTreeSet::new();
    let patterns: Vec<_> = patterns.iter().filter(|pattern| seen.insert(*pattern)).collect();
    let listed = patterns.iter().take(MAX_LISTED_VALUES);
    let listed: Vec<_> = listed.map(|value| format!("`{}`", printable(value.as_bytes()))).collect();
    match patterns.len().checked_sub(MAX_LISTED_VALUES) {
        _ if patterns.is_empty() => label,
        None | Some(0) => format!("{label}: {}", listed.join(", ")),
        Some(n_more) => format!("{label}: {} and {n_more} more", listed.join(", ")),
    }
}

/// What was found; nothing where it is the only value of the item.
fn found(evidence: &Evidence, patterns: &[String]) -> Option<String> {
    let Found { pattern, before, hit, after, .. } = Found::of(evidence);
    let is_all = before.is_empty() && after.is_empty();
    let is_said = patterns.len() < 2 && hit == pattern;
    let whole = if is_all { String::new() } else { format!(" in `{before}{hit}{after}`") };
    let by = if patterns.len() > 1 && !hit.eq_ignore_ascii_case(&pattern) {
        format!(" by `{}`", printable(pattern.as_bytes()))
    } else {
        String::new()
    };
    (!(is_all && is_said)).then(|| format!("found `{hit}`{whole}{by}"))
}

/// What the request has instead of what an item asks for.
fn is_in_request(label: &str, seen: &[Vec<u8>]) -> String {
    let field = label.split('|').next().unwrap_or_default();
    let seen: Vec<_> = seen.iter().map(|value| format!("`{}`", printable(value))).collect();
    match seen.as_slice() {
        _ if field == "keywords" => "not in the request".to_owned(),
        [] => "the request has none".to_owned(),
        seen => format!("the request has {}", seen.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: &str, truth: Truth) -> Condition {
        let node = Node::Item {
            label: label.to_owned(),
            patterns: vec!["x".to_owned()],
            evidence: None,
            seen: vec![b"y".to_vec()],
        };
        Condition { name: None, truth, node }
    }

    fn part(name: Option<&str>, truth: Truth, node: Node) -> Condition {
        Condition { name: name.map(str::to_owned), truth, node }
    }

    #[test]
    fn what_decides_is_shown_and_the_rest_is_counted() {
        use Truth::{False, True};
        let nested = part(None, False, Node::Any(vec![item("b", False), item("c", False)]));
        let alternatives = part(None, True, Node::Any(vec![nested, item("a", True)]));
        assert_eq!(
            condition_lines(&alternatives),
            ["true  any of", "true  ├─ a: `x`", "      └─ and 2 more, which do not hold"]
        );
        let selection = part(Some("s"), True, Node::All(vec![item("a", True), item("b", True)]));
        let together = part(None, False, Node::All(vec![selection, item("c", False)]));
        assert_eq!(
            condition_lines(&together),
            [
                "false  all of",
                "true   ├─ s: all of …",
                "false  └─ c: `x`",
                "             the request has `y`",
            ]
        );
    }
}
