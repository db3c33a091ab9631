//! Very many requests from very many sources with very many identities: what grows, and what does not.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;

use ::tests::{Bootstrap, Envoy, Launch, Plugin, workspace};
use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::load::Load;
use crate::artifact::Artifacts;
use crate::install;
use crate::progress::step;
use crate::table::Table;

/// Memory may grow by this much from the first tenth of the requests to the last, and no more.
const GROWTH: f64 = 1.05;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Requests.
    #[arg(long, default_value_t = 1_000_000)]
    requests: u32,
    /// Client addresses.
    #[arg(long, default_value_t = 10_000)]
    sources: u32,
    /// Tenants in URLs: bots, webhooks.
    #[arg(long, default_value_t = 50_000)]
    identities: u32,
    /// How long repeated events are suppressed, in seconds: more sources than the table of windows has
    /// room for.
    #[arg(long, default_value_t = 60)]
    suppress_seconds: u32,
}

/// Measures and prints; an error if memory or the number of series grew.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    Artifacts::build()?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let settings = json!({
        "pack": STANDARD.encode(&pack),
        "suppress_seconds": arguments.suppress_seconds.to_string(),
    });
    let plugin = Plugin::tidegate(&pack, "monitor")?.with_text(&settings.to_string());
    let config = Bootstrap::new().quiet().listener("bench", &[plugin.http_filter()]).json();
    // Events are made and handed over; Envoy writes none, as a million of them would fill the disk.
    let launch = Launch { binary, concurrency: 2, log_level: "error", ..Launch::new()? };
    let envoy = Envoy::launch(&launch, &config)?;
    let mut load = Load::open(envoy.listener("bench")?)?;
    step(&format!(
        "{} requests from {} sources with {} identities",
        arguments.requests, arguments.sources, arguments.identities
    ));
    let headings =
        ["requests", "MB resident", "series", "matches", "suppressed", "closed early", "evicted"];
    let mut table = Table::new(&headings);
    let (mut number, mut seen) = (0, Vec::new());
    for tenth in 1..=10 {
        let last = arguments.requests / 10 * tenth;
        let n_sent = load.run_with(last.saturating_sub(number) as usize, |request| {
            write_request(request, number, arguments);
            number += 1;
        })?;
        ensure!(n_sent > 0, "no request was sent");
        let State { resident, series, judged, matches, suppressed, closed_early, evicted } =
            state(&envoy)?;
        ensure!(judged == u64::from(number), "{judged} of {number} requests were judged");
        let megabytes = resident / 1_000_000;
        let counts = [matches, suppressed, closed_early, evicted];
        let cells = [u64::from(number), megabytes, series].into_iter().chain(counts);
        table.row(cells.map(|cell| cell.to_string()));
        seen.push((resident, series));
    }
    println!("\n{table}");
    let failures = envoy.plugin_failures()?;
    ensure!(failures.is_empty(), "{failures:?}");
    // A counter is a series once it counts, so the first tenth may have fewer of them.
    if let (Some((early, _)), Some((_, series)), Some((late, series_late))) =
        (seen.first(), seen.get(seen.len() / 2), seen.last())
    {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let growth = *late as f64 / *early as f64;
        println!(
            "memory: {growth:.3} times that after the first tenth; series: {series} half-way and {series_late} at the end"
        );
        ensure!(growth <= GROWTH, "memory grew {growth:.3} times, at most {GROWTH} is allowed");
        ensure!(series == series_late, "the number of series grew");
    }
    Ok(())
}

/// What a gateway says of itself.
struct State {
    /// Bytes of memory.
    resident: u64,
    /// Series of the filter.
    series: u64,
    /// Requests that were judged.
    judged: u64,
    /// Matches of rules.
    matches: u64,
    /// Events that were left out.
    suppressed: u64,
    /// Windows of suppression that had to go for others.
    closed_early: u64,
    /// Entries of behaviour that had to go for others.
    evicted: u64,
}

fn state(envoy: &Envoy) -> Result<State> {
    let stats = envoy.settled_stats()?;
    let ours: Vec<_> = stats.iter().filter(|(name, _)| name.contains("tidegate_")).collect();
    let sum = |part: &str| {
        let of = ours.iter().filter(|(name, _)| name.contains(part));
        of.map(|(_, value)| **value).sum()
    };
    Ok(State {
        resident: envoy.resident()?,
        series: ours.len() as u64,
        judged: sum("tidegate_requests_total"),
        matches: sum("tidegate_matches_total"),
        suppressed: sum("tidegate_suppressed_total"),
        closed_early: sum("tidegate_suppression_evictions_total"),
        evicted: sum("tidegate_behaviour_evictions_total"),
    })
}

/// A request of a bot of its own, from an address of its own: each pair comes again after the least
/// common multiple of both numbers.
fn write_request(request: &mut Vec<u8>, number: u32, arguments: &Arguments) {
    let source = Ipv4Addr::from(0x0a00_0000 + number % arguments.sources.max(1));
    let identity = number % arguments.identities.max(1);
    request.clear();
    // Writing to memory does not fail.
    let _written = write!(
        request,
        "POST http://api.telegram.org/bot{}:AAExampleExampleExampleExample{identity:06}/sendDocument HTTP/1.1\r\n\
         Host: api.telegram.org\r\nContent-Length: 0\r\nX-Forwarded-For: {source}\r\n\r\n",
        1_000_000_000 + u64::from(identity),
    );
}
