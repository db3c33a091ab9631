//! What the views cost: the benign requests of the corpora, evaluated in all their views and only as
//! they came, turn by turn so that a machine that slows down slows down both.

use std::fs;
use std::time::{Duration, Instant};

use ::tests::workspace;
use anyhow::{Result, ensure};
use inspect::{Inspector, Pack, Request, Views};
use serde_json::Value;

use crate::sources;

/// What the views may cost on ordinary requests.
const BOUND: f64 = 1.3;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds over all requests, of which the fastest counts.
    #[arg(long, default_value_t = 40)]
    rounds: usize,
}

/// Measures and prints one line; an error where the bound does not hold.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let corpora = sources::needed(&["traffic"])?;
    let text = fs::read_to_string(corpora.join("traffic/benign.dev.jsonl"))?;
    let rows: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let requests: Vec<Request<'_>> = rows.iter().map(request).collect();
    let pack = Pack::decode(&fs::read(workspace::shipped_pack()?)?)?;
    let n_requests = u32::try_from(requests.len())?;
    let n_rules = pack.tables().rules.len();
    let mut inspector = Inspector::new(pack);
    let (mut with, mut without, mut reading) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let (mut n_matches, mut n_forms) = ([0, 0], 0);
    for round in 0..2 * arguments.rounds {
        // Who comes second finds the requests in the cache, so the two take turns.
        for turn in [round, round + 1] {
            let start = Instant::now();
            if turn % 2 == 0 {
                n_matches[0] = requests.iter().map(|it| inspector.inspect(it).matches.len()).sum();
                with = with.min(start.elapsed());
            } else {
                n_matches[1] =
                    requests.iter().map(|it| inspector.inspect_raw(it).matches.len()).sum();
                without = without.min(start.elapsed());
            }
        }
        let start = Instant::now();
        n_forms = requests.iter().map(|it| Views::of(it).forms().len()).sum();
        reading = reading.min(start.elapsed());
    }
    let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(n_requests);
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "views: {:.0} ns per request in all views, {:.0} ns as it came: {ratio:.2} times; {:.0} ns to find the views, {n_forms} further forms; {} requests, {n_rules} rules, {} and {} matches",
        each(with),
        each(without),
        each(reading),
        requests.len(),
        n_matches[0],
        n_matches[1],
    );
    ensure!(ratio <= BOUND, "the views cost {ratio:.2} times, at most {BOUND} is allowed");
    Ok(())
}

fn request(row: &Value) -> Request<'_> {
    let field = |name: &str| row[name].as_str().unwrap_or_default().as_bytes();
    Request {
        method: field("method"),
        scheme: b"https",
        authority: field("host"),
        path: (field("method") != b"CONNECT").then(|| field("path")),
        user_agent: Some(field("user_agent")),
        ..Request::default()
    }
}
