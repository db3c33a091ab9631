//! What the fixes do to a text, and that they leave nothing to fix.

use diagnostics::Diagnostic;
use sigma::lint::{LintOptions, Written, lint, lint_labels};
use sigma::{Source, parse};

use crate::hosts::matches;

/// Every finding of a text that is one rule.
fn findings(text: &str) -> Vec<Diagnostic> {
    let parsed = parse(&Source::new("rule.yml", text));
    let written = Written::new(text);
    let options = LintOptions { attack: None, written: Some(&written) };
    let found = parsed.rules.iter().flat_map(|rule| lint(rule, options));
    parsed.diagnostics.iter().cloned().chain(found).collect()
}

/// What a rule of such a text means in another way by labels.
fn findings_by_labels(text: &str) -> Vec<Diagnostic> {
    let parsed = parse(&Source::new("rule.yml", text));
    let written = Written::new(text);
    let options = LintOptions { attack: None, written: Some(&written) };
    parsed.rules.iter().flat_map(|rule| lint_labels(rule, options)).collect()
}

/// The text after the first fix that is offered.
fn fixed(text: &str) -> Option<String> {
    first_fixed(text, findings(text))
}

fn first_fixed(text: &str, findings: Vec<Diagnostic>) -> Option<String> {
    let fix = findings.into_iter().find_map(|finding| finding.fix)?;
    let written = Written::new(text);
    let mut out = text.to_owned();
    for edit in fix.edits.iter().rev() {
        out.replace_range(written.range(edit.span).unwrap(), &edit.replacement);
    }
    Some(out)
}

fn rule(tags: &str, detection: &str) -> String {
    format!("title: t\ntags:\n{tags}logsource: {{category: proxy}}\ndetection:\n{detection}")
}

#[test]
fn mechanical_findings_are_fixed_in_the_spelling_of_the_author() {
    for (detection, expect) in [
        (
            "  s:\n    cs-host|endswith: pastebin.com\n  condition: s\n",
            "  s:\n    cs-host: [pastebin.com, '*.pastebin.com']\n  condition: s\n",
        ),
        (
            "  s:\n    cs-host|endswith:\n      - 'a.example' # one\n      - .b.example\n      - .onion\n  condition: s\n",
            "  s:\n    cs-host:\n      - 'a.example'\n      - '*.a.example' # one\n      - b.example\n      - '*.b.example'\n      - '*.onion'\n  condition: s\n",
        ),
        (
            "  s:\n    - c-uri: x\n      cs-host|endswith: [\".t.me\", .1.23]\n  condition: s\n",
            "  s:\n    - c-uri: x\n      cs-host: [\"t.me\", \"*.t.me\", '1.23', '*.1.23']\n  condition: s\n",
        ),
        (
            "  s: {cs-host: ['*.t.me', 'a*b']}\n  condition: s\n",
            "  s: {cs-host: ['t.me', '*.t.me', 'a*b']}\n  condition: s\n",
        ),
        (
            "  f:\n    cs-host|endswith|neq: a.example\n  condition: f\n",
            "  f:\n    cs-host|neq: [a.example, '*.a.example']\n  condition: f\n",
        ),
        (
            "  s:\r\n    cs-host|endswith:\r\n      - a.example\r\n  condition: s\r\n",
            "  s:\r\n    cs-host:\r\n      - a.example\r\n      - '*.a.example'\r\n  condition: s\r\n",
        ),
        (
            "  s:\n    cs-host: ['a.example:443', b.example]\n  condition: s\n",
            "  s:\n    cs-host: ['a.example', b.example]\n  condition: s\n",
        ),
        (
            "  s:\n    cs-host: https://a.example/\n  condition: s\n",
            "  s:\n    cs-host: a.example\n  condition: s\n",
        ),
        (
            "  s:\n    c-uri-extension:\n      - '.exe'\n      - exe # x\n  condition: s\n",
            "  s:\n    c-uri-extension:\n      - 'exe'\n      - exe # x\n  condition: s\n",
        ),
        (
            "  s:\n    c-uri|contains: '/a.php?id='\n  condition: s\n",
            "  s:\n    c-uri|contains: '/a.php\\?id='\n  condition: s\n",
        ),
        (
            "  s:\n    c-uri|contains: \"/a.php?id=\"\n  condition: s\n",
            "  s:\n    c-uri|contains: \"/a.php\\\\?id=\"\n  condition: s\n",
        ),
        (
            "  s:\n    sc-status: 4xx\n  condition: s\n",
            "  s:\n    sc-status: '4??'\n  condition: s\n",
        ),
        (
            "  s:\n    cs-method: 'get '\n  condition: s\n",
            "  s:\n    cs-method: 'GET'\n  condition: s\n",
        ),
        (
            "  s:\n    cs-version: 1.1\n  condition: s\n",
            "  s:\n    cs-version: HTTP/1.1\n  condition: s\n",
        ),
        (
            "  s:\n    src_ip: [10.0.0.0/8, 192.168.0.0/16]\n  condition: s\n",
            "  s:\n    src_ip|cidr: [10.0.0.0/8, 192.168.0.0/16]\n  condition: s\n",
        ),
        (
            "  s:\n    tidegate.anomaly: ip.litteral\n  condition: s\n",
            "  s:\n    tidegate.anomaly: ip.literal\n  condition: s\n",
        ),
        (
            "  s:\n    cs-host: 'a[.]example'\n  condition: s\n",
            "  s:\n    cs-host: 'a.example'\n  condition: s\n",
        ),
        // A carriage return alone ends a line in YAML.
        ("\r\r  s: {cs-hots: a}\n  condition: s\n", "\r\r  s: {cs-host: a}\n  condition: s\n"),
        ("  s: {cs-hots: a}\n  condition: s\n", "  s: {cs-host: a}\n  condition: s\n"),
        (
            "  s: {'cs-host|contian': a}\n  condition: s\n",
            "  s: {'cs-host|contains': a}\n  condition: s\n",
        ),
        ("  sel: {c-uri: a}\n  condition: not sle\n", "  sel: {c-uri: a}\n  condition: not sel\n"),
        ("  s: {c-uri: a}\n  condition: 's OR s'\n", "  s: {c-uri: a}\n  condition: 's or s'\n"),
    ] {
        let once = fixed(&rule("", detection)).unwrap_or_else(|| panic!("no fix: {detection}"));
        assert_eq!(once, rule("", expect));
        assert_eq!(fixed(&once), None, "nothing is left to fix: {once}");
    }
}

