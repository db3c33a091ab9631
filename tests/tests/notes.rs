//! The examples of the shipped notes, by a real Envoy.
//!
//! `tidegate test` runs them through the native engine; here the same requests go over a wire.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use knowledge::{Compilation, Example, Expectation, Library};
use serde_json::Value;
use tests::case::Wire;
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1, workspace};

/// An example that was sent.
struct Sent<'n> {
    place: String,
    rule: &'n str,
    expectation: Expectation,
    /// Whether Envoy itself refused it, before any filter: an odd spelling that it does not pass on.
    refused: bool,
}

/// The shipped rules, with the services and lists that they ask for.
fn shipped() -> Result<Library> {
    let mut files = Vec::new();
    for folder in fs::read_dir(workspace::root().join("knowledge/notes"))? {
        for entry in fs::read_dir(folder?.path())? {
            let path = entry?.path();
            let name = path.file_name().context("a file")?.to_string_lossy();
            files.push(SourceFile { name: name.as_ref().into(), bytes: fs::read(&path)? });
        }
    }
    Ok(Library::read(files))
}

#[test]
fn every_example_of_a_shipped_note_holds_in_envoy() -> Result<()> {
    let library = shipped()?;
    let compilation = Compilation::new(&library, "shipped", 1);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    ensure!(compilation.n_refused == 0, "a shipped note is refused");
    let stand_in = StandIn::start()?;
    let filters = [Plugin::tidegate(&compilation.bytes, "monitor")?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;

    let mut sent = Vec::new();
    for entry in &library.rules {
        let Some(note) = entry.note_idx.and_then(|idx| library.notes.get(idx)) else { continue };
        let rule = entry.rule.metadata.id.as_deref().context("a shipped rule has an id")?;
        for example in &note.examples {
            let span = &example.place.span;
            let place = format!("{}:{}:{}", example.place.file, span.line, span.column);
            let request = wire(example, sent.len()).http1();
            let answer = http1::send(envoy.listener("egress")?, &request).context(place.clone())?;
            let refused = answer.status == 400;
            sent.push(Sent { place, rule, expectation: example.expectation, refused });
        }
    }

    let mut found = BTreeMap::new();
    for line in envoy.access_log_of(sent.len())? {
        let line: Value = serde_json::from_str(&line)?;
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        let rules: BTreeSet<String> = text("rules").split(',').map(str::to_owned).collect();
        // A request that Envoy refuses has no headers in the log.
        if let Ok(case) = text("case").parse::<usize>() {
            found.insert(case, rules);
        }
    }
    let mut failures = Vec::new();
    for (idx, sent) in sent.iter().enumerate().filter(|(_, sent)| !sent.refused) {
        let is_match = found.get(&idx).context(sent.place.clone())?.contains(sent.rule);
        if is_match != (sent.expectation == Expectation::Match) {
            failures.push(format!("{}: expected `{}`", sent.place, sent.expectation.as_str()));
        }
    }
    let n_refused = sent.iter().filter(|sent| sent.refused).count();
    println!(
        "{} examples of {} notes, {n_refused} refused by Envoy itself",
        sent.len(),
        library.notes.len()
    );
    ensure!(n_refused * 50 < sent.len(), "Envoy refuses {n_refused} of {} examples", sent.len());
    ensure!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    let troubles = envoy.plugin_failures()?;
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}

fn wire(example: &Example, idx: usize) -> Wire {
    let request = &example.request;
    let named = [
        ("User-Agent", &request.user_agent),
        ("Referer", &request.referrer),
        ("Cookie", &request.cookie),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let status = request.response.as_ref().and_then(|response| response.status);
    let status = status.map(|status| ("X-Stand-In-Status", status.to_string().into_bytes()));
    let case = ("X-Case", idx.to_string().into_bytes());
    let headers = named.chain(status).chain([case]);
    Wire {
        method: request.method.clone(),
        scheme: request.scheme.clone(),
        authority: request.authority.clone(),
        path: request.path.clone(),
        is_absolute: true,
        headers: headers.map(|(name, value)| (name.as_bytes().to_vec(), value)).collect(),
    }
}
