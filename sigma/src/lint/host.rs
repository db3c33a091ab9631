//! Host values: label boundaries, the apex, and what no host can be.

use std::collections::BTreeSet;

use inspect::pack::HostMatching;

use super::{Report, codes, host_fix, items, quoted};
use crate::hosts::{HOST_FIELDS, changed_items};
use crate::rule::{Item, Token, Value, ValueTest};

pub(super) fn check(report: &mut Report<'_>, item: &Item, excludes: bool) {
    let Some(field) = report.proxy_field(item).filter(|field| HOST_FIELDS.contains(field)) else {
        return;
    };
    let mut without_apex = Vec::new();
    for value in &item.values {
        for tokens in variants(value) {
            if let [Token::Many, Token::Literal(suffix)] = tokens.as_slice() {
                boundary(report, item, value, suffix, excludes);
                without_apex.extend(apex(suffix));
            }
        }
    }
    // Whoever lists whole names beside suffixes has thought of the difference.
    if !without_apex.is_empty() && !lists_whole_hosts(report, field) {
        let names = without_apex.join("`, `");
        report.add(
            &codes::HOST_APEX,
            item.span,
            format!("suffixes that start with a dot do not match the domain itself: `{names}`"),
            "list the domains too, where they serve what the rule looks for",
        );
        report.fix(
            report.written.and_then(|written| host_fix::fix(written, item, HostMatching::Text)),
        );
    }
}

/// The items that mean something else where a pack matches hosts by labels.
pub(super) fn labels(report: &mut Report<'_>) {
    for item in changed_items(report.rule) {
        let values: Vec<_> = item.values.iter().map(|value| value.text.as_str()).collect();
        report.add(
            &codes::HOST_LABELS,
            item.span,
            format!("by labels, `{}` holds for other hosts than as text", item.label),
            format!(
                "suffixes mean domains and all below them: {}; list a domain and, with its dot, what is below it to mean the same either way",
                quoted(&values.join(" "))
            ),
        );
        let fix = |written| host_fix::fix(written, item, HostMatching::Labels);
        report.fix(report.written.and_then(fix));
    }
}

/// The domain below which a suffix matches, where a domain itself can be meant: two labels.
pub(super) fn apex(suffix: &[u8]) -> Option<String> {
    let apex = str::from_utf8(suffix).ok()?.strip_prefix('.')?;
    (apex.split('.').count() == 2).then(|| apex.to_owned())
}

fn lists_whole_hosts(report: &mut Report<'_>, field: &str) -> bool {
    if report.whole_hosts.is_none() {
        report.whole_hosts = Some(whole_hosts(report));
    }
    report.whole_hosts.as_ref().is_some_and(|fields| fields.contains(field))
}

/// The fields for which the rule lists whole host names.
fn whole_hosts(report: &Report<'_>) -> BTreeSet<&'static str> {
    let listing = items(report.rule).into_iter().filter(|(item, _)| {
        item.values.iter().flat_map(variants).any(|tokens| {
            matches!(
                tokens.as_slice(),
                [Token::Literal(_)] | [Token::Many, Token::Literal(_), Token::Many]
            )
        })
    });
    listing.filter_map(|(item, _)| report.proxy_field(item)).collect()
}

fn variants(value: &Value) -> &[Vec<Token>] {
    match &value.test {
        ValueTest::Text { variants, .. } => variants,
        _ => &[],
    }
}

/// Returns true if a suffix is a whole name without a dot in front of it.
pub(super) fn lacks_boundary(suffix: &[u8]) -> bool {
    suffix.first().is_some_and(u8::is_ascii_alphanumeric) && suffix.contains(&b'.')
}

fn boundary(report: &mut Report<'_>, item: &Item, value: &Value, suffix: &[u8], excludes: bool) {
    if !lacks_boundary(suffix) {
        return;
    }
    let name = String::from_utf8_lossy(suffix);
    let what = if excludes { "exempts" } else { "matches" };
    report.add(
        &codes::HOST_BOUNDARY,
        value.span,
        format!("`{name}` as a suffix also {what} `evil{name}`"),
        format!("list the name itself, and `.{name}` with `endswith`"),
    );
    report.fix(report.written.and_then(|written| host_fix::fix(written, item, HostMatching::Text)));
}
