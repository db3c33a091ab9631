//! What filters add to the processor time of a request.
//!
//! One Envoy with one worker per variant, all alive at once. In every round each variant gets the same
//! number of requests, one variant after the other, so that a machine that slows down slows down all.
//! The time is Envoy's own, user and system, from `/proc`, so that the client does not count.

use std::fs;
use std::time::Duration;

use ::tests::{Bootstrap, Envoy, Launch, Plugin, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::indicators;
use super::load::Load;
use crate::artifact::{self, Artifacts};
use crate::install;
use crate::progress::{note, step};
use crate::table::Table;

const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const LUA: &str = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds, of which medians are taken.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests per variant and round.
    #[arg(long, default_value_t = 60_000)]
    requests: usize,
}

/// One way to treat a request.
struct Variant {
    name: String,
    envoy: Envoy,
    load: Load,
    /// Microseconds of processor time per request, one per round.
    micros: Vec<f64>,
}

/// Measures all variants and prints a table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::targets()?;
    let binary = install::envoy()?;
    let artifacts = Artifacts::build()?;
    artifact::build_examples()?;
    let launch = Launch { binary, log_level: "warning", ..Launch::new()? };

    step("starting one Envoy per variant");
    let mut variants = Vec::new();
    for (name, filters) in filters(&artifacts)? {
        let config = Bootstrap::new().quiet().listener("bench", &filters).json();
        let envoy = Envoy::launch(&launch, &config).with_context(|| name.clone())?;
        let mut load = Load::open(envoy.listener("bench")?)?;
        // The first requests compile the module's functions and fill caches.
        load.run(arguments.requests / 8)?;
        let megabytes = envoy.resident()? / 1_000_000;
        note(&format!("{name}: {megabytes} MB resident"));
        variants.push(Variant { name, envoy, load, micros: Vec::new() });
    }

    for round in 1..=arguments.rounds {
        step(&format!("round {round} of {}", arguments.rounds));
        for variant in &mut variants {
            let before = variant.envoy.cpu()?;
            let n_requests = variant.load.run(arguments.requests)?;
            let used = variant.envoy.cpu()?.since(before);
            variant.micros.push(micros(used) / as_f64(n_requests));
        }
    }
    for variant in &variants {
        let failures = variant.envoy.plugin_failures()?;
        ensure!(failures.is_empty(), "{}: {failures:?}", variant.name);
    }
    report(&variants)
}

fn filters(artifacts: &Artifacts) -> Result<Vec<(String, Vec<Value>)>> {
    let mut filters = vec![
        ("no filter".to_owned(), vec![]),
        ("wasm: does nothing".to_owned(), vec![Plugin::new("noop")?.http_filter()]),
        (HEADER_MAP.to_owned(), vec![Plugin::new("header_map")?.http_filter()]),
        // The example gateway restricts what the sandbox lets through, which makes any filter cheaper.
        (
            format!("{HEADER_MAP}, restricted"),
            vec![Plugin::new("header_map")?.restricted().http_filter()],
        ),
    ];
    let shipped = fs::read(workspace::shipped_pack()?)?;
    let tidegate = |pack: &[u8]| -> Result<Vec<Value>> {
        Ok(vec![Plugin::tidegate(pack, "monitor")?.http_filter()])
    };
    filters.push(("tidegate: shipped pack".to_owned(), tidegate(&shipped)?));
    for n_rules in [100, 1_000, 10_000] {
        let folder = tempfile::tempdir()?;
        let pack = folder.path().join("indicators.pack");
        let rules = folder.path().join("rules.yml");
        fs::write(&rules, indicators::rules(&indicators::hosts(n_rules))?)?;
        artifacts.pack("indicators", &rules, &pack)?;
        let name = format!("tidegate: {n_rules} indicators");
        filters.push((name, tidegate(&fs::read(&pack)?)?));
    }
    for (name, rule) in OVER_TIME {
        let folder = tempfile::tempdir()?;
        let pack = folder.path().join("over-time.pack");
        let rules = folder.path().join("rules.yml");
        let indicators = indicators::rules(&indicators::hosts(1_000))?;
        fs::write(&rules, [&indicators, "\n---\n", rule].concat())?;
        artifacts.pack("over-time", &rules, &pack)?;
        filters.push(((*name).to_owned(), tidegate(&fs::read(&pack)?)?));
    }
    for n_hosts in [10, 100, 1_000] {
        filters.push((format!("Envoy RBAC: {n_hosts} suffixes"), vec![rbac(n_hosts)]));
    }
    for n_hosts in [10, 100, 1_000] {
        filters.push((format!("Lua: table of {n_hosts} hosts"), vec![lua(n_hosts)]));
    }
    Ok(filters)
}

