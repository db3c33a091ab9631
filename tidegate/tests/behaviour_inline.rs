//! What a gateway finds by what sources did over time, against what `tidegate hunt` finds in its log.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    reason = "a test may panic, says what it found, and works on files"
)]

#[path = "behaviour/gateway_replay.rs"]
mod gateway_replay;
#[path = "behaviour/traffic_generator.rs"]
mod traffic_generator;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use gateway_replay::{Balance, Replayed, replay};
use serde_json::Value;
use traffic_generator::{Kind, Traffic};

const NOTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../knowledge/notes");

type Pair = (String, String);

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
fn hunt(log: &Path) -> BTreeMap<Pair, BTreeSet<String>> {
    let output = run(&["hunt", "--rules", NOTES, log.to_str().unwrap()]);
    let mut alerts: BTreeMap<Pair, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let pair = (text("source"), text("host").trim_end_matches(":443").to_owned());
        alerts.entry(pair).or_default().insert(text("title"));
    }
    alerts
}

/// How many abuses of each kind were found, and of how many. A program that calls many hosts is one abuse, found
/// by any of them.
fn recall(
    traffic: &Traffic,
    alerts: &BTreeMap<Pair, BTreeSet<String>>,
) -> BTreeMap<Kind, (usize, usize)> {
    let mut abuses: BTreeMap<(Kind, String), bool> = BTreeMap::new();
    for (pair, kind) in &traffic.abuses {
        let name =
            if *kind == Kind::ManyHosts { pair.0.clone() } else { pair.0.clone() + " " + &pair.1 };
        *abuses.entry((*kind, name)).or_default() |= alerts.contains_key(pair);
    }
    let mut found: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    for ((kind, name), is_found) in abuses {
        let of_kind = found.entry(kind).or_default();
        of_kind.0 += usize::from(is_found);
        of_kind.1 += 1;
        if !is_found {
            println!("missed {kind:?} {name}");
        }
    }
    found
}

/// Adds up the kinds that count.
fn whole(found: &BTreeMap<Kind, (usize, usize)>) -> (usize, usize) {
    let counted = found.iter().filter(|(kind, _)| !kind.is_hard());
    counted.fold((0, 0), |all, (_, of)| (all.0 + of.0, all.1 + of.1))
}

fn false_pairs<'a>(
    traffic: &Traffic,
    alerts: &'a BTreeMap<Pair, BTreeSet<String>>,
) -> Vec<(&'a Pair, &'a BTreeSet<String>)> {
    alerts.iter().filter(|(pair, _)| !traffic.abuses.contains_key(*pair)).collect()
}

/// Replays a log through gateways; prints and returns what was found.
fn found_by(pack: &[u8], balance: Balance, traffic: &Traffic, log: &str) -> (usize, usize) {
    println!("{balance:?}");
    let Replayed { alerts, n_events, metrics, n_shared_bytes } = replay(pack, balance, log);
    let found = recall(traffic, &alerts);
    for (kind, (of_kind, all)) in &found {
        println!("  {kind:?}: {of_kind} of {all}");
    }
    let wrong = false_pairs(traffic, &alerts);
    for (pair, titles) in &wrong {
        println!("  false {pair:?} {titles:?}");
    }
    println!("  {n_events} events, {n_shared_bytes} bytes shared");
    for (name, count) in metrics.iter().filter(|(name, _)| name.contains("behaviour")) {
        println!("  {name} {count}");
    }
    (whole(&found).0, wrong.len())
}

/// Recall by kind and false pairs a day, with the shipped rules, of a gateway and of a hunt over its log.
#[test]
fn a_gateway_finds_most_of_what_a_hunt_finds() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let (mut n_hunted, mut n_found, mut n_abuses) = (0, 0, 0);
    let (mut n_false, mut n_days) = (0, 0);
    for seed in [1, 2, 3] {
        let traffic = Traffic::generate(seed, 2);
        let log = traffic.log();
        let path = folder.path().join("access.log");
        fs::write(&path, &log).unwrap();
        println!("seed {seed}: hunt");
        let hunted = whole(&recall(&traffic, &hunt(&path)));
        let (of_gateway, wrong) = found_by(&pack, Balance::Workers(1), &traffic, &log);
        n_hunted += hunted.0;
        n_abuses += hunted.1;
        n_found += of_gateway;
        n_false += wrong;
        n_days += traffic.n_days;
    }
    let a_day = n_false as f64 / n_days as f64 / (traffic_generator::N_SOURCES as f64 / 100.0);
    println!(
        "gateway {n_found}, hunt {n_hunted} of {n_abuses}, {a_day:.2} false pairs a day per 100 sources"
    );
    assert!(n_found * 10 >= n_hunted * 9, "{n_found} of {n_hunted}");
    assert!(a_day <= 3.0, "{a_day}");
}

/// Workers share what they know, gateways do not: a source that always comes to the same one is known there.
#[test]
fn workers_and_gateways_by_source_find_what_one_worker_finds_and_gateways_by_chance_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let traffic = Traffic::generate(1, 2);
    let log = traffic.log();
    let n_abuses = whole(&recall(&traffic, &BTreeMap::new())).1;
    let find = |balance| found_by(&pack, balance, &traffic, &log);
    let one = find(Balance::Workers(1));
    let workers = find(Balance::Workers(4));
    let by_source = find(Balance::GatewaysBySource(4));
    let by_chance = find(Balance::Gateways(4));
    println!(
        "of {n_abuses} (and false): one worker {one:?}, four {workers:?}, four gateways by source {by_source:?}, by chance {by_chance:?}"
    );
    assert!(one.0.abs_diff(workers.0) * 100 <= 3 * n_abuses);
    assert!(by_source.0 * 10 >= one.0 * 9);
    assert!(by_chance.0 < by_source.0);
}
