//! Tags: their form, and whether ATT&CK knows them.

use super::{LintOptions, Report, codes, written};
use diagnostics::{Fix, Span};

/// What ATT&CK once had, what took its place, and since which version (attack.mitre.org, version
/// pages).
const RETIRED: &[(&str, &[&str], u32)] = &[
    ("defense-evasion", &["stealth", "defense-impairment"], 19),
    ("t1043", &["t1571"], 7),
    ("t1065", &["t1571"], 7),
    ("t1086", &["t1059.001"], 7),
    ("t1094", &["t1095"], 7),
    ("t1172", &["t1090.004"], 7),
    ("t1188", &["t1090.003"], 7),
    ("t1483", &["t1568.002"], 7),
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
            let lower = tag.to_lowercase();
            if is_well_formed(&lower) {
                rewrite(report, tag, &lower);
            }
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
            rewrite(report, tag, &tag.replace('_', "-"));
            continue;
        }
        if let Some((_, instead, since)) = RETIRED.iter().find(|(retired, ..)| *retired == name) {
            let names: Vec<_> = instead.iter().map(|name| format!("`attack.{name}`")).collect();
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("ATT&CK has retired `{name}`"),
                format!("use {} since ATT&CK {since}", names.join(" or ")),
            );
            if let [only] = instead {
                rewrite(report, tag, &format!("attack.{only}"));
            }
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

/// Offers to write another tag, where the rule does not have it already.
fn rewrite(report: &mut Report<'_>, tag: &str, instead: &str) {
    let rule = report.rule;
    if rule.metadata.tags.iter().any(|tag| tag == instead) {
        return;
    }
    let at = report.written.and_then(|written| written::tag(written, rule.span, tag));
    report.fix(at.map(|at| Fix::replace(at, instead)));
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
