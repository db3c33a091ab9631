//! Rules that detect the same.

use std::collections::BTreeMap;

use super::codes;
use crate::rule::{Condition, Rule, Search};
use diagnostics::{Diagnostic, Place, Span};

/// Rules are the same where log source, searches and condition are, whatever their names and order.
pub(super) fn check<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<String, &Rule> = BTreeMap::new();
    let mut findings = Vec::new();
    for rule in rules {
        let key = format!("{:?} {}", rule.logsource, of_condition(rule, &rule.condition));
        let Some(first) = seen.get(&key) else {
            seen.insert(key, rule);
            continue;
        };
        findings.push(Diagnostic {
            code: &codes::DUPLICATE_DETECTION,
            message: format!(
                "the rule detects the same as `{}` in {}",
                first.metadata.title, first.file
            ),
            help: "keep one of the two".into(),
            place: Place {
                file: rule.file.clone(),
                span: Span::point(rule.span.line, rule.span.column),
            },
            fix: None,
        });
    }
    findings
}

fn of_condition(rule: &Rule, condition: &Condition) -> String {
    match condition {
        Condition::Selection(idx) => rule
            .selections
            .get(*idx)
            .map(|selection| of_search(&selection.search))
            .unwrap_or_default(),
        Condition::All(parts) => joined("all", parts.iter().map(|part| of_condition(rule, part))),
        Condition::Any(parts) => joined("any", parts.iter().map(|part| of_condition(rule, part))),
        Condition::Not(part) => format!("not({})", of_condition(rule, part)),
    }
}

fn of_search(search: &Search) -> String {
    match search {
        Search::All(parts) => joined("all", parts.iter().map(of_search)),
        Search::Any(parts) => joined("any", parts.iter().map(of_search)),
        Search::Item(item) => {
            let values = item.values.iter().map(|value| format!("{:?}", value.test));
            joined(&format!("{:?} {:?} {}", item.field, item.linking, item.negated), values)
        }
    }
}

/// Order does not matter to "all" and "any".
fn joined(kind: &str, parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.collect();
    parts.sort_unstable();
    parts.dedup();
    match parts.as_slice() {
        [part] if matches!(kind, "all" | "any") => part.clone(),
        _ => format!("{kind}({})", parts.join(",")),
    }
}
