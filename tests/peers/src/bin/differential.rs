//! Compares tidegate's verdicts with rsigma's on random pairs of rules and events.

use std::collections::BTreeMap;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use fastrand::Rng;
use peers::difference::Difference;
use peers::explained::{EXPLANATIONS, explain};
use peers::pysigma::{PySigma, out_of_reach, row};
use peers::rule::Rule;
use peers::smaller::smaller;
use peers::tidegate::Tidegate;
use peers::{corpus, detection, nearby, rsigma};

/// Compares tidegate's verdicts with rsigma's on random (rule, event) pairs.
#[derive(Parser)]
struct Arguments {
    /// How many pairs to compare for each seed.
    #[arg(long, default_value_t = 1_000_000)]
    pairs: u64,
    /// What the random numbers start from: the same seed compares the same pairs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare only the pairs of `--seed`, and not as many of a seed that no run had before: to repeat a
    /// run whose fresh seed found something.
    #[arg(long)]
    no_fresh_seed: bool,
    /// How many unexplained differences to show.
    #[arg(long, default_value_t = 20)]
    show: usize,
    /// How many of a hundred batches take their rules from the corpus.
    #[arg(long, default_value_t = 50)]
    corpus_share: u32,
    /// Compare with the `SQLite` backend of pySigma instead, by this Python (see `requirements.txt`).
    #[arg(long)]
    pysigma: Option<PathBuf>,
}

/// Rules of one pack, which are compared on each other's events.
const RULES_PER_BATCH: usize = 12;
/// Events made for each rule of a batch.
const EVENTS_PER_RULE: usize = 8;

#[derive(Default)]
struct Counts {
    pairs: u64,
    of_corpus: u64,
    matches: u64,
    rules: u64,
    events: u64,
    refused_by_tidegate: BTreeMap<String, u64>,
    refused_by_rsigma: BTreeMap<String, u64>,
    explained: BTreeMap<&'static str, u64>,
    explained_pairs: u64,
    unexplained: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = corpus::root()?;
    let rules: Vec<Rule> = corpus::rules(&root)?
        .iter()
        .filter_map(|(name, text)| Rule::read(name, text))
        // Placeholders need values from outside, which each engine takes in its own way.
        .filter(|rule| !rule.uses("expand"))
        .collect();
    println!("{} rules of the corpus", rules.len());

