//! What an update takes of each thread of an Envoy that does nothing else.
//!
//! While a worker takes a configuration it answers no request: its time is how long a request may wait.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use ::tests::Launch;
use ::tests::gateway::replace;
use anyhow::{Context, Result, ensure};

use super::{Kind, Packs, millis, refusals, start};
use crate::progress::step;
use crate::table::Table;

/// Updates of each kind, of which medians are taken.
const N_UPDATES: u64 = 9;

/// After how long an update is over on all threads.
const OVER: Duration = Duration::from_millis(500);

/// Measures and prints a table.
pub(super) fn report(launch: &Launch, packs: &Packs<'_>) -> Result<()> {
    step("updates without requests");
    let directory = tempfile::TempDir::with_prefix("tidegate-bench-")?;
    let envoy = start(launch, packs, directory.path())?;
    let mut table = Table::new(&["an update of", "main thread, ms", "slowest worker, ms"]);
    let mut version = 1;
    for (name, kind, is_other_pack) in [
        ("the pack", Kind::Good, true),
        ("settings, with the same pack", Kind::Good, false),
        ("the pack, corrupt", Kind::Corrupt, true),
    ] {
        let (mut main, mut worker) = (Vec::new(), Vec::new());
        for number in 0..N_UPDATES {
            version += u64::from(is_other_pack);
            let mode = if number % 2 == 0 { "enforce" } else { "monitor" };
            let plugin = packs.plugin(kind, version, mode)?;
            let refused = refusals(&envoy)?;
            let before = envoy.run_times()?;
            replace(directory.path(), &plugin, &format!("{name} {number}"))?;
            thread::sleep(OVER);
            let after = envoy.run_times()?;
            let is_refused = refusals(&envoy)? > refused;
            ensure!(is_refused == (kind == Kind::Corrupt), "{name}, {number}: {is_refused}");
            main.push(slowest(&before, &after, "envoy")?);
            worker.push(slowest(&before, &after, "wrk:worker_")?);
        }
        let median = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times.get(times.len() / 2).map_or(String::new(), |time| format!("{:.1}", millis(*time)))
        };
        table.row([name.to_owned(), median(&mut main), median(&mut worker)]);
    }
    println!("\nProcessor time of an update, without requests; medians.\n\n{table}");
    Ok(())
}

/// How long the thread ran that ran longest of those whose name starts so.
fn slowest(
    before: &BTreeMap<String, Duration>,
    after: &BTreeMap<String, Duration>,
    start: &str,
) -> Result<Duration> {
    let threads = after.iter().filter(|(name, _)| name.starts_with(start));
    let ran = threads
        .map(|(name, time)| time.saturating_sub(before.get(name).copied().unwrap_or_default()));
    ran.max().with_context(|| format!("no thread `{start}`"))
}
