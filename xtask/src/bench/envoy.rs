//! What filters add to the processor time of a request, how long Envoy takes to start with them, and how much
//! memory it holds.
//!
//! One Envoy with one worker per variant, all alive at once and on one processor, the client on another. In every
//! round each variant gets a short run of requests, one after the other and in another order each time; its time
//! is compared with that of the same round without a filter. So a machine that slows down slows down both, and
//! medians of these differences leave out what disturbed single rounds. The time is Envoy's own, by the kernel's
//! scheduler, so that the client does not count.

mod variants;

use std::process::{self, Command};
use std::time::{Duration, Instant};

use ::tests::{Bootstrap, Envoy, Launch};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::load::Load;
use crate::artifact::{self, Artifacts};
use crate::command::{run as run_program, succeeds};
use crate::install;
use crate::native_module;
use crate::progress::{note, step};
use crate::table::Table;
use variants::{HEADER_MAP, NONE, RESTRICTED, filters};

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds, of which medians are taken.
    #[arg(long, default_value_t = 40)]
    rounds: usize,
    /// Requests per variant and round.
    #[arg(long, default_value_t = 4_000)]
    requests: usize,
    /// Only variants whose names contain one of these, beside those that others are compared with.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Measures start and memory with 1 and 4 workers, too.
    #[arg(long)]
    memory: bool,
}

/// One way to treat a request.
struct Variant {
    name: String,
    envoy: Envoy,
    load: Load,
    /// Microseconds of processor time per request, one per round.
    micros: Vec<f64>,
}

/// Measures all variants and prints a table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    let artifacts = Artifacts::build()?;
    artifact::build_examples()?;
    native_module::build()?;
    let processor = pin()?;
    let launch = Launch { binary, log_level: "warning", processor, ..Launch::new()? };
    let is_wanted = |name: &str| {
        let always = [NONE, HEADER_MAP, RESTRICTED];
        let only = &arguments.only;
        only.is_empty() || always.contains(&name) || only.iter().any(|part| name.contains(part))
    };
    let filters = filters(&artifacts)?.into_iter().filter(|(name, _)| is_wanted(name));
    let filters: Vec<_> = filters.collect();
    if arguments.memory {
        report_memory(&launch, &filters, arguments.requests)?;
    }

    step("starting one Envoy per variant");
    let mut variants = Vec::new();
    for (name, filters) in &filters {
        let (envoy, _) = start(&launch, name, filters)?;
        let mut load = Load::open(envoy.listener("bench")?)?;
        // The first requests compile the module's functions and fill caches.
        load.run(arguments.requests * 2)?;
        variants.push(Variant { name: name.clone(), envoy, load, micros: Vec::new() });
    }
    step(&format!("{} rounds of {} requests", arguments.rounds, arguments.requests));
    for _ in 0..arguments.rounds {
        for variant in &mut variants {
            let before = variant.envoy.run_time()?;
            let n_requests = variant.load.run(arguments.requests)?;
            let used = variant.envoy.run_time()?.saturating_sub(before);
            variant.micros.push(micros(used) / as_f64(n_requests));
        }
        // The micros of a round keep their places; the order of the runs changes.
        variants.rotate_left(1);
    }
    for variant in &variants {
        let failures = variant.envoy.plugin_failures()?;
        ensure!(failures.is_empty(), "{}: {failures:?}", variant.name);
    }
    let order = |variant: &Variant| filters.iter().position(|(name, _)| *name == variant.name);
    variants.sort_by_key(order);
    report(&variants)
}

/// Pins this process to the first processor; returns the one for Envoy. `None` if there is one only, or no
/// `taskset`.
fn pin() -> Result<Option<u32>> {
    let n_processors = std::thread::available_parallelism()?.get();
    if n_processors < 2 || !succeeds(Command::new("taskset").arg("--version")) {
        note("processors are not pinned");
        return Ok(None);
    }
    let pid = process::id().to_string();
    run_program(Command::new("taskset").args(["-a", "-c", "-p", "0", &pid]))?;
    Ok(Some(1))
}

/// Starts an Envoy; also returns how long it took until it was ready.
fn start(launch: &Launch, name: &str, filters: &[Value]) -> Result<(Envoy, Duration)> {
    let config = Bootstrap::new().quiet().listener("bench", filters).json();
    let start = Instant::now();
    let envoy = Envoy::launch(launch, &config).with_context(|| name.to_owned())?;
    Ok((envoy, start.elapsed()))
}

fn report_memory(
    launch: &Launch,
    filters: &[(String, Vec<Value>)],
    n_requests: usize,
) -> Result<()> {
    step("start and memory");
    let mut table = Table::new(&["variant", "start, ms", "MB, 1 worker", "MB, 4 workers"]);
    for (name, filters) in filters {
        let mut cells = vec![name.clone()];
        for concurrency in [1, 4] {
            let launch = Launch { concurrency, ..launch.clone() };
            let (envoy, took) = start(&launch, name, filters)?;
            // Connections enough that each worker has some.
            for _ in 0..4 * concurrency {
                Load::open(envoy.listener("bench")?)?.run(n_requests / 8)?;
            }
            if concurrency == 1 {
                cells.push(format!("{:.0}", took.as_secs_f64() * 1e3));
            }
            cells.push((envoy.resident()? / 1_000_000).to_string());
        }
        table.row(cells);
    }
    println!("\nEnvoy after it started, and after requests.\n\n{table}");
    Ok(())
}

fn report(variants: &[Variant]) -> Result<()> {
    let find = |name: &str| {
        variants.iter().find(|variant| variant.name == name).context("a variant is missing")
    };
    let none = find(NONE)?;
    let added = |variant: &Variant| -> Vec<f64> {
        variant.micros.iter().zip(&none.micros).map(|(of, without)| of - without).collect()
    };
    let reader = quantile(&added(find(HEADER_MAP)?), 0.5);
    let mut table = Table::new(&[
        "variant",
        "us/request",
        "added, median",
        "quartiles",
        "of the header-map reader",
    ]);
    for variant in variants {
        let added = added(variant);
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&added, share));
        table.row([
            variant.name.clone(),
            format!("{:.1}", quantile(&variant.micros, 0.5)),
            format!("{middle:+.2}"),
            format!("{low:+.2} to {high:+.2}"),
            format!("{:.2}", middle / reader),
        ]);
    }
    println!(
        "\nProcessor time of Envoy per request, one worker; added: to the same round without a filter.\n\n{table}"
    );
    Ok(())
}

/// The value that a share does not exceed; between two it is in the middle.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = as_f64(sorted.len().saturating_sub(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a short list"
    )]
    let place = |at: f64| sorted.get(at as usize).copied().unwrap_or_default();
    f64::midpoint(place((last * share).floor()), place((last * share).ceil()))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        for (values, expect) in
            [(&[3.0, 1.0, 2.0][..], 2.0), (&[4.0, 1.0, 2.0, 3.0], 2.5), (&[7.0], 7.0)]
        {
            assert!((quantile(values, 0.5) - expect).abs() < 1e-9, "{values:?}");
        }
    }
}
