//! Correlations in a real gateway: groups are kept for all workers together, and a correlation fires once.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the test says what it found")]

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use gateway::event::{self, schema};
use serde_json::Value;
use tests::{Bootstrap, Envoy, Launch, Plugin, http1, until};

const RULES: &str = "
title: Paste read
name: paste
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection: {s: {cs-host: paste.example}, condition: s}
---
title: Upload
name: upload
id: 6b3e1d1c-0000-4000-8000-000000000002
logsource: {category: proxy}
detection: {s: {cs-method: POST, cs-host|endswith: .files.example}, condition: s}
---
title: Many pastes
id: many
level: medium
correlation: {type: event_count, rules: [paste], group-by: [src_ip], timespan: 10m, condition: {gte: 20}}
---
title: Uploads to many names
id: names
level: medium
correlation: {type: value_count, rules: [upload], group-by: [src_ip], timespan: 10m, condition: {field: cs-host, gte: 5}}
---
title: Paste, then an upload
id: order
level: high
correlation: {type: temporal_ordered, rules: [paste, upload], group-by: [src_ip], timespan: 10m}
---
title: Upload without a paste
id: without
level: low
correlation: {type: temporal, rules: [paste, upload], group-by: [src_ip], timespan: 10m, condition: upload and not paste}
";

fn pack() -> Result<Vec<u8>> {
    let parsed = sigma::parse(&sigma::Source::new("rules", RULES));
    ensure!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut compiler = sigma::Compiler::new("correlations", 1);
    for rule in &parsed.rules {
        ensure!(compiler.add(rule).is_ok(), "a rule is refused");
    }
    for result in compiler.add_correlations(&parsed.correlations) {
        ensure!(result.is_ok(), "{result:?}");
    }
    Ok(compiler.finish().encode())
}

/// How often each correlation fired, by its id and the source.
fn fired(envoy: &Envoy) -> Result<BTreeMap<(String, String), usize>> {
    let mut fired = BTreeMap::new();
    for event in envoy.log()?.lines().flat_map(event::find) {
        let event: Value = event?;
        let wrong = schema::check(&event);
        ensure!(wrong.is_empty(), "{wrong:?}: {event}");
        let text = |of: &Value, path: &str| {
            of.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        ensure!(text(&event, "/action") == "observe", "{event}");
        for rule in event.pointer("/rules").and_then(Value::as_array).into_iter().flatten() {
            if text(rule, "/kind") == "correlation" {
                let key = (text(rule, "/id"), text(&event, "/request/source"));
                *fired.entry(key).or_default() += 1;
            }
        }
    }
    Ok(fired)
}

#[test]
fn two_workers_count_together_and_each_correlation_fires_once() -> Result<()> {
    let plugin = Plugin::tidegate(&pack()?, "enforce")?;
    let config = Bootstrap::new().listener("egress", &[plugin.http_filter()]);
    let envoy = Envoy::launch(&Launch { concurrency: 2, ..Launch::new()? }, &config.json())?;
    let send = |method: &str, host: &str, source: &str| -> Result<()> {
        // On a connection of its own, so that either worker may get it.
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {source}\r\nContent-Length: 0\r\n\r\n"
        );
        let status = http1::send(envoy.listener("egress")?, request.as_bytes())?.status;
        ensure!(status == 200, "{status}");
        Ok(())
    };
    for round in 0..25 {
        send("GET", "paste.example", "192.0.2.1")?;
        send("GET", "www.example", "192.0.2.1")?;
        if round < 19 {
            send("GET", "paste.example", "192.0.2.2")?;
        }
    }
    for name in 0..6 {
        send("POST", &format!("n{name}.files.example"), "192.0.2.3")?;
        send("POST", "n0.files.example", "192.0.2.4")?;
    }
    send("POST", "n0.files.example", "192.0.2.2")?;
    let expect = [
        ("many", "192.0.2.1"),
        ("names", "192.0.2.3"),
        ("order", "192.0.2.2"),
        ("without", "192.0.2.3"),
        ("without", "192.0.2.4"),
    ];
    let expect: BTreeMap<_, _> =
        expect.into_iter().map(|(id, source)| ((id.to_owned(), source.to_owned()), 1)).collect();
    let found = until("the last event", || {
        let found = fired(&envoy)?;
        Ok((found.len() >= expect.len()).then_some(found))
    })?;
    assert_eq!(found, expect);
    let stats = envoy.stats()?;
    let counted = |name: &str| -> u64 {
        stats.iter().filter(|(known, _)| known.contains(name)).map(|(_, count)| *count).sum()
    };
    println!("{} lost swaps", counted("tidegate_behaviour_lost_swaps_total"));
    let ids = ["many", "names", "order", "without"];
    assert_eq!(ids.map(|id| counted(&format!("rule={id}."))), [1, 1, 1, 2]);
    assert_eq!(counted("tidegate_behaviour_evictions_total"), 0);
    assert!(envoy.plugin_failures()?.is_empty());
    Ok(())
}