/// Rules over time beside 1,000 indicators: what a request costs that is not tracked, and one that is.
const OVER_TIME: &[(&str, &str)] = &[
    (
        "tidegate: 1000 indicators, and a rule over time for another host",
        "title: Elsewhere\nlogsource: {category: proxy}\ndetection:\n  s: {cs-host: other.example, tidegate.beacon|gte: 1, tidegate.requests|gte: 1000000000}\n  condition: s\n",
    ),
    (
        "tidegate: 1000 indicators, and a rule over time for any host",
        "title: Anywhere\nlogsource: {category: proxy}\ndetection:\n  s: {tidegate.beacon|gte: 1, tidegate.requests|gte: 1000000000}\n  condition: s\n",
    ),
    (
        "tidegate: 1000 indicators, and a rule over time and bytes for any host",
        "title: Anywhere\nlogsource: {category: proxy}\ndetection:\n  s: {tidegate.first_use: source.host, tidegate.sources|lte: 2, tidegate.upload_bytes|gte: 1000000000}\n  condition: s\n",
    ),
];

/// Denies hosts by suffix, as one policy with a permission per host.
fn rbac(n_hosts: usize) -> Value {
    let suffix = |host: &String| {
        let matcher = json!({"suffix": host, "ignore_case": true});
        json!({"header": {"name": ":authority", "string_match": matcher}})
    };
    let hosts = indicators::hosts(n_hosts);
    let rules: Vec<_> = hosts.iter().map(suffix).collect();
    let any = json!({"or_rules": {"rules": rules}});
    let policy = json!({"permissions": [any], "principals": [{"any": true}]});
    let rules = json!({"action": "DENY", "policies": {"indicators": policy}});
    json!({"name": "rbac", "typed_config": {"@type": RBAC, "rules": rules}})
}

/// Looks the host and each of its parents up in a table.
fn lua(n_hosts: usize) -> Value {
    let hosts = indicators::hosts(n_hosts);
    let entries: Vec<_> = hosts.iter().map(|host| format!("[\"{host}\"]=true")).collect();
    let entries = entries.join(",");
    let code = format!(
        "local hosts = {{{entries}}}\n\
         function envoy_on_request(handle)\n\
         local host = handle:headers():get(\":authority\"):lower():gsub(\":%d*$\", \"\")\n\
         while host do\n\
         if hosts[host] then handle:respond({{[\":status\"] = \"403\"}}, \"\") return end\n\
         host = host:match(\"^[^.]*%.(.+)$\")\n\
         end\n\
         end\n"
    );
    let code = json!({"inline_string": code});
    json!({"name": "lua", "typed_config": {"@type": LUA, "default_source_code": code}})
}

/// The variant that others are compared with: the least that any filter that looks at requests does.
const HEADER_MAP: &str = "wasm: reads the header map";

fn report(variants: &[Variant]) -> Result<()> {
    let median_of = |name: &str| -> Result<f64> {
        let variant = variants.iter().find(|variant| variant.name == name);
        Ok(median(&variant.context("a variant")?.micros))
    };
    let none = median_of("no filter")?;
    let reader = median_of(HEADER_MAP)? - none;
    let mut table = Table::new(&[
        "variant",
        "us/request",
        "least",
        "most",
        "added",
        "added, relative to the header-map reader",
    ]);
    for variant in variants {
        let middle = median(&variant.micros);
        let least = variant.micros.iter().copied().fold(f64::INFINITY, f64::min);
        let most = variant.micros.iter().copied().fold(0.0, f64::max);
        let added = middle - none;
        table.row([
            variant.name.clone(),
            format!("{middle:.1}"),
            format!("{least:.1}"),
            format!("{most:.1}"),
            format!("{added:.1}"),
            format!("{:.2}", added / reader),
        ]);
    }
    println!("\nProcessor time of Envoy per request that no rule matches, one worker.\n\n{table}");
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or_default();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(upper);
    f64::midpoint(lower, upper)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        for (values, expect) in
            [(&[3.0, 1.0, 2.0][..], 2.0), (&[4.0, 1.0, 2.0, 3.0], 2.5), (&[7.0], 7.0)]
        {
            assert!((median(values) - expect).abs() < 1e-9, "{values:?}");
        }
    }
}
