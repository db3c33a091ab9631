//! Packs are replaced under load, by good ones and by bad ones: what it does to requests, to latency and
//! to memory.
//!
//! The load is open: each request has its time, and latency is counted from that time on, so that a
//! gateway that blocks is not spared the requests that would have come. Requests that are due
//! shortly after an update are compared with all others of the same run, as a ratio.
//! What an update takes of each thread is measured before, without requests (`quiet`).

mod quiet;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::tests::gateway::replace;
use ::tests::{Bootstrap, Envoy, Launch, Plugin, http1, until, workspace};
use anyhow::{Context, Result, bail, ensure};
use gateway::signing::{self, KeyFiles};
use inspect::Pack;

use super::load::REQUEST;
use crate::artifact::Artifacts;
use crate::install;
use crate::progress::{note, step};
use crate::table::Table;

/// Connections that share the load.
const N_CONNECTIONS: u32 = 8;
/// How long after an update a request counts as one during a reload: several times what a reload takes.
const DURING: Duration = Duration::from_millis(300);
/// Denied in mode `enforce`: shows which configuration is active.
const PROBE: &[u8] = b"POST http://api.telegram.org/bot123456789:AAExampleExampleExampleExampleExample12/sendDocument HTTP/1.1\r\n\
    Host: api.telegram.org\r\nContent-Length: 0\r\n\r\n";

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Requests per second.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Updates, of which a quarter each is good, corrupt, unsigned and older than what is at work.
    #[arg(long, default_value_t = 200)]
    updates: u32,
}

/// A kind of update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Good,
    Corrupt,
    Unsigned,
    Older,
}

const KINDS: [Kind; 4] = [Kind::Good, Kind::Corrupt, Kind::Unsigned, Kind::Older];

/// What became of a request: when it was due, since the start, and when its answer was there.
#[derive(Clone, Copy, Debug)]
struct Answer {
    due: Duration,
    took: Duration,
    is_good: bool,
}

/// Measures and prints; an error if a request failed or a bad pack was taken.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    Artifacts::build()?;
    let keys = signing::generate([7; 32]);
    let packs = Packs { bytes: fs::read(workspace::shipped_pack()?)?, keys: &keys };
    let launch = Launch { binary, concurrency: 2, log_level: "warning", ..Launch::new()? };
    quiet::report(&launch, &packs)?;
    let directory = tempfile::TempDir::with_prefix("tidegate-bench-")?;
    let envoy = start(&launch, &packs, directory.path())?;
    let address = envoy.listener("bench")?;

    let length = Duration::from_secs_f64(arguments.minutes * 60.0);
    step(&format!(
        "{} requests per second for {:.1} minutes, {} updates",
        arguments.rate, arguments.minutes, arguments.updates
    ));
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let (answers, updates) = thread::scope(|scope| -> Result<(Vec<Answer>, Updates)> {
        let gap = Duration::from_secs(1) * N_CONNECTIONS / arguments.rate;
        let loads: Vec<_> = (0..N_CONNECTIONS)
            .map(|idx| {
                let first = gap * idx / N_CONNECTIONS;
                let stop = &stop;
                scope.spawn(move || load(address, start, first, gap, length, stop))
            })
            .collect();
        let updates = update(&packs, &envoy, directory.path(), start, length, arguments.updates);
        stop.store(updates.is_err(), Ordering::Relaxed);
        let mut answers = Vec::new();
        for load in loads {
            answers.extend(load.join().ok().context("a client panicked")?);
        }
        Ok((answers, updates?))
    })?;
    report(&answers, &updates, &envoy)
}

/// Starts an Envoy that takes its filter from a file in a directory, with the first version of the pack.
fn start(launch: &Launch, packs: &Packs<'_>, directory: &Path) -> Result<Envoy> {
    let first = packs.plugin(Kind::Good, 1, "monitor")?;
    replace(directory, &first, "0")?;
    let filters = [first.discovered("./tidegate.json")];
    let config = Bootstrap::new().quiet().listener("bench", &filters).json();
    Envoy::launch_in(launch, &config, directory)
}

/// The packs and plugins of updates.
struct Packs<'k> {
    bytes: Vec<u8>,
    keys: &'k KeyFiles,
}

impl Packs<'_> {
    fn plugin(&self, kind: Kind, version: u64, mode: &str) -> Result<Plugin> {
        let mut tables = Pack::decode(&self.bytes)?.tables().clone();
        tables.version = version;
        let file: Arc<str> = "key".into();
        let mut pack = tables.encode();
        if kind != Kind::Unsigned {
            pack = signing::sign(pack, &file, &self.keys.secret).ok().context("the key signs")?;
        }
        if kind == Kind::Corrupt {
            let middle = pack.len() / 2;
            *pack.get_mut(middle).context("a byte")? ^= 1;
        }
        Plugin::trusting(&pack, mode, &self.keys.public)
    }
}

/// Sends requests at their times, one after the other, and opens a new connection where one broke.
fn load(
    address: SocketAddr,
    start: Instant,
    first: Duration,
    gap: Duration,
    length: Duration,
    stop: &AtomicBool,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut connection = None;
    let mut due = first;
    while due < length && !stop.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_sub(start.elapsed()));
        let mut open = connection.take().or_else(|| http1::Connection::open(address).ok());
        let response = open.as_mut().and_then(|open| open.send(REQUEST).ok());
        let is_good = response.is_some_and(|response| response.status == 200);
        connection = open.filter(|_| is_good);
        answers.push(Answer { due, took: start.elapsed().saturating_sub(due), is_good });
        due += gap;
    }
    answers
}

