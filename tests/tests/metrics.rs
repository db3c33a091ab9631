//! The table of metrics, what a real gateway serves, and what alerts and the dashboard ask for: the
//! same.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diagnostics::SourceFile;
use filter::metric_table::{METRICS, markdown};
use knowledge::{Compilation, Library, Policy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::gateway::{Gateway, replace, replace_text};
use tests::prometheus::{Sample, labels, name, scrape};
use tests::{Bootstrap, Envoy, Launch, Plugin, StandIn, http1, until, workspace};

/// Where the table begins and ends in the page.
const MARKS: [&str; 2] = ["<!-- metrics -->\n", "<!-- end of metrics -->\n"];
/// What Prometheus makes of one histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];
/// More than twice the requests of which one is timed.
const N_REQUESTS: usize = 150;
/// Each asked for twice, in a table of 1,024 buckets with room for eight each.
const N_HOSTS: usize = 6_000;
/// What the rule `Noisy` of the pack matches.
const IMPLANT: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: implant\r\n\r\n";

const RULES: &str = "
title: Excused
logsource: {category: proxy}
detection: {s: {cs-host: excused.example}, condition: s}
---
title: No longer
logsource: {category: proxy}
detection: {s: {cs-host: no-longer.example}, condition: s}
---
title: Noisy
name: noisy
logsource: {category: proxy}
detection: {s: {c-useragent: implant}, condition: s}
---
title: Noisy twice
correlation: {type: event_count, rules: [noisy], timespan: 1h, condition: {gte: 2}, generate: true}
---
title: Never so steady
logsource: {category: proxy}
detection: {s: {tidegate.beacon|gte: 0.99, tidegate.requests|gte: 100000}, condition: s}
";
const POLICY: &str = "
exceptions:
  - {id: EX-1, owner: a, ticket: A-1, reason: r, expires: 2126-01-01, rules: [Excused]}
  - {id: EX-2, owner: a, ticket: A-2, reason: r, expires: 2020-01-01, rules: [No longer]}
credentials:
  required: true
  clients: [{name: nobody, secret: 'blake2b:00000000000000000000000000000000:0000000000000000000000000000000000000000000000000000000000000000'}]
";

/// A pack whose policy has an exception that holds and one that is over.
fn pack_with_exceptions() -> Result<Vec<u8>> {
    let file = SourceFile { name: "rules.yml".into(), bytes: RULES.into() };
    let library = Library::read(vec![file]);
    let (policy, findings) = Policy::read(&"policy.yml".into(), POLICY);
    ensure!(findings.is_empty(), "{findings:?}");
    let compiled = Compilation::with_policy(&library, "exceptions", 1, policy.as_ref(), None);
    Ok(compiled.ok().context("a pack")?.bytes)
}

type Served = BTreeMap<String, BTreeSet<Vec<String>>>;

#[test]
fn the_page_of_metrics_is_fresh() -> Result<()> {
    let path = workspace::root().join("docs/metrics.md");
    let page = fs::read_to_string(&path)?;
    let [start, end] = MARKS;
    let (before, rest) = page.split_once(start).context("the page has a mark")?;
    let (_, after) = rest.split_once(end).context("the page has a second mark")?;
    let fresh = [before, start, &markdown(), end, after].concat();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &fresh)?;
    }
    assert!(
        fs::read_to_string(&path)? == fresh,
        "docs/metrics.md is stale; run the test with UPDATE=1"
    );
    Ok(())
}

