//! What a client does so that its requests are not reported, or under another name: through a real Envoy.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use gateway::event::{self, schema};
use inspect::IdentityKey;
use knowledge::{Compilation, Library, Policy};
use serde_json::{Value, json};
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1, until};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";

const RULES: &str = "
title: Webhook
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection: {s: {cs-host: hooks.slack.com}, condition: s}
level: high
---
title: Paste
id: 6b3e1d1c-0000-4000-8000-000000000002
logsource: {category: proxy}
detection: {s: {cs-host: pastebin.com}, condition: s}
level: high
";

const SLACK: &str = "---
kind: service
service: Slack
hosts: [slack.com]
identity:
  - hooks.slack.com/services/{tenant}/{app}/{secret}
operations:
  - name: upload
    methods: [PUT]
    means: a file is sent
    match: PUT https://hooks.slack.com/files
    pass: GET https://hooks.slack.com/files
---
";

/// Alerting may use its own webhook, and so may whatever runs on the hop itself.
const POLICY: &str = "
default: enforce
sources:
  alerting: [alertmanager]
  hop: [127.0.0.0/8]
statements:
  - {name: sanctioned use, mode: monitor, usage: sanctioned}
sanctioned:
  - {services: [Slack], sources: [alerting, hop], identities: [T1/B1]}
";

fn pack(policy: &str) -> Result<Vec<u8>> {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let library = Library::read(vec![file("rules.yml", RULES), file("slack.md", SLACK)]);
    ensure!(library.findings.is_empty(), "{:?}", library.findings);
    let (policy, findings) = Policy::read(&"policy.yml".into(), policy);
    ensure!(findings.is_empty(), "{findings:?}");
    let key = IdentityKey::from_hex(KEY);
    let compilation = Compilation::with_policy(&library, "visibility", 1, policy.as_ref(), key);
    Ok(compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?.bytes)
}

fn plugin(settings: &[(&str, &str)]) -> Result<Plugin> {
    let pack = pack(POLICY)?;
    let mut all = json!({
        "mode": "enforce",
        "pack": STANDARD.encode(&pack),
        "identity_key": KEY,
        "source_header": "x-client",
        "trusted_hops": "127.0.0.1/32",
    });
    for (key, value) in settings {
        all.as_object_mut().context("an object")?.insert((*key).to_owned(), json!(value));
    }
    Ok(Plugin::tidegate(&pack, "enforce")?.with_text(&all.to_string()))
}

/// An Envoy in front of a server that answers for every host.
fn start(settings: &[(&str, &str)]) -> Result<(Envoy, StandIn)> {
    let stand_in = StandIn::start()?;
    let filters = [plugin(settings)?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    Ok((Envoy::start(&config.json())?, stand_in))
}

/// Sends a request with more lines in its head, and returns the status of the response.
fn send(envoy: &Envoy, head: &str) -> Result<u16> {
    let request = format!("{head}Content-Length: 0\r\n\r\n");
    Ok(http1::send(envoy.listener("egress")?, request.as_bytes())?.status)
}

/// The events so far, each checked against the table.
fn events(envoy: &Envoy) -> Result<Vec<Value>> {
    let log = envoy.log()?;
    let events = log.lines().flat_map(event::find).collect::<Result<Vec<Value>, _>>()?;
    for event in &events {
        let wrong = schema::check(event);
        ensure!(wrong.is_empty(), "{wrong:?}: {event}");
    }
    Ok(events)
}

/// The events once there are so many.
fn events_of(envoy: &Envoy, n_events: usize) -> Result<Vec<Value>> {
    until("the events", || {
        let events = events(envoy)?;
        Ok((events.len() >= n_events).then_some(events))
    })
}

fn webhook(tenant: &str, client: &str) -> String {
    format!(
        "POST /services/{tenant}/secretsecretsecret HTTP/1.1\r\nHost: hooks.slack.com\r\n\
         X-Client: {client}\r\n"
    )
}

#[test]
fn a_denial_is_reported_although_a_sanctioned_use_was_reported_before() -> Result<()> {
    let (envoy, _stand_in) = start(&[("suppress_seconds", "3600")])?;
    assert_eq!(send(&envoy, &webhook("T1/B1", "alertmanager"))?, 200);
    for _ in 0..3 {
        assert_eq!(send(&envoy, &webhook("T9/B9", "alertmanager"))?, 403);
    }
    let events = events_of(&envoy, 2)?;
    let actions: Vec<_> = events.iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["observe", "deny"], "{events:?}");
    assert_eq!(events[1]["request"]["usage"], "new");
    // Another tenant is another event, also of the same source and action.
    assert_eq!(send(&envoy, &webhook("T8/B8", "alertmanager"))?, 403);
    events_of(&envoy, 3)?;
    Ok(())
}

