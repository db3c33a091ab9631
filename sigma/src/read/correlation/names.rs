//! Conditions of temporal correlations over names of rules: `a and not 1 of b_*`.

use std::collections::HashSet;

use super::super::{Reader, place_in};
use crate::codes;
use crate::condition::{NameKind, Names, written_names};
use crate::correlation::{NameCondition, Reference};
use crate::rule::{Condition, Search, Selection};
use diagnostics::yaml::Node;

/// The rules that a condition names, for a correlation that does not list them.
pub(super) fn named_rules(node: &Node) -> Vec<Reference> {
    let names = written_names(node.text().unwrap_or_default()).into_iter();
    let rule = |(name, (start, end)): (&str, _)| Reference {
        text: name.to_owned(),
        span: place_in(node, start, end),
    };
    names.map(rule).collect()
}

impl Reader<'_, '_> {
    /// Reads a condition over the names of rules, which has to name each of them; reports what is wrong with it.
    pub(super) fn name_condition(
        &mut self,
        node: &Node,
        rules: &[Reference],
    ) -> Option<NameCondition> {
        let mut listed = HashSet::new();
        if let Some(twice) = rules.iter().find(|rule| !listed.insert(&rule.text)) {
            let message =
                format!("`{}` is listed twice, and the condition names it once", twice.text);
            let help = "list each rule once; or say how many have to match, as `gte: 2`";
            self.refuse(&codes::BROKEN_THRESHOLD, twice.span, message, help);
            return None;
        }
        // Rules are combined as search identifiers are; what these search for is not asked.
        let selections = rules.iter().map(|rule| Selection {
            name: rule.text.clone(),
            span: rule.span,
            search: Search::Any(Vec::new()),
        });
        let selections: Vec<_> = selections.collect();
        let mut names = Names::new(NameKind::Rules, &selections);
        let condition = self.condition(node, &mut names)?;
        if let Some(rule) = names.unnamed() {
            let message = format!("the condition does not name `{}`", rule.name);
            let help = "name it in the condition, or remove it from `rules`";
            self.refuse(&codes::BROKEN_THRESHOLD, rule.span, message, help);
            return None;
        }
        if holds_in_silence(&condition) {
            let message = "the condition holds where no rule matches, which nothing reports".into();
            let help = "add a rule that has to match, as in `a and not b`";
            self.refuse(&codes::SILENT_CONDITION, node.span, message, help);
            return None;
        }
        let text = node.text().unwrap_or_default().to_owned();
        Some(NameCondition { text, condition, span: node.span })
    }
}

/// Returns true if a condition holds where no rule has an event.
fn holds_in_silence(condition: &Condition) -> bool {
    match condition {
        Condition::Selection(_) => false,
        Condition::All(parts) => parts.iter().all(holds_in_silence),
        Condition::Any(parts) => parts.iter().any(holds_in_silence),
        Condition::Not(part) => !holds_in_silence(part),
    }
}
