//! Filters: conditions that are added to other rules.
//!
//! A filter's condition is added as it is written, as pySigma does: a rule matches where its own
//! condition holds **and** the filter's does. A filter that leaves out an administrator says
//! `condition: not selection`. The example in the specification reads as if the sign were the other
//! way; no engine that we know of but rsigma follows it.

use std::sync::Arc;

use crate::codes;
use crate::correlation::Reference;
use crate::rule::{Condition, Logsource, Metadata, Rule, Selection};
use diagnostics::{Diagnostic, Place, Span};

/// A Sigma filter.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The name of the text that it was read from.
    pub file: Arc<str>,
    /// Where it starts there.
    pub span: Span,
    /// What is said about it.
    pub metadata: Metadata,
    /// The logs whose rules it applies to.
    pub logsource: Logsource,
    /// The rules that it applies to.
    pub applies: Applies,
    /// Its search identifiers.
    pub selections: Vec<Selection>,
    /// What has to hold beside the rule's own condition.
    pub condition: Condition,
}

/// Which rules a filter applies to.
#[derive(Clone, Debug)]
pub enum Applies {
    /// All rules of its log source (`any`, or an empty list).
    Any,
    /// The rules of its log source with one of these ids or names.
    To(Vec<Reference>),
}

/// Adds filters to the rules that they apply to.
///
/// `rules` are all rules there are: a filter that names a rule which is not among them is reported. The
/// rules stay as they are where no filter applies.
pub fn apply_filters<'r>(
    rules: impl IntoIterator<Item = &'r mut Rule>,
    filters: &[Filter],
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut rules: Vec<&mut Rule> = rules.into_iter().collect();
    for filter in filters {
        let references = match &filter.applies {
            Applies::Any => {
                for rule in rules.iter_mut().filter(|rule| covers(filter, rule)) {
                    add(filter, rule);
                }
                continue;
            }
            Applies::To(references) => references,
        };
        let mut n_found = vec![0usize; references.len()];
        for rule in &mut rules {
            let metadata = &rule.metadata;
            let names = [metadata.id.as_deref(), metadata.name.as_deref()];
            // A rule may be named twice, as by its id and its name; the filter is added once.
            let mut found = None;
            for (reference, n_found) in references.iter().zip(&mut n_found) {
                if names.contains(&Some(reference.text.as_str())) {
                    *n_found += 1;
                    found = found.or(Some(reference));
                }
            }
            let Some(reference) = found else { continue };
            if covers(filter, rule) {
                add(filter, rule);
                continue;
            }
            diagnostics.push(Diagnostic {
                code: &codes::FILTER_OF_OTHER_LOGS,
                message: format!("`{}` is a rule of other logs than this filter", reference.text),
                help: "give the filter the rule's `logsource`, or less of it".into(),
                place: Place { file: filter.file.clone(), span: reference.span },
                fix: None,
            });
        }
        for (reference, n_found) in references.iter().zip(n_found) {
            if n_found == 0 {
                diagnostics.push(Diagnostic {
                    code: &codes::UNKNOWN_RULE,
                    message: format!("there is no rule `{}`", reference.text),
                    help: "give the `id` or the `name` of a rule that is read together with the filter"
                        .into(),
                    place: Place { file: filter.file.clone(), span: reference.span },
                    fix: None,
                });
            }
        }
    }
    diagnostics
}

/// Returns true if a filter's log source contains a rule's: what it says, the rule says too.
fn covers(filter: &Filter, rule: &Rule) -> bool {
    let pairs = [
        (&filter.logsource.category, &rule.logsource.category),
        (&filter.logsource.product, &rule.logsource.product),
        (&filter.logsource.service, &rule.logsource.service),
    ];
    pairs.into_iter().all(|(wanted, given)| wanted.is_none() || wanted == given)
}

fn add(filter: &Filter, rule: &mut Rule) {
    let offset = rule.selections.len();
    rule.selections.extend(filter.selections.iter().cloned());
    let own = std::mem::replace(&mut rule.condition, Condition::Any(Vec::new()));
    rule.condition = Condition::All(vec![own, shifted(&filter.condition, offset)]);
}

/// A condition over selections that are now `offset` places later.
fn shifted(condition: &Condition, offset: usize) -> Condition {
    let all = |parts: &[Condition]| parts.iter().map(|part| shifted(part, offset)).collect();
    match condition {
        Condition::Selection(idx) => Condition::Selection(idx + offset),
        Condition::All(parts) => Condition::All(all(parts)),
        Condition::Any(parts) => Condition::Any(all(parts)),
        Condition::Not(part) => Condition::Not(Box::new(shifted(part, offset))),
    }
}
