//! Times tidegate beside rsigma and sigma-rust, natively and in V8, in one run.

use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use inspect::{Event, Inspector, Pack, Request};
use peers::bench::{Contender, Measured, measure, milliseconds};
use peers::goals::{self, Bound, Goal};
use peers::sets::{self, Set};
use peers::tidegate::Json;
use peers::v8::{self, InV8};
use peers::{corpus, recorded};
use rsigma_eval::{Engine, JsonEvent};
use serde_json::Value;

/// Times tidegate beside rsigma and sigma-rust on SigmaHQ's proxy rules and 200 proxy events.
#[derive(Parser)]
struct Arguments {
    /// Rounds in which every contender runs once.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Milliseconds that each contender runs in a round.
    #[arg(long, default_value_t = 40)]
    milliseconds: u64,
    /// Only the engine itself: no peers, no V8. For profiles.
    #[arg(long)]
    only_tidegate: bool,
    /// Run this set alone, that many times over, and nothing else. For profiles.
    #[arg(long, value_names = ["SET", "PASSES"], num_args = 2)]
    profile: Option<Vec<String>>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let root = corpus::root()?;
    let lines = corpus::proxy_events(&root)?;
    let events: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let text = sets::record(&events);
    let rule_sets = [
        sets::proxy(&root)?,
        sets::all(&root)?,
        sets::indicators(100),
        sets::indicators(1_000),
        sets::indicators(10_000),
    ];
    let mut packs = Vec::new();
    for set in &rule_sets {
        let tables = sets::compile(set, &sets::placeholders(&set.rules))?;
        packs.push(tables.encode());
    }
    if let Some([set, passes]) = arguments.profile.as_deref() {
        return profile(&packs[set.parse::<usize>()?], &text, passes.parse()?);
    }

    println!("{} rules of the corpus, {} events", rule_sets[1].rules.len(), events.len());
    let native = natively(&arguments, &rule_sets, &packs, &events, &text)?;
    let compile = once(&arguments, &rule_sets, &packs);
    let in_v8 = if arguments.only_tidegate { Vec::new() } else { v8::measure(&packs, &text)? };
    print_v8(&rule_sets, &in_v8);
    agree(&rule_sets, &native, &in_v8)?;
    print_goals(&rule_sets, &native, compile, &in_v8);
    Ok(())
}

/// Inspects the recorded events that often, for a profiler.
fn profile(pack: &[u8], text: &str, n_passes: usize) -> anyhow::Result<()> {
    let mut inspector = Inspector::new(Pack::decode(pack)?);
    let recorded = recorded::read(text, inspector.pack().tables());
    let mut n_matches = 0;
    for _ in 0..n_passes {
        for event in &recorded {
            n_matches += inspector.inspect_event(|_, to| event.answer(to)).matches.len();
        }
    }
    println!("{n_matches} matches");
    Ok(())
}

fn natively(
    arguments: &Arguments,
    rule_sets: &[Set],
    packs: &[Vec<u8>],
    events: &[Value],
    text: &str,
) -> anyhow::Result<Vec<Measured>> {
    let requests: Vec<Request<'_>> = events.iter().map(corpus::request).collect();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    let mut contender = |name: String, run: Box<dyn FnMut() -> usize>| {
        contenders.push(Contender { name, run });
    };
    for (set, pack) in rule_sets.iter().zip(packs) {
        let inspector = || Pack::decode(pack).map(Inspector::new);
        let recorded = recorded::read(text, inspector()?.pack().tables());
        let n_fields = inspector()?.pack().tables().fields.len();
        let mut arena = Event::default();
        let of_prepare = recorded::read(text, inspector()?.pack().tables());
        contender(
            format!("tidegate, {}: fields answered, nothing else", set.name),
            Box::new(move || {
                for event in &of_prepare {
                    arena.clear(n_fields);
                    event.answer(&mut arena);
                }
                0
            }),
        );
        let mut own = inspector()?;
        contender(
            verdict_of(&set.name),
            Box::new(move || {
                let verdicts =
                    recorded.iter().map(|event| own.inspect_event(|_, to| event.answer(to)));
                verdicts.map(|verdict| verdict.matches.len()).sum()
            }),
        );
    }
    // What borrows the events is timed behind what does not.
    let mut all: Vec<Contender<'_>> = contenders;
    for (set, pack) in rule_sets.iter().zip(packs) {
        let mut own = Inspector::new(Pack::decode(pack)?);
        let requests = &requests;
        all.push(Contender {
            name: format!("tidegate, {}: request to verdict", set.name),
            run: Box::new(move || {
                requests.iter().map(|request| own.inspect(request).matches.len()).sum()
            }),
        });
    }
    let mut own = Json::new(&packs[0])?;
    all.push(Contender {
        name: format!("tidegate, {}: parsed JSON to verdict", rule_sets[0].name),
        run: Box::new(move || events.iter().map(|event| own.matches(event)).sum()),
    });
    if !arguments.only_tidegate {
        peers(&mut all, rule_sets, events)?;
    }
    let per_round = Duration::from_millis(arguments.milliseconds);
    let measured = measure(&mut all, events.len(), arguments.rounds, per_round);
    println!("\n| natively | ns/event, median | least | matches |\n| --- | --: | --: | --: |");
    for Measured { name, median, least, n_matches } in &measured {
        println!("| {name} | {median:.0} | {least:.0} | {n_matches} |");
    }
    Ok(measured)
}