/// The metrics of a gateway to which everything happened that is counted, each with its labels.
fn served() -> Result<Served> {
    let directory = TempDir::with_prefix("tidegate-metrics-")?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let gateway = Gateway::start(&Launch::new()?, directory.path(), &pack, "enforce")?;
    let address = gateway.address()?;
    let odd = "GET /%252e%252e/ HTTP/1.1\r\nHost: www.example.com.\r\n\r\n";
    let denied = "POST http://api.telegram.org/bot123456789:AAExampleExampleExampleExampleExample12/sendDocument HTTP/1.1\r\n\
        Host: api.telegram.org\r\nContent-Length: 0\r\n\r\n";
    for request in [odd, denied] {
        http1::send(address, request.as_bytes())?;
    }
    let mut connection = http1::Connection::open(address)?;
    for _ in 0..N_REQUESTS {
        connection
            .send(b"GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n")?;
    }
    let bad = Plugin::tidegate(b"truncated", "enforce")?.discovery_response("2");
    replace_text(directory.path(), &bad)?;
    let mut served = Served::new();
    until("the refusal", || {
        add(&mut served, &scrape(gateway.envoy.admin())?);
        Ok(served.contains_key("tidegate_refused_total").then_some(()))
    })?;
    // It may not write to the access log, which is an error that is counted. Another virtual
    // machine, whose counters start anew: Envoy 1.36 keeps the one that runs, with its capabilities.
    let plugin = Plugin::tidegate(&pack_with_exceptions()?, "monitor")?;
    let plugin = Plugin { vm_id: Some("restricted"), ..plugin.without("proxy_set_property") };
    replace(directory.path(), &plugin, "3")?;
    until("what the exceptions and the histogram count", || {
        for host in ["excused.example", "no-longer.example"] {
            let request = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
            http1::send(address, request.as_bytes())?;
        }
        add(&mut served, &scrape(gateway.envoy.admin())?);
        // The first requests may meet the filter from before.
        let all = [
            "tidegate_errors_total",
            "tidegate_exceptions_total",
            "tidegate_expired_exceptions_total",
            "tidegate_evaluation_microseconds_count",
        ];
        Ok(all.iter().all(|name| served.contains_key(*name)).then_some(()))
    })?;
    // More windows of suppression, and more hosts of one source, than some buckets have room for.
    let settings = json!({
        "pack": STANDARD.encode(pack_with_exceptions()?),
        "suppress_seconds": "3600",
    });
    let plugin = Plugin::tidegate(&[], "monitor")?.with_text(&settings.to_string());
    replace(directory.path(), &plugin, "4")?;
    until("what suppression counts", || {
        for idx in 0..N_HOSTS {
            let head = format!(
                "GET / HTTP/1.1\r\nHost: {}.example\r\nUser-Agent: implant\r\n\r\n",
                idx / 2
            );
            connection.send(head.as_bytes())?;
        }
        add(&mut served, &scrape(gateway.envoy.admin())?);
        let both = ["tidegate_suppression_evictions_total", "tidegate_behaviour_evictions_total"];
        Ok(both.iter().all(|name| served.contains_key(*name)).then_some(()))
    })?;
    // A collector that is not there, and more events than wait for it.
    let settings =
        json!({"pack": STANDARD.encode(pack_with_exceptions()?), "collector": "nowhere"});
    let plugin = Plugin::tidegate(&[], "monitor")?.with_text(&settings.to_string());
    replace(directory.path(), &plugin, "5")?;
    until("what the exporter drops", || {
        for _ in 0..N_REQUESTS {
            connection.send(IMPLANT)?;
        }
        add(&mut served, &scrape(gateway.envoy.admin())?);
        let both = ["tidegate_export_dropped_total", "tidegate_export_failures_total"];
        Ok(both.iter().all(|name| served.contains_key(*name)).then_some(()))
    })?;
    export(&mut served)?;
    Ok(served)
}

/// Adds what a filter counts whose collector is there.
fn export(served: &mut Served) -> Result<()> {
    let collector = StandIn::start()?;
    let settings =
        json!({"pack": STANDARD.encode(pack_with_exceptions()?), "collector": "upstream"});
    let plugin = Plugin::tidegate(&[], "monitor")?.with_text(&settings.to_string());
    let config = Bootstrap::new().listener("egress", &[plugin.http_filter()]);
    let envoy = Envoy::start(&config.upstream(collector.address()).json())?;
    http1::send(envoy.listener("egress")?, IMPLANT)?;
    until("what the exporter counts", || {
        // This configuration takes no labels out of the other names.
        let samples = scrape(envoy.admin())?.into_iter();
        let ours = samples.filter(|(series, _)| series.starts_with("tidegate_export"));
        add(served, &ours.collect::<Vec<_>>());
        Ok(served.contains_key("tidegate_exported_total").then_some(()))
    })
}

/// Adds the names and labels of samples.
fn add(served: &mut Served, samples: &[Sample]) {
    for (series, _) in samples {
        let labels = labels(series).into_iter().filter(|label| *label != "le");
        let labels = labels.map(str::to_owned).collect();
        served.entry(name(series).to_owned()).or_default().insert(labels);
    }
}