    // The fixed seed says whether something has changed, the fresh one finds what nobody has seen.
    let fresh = (!arguments.no_fresh_seed).then(|| fastrand::u64(..));
    let mut all_fine = true;
    for seed in iter::once(arguments.seed).chain(fresh) {
        let kind = if fresh == Some(seed) { "fresh seed" } else { "seed" };
        println!("\n{kind} {seed}: again by `--no-fresh-seed --seed {seed}`");
        let mut rng = Rng::with_seed(seed);
        all_fine &= match &arguments.pysigma {
            Some(python) => with_pysigma(&arguments, python, &rules, &mut rng)?,
            None => with_rsigma(&arguments, &rules, &mut rng)?,
        };
    }
    Ok(if all_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares with rsigma; whether every difference is explained.
fn with_rsigma(arguments: &Arguments, rules: &[Rule], rng: &mut Rng) -> anyhow::Result<bool> {
    let mut counts = Counts::default();
    let mut shown: Vec<String> = Vec::new();
    while counts.pairs < arguments.pairs {
        let from_corpus = rng.u32(..100) < arguments.corpus_share;
        let batch: Vec<Rule> =
            (0..RULES_PER_BATCH).map(|_| random(rules, from_corpus, rng)).collect();
        for difference in compare(&batch, from_corpus, &mut counts, rng)? {
            if let Some(explanations) = explain(&difference) {
                counts.explained_pairs += 1;
                for explanation in explanations {
                    *counts.explained.entry(explanation.name).or_default() += 1;
                }
                continue;
            }
            counts.unexplained += 1;
            if shown.len() < arguments.show {
                let small = smaller(difference, &|small| explain(small).is_none());
                let detection = small.rule.yaml();
                if !shown.contains(&detection) {
                    shown.push(detection);
                    println!("\ndifference {}, {small}", shown.len());
                }
            }
        }
    }
    report(&counts);
    Ok(counts.unexplained == 0 && counts.refused_by_tidegate.is_empty())
}

/// A rule of the corpus, or a generated one.
fn random(rules: &[Rule], from_corpus: bool, rng: &mut Rng) -> Rule {
    if from_corpus { rules[rng.usize(..rules.len())].clone() } else { detection::random(rng) }
}

/// Does the same with the `SQLite` backend of pySigma, as far as SQL allows; returns true if there is no difference.
fn with_pysigma(
    arguments: &Arguments,
    python: &Path,
    rules: &[Rule],
    rng: &mut Rng,
) -> anyhow::Result<bool> {
    let mut pysigma = PySigma::start(python)?;
    let (mut n_pairs, mut n_matches, mut n_rules, mut n_differences) = (0, 0, 0, 0);
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    while n_pairs < arguments.pairs {
        let from_corpus = rng.u32(..100) < arguments.corpus_share;
        let rule = random(rules, from_corpus, rng);
        if let Some(why) = out_of_reach(&rule) {
            *left_out.entry(why.to_owned()).or_default() += 1;
            continue;
        }
        let events = (0..3 * EVENTS_PER_RULE).map(|_| nearby::event(&rule, rng));
        let events: Vec<_> = events.filter_map(|event| row(&event, &rule)).collect();
        let theirs = match pysigma.matches(&rule, &events)? {
            Ok(theirs) => theirs,
            Err(why) => {
                let why = why.split(['\'', '`', '"']).step_by(2).collect::<Vec<_>>().join("…");
                *left_out.entry(format!("refused: {why}")).or_default() += 1;
                continue;
            }
        };
        let mut own = Tidegate::new(std::slice::from_ref(&rule))?;
        n_rules += 1;
        for (event, theirs) in events.iter().zip(theirs) {
            let ours = own.matches(event)[0];
            n_pairs += 1;
            n_matches += u64::from(ours);
            if ours != theirs {
                n_differences += 1;
                if n_differences <= arguments.show as u64 {
                    println!(
                        "\n{}    event: {event}\n    tidegate {ours}, pySigma {theirs}",
                        rule.yaml()
                    );
                }
            }
        }
    }
    println!("\n{n_pairs} pairs of {n_rules} rules with pySigma, {n_matches} match");
    for (why, n_left_out) in &left_out {
        println!("  {n_left_out:>6} rules left out: {why}");
    }
    println!("  {n_differences} differences unexplained");
    Ok(n_differences == 0)
}

/// Every rule of a batch on every event of the batch.
fn compare(
    batch: &[Rule],
    from_corpus: bool,
    counts: &mut Counts,
    rng: &mut Rng,
) -> anyhow::Result<Vec<Difference>> {
    let mut own = Tidegate::new(batch)?;
    let peers: Vec<_> = batch.iter().map(rsigma::compile).collect();
    counts.rules += batch.len() as u64;
    for ((rule, refusal), peer) in batch.iter().zip(&own.refusals).zip(&peers) {
        if let Some(refusal) = refusal {
            let first = counts.refused_by_tidegate.is_empty();
            *counts.refused_by_tidegate.entry(refusal[..4].to_owned()).or_default() += 1;
            if first || rng.u8(..) == 0 {
                println!("refused by tidegate: {refusal}\n{}", rule.yaml());
            }
        }
        if let Err(refusal) = peer {
            let short = refusal.split('\'').step_by(2).collect::<Vec<_>>().join("…");
            let short = short.split("; got").next().unwrap_or_default().to_owned();
            *counts.refused_by_rsigma.entry(short).or_default() += 1;
        }
    }
    let mut differences = Vec::new();
    for of in batch {
        for _ in 0..EVENTS_PER_RULE {
            let event = nearby::event(of, rng);
            counts.events += 1;
            let matches = own.matches(&event);
            for (idx, rule) in batch.iter().enumerate() {
                let (None, Ok(peer)) = (&own.refusals[idx], &peers[idx]) else { continue };
                let rsigma = rsigma::matches(peer, &event);
                counts.pairs += 1;
                counts.of_corpus += u64::from(from_corpus);
                counts.matches += u64::from(matches[idx]);
                if matches[idx] != rsigma {
                    let (rule, event) = (rule.clone(), event.clone());
                    differences.push(Difference { rule, event, tidegate: matches[idx], rsigma });
                }
            }
        }
    }
    Ok(differences)
}

fn report(counts: &Counts) {
    println!("\n{} pairs of {} rules and {} events", counts.pairs, counts.rules, counts.events);
    println!("  {} with rules of the corpus", counts.of_corpus);
    println!("  {} match", counts.matches);
    println!("  refused by tidegate: {:?}", counts.refused_by_tidegate);
    println!("  refused by rsigma: {:?}", counts.refused_by_rsigma);
    println!("  {} differences explained", counts.explained_pairs);
    for explanation in EXPLANATIONS {
        let n_pairs = counts.explained.get(explanation.name).copied().unwrap_or_default();
        println!("    {n_pairs:>8} {}: {}", explanation.name, explanation.because);
    }
    println!("  {} differences unexplained", counts.unexplained);
}