#[test]
fn without_an_identity_key_another_webhook_or_an_upload_is_reported() -> Result<()> {
    let pack = pack("default: monitor\n")?;
    let settings =
        json!({"mode": "monitor", "pack": STANDARD.encode(&pack), "suppress_seconds": "3600"});
    let filters = [Plugin::tidegate(&pack, "monitor")?.with_text(&settings.to_string())];
    let filters = filters.map(|plugin| plugin.http_filter());
    let stand_in = StandIn::start()?;
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let requests = [
        "POST /services/T1/B1/secretsecretsecret",
        "POST /services/T9/B9/secretsecretsecret",
        // Another credential of the same tenant, a disguised one, and another operation.
        "POST /services/T9/B9/othersecretothersecret",
        "POST /x/..//services/T8/B8/othersecretothersecret",
        "POST /x/..//services/T7/B7/othersecretothersecret",
        "GET /files",
        "PUT /files",
        "POST /files",
    ];
    for _ in 0..2 {
        for request in requests {
            send(&envoy, &format!("{request} HTTP/1.1\r\nHost: hooks.slack.com\r\n"))?;
        }
    }
    let n_requests = 2 * requests.len();
    envoy.access_log_of(n_requests)?;
    let events = events_of(&envoy, requests.len())?;
    assert_eq!(events.len(), requests.len(), "{events:?}");
    assert!(events.iter().all(|event| event["request"].get("tenant").is_none()));
    Ok(())
}

#[test]
fn one_client_cannot_use_up_the_rate_of_another() -> Result<()> {
    let (envoy, _stand_in) = start(&[("events_per_minute", "3")])?;
    for _ in 0..10 {
        assert_eq!(send(&envoy, &webhook("T1/B1", "alertmanager"))?, 200);
    }
    assert_eq!(send(&envoy, &webhook("T9/B9", "payroll"))?, 403);
    until("the denial", || {
        let events = events(&envoy)?;
        Ok(events.iter().any(|event| event["action"] == "deny").then_some(()))
    })?;
    // Nor can observations use up the rate of denials.
    assert_eq!(send(&envoy, &webhook("T9/B9", "alertmanager"))?, 403);
    until("the other denial", || {
        let events = events(&envoy)?;
        Ok((events.iter().filter(|event| event["action"] == "deny").count() == 2).then_some(()))
    })
}

#[test]
fn an_ambiguous_header_of_a_trusted_hop_names_nobody() -> Result<()> {
    let (envoy, _stand_in) = start(&[])?;
    let head = "POST /services/T1/B1/secretsecretsecret HTTP/1.1\r\nHost: hooks.slack.com\r\n";
    // What the hop sends for itself is the hop's.
    assert_eq!(send(&envoy, head)?, 200);
    for lines in
        ["X-Client: x\r\nX-Client: y\r\n", "X-Client: \r\n", "X-Client: x\r\nX-Client:\r\n"]
    {
        assert_eq!(send(&envoy, &format!("{head}{lines}"))?, 403, "{lines:?}");
    }
    let stats = envoy.stats()?;
    let found = stats.iter().find(|(name, _)| name.contains("kind=source_header"));
    assert_eq!(found.map(|(_, count)| *count), Some(3), "it is counted");
    Ok(())
}

