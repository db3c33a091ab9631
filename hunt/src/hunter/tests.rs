//! Formats, redaction, counts and correlations, over short logs.

use std::sync::Arc;

use diagnostics::Findings;
use sigma::Source;

use super::*;
use crate::{Output, Report};
use traffic::limits::MAX_LINE_BYTES;
use traffic::{Format, access_log};

const RULES: &str = "
title: Bot
id: 5a1b0ce2-0000-4000-8000-000000000001
name: bot
author: Ann
level: high
logsource: {category: proxy}
detection: {s: {cs-host: api.telegram.org, c-uri|contains: /bot}, condition: s}
---
title: Host
name: host
logsource: {category: proxy}
detection: {s: {cs-host|endswith: .evil.example}, condition: s}
---
title: Query
logsource: {product: zeek, service: dns}
detection: {s: {query: only.dns.example}, condition: s}
---
title: Beacon
author: Bob
correlation:
    type: event_count
    rules: [host]
    group-by: [src_ip, c-uri-query]
    timespan: 1m
    condition: {gte: 3}
    generate: true
";

fn pack() -> Pack {
    let parsed = sigma::parse(&Source::new("t.yml", RULES));
    assert_eq!(parsed.diagnostics, []);
    let mut compiler = sigma::Compiler::new("t", 1);
    for rule in &parsed.rules {
        compiler.add(rule).unwrap();
    }
    for result in compiler.add_correlations(&parsed.correlations) {
        result.unwrap();
    }
    Pack::decode(&compiler.finish().encode()).unwrap()
}

/// What a hunt over logs writes, and its summary.
fn hunt(logs: &[(Format, &str)], map: &FieldMap, output: Output, show: bool) -> (String, String) {
    let mut report = Report::new(pack(), output, logs.len(), show);
    let mut out = String::new();
    for (format, log) in logs {
        report.begin(&Arc::from("log"));
        let mut hunter = Hunter::new(pack(), *format, map, show);
        out.push_str(&report.take(hunter.hunt(log.as_bytes())));
    }
    out.push_str(&report.finish());
    (out, report.summary())
}

/// The `line title` of each record.
fn found(format: Format, log: &str, map: &FieldMap) -> Vec<String> {
    let (out, _) = hunt(&[(format, log)], map, Output::Json, false);
    let records = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records
        .map(|record| format!("{} {}", record["line"], record["title"].as_str().unwrap()))
        .collect()
}

#[test]
fn every_format_is_detected_and_read() {
    let envoy = r#"{"method":"POST","authority":"api.telegram.org","path":"/bot1:x/y"}"#;
    let http = r#"{"ts":1.5,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.1","method":"GET","host":"api.telegram.org","uri":"/bot1/x","version":"1.1"}"#;
    let absolute = r#"{"uid":"C","method":"GET","host":"proxy","uri":"http://a.evil.example/"}"#;
    let ssl =
        r#"{"ts":1,"uid":"C","id.orig_h":"10.0.0.1","server_name":"a.evil.example","cipher":"x"}"#;
    let dns = r#"{"ts":1,"uid":"C","id.orig_h":"10.0.0.1","query":"a.EVIL.example","qtype":1}"#;
    let own = r#"{"uid":"C","query":"only.dns.example","qtype":1}"#;
    let har = r#"{
        "log": {"version": "1.2", "entries": [
            {"request": {"method": "GET", "url": "https://api.telegram.org/bot1/x", "headers": []}, "response": {"status": 200}},
            {"request": {"url": "nope"}}
        ]}}"#;
    for (log, format, expect) in [
        (envoy, Format::Envoy, &["1 Bot"][..]),
        (http, Format::ZeekHttp, &["1 Bot"]),
        (absolute, Format::ZeekHttp, &["1 Host"]),
        (ssl, Format::ZeekSsl, &["1 Host"]),
        (dns, Format::ZeekDns, &["1 Host"]),
        (own, Format::ZeekDns, &["1 Query"]),
        (har, Format::Har, &["1 Bot"]),
        (
            "# list\n\nhttps://api.telegram.org/bot1\nhttp://x.evil.example",
            Format::Urls,
            &["3 Bot", "4 Host"],
        ),
    ] {
        assert_eq!(Format::detect(log.as_bytes()), Some(format), "{log}");
        assert_eq!(found(format, log, &FieldMap::default()), expect, "{log}");
    }
    for log in ["", "a b", "{\"x\": 1}", "[1]", "{"] {
        assert_eq!(Format::detect(log.as_bytes()), None, "{log}");
    }
}