#[test]
fn tags_are_written_as_attack_writes_them_now() {
    let detection = "  s: {c-uri: a}\n  condition: s\n";
    for (tags, expect) in [
        ("  - attack.t1086\n  - attack.t1102\n", "  - attack.t1059.001\n  - attack.t1102\n"),
        ("- attack.T1102 # attack.T1102\n", "- attack.t1102 # attack.T1102\n"),
        (
            "  - attack.t1102\n  - 'attack.command_and_control'\n",
            "  - attack.t1102\n  - 'attack.command-and-control'\n",
        ),
        ("  [attack.t1043, attack.t10431]\n", "  [attack.t1571, attack.t10431]\n"),
    ] {
        assert_eq!(fixed(&rule(tags, detection)), Some(rule(expect, detection)), "{tags}");
    }
}

const HOSTS: &[&str] = &[
    "pastebin.com",
    "www.pastebin.com",
    "evilpastebin.com",
    "blob.core.example",
    "a.blob.core.example",
    "ablob.core.example",
    "onion",
    "a.onion",
    "aonion",
    "-cdn.example",
    "a-cdn.example",
    "1.example",
    "a.1.example",
    "11.example",
    "t.me",
    "a.t.me",
    "a.b.c",
    "x.a.b.c",
    "xa.b.c",
];

#[test]
fn what_labels_mean_is_written_out() {
    for (item, written) in [
        ("cs-host|endswith: pastebin.com", "cs-host: [pastebin.com, '*.pastebin.com']"),
        (
            "cs-host|endswith: .blob.core.example",
            "cs-host: [blob.core.example, '*.blob.core.example']",
        ),
        ("cs-host: '*.blob.core.example'", "cs-host: ['blob.core.example', '*.blob.core.example']"),
        ("cs-host|endswith: .onion", "cs-host: [onion, '*.onion']"),
        ("cs-host|endswith: onion", "cs-host: [onion, '*.onion']"),
        (
            "cs-host|endswith: [-cdn.example, .1.example]",
            "cs-host: ['*-cdn.example', '1.example', '*.1.example']",
        ),
        ("cs-host: [t.me, '*.t.me', '*.a.b.c']", "cs-host: [t.me, '*.t.me', 'a.b.c', '*.a.b.c']"),
        ("r-dns|endswith|neq: .a.b.c", "r-dns|neq: [a.b.c, '*.a.b.c']"),
    ] {
        let (before, expect) = (
            rule("", &format!("  s:\n    {item}\n  condition: s\n")),
            rule("", &format!("  s:\n    {written}\n  condition: s\n")),
        );
        let after = first_fixed(&before, findings_by_labels(&before));
        assert_eq!(after.as_ref(), Some(&expect));
        assert_eq!(findings_by_labels(&expect), [], "{expect}");
        for host in HOSTS {
            let [_, by_labels] = matches("{category: proxy}", item, host);
            assert_eq!(
                matches("{category: proxy}", written, host),
                [by_labels; 2],
                "{item}: {host}"
            );
        }
    }
    for item in [
        "cs-host|endswith|all: [.t.me, a.t.me]",
        "cs-host|endswith: \"\\x2et.me\"",
        "cs-host: '*.*.t.me'",
    ] {
        let text = rule("", &format!("  s:\n    {item}\n  condition: s\n"));
        assert_eq!(first_fixed(&text, findings_by_labels(&text)), None, "{item}");
    }
}

