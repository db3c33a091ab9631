//! Events of a real gateway: their schema, and what ECS and OCSF make of them.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gateway::event::{self, Dialect, schema};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{Launch, http1, requests, until, workspace};

/// Where the table begins and ends in the page.
const MARKS: [&str; 2] = ["<!-- fields -->\n", "<!-- end of fields -->\n"];

#[test]
fn the_page_of_events_is_fresh() -> Result<()> {
    let path = workspace::root().join("docs/events.md");
    let page = fs::read_to_string(&path)?;
    let [start, end] = MARKS;
    let (before, rest) = page.split_once(start).context("the page has a mark")?;
    let (_, after) = rest.split_once(end).context("the page has a second mark")?;
    let fresh = [before, start, &schema::table(), end, after].concat();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &fresh)?;
    }
    assert!(
        fs::read_to_string(&path)? == fresh,
        "docs/events.md is stale; run the test with UPDATE=1"
    );
    Ok(())
}

/// The events of a gateway that saw the requests of the examples in both modes, one line each.
fn events() -> Result<Vec<Value>> {
    let directory = TempDir::with_prefix("tidegate-events-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "monitor")?;
    let examples = requests::read(&workspace::root().join("examples/requests"))?;
    let n_abusive = examples.iter().filter(|example| example.file == "abusive").count();
    let address = gateway.address()?;
    for example in &examples {
        http1::send(address, &example.bytes)?;
    }
    gateway.reload(&pack, "enforce", "2")?;
    let is_denied =
        |request: &[u8]| -> Result<bool> { Ok(http1::send(address, request)?.status == 403) };
    let first = examples.iter().find(|example| example.file == "abusive").context("an example")?;
    until("enforcement", || Ok(is_denied(&first.bytes)?.then_some(())))?;
    for example in &examples {
        http1::send(address, &example.bytes)?;
    }
    // A trace that a client brings, and one that is none.
    for trace in ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x\"y"] {
        let text = format!(
            "POST http://api.telegram.org/bot123456789:AAExampleExampleExampleExampleExample12/sendDocument HTTP/1.1\r\n\
             Host: api.telegram.org\r\nContent-Length: 0\r\ntraceparent: {trace}\r\n\r\n"
        );
        assert!(is_denied(text.as_bytes())?);
    }
    let expect = 2 * n_abusive + 3;
    until("the events", || {
        let log = gateway.envoy.log()?;
        let events = log.lines().flat_map(event::find).collect::<Result<Vec<Value>, _>>()?;
        Ok((events.len() >= expect).then_some(events))
    })
}

/// What a checker says about lines; an error if it is not content.
fn checked(program: &mut Command, lines: &[Value]) -> Result<String> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("standard input")?;
    for line in lines {
        writeln!(input, "{line}")?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{said}");
    Ok(said.lines().last().unwrap_or_default().to_owned())
}

fn ecs() -> Command {
    let mut node = Command::new("node");
    node.arg("ecs.mjs").current_dir(workspace::root().join("tests/schemas"));
    node
}

fn ocsf() -> Command {
    let mut python = Command::new("python3");
    python.arg(workspace::root().join("tests/schemas/ocsf.py"));
    python.env("PYTHONPATH", workspace::target().join("schemas"));
    python
}

#[test]
fn events_of_the_gateway_are_as_the_table_says_and_valid_as_ecs_and_ocsf() -> Result<()> {
    let events = events()?;
    for event in &events {
        let wrong = schema::check(event);
        assert!(wrong.is_empty(), "{wrong:?}: {event}");
    }
    let has = |path: &str| events.iter().any(|event| event.pointer(path).is_some());
    for path in ["/request/id", "/request/traceparent", "/response/code"] {
        assert!(has(path), "no event has {path}");
    }
    // A native module has no way to ask for it.
    assert_eq!(has("/gateway/node"), workspace::native()?.is_none());
    assert!(events.iter().any(|event| event["action"] == "deny"));
    assert!(events.iter().any(|event| event["action"] == "observe"));

    let converted = |dialect| events.iter().map(|event| event::convert(event, dialect)).collect();
    let (as_ecs, as_ocsf): (Vec<Value>, Vec<Value>) =
        (converted(Dialect::Ecs), converted(Dialect::Ocsf));
    println!("ECS: {}", checked(&mut ecs(), &as_ecs)?);
    println!("OCSF: {}", checked(&mut ocsf(), &as_ocsf)?);

    // The checkers can fail: otherwise they would say nothing.
    let spoilt = |events: &[Value], path: &str, value: Value| {
        let mut event = events.first().cloned().unwrap_or_default();
        if let Some(place) = event.pointer_mut(path) {
            *place = value;
        }
        vec![event]
    };
    assert!(checked(&mut ecs(), &spoilt(&as_ecs, "/event/kind", json!("other"))).is_err());
    assert!(checked(&mut ecs(), &spoilt(&as_ecs, "/rule", json!({"nom": "x"}))).is_err());
    assert!(checked(&mut ocsf(), &spoilt(&as_ocsf, "/action_id", json!(42))).is_err());
    assert!(checked(&mut ocsf(), &spoilt(&as_ocsf, "/metadata/product", json!({}))).is_err());
    Ok(())
}

#[test]
fn an_event_of_tls_that_passes_through_is_valid_too() -> Result<()> {
    let event = json!({
        "event": "tidegate.match", "schema": 1, "time": 1_763_697_600_123_u64, "mode": "monitor",
        "action": "observe", "would_deny": true, "techniques": [], "n_rules": 1,
        "rules": [{"id": "r", "title": "R", "phase": "request", "view": "server-name"}],
        "request": {"method": "", "host": "api.telegram.org", "sni": "api.telegram.org",
            "source": "192.0.2.7"},
        "pack": {"name": "p", "version": 1, "hash": "0123456789abcdef"}, "truncated": false,
    });
    // An event that closes a window of suppression has no method either.
    let mut closing = event.clone();
    closing["suppressed"] = json!({"count": 3, "since": 1_763_697_000_000_u64, "by": "rate"});
    for event in [&event, &closing] {
        assert!(schema::check(event).is_empty());
        checked(&mut ecs(), &[event::convert(event, Dialect::Ecs)])?;
        checked(&mut ocsf(), &[event::convert(event, Dialect::Ocsf)])?;
    }
    Ok(())
}