/// What the measure of the goals is called.
fn verdict_of(set: &str) -> String {
    format!("tidegate, {set}: fields to verdict")
}

fn rsigma_of(set: &str, cross_rule: bool) -> String {
    let name = if cross_rule { "rsigma 0.26, cross-rule index" } else { "rsigma 0.26" };
    format!("{name}, {set}: parsed JSON to verdict")
}

/// Engines that disagree are not to be compared: they do different work.
fn agree(rule_sets: &[Set], native: &[Measured], in_v8: &[InV8]) -> anyhow::Result<()> {
    for (idx, set) in rule_sets.iter().enumerate() {
        let same = [verdict_of(&set.name), rsigma_of(&set.name, false), rsigma_of(&set.name, true)];
        let here = native.iter().filter(|measured| same.contains(&measured.name));
        let there = in_v8.get(idx).map(|row| row.n_matches);
        let mut n_matches: Vec<usize> =
            here.map(|measured| measured.n_matches).chain(there).collect();
        n_matches.dedup();
        anyhow::ensure!(n_matches.len() == 1, "{}: {n_matches:?} matches", set.name);
    }
    Ok(())
}

/// The other engines, on parsed events.
fn peers<'e>(
    all: &mut Vec<Contender<'e>>,
    rule_sets: &[Set],
    events: &'e [Value],
) -> anyhow::Result<()> {
    for (set, cross_rule) in [(0, false), (0, true), (1, false), (1, true), (4, false), (4, true)] {
        let set = &rule_sets[set];
        let engine = rsigma(set, cross_rule)?;
        all.push(Contender {
            name: rsigma_of(&set.name, cross_rule),
            run: Box::new(move || {
                events.iter().map(|event| engine.evaluate(&JsonEvent::borrow(event)).len()).sum()
            }),
        });
    }
    let rules: Vec<_> = rule_sets[0]
        .rules
        .iter()
        .map(|text| sigma_rust::rule_from_yaml(text))
        .collect::<Result<_, _>>()?;
    let prepared: Vec<_> = events
        .iter()
        .map(|event| sigma_rust::event_from_json(&event.to_string()))
        .collect::<Result<_, _>>()?;
    all.push(Contender {
        name: format!("sigma-rust 0.7, {}: its event to verdict", rule_sets[0].name),
        run: Box::new(move || {
            let matches = |event| rules.iter().filter(|rule| rule.is_match(event)).count();
            prepared.iter().map(matches).sum()
        }),
    });
    Ok(())
}

/// All rules at once, in the order that rsigma advises: one collection, then the index.
fn rsigma(set: &Set, cross_rule: bool) -> anyhow::Result<Engine> {
    let mut engine: Engine = Engine::new();
    engine.set_cross_rule_ac(cross_rule);
    let collection = rsigma_collection(set)?;
    engine.add_collection(&collection)?;
    Ok(engine)
}

fn rsigma_collection(set: &Set) -> anyhow::Result<rsigma_parser::SigmaCollection> {
    let text = set.rules.join("\n---\n");
    rsigma_parser::parse_sigma_yaml(&text).context("rsigma cannot read the rules")
}