/// What was seen while updates were made.
#[derive(Debug, Default)]
struct Updates {
    times: Vec<Duration>,
    /// The slowest time from the move of a file until all workers ran its pack.
    slowest: Duration,
    /// Bytes resident after the first updates, at the most, and at the end.
    memory: [u64; 3],
    n_of_kind: [u32; KINDS.len()],
}

fn update(
    packs: &Packs<'_>,
    envoy: &Envoy,
    directory: &Path,
    start: Instant,
    length: Duration,
    n_updates: u32,
) -> Result<Updates> {
    let mut seen = Updates::default();
    let expected = |is_enforced: bool| if is_enforced { N_CONNECTIONS } else { 0 };
    let gap = length / (n_updates + 1);
    let (mut version, mut is_enforced) = (1, false);
    for number in 0..n_updates {
        let idx = number as usize % KINDS.len();
        let kind = KINDS.get(idx).copied().unwrap_or(Kind::Good);
        // What is not to be taken would turn the verdict round if it were.
        let (mode, of) = (
            if is_enforced { "monitor" } else { "enforce" },
            match kind {
                Kind::Older => version - 1,
                _ => version + 1,
            },
        );
        let plugin = packs.plugin(kind, of, mode)?;
        thread::sleep((gap * (number + 1)).saturating_sub(start.elapsed()));
        let refused = refusals(envoy)?;
        replace(directory, &plugin, &format!("{}", number + 1))?;
        let moved = start.elapsed();
        seen.times.push(moved);
        if let Some(count) = seen.n_of_kind.get_mut(idx) {
            *count += 1;
        }
        if kind == Kind::Good {
            (version, is_enforced) = (of, !is_enforced);
            until("a good pack to be at work", || {
                Ok((n_denied(envoy)? == expected(is_enforced)).then_some(()))
            })?;
            seen.slowest = seen.slowest.max(start.elapsed().saturating_sub(moved));
        } else {
            until("a bad pack to be refused", || Ok((refusals(envoy)? > refused).then_some(())))?;
        }
        ensure!(
            n_denied(envoy)? == expected(is_enforced),
            "update {number} ({kind:?}): another pack is at work"
        );
        let resident = envoy.resident()?;
        let [early, most, end] = &mut seen.memory;
        if number < 8 {
            *early = resident;
        }
        (*most, *end) = (resident.max(*most), resident);
    }
    Ok(seen)
}

/// Of connections enough that each worker gets some, how many find that what is to be denied is denied.
fn n_denied(envoy: &Envoy) -> Result<u32> {
    let mut n_denied = 0;
    for _ in 0..N_CONNECTIONS {
        match http1::send(envoy.listener("bench")?, PROBE)?.status {
            403 => n_denied += 1,
            200 => {}
            status => bail!("a probe was answered with {status}"),
        }
    }
    Ok(n_denied)
}

fn refusals(envoy: &Envoy) -> Result<u64> {
    let stats = envoy.stats()?;
    let all = stats.iter().filter(|(name, _)| name.contains("tidegate_refused_total"));
    Ok(all.map(|(_, value)| value).sum())
}

fn report(answers: &[Answer], updates: &Updates, envoy: &Envoy) -> Result<()> {
    let is_during = |answer: &&Answer| {
        let later = updates.times.iter().map(|time| answer.due.checked_sub(*time));
        later.flatten().any(|later| later < DURING)
    };
    let (during, without): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(is_during);
    let n_failed = answers.iter().filter(|answer| !answer.is_good).count();
    let mut table = Table::new(&["requests", "number", "failed", "p50 ms", "p99 ms", "p99.9 ms"]);
    for (name, of) in [("during reloads", &during), ("at other times", &without)] {
        let failed = of.iter().filter(|answer| !answer.is_good).count();
        let shares = [0.5, 0.99, 0.999].map(|share| format!("{:.2}", millis(quantile(of, share))));
        let cells = [name.to_owned(), of.len().to_string(), failed.to_string()];
        table.row(cells.into_iter().chain(shares));
    }
    let ratio = millis(quantile(&during, 0.99)) / millis(quantile(&without, 0.99));
    println!("\nRequests under updates, from the time at which each was due.\n\n{table}");
    println!("p99 during reloads is {ratio:.2} times p99 at other times");
    let kinds: Vec<_> = KINDS.iter().zip(updates.n_of_kind).collect();
    note(&format!("updates: {kinds:?}"));
    println!(
        "{} updates; a good one was at work on all workers after {:.0} ms at most; the last good pack was in force after each",
        updates.times.len(),
        millis(updates.slowest),
    );
    let [early, most, end] = updates.memory.map(|bytes| bytes / 1_000_000);
    println!("memory: {early} MB after the first updates, {most} MB at most, {end} MB at the end");
    let stats = envoy.stats()?;
    let reloads: u64 =
        stats.iter().filter(|(name, _)| name.contains("vm_reload")).map(|(_, value)| value).sum();
    ensure!(reloads == 0, "a virtual machine died");
    ensure!(n_failed == 0, "{n_failed} of {} requests failed", answers.len());
    Ok(())
}

/// The latency that a share of the answers does not exceed.
fn quantile(answers: &[&Answer], share: f64) -> Duration {
    let mut times: Vec<_> = answers.iter().map(|answer| answer.took).collect();
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list of some hundred thousand"
    )]
    let place = (times.len() as f64 * share) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_that_a_share_does_not_exceed() {
        let answers: Vec<_> = (1..=100)
            .map(|number| Answer {
                due: Duration::ZERO,
                took: Duration::from_millis(number),
                is_good: true,
            })
            .collect();
        let answers: Vec<_> = answers.iter().collect();
        for (share, expect) in [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)] {
            assert_eq!(quantile(&answers, share), Duration::from_millis(expect), "{share}");
        }
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