#[test]
fn a_url_with_a_wrong_port_is_counted_with_its_reason() {
    let log = "http://a.evil.example:99999/\nhttp://a.evil.example:/\nhttp://a.evil.example:0/\n";
    assert_eq!(Format::detect(log.as_bytes()), Some(Format::Urls));
    let (out, summary) = hunt(&[(Format::Urls, log)], &FieldMap::default(), Output::Json, false);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(summary.contains("a URL with a wrong port"), "{summary}");
}

#[test]
fn json_lines_answer_by_their_own_names_or_by_a_map() {
    let map =
        FieldMap::read(&"map".into(), "time = \"when\"\n[fields]\ncs-host = \"url.domain\"\n")
            .unwrap();
    let nested = r#"{"when": 1, "url": {"domain": ["x", "a.evil.example"]}}"#;
    assert_eq!(found(Format::Json, nested, &map), ["1 Host"]);
    assert_eq!(found(Format::Json, nested, &FieldMap::default()), Vec::<String>::new());
    let own = r#"{"cs-host": "a.evil.example"}"#;
    assert_eq!(found(Format::Json, own, &FieldMap::default()), ["1 Host"]);
    assert_eq!(found(Format::Json, own, &map), Vec::<String>::new());
    assert!(FieldMap::read(&"map".into(), "feilds = 1").is_err());
}

