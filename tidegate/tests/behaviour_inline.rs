//! What a gateway finds by what sources did over time, against what `tidegate hunt` finds in its log.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    reason = "a test may panic, says what it found, and works on files"
)]

#[path = "behaviour/gateway_replay.rs"]
mod gateway_replay;

use std::fs;
use std::path::Path;
use std::process::Command;

use gateway_replay::{Balance, Replayed, replay};
use tests::generated_traffic::{Alerts, Score, Traffic, alerts_of_hunt};

const NOTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../knowledge/notes");

fn run(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Returns the pack of the rules over time that are shipped, with all services.
fn pack(folder: &Path) -> Vec<u8> {
    let path = folder.join("notes.tgp");
    run(&["pack", NOTES, "-o", path.to_str().unwrap()]);
    fs::read(path).unwrap()
}

/// Returns the pairs that a hunt finds, with the titles of its rules.
fn hunt(log: &Path) -> Alerts {
    let output = run(&["hunt", "--rules", NOTES, log.to_str().unwrap()]);
    alerts_of_hunt(&String::from_utf8(output).unwrap()).unwrap()
}

/// Replays a log through gateways; prints and returns what was found.
fn found_by(pack: &[u8], balance: Balance, traffic: &Traffic, log: &str) -> Score {
    let Replayed { alerts, n_events, metrics, n_shared_bytes } = replay(pack, balance, log);
    let score = traffic.score(&alerts);
    println!("{balance:?}\n{score}\n  {n_events} events, {n_shared_bytes} bytes shared");
    for (name, count) in metrics.iter().filter(|(name, _)| name.contains("behaviour")) {
        println!("  {name} {count}");
    }
    score
}

/// Recall by kind and false pairs a day, with the shipped rules, of a gateway and of a hunt over its log.
#[test]
fn a_gateway_finds_most_of_what_a_hunt_finds() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let (mut of_hunt, mut of_gateway) = (Score::default(), Score::default());
    for seed in [1, 2, 3] {
        let traffic = Traffic::generate(seed, 2);
        let log = traffic.log();
        let path = folder.path().join("access.log");
        fs::write(&path, &log).unwrap();
        println!("seed {seed}");
        of_hunt.add(traffic.score(&hunt(&path)));
        of_gateway.add(found_by(&pack, Balance::Workers(1), &traffic, &log));
    }
    println!("hunt\n{of_hunt}\ngateway\n{of_gateway}");
    let (n_hunted, n_found) = (of_hunt.whole().0, of_gateway.whole().0);
    assert!(n_found * 10 >= n_hunted * 9, "{n_found} of {n_hunted}");
    assert!(of_gateway.wrong_a_day() <= 3.0, "{}", of_gateway.wrong_a_day());
}

/// Workers share what they know, gateways do not: a source that always comes to the same one is known there.
#[test]
fn workers_and_gateways_by_source_find_what_one_worker_finds_and_gateways_by_chance_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let traffic = Traffic::generate(1, 2);
    let log = traffic.log();
    let find = |balance| found_by(&pack, balance, &traffic, &log).whole();
    let (one, n_abuses) = find(Balance::Workers(1));
    let (workers, _) = find(Balance::Workers(4));
    let (by_source, _) = find(Balance::GatewaysBySource(4));
    let (by_chance, _) = find(Balance::Gateways(4));
    assert!(one.abs_diff(workers) * 100 <= 3 * n_abuses);
    assert!(by_source * 10 >= one * 9);
    assert!(by_chance < by_source);
}
