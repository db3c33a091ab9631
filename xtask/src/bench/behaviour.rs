//! What a real Envoy finds of abuse over time, with one worker and with more, beside `tidegate hunt` over the same
//! requests.
//!
//! Two days of generated traffic are sent one request after the other, with their bytes, and Envoy's time of day is
//! set before each: two days pass in minutes, and no period is shortened.

mod replay;
mod upstream;

use std::fs;
use std::path::Path;
use std::process::Command;

use ::tests::generated_traffic::{Alerts, Score, Traffic, alerts_of_hunt};
use ::tests::workspace;
use anyhow::{Result, ensure};

use crate::artifact::Artifacts;
use crate::command::output;
use crate::install;
use crate::progress::step;

use replay::{Replayed, Request, replay};

/// A gateway is to find so much of what a hunt finds.
const SHARE: f64 = 0.9;
/// Pairs that are no abuse, for each day and hundred sources.
const WRONG: f64 = 3.0;
/// Numbers of workers may differ by this share of all abuses.
const DIFFERENCE: f64 = 0.03;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Numbers of workers, each an Envoy of its own.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4])]
    workers: Vec<u32>,
    /// Seeds of the generated traffic.
    #[arg(long, value_delimiter = ',', default_values_t = [1])]
    seeds: Vec<u64>,
    /// Days of traffic for each seed.
    #[arg(long, default_value_t = 2)]
    days: usize,
}

/// Replays and prints; an error where a goal is missed.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    let artifacts = Artifacts::build()?;
    let pack = fs::read(workspace::shipped_pack()?)?;
    let folder = tempfile::TempDir::with_prefix_in("bench-", workspace::target())?;
    let mut hunted = Score::default();
    let mut found: Vec<(u32, Score)> = Vec::new();
    found.extend(arguments.workers.iter().map(|n_workers| (*n_workers, Score::default())));
    for seed in &arguments.seeds {
        let traffic = Traffic::generate(*seed, arguments.days);
        let log = traffic.log();
        let path = folder.path().join("access.log");
        fs::write(&path, &log)?;
        let requests = log.lines().map(Request::read).collect::<Result<Vec<Request>>>()?;
        step(&format!("seed {seed}: {} requests, hunt", requests.len()));
        hunted.add(traffic.score(&hunt(&artifacts.tidegate, &path)?));
        for (n_workers, score) in &mut found {
            step(&format!("seed {seed}: Envoy with {n_workers} workers"));
            let Replayed { alerts, n_events, counters, seconds } =
                replay(&binary, *n_workers, &pack, &requests)?;
            println!("{n_events} events, {seconds:.0} s");
            for (name, count) in &counters {
                println!("  {name} {count}");
            }
            score.add(traffic.score(&alerts));
        }
    }
    println!("hunt:\n{hunted}");
    for (n_workers, score) in &found {
        println!("Envoy, {n_workers} workers:\n{score}");
    }
    judge(&hunted, &found)
}

/// Compares with the goals.
fn judge(hunted: &Score, found: &[(u32, Score)]) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let of = |score: &Score| (score.whole().0 as f64, score.whole().1 as f64);
    let (n_hunted, n_abuses) = of(hunted);
    let first = found.first().map_or(0.0, |(_, score)| of(score).0);
    for (n_workers, score) in found {
        let (n_found, _) = of(score);
        ensure!(
            n_found >= SHARE * n_hunted,
            "{n_workers} workers find {n_found} of {n_hunted} that a hunt finds"
        );
        ensure!(
            (n_found - first).abs() <= DIFFERENCE * n_abuses,
            "{n_workers} workers find {n_found}, and the first gateway {first}, of {n_abuses}"
        );
        let a_day = score.wrong_a_day();
        ensure!(
            a_day <= WRONG,
            "{n_workers} workers: {a_day:.2} false pairs a day per 100 sources"
        );
    }
    Ok(())
}

/// Returns what the shipped rules find in a log.
fn hunt(tidegate: &Path, log: &Path) -> Result<Alerts> {
    let notes = workspace::root().join("knowledge/notes");
    let mut command = Command::new(tidegate);
    command.args(["hunt", "--format", "json", "--rules"]).arg(notes).arg(log);
    Ok(alerts_of_hunt(&output(&mut command)?)?)
}