/// What is done once: compiling and decoding. Returns the milliseconds to compile all active rules.
fn once(arguments: &Arguments, rule_sets: &[Set], packs: &[Vec<u8>]) -> f64 {
    println!("\n| once, natively | ms, median | least | bytes |\n| --- | --: | --: | --: |");
    let mut of_all = f64::NAN;
    for (idx, (set, pack)) in rule_sets.iter().zip(packs).enumerate() {
        let placeholders = sets::placeholders(&set.rules);
        let (median, least) = milliseconds(7, || sets::compile(set, &placeholders));
        println!("| tidegate, {}: text to tables | {median:.1} | {least:.1} | |", set.name);
        if idx == 1 {
            of_all = median;
        }
        let (median, least) = milliseconds(25, || Pack::decode(pack));
        println!("| tidegate, {}: decode | {median:.2} | {least:.2} | {} |", set.name, pack.len());
    }
    for set in rule_sets[..2].iter().filter(|_| !arguments.only_tidegate) {
        let (median, least) =
            milliseconds(3, || rsigma(set, false).map(|engine| engine.rule_count()));
        println!("| rsigma 0.26, {}: text to engine | {median:.1} | {least:.1} | |", set.name);
    }
    of_all
}

fn print_v8(rule_sets: &[Set], rows: &[InV8]) {
    println!(
        "\n| in V8 | ns/event, median | of it fields answered | matches | decode, ms (first) | pack, bytes | memory for it, bytes |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: |");
    for (row, set) in rows.iter().zip(rule_sets) {
        let InV8 { run, prepare, n_matches, decode, first_decode, n_bytes, memory } = row;
        println!(
            "| tidegate, {} | {run:.0} | {prepare:.0} | {n_matches} | {decode:.2} ({first_decode:.2}) | {n_bytes} | {memory} |",
            set.name,
        );
    }
}

/// Prints each goal and whether it was met; a missed goal is not an error, because machines differ.
fn print_goals(rule_sets: &[Set], native: &[Measured], compile: f64, in_v8: &[InV8]) {
    let median = |name: String| {
        let measured = native.iter().find(|measured| measured.name == name);
        measured.map_or(f64::NAN, |measured| measured.median)
    };
    let natively: Vec<f64> = rule_sets.iter().map(|set| median(verdict_of(&set.name))).collect();
    let rsigma = [false, true].map(|cross_rule| median(rsigma_of(&rule_sets[0].name, cross_rule)));
    let rsigma = rsigma[0].min(rsigma[1]);
    let v8: Vec<f64> = in_v8.iter().map(|row| row.run).collect();
    let mut goals = Vec::new();
    let mut goal = |what: String, seen: f64, bound: Bound| goals.push(Goal { what, seen, bound });
    for (place, nanos) in [("natively", &natively), ("in V8", &v8)] {
        let [proxy, all, few, _, many] = nanos[..] else { continue };
        let names: Vec<&str> = rule_sets.iter().map(|set| set.name.as_str()).collect();
        goal(
            format!("{}, ns per event {place}", names[0]),
            proxy,
            Bound::AtMost(goals::PROXY_NANOS),
        );
        goal(
            format!("{}, times faster {place} than rsigma at its best natively", names[0]),
            rsigma / proxy,
            Bound::AtLeast(goals::TIMES_RSIGMA),
        );
        goal(format!("{}, ns per event {place}", names[1]), all, Bound::AtMost(goals::ALL_NANOS));
        goal(
            format!("{} {place}, in costs of {}", names[4], names[2]),
            many / few,
            Bound::AtMost(goals::INDICATORS_RATIO),
        );
    }
    let what = format!("{}, ms to compile", rule_sets[1].name);
    goal(what, compile, Bound::AtMost(goals::COMPILE_MILLIS));
    if let Some(row) = in_v8.last() {
        let what = format!("{}, ms to decode in V8", rule_sets[4].name);
        goal(what, row.decode, Bound::AtMost(goals::DECODE_MILLIS));
    }
    println!("\n| goal | seen | asked for | |\n| --- | --: | --: | --- |");
    for goal in &goals {
        println!("{goal}");
    }
}
