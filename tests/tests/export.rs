//! Events are posted to a collector in batches, and no request waits for it.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::configuration::{self, Settings};
use gateway::event::schema;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::collector::{Call, Collector, Manner};
use tests::gateway::replace;
use tests::{Bootstrap, Envoy, Launch, Plugin, http1, until, workspace};

const RULE: &str = "
title: Host
id: 6b3e1d1c-0000-4000-8000-000000000001
logsource: {category: proxy}
detection: {s: {cs-host: a.example}, condition: s}
";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
/// The bounds of a worker's queue and of a call, as the filter has them.
const QUEUE_BYTES: usize = 1024 * 1024;
const BATCH_BYTES: usize = 128 * 1024;
/// More events than the queue holds.
const N_MANY: usize = 3_000;
/// A call that is not answered is given up after five seconds; requests must not notice.
const SHORT: Duration = Duration::from_secs(2);

fn pack() -> Result<Vec<u8>> {
    let parsed = sigma::parse(&sigma::Source::new("rule", RULE));
    let mut compiler = sigma::Compiler::new("export", 1);
    let rule = parsed.rules.first().context("one rule")?;
    ensure!(compiler.add(rule).is_ok(), "the rule is refused");
    Ok(compiler.finish().encode())
}

fn plugin(pack: &[u8], collector: &str) -> Result<Plugin> {
    let settings = json!({
        "pack": STANDARD.encode(pack),
        "collector": collector,
        "collector_url": "http://logs.example/ingest?from=egress",
    });
    Ok(Plugin::tidegate(&[], "monitor")?.with_text(&settings.to_string()))
}

/// An Envoy that answers requests itself.
fn start(collector: &Collector) -> Result<Envoy> {
    start_with(&plugin(&pack()?, "upstream")?, collector)
}

fn start_with(plugin: &Plugin, collector: &Collector) -> Result<Envoy> {
    let config = Bootstrap::new().listener("egress", &[plugin.http_filter()]);
    Envoy::start(&config.upstream(collector.address()).json())
}

fn send(envoy: &Envoy, n_requests: usize) -> Result<()> {
    let mut connection = http1::Connection::open(envoy.listener("egress")?)?;
    for _ in 0..n_requests {
        ensure!(connection.send(REQUEST)?.status == 200, "a request failed");
    }
    Ok(())
}

/// The sum of the counters whose name holds this.
fn counted(envoy: &Envoy, name: &str) -> Result<usize> {
    let stats = envoy.stats()?;
    let of = stats.iter().filter(|(known, _)| known.contains(name));
    Ok(usize::try_from(of.map(|(_, value)| value).sum::<u64>())?)
}

/// The events of the log, unchanged.
fn logged(envoy: &Envoy) -> Result<Vec<String>> {
    let log = envoy.log()?;
    let start = "{\"event\":\"tidegate.match\"";
    let events = log.lines().filter_map(|line| line.find(start).map(|at| line.split_at(at).1));
    let event = |text: &str| text.rsplit_once('}').map(|(event, _)| format!("{event}}}"));
    events.map(|text| event(text).context("an event without an end")).collect()
}

/// Waits for what was taken, which is each event of the log once, but for those that were dropped.
fn all_taken(envoy: &Envoy, collector: &Collector, n_events: usize) -> Result<()> {
    until("the events", || Ok((collector.taken().len() >= n_events).then_some(())))?;
    until("the count", || Ok((counted(envoy, "exported_total")? == n_events).then_some(())))?;
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for line in collector.taken() {
        *taken.entry(line).or_default() += 1;
    }
    let mut logged_too = BTreeMap::new();
    for event in logged(envoy)? {
        *logged_too.entry(event).or_insert(0_usize) += 1;
    }
    assert_eq!(taken.values().sum::<usize>(), n_events);
    for (event, count) in taken {
        let n_logged = logged_too.get(&event).copied().unwrap_or_default();
        assert!(count <= n_logged, "{count} of {n_logged}: {event}");
    }
    assert!(envoy.plugin_failures()?.is_empty(), "{:?}", envoy.plugin_failures()?);
    Ok(())
}

fn bodies(calls: &[Call]) -> Vec<(&str, &str)> {
    calls.iter().map(|call| (call.key.as_str(), call.body.as_str())).collect()
}

#[test]
fn events_arrive_as_they_stand_in_the_log_and_in_few_calls() -> Result<()> {
    let collector = Collector::start()?;
    let envoy = start(&collector)?;
    send(&envoy, 100)?;
    all_taken(&envoy, &collector, 100)?;
    let calls = collector.calls();
    assert!(calls.len() <= 20, "{} calls", calls.len());
    for line in collector.taken() {
        let event: Value = serde_json::from_str(&line)?;
        assert!(schema::check(&event).is_empty(), "{:?}", schema::check(&event));
    }
    for call in &calls {
        assert_eq!(call.target, "POST logs.example/ingest?from=egress");
        assert_eq!(call.key.len(), 64);
    }
    assert_eq!((counted(&envoy, "export_failures")?, counted(&envoy, "export_dropped")?), (0, 0));
    Ok(())
}

