//! Rules that run, and do not do what their author meant: evadable, never true, noisy, or nameless.
//!
//! Every finding is a warning: the rule runs as it is written.

mod attack;
mod behaviour;
pub mod codes;
mod condition;
mod duplicate;
mod host;
mod host_fix;
mod metadata;
mod regex;
mod value;
mod value_fix;
mod value_set;
mod written;

use std::collections::BTreeSet;

use crate::logsource::{AtProxy, field_at_proxy};
use crate::rule::{Condition, Item, Rule, Search};
use diagnostics::{Code, Diagnostic, Fix, Place, Span};

pub use duplicate::detection_key;
pub use written::Written;

/// What lints may know from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct LintOptions<'l> {
    /// The technique ids (`T1102.002`) and tactic names (`command-and-control`) of the ATT&CK version in
    /// use, in lower case; without them ids are only compared with those that are known to be retired.
    pub attack: Option<&'l BTreeSet<String>>,
    /// The whole file that contains the rule; without it nothing has a fix.
    pub written: Option<&'l Written<'l>>,
}

/// Returns everything that looks wrong in one rule, in the order of the text.
pub fn lint<'r>(rule: &'r Rule, options: LintOptions<'r>) -> Vec<Diagnostic> {
    let mut report = Report::new(rule, options);
    metadata::check(&mut report);
    attack::check(&mut report, options);
    condition::check(&mut report);
    behaviour::check_rule(&mut report);
    for (item, excludes) in items(rule) {
        host::check(&mut report, item, excludes);
        value::check(&mut report, item);
        regex::check(&mut report, item);
        behaviour::check_values(&mut report, item);
    }
    report.findings.sort_by(|left, right| left.place.cmp(&right.place));
    report.findings
}

/// Which items of a rule hold for other hosts where a pack is compiled with
/// [`HostMatching::Labels`](inspect::pack::HostMatching::Labels).
pub fn lint_labels<'r>(rule: &'r Rule, options: LintOptions<'r>) -> Vec<Diagnostic> {
    let mut report = Report::new(rule, options);
    host::labels(&mut report);
    report.findings
}

/// What looks wrong between rules: the same detection under two ids.
pub fn lint_together<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Vec<Diagnostic> {
    duplicate::check(rules)
}

struct Report<'r> {
    rule: &'r Rule,
    written: Option<&'r Written<'r>>,
    findings: Vec<Diagnostic>,
    /// The fields for which the rule lists whole host names, once that was needed.
    whole_hosts: Option<BTreeSet<&'static str>>,
    /// Returns true if nothing that a scan finds has to be there for the rule to match, once that was needed.
    runs_always: Option<bool>,
}

impl<'r> Report<'r> {
    fn new(rule: &'r Rule, options: LintOptions<'r>) -> Report<'r> {
        let findings = Vec::new();
        Report { rule, written: options.written, findings, whole_hosts: None, runs_always: None }
    }

    fn add(&mut self, code: &'static Code, span: Span, message: String, help: impl Into<String>) {
        let place = Place { file: self.rule.file.clone(), span };
        self.findings.push(Diagnostic { code, message, help: help.into(), place, fix: None });
    }

    /// Sets the fix of the last finding, unless it would change more than this rule.
    fn fix(&mut self, fix: Option<Fix>) {
        if let Some(last) = self.findings.last_mut() {
            last.fix = fix.filter(|fix| !fix.touches(&self.rule.shared)).map(Box::new);
        }
    }

    /// The field of the proxy taxonomy that an item looks at.
    fn proxy_field(&self, item: &Item) -> Option<&'static str> {
        match field_at_proxy(&self.rule.logsource, item.field.as_deref()?)? {
            AtProxy::Field(field) => Some(field),
            AtProxy::Always(_) => None,
        }
    }
}

/// The items that the condition uses, each with whether it excludes: is under a `not`. A search identifier
/// that is named several times is there once, or twice where it excludes in some places and not in others.
fn items(rule: &Rule) -> Vec<(&Item, bool)> {
    fn of_condition(
        condition: &Condition,
        excludes: bool,
        named: &mut BTreeSet<(usize, bool)>,
        order: &mut Vec<(usize, bool)>,
    ) {
        match condition {
            Condition::Selection(idx) => {
                if named.insert((*idx, excludes)) {
                    order.push((*idx, excludes));
                }
            }
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    of_condition(part, excludes, named, order);
                }
            }
            Condition::Not(part) => of_condition(part, !excludes, named, order),
        }
    }
    fn of_search<'r>(search: &'r Search, excludes: bool, items: &mut Vec<(&'r Item, bool)>) {
        search.items(&mut |item| items.push((item, excludes != item.negated)));
    }
    let mut order = Vec::new();
    of_condition(&rule.condition, false, &mut BTreeSet::new(), &mut order);
    let mut items = Vec::new();
    for (idx, excludes) in order {
        if let Some(selection) = rule.selections.get(idx) {
            of_search(&selection.search, excludes, &mut items);
        }
    }
    items
}

/// A text in backticks, cut where it is long.
fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(60).collect();
    if chars.next().is_some() { format!("`{start}...`") } else { format!("`{start}`") }
}
