//! `cargo xtask demo`: the example gateway, real requests, and what it made of them.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tests::gateway::Gateway;
use tests::requests::{self, Example};
use tests::{Launch, http1, until, workspace};

use crate::artifact::Artifacts;
use crate::install;
use crate::progress::{note, step};
use crate::table::Table;

/// The longest cell of text; what is longer ends in an ellipsis.
const MAX_CELL: usize = 50;

/// A line of the gateway's access log, as far as the table shows it.
#[derive(Debug, Deserialize)]
struct Line {
    request_id: String,
    method: String,
    host: String,
    rules: Option<String>,
    action: Option<String>,
}

/// An event of the filter, as far as the table shows it.
#[derive(Debug, Deserialize)]
struct Event {
    techniques: Vec<String>,
    rules: Vec<Rule>,
    request: Request,
}

#[derive(Debug, Deserialize)]
struct Rule {
    title: String,
}

#[derive(Debug, Deserialize)]
struct Request {
    id: String,
    host: String,
    path: Option<String>,
}

/// What the gateway made of one request.
struct Outcome {
    /// The access log's line.
    line: Line,
    /// The filter's event, if a rule matched.
    event: Option<Event>,
    /// The status that the client got.
    status: u16,
}

/// Runs the demo; with `keep` the gateway then stays until it is interrupted.
pub(crate) fn run(keep: bool) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    Artifacts::build()?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let examples = requests::read(&workspace::root().join("examples/requests"))?;

    step(
        "starting the gateway of examples/egress-gateway, in front of a stand-in for the internet",
    );
    let directory = workspace::target().join("egress-gateway");
    let launch = Launch { binary, ..Launch::new()? };
    let gateway = Gateway::start(&launch, &directory, &pack, "monitor")?;
    let address = gateway.address()?;
    note(&format!("the proxy listens on {address}"));

    step(&format!("sending {} requests of examples/requests, monitoring", examples.len()));
    let monitored = send_all(&gateway, address, &examples)?;

    step("replacing the filter's file: the same pack, now enforcing");
    gateway.reload(&pack, "enforce", "2")?;
    until("the filter to be replaced", || Ok((n_loaded(&gateway)? > 1).then_some(())))?;
    let enforced = send_all(&gateway, address, &examples)?;

    print!("\n{}\n", table(&monitored, &enforced));
    let n_matched = monitored.iter().filter(|outcome| outcome.event.is_some()).count();
    let n_denied = enforced.iter().filter(|outcome| outcome.status == 403).count();
    println!(
        "{} requests, {n_matched} matched while monitoring, {n_denied} denied while enforcing.",
        examples.len()
    );
    let failures = gateway.envoy.plugin_failures()?;
    if !failures.is_empty() {
        bail!("Envoy counts failures of the filter: {failures:?}");
    }
    if keep {
        stay(gateway, address, &directory.display().to_string());
    }
    Ok(())
}

/// Sends the requests one after the other, and reads what Envoy and the filter say of each.
fn send_all(gateway: &Gateway, address: SocketAddr, examples: &[Example]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for example in examples {
        let n_before = gateway.envoy.access_log()?.len();
        let status = http1::send(address, &example.bytes).context(example.title.clone())?.status;
        // One request at a time: the next line of the access log is this request's.
        let lines = gateway.envoy.access_log_of(n_before + 1)?;
        let line: Line = serde_json::from_str(lines.last().context("a line")?)?;
        let event = line.rules.is_some().then(|| event(gateway, &line.request_id)).transpose()?;
        outcomes.push(Outcome { line, event, status });
    }
    Ok(outcomes)
}

/// The filter's event of a request, from Envoy's log.
fn event(gateway: &Gateway, request_id: &str) -> Result<Event> {
    until("the filter's event", || {
        let text = gateway.envoy.log()?;
        let mut events = text.lines().filter_map(|line| {
            let start = line.find("{\"event\":\"tidegate.match\"")?;
            serde_json::from_str::<Event>(line.get(start..)?).ok()
        });
        Ok(events.find(|event| event.request.id == request_id))
    })
}

/// How often the filter has been configured, by the number of updates that Envoy took.
fn n_loaded(gateway: &Gateway) -> Result<u64> {
    let stats = gateway.envoy.stats()?;
    let reloads = stats.iter().filter(|(name, _)| name.ends_with("tidegate.config_reload"));
    Ok(reloads.map(|(_, value)| value).sum())
}

fn table(monitored: &[Outcome], enforced: &[Outcome]) -> Table {
    let headings = ["request", "verdict", "rules", "techniques", "monitoring", "enforcing"];
    let mut table = Table::new(&headings);
    for (monitored, enforced) in monitored.iter().zip(enforced) {
        let event = monitored.event.as_ref();
        let titles = event.into_iter().flat_map(|event| &event.rules);
        let titles: Vec<_> = titles.map(|rule| rule.title.as_str()).collect();
        table.row([
            cut(&request(&monitored.line, event)),
            event.map_or("pass", |_| "match").to_owned(),
            cut(&titles.join(", ")),
            event.map_or_else(String::new, |event| event.techniques.join(", ")),
            action(monitored),
            action(enforced),
        ]);
    }
    table
}

/// Returns the request as the logs have it, without its secrets.
fn request(line: &Line, event: Option<&Event>) -> String {
    let host = event.map_or(&line.host, |event| &event.request.host);
    let path = event.and_then(|event| event.request.path.as_deref()).unwrap_or_default();
    format!("{} {host}{path}", line.method)
}

fn action(outcome: &Outcome) -> String {
    format!("{} ({})", outcome.line.action.as_deref().unwrap_or("allow"), outcome.status)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CELL {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(MAX_CELL - 1).collect();
    text.push('…');
    text
}

fn stay(gateway: Gateway, address: SocketAddr, directory: &str) {
    println!(
        "\nThe gateway runs until Ctrl-C. It enforces, and the internet behind it is a stand-in."
    );
    println!("  curl --proxy http://{address} http://www.example.com/");
    println!("  curl --proxy http://{address} http://pastebin.com/raw/Ab12Cd34");
    println!("  curl {}/stats?filter=tidegate", gateway.envoy.admin());
    println!("  access log: {directory}/access.log   events: {directory}/envoy.log");
    let Gateway { envoy, stand_in } = gateway;
    stand_in.wait();
    drop(envoy);
}