#[test]
fn a_batch_has_no_secret() -> Result<()> {
    let collector = Collector::start()?;
    let shipped = fs::read(workspace::shipped_pack()?)?;
    let envoy = start_with(&plugin(&shipped, "upstream")?, &collector)?;
    let mut connection = http1::Connection::open(envoy.listener("egress")?)?;
    let secrets = ["AAFm2kd9QwErTyUiOpAsDfGhJkLzXcVbNm", "7301284461", "100200300", "dXNlcjp3b3Jk"];
    let [token, bot, chat, basic] = secrets;
    let request = format!(
        "GET /bot{bot}:{token}/sendDocument?chat_id={chat} HTTP/1.1\r\nHost: api.telegram.org\r\nUser-Agent: curl/8.5.0\r\nAuthorization: Basic {basic}\r\n\r\n"
    );
    assert_eq!(connection.send(request.as_bytes())?.status, 200);
    all_taken(&envoy, &collector, 1)?;
    let line = collector.taken().concat();
    assert!(line.contains("api.telegram.org") && line.contains("sendDocument"), "{line}");
    for secret in secrets {
        assert!(!line.contains(secret), "{line}");
    }
    Ok(())
}

#[test]
fn the_collector_knows_the_gateway_by_a_credential_that_no_client_has() -> Result<()> {
    let collector = Collector::start()?;
    let url = format!("http://{}/ingest", collector.address());
    let written = configuration::Collector::read(&url).map_err(anyhow::Error::msg)?;
    let written = written.with_credential(Some("./collector.token".to_owned()));
    let settings = Settings { collector: Some(written), ..Settings::default() };
    let files = configuration::envoy(&settings, "1");
    let (_, text) = files.first().context("a configuration")?;
    let written: Value = serde_saphyr::from_str(str::from_utf8(text)?)?;
    let written = written.get("static_resources").context("resources")?;
    let mut clusters = written["clusters"].as_array().into_iter().flatten();
    let cluster = clusters.find(|cluster| cluster["name"] == "tidegate_collector");

    // Clients reach the collector through the gateway, too.
    let filters = [plugin(&pack()?, "tidegate_collector")?.http_filter()];
    let bootstrap = Bootstrap::new().upstream(collector.address()).listener("egress", &filters);
    let mut config = bootstrap.json();
    let resources = config["static_resources"].as_object_mut().context("resources")?;
    resources.insert("secrets".to_owned(), written["secrets"].clone());
    let clusters = resources.get_mut("clusters").and_then(Value::as_array_mut);
    clusters.context("clusters")?.push(cluster.context("the collector's cluster")?.clone());
    let directory = TempDir::with_prefix("tidegate-export-")?;
    fs::write(directory.path().join("collector.token"), "Bearer word-of-the-gateway")?;
    let envoy = Envoy::launch_in(&Launch::new()?, &config, directory.path())?;
    let forged = b"POST /ingest HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer guess\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(http1::send(envoy.listener("egress")?, forged)?.status, 200);
    until("the event", || Ok((collector.calls().len() >= 2).then_some(())))?;
    for call in collector.calls() {
        let is_of_gateway = call.target.starts_with("POST logs.example/");
        let expect = if is_of_gateway { "Bearer word-of-the-gateway" } else { "Bearer guess" };
        assert_eq!(call.authorization, expect, "{}", call.target);
    }
    let dump = tests::admin::get(envoy.admin(), "/config_dump")?;
    assert!(!dump.contains("word-of-the-gateway"));
    Ok(())
}

#[test]
fn a_batch_that_is_refused_for_now_is_posted_again_as_it_was_and_not_all_the_time() -> Result<()> {
    let collector = Collector::start()?;
    let envoy = start(&collector)?;
    collector.answer(Manner::Status(503));
    send(&envoy, 50)?;
    until("some failures", || Ok((counted(&envoy, "export_failures")? >= 3).then_some(())))?;
    // Pauses of one, two and four seconds after them.
    let calls = collector.calls();
    assert!(calls.len() <= 4, "{} calls", calls.len());
    let bodies = bodies(&calls);
    let (first, again) = bodies.split_first().context("no call")?;
    assert!(again.iter().all(|call| call == first), "{calls:#?}");
    collector.answer(Manner::Status(200));
    all_taken(&envoy, &collector, 50)?;
    let calls = collector.calls();
    let taken = calls.iter().find(|call| call.status == Some(200)).context("a call")?;
    assert_eq!((taken.key.as_str(), taken.body.as_str()), *first);
    assert_eq!(counted(&envoy, "export_dropped")?, 0);
    let log = envoy.log()?;
    for said in ["does not take events: status 503", "takes events again"] {
        assert_eq!(log.matches(said).count(), 1, "{said}");
    }
    Ok(())
}

