//! Times tidegate beside rsigma and sigma-rust, natively and in V8, in one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use inspect::{Event, Inspector, Pack, Request, Response};
use peers::bench::{Contender, Measured, measure, milliseconds};
use peers::sets::{self, Set};
use peers::tidegate::Json;
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
    natively(&arguments, &rule_sets, &packs, &events, &text)?;
    once(&arguments, &rule_sets, &packs)?;
    if !arguments.only_tidegate {
        in_v8(&rule_sets, &packs, &text)?;
    }
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
) -> anyhow::Result<()> {
    let requests: Vec<Request<'_>> = events.iter().map(request).collect();
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
            format!("tidegate, {}: fields to verdict", set.name),
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
        let name = if cross_rule { "rsigma 0.26, cross-rule index" } else { "rsigma 0.26" };
        all.push(Contender {
            name: format!("{name}, {}: parsed JSON to verdict", set.name),
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

/// What is done once: compiling and decoding.
fn once(arguments: &Arguments, rule_sets: &[Set], packs: &[Vec<u8>]) -> anyhow::Result<()> {
    println!("\n| once, natively | ms, median | least | bytes |\n| --- | --: | --: | --: |");
    for (set, pack) in rule_sets.iter().zip(packs) {
        let placeholders = sets::placeholders(&set.rules);
        let (median, least) = milliseconds(7, || sets::compile(set, &placeholders));
        println!("| tidegate, {}: text to tables | {median:.1} | {least:.1} | |", set.name);
        let (median, least) = milliseconds(25, || Pack::decode(pack));
        println!("| tidegate, {}: decode | {median:.2} | {least:.2} | {} |", set.name, pack.len());
    }
    if arguments.only_tidegate {
        return Ok(());
    }
    for set in &rule_sets[..2] {
        let (median, least) =
            milliseconds(3, || rsigma(set, false).map(|engine| engine.rule_count()));
        println!("| rsigma 0.26, {}: text to engine | {median:.1} | {least:.1} | |", set.name);
    }
    Ok(())
}

fn in_v8(rule_sets: &[Set], packs: &[Vec<u8>], text: &str) -> anyhow::Result<()> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = base.join("target/engine-v8");
    std::fs::create_dir_all(&out)?;
    let events = out.join("events.txt");
    std::fs::write(&events, text)?;
    let mut paths = Vec::new();
    for (idx, pack) in packs.iter().enumerate() {
        let path = out.join(format!("{idx}.pack"));
        std::fs::write(&path, pack)?;
        paths.push(path);
    }
    let target = "wasm32-unknown-unknown";
    let status = Command::new("cargo")
        .current_dir(base)
        .args(["build", "--quiet", "--release", "--package", "engine-v8", "--target", target])
        .status()
        .context("cargo does not start")?;
    anyhow::ensure!(status.success(), "the engine does not build for {target}");
    let module = base.join("target").join(target).join("release/engine_v8.wasm");
    let output = Command::new("node")
        .arg(base.join("engine.mjs"))
        .args([module.as_path(), &events])
        .args(paths.iter().map(PathBuf::as_path))
        .output()
        .context("node does not start")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "engine.mjs fails: {errors}");

    println!(
        "\n| in V8 | ns/event, median | of it fields answered | matches | decode, ms (first) | pack, bytes | memory for it, bytes |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: |");
    for (line, set) in String::from_utf8(output.stdout)?.lines().zip(rule_sets) {
        let row: Value = serde_json::from_str(line)?;
        let number = |name: &str| row[name].as_f64().unwrap_or_default();
        println!(
            "| tidegate, {} | {:.0} | {:.0} | {} | {:.2} ({:.2}) | {} | {} |",
            set.name,
            number("run"),
            number("prepare"),
            number("matches"),
            number("decode"),
            number("first"),
            number("bytes"),
            number("memory"),
        );
    }
    Ok(())
}

/// The request that a proxy event tells of.
fn request(event: &Value) -> Request<'_> {
    let text = |name: &str| event[name].as_str().map(str::as_bytes);
    let uri = event["c-uri"].as_str().unwrap_or_default();
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let end = rest.find('/').unwrap_or(rest.len());
    let status = event["sc-status"].as_u64().and_then(|status| u16::try_from(status).ok());
    Request {
        method: text("cs-method").unwrap_or_default(),
        scheme: scheme.as_bytes(),
        authority: text("cs-host").unwrap_or_default(),
        path: Some(&rest.as_bytes()[end..]),
        version: text("cs-version").unwrap_or_default(),
        user_agent: text("c-useragent"),
        referrer: text("cs-referrer"),
        cookie: text("cs-cookie"),
        source_address: text("src_ip"),
        response: Some(Response {
            status,
            request_bytes: event["cs-bytes"].as_u64(),
            response_bytes: event["sc-bytes"].as_u64(),
            upstream_address: text("dst_ip"),
        }),
        ..Request::default()
    }
}
