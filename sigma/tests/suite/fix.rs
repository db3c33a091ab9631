//! What the fixes make of a text, and that they leave nothing to fix.

use sigma::lint::{LintOptions, Written, lint};
use sigma::{Diagnostic, Source, parse};

/// Every finding of a text that is one rule.
fn findings(text: &str) -> Vec<Diagnostic> {
    let parsed = parse(&Source::new("rule.yml", text));
    let written = Written::new(text);
    let options = LintOptions { attack: None, written: Some(&written) };
    let found = parsed.rules.iter().flat_map(|rule| lint(rule, options));
    parsed.diagnostics.iter().cloned().chain(found).collect()
}

/// The text after the first fix that is offered.
fn fixed(text: &str) -> Option<String> {
    let fix = findings(text).into_iter().find_map(|finding| finding.fix)?;
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
        // Written with an escape.
        ("", "  s: {cs-host|endswith: \"a\\x2eexample\"}\n  condition: s\n"),
        ("", "  s: {cs-host|endswith: >-\n      a.example\n    }\n  condition: s\n"),
    ] {
        assert_eq!(fixed(&rule(tags, detection)), None, "{detection}");
    }
}