#[test]
fn the_host_of_a_json_line_has_no_port_as_that_of_a_request_has_none() {
    let rules = "
title: Host
logsource: {category: proxy}
detection: {s: {cs-host: ['a.example', '[2001:db8::1]', '2001:db8::1', '10.0.0.1']}, condition: s}
---
title: Whole
logsource: {category: proxy}
detection: {s: {c-uri: 'a.example:443'}, condition: s}
---
title: Word
logsource: {category: proxy}
detection: {s: ['example:443'], condition: s}
";
    for (log, expect) in [
        (r#"{"cs-host": "a.example:443"}"#, &["Host", "Word"][..]),
        (
            r#"{"cs-host": ["x", "a.example:443"], "c-uri": "a.example:443"}"#,
            &["Host", "Whole", "Word"],
        ),
        (r#"{"cs-host": "a.example:"}"#, &["Host"]),
        (r#"{"cs-host": "[2001:db8::1]:443"}"#, &["Host"]),
        (r#"{"cs-host": "2001:db8::1"}"#, &["Host"]),
        (r#"{"cs-host": "10.0.0.1:80"}"#, &["Host"]),
        (r#"{"cs-host": "a.example:x"}"#, &[]),
        (r#"{"cs-host": "a.example.:443"}"#, &[]),
    ] {
        let terms = terms(inspect::Mode::Monitor);
        let (found, _) = decided(rules, "default: monitor", Format::Json, log, terms);
        let titles: Vec<_> = found.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(titles, expect, "{log}");
    }
}

/// `exists` "only verifies the presence of a field, not its value, be it empty or null".
#[test]
fn a_field_without_a_value_is_there() {
    let rules = "
title: There
logsource: {category: proxy}
detection: {s: {c-useragent|exists: true}, condition: s}
---
title: Empty
logsource: {category: proxy}
detection: {s: {c-useragent: null}, condition: s}
";
    for (log, expect) in [
        (r#"{"cs-host": "a"}"#, &["Empty"][..]),
        (r#"{"c-useragent": null}"#, &["There", "Empty"]),
        (r#"{"c-useragent": []}"#, &["There", "Empty"]),
        (r#"{"c-useragent": [null, [], {"x": 1}]}"#, &["There", "Empty"]),
        (r#"{"c-useragent": {}}"#, &["There", "Empty"]),
        (r#"{"c-useragent": {"x": 1}}"#, &["There", "Empty"]),
        (r#"{"c-useragent": ""}"#, &["There"]),
        (r#"{"c-useragent": [null, "a"]}"#, &["There"]),
        (r#"{"c-useragent": ["a", null]}"#, &["There"]),
    ] {
        let terms = terms(inspect::Mode::Monitor);
        let (found, _) = decided(rules, "default: monitor", Format::Json, log, terms);
        let titles: Vec<_> = found.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(titles, expect, "{log}");
    }
}

/// What a line says, by both readers.
#[test]
fn lines_are_read_as_explain_reads_them() {
    let map = FieldMap::default();
    let mut reader = LogReader::new(Format::Envoy.into(), &map);
    for line in [
        r#"{"method":"POST","authority":"a.example:443","path":"/x?y","protocol":"HTTP/2","user_agent":"curl","requested_server_name":"a.example","downstream_remote_address":"10.0.0.7:51234","upstream_host":"[2001:db8::1]:443","response_code":200,"bytes_received":5,"bytes_sent":77}"#,
        r#"{":authority":"a.example","x-envoy-origin-path":"/x","path":"/rewritten","method":"GET","response_code":"0","user-agent":"-","upstream_host":null}"#,
        r#"{"method":"CONNECT","authority":"a.example:443","path":null,"downstream_remote_address":"[2001:db8::7]:1"}"#,
        r#"{"method":"GET","authority":"a\u00e9\n.example","path":"/\ud83d\ude00"}"#,
        r#"{"method":"GET","authority":"a","authority":"b","path":"/"}"#,
        r#"{"method":"GET","authority":"a","authority":"-","path":"/"}"#,
        r#"{"method":"GET","authority":"a\u0062","authority":null,"path":"/"}"#,
        r#"{"method":"GET","authority":7,"path":"/"}"#,
        r#"{"method":"GET","authority":["a"],"path":"/"}"#,
        r#"{"method":"GET","authority":"a","path":"/","response_code":"ok"}"#,
        r#"{"method":"GET","authority":"a","path":"/"} x"#,
        r#"{"method":"GET","authority":"a","path":"/"}}"#,
        r#"{"method":"GET","authority":"a","path":"/""#,
        r#"{"path":"/"}"#,
        r#"{"method":"GET","authority":"a"}"#,
        "{}",
        "[1]",
        "",
    ] {
        let mut findings = Findings::new(&"line".into());
        let explained = access_log::read(line, &mut findings);
        let show = |request: &Request<'_>| format!("{request:?}");
        let explained = explained.map(|request| show(&request.lend()));
        // By a reader that has seen nothing, and by one that has seen the lines before.
        for reader in [&mut LogReader::new(Format::Envoy.into(), &map), &mut reader] {
            let mut hunted = None;
            reader.read(line.as_bytes(), &mut |_, entry| {
                if let Ok(Entry::Request(logged)) = entry {
                    hunted = Some(show(&logged.line.lend()));
                }
            });
            assert_eq!(hunted, explained, "{line}");
        }
    }
}

/// The parser calls itself for each level, and a stack that runs over ends the whole process.
#[test]
fn json_that_nests_too_deep_is_counted_and_the_rest_is_read() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let request = r#""authority":"a.evil.example","path":"/""#;
    let lines = format!("{{{request},\"x\":{deep}}}\n{{{request},\"y\":\"[[{{\\\"\"}}");
    let har = format!(r#"{{"log":{{"entries":[{deep}]}}}}"#);
    for (format, log, n_events) in [
        (Format::Envoy, &lines, 1),
        (Format::Json, &lines, 1),
        (Format::Json, &format!("{{\"x\":{}1{}}}", "[".repeat(127), "]".repeat(127)), 1),
        (Format::Har, &har, 0),
    ] {
        let (_, summary) = hunt(&[(format, log)], &FieldMap::default(), Output::Json, false);
        assert!(summary.contains(&format!(" = {n_events} event")), "{format:?}: {summary}");
    }
}

#[test]
fn what_is_not_read_is_counted_by_reason() {
    let long = format!("{{\"authority\":\"{}\"}}", "a".repeat(MAX_LINE_BYTES));
    let log = format!(
        "\u{feff}{{\"authority\":\"a\",\"path\":\"/\"}}\n\n# x\n{{\n[1]\n{{\"path\":\"/\"}}\n{{\"authority\":\"a\"}}\n{{\"authority\":true,\"path\":\"/\"}}\n{long}\n{{\"authority\":\"a.evil.example\",\"path\":\"/\",\"time\":\"noon\"}}\n[2]"
    );
    assert_eq!(Format::detect(log.as_bytes()), Some(Format::Envoy));
    let (out, summary) = hunt(&[(Format::Envoy, &log)], &FieldMap::default(), Output::Json, false);
    // A line whose time cannot be read is judged as one without a time is.
    assert!(out.contains(r#""line":10,"#) && out.contains(r#""time":null"#), "{out}");
    let expect = "11 lines = 2 events + 2 blank or comments + 7 unreadable
  1 unreadable: not JSON, first at log:4
  2 unreadable: not a JSON object, first at log:5
  1 unreadable: a key of the wrong type, first at log:8
  1 unreadable: no host, first at log:6
  1 unreadable: no path, first at log:7
  1 unreadable: too long, first at log:9
  1 matching event with a time that cannot be read
  1 event without a time, which correlations cannot use
1 match
  1 Host
no request has `query`, which other logs have; rules that cannot match without: 1 (Query)
";
    assert_eq!(summary, expect);
}

#[test]
fn secrets_are_only_shown_when_they_are_asked_for() {
    let log = r#"{"method":"POST","authority":"api.telegram.org","path":"/bot123456:AAE-secret/sendDocument?chat=77","time":0,"source_address":"10.0.0.1"}"#;
    for output in [Output::Json, Output::Csv, Output::Table] {
        let logs = [(Format::Envoy, log)];
        let (hidden, summary) = hunt(&logs, &FieldMap::default(), output, false);
        assert!(!hidden.contains("secret") && !summary.contains("secret"), "{hidden}");
        assert!(hidden.contains("Ann"), "the author is in every record: {hidden}");
        let (shown, _) = hunt(&logs, &FieldMap::default(), output, true);
        assert!(shown.contains("AAE-secret"), "{shown}");
    }
    let (record, _) = hunt(&[(Format::Envoy, log)], &FieldMap::default(), Output::Json, false);
    assert_eq!(
        record,
        r#"{"author":"Ann","file":"log","host":"api.telegram.org","kind":"rule","level":"high","line":1,"method":"POST","path":"/{}/sendDocument?chat={}","rule":"5a1b0ce2-0000-4000-8000-000000000001","source":"10.0.0.1","time":"1970-01-01T00:00:00Z","title":"Bot","why":[{"field":"cs-host","pattern":"api.telegram.org"},{"field":"c-uri|contains","pattern":"/bot"}]}"#.to_owned() + "\n"
    );
}

/// Records are joined with events by the path, so both have the names that services give its places.
#[test]
fn a_record_shows_the_template_that_events_show() {
    let note = "---\nkind: service\nservice: Telegram\ncategory: messaging\nhosts: [api.telegram.org]\ntechniques: [T1102]\nidentity: [\"api.telegram.org/bot{bot}:{secret}\"]\n---\n\n# Telegram\n";
    let rule = "title: Bot\nlogsource: {category: proxy}\ndetection: {s: {cs-host: api.telegram.org}, condition: s}\n";
    let files = [("telegram.md", note), ("rule.yml", rule)]
        .map(|(name, text)| diagnostics::SourceFile { name: name.into(), bytes: text.into() });
    let library = knowledge::Library::read(files.into());
    let made = knowledge::Compilation::new(&library, "t", 1).unwrap();
    let log = r#"{"method":"POST","authority":"API.telegram.org:443","path":"/bot123456:AAE-secret/sendDocument?chat=77"}"#;
    let mut hunter = Hunter::new(made.pack, Format::Envoy, &FieldMap::default(), false);
    let haul = hunter.hunt(log.as_bytes());
    let paths: Vec<_> = haul.hits.iter().flat_map(|hit| &hit.request).map(|of| &of.path).collect();
    assert_eq!(paths, ["/bot{bot}:{secret}/sendDocument?chat={}"]);
}

#[test]
fn correlations_run_over_the_time_of_events_of_all_logs() {
    let line = |time: &str| {
        format!(
            "{{\"authority\":\"a.evil.example\",\"path\":\"/?key=secret\",\"source_address\":\"10.0.0.1\",\"time\":{time}}}\n"
        )
    };
    let one = line("10") + &line("\"1970-01-01T01:00:50+01:00\"") + &line("900");
    let two = line("30000000000000") + &line("20.5");
    let map = FieldMap::default();
    let logs = [(Format::Envoy, one.as_str()), (Format::Envoy, two.as_str())];
    let (out, summary) = hunt(&logs, &map, Output::Json, false);
    let record = out.lines().last().unwrap();
    assert_eq!(
        record,
        r#"{"author":"Bob","events":3,"file":"log","kind":"correlation","level":"","line":2,"rule":"Beacon","time":"1970-01-01T00:00:50Z","title":"Beacon","value":3.0,"why":[{"field":"src_ip","value":"10.0.0.1"},{"field":"c-uri-query","value":"{}"}]}"#
    );
    assert!(summary.contains("6 matches\n  5 Host\n  1 Beacon (correlation)\n"), "{summary}");
    // One log alone does not reach the count.
    let (out, _) = hunt(&logs[..1], &map, Output::Json, false);
    assert!(!out.contains("Beacon"), "{out}");
    let (_, summary) = hunt(&[(Format::Urls, "http://a.evil.example/")], &map, Output::Json, false);
    assert!(summary.contains("1 event without a time"), "{summary}");
}

#[test]
fn cells_of_csv_cannot_break_out_or_become_formulas() {
    let log = r#"{"method":"=1+1","authority":"x\"y\".evil.example","path":"/"}"#;
    let (out, _) = hunt(&[(Format::Envoy, log)], &FieldMap::default(), Output::Csv, true);
    let record = out.lines().nth(1).unwrap();
    assert!(record.contains(r#""'=1+1""#) && record.contains(r#""x\""{}""#), "{record}");
}

#[test]
fn control_characters_of_a_log_do_not_reach_the_terminal() {
    // ESC, the one-character form of CSI, and a mark that turns the direction of text.
    let log = "{\"method\":\"G\\u001b[2J\",\"authority\":\"x\\u009b31m\\u202e.evil.example\",\"path\":\"/\"}";
    for output in [Output::Json, Output::Csv, Output::Table] {
        let (out, _) = hunt(&[(Format::Envoy, log)], &FieldMap::default(), output, true);
        assert!(out.lines().count() > usize::from(output != Output::Json), "{out}");
        let is_raw = |char: char| char.is_control() && !matches!(char, '\r' | '\n');
        assert!(!out.contains(is_raw), "{output:?}: {out:?}");
    }
}

/// What a hunt finds under a policy, as `line title action exception`, and its summary.
fn decided(
    rules: &str,
    policy: &str,
    format: Format,
    log: &str,
    terms: PolicyReplay,
) -> (String, String) {
    let file = diagnostics::SourceFile { name: "rules.yml".into(), bytes: rules.into() };
    let library = knowledge::Library::read(vec![file]);
    let (policy, findings) = knowledge::Policy::read(&"policy.yml".into(), policy);
    assert!(findings.is_empty() && library.findings.is_empty(), "{findings:?}");
    let made = knowledge::Compilation::with_policy(&library, "t", 1, policy.as_ref(), None);
    let bytes = made.unwrap().bytes;
    let pack = || Pack::decode(&bytes).unwrap();
    let mut report = Report::new(pack(), Output::Json, 1, false).with_policy(terms);
    report.begin(&Arc::from("log"));
    let mut hunter = Hunter::new(pack(), format, &FieldMap::default(), false).with_policy(terms);
    let out = report.take(hunter.hunt(log.as_bytes())) + &report.finish();
    let records = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let lines: Vec<_> = records
        .map(|of| {
            let [title, action, exception] =
                ["title", "action", "exception"].map(|name| text(&of[name]));
            format!("{} {title} {action} {exception}", of["line"])
        })
        .collect();
    (lines.join("\n"), report.summary())
}

const POLICED: &str = "
title: Late
logsource: {category: proxy}
detection: {s: {cs-host: a.example, sc-status: 200}, condition: s}
---
title: Either
logsource: {category: proxy}
detection: {a: {cs-host: a.example}, b: {sc-status: 500}, condition: a or b}
---
title: Agent
name: agent
logsource: {category: proxy}
detection: {s: {c-useragent: implant}, condition: s}
---
title: Often
correlation:
    type: event_count
    rules: [agent]
    group-by: [cs-host]
    timespan: 1m
    condition: {gte: 2}
    generate: true
";

const EXCEPTIONS: &str = "
default: enforce
exceptions:
  - id: EX-1
    owner: a
    ticket: T-1
    reason: r
    expires: 2026-01-01
    rules: [Agent]
    sources: [10.0.0.0/8]
";

fn terms(bound: inspect::Mode) -> PolicyReplay {
    // 2027-01-01, after the exception.
    PolicyReplay { bound, key: None, now: 1_798_761_600 }
}

#[test]
fn what_a_denied_request_would_have_been_answered_with_is_not_found() {
    let log = r#"{"method":"GET","authority":"a.example","path":"/","status":200}
{"method":"GET","authority":"b.example","path":"/","status":500}"#;
    let hunt = |bound| decided(POLICED, "default: enforce", Format::Envoy, log, terms(bound)).0;
    // The second rule needs no status where the host is enough, and is enforced then.
    assert_eq!(hunt(inspect::Mode::Enforce), "1 Either deny -\n2 Either observe -");
    assert_eq!(
        hunt(inspect::Mode::Monitor),
        "1 Late observe -\n1 Either observe -\n2 Either observe -"
    );
}

#[test]
fn an_exception_holds_by_the_time_and_the_source_of_the_event() {
    let line = |time: &str, source: &str| {
        format!(
            r#"{{"start_time":"{time}","authority":"c.example","path":"/","user_agent":"implant","source_address":"{source}"}}"#
        ) + "\n"
    };
    let mut log = line("2025-12-31T23:59:58Z", "10.0.0.1:1");
    log += &line("2025-12-31T23:59:59Z", "192.0.2.1:1");
    log += &line("2026-01-01T00:00:00Z", "10.0.0.1:1");
    // Without a time the clock decides.
    log += &line("", "10.0.0.1:1");
    let (found, summary) =
        decided(POLICED, EXCEPTIONS, Format::Envoy, &log, terms(inspect::Mode::Enforce));
    // What is excused is no part of a correlation either.
    let expect = "2 Agent deny -\n3 Agent deny -\n3 Often - -\n4 Agent deny -";
    assert_eq!(found, expect);
    for line in [
        "  1 match taken out by the exception EX-1\n",
        "  2 matches that would have been taken out by the expired exception EX-1\n",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
    let off = "statements: [{name: nothing, mode: 'off', rules: [Agent]}]";
    let (found, summary) =
        decided(POLICED, off, Format::Envoy, &log, terms(inspect::Mode::Enforce));
    assert_eq!(found, "");
    assert!(summary.contains("  4 matches that the policy turns off\n"), "{summary}");
}

#[test]
fn lines_that_are_no_requests_have_a_host_and_a_source_too() {
    let policy = "
statements:
  - {name: elsewhere, mode: 'off', sources: [192.0.2.0/24]}
default: enforce
";
    let rules = "
title: Json
logsource: {category: proxy}
detection: {s: {c-useragent: implant}, condition: s}
---
title: Name
logsource: {category: proxy}
detection: {s: {cs-host: a.example}, condition: s}
";
    let json = r#"{"c-useragent":"implant","src_ip":"192.0.2.7"}
{"c-useragent":"implant","src_ip":"10.0.0.1"}"#;
    let hunt = |format, log| decided(rules, policy, format, log, terms(inspect::Mode::Enforce)).0;
    assert_eq!(hunt(Format::Json, json), "2 Json deny -");
    let ssl = r#"{"uid":"C","server_name":"a.example","id.orig_h":"192.0.2.7"}
{"uid":"C","server_name":"a.example","id.orig_h":"10.0.0.1"}"#;
    assert_eq!(hunt(Format::ZeekSsl, ssl), "2 Name deny -");
}
