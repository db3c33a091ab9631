//! What `tidegate hunt` finds by what sources did over time.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it found, and works on files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::generated_traffic::{Alerts, Score, Traffic};

const NOTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../knowledge/notes");

/// Hunts with rules; returns the records, the summary, and the pairs by source and host.
fn hunt(
    rules: &str,
    arguments: &[&str],
    logs: &[PathBuf],
) -> (Vec<Value>, String, BTreeMap<(String, String), Value>) {
    let folder = tempfile::tempdir().unwrap();
    let pairs = folder.path().join("pairs.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["hunt", "--rules", rules, "--pairs"])
        .arg(&pairs)
        .args(arguments)
        .args(logs)
        .output()
        .unwrap();
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{summary}");
    let values = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let records = values(&String::from_utf8(output.stdout).unwrap());
    let pairs = values(&fs::read_to_string(&pairs).unwrap());
    let pairs = pairs.into_iter().map(|pair| (names(&pair), pair)).collect();
    (records, summary, pairs)
}

/// Returns source and host of a record or a pair.
fn names(value: &Value) -> (String, String) {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    (text("source"), text("host").trim_end_matches(":443").to_owned())
}

fn rule(folder: &Path, detection: &str) -> String {
    let path = folder.join("rule.yml");
    let text = format!(
        "title: t\nid: 2f4f8b0e-6a51-4c5e-9c6b-0d3e1b7f5a01\nlogsource: {{category: proxy}}\ndetection:\n  {detection}\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_proxy_beacons_of_rita_have_their_scores_and_there_is_no_third() {
    let Some(corpora) = corpora::folder(&["rita/proxy"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = rule(folder.path(), "s: {cs-host: none.example}\n  condition: s");
    let logs = ["http.log", "conn.log", "ssl.log"].map(|log| corpora.join("rita/proxy").join(log));
    let (_, _, pairs) = hunt(&rules, &[], &logs);
    let expected = [
        ("www.honestimnotevil.com", 357, [0.979, 0.921, 0.995, 1.0, 1.0]),
        ("www.google.com", 6, [0.586, 0.48, 0.865, 1.0, 0.0]),
    ];
    for (host, n_requests, scores) in expected {
        let rita = &pairs[&("10.136.0.18".to_owned(), host.to_owned())]["rita"];
        println!("{host}: {rita}");
        assert_eq!(rita["requests"], n_requests, "{host}");
        let names = ["score", "timestamps", "data_sizes", "duration", "histogram"];
        for (name, expect) in names.into_iter().zip(scores) {
            let score = rita[name].as_f64().unwrap();
            assert!((score - expect).abs() <= 0.05, "{host}: {name} is {score}, not {expect}");
        }
    }
    let scored = pairs.values().filter(|pair| !pair["rita"].is_null()).count();
    assert_eq!(scored, expected.len());
}

#[test]
fn a_host_that_most_sources_poll_is_no_alert() {
    let Some(corpora) = corpora::folder(&["rita/http"]) else { return };
    for log in ["http.tsv.log.gz", "http.json.log.gz"] {
        let (records, summary, pairs) = hunt(NOTES, &[], &[corpora.join("rita/http").join(log)]);
        let pair = ("10.55.100.109".to_owned(), "www.alexa.com".to_owned());
        let found = &pairs[&pair];
        println!("{log}: {found}");
        assert_eq!(found["tidegate.sources"], 10, "{summary}");
        let prevalence = found["tidegate.prevalence"].as_f64().unwrap();
        assert!((prevalence - 10.0 / 13.0).abs() < 0.001, "{prevalence}");
        assert_eq!(found["tidegate.beacon_period"], 300);
        assert!(found["rita"]["timestamps"].as_f64().unwrap() > 0.95);
        let alerts: Vec<_> = records.iter().filter(|record| names(record) == pair).collect();
        assert_eq!(alerts, Vec::<&Value>::new());
    }
}

#[test]
fn times_out_of_order_and_several_files_make_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rule(
        folder.path(),
        "s: {tidegate.beacon|gte: 0.9, tidegate.requests|gte: 30, tidegate.sources|lte: 1}\n  condition: s",
    );
    let line = |time: u32, source: &str, host: &str| {
        format!(
            "{{\"start_time\":{},\"client\":\"{source}\",\"method\":\"GET\",\"authority\":\"{host}\",\"path\":\"/\",\"bytes_received\":9,\"bytes_sent\":1}}\n",
            1_790_467_200 + time
        )
    };
    let mut lines: Vec<String> = (0..40).map(|n| line(n * 60, "a", "a.example")).collect();
    lines.extend((0..40).map(|n| line(n * n * 7 % 4001, "a", "b.example")));
    let whole: String = lines.iter().map(String::as_str).collect();
    lines.sort_by_key(|line| line.len() * 7919 % 101 + line.as_bytes()[20] as usize);
    lines.reverse();
    let (first, second) = lines.split_at(33);
    for (name, text) in [("whole", whole), ("first", first.concat()), ("second", second.concat())] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = |name: &str| folder.path().join(name);
    let (records, summary, pairs) = hunt(&rules, &[], &[path("whole")]);
    assert_eq!(records.len(), 1, "{summary}");
    assert_eq!(names(&records[0]), ("a".to_owned(), "a.example".to_owned()));
    assert_eq!(records[0]["behaviour"]["tidegate.requests"], 40);
    for logs in [[path("first"), path("second")], [path("second"), path("first")]] {
        let (parted, _, parted_pairs) = hunt(&rules, &["--threads", "3"], &logs);
        assert_eq!(parted.len(), 1);
        assert_eq!(parted[0]["behaviour"], records[0]["behaviour"]);
        assert_eq!(parted_pairs, pairs);
    }
}

#[test]
fn a_baseline_says_what_was_known() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rule(folder.path(), "s: {tidegate.first_use: network.host}\n  condition: s");
    let line = |time: u32, source: &str, host: &str| {
        format!(
            "{{\"start_time\":{},\"client\":\"{source}\",\"method\":\"GET\",\"authority\":\"{host}\",\"path\":\"/\"}}\n",
            1_790_467_200 + time
        )
    };
    let path = |name: &str| folder.path().join(name);
    fs::write(path("before"), line(0, "a", "old.example")).unwrap();
    fs::write(path("now"), line(99, "a", "old.example") + &line(100, "a", "new.example")).unwrap();
    let (records, _, _) = hunt(&rules, &[], &[path("now")]);
    assert_eq!(records, Vec::<Value>::new(), "nothing is known to be new without a baseline");
    let before = path("before");
    let arguments = ["--baseline", before.to_str().unwrap()];
    let (records, _, pairs) = hunt(&rules, &arguments, &[path("now")]);
    assert_eq!(records.len(), 1);
    assert_eq!(names(&records[0]).1, "new.example");
    assert_eq!(pairs.len(), 2);
}

/// Recall of abusing pairs by kind, and false pairs a day, with the shipped rules.
#[test]
fn shipped_rules_find_abuse_over_time_and_little_else() {
    let mut score = Score::default();
    for seed in [1, 2, 3] {
        let traffic = Traffic::generate(seed, 2);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        fs::write(&log, traffic.log()).unwrap();
        let (records, _, _) = hunt(NOTES, &[], std::slice::from_ref(&log));
        let mut alerts = Alerts::new();
        for record in &records {
            let title = record["title"].as_str().unwrap_or_default().to_owned();
            alerts.entry(names(record)).or_default().insert(title);
        }
        let of_seed = traffic.score(&alerts);
        println!("seed {seed}:\n{of_seed}");
        score.add(of_seed);
    }
    println!("all:\n{score}");
    let (n_found, n_all) = score.whole();
    // FIXME: what began before its source was watched, or calls itself a browser, is missed, and so is a slow drip.
    assert!(n_found * 100 >= n_all * 97, "{n_found} of {n_all}");
    assert!(score.wrong_a_day() <= 3.0, "{}", score.wrong_a_day());
}
