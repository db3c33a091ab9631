//! Repeated events are suppressed and counted, across workers, and reported when their window closes.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::event::{self, schema};
use serde_json::{Value, json};
use tests::{Bootstrap, Envoy, Launch, Plugin, StandIn, http1, until};

/// How long a tunnel may stay silent.
const SILENCE: Duration = Duration::from_secs(30);

const SOURCES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];
const N_REQUESTS: u64 = 30;

/// Two rules that may match the same request.
const RULES: &str = "
title: Host
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection: {s: {cs-host: a.example}, condition: s}
---
title: Client
id: 6b3e1d1c-0000-4000-8000-000000000002
logsource: {category: proxy}
detection: {s: {c-useragent: implant}, condition: s}
";

fn start(settings: &[(&str, &str)]) -> Result<Envoy> {
    start_before(settings, Bootstrap::new())
}

/// Starts a gateway whose configuration begins with `bootstrap`.
fn start_before(settings: &[(&str, &str)], bootstrap: Bootstrap) -> Result<Envoy> {
    let parsed = sigma::parse(&sigma::Source::new("rules", RULES));
    let mut compiler = sigma::Compiler::new("suppression", 1);
    for rule in &parsed.rules {
        ensure!(compiler.add(rule).is_ok(), "a rule is refused");
    }
    let pack = compiler.finish().encode();
    let mut all = json!({"mode": "monitor", "pack": STANDARD.encode(&pack)});
    for (key, value) in settings {
        all.as_object_mut().context("an object")?.insert((*key).to_owned(), json!(value));
    }
    let plugin = Plugin::tidegate(&pack, "monitor")?.with_text(&all.to_string());
    let config = bootstrap.listener("egress", &[plugin.http_filter()]);
    Envoy::launch(&Launch { concurrency: 2, ..Launch::new()? }, &config.json())
}

/// A request on a connection of its own, so that either worker may get it.
fn send(envoy: &Envoy, host: &str, source: &str, agent: &str) -> Result<()> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nX-Forwarded-For: {source}\r\n\r\n"
    );
    ensure!(http1::send(envoy.listener("egress")?, request.as_bytes())?.status == 200);
    Ok(())
}

/// The events so far, each as the table has it: those of requests, and those that close a window.
fn events(envoy: &Envoy) -> Result<(Vec<Value>, Vec<Value>)> {
    let log = envoy.log()?;
    let events = log.lines().flat_map(event::find).collect::<Result<Vec<Value>, _>>()?;
    for event in &events {
        let wrong = schema::check(event);
        ensure!(wrong.is_empty(), "{wrong:?}: {event}");
    }
    Ok(events.into_iter().partition(|event| event.get("suppressed").is_none()))
}

fn text<'e>(event: &'e Value, path: &str) -> &'e str {
    event.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn counted(envoy: &Envoy, name: &str) -> Result<u64> {
    let stats = envoy.stats()?;
    let of = stats.iter().filter(|(known, _)| known.contains(name));
    Ok(of.map(|(_, value)| *value).sum())
}

#[test]
fn events_that_repeat_a_rule_source_and_service_are_suppressed_until_the_window_closes()
-> Result<()> {
    let envoy = start(&[("suppress_seconds", "3")])?;
    for _ in 0..N_REQUESTS {
        for source in SOURCES {
            send(&envoy, "a.example", source, "curl")?;
        }
    }
    // The number of requests that a window took in depends on how fast the machine is; none is lost.
    let (written, closing) = until("all windows to be closed", || {
        let (written, closing) = events(&envoy)?;
        let counts = closing.iter().filter_map(|it| it.pointer("/suppressed/count")?.as_u64());
        let all = written.len() as u64 + counts.sum::<u64>();
        ensure!(all <= 2 * N_REQUESTS, "{all} events and suppressed ones");
        Ok((all == 2 * N_REQUESTS).then_some((written, closing)))
    })?;
    assert!((2..=20).contains(&written.len()), "{} events", written.len());
    for source in SOURCES {
        let of = closing.iter().find(|event| text(event, "/request/source") == source);
        let of = of.with_context(|| format!("no window of {source} was closed"))?;
        assert_eq!(text(of, "/rules/0/title"), "Host");
        assert_eq!(text(of, "/request/host"), "a.example");
        assert_eq!(text(of, "/suppressed/by"), "window");
        assert_eq!(text(of, "/action"), "observe");
    }
    let n_suppressed = 2 * N_REQUESTS - written.len() as u64;
    assert_eq!(counted(&envoy, "tidegate_suppressed_total")?, n_suppressed);
    assert_eq!(
        counted(&envoy, "tidegate_matches_total")?,
        2 * N_REQUESTS,
        "metrics are as without"
    );
    assert!(envoy.plugin_failures()?.is_empty());
    Ok(())
}

/// A tunnel that is open; it ends when it is dropped.
struct Tunnel(TcpStream);

impl Tunnel {
    fn open(envoy: &Envoy) -> Result<Tunnel> {
        let mut stream = TcpStream::connect_timeout(&envoy.listener("egress")?, SILENCE)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.write_all(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")?;
        let mut buffer = [0; 4096];
        let n_bytes = stream.read(&mut buffer)?;
        let answer = buffer.get(..n_bytes).unwrap_or_default();
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "no tunnel");
        Ok(Tunnel(stream))
    }

    /// Sends a request inside; returns its bytes once there is an answer.
    fn send(&mut self) -> Result<u64> {
        let request = format!("GET /{} HTTP/1.1\r\nHost: a.example\r\n\r\n", "x".repeat(2000));
        self.0.write_all(request.as_bytes())?;
        let n_bytes = self.0.read(&mut [0; 4096])?;
        ensure!(n_bytes > 0, "no answer");
        Ok(request.len() as u64)
    }
}

