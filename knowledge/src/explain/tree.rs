//! A condition as a tree of lines, each part with its truth.

use diagnostics::printable;
use inspect::{Condition, Evidence, Node, Truth};

use super::{Found, truth_name};
use crate::limits::MAX_LISTED_VALUES;

/// The lines of a condition's tree.
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
        Node::Item { label, patterns, evidence, seen } => {
            row(&item(label, patterns));
            let note = match evidence {
                Some(evidence) => found(evidence, patterns),
                None if condition.truth == Truth::False => Some(is_in_request(label, seen)),
                None => None,
            };
            rows.extend(note.map(|note| ("", format!("{indent}   {note}"))));
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
