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
        ("{s: {c-uri|contains: a/}, f: {tidegate.client: own}, condition: s and not f}", "L005"),
        ("{s: {c-uri|contains: a/, tidegate.client: own}, condition: s}", ""),
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

/// A detection item of a proxy, and the code of what is found, or nothing where a request can match.
const VALUES: &[(&str, &str)] = &[
    ("cs-host: 'evil.example:443'", "L003"),
    ("cs-host|endswith: ':8080'", "L003"),
    ("cs-host: https://evil.example", "L003"),
    ("cs-host|startswith: http://", "L003"),
    ("cs-host: evil.example/x", "L003"),
    ("cs-host|re: ^https?://", "L003"),
    ("cs-host|re: '\\.example:[0-9]+$'", "L003"),
    ("r-dns: 'evil .example'", "L003"),
    ("tls.client.server_name: 'evil.example:443'", "L003"),
    ("cs-host: 'evil[.]example'", "L021"),
    ("cs-host: evil(.)example", "L021"),
    ("c-uri: hxxps://evil.example/x", "L021"),
    ("c-uri|contains: 'evil[dot]example'", "L021"),
    ("c-uri-stem: api/webhooks", "L004"),
    ("c-uri-stem|startswith: https://", "L004"),
    ("c-uri-stem|contains: '#id'", "L004"),
    ("c-uri-stem|re: '/gate\\.php\\?id=[0-9]+'", "L004"),
    ("cs-uri-stem|endswith: '/x\\?y=1'", "L004"),
    ("c-uri: /admin/get.php", "L019"),
    ("c-uri|startswith: /api/", "L019"),
    ("cs-uri: evil.example/x", "L019"),
    ("c-uri: https://evil.example", "L019"),
    ("c-uri|endswith: '#top'", "L019"),
    ("c-uri|re: '^/api/'", "L019"),
    ("c-uri|cidr: 10.0.0.0/8", "L019"),
    ("c-uri-query: '\\?id=1'", "L019"),
    ("c-uri-query|startswith: /install", "L019"),
    ("c-uri-extension: [.exe, .dll]", "L019 L019"),
    ("c-uri-extension: tar.gz", "L019"),
    ("c-uri-extension|endswith: exe?", ""),
    ("cs-method: 'GET '", "L019"),
    ("cs-method|cased: get", "L019"),
    ("cs-method: GET, POST", "L019"),
    ("cs-version: '1.1'", "L019"),
    ("sc-status: 4xx", "L019"),
    ("sc-status: 200 OK", "L019"),
    ("sc-status: 99", "L019"),
    ("src_ip: 10.0.0.0/8", "L019"),
    ("dst_ip: evil.example", "L019"),
    ("dst_ip: '192.0.2.1:443'", "L019"),
    ("sc-bytes: 10MB", "L019"),
    ("cs-referrer: evil.example", "L019"),
    ("tidegate.anomaly: ip.litteral", "L019"),
    ("tidegate.anomaly|startswith: paths.", "L019"),
    ("c-uri|contains: '/index.php?id='", "L020"),
    ("c-uri-query|contains: 'a?b'", "L020"),
    // What a request can have.
    ("cs-host: evil.example", ""),
    ("cs-host: 'b\u{fc}cher.example'", ""),
    ("cs-host: EVIL.example.", ""),
    ("cs-host: '[2001:db8::1]'", ""),
    ("cs-host|startswith: 'user:pass@'", ""),
    ("cs-host|contains: '@'", ""),
    ("cs-host|re: '^[a-z]{8}\\.example$'", ""),
    ("cs-host|cidr: 10.0.0.0/8", ""),
    ("cs-host: '*'", ""),
    ("c-uri: 'https://evil.example/x?y=z'", "L020"),
    ("c-uri: 'https://evil.example/x\\?y=z'", ""),
    ("c-uri: 'evil.example:443'", ""),
    ("c-uri|contains: evil.example/x", ""),
    ("c-uri|endswith: /admin/get.php", ""),
    ("c-uri: '*/a??.php'", ""),
    ("c-uri|re: '://[^/]+/x'", ""),
    ("c-uri-stem|contains: /http://", ""),
    ("c-uri-stem: '/a b'", ""),
    ("c-uri-query|startswith: id=", ""),
    ("c-uri-query|contains: '/x'", ""),
    ("c-uri-extension: [exe, '']", ""),
    ("cs-method: [get, M-SEARCH, PROPFIND]", ""),
    ("cs-method|cased: GET", ""),
    ("cs-version: [HTTP/1.1, HTTP/2, HTTP/2.0]", ""),
    ("sc-status: [404, '4??', '4*']", ""),
    ("sc-status|gte: 400", ""),
    ("src_ip: [192.0.2.1, '10.*', '2001:db8::1', '::1']", ""),
    ("src_ip|cidr: 10.0.0.0/8", ""),
    ("cs-referrer|startswith: https://evil.example", ""),
    ("cs-referrer|contains: evil.example", ""),
    ("c-useragent|startswith: 'User-Agent: '", ""),
    ("tidegate.anomaly: [ip.literal, 'path.*', '*encoded*']", ""),
];

