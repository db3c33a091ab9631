//! Tags: their form, and whether ATT&CK knows them.

use super::{LintOptions, Report, codes};
use crate::diagnostic::Span;

/// What ATT&CK once had, and what took its place (attack.mitre.org, version pages).
const RETIRED: &[(&str, &str)] = &[
    ("defense-evasion", "`attack.stealth` or `attack.defense-impairment` since ATT&CK 19"),
    ("t1043", "T1571 since ATT&CK 7"),
    ("t1065", "T1571 since ATT&CK 7"),
    ("t1086", "T1059.001 since ATT&CK 7"),
    ("t1094", "T1095 since ATT&CK 7"),
    ("t1172", "T1090.004 since ATT&CK 7"),
    ("t1188", "T1090.003 since ATT&CK 7"),
    ("t1483", "T1568.002 since ATT&CK 7"),
];

pub(super) fn check(report: &mut Report<'_>, options: LintOptions<'_>) {
    let rule = report.rule;
    let span = Span::point(rule.span.line, rule.span.column);
    for tag in &rule.metadata.tags {
        if !is_well_formed(tag) {
            report.add(
                &codes::MALFORMED_TAG,
                span,
                format!("`{tag}` is not a tag"),
                "write `namespace.name` in lower case, as `attack.t1102.002`",
            );
            continue;
        }
        let Some(name) = tag.strip_prefix("attack.") else { continue };
        if name.contains('_') {
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("`{tag}` is written with underscores"),
                format!("write `attack.{}`", name.replace('_', "-")),
            );
            continue;
        }
        if let Some((_, instead)) = RETIRED.iter().find(|(retired, _)| *retired == name) {
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("ATT&CK has retired `{name}`"),
                format!("use {instead}"),
            );
            continue;
        }
        // Groups and software (`g0016`, `s0154`) are not part of the list.
        let is_listed_kind =
            !name.starts_with(['g', 's', 'c']) || name.contains('-') || name.len() < 5;
        if options.attack.is_some_and(|known| !known.contains(name)) && is_listed_kind {
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("the ATT&CK version in use has no `{name}`"),
                "check the id; a newer one needs a newer ATT&CK bundle",
            );
        }
    }
}

/// The specification's form of a tag.
fn is_well_formed(tag: &str) -> bool {
    let plain = |text: &str, more: &[u8]| {
        !text.is_empty()
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || b"_-".contains(&byte)
                    || more.contains(&byte)
            })
    };
    tag.split_once('.').is_some_and(|(namespace, name)| plain(namespace, b"") && plain(name, b"."))
}