#[test]
fn dates_of_the_older_form_are_written_anew() {
    let rest = "logsource: {category: proxy}\ndetection: {s: {c-uri: a}, condition: s}\n";
    for (date, expect) in [
        ("date: 2026/01/02", Some("date: 2026-01-02")),
        ("modified: '2026/01/02' # 2026/01/02", Some("modified: '2026-01-02' # 2026/01/02")),
        ("date: 2026/13/45", None),
        ("date: 02.01.2026", None),
        // Where it is not found in the text.
        ("date:\n  2026/01/02", None),
        ("'date': 2026/01/02", None),
    ] {
        let text = |date: &str| format!("title: t\n{date}\n{rest}");
        assert_eq!(fixed(&text(date)), expect.map(text), "{date}");
    }
}

#[test]
fn an_anchor_elsewhere_or_without_an_alias_keeps_no_fix_away() {
    for (detection, expect) in [
        (
            "  s: {cs-host|endswith: &x [.a.example]}\n  condition: s\n",
            "  s: {cs-host: &x [a.example, '*.a.example']}\n  condition: s\n",
        ),
        (
            "  t:\n    c-uri: &x\n      - a\n    c-useragent: *x\n    cs-host|endswith: .a.example\n  condition: t\n",
            "  t:\n    c-uri: &x\n      - a\n    c-useragent: *x\n    cs-host: [a.example, '*.a.example']\n  condition: t\n",
        ),
    ] {
        assert_eq!(fixed(&rule("", detection)), Some(rule("", expect)), "{detection}");
    }
}

#[test]
fn what_takes_a_person_to_change_has_no_fix() {
    for (tags, detection) in [
        // Two successors.
        ("  - attack.defense-evasion\n", "  s: {c-uri: a}\n  condition: s\n"),
        // The successor is there already.
        ("  - attack.t1043\n  - attack.t1571\n", "  s: {c-uri: a}\n  condition: s\n"),
        // All suffixes have to hold.
        ("", "  s: {cs-host|endswith|all: [a.example, le.example]}\n  condition: s\n"),
        // The value is an alias of another.
        ("", "  s: {c-uri: &x a.example, cs-host|endswith: *x}\n  condition: s\n"),
        // Anchored: another place takes the value too.
        ("", "  s: {cs-host|endswith: &x a.example}\n  condition: s\n"),
        // An alias elsewhere takes the list, the item, or the key.
        (
            "",
            "  s: {cs-host|endswith: &x [.a.example]}\n  t: {r-dns|endswith: *x}\n  condition: s or t\n",
        ),
        (
            "",
            "  s: {cs-host|endswith: &x [.a.example]}\n  t: {c-uri|contains: *x}\n  condition: s or t\n",
        ),
        (
            "",
            "  s:\n    cs-host|endswith:\n      - &x .a.example\n      - .b.example\n  t: {c-uri: *x}\n  condition: s or t\n",
        ),
        (
            "",
            "  s:\n    &k cs-host|endswith: .a.example\n  t:\n    *k : .b.example\n  condition: s\n",
        ),
        ("", "  s: &m\n    cs-host|endswith: .a.example\n  t: *m\n  condition: s or t\n"),
        (
            "",
            "  s: {cs-host: &x ['*.a.example']}\n  t: {r-dns|endswith: *x}\n  condition: s or t\n",
        ),
        ("  - &t attack.t1043\n", "  s: {c-uri: *t}\n  condition: s\n"),
        ("", "  s: {&k cs-hots: a, c-uri: b}\n  t: {c-useragent: *k}\n  condition: s or t\n"),
        // A later document takes the rule over.
        (
            "",
            "  s: {cs-host|endswith: .a.example}\n  condition: s\n---\naction: repeat\ndetection: {s: {cs-host|endswith: .b.example}}\n",
        ),
        // Written with an escape.
        ("", "  s: {cs-host|endswith: \"a\\x2eexample\"}\n  condition: s\n"),
        ("", "  s: {cs-host|endswith: >-\n      a.example\n    }\n  condition: s\n"),
    ] {
        let text = rule(tags, detection);
        let found = findings(&text);
        assert!(!found.is_empty() && found.iter().all(|of| of.code.id != "S001"), "{found:?}");
        assert_eq!(fixed(&text), None, "{detection}");
    }
}
