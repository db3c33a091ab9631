//! Rules that detect the same.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::codes;
use crate::rule::{Condition, Rule, Search};
use diagnostics::{Diagnostic, Place, Span};

/// Rules are the same where log source, searches and condition are, whatever their names and order.
pub(super) fn check<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Vec<Diagnostic> {
    let mut meanings = Meanings::default();
    let mut seen: BTreeMap<usize, &Rule> = BTreeMap::new();
    let mut findings = Vec::new();
    for rule in rules {
        let mut named = vec![None; rule.selections.len()];
        let condition = meanings.of_condition(rule, &rule.condition, &mut named);
        let key = meanings.id(format!("{:?} {condition}", rule.logsource));
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

/// Returns a number that rules which detect the same have in common; others may have it, too.
///
/// It is made of the log source and of what the values of the searches in the condition ask, whatever their order
/// and how they are combined, so that it takes one pass over a rule.
pub fn detection_key(rule: &Rule) -> u64 {
    let mut parts = BTreeSet::new();
    for selection in rule.condition.selections().iter().filter_map(|idx| rule.selections.get(*idx))
    {
        selection.search.items(&mut |item| {
            for value in &item.values {
                let mut hasher = DefaultHasher::new();
                (&item.field, format!("{:?}", value.test)).hash(&mut hasher);
                parts.insert(hasher.finish());
            }
        });
    }
    let mut hasher = DefaultHasher::new();
    (format!("{:?}", rule.logsource), parts).hash(&mut hasher);
    hasher.finish()
}

/// What rules and their parts look for, as numbers: equal ones for what is equal. A part is written with the
/// numbers of its own parts, so that one that is repeated is not written again.
#[derive(Default)]
struct Meanings {
    ids: BTreeMap<String, usize>,
}

impl Meanings {
    fn id(&mut self, text: String) -> usize {
        let next = self.ids.len();
        *self.ids.entry(text).or_insert(next)
    }

    /// `named` has the selections that were read already.
    fn of_condition(
        &mut self,
        rule: &Rule,
        condition: &Condition,
        named: &mut [Option<usize>],
    ) -> usize {
        match condition {
            Condition::Selection(idx) => {
                let known = named.get(*idx).copied().flatten();
                let selection = rule.selections.get(*idx);
                let id = known.or_else(|| selection.map(|of| self.of_search(&of.search)));
                if let Some(place) = named.get_mut(*idx) {
                    *place = id;
                }
                id.unwrap_or_else(|| self.id(String::new()))
            }
            Condition::All(parts) | Condition::Any(parts) => {
                let mut ids = Vec::with_capacity(parts.len());
                for part in parts {
                    ids.push(self.of_condition(rule, part, named));
                }
                let kind = if matches!(condition, Condition::All(_)) { "all" } else { "any" };
                self.joined(kind, ids)
            }
            Condition::Not(part) => {
                let part = self.of_condition(rule, part, named);
                self.id(format!("not({part})"))
            }
        }
    }

    fn of_search(&mut self, search: &Search) -> usize {
        match search {
            Search::All(parts) | Search::Any(parts) => {
                let ids = parts.iter().map(|part| self.of_search(part)).collect();
                let kind = if matches!(search, Search::All(_)) { "all" } else { "any" };
                self.joined(kind, ids)
            }
            Search::Item(item) => {
                let values = item.values.iter().map(|value| self.id(format!("{:?}", value.test)));
                let values = values.collect();
                let kind = format!("{:?} {:?} {}", item.field, item.linking, item.negated);
                self.joined(&kind, values)
            }
        }
    }

    /// Order does not matter to "all" and "any".
    fn joined(&mut self, kind: &str, mut parts: Vec<usize>) -> usize {
        parts.sort_unstable();
        parts.dedup();
        match parts.as_slice() {
            [part] if matches!(kind, "all" | "any") => *part,
            _ => {
                let parts: Vec<_> = parts.iter().map(usize::to_string).collect();
                self.id(format!("{kind}({})", parts.join(",")))
            }
        }
    }
}