#[test]
fn a_gateway_serves_the_metrics_of_the_table_and_others_ask_for_no_more() -> Result<()> {
    let served = served()?;
    let ours: BTreeSet<_> = served.keys().filter(|name| name.starts_with("tidegate")).collect();
    let mut expected = BTreeSet::new();
    for metric in METRICS {
        let parts = if metric.kind == "histogram" { &PARTS[..] } else { &[""] };
        for part in parts {
            let name = format!("{}{part}", metric.name.text);
            let labels =
                served.get(&name).with_context(|| format!("{name} is not served: {ours:?}"))?;
            let expect: Vec<_> = metric.name.labels.iter().map(ToString::to_string).collect();
            for labels in labels {
                let (mut labels, mut expect) = (labels.clone(), expect.clone());
                labels.sort();
                expect.sort();
                assert_eq!(labels, expect, "{name}");
            }
            expected.insert(name);
        }
    }
    assert_eq!(ours, expected.iter().collect());

    let rules = alert_rules()?;
    let mut known: BTreeSet<String> = served.keys().cloned().collect();
    known.extend(rules.iter().filter_map(|rule| Some(rule["record"].as_str()?.to_owned())));
    let mut labels: BTreeSet<String> = served.values().flatten().flatten().cloned().collect();
    labels.extend(["le", "instance"].map(str::to_owned));
    let asked = rules.iter().filter_map(|rule| rule["expr"].as_str().map(str::to_owned));
    let asked: Vec<_> = asked.chain(dashboard()?).collect();
    assert!(asked.len() >= 20, "{} expressions", asked.len());
    for expression in &asked {
        let unknown = unknown(expression, &known, &labels);
        assert!(unknown.is_empty(), "{unknown:?} of {expression}");
    }
    // The check can fail.
    for (expression, expect) in [
        ("sum by (rule) (rate(tidegate_matches[5m]))", "tidegate_matches"),
        ("sum by (ruel) (rate(tidegate_matches_total[5m]))", "ruel"),
    ] {
        assert_eq!(unknown(expression, &known, &labels), [expect]);
    }
    Ok(())
}

/// The metrics and the labels in `by`, `on` and the like that an expression names and nobody serves.
fn unknown(expression: &str, known: &BTreeSet<String>, labels: &BTreeSet<String>) -> Vec<String> {
    let mut unknown = Vec::new();
    let is_of_word = |char: char| char.is_ascii_alphanumeric() || "_:".contains(char);
    for word in expression.split(|char| !is_of_word(char)) {
        let is_metric = ["tidegate", "envoy_"].iter().any(|start| word.starts_with(start));
        if is_metric && !known.contains(word) && !labels.contains(word) {
            unknown.push(word.to_owned());
        }
    }
    for start in ["by (", "on ("] {
        for rest in expression.split(start).skip(1) {
            let list = rest.split(')').next().unwrap_or_default();
            for label in list.split(',').map(str::trim).filter(|label| !labels.contains(*label)) {
                unknown.push(label.to_owned());
            }
        }
    }
    unknown
}

fn alert_rules() -> Result<Vec<Value>> {
    let path = workspace::root().join("examples/monitoring/alerts.yml");
    let file: Value = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    let rules = file.pointer("/groups/0/rules").and_then(Value::as_array);
    rules.cloned().context("rules")
}

/// The expressions of the dashboard's panels.
fn dashboard() -> Result<Vec<String>> {
    let path = workspace::root().join("examples/monitoring/dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let panels = dashboard.get("panels").and_then(Value::as_array).context("panels")?;
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| Ok(target["expr"].as_str().context("expr")?.to_owned())).collect()
}

#[test]
fn prometheus_reads_every_expression_of_the_dashboard() -> Result<()> {
    let check = |expressions: &[String]| -> Result<()> {
        // What Grafana puts in.
        let put_in = |text: &String| {
            let text = text.replace("$__rate_interval", "5m").replace("$__range", "6h");
            text.replace("$instance", ".*")
        };
        let rules = expressions.iter().map(put_in).enumerate();
        let rules: Vec<_> = rules
            .map(|(idx, expr)| json!({"record": format!("panel:{idx}"), "expr": expr}))
            .collect();
        let folder = TempDir::with_prefix("tidegate-dashboard-")?;
        let file = json!({"groups": [{"name": "dashboard", "rules": rules}]});
        fs::write(folder.path().join("rules.yml"), file.to_string())?;
        let mut promtool = Command::new("promtool");
        let output =
            promtool.args(["check", "rules", "rules.yml"]).current_dir(&folder).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        Ok(())
    };
    check(&dashboard()?)?;
    assert!(check(&["sum by (rule (x)".to_owned()]).is_err());
    Ok(())
}
