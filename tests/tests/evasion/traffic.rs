//! Ordinary traffic: nothing is odd about it.

use inspect::{Request, Views};

/// Rows of the corpus that no client could have sent: the text of a menu, cut off with four dots. A name
/// with an empty label inside resolves nowhere (RFC 1035, 3.1), so the anomaly is right; the list is for
/// such names only, which is checked.
const EXPLAINED: &[(&str, &str)] =
    &[("marketingplatform.google....", "a name that was cut off in the source of the corpus")];

#[test]
fn at_most_one_benign_request_in_a_thousand_is_odd() {
    let Some(corpora) = corpora::folder(&["traffic"]) else { return };
    let text = std::fs::read_to_string(corpora.join("traffic/benign.dev.jsonl")).unwrap();
    let (mut n_requests, mut n_odd, mut unexplained) = (0, 0, Vec::new());
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| row[name].as_str().unwrap_or_default().as_bytes();
        let request = Request {
            method: field("method"),
            scheme: b"https",
            authority: field("host"),
            path: (field("method") != b"CONNECT").then(|| field("path")),
            ..Request::default()
        };
        n_requests += 1;
        let anomalies = Views::of(&request).anomalies();
        if !anomalies.is_empty() {
            n_odd += 1;
            let host = row["host"].as_str().unwrap_or_default();
            let resolves = !host.contains("..");
            if resolves || !EXPLAINED.iter().any(|(explained, _)| *explained == host) {
                unexplained.push(format!("{host}{}: {anomalies:?}", row["path"]));
            }
        }
    }
    println!("benign: {n_requests} requests, {n_odd} odd, {} not explained", unexplained.len());
    assert!(1000 * unexplained.len() <= n_requests, "{}", unexplained.join("\n"));
}
