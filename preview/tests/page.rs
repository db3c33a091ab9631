//! What the page asks, natively.
#![forbid(unsafe_code)]

use preview::{
    Edit, Fix, NamedText, Row, Session, Shared, Slot, as_note, as_sigma, check, gallery,
    requests_of,
};

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
    let explained = session.explain(0, Slot::DRAFT, &[]).unwrap();
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
        let explained = session.explain(1, Slot(1), &[]).unwrap();
        assert_eq!((explained.monitor, explained.enforce), expect[1]);
        assert_eq!(explained.rules[0].policy.join(", "), said);
        let ours = session.explain(0, Slot(1), &[]).unwrap();
        assert_eq!(ours.rules[0].policy, ["policy: monitor by the statement `ours`"]);
    }
}

#[test]
fn a_text_says_what_it_is_and_what_a_proxy_sees_of_it() {
    let process = RULE.replace("proxy", "process_creation").replace("cs-host", "Image");
    let runbook = "---\nkind: runbook\nrule: Paste\n---\n\n# Paste\n";
    for (text, kind, decidable, unseen) in [
        ("", "empty", [0, 0, 0], &[][..]),
        (" \n", "empty", [0, 0, 0], &[]),
        (RULE, "sigma", [1, 0, 0], &[]),
        (&process, "sigma", [0, 0, 1], &["Image"]),
        (runbook, "runbook", [0, 0, 0], &[]),
        (&as_note(RULE), "rule", [0, 0, 0], &[]),
    ] {
        let (checked, _) = check(text);
        assert_eq!(checked.kind, kind, "{text}");
        assert_eq!(checked.decidable, decidable, "{text}");
        assert_eq!(checked.unseen, unseen, "{text}");
    }
    let (checked, _) = check(&RULE.replace("cs-host: pastebin.com", "tidegate.beacon|gte: 0.8"));
    assert!(checked.asks_behaviour);
}

#[test]
fn a_draft_refers_to_lists_and_services() {
    let note = |name: &str, text: &str| NamedText { name: name.into(), text: text.into() };
    let notes = [
        note("b.md", include_str!("../../knowledge/notes/services/telegram.md")),
        note("c.md", include_str!("../../knowledge/notes/lists/scripting-clients.md")),
    ];
    let mut session = Session::default();
    let rule = RULE.replace(
        "cs-host: pastebin.com",
        "tidegate.service: Telegram\n        c-useragent|startswith|expand: '%scripting_clients%'",
    );
    assert_eq!(session.check(&rule).n_compiled, 0);
    session.share(Shared::read(&notes, knowledge::Placeholders::new()));
    let checked = session.check(&rule);
    assert_eq!(checked.n_compiled, 1, "{:?}", checked.problems);
    imported(&mut session, b"curl https://api.telegram.org/bot1:a/getMe\n");
    assert_eq!(session.judge(0, 1, Slot::DRAFT, None)[0].rules, [0]);
    // Also where the draft has no services in it.
    for rule in [&rule, RULE] {
        session.check(rule);
        let used = session.explain(0, Slot::DRAFT, &[]).unwrap().service.unwrap();
        assert_eq!(used.name, "Telegram");
        assert!(!used.operations.is_empty());
    }
}

