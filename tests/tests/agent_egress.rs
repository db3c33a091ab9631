//! The cases of a public benchmark of agents' egress (agent-egress-bench), by the shipped rules, and the table of
//! them in `examples/agent-sandbox/README.md`; `UPDATE=1` rewrites it.
//!
//! A case is out of scope if what it is about never passes a gateway, or is in a body. It counts all the same: what
//! has to pass must pass.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "tests touch files; keys of JSON that are missing are null"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use inspect::{Inspector, Request};
use knowledge::{Compilation, Library};
use serde_json::Value;
use tests::workspace;

const MARKS: [&str; 2] = ["<!-- generated: agent-egress-bench -->\n", "<!-- end -->"];

/// The host that the benchmark asks to be on a list of denied ones.
const LISTED: &str = "
title: Listed by the benchmark
id: 6b3e1d1c-0000-4000-8000-000000000009
logsource: {category: proxy}
detection: {s: {cs-host: exfil-collector.example.net}, condition: s}
level: high
";

/// The cases of a category.
#[derive(Default)]
struct Score {
    n_contained: usize,
    n_to_contain: usize,
    n_wrong: usize,
    n_to_pass: usize,
    missed: Vec<String>,
    out_of_scope: Vec<String>,
}

fn pack() -> Result<Compilation> {
    let mut files = vec![SourceFile { name: "listed.yml".into(), bytes: LISTED.into() }];
    for kind in ["rules", "services", "lists"] {
        for entry in fs::read_dir(workspace::root().join("knowledge/notes").join(kind))? {
            let path = entry?.path();
            let name = path.display().to_string().into();
            files.push(SourceFile { name, bytes: fs::read(&path)? });
        }
    }
    let compilation = Compilation::new(&Library::read(files), "bench", 1);
    compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))
}

/// The request of a case; `None` for a message that is not sent through a gateway.
fn is_found(inspector: &mut Inspector, case: &Value) -> Result<Option<bool>> {
    let payload = &case["payload"];
    let Some(url) = payload["url"].as_str() else { return Ok(None) };
    let (scheme, rest) = url.split_once("://").context("a URL")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let header = |name: &str| payload["headers"][name].as_str().map(str::as_bytes);
    let request = Request {
        method: payload["method"].as_str().unwrap_or("GET").as_bytes(),
        scheme: scheme.as_bytes(),
        authority: authority.as_bytes(),
        path: Some(path.as_bytes()),
        cookie: header("Cookie"),
        referrer: header("Referer"),
        // The cases name none; one that is in no list.
        user_agent: Some(header("User-Agent").unwrap_or(b"agent/1.0")),
        ..Request::default()
    };
    Ok(Some(inspector.inspect(&request).would_deny()))
}

fn scores(cases: &Path) -> Result<BTreeMap<String, Score>> {
    let mut inspector = Inspector::new(pack()?.pack);
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut paths = Vec::new();
    for folder in fs::read_dir(cases)? {
        for entry in fs::read_dir(folder?.path())? {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    for path in paths {
        let case: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let id = case["id"].as_str().context("an id")?.to_owned();
        let score = scores.entry(case["category"].as_str().context("a category")?.to_owned());
        let score = score.or_default();
        let is_found = is_found(&mut inspector, &case)?;
        match (case["expected_verdict"].as_str(), is_found) {
            (Some("block"), None) => score.out_of_scope.push(id),
            (Some("block"), Some(is_found)) => {
                score.n_to_contain += 1;
                score.n_contained += usize::from(is_found);
                score.missed.extend(Some(id).filter(|_| !is_found));
            }
            (_, is_found) => {
                score.n_to_pass += 1;
                score.n_wrong += usize::from(is_found == Some(true));
                score.missed.extend(Some(id).filter(|_| is_found == Some(true)));
            }
        }
    }
    Ok(scores)
}

fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut table = "| category | contained | wrongly denied | missed or wrong | out of scope |\n| --- | --: | --: | --- | --- |\n".to_owned();
    let mut row = |name: &str, score: &Score| {
        let listed = |ids: &[String]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>();
        table += &format!(
            "| {name} | {} of {} | {} of {} | {} | {} |\n",
            score.n_contained,
            score.n_to_contain,
            score.n_wrong,
            score.n_to_pass,
            listed(&score.missed).join(", "),
            listed(&score.out_of_scope).join(", "),
        );
    };
    let mut all = Score::default();
    for (name, score) in scores {
        row(name, score);
        all.n_contained += score.n_contained;
        all.n_to_contain += score.n_to_contain;
        all.n_wrong += score.n_wrong;
        all.n_to_pass += score.n_to_pass;
    }
    row("all", &all);
    table
}

#[test]
fn the_rules_contain_four_of_five_cases_and_deny_no_ordinary_request() -> Result<()> {
    let Some(folder) = corpora::folder(&["agent-egress-bench"]) else { return Ok(()) };
    let scores = scores(&folder.join("agent-egress-bench/cases"))?;
    let table = table(&scores);
    println!("{table}");
    let sum = |of: fn(&Score) -> usize| scores.values().map(of).sum::<usize>();
    let (n_contained, n_to_contain) = (sum(|of| of.n_contained), sum(|of| of.n_to_contain));
    ensure!(n_to_contain > 15, "{n_to_contain} cases");
    ensure!(n_contained * 5 >= n_to_contain * 4, "{n_contained} of {n_to_contain}\n{table}");
    ensure!(sum(|of| of.n_wrong) == 0, "{table}");

    let path = workspace::root().join("examples/agent-sandbox/README.md");
    let page = fs::read_to_string(&path)?;
    let [start, end] = MARKS;
    let (before, rest) = page.split_once(start).context("the page has a mark")?;
    let (_, after) = rest.split_once(end).context("the page has a second mark")?;
    let fresh = [before, start, &table, end, after].concat();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, fresh)?;
    } else {
        ensure!(page == fresh, "examples/agent-sandbox/README.md is stale; run with UPDATE=1");
    }
    Ok(())
}
