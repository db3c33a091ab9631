//! What the lints find, and what they leave alone.

use sigma::lint::{LintOptions, lint, lint_labels, lint_together};
use sigma::{Rule, Source, parse};

const COMPLETE: &str = "title: t\nid: 5d2c8e3e-7c7a-4f0e-9f5e-2d4a35a3b8f1\nstatus: test\ndescription: d\nauthor: a\ndate: 2026-01-01\n\
    tags: [attack.t1102]\nfalsepositives: [f]\nlevel: low\nlogsource: {category: proxy}\n";

fn rules(text: &str) -> Vec<Rule> {
    let parsed = parse(&Source::new("rule.yml", text));
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.rules
}

#[test]
fn detections_are_found_or_left_alone() {
    for (detection, expect) in [
        ("{s: {cs-host|endswith: pastebin.com}, condition: s}", "L001"),
        ("{s: {cs-host|endswith: .pastebin.com}, condition: s}", "L002"),
        ("{s: [{cs-host|endswith: .pastebin.com}, {cs-host: pastebin.com}], condition: s}", ""),
        ("{s: {cs-host|endswith: [.a.example, a.example]}, condition: s}", "L002 L001"),
        ("{s: {cs-host|endswith: .onion}, condition: s}", ""),
        ("{s: {cs-host|endswith: .blob.core.example}, condition: s}", ""),
        ("{s: {cs-host|endswith: -account.workers.dev}, condition: s}", ""),
        ("{s: {cs-host|contains: ghostbin.co/}, condition: s}", "L003"),
        ("{s: {cs-host: 'a b'}, condition: s}", "L003"),
        ("{s: {c-uri-stem: raw/x}, condition: s}", "L004"),
        ("{s: {c-uri-stem|startswith: '/raw\\?x'}, condition: s}", "L004"),
        ("{s: {c-uri-stem|startswith: /raw}, condition: s}", ""),
        (
            "{s: {c-uri|contains: a/}, f: {c-useragent|contains: Bot}, condition: s and not f}",
            "L005",
        ),
        ("{s: {c-uri|contains: a/, c-useragent|neq: Bot}, condition: s}", "L005"),
        ("{s: {c-uri|contains: a/}, f: {c-useragent: null}, condition: s and not f}", ""),
        ("{f: {cs-method: GET}, condition: not f}", "L006"),
        ("{f: {cs-referrer: null}, condition: f}", "L006"),
        ("{s: {c-uri|re: '[a-f]{32}'}, condition: s}", "L007"),
        ("{s: {c-uri|re: 'ab.{1,256}cd.{1,99}end'}, condition: s}", "L008"),
        ("{s: {c-uri|re: '[a-f]{32}', cs-host: a.example}, condition: s}", ""),
        ("{s: {c-uri|re: '/gate\\.php$'}, condition: s}", ""),
        ("{s: {cs-method: GET}, t: {c-uri: x}, condition: s}", "L011"),
        ("{s: {cs-method: GET}, _t: {c-uri: x}, condition: s}", ""),
        ("{s: {c-uri: x, tidegate.beacon|gte: 1.5}, condition: s}", "L017"),
        ("{s: {c-uri: x, tidegate.beacon|startswith: high}, condition: s}", "L017"),
        ("{s: {c-uri: x, tidegate.upload_ratio|gte: -0.5}, condition: s}", ""),
        ("{s: {c-uri: x, tidegate.upload_ratio|lte: -2}, condition: s}", "L017"),
        ("{s: {c-uri: x, tidegate.requests: 12}, condition: s}", ""),
        ("{s: {c-uri: x, tidegate.first_use: host}, condition: s}", "L017"),
        ("{s: {c-uri: x, tidegate.first_use|gte: 1}, condition: s}", "L017"),
        ("{s: {tidegate.first_use: [Source.Host, 'group.*']}, condition: s}", ""),
        ("{s: {tidegate.beacon|gte: 0.9, tidegate.requests|gte: 20}, condition: s}", "L018"),
        (
            "{s: {tidegate.beacon|gte: 0.9}, f: {tidegate.prevalence|gte: 0.1}, condition: s and not f}",
            "L018",
        ),
        ("{s: {tidegate.beacon|gte: 0.9, tidegate.sources|lte: 2}, condition: s}", ""),
    ] {
        let text = format!("{COMPLETE}detection: {detection}\n");
        let findings = lint(&rules(&text)[0], LintOptions::default());
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes.join(" "), expect, "{detection}");
    }
}

