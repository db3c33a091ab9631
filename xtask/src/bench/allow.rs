//! What an allow-list costs by its size: the same requests under a list of ten hosts and one of 100,000, turn by
//! turn so that a machine that slows down slows down both.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use inspect::{Inspector, Pack, Request, Source, User};
use knowledge::{Compilation, Library, Policy};

/// The sizes of the lists.
const SIZES: [usize; 3] = [10, 1_000, 100_000];
/// What a request may cost under the longest list, against the shortest.
const BOUND: f64 = 1.1;
/// Requests of a round, half of them to listed hosts.
const N_REQUESTS: usize = 2_000;
/// A prime, by whose multiples listed hosts are taken.
const SPREAD: usize = 7919;
/// How often a pack is decoded, of which the fastest counts.
const N_DECODED: usize = 5;

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds over all requests, of which the fastest counts.
    #[arg(long, default_value_t = 60)]
    rounds: usize,
}

struct List {
    n_entries: usize,
    compiled: Duration,
    n_bytes: usize,
    decoded: Duration,
    inspector: Inspector,
    hosts: Vec<String>,
    fastest: Duration,
    n_unlisted: usize,
}

/// Measures and prints a line for each list; an error where the bound does not hold.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut lists = SIZES.into_iter().map(list).collect::<Result<Vec<_>>>()?;
    let source = Source { named: Some(b"builder-7"), ..Source::default() };
    let user = User { source, key: None };
    for round in 0..arguments.rounds {
        for turn in 0..lists.len() {
            let at = (round + turn) % lists.len();
            let Some(list) = lists.get_mut(at) else { continue };
            let start = Instant::now();
            let inspector = &mut list.inspector;
            let found = list.hosts.iter().map(|host| {
                let request = Request {
                    method: b"GET",
                    scheme: b"https",
                    authority: host.as_bytes(),
                    path: Some(b"/index.html"),
                    ..Request::default()
                };
                inspector.inspect_of(&request, &user).matches.len()
            });
            list.n_unlisted = found.sum();
            list.fastest = list.fastest.min(start.elapsed());
        }
    }
    println!("entries  compiled    pack  decoded  a request  not listed");
    for list in &lists {
        println!(
            "{:>7}  {:>5} ms  {:>3} kB  {:>4} ms  {:>6.0} ns  {} of {}",
            list.n_entries,
            list.compiled.as_millis(),
            list.n_bytes / 1000,
            list.decoded.as_millis(),
            nanoseconds(list.fastest)?,
            list.n_unlisted,
            list.hosts.len(),
        );
        ensure!(list.n_unlisted * 2 == list.hosts.len(), "half of the requests are listed");
    }
    let (first, last) = (lists.first().context("a list")?, lists.last().context("a list")?);
    let ratio = last.fastest.as_secs_f64() / first.fastest.as_secs_f64();
    println!("{ratio:.2} times the cost with {} entries, at most {BOUND}", last.n_entries);
    ensure!(ratio <= BOUND, "the cost grows with the list");
    Ok(())
}

fn nanoseconds(round: Duration) -> Result<f64> {
    Ok(round.as_secs_f64() * 1e9 / f64::from(u32::try_from(N_REQUESTS)?))
}

/// A pack whose policy lists many hosts, and requests to them and to others.
fn list(n_entries: usize) -> Result<List> {
    let host = |idx: usize| format!("host-{idx}.site-{}.example", idx % 997);
    let mut text = "sources: {builders: [builder-*]}\nallow:\n  - group: builders\n    sources: [builders]\n    default: enforce\n    hosts:\n".to_owned();
    for idx in 0..n_entries {
        writeln!(text, "      - {}", host(idx))?;
    }
    let start = Instant::now();
    let (policy, findings) = Policy::read(&"policy.yml".into(), &text);
    ensure!(findings.is_empty(), "{findings:?}");
    let library = Library::read(Vec::new());
    let compilation = Compilation::with_policy(&library, "list", 1, policy.as_ref(), None);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    let compiled = start.elapsed();
    let mut decoded = Duration::MAX;
    for _ in 0..N_DECODED {
        let start = Instant::now();
        Pack::decode(&compilation.bytes)?;
        decoded = decoded.min(start.elapsed());
    }
    // From all over the list, so that no part of it alone is in the cache.
    let listed = (0..N_REQUESTS / 2).map(|idx| host(idx * SPREAD % n_entries));
    let others = (0..N_REQUESTS / 2).map(|idx| format!("other-{idx}.site-{}.example", idx % 997));
    Ok(List {
        n_entries,
        compiled,
        n_bytes: compilation.bytes.len(),
        decoded,
        inspector: Inspector::new(compilation.pack),
        hosts: listed.zip(others).flat_map(|(one, other)| [one, other]).collect(),
        fastest: Duration::MAX,
        n_unlisted: 0,
    })
}
