//! How fast `tidegate hunt` reads an access log: as a ratio to parsing its JSON alone, turn by turn in
//! one process, and with the peak of memory over a whole log.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::tests::workspace;
use anyhow::{Context, Result, anyhow, ensure};
use hunt::Hunter;
use inspect::Pack;
use serde_json::{Value, json};
use sigma::Compiler;
use traffic::{FieldMap, Format};

use crate::command::{cargo, run as run_command};
use crate::progress::{note, step};
use crate::sources;

use super::{hunt_formats, hunt_network};

/// Megabytes per second and core that are asked for, where the parser alone is not slower.
const GOAL: f64 = 500.0;
/// Lines of a piece in memory: some ten megabytes, more than the caches hold.
pub(super) const PIECE_LINES: u64 = 20_000;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds over a piece, of which the fastest counts.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Lines of the log whose peak of memory is measured.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Lines of the log of a large network, which comes through a pipe.
    #[arg(long, default_value_t = 2_000_000)]
    network_lines: u64,
}

/// Measures and prints.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let rows = rows()?;
    let mut piece = Vec::new();
    for number in 0..PIECE_LINES {
        write_line(&rows, number, &mut piece)?;
    }
    let pack = fs::read(workspace::shipped_pack()?)?;
    let map = FieldMap::default();
    let hunter = |pack: Vec<u8>| -> Result<Hunter> {
        Ok(Hunter::new(Pack::decode(&pack)?, Format::Envoy, &map, false))
    };
    let mut reading = hunter(Compiler::new("none", 1).finish().encode())?;
    let n_rules = Pack::decode(&pack)?.tables().rules.len();
    let mut hunting = hunter(pack)?;
    let mut fastest = [Duration::MAX; 4];
    let mut n_read = [0_u64; 4];
    for round in 0..arguments.rounds.max(1) {
        // Each comes first in turn.
        for turn in 0..4 {
            let which = (round + turn) % 4;
            let start = Instant::now();
            let n = match which {
                0 => entries(&piece)?,
                1 => trees(&piece)?,
                2 => reading.hunt(&piece).counts.n_events,
                _ => hunting.hunt(&piece).counts.n_events,
            };
            if let (Some(fastest), Some(n_read)) = (fastest.get_mut(which), n_read.get_mut(which)) {
                *fastest = (*fastest).min(start.elapsed());
                *n_read = n;
            }
        }
    }
    ensure!(n_read == [PIECE_LINES; 4], "each reads every line: {n_read:?}");
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let rate = |time: Duration| piece.len() as f64 / 1e6 / time.as_secs_f64();
    let [entries, trees, reading, hunting] = fastest.map(rate);
    println!(
        "hunt: {hunting:.0} MB/s per core with {n_rules} rules, {reading:.0} without rules; {} bytes a line",
        piece.len() as u64 / PIECE_LINES,
    );
    println!(
        "parsing alone (sonic-rs): {entries:.0} MB/s over entries, {trees:.0} into trees: hunt at {:.2} and {:.2} of it",
        hunting / entries,
        hunting / trees,
    );
    let verdict = if hunting >= GOAL.min(trees) { "held" } else { "missed" };
    println!("goal: {:.0} MB/s: {verdict}", GOAL.min(trees));
    hunt_formats::run(&rows, arguments.rounds)?;
    memory(&rows, arguments.lines)?;
    hunt_network::run(arguments.network_lines)?;
    hunt_formats::compressed(&rows, arguments.lines / 2, arguments.rounds.min(5))
}

/// The entries of each line, as the fastest reading of the parser gives them.
fn entries(piece: &[u8]) -> Result<u64> {
    let mut n_lines = 0;
    for line in piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut n_entries = 0;
        for entry in sonic_rs::to_object_iter(line) {
            entry?;
            n_entries += 1;
        }
        n_lines += u64::from(n_entries > 0);
    }
    Ok(n_lines)
}

/// A tree of each line.
fn trees(piece: &[u8]) -> Result<u64> {
    let mut n_lines = 0;
    for line in piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let tree: sonic_rs::Value = sonic_rs::from_slice(line)?;
        std::hint::black_box(&tree);
        n_lines += 1;
    }
    Ok(n_lines)
}

