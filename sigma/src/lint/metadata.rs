//! What those who get an alert need to know.

use super::{Report, codes, quoted, written};
use diagnostics::{Fix, Span};

pub(super) fn check(report: &mut Report<'_>) {
    missing(report);
    id(report);
    date(report, "date", report.rule.metadata.date.as_deref());
    date(report, "modified", report.rule.metadata.modified.as_deref());
}

fn missing(report: &mut Report<'_>) {
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
        report.add(
            &codes::MISSING_METADATA,
            start(report),
            format!("the rule has no {}", missing.join(", ")),
            "add what is missing: alerts, pages and coverage are built from it",
        );
    }
}

/// The specification recommends version 4, and asks for any UUID.
fn id(report: &mut Report<'_>) {
    let Some(id) = report.rule.metadata.id.as_deref().filter(|id| !is_uuid(id)) else { return };
    let span = place(report, "id", id).unwrap_or_else(|| start(report));
    let help = "give it a random UUID, as `uuidgen` makes one";
    report.add(&codes::MALFORMED_ID, span, format!("the id {} is not a UUID", quoted(id)), help);
}

fn date(report: &mut Report<'_>, key: &str, date: Option<&str>) {
    let Some(date) = date.filter(|date| !is_date(date)) else { return };
    let at = place(report, key, date);
    let older = Some(date.replace('/', "-")).filter(|date| is_date(date));
    let message = format!("`{key}` is not a date: {}", quoted(date));
    let help = match &older {
        Some(date) => format!("write `{date}`, as version 2 of the specification does"),
        None => "write a day of the calendar as `YYYY-MM-DD`".to_owned(),
    };
    report.add(&codes::MALFORMED_DATE, at.unwrap_or_else(|| start(report)), message, help);
    report.fix(at.zip(older).map(|(at, date)| Fix::replace(at, &date)));
}

fn start(report: &Report<'_>) -> Span {
    Span::point(report.rule.span.line, report.rule.span.column)
}

fn place(report: &Report<'_>, key: &str, value: &str) -> Option<Span> {
    report.written.and_then(|written| written::value(written, report.rule.span, key, value))
}

/// The form of RFC 9562, which takes both cases: 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

/// The extended form of ISO 8601: `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let mut numbers = text.split('-').map(|part| {
        part.parse::<u32>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let mut number = || numbers.next().flatten();
    let (Some(year), Some(month), Some(day)) = (number(), number(), number()) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let n_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    text.split('-').map(str::len).eq([4, 2, 2]) && (1..=n_days).contains(&day)
}