#[test]
fn what_is_too_large_to_be_inspected_is_refused_where_the_filter_fails_closed() -> Result<()> {
    // A host that is longer than the engine reads, where an operator lets Envoy take it.
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\n", "h.example,".repeat(12_000));
    for (failure_mode, expect) in [("open", 200), ("closed", 503)] {
        let filters = [plugin(&[("failure_mode", failure_mode)])?.http_filter()];
        let config = Bootstrap::new().listener("egress", &filters).json().to_string();
        let limit = r#""max_request_headers_kb":96"#;
        ensure!(config.contains(limit), "the limit of the other tests");
        let config = config.replace(limit, r#""max_request_headers_kb":256"#);
        let envoy = Envoy::start(&serde_json::from_str(&config)?)?;
        assert_eq!(send(&envoy, &head)?, expect, "{failure_mode}");
        let stats = envoy.stats()?;
        let found = stats.iter().find(|(name, _)| name.contains("kind=truncated"));
        assert_eq!(found.map(|(_, count)| *count), Some(1));
    }
    Ok(())
}

#[test]
fn a_host_that_is_repeated_does_not_hide_the_one_behind_it() -> Result<()> {
    let (envoy, _stand_in) = start(&[])?;
    let hosts = "d.example,".repeat(5_000);
    let path = "x".repeat(250);
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {hosts}pastebin.com\r\n");
    assert_eq!(send(&envoy, &head)?, 403);
    assert_eq!(events_of(&envoy, 1)?[0]["truncated"], false);
    Ok(())
}

/// Starts a server that reads a request and answers when its body is complete.
fn patient_server(n_body: usize) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut seen: Vec<u8> = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let end = seen.windows(4).position(|window| window == b"\r\n\r\n");
            if end.is_some_and(|end| seen.len() >= end + 4 + n_body) {
                break;
            }
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                n_bytes => seen.extend(buffer.iter().take(n_bytes)),
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        // The connection is kept until the gateway closes it.
        while stream.read(&mut buffer)? > 0 {}
        Ok(())
    });
    Ok(address)
}

#[test]
fn an_endless_request_is_reported_while_it_runs_and_again_when_it_ends() -> Result<()> {
    let filters = [plugin(&[])?.http_filter()];
    let config = Bootstrap::new().upstream(patient_server(20)?).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let mut client = TcpStream::connect(envoy.listener("egress")?)?;
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = webhook("T1/B1", "alertmanager");
    client.write_all(format!("{head}Content-Length: 20\r\n\r\n0123456789").as_bytes())?;
    let open = events_of(&envoy, 1)?;
    assert_eq!(open[0]["stream"], "open", "{open:?}");
    assert_eq!(open[0]["action"], "observe");
    client.write_all(b"0123456789")?;
    let mut answer = [0; 12];
    client.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 200");
    let events = events_of(&envoy, 2)?;
    assert_eq!(events[1]["stream"], "closed", "{events:?}");
    assert_eq!(events[1]["response"]["code"], 200);
    assert_eq!(events[1]["response"]["request_bytes"], 20);
    assert_eq!(events[1]["request"]["id"], events[0]["request"]["id"]);
    Ok(())
}

#[test]
fn userinfo_is_never_reported_however_it_is_encoded() -> Result<()> {
    let (envoy, _stand_in) = start(&[])?;
    let hosts = [
        "alice:hunter2@pastebin.com",
        "alice:hunter2%40pastebin.com",
        "alice:hunter2%2540pastebin.com",
        "alice%3Ahunter2%40pastebin.com",
        "alice%253Ahunter2%252540pastebin.com",
        "alice:hunter2%u0040pastebin.com",
        "alice:hunter2%EF%BC%A0pastebin.com",
    ];
    for host in hosts {
        assert_eq!(send(&envoy, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n"))?, 403, "{host}");
    }
    let events = events_of(&envoy, hosts.len())?;
    for (event, host) in events.iter().zip(hosts) {
        assert_eq!(event["request"]["host"], "pastebin.com", "{host}");
        let text = event.to_string();
        assert!(!text.contains("hunter2") && !text.contains("alice"), "{host}: {text}");
    }
    Ok(())
}

#[test]
fn a_denial_of_grpc_is_a_denial_in_event_and_access_log_although_its_status_is_200() -> Result<()> {
    let (envoy, _stand_in) = start(&[])?;
    let head = "POST /x HTTP/1.1\r\nHost: pastebin.com\r\nContent-Type: application/grpc\r\n";
    assert_eq!(send(&envoy, head)?, 200);
    let events = events_of(&envoy, 1)?;
    assert_eq!(events[0]["action"], "deny");
    assert_eq!(
        (&events[0]["response"]["code"], &events[0]["response"]["grpc_status"]),
        (&json!(200), &json!(7))
    );
    let line: Value = serde_json::from_str(envoy.access_log_of(1)?.first().context("a line")?)?;
    assert_eq!((&line["action"], &line["status"]), (&json!("deny"), &json!(200)));
    Ok(())
}