#[test]
fn the_gallery_lists_every_shipped_rule_and_its_examples_hold() {
    let mut notes = Vec::new();
    for kind in ["lists", "services", "rules"] {
        let folder = format!("{}/../knowledge/notes/{kind}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(folder).unwrap();
        for entry in entries {
            let path = entry.unwrap().path();
            #[expect(clippy::disallowed_methods, reason = "a test reads the shipped notes")]
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            notes.push((kind, NamedText { name, text }));
        }
    }
    let of = |wanted: &str| {
        let found = notes
            .iter()
            .filter(|(kind, _)| *kind == wanted || wanted == "shared" && *kind != "rules");
        found.map(|(_, note)| note.clone()).collect::<Vec<_>>()
    };
    let rules = of("rules");
    let entries = gallery(&rules);
    assert_eq!(entries.len(), rules.len());
    let mut session = Session::default();
    session.share(Shared::read(&of("shared"), knowledge::Placeholders::new()));
    for (entry, note) in entries.iter().zip(&rules) {
        assert!(!entry.level.is_empty() && !entry.techniques.is_empty(), "{entry:?}");
        assert!(entry.n_examples > 0, "{}", entry.name);
        let checked = session.check(&note.text);
        let errors: Vec<_> = checked.problems.iter().filter(|of| of.severity == "error").collect();
        assert!(errors.is_empty(), "{}: {errors:?}", entry.name);
        assert_eq!(checked.n_compiled, 1, "{}", entry.name);
        assert!(checked.examples.iter().all(|of| of.holds == Some(true)), "{}", entry.name);
        // The requests that come along are judged as the note says.
        let found = imported(&mut session, requests_of(&note.text).as_bytes());
        assert_eq!(found.n_refused, 0, "{}: {:?}", entry.name, found.refusals);
        assert!(found.n_requests >= checked.examples.len(), "{}", entry.name);
        assert_eq!(checked.examples.len(), entry.n_examples, "{}", entry.name);
        let single = checked.examples.iter().filter(|of| !of.request.ends_with(" over time"));
        let rows = session.judge(0, checked.examples.len(), Slot::DRAFT, None);
        for (row, example) in rows.iter().zip(single) {
            assert_eq!(
                !row.rules.is_empty(),
                example.expectation == "match",
                "{}",
                example.request
            );
        }
        assert!(as_sigma(&note.text).unwrap().starts_with("title:"), "{}", entry.name);
    }
}

#[test]
fn a_sample_has_a_request_for_each_rule_that_matches_and_one_that_passes() {
    let mut session = Session::default();
    session.check(RULE);
    let requests = "https://pastebin.com/a\nhttps://pastebin.com/b\nhttps://example.org/\n";
    let sample = session.sample(Slot::DRAFT, requests);
    assert_eq!(
        sample,
        "GET https://pastebin.com/a HTTP/1.1\n\nGET https://example.org/ HTTP/1.1\n"
    );
    assert_eq!(session.sample(Slot::DRAFT, "https://example.org/\n"), "");
}

#[test]
fn one_sentence_says_why_a_rule_matches_or_not() {
    let rule = "title: t\nlogsource: {category: proxy}\ndetection:\n    host:\n        cs-host: a.example\n    path:\n        c-uri-stem|startswith:\n            - /x\n            - /y\n    own:\n        c-useragent|contains: ours\n    condition: host and path and not own\n";
    let mut session = Session::default();
    assert_eq!(session.check(rule).n_compiled, 1);
    for (request, expect) in [
        (
            "https://a.example/y1",
            "the host is `a.example` and the path starts with `/y`, and `own` does not hold",
        ),
        ("https://b.example/y1", "the host is not `a.example`"),
        ("https://a.example/z", "the path does not start with any of `/x`, `/y`"),
        (
            "curl -A ours https://a.example/x",
            "it is excluded by `own`, as the user agent contains `ours`",
        ),
    ] {
        imported(&mut session, request.as_bytes());
        let explained = session.explain(0, Slot::DRAFT, &[]).unwrap();
        let pieces = explained.rules[0].because.iter();
        let said: String = pieces
            .map(|of| if of.is_value { format!("`{}`", of.text) } else { of.text.clone() })
            .collect();
        assert_eq!(said, expect, "{request}");
    }
}

#[test]
fn a_log_shows_what_a_source_did_over_time_and_a_draft_asks_for_it() {
    let line = |minute: u32| {
        format!(
            "{{\"start_time\":\"2026-11-21T07:{minute:02}:00Z\",\"method\":\"GET\",\"authority\":\"pastebin.com\",\"path\":\"/raw/a\",\"user_agent\":\"x\",\"downstream_remote_address\":\"10.0.0.7:4242\"}}\n"
        )
    };
    let log: String = (0..50).map(line).collect();
    let mut session = Session::default();
    let rule = RULE.replace("cs-host: pastebin.com", "tidegate.beacon|gte: 0.8");
    assert!(session.check(&rule).asks_behaviour);
    imported(&mut session, log.as_bytes());
    let rows = session.judge(0, 50, Slot::DRAFT, None);
    assert!(rows.iter().all(|row| row.rules == [0]), "{rows:?}");
    let explained = session.explain(0, Slot::DRAFT, &[]).unwrap();
    assert_eq!(explained.rules[0].condition.truth, "true");
    let over_time = explained.behaviour.unwrap();
    assert_eq!((over_time.source.as_str(), over_time.host.as_str()), ("10.0.0.7", "pastebin.com"));
    assert_eq!((over_time.n_requests, over_time.times.len()), (50, 50));
    let period = over_time.fields.iter().find(|(name, _)| *name == "tidegate.beacon_period");
    assert_eq!(period.map(|(_, value)| value.as_str()), Some("60"));
    // URLs have no time.
    imported(&mut session, b"https://pastebin.com/a\n");
    assert!(session.judge(0, 1, Slot::DRAFT, None)[0].rules.is_empty());
    assert!(session.explain(0, Slot::DRAFT, &[]).unwrap().behaviour.is_none());
}