#[test]
fn values_that_a_field_never_has_are_found() {
    let (mut n_dead, mut n_live) = (0, 0);
    for (item, expect) in VALUES {
        let text = format!(
            "{COMPLETE}detection:\n  s:\n    cs-cookie|contains: needle\n    {item}\n  condition: s\n"
        );
        let findings = lint(&rules(&text)[0], LintOptions::default());
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes.join(" "), *expect, "{item} {findings:#?}");
        *(if expect.is_empty() { &mut n_live } else { &mut n_dead }) += 1;
    }
    assert!(n_dead >= 38 && n_live >= 25, "{n_dead} {n_live}");
}

#[test]
fn dead_values_of_sigmahq_are_found() {
    let Some(root) = corpora::folder(&["sigma"]) else { return };
    for file in [
        "rules/web/proxy_generic/proxy_hktl_empire_ua_uri_patterns.yml",
        "rules/web/proxy_generic/proxy_hktl_cobalt_strike_malleable_c2_requests.yml",
    ] {
        let text = std::fs::read_to_string(root.join("sigma").join(file)).unwrap();
        let findings = lint(&rules(&text)[0], LintOptions::default());
        assert!(findings.iter().any(|finding| finding.code.id == "L019"), "{file}: {findings:?}");
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
        ("attack.t1102", "attack.t15677", "L013"),
        ("attack.t1102", "attack.g0016", ""),
        ("attack.t1102", "attack.ds0005", ""),
        ("attack.t1102", "cve.2026-1234", ""),
        ("attack.t1102", "tactic.command-and-control", "L012"),
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

/// Also where no version of ATT&CK is given.
#[test]
fn tags_that_no_version_could_have_are_found() {
    let detection = "detection: {s: {c-uri: x}, condition: s}\n";
    for (tag, expect) in [
        ("attack.t1102", ""),
        ("attack.t9999.001", ""),
        ("attack.ta0011", ""),
        ("attack.stealth", ""),
        (
            "attack.t15677",
            "a technique is `attack.t1102` or `attack.t1102.002`, a tactic `attack.command-and-control`",
        ),
        (
            "attack.t1567.02",
            "a technique is `attack.t1102` or `attack.t1102.002`, a tactic `attack.command-and-control`",
        ),
        ("attack.exfiltraton", "did you mean `attack.exfiltration`?"),
        ("atack.t1102", "did you mean `attack`?"),
        (
            "soc.t1102",
            "the namespaces are `attack`, `car`, `cve`, `d3fend`, `detection`, `stp`, `tlp`",
        ),
        ("tlp.red", ""),
    ] {
        let text = format!("{}{detection}", COMPLETE.replace("attack.t1102", tag));
        let findings = lint(&rules(&text)[0], LintOptions::default());
        let helps: Vec<_> = findings.iter().map(|finding| finding.help.as_str()).collect();
        assert_eq!(helps.join(" "), expect, "{tag}");
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
