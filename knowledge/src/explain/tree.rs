//! A condition as a tree of lines, each part with its truth.

use diagnostics::printable;
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
