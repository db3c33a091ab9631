//! The policy: modes, exceptions, sources and expiry, by the engine here and by a real Envoy.
//!
//! One table. The engine is asked with a clock of its own; in Envoy the clock is the world's, so that
//! what has expired did so long ago and what has not has a century left.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "certificates are handed to curl as files")]

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use hunt::{Hunter, Output, PolicyReplay, Report};
use inspect::{IdentityKey, Inspector, Mode, Pack, PolicyQuery, Request, Source};
use knowledge::{Compilation, Library, Policy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::authority::Authority;
use tests::{Bootstrap, Certificate, Envoy, Plugin, StandIn, http1, until};
use traffic::{FieldMap, Format};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
/// 2026-11-21.
const NOW: u64 = 1_795_219_200;

const RULES: &str = "
title: Webhook
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection: {s: {cs-host: hooks.slack.com}, condition: s}
tags: [attack.t1567.004]
level: high
---
title: Bot
id: 6b3e1d1c-0000-4000-8000-000000000002
logsource: {category: proxy}
detection: {s: {cs-host: api.telegram.org}, condition: s}
tags: [attack.t1102.002]
level: medium
---
title: Client
id: 6b3e1d1c-0000-4000-8000-000000000003
logsource: {category: proxy}
detection: {s: {c-useragent: implant}, condition: s}
tags: [attack.t1071.001]
level: low
";

const SLACK: &str = "---
kind: service
service: Slack
hosts: [slack.com]
identity:
  - hooks.slack.com/services/{tenant}/{app}/{secret}
---
";

const POLICY: &str = "
default: monitor
sources:
  alerting: [spiffe://example.org/ns/alerting/*, alertmanager]
  loopback: [127.0.0.0/8]
  elsewhere: [192.0.2.0/24]
statements:
  - {name: sanctioned use, mode: 'off', usage: sanctioned}
  - {name: nobody, mode: 'off', rules: [Bot], sources: [elsewhere]}
  - {name: none of them, mode: 'off', rules: [Bot], share: 0%}
  - {name: exfiltration, mode: enforce, techniques: [T1567], levels: [high]}
  - {name: all of them, mode: enforce, rules: [Bot], share: 100%}
exceptions:
  - id: EX-over
    owner: platform
    ticket: OPS-1
    reason: the old bot
    expires: 2020-01-01
    rules: [Bot]
  - id: EX-holds
    owner: platform
    ticket: OPS-2
    reason: the new bot
    expires: 2126-01-01
    rules: [Bot]
    sources: [alerting]
  - id: EX-tenant
    owner: platform
    ticket: OPS-3
    reason: the other tenant
    expires: 2126-01-01
    services: [Slack]
    identities: [T2/B2]
sanctioned:
  - {services: [Slack], sources: [alerting], identities: [T1/B1]}
";

struct Case {
    name: &'static str,
    host: &'static str,
    path: &'static str,
    agent: &'static str,
    /// What the trusted header says.
    client: &'static str,
    /// The plugin's mode, and what happens in it.
    expect: [(Mode, &'static str); 3],
    /// In mode enforce: the statement, the exception, the expired one, and the use.
    ruling: [&'static str; 4],
}

const fn expect(monitor: &'static str, enforce: &'static str) -> [(Mode, &'static str); 3] {
    [(Mode::Off, "allow"), (Mode::Monitor, monitor), (Mode::Enforce, enforce)]
}

const CASES: &[Case] = &[
    Case {
        name: "what no statement is about is monitored",
        host: "www.example.com",
        path: "/",
        agent: "implant",
        client: "",
        expect: expect("observe", "observe"),
        ruling: ["", "", "", ""],
    },
    Case {
        name: "a technique and a level are enforced",
        host: "hooks.slack.com",
        path: "/services/T9/B9/secretsecretsecret",
        agent: "curl",
        client: "",
        expect: expect("observe", "deny"),
        ruling: ["exfiltration", "", "", "new"],
    },
    Case {
        name: "a sanctioned identity is no match for its source",
        host: "hooks.slack.com",
        path: "/services/T1/B1/secretsecretsecret",
        agent: "curl",
        client: "alertmanager",
        expect: expect("allow", "allow"),
        ruling: ["sanctioned use", "", "", "sanctioned"],
    },
    Case {
        name: "a sanctioned identity is only known for another source",
        host: "hooks.slack.com",
        path: "/services/T1/B1/secretsecretsecret",
        agent: "curl",
        client: "payroll",
        expect: expect("observe", "deny"),
        ruling: ["exfiltration", "", "", "known"],
    },
    Case {
        name: "another identity of a source that has one is new",
        host: "hooks.slack.com",
        path: "/services/T1/B7/secretsecretsecret",
        agent: "curl",
        client: "alertmanager",
        expect: expect("observe", "deny"),
        ruling: ["exfiltration", "", "", "new"],
    },
    Case {
        name: "a disguised request is nobody's sanctioned use",
        host: "HOOKS.slack.com",
        path: "/services/T1/B1/secretsecretsecret",
        agent: "curl",
        client: "alertmanager",
        expect: expect("observe", "deny"),
        ruling: ["exfiltration", "", "", "new"],
    },
    Case {
        name: "an exception for a tenant takes the match out",
        host: "hooks.slack.com",
        path: "/services/T2/B2/secretsecretsecret",
        agent: "curl",
        client: "",
        expect: expect("allow", "allow"),
        ruling: ["exfiltration", "EX-tenant", "", "new"],
    },
    Case {
        name: "an expired exception is reported",
        host: "api.telegram.org",
        path: "/bot1:secretsecretsecret/getMe",
        agent: "curl",
        client: "",
        expect: expect("observe", "deny"),
        ruling: ["all of them", "", "EX-over", ""],
    },
    Case {
        name: "an exception for a source holds beside one that has expired",
        host: "api.telegram.org",
        path: "/bot1:secretsecretsecret/getMe",
        agent: "curl",
        client: "alertmanager",
        expect: expect("allow", "allow"),
        ruling: ["all of them", "EX-holds", "", ""],
    },
    Case {
        name: "an exception for one rule does not excuse another",
        host: "api.telegram.org",
        path: "/bot1:secretsecretsecret/getMe",
        agent: "implant",
        client: "alertmanager",
        expect: expect("observe", "observe"),
        ruling: ["all of them", "EX-holds", "", ""],
    },
];

fn compile() -> Result<Compilation> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let library = Library::read(vec![file("rules.yml", RULES), file("slack.md", SLACK)]);
    ensure!(library.findings.is_empty(), "{:?}", library.findings);
    let (policy, findings) = Policy::read(&"policy.yml".into(), POLICY);
    ensure!(findings.is_empty(), "{findings:?}");
    let key = IdentityKey::from_hex(KEY);
    let compilation = Compilation::with_policy(&library, "policy", 1, policy.as_ref(), key);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    ensure!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Ok(compilation)
}

fn source(case: &Case) -> Source<'_> {
    let named = (!case.client.is_empty()).then_some(case.client.as_bytes());
    Source { named, address: Some(b"127.0.0.1"), ..Source::default() }
}

fn request(case: &Case) -> Request<'_> {
    Request {
        method: b"GET",
        scheme: b"http",
        authority: case.host.as_bytes(),
        path: Some(case.path.as_bytes()),
        user_agent: Some(case.agent.as_bytes()),
        ..Request::default()
    }
}

#[test]
fn the_engine_decides_as_the_table_says() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    for case in CASES {
        let request = request(case);
        let verdict = inspector.inspect(&request);
        for (bound, action) in case.expect {
            let key = IdentityKey::from_hex(KEY);
            let query =
                PolicyQuery { request: &request, source: source(case), now: NOW, bound, key };
            let decision = inspector.pack().decide(&verdict, &query);
            assert_eq!(decision.action.as_str(), action, "{} in mode {bound:?}", case.name);
            if bound != Mode::Enforce {
                continue;
            }
            let tables = inspector.pack().tables();
            let ruling = decision.rulings.first().context("a match")?;
            let text = |id: Option<inspect::StrId>| id.map_or("", |id| tables.str(id));
            let usage = decision.usage.map_or("", inspect::Usage::as_str);
            let seen =
                [text(ruling.statement), text(ruling.exception), text(ruling.expired), usage];
            assert_eq!(seen, case.ruling, "{}", case.name);
        }
    }
    Ok(())
}

#[test]
fn the_clock_ends_an_exception_to_the_second() -> Result<()> {
    let mut inspector = Inspector::new(compile()?.pack);
    let case = CASES.iter().find(|case| case.ruling[2] == "EX-over").context("the case")?;
    let request = request(case);
    let verdict = inspector.inspect(&request);
    // 2020-01-01T00:00:00Z.
    for (now, action) in [(1_577_836_799, "allow"), (1_577_836_800, "deny"), (u64::MAX, "deny")] {
        let bound = Mode::Enforce;
        let query = PolicyQuery { request: &request, source: source(case), now, bound, key: None };
        let decision = inspector.pack().decide(&verdict, &query);
        assert_eq!(decision.action.as_str(), action, "at {now}");
    }
    Ok(())
}

#[test]
fn a_share_of_sources_grows_and_never_changes_sides() {
    let names: Vec<String> =
        (0..10_000).map(|idx| format!("10.0.{}.{}", idx / 256, idx % 256)).collect();
    let within = |statement: &str, share: u32| -> Vec<bool> {
        let source = |name: &'_ String| {
            let source = Source { address: Some(name.as_bytes()), ..Source::default() };
            source.share(statement) < share
        };
        names.iter().map(source).collect()
    };
    let count = |list: &[bool]| list.iter().filter(|it| **it).count();
    let (quarter, half) = (within("a", 2500), within("a", 5000));
    assert!((2_350..2_650).contains(&count(&quarter)), "{}", count(&quarter));
    assert!((4_850..5_150).contains(&count(&half)), "{}", count(&half));
    assert!(quarter.iter().zip(&half).all(|(quarter, half)| !quarter || *half));
    assert_ne!(quarter, within("b", 2500));
    assert_eq!(count(&within("a", 0)), 0);
    assert_eq!(count(&within("a", 10_000)), names.len());
}

fn plugin(pack: &[u8], mode: &str, hops: &str) -> Result<Plugin> {
    let settings = json!({
        "mode": mode,
        "pack": STANDARD.encode(pack),
        "identity_key": KEY,
        "source_header": "x-client",
        "trusted_hops": hops,
    });
    Ok(Plugin::tidegate(pack, mode)?.with_text(&settings.to_string()))
}

/// What Envoy's access log says about the cases, in their order.
fn run(pack: &[u8], mode: &str, hops: &str) -> Result<(Envoy, Vec<Value>)> {
    let stand_in = StandIn::start()?;
    let filters = [plugin(pack, mode, hops)?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let address = envoy.listener("egress")?;
    for case in CASES {
        let mut head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n",
            case.path, case.host, case.agent
        );
        if !case.client.is_empty() {
            head += &format!("x-client: {}\r\n", case.client);
        }
        http1::send(address, format!("{head}\r\n").as_bytes())?;
    }
    let log = envoy.access_log_of(CASES.len())?;
    let lines = log.iter().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<_>>()?;
    Ok((envoy, lines))
}

#[test]
fn envoy_decides_as_the_table_says() -> Result<()> {
    let pack = compile()?.bytes;
    for (idx, mode) in ["off", "monitor", "enforce"].into_iter().enumerate() {
        // The client's address is that of the connection: there is no hop.
        let (envoy, lines) = run(&pack, mode, "127.0.0.1/32")?;
        for (case, line) in CASES.iter().zip(&lines) {
            let (_, action) = case.expect[idx];
            let shown = line["action"].as_str().unwrap_or("allow");
            assert_eq!(shown, action, "{} in mode {mode}: {line}", case.name);
            let status = if action == "deny" { 403 } else { 200 };
            assert_eq!(line["status"], status, "{} in mode {mode}", case.name);
        }
        if mode == "off" {
            assert!(!envoy.log()?.contains("tidegate.match"), "an event in mode off");
        }
        if mode == "enforce" {
            let stats = until("the counters", || {
                let stats = tests::admin::stats(envoy.admin())?;
                Ok(stats.keys().any(|name| name.contains("exception=EX-tenant")).then_some(stats))
            })?;
            let count = |name: &str| {
                let found = stats.iter().find(|(key, _)| key.ends_with(name));
                found.map_or(0, |(_, value)| *value)
            };
            assert_eq!(count("tidegate_exceptions_total.exception=EX-holds"), 2);
            assert_eq!(count("tidegate_exceptions_total.exception=EX-tenant"), 1);
            assert_eq!(count("tidegate_expired_exceptions_total.exception=EX-over"), 1);
            let log = envoy.log()?;
            for wanted in [
                r#""usage":"known""#,
                r#""statement":"exfiltration""#,
                r#""exception":"EX-holds""#,
                r#""expired_exception":"EX-over""#,
                r#""path":"/services/{tenant}/{app}/{secret}""#,
            ] {
                assert!(log.contains(wanted), "no {wanted} in {log}");
            }
            assert!(!log.contains("secretsecretsecret"), "a secret in the log");
        }
        assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    }
    Ok(())
}

/// What a hunt finds in a log of the cases, as the events of the filter say it: a line per rule.
fn hunt(pack: &[u8], bound: Mode) -> Result<Vec<Value>> {
    let terms = PolicyReplay { bound, key: IdentityKey::from_hex(KEY), now: 0 };
    let decode = || Pack::decode(pack).map_err(|error| anyhow::anyhow!("{error}"));
    let mut log = String::new();
    for case in CASES {
        let line = json!({
            "start_time": "2026-11-21T00:00:00Z",
            "method": "GET",
            "authority": case.host,
            "path": case.path,
            "user_agent": case.agent,
            "source_address": "127.0.0.1:40000",
            "source_identity": case.client,
        });
        log += &format!("{line}\n");
    }
    let map = FieldMap::default();
    let mut report = Report::new(decode()?, Output::Json, 1, false).with_policy(terms);
    report.begin(&"log".into());
    let mut hunter = Hunter::new(decode()?, Format::Envoy, &map, false).with_policy(terms);
    let records = report.take(hunter.hunt(log.as_bytes()));
    assert_eq!(report.counts().n_events, CASES.len() as u64);
    records.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[test]
fn a_hunt_over_a_log_decides_as_envoy_does() -> Result<()> {
    let pack = compile()?.bytes;
    for (mode, bound) in [("monitor", Mode::Monitor), ("enforce", Mode::Enforce)] {
        let (envoy, _) = run(&pack, mode, "127.0.0.1/32")?;
        let log = envoy.log()?;
        let mut inline = Vec::new();
        for line in log.lines() {
            let Some(at) = line.find("{\"event\":\"tidegate.match\"") else { continue };
            let mut events = serde_json::Deserializer::from_str(line.split_at(at).1).into_iter();
            let event: Value = events.next().context("an event")??;
            for rule in event["rules"].as_array().context("rules")? {
                inline.push(json!({
                    "rule": rule["id"], "mode": rule["mode"], "statement": rule["statement"],
                    "exception": rule["exception"], "expired_exception": rule["expired_exception"],
                    "action": event["action"], "would_deny": event["would_deny"],
                    "service": event["request"]["service"], "usage": event["request"]["usage"],
                    "tenant": event["request"]["tenant"],
                    "credential": event["request"]["credential"],
                    "source": event["request"]["source"], "identity": event["request"]["identity"],
                }));
            }
        }
        let names = inline.first().and_then(Value::as_object).context("an event")?;
        let names: Vec<_> = names.keys().cloned().collect();
        let found = hunt(&pack, bound)?.into_iter().map(|record| {
            let values = names.iter().map(|name| (name.clone(), record[name].clone()));
            Value::Object(values.collect())
        });
        assert_eq!(found.collect::<Vec<_>>(), inline, "in mode {mode}");
        assert!(inline.len() >= 8, "{} rules in mode {mode}", inline.len());
    }
    Ok(())
}

#[test]
fn a_header_from_a_hop_that_is_not_trusted_names_nobody() -> Result<()> {
    let pack = compile()?.bytes;
    let (_, lines) = run(&pack, "enforce", "192.0.2.1")?;
    for (case, line) in CASES.iter().zip(&lines) {
        if case.client == "alertmanager" && !case.host.contains("example") {
            assert_eq!(line["action"], "deny", "{}: {line}", case.name);
        }
    }
    Ok(())
}

/// A workload's own certificate says who it is, whatever it writes into a header.
#[test]
fn a_workload_is_who_its_certificate_says() -> Result<()> {
    let (ours, theirs) = (Authority::new("ours")?, Authority::new("theirs")?);
    let server = ours.issue(&["hooks.slack.com"])?;
    let stand_in = StandIn::start()?;
    let filters = [plugin(&compile()?.bytes, "enforce", "192.0.2.1")?.http_filter()];
    let certificate = Certificate { chain: &server.chain, key: &server.key };
    let config = Bootstrap::new().upstream(stand_in.address());
    let config = config.mutual_tls_listener("egress", certificate, ours.pem(), &filters);
    let envoy = Envoy::start(&config.json())?;
    let address = envoy.listener("egress")?;
    let directory = TempDir::with_prefix("tidegate-workloads-")?;
    let path = |name: &str| directory.path().join(name);
    fs::write(path("authority.pem"), ours.pem())?;
    for (id, authority, client, expect) in [
        ("spiffe://example.org/ns/alerting/sa/main", &ours, "", "200"),
        ("spiffe://example.org/ns/payroll/sa/main", &ours, "", "403"),
        ("spiffe://example.org/ns/payroll/sa/main", &ours, "alertmanager", "403"),
        // Whom the listener does not know does not get in.
        ("spiffe://example.org/ns/alerting/sa/main", &theirs, "", "000"),
    ] {
        let issued = authority.issue_for_workload(id)?;
        fs::write(path("client.pem"), issued.chain)?;
        fs::write(path("client.key"), issued.key)?;
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--max-time", "10", "--output"]);
        curl.arg(path("answer")).args(["--write-out", "%{http_code}"]);
        curl.arg("--cacert").arg(path("authority.pem"));
        curl.arg("--cert").arg(path("client.pem")).arg("--key").arg(path("client.key"));
        curl.args(["--connect-to", &format!("hooks.slack.com:443:{address}")]);
        curl.args(["--header", &format!("x-client: {client}")]);
        let output =
            curl.arg("https://hooks.slack.com/services/T1/B1/secretsecretsecret").output()?;
        let status = String::from_utf8_lossy(&output.stdout);
        assert_eq!(status, expect, "{id} as `{client}`");
    }
    let log = envoy.log()?;
    assert!(log.contains(r#""identity":"spiffe://example.org/ns/payroll/sa/main""#), "{log}");
    Ok(())
}

#[test]
fn a_key_that_is_not_the_packs_is_refused() -> Result<()> {
    let pack = compile()?.bytes;
    let wrong = plugin(&pack, "enforce", "127.0.0.1")?;
    let text = wrong.configuration["value"].as_str().context("text")?.replace(KEY, &"0".repeat(32));
    let filters = [wrong.with_text(&text).http_filter()];
    let config = Bootstrap::new().listener("egress", &filters);
    let refused = Envoy::start(&config.json()).err().context("Envoy starts")?;
    let why = format!("{refused:?}");
    assert!(why.contains("is not the one that the pack was compiled with"), "{why}");
    Ok(())
}
