//! Tags: their form, and whether ATT&CK knows them.

use super::{LintOptions, Report, codes, written};
use diagnostics::{Fix, Span, closest};

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

/// The tactics of ATT&CK 19.
const TACTICS: &[&str] = &[
    "collection",
    "command-and-control",
    "credential-access",
    "defense-impairment",
    "discovery",
    "execution",
    "exfiltration",
    "impact",
    "initial-access",
    "lateral-movement",
    "persistence",
    "privilege-escalation",
    "reconnaissance",
    "resource-development",
    "stealth",
];

/// The namespaces of tags, by the appendix on tags of Sigma's specification.
const NAMESPACES: &[&str] = &["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];

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
        let Some(name) = tag.strip_prefix("attack.") else {
            namespace(report, tag, span);
            continue;
        };
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
        let is_known = options.attack.is_some_and(|known| known.contains(name));
        let kind = kind_of(name);
        if kind == Kind::Other && !is_known {
            let near = closest(name, TACTICS.iter().copied());
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("`{tag}` is neither an id nor a tactic of ATT&CK"),
                match near {
                    Some(near) => format!("did you mean `attack.{near}`?"),
                    None => "a technique is `attack.t1102` or `attack.t1102.002`, a tactic `attack.command-and-control`".to_owned(),
                },
            );
            if let Some(near) = near {
                rewrite(report, tag, &format!("attack.{near}"));
            }
        } else if options.attack.is_some() && !is_known && kind != Kind::OtherId {
            report.add(
                &codes::UNKNOWN_ATTACK,
                span,
                format!("the ATT&CK version in use has no `{name}`"),
                "check the id; a newer one needs a newer ATT&CK bundle",
            );
        }
    }
}

/// What a name in ATT&CK's namespace is by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A technique or a tactic, of which there may be a list.
    Listed,
    /// A group, software, a campaign, a data source or component, a mitigation, or a tactic by its id.
    OtherId,
    /// No id, and no tactic.
    Other,
}

fn kind_of(name: &str) -> Kind {
    let is_number = |text: &str, n_digits: usize| {
        text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_id = |prefix: &&str| name.strip_prefix(*prefix).is_some_and(|it| is_number(it, 4));
    let is_technique = name.strip_prefix('t').is_some_and(|id| match id.split_once('.') {
        Some((technique, sub)) => is_number(technique, 4) && is_number(sub, 3),
        None => is_number(id, 4),
    });
    if is_technique || TACTICS.contains(&name) {
        Kind::Listed
    } else if ["g", "s", "c", "m", "ds", "dc", "ta"].iter().any(is_id) {
        Kind::OtherId
    } else {
        Kind::Other
    }
}

/// Reports a tag of a namespace that Sigma does not have: other tools refuse it, and no page counts it.
fn namespace(report: &mut Report<'_>, tag: &str, span: Span) {
    let namespace = tag.split('.').next().unwrap_or_default();
    if NAMESPACES.contains(&namespace) {
        return;
    }
    // Any short name is near any other.
    let near = closest(namespace, NAMESPACES.iter().copied()).filter(|_| namespace.len() > 3);
    report.add(
        &codes::MALFORMED_TAG,
        span,
        format!("`{tag}` is in no namespace of Sigma"),
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the namespaces are `{}`", NAMESPACES.join("`, `")),
        },
    );
    if let (Some(near), Some((_, name))) = (near, tag.split_once('.')) {
        rewrite(report, tag, &format!("{near}.{name}"));
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