#[test]
fn a_batch_that_is_refused_for_good_is_dropped_and_holds_up_nothing() -> Result<()> {
    let collector = Collector::start()?;
    let envoy = start(&collector)?;
    collector.answer(Manner::Status(400));
    send(&envoy, 1)?;
    let dropped = || counted(&envoy, "export_dropped_total.kind=refused");
    until("the refusal", || Ok((dropped()? == 1).then_some(())))?;
    collector.answer(Manner::Status(200));
    send(&envoy, 10)?;
    all_taken(&envoy, &collector, 10)?;
    assert_eq!((dropped()?, counted(&envoy, "export_failures")?), (1, 1));
    Ok(())
}

#[test]
fn while_the_collector_is_down_the_queue_is_bounded_and_what_finds_no_room_is_counted() -> Result<()>
{
    let collector = Collector::start()?;
    let envoy = start(&collector)?;
    let address = collector.address();
    drop(collector);
    send(&envoy, N_MANY)?;
    until("failures", || Ok((counted(&envoy, "export_failures")? > 0).then_some(())))?;
    let collector = Collector::start_at(address)?;
    let n_kept = N_MANY - counted(&envoy, "export_dropped_total.kind=full")?;
    let events = logged(&envoy)?;
    assert_eq!(events.len(), N_MANY, "the log has all");
    let n_bytes: usize = events.iter().take(n_kept).map(|event| event.len() + 1).sum();
    let event = n_bytes / n_kept;
    assert!((QUEUE_BYTES - 2 * event..=QUEUE_BYTES).contains(&n_bytes), "{n_bytes} are kept");
    all_taken(&envoy, &collector, n_kept)?;
    // What waits is posted in as few calls as the bound allows, one right after the other.
    let calls = collector.calls();
    assert!(calls.iter().all(|call| call.body.len() <= BATCH_BYTES));
    assert!(calls.len() <= QUEUE_BYTES / BATCH_BYTES + 2, "{} calls", calls.len());
    Ok(())
}

#[test]
fn a_collector_that_does_not_answer_is_given_up_and_no_request_waits_for_it() -> Result<()> {
    let collector = Collector::start()?;
    let envoy = start(&collector)?;
    collector.answer(Manner::Silent);
    send(&envoy, 1)?;
    until("the call", || Ok((!collector.calls().is_empty()).then_some(())))?;
    let start = Instant::now();
    send(&envoy, 200)?;
    ensure!(start.elapsed() < SHORT, "{:?}", start.elapsed());
    until("the end of the call", || {
        assert_eq!(collector.calls().len(), 1, "one call at a time");
        Ok((counted(&envoy, "export_failures")? == 1).then_some(()))
    })?;
    collector.answer(Manner::Status(200));
    all_taken(&envoy, &collector, 201)?;
    let calls = collector.calls();
    let [first, again, ..] = bodies(&calls)[..] else { anyhow::bail!("{calls:?}") };
    assert_eq!(
        first, again,
        "whether it was taken is unknown, and the key shows that it is the same"
    );
    Ok(())
}

#[test]
fn without_the_cluster_nothing_but_the_export_fails() -> Result<()> {
    let collector = Collector::start()?;
    let envoy = start_with(&plugin(&pack()?, "nowhere")?, &collector)?;
    send(&envoy, 20)?;
    until("failures", || Ok((counted(&envoy, "export_failures")? >= 2).then_some(())))?;
    send(&envoy, 20)?;
    assert_eq!(logged(&envoy)?.len(), 40);
    assert!(collector.calls().is_empty() && envoy.plugin_failures()?.is_empty());
    Ok(())
}

#[test]
fn an_update_while_a_call_is_on_its_way_loses_nothing() -> Result<()> {
    let collector = Collector::start()?;
    let directory = TempDir::with_prefix("tidegate-export-")?;
    let before = plugin(&pack()?, "upstream")?;
    let filter = before.discovered("./tidegate.json");
    let config = Bootstrap::new().listener("egress", &[filter]).upstream(collector.address());
    replace(directory.path(), &before, "1")?;
    let envoy = Envoy::launch_in(&Launch::new()?, &config.json(), directory.path())?;
    collector.answer(Manner::Silent);
    send(&envoy, 5)?;
    until("the call", || Ok((!collector.calls().is_empty()).then_some(())))?;
    let settings = |plugin: &Plugin| plugin.configuration["value"].as_str().map(str::to_owned);
    let text = settings(&before).context("settings")?;
    let after = before.clone().with_text(&text.replace("from=egress", "from=update"));
    replace(directory.path(), &after, "2")?;
    until("the update", || {
        Ok((envoy.log()?.matches("rules of pack `export`").count() > 2).then_some(()))
    })?;
    collector.answer(Manner::Status(200));
    send(&envoy, 5)?;
    all_taken(&envoy, &collector, 10)
}

#[test]
fn a_collector_without_the_capability_for_its_answers_is_refused_and_kills_nothing() -> Result<()> {
    let collector = Collector::start()?;
    let plugin = plugin(&pack()?, "upstream")?.without("proxy_set_effective_context");
    let Err(error) = start_with(&plugin, &collector) else {
        anyhow::bail!("a configuration was taken whose first answer would have been a panic");
    };
    assert!(format!("{error:#}").contains("proxy_set_effective_context"), "{error:#}");
    Ok(())
}
