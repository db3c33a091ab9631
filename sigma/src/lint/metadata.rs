//! What those who get an alert need to know.

use super::{Report, codes};
use crate::diagnostic::Span;

pub(super) fn check(report: &mut Report<'_>) {
    let metadata = &report.rule.metadata;
    let given = [
        ("id", metadata.id.is_some()),
        ("status", metadata.status.is_some()),
        ("description", metadata.description.is_some()),
        ("author", metadata.author.is_some()),
        ("date", metadata.date.is_some()),
        ("tags", !metadata.tags.is_empty()),
        ("falsepositives", !metadata.falsepositives.is_empty()),
        ("level", metadata.level.is_some()),
    ];
    let missing: Vec<_> =
        given.iter().filter(|(_, given)| !given).map(|(key, _)| format!("`{key}`")).collect();
    if !missing.is_empty() {
        let span = Span::point(report.rule.span.line, report.rule.span.column);
        report.add(
            &codes::MISSING_METADATA,
            span,
            format!("the rule has no {}", missing.join(", ")),
            "add what is missing: alerts, pages and coverage are built from it",
        );
    }
}