#[test]
fn metadata_is_complete_and_tags_are_known() {
    let detection = "detection: {s: {c-uri: x}, condition: s}\n";
    let known = ["t1102", "command-and-control"].map(str::to_owned).into();
    for (from, to, expect) in [
        ("", "", ""),
        ("status: test\n", "", "L010"),
        ("attack.t1102", "attack T1102", "L012"),
        ("attack.t1102", "attack.command_and_control", "L013"),
        ("attack.t1102", "attack.defense-evasion", "L013"),
        ("attack.t1102", "attack.t9999", "L013"),
        ("attack.t1102", "attack.g0016", ""),
        ("attack.t1102", "cve.2026-1234", ""),
        ("5d2c8e3e-", "5D2C8E3E-", ""),
        ("5d2c8e3e-", "", "L015"),
        ("5d2c8e3e-", "5d2c8e3g-", "L015"),
        ("5d2c8e3e-7c7a-", "5d2c8e3e7c7a-", "L015"),
        ("2026-01-01", "2024-02-29", ""),
        ("2026-01-01", "2000-02-29", ""),
        ("2026-01-01", "1900-02-29", "L016"),
        ("2026-01-01", "2026-04-31", "L016"),
        ("2026-01-01", "2026-13-45", "L016"),
        ("2026-01-01", "2026-00-01", "L016"),
        ("2026-01-01", "2026-01-00", "L016"),
        ("2026-01-01", "2026-1-1", "L016"),
        ("2026-01-01", "+026-01-01", "L016"),
        ("2026-01-01", "2026-01-01-01", "L016"),
        ("2026-01-01", "''", "L016"),
        ("date: 2026-01-01", "date: 2026-01-01\nmodified: 2026/01/02", "L016"),
    ] {
        let text = format!("{}{detection}", COMPLETE.replace(from, to));
        let findings = lint(&rules(&text)[0], LintOptions { attack: Some(&known), written: None });
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes.join(" "), expect, "{from} -> {to}");
    }
}

#[test]
fn the_same_detection_under_other_names_is_found() {
    let rule = |detection: &str| format!("{COMPLETE}detection: {detection}\n");
    let one = rule("{a: {cs-method: GET, c-uri: [x, y]}, condition: a}");
    for (other, expect) in [
        ("{b: {c-uri: [y, x], cs-method: GET}, condition: b}", 1),
        ("{b: {cs-method: GET}, c: {c-uri: [x, y]}, condition: all of them}", 1),
        ("{b: {c-uri: [x, z], cs-method: GET}, condition: b}", 0),
        ("{b: {c-uri|all: [x, y], cs-method: GET}, condition: b}", 0),
    ] {
        let both = rules(&format!("{one}---\n{}", rule(other)));
        assert_eq!(lint_together(&both).len(), expect, "{other}");
    }
}

#[test]
fn the_evadable_patterns_of_sigmahq_are_found() {
    let Some(root) = corpora::folder(&["sigma"]) else { return };
    for (file, expect) in [
        ("rules/web/proxy_generic/proxy_telegram_api.yml", "L005"),
        (
            "rules/windows/network_connection/net_connection_win_domain_dead_drop_resolvers.yml",
            "L001",
        ),
    ] {
        let text = std::fs::read_to_string(root.join("sigma").join(file)).unwrap();
        let findings = lint(&rules(&text)[0], LintOptions::default());
        assert!(findings.iter().any(|finding| finding.code.id == expect), "{file}: {findings:?}");
    }
}

#[test]
fn rules_whose_hosts_mean_something_else_by_labels_are_listed() {
    for (detection, n_expected) in [
        ("{s: {cs-host|endswith: pastebin.com}, condition: s}", 1),
        ("{s: {cs-host|endswith: .t.me}, condition: s}", 1),
        ("{s: {cs-host: '*.t.me'}, condition: s}", 1),
        ("{s: {tls.client.server_name|endswith: [a.example, b.example]}, condition: s}", 1),
        ("{s: {cs-host|endswith: .t.me}, t: {r-dns|endswith: .t.me}, condition: s and t}", 2),
        ("{s: {cs-host: [t.me, '*.t.me']}, condition: s}", 0),
        ("{s: {cs-host|endswith|all: [.t.me, a.t.me]}, condition: s}", 1),
        ("{s: {cs-host|endswith: -cdn.example}, condition: s}", 0),
        ("{s: {cs-host|contains: t.me}, condition: s}", 0),
        ("{s: {cs-host: t.me}, condition: s}", 0),
        ("{s: {c-uri|endswith: t.me}, condition: s}", 0),
    ] {
        let text = format!("{COMPLETE}detection: {detection}\n");
        let findings = lint_labels(&rules(&text)[0], LintOptions::default());
        assert!(findings.iter().all(|finding| finding.code.id == "L014"));
        assert_eq!(findings.len(), n_expected, "{detection}");
    }
}
