//! Conditions: exemptions that the client writes, nothing positive, names that are not used.

use super::{Report, codes, items};
use crate::rule::{Rule, ValueTest};

/// What the client writes as it likes. Whether it is a service's own client is read off its user agent.
const CLIENT_FIELDS: &[&str] = &["c-useragent", "cs-referrer", "cs-cookie", "tidegate.client"];

pub(super) fn check(report: &mut Report<'_>) {
    for (item, excludes) in items(report.rule) {
        // A header that must not be null is not an exemption by its value.
        let by_value = item
            .values
            .iter()
            .any(|value| !matches!(value.test, ValueTest::Null | ValueTest::Exists(_)));
        let Some(field) = report.proxy_field(item).filter(|field| CLIENT_FIELDS.contains(field))
        else {
            continue;
        };
        if excludes && by_value {
            report.add(
                &codes::CLIENT_EXEMPTION,
                item.span,
                format!("the client chooses its `{field}`, and so whether the rule sees it"),
                "exempt by source or host, or ask for the values of the abuse instead",
            );
        }
    }
    let positive = items(report.rule).into_iter().any(|(item, excludes)| {
        !excludes
            && item
                .values
                .iter()
                .any(|value| !matches!(value.test, ValueTest::Null | ValueTest::Exists(false)))
    });
    if !positive {
        report.add(
            &codes::NO_POSITIVE,
            report.rule.span,
            "the rule has no positive condition".into(),
            "add a selection of what the event has to contain",
        );
    }
    unused(report);
}

fn unused(report: &mut Report<'_>) {
    let rule: &Rule = report.rule;
    let used = rule.condition.selections();
    for (idx, selection) in rule.selections.iter().enumerate() {
        if !used.contains(&idx) && !selection.name.starts_with('_') {
            report.add(
                &codes::UNUSED_SELECTION,
                selection.span,
                format!("the condition does not use `{}`", selection.name),
                "use it in the condition, or remove it; a name that starts with `_` says that it is meant so",
            );
        }
    }
}