/// Hunts a whole log with the command line, and says how much memory that took; then twice the log.
#[expect(clippy::print_stdout, reason = "a report for people")]
fn memory(rows: &[Value], n_lines: u64) -> Result<()> {
    step("building the command line");
    run_command(cargo().args([
        "build",
        "--release",
        "--package",
        "tidegate",
        "--bin",
        "tidegate",
    ]))?;
    let tidegate = workspace::target().join("release/tidegate");
    let pack = workspace::shipped_pack()?;
    let scratch = tempfile::TempDir::with_prefix_in("bench-", workspace::target())?;
    let log = scratch.path().join("log.jsonl");
    for n_lines in [n_lines / 2, n_lines] {
        write_log(&log, rows, n_lines)?;
        note(&format!("{n_lines} lines, {} MB", fs::metadata(&log)?.len() / 1_000_000));
        let start = Instant::now();
        let mut command = Command::new(&tidegate);
        command.args(["hunt", "--threads", "1", "--pack"]).arg(&pack).arg(&log);
        let (peak, ()) = peak_of(command, |_| Ok(()))?;
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let rate = fs::metadata(&log)?.len() as f64 / 1e6 / seconds;
        println!(
            "command line, 1 thread: {n_lines} lines in {seconds:.1} s, {rate:.0} MB/s, {peak} kB at the peak"
        );
    }
    Ok(())
}

/// Runs a program to its end, while `feed` may write to it; the most memory that it had, in kB, asked for every few
/// milliseconds, and what `feed` returns.
pub(super) fn peak_of<T>(
    mut command: Command,
    feed: impl FnOnce(&mut Child) -> Result<T>,
) -> Result<(u64, T)> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut peak = 0;
            while !is_done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&status).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
                peak = peak.max(number.unwrap_or(0));
                thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        let fed = feed(&mut child);
        let ended = child.wait();
        is_done.store(true, Ordering::Relaxed);
        let peak = asking.join().map_err(|_| anyhow!("memory could not be asked for"))?;
        let ended = ended?;
        ensure!(ended.success(), "hunt: {ended}");
        Ok((peak, fed?))
    })
}

/// The recorded traffic: of two hundred requests one is malicious.
fn rows() -> Result<Vec<Value>> {
    let corpora = sources::needed(&["traffic"])?;
    let read = |name: &str| -> Result<Vec<Value>> {
        let text = fs::read_to_string(corpora.join("traffic").join(name))?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    };
    let mut malicious = read("malicious.dev.jsonl")?.into_iter();
    let mut rows = Vec::new();
    for (idx, row) in read("benign.dev.jsonl")?.into_iter().enumerate() {
        if idx % 200 == 0 {
            rows.extend(malicious.next());
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Writes a log of so many lines.
pub(super) fn write_log(path: &Path, rows: &[Value], n_lines: u64) -> Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    let mut line = Vec::new();
    for number in 0..n_lines {
        line.clear();
        write_line(rows, number, &mut line)?;
        file.write_all(&line)?;
    }
    Ok(file.flush()?)
}

/// A line with the keys of Istio's JSON access log. No two paths are the same, so that nothing is
/// gained by remembering.
pub(super) fn write_line(rows: &[Value], number: u64, out: &mut Vec<u8>) -> Result<()> {
    let idx = usize::try_from(number)? % rows.len();
    let row = rows.get(idx).context("there is traffic")?;
    let path = row["path"].as_str().unwrap_or("/");
    let mark = if path.contains('?') { '&' } else { '?' };
    let host = &row["host"];
    let line = json!({
        "authority": host,
        "bytes_received": row["bytes_out"],
        "bytes_sent": 4242 + number % 977,
        "connection_termination_details": null,
        "downstream_local_address": "10.4.0.9:15001",
        "downstream_remote_address": format!("10.4.{}.{}:{}", number % 31, number % 251, 32_768 + number % 28_000),
        "duration": number % 713,
        "method": row["method"],
        "path": format!("{path}{mark}n={number}"),
        "protocol": "HTTP/2",
        "request_id": format!("{:08x}-7c1e-4b52-9a6d-{number:012x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff),
        "requested_server_name": host,
        "response_code": 200,
        "response_code_details": "via_upstream",
        "response_flags": "-",
        "route_name": "allow_any",
        "start_time": format!("2026-11-21T{:02}:{:02}:{:02}.{:03}Z", number / 3_600_000 % 24, number / 60_000 % 60, number / 1000 % 60, number % 1000),
        "upstream_cluster": "PassthroughCluster",
        "upstream_host": format!("192.0.2.{}:443", number % 255),
        "upstream_local_address": "10.4.0.9:41532",
        "upstream_service_time": null,
        "upstream_transport_failure_reason": null,
        "user_agent": row["user_agent"],
        "x_forwarded_for": null,
    });
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}
