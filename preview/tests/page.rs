//! What the page asks, natively.
#![forbid(unsafe_code)]

use preview::{Edit, Fix, Row, Session, Slot, check};

const RULE: &str = "title: Paste\nid: 0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0a01\nstatus: experimental\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        cs-host: pastebin.com\n    condition: selection\nlevel: medium\ndescription: d\nreferences: [https://example.org]\nauthor: a\ndate: 2026-11-21\ntags: [attack.t1102]\nfalsepositives: [f]\n";

fn imported(session: &mut Session, bytes: &[u8]) -> preview::Imported {
    session.import(bytes.to_vec());
    loop {
        let imported = session.import_step(3);
        if imported.is_done {
            return imported;
        }
    }
}

#[test]
fn traffic_is_read_in_every_form() {
    let har = br#"{"log":{"entries":[{"request":{"method":"PUT","url":"https://pastebin.com/h","headers":[]},"response":{"status":200}},{}]}}"#;
    for (bytes, n_requests, n_refused, n_matched) in [
        (&b"https://pastebin.com/a\n\n# note\nhttps://example.org/\n"[..], 2, 0, 1),
        (b"curl -A x \\\n  https://pastebin.com/a\nhttps://example.org/\n", 2, 0, 1),
        (b"GET https://pastebin.com/a HTTP/1.1\nUser-Agent: x\n\nHTTP/1.1 200 OK\n\nCONNECT pastebin.com:443 HTTP/1.1\n", 2, 0, 2),
        (br#"{"method":"GET","authority":"pastebin.com","path":"/a","response_code":200}"#, 1, 0, 1),
        (har, 1, 1, 1),
        (b"https://pastebin.com/\xff\nhttps://pastebin.com/a\nwhat is this\n", 1, 2, 1),
        (br#"{"log":{"entries":"#, 0, 1, 0),
        (b"", 0, 0, 0),
    ] {
        let mut session = Session::default();
        assert_eq!(session.check(RULE).n_compiled, 1);
        let found = imported(&mut session, bytes);
        let input = String::from_utf8_lossy(bytes);
        assert_eq!((found.n_requests, found.n_refused), (n_requests, n_refused), "{input}");
        let rows = session.judge(0, 100, Slot::DRAFT, None);
        assert_eq!(rows.iter().filter(|row| !row.rules.is_empty()).count(), n_matched, "{input}");
    }
}

/// The same bytes, version and server name as in a hunt.
#[test]
fn a_har_answers_rules_as_a_gateway_does() {
    let har = br#"{"log":{"entries":[{"request":{"method":"PUT","url":"https://pastebin.com/h","httpVersion":"h2","headersSize":90,"bodySize":5},"response":{"status":200}}]}}"#;
    for (field, value, n_matched) in [
        ("cs-bytes", "5", 1),
        ("cs-bytes", "95", 0),
        ("cs-version", "HTTP/2", 1),
        ("tls.client.server_name", "pastebin.com", 1),
    ] {
        let mut session = Session::default();
        let rule = RULE.replace("cs-host: pastebin.com", &format!("{field}: {value}"));
        assert_eq!(session.check(&rule).n_compiled, 1, "{field}");
        imported(&mut session, har);
        let rows = session.judge(0, 100, Slot::DRAFT, None);
        let found = rows.iter().filter(|row| !row.rules.is_empty()).count();
        assert_eq!(found, n_matched, "{field}: {value}");
    }
}

#[test]
fn findings_have_their_line_and_what_can_be_replaced() {
    let (checked, inspector) = check(&RULE.replace("cs-host:", "cs-host|contian:"));
    assert!(inspector.is_none());
    let problem = checked.problems.iter().find(|problem| problem.severity == "error").unwrap();
    assert_eq!(problem.line, 8);
    let edit =
        Edit { line: 8, column: 17, end_line: 8, end_column: 24, replacement: "contains".into() };
    let fix = Fix { title: "write `contains`".into(), edits: vec![edit] };
    assert_eq!(problem.fix, Some(fix));
}

#[test]
fn a_request_that_is_added_to_a_rule_makes_a_note_whose_examples_hold() {
    let mut session = Session::default();
    session.check(RULE);
    imported(&mut session, b"https://pastebin.com/a\nhttps://example.org/\n");
    let note = session.with_example(RULE, 0, knowledge::Expectation::Match).unwrap();
    let note = session.with_example(&note, 1, knowledge::Expectation::Pass).unwrap();
    let (checked, _) = check(&note);
    assert!(checked.is_note);
    assert!(
        checked.problems.iter().all(|of| of.severity != "error"),
        "{note}\n{:?}",
        checked.problems
    );
    let held: Vec<_> = checked.examples.iter().map(|of| (of.expectation, of.holds)).collect();
    assert_eq!(held, [("match", Some(true)), ("pass", Some(true))]);
}

#[test]
fn the_rule_of_an_unfinished_note_is_tried() {
    let mut session = Session::default();
    let rule = RULE.lines().filter(|line| !line.starts_with("author")).collect::<Vec<_>>();
    session.check(RULE);
    imported(&mut session, b"https://pastebin.com/a\n");
    let note = session.with_example(&rule.join("\n"), 0, knowledge::Expectation::Match).unwrap();
    let checked = session.check(&note);
    assert!(checked.problems.iter().any(|of| of.code == "N011"), "{:?}", checked.problems);
    assert_eq!((checked.n_compiled, checked.examples[0].holds), (1, Some(true)));
    assert_eq!(session.judge(0, 1, Slot::DRAFT, None)[0].rules, [0]);
}

#[test]
fn verdicts_are_packed_into_numbers() {
    for (row, words) in [
        (Row::default(), vec![0]),
        (
            Row {
                rules: vec![3, 500],
                others: vec![7],
                monitor: inspect::Action::Observe,
                enforce: inspect::Action::Deny,
                is_changed: true,
                is_odd: true,
            },
            vec![0b11_1001 << 16 | 1 << 8 | 2, 3, 500, 7],
        ),
    ] {
        let mut packed = Vec::new();
        row.pack(&mut packed);
        assert_eq!(packed, words);
    }
}

#[test]
fn requests_are_found_by_their_text() {
    let mut session = Session::default();
    imported(&mut session, b"https://pastebin.com/a\nhttps://example.org/B\n");
    for (text, found) in
        [("PASTE", vec![0]), ("/b", vec![1]), ("get https", vec![0, 1]), ("x?", vec![])]
    {
        assert_eq!(session.find(text), found, "{text}");
    }
    let urls = session.texts(&[1, 9]).into_iter().map(|text| text.url).collect::<Vec<_>>();
    assert_eq!(urls, ["https://example.org/B"]);
}

#[test]
fn a_pack_that_is_none_is_refused_with_its_code() {
    let mut session = Session::default();
    let mut newer = sigma::Compiler::new("newer", 1).finish().encode();
    newer[8] = 99;
    for (bytes, code) in [(&b"x"[..], "F010"), (&newer, "F012"), (&newer[..9], "F011")] {
        let message = session.load(Slot(1), "a.pack", bytes).unwrap_err();
        assert!(message.starts_with(code), "{message}");
    }
    assert!(session.pack(Slot(1)).is_none());
}

#[test]
fn an_explanation_shows_the_reading_in_which_the_rule_matched() {
    let mut session = Session::default();
    session.check(RULE);
    imported(&mut session, b"https://PASTEBIN.com./raw/x\n");
    let explained = session.explain(0, Slot::DRAFT).unwrap();
    assert!(explained.readings.iter().any(|of| of.url == "https://pastebin.com/raw/x"));
    assert!(explained.anomalies.iter().any(|(name, _)| *name == "host.trailing_dot"));
    let rule = &explained.rules[0];
    assert_eq!((rule.view, rule.condition.truth), (Some("canonical"), "true"));
}

#[test]
fn packs_that_judge_alike_change_nothing() {
    let mut session = Session::default();
    session.check(RULE);
    imported(&mut session, b"https://pastebin.com/a\nhttps://example.org/\n");
    let pack = |rule: &str| {
        let parsed = sigma::parse(&sigma::Source::new("r", rule));
        let mut compiler = sigma::Compiler::new("other", 1);
        compiler.add(&parsed.rules[0]).unwrap();
        compiler.finish().encode()
    };
    for (rule, expect) in [
        (RULE.to_owned(), [false, false]),
        (RULE.replace("pastebin.com", "example.org"), [true, true]),
    ] {
        session.load(Slot(2), "o", &pack(&rule)).unwrap();
        let rows = session.judge(0, 9, Slot::DRAFT, Some(Slot(2)));
        assert_eq!(rows.iter().map(|row| row.is_changed).collect::<Vec<_>>(), expect);
    }
}

#[test]
fn the_policy_of_a_pack_decides_by_the_clock_and_the_source() {
    let policy = "
default: enforce
statements:
  - {name: ours, mode: monitor, sources: [10.0.0.0/8]}
exceptions:
  - {id: EX-1, owner: a, ticket: T-1, reason: r, expires: 2026-01-01, rules: [Paste], sources: [192.0.2.0/24]}
";
    let rule = "title: Paste\nlogsource: {category: proxy}\ndetection: {s: {cs-host: pastebin.com}, condition: s}\n";
    let file = diagnostics::SourceFile { name: "rule.yml".into(), bytes: rule.into() };
    let (policy, findings) = knowledge::Policy::read(&"policy.yml".into(), policy);
    assert!(findings.is_empty(), "{findings:?}");
    let library = knowledge::Library::read(vec![file]);
    let compiled =
        knowledge::Compilation::with_policy(&library, "policed", 1, policy.as_ref(), None);
    let mut session = Session::default();
    session.load(Slot(1), "policed", &compiled.unwrap().bytes).unwrap();
    let line = |source: &str| {
        format!(
            "{{\"method\":\"GET\",\"authority\":\"pastebin.com\",\"path\":\"/a\",\"source_address\":\"{source}\"}}\n"
        )
    };
    let log = ["10.0.0.1:1", "192.0.2.1:1", "198.51.100.1:1"].map(line).concat();
    imported(&mut session, log.as_bytes());
    // 2025-12-31 and 2026-01-02.
    for (now, expect, said) in [
        (
            1_767_139_200,
            [("observe", "observe"), ("allow", "allow"), ("observe", "deny")],
            "policy: enforce by default, excepted by EX-1",
        ),
        (
            1_767_312_000,
            [("observe", "observe"), ("observe", "deny"), ("observe", "deny")],
            "policy: enforce by default, the exception EX-1 has expired",
        ),
    ] {
        session.set_clock(now);
        let rows = session.judge(0, 9, Slot(1), None);
        let actions: Vec<_> =
            rows.iter().map(|row| (row.monitor.as_str(), row.enforce.as_str())).collect();
        assert_eq!(actions, expect);
        assert!(rows.iter().all(|row| row.rules == [0]), "the rule matches in any case");
        let explained = session.explain(1, Slot(1)).unwrap();
        assert_eq!((explained.monitor, explained.enforce), expect[1]);
        assert_eq!(explained.rules[0].policy.join(", "), said);
        let ours = session.explain(0, Slot(1)).unwrap();
        assert_eq!(ours.rules[0].policy, ["policy: monitor by the statement `ours`"]);
    }
}