#[test]
fn a_tunnel_whose_start_was_suppressed_is_reported_with_what_it_moved() -> Result<()> {
    let stand_in = StandIn::start()?;
    let bootstrap = Bootstrap::new().upstream(stand_in.address());
    let envoy = start_before(&[("suppress_seconds", "3")], bootstrap)?;
    let of_streams = |state: &str| -> Result<Vec<Value>> {
        let (written, _) = events(&envoy)?;
        Ok(written.into_iter().filter(|event| text(event, "/stream") == state).collect())
    };
    let closed_windows = |n_windows: usize| {
        until("a window to be closed", || {
            let (_, closing) = events(&envoy)?;
            Ok((closing.len() >= n_windows).then_some(closing))
        })
    };
    let n_suppressed = |count: u64| {
        until("the start of a tunnel to be suppressed", || {
            Ok((counted(&envoy, "tidegate_suppressed_total")? == count).then_some(()))
        })
    };
    // A decoy, and a tunnel that outlives its window.
    drop(Tunnel::open(&envoy)?);
    until("the decoy to be over", || Ok((of_streams("closed")?.len() == 1).then_some(())))?;
    let mut tunnel = Tunnel::open(&envoy)?;
    let n_sent = tunnel.send()?;
    n_suppressed(1)?;
    closed_windows(1)?;
    drop(tunnel);
    let closed = until("the end of the tunnel", || {
        let closed = of_streams("closed")?;
        Ok((closed.len() == 2).then_some(closed))
    })?;
    assert_eq!(of_streams("open")?.len(), 1, "the decoy's");
    assert_eq!(closed[1]["response"]["request_bytes"], n_sent, "{}", closed[1]);
    ensure!(closed[1]["response"]["seconds"].as_u64() >= Some(2), "{}", closed[1]);
    // Another one, and a tunnel that ends within its window: the sum of the window has its bytes.
    drop(Tunnel::open(&envoy)?);
    until("the second decoy", || Ok((of_streams("closed")?.len() == 3).then_some(())))?;
    let mut tunnel = Tunnel::open(&envoy)?;
    let n_sent = tunnel.send()?;
    drop(tunnel);
    n_suppressed(2)?;
    let closing = closed_windows(2)?;
    let window = &closing[1];
    if of_streams("closed")?.len() == 3 {
        assert_eq!(window["response"]["request_bytes"], n_sent, "{window}");
    } else {
        // On a machine that does nothing for a while, this one outlived its window, too.
        assert_eq!(of_streams("closed")?[3]["response"]["request_bytes"], n_sent);
    }
    assert!(envoy.plugin_failures()?.is_empty());
    Ok(())
}

#[test]
fn another_rule_source_or_service_is_reported() -> Result<()> {
    let envoy = start(&[("suppress_seconds", "3600")])?;
    let mut n_sent = 0;
    for (idx, (host, source, agent)) in [
        ("a.example", "192.0.2.1", "curl"),
        ("a.example", "192.0.2.2", "curl"),
        // A second rule matches: the event is written whole.
        ("a.example", "192.0.2.2", "implant"),
        ("b.example", "192.0.2.2", "implant"),
    ]
    .into_iter()
    .enumerate()
    {
        for _ in 0..3 {
            send(&envoy, host, source, agent)?;
            n_sent += 1;
        }
        until("each request to be written or counted", || {
            let n_written = events(&envoy)?.0.len();
            let all = n_written as u64 + counted(&envoy, "tidegate_suppressed_total")?;
            Ok((all == n_sent).then_some(()))
        })?;
        assert_eq!(events(&envoy)?.0.len(), idx + 1, "{host} {source} {agent}");
    }
    let (written, _) = events(&envoy)?;
    let n_rules: Vec<_> = written.iter().filter_map(|event| event["n_rules"].as_u64()).collect();
    assert_eq!(n_rules, [1, 1, 2, 1]);
    Ok(())
}

#[test]
fn a_rule_has_a_rate_for_each_source_over_all_workers() -> Result<()> {
    let envoy = start(&[("events_per_minute", "5")])?;
    for _ in 0..N_REQUESTS {
        send(&envoy, "a.example", "192.0.2.1", "curl")?;
    }
    until("all to be judged", || {
        let (written, _) = events(&envoy)?;
        let suppressed = counted(&envoy, "tidegate_suppressed_total")?;
        let all = written.len() as u64 + suppressed;
        // A minute may end meanwhile, and another five be written.
        ensure!(written.len() <= 10, "{} events", written.len());
        Ok((all == N_REQUESTS && written.len() >= 5).then_some(()))
    })
}

#[test]
fn harmless_hosts_do_not_use_up_the_rate_of_another_host() -> Result<()> {
    let envoy = start(&[("events_per_minute", "5")])?;
    for idx in 0..N_REQUESTS {
        send(&envoy, &format!("h{}.example", idx % 5), "192.0.2.1", "implant")?;
    }
    send(&envoy, "c2.example", "192.0.2.1", "implant")?;
    until("the event of the host", || {
        let (written, _) = events(&envoy)?;
        ensure!(written.len() <= 12, "{} events", written.len());
        let is_host = |event: &Value| text(event, "/request/host") == "c2.example";
        Ok(written.iter().any(is_host).then_some(()))
    })
}

#[test]
fn without_the_settings_every_event_is_written() -> Result<()> {
    let envoy = start(&[])?;
    for _ in 0..N_REQUESTS {
        send(&envoy, "a.example", "192.0.2.1", "curl")?;
    }
    until("all events", || Ok((events(&envoy)?.0.len() as u64 == N_REQUESTS).then_some(())))?;
    assert_eq!(counted(&envoy, "tidegate_suppress")?, 0);
    Ok(())
}
