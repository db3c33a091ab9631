//! What a vault costs: one of the full corpora, cold and with nothing to change, with its peak of memory;
//! and what reading a note costs, beside obsidian-export on the same vault.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;
use tests::workspace;

use crate::command::{cargo, run as succeed};
use crate::progress::{note, step};
use crate::sources;
use crate::vault;

/// Goals on two cores.
const COLD: Duration = Duration::from_secs(4);
const UNCHANGED: Duration = Duration::from_secs(1);
const PEAK_BYTES: u64 = 500 << 20;
/// The peer, of crates.io.
const PEER: (&str, &str) = ("obsidian-export", "25.3.0");
/// How often the memory of a run is looked at; what is read is its peak so far.
const PAUSE: Duration = Duration::from_millis(1);

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds, of which the fastest counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
struct Cost {
    time: Duration,
    peak: u64,
}

/// Measures and prints three lines; an error where a goal is missed.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let corpora = sources::needed(&["sigma", "elastic", "splunk", "atomic", "attack", "d3fend"])?;
    step("building the command line for speed");
    succeed(cargo().args(["build", "--release", "--package", "tidegate", "--bin", "tidegate"]))?;
    let tidegate = workspace::target().join("release/tidegate");
    let peer = peer()?;
    let mut cold = Vec::new();
    let mut unchanged = Vec::new();
    let (mut checks, mut exports) = (Vec::new(), Vec::new());
    let mut n_notes = 0;
    let ours = workspace::root().join("vault");
    for round in 1..=arguments.rounds {
        step(&format!("round {round} of {}", arguments.rounds));
        let scratch = TempDir::with_prefix("tidegate-bench-")?;
        let full = scratch.path().join("vault");
        cold.push(measured(&mut vault::build(&tidegate, &corpora, &full))?);
        unchanged.push(measured(&mut vault::build(&tidegate, &corpora, &full))?);
        n_notes = count(&full)?;
        // The peer looks each link up among all notes, which takes it minutes on the full vault: the two
        // are compared on the vault in the repository.
        checks.push(measured(Command::new(&tidegate).args(["vault", "check"]).arg(&ours))?);
        let exported = scratch.path().join("exported");
        fs::create_dir(&exported)?;
        exports.push(measured(Command::new(&peer).arg(&ours).arg(&exported))?);
    }
    let least = |costs: &[Cost]| costs.iter().map(|cost| cost.time).min().unwrap_or_default();
    let peak = cold.iter().chain(&unchanged).map(|cost| cost.peak).max().unwrap_or_default();
    let (cold, unchanged) = (least(&cold), least(&unchanged));
    println!(
        "vault: {n_notes} notes of the corpora: {:.2} s cold, {:.2} s unchanged, {} MB at most",
        cold.as_secs_f64(),
        unchanged.as_secs_f64(),
        peak >> 20,
    );
    let n_ours = u32::try_from(count(&ours)?)?;
    let each = |costs: &[Cost]| least(costs).as_secs_f64() * 1e3 / f64::from(n_ours);
    println!(
        "reading {n_ours} notes: {:.3} ms a note to check it, {:.3} ms with {} {} to export it: {:.1} times",
        each(&checks),
        each(&exports),
        PEER.0,
        PEER.1,
        each(&exports) / each(&checks),
    );
    ensure!(cold <= COLD, "cold takes longer than {COLD:?}");
    ensure!(unchanged <= UNCHANGED, "an unchanged run takes longer than {UNCHANGED:?}");
    ensure!(peak <= PEAK_BYTES, "the peak is more than {} MB", PEAK_BYTES >> 20);
    Ok(())
}

/// The peer's program, installed into `target/tools` unless it is there.
fn peer() -> Result<PathBuf> {
    let (name, version) = PEER;
    step(&format!("{name} {version}"));
    let tools = workspace::target().join("tools");
    let program = tools.join("bin").join(name);
    if program.is_file() {
        note("there");
    } else {
        note("installing the crate with cargo");
        let arguments = ["install", "--quiet", "--locked", name, "--version", version];
        succeed(cargo().args(arguments).arg("--root").arg(tools))?;
    }
    Ok(program)
}

/// Runs a program in silence, and measures it from outside.
fn measured(command: &mut Command) -> Result<Cost> {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let end = loop {
        if let Some(end) = child.try_wait()? {
            break end;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() * 1024);
        sleep(PAUSE);
    };
    let time = start.elapsed();
    if !end.success() {
        bail!("`{}` failed: {end}", command.get_program().display());
    }
    Ok(Cost { time, peak })
}

/// The notes below a folder.
fn count(folder: &Path) -> Result<usize> {
    let mut n_notes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            n_notes += count(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            n_notes += 1;
        }
    }
    Ok(n_notes)
}
