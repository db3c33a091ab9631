//! Regular expressions that cost more than they need to.

use super::{Report, codes, quoted};
use crate::compile::Compiler;
use crate::compile::regex::Machine;
use crate::rule::{Item, Rule, ValueTest};

pub(super) fn check(report: &mut Report<'_>, item: &Item) {
    for value in &item.values {
        let ValueTest::Regex(regex) = &value.test else { continue };
        // An expression that cannot be compiled has its error already.
        let Ok(compiled) = regex.compiled() else { continue };
        if matches!(compiled.machine, Machine::Nfa(_)) {
            report.add(
                &codes::REGEX_SLOW,
                value.span,
                format!("{} counts too far for a table of states", quoted(&value.text)),
                "count less far, as `.{1,32}`, or use `.*`",
            );
        }
        if compiled.literals.is_none() && runs_always(report) {
            report.add(
                &codes::REGEX_UNGATED,
                value.span,
                format!(
                    "{} has no text of two or more characters that every match contains",
                    quoted(&value.text)
                ),
                "name what surrounds it, or ask for another field in the same selection too",
            );
        }
    }
}

/// Returns true if nothing that is found by a scan has to be there for the rule to match.
fn runs_always(report: &mut Report<'_>) -> bool {
    let rule: &Rule = report.rule;
    *report.runs_always.get_or_insert_with(|| {
        let mut compiler = Compiler::new("", 0);
        compiler.add(rule).is_ok() && compiler.is_unguarded()
    })
}
