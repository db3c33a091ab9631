//! SigmaHQ's proxy rules and other people's requests, by a real Envoy and by the engine here: the same
//! rules match. Their number is compared with other engines elsewhere.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use inspect::{Inspector, Request, Response};
use knowledge::{Compilation, Library};
use serde_json::Value;
use tests::case::Sent;
use tests::{Bootstrap, Envoy, Plugin, StandIn, http1};

const EVENTS: &str = "sigma-semantics/proxy-events.ndjson";

fn rule_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rule_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml")
            && fs::read_to_string(&path)?.contains("\n    category: proxy\n")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn compile(corpora: &Path) -> Result<Compilation> {
    let mut files = Vec::new();
    for entry in fs::read_dir(corpora.join("sigma"))? {
        let path = entry?.path();
        if path.is_dir() {
            rule_files(&path, &mut files)?;
        }
    }
    files.sort();
    let read = |path: &PathBuf| -> Result<SourceFile> {
        Ok(SourceFile { name: path.to_string_lossy().as_ref().into(), bytes: fs::read(path)? })
    };
    let library = Library::read(files.iter().map(read).collect::<Result<_>>()?);
    let compilation = Compilation::new(&library, "sigmahq", 1);
    compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))
}

/// The request of an event, as it is sent to a proxy.
fn request(event: &Value, idx: usize) -> Sent {
    let text = |key: &str| event.get(key).and_then(Value::as_str).map(escape);
    let named = [("User-Agent", "c-useragent"), ("Cookie", "cs-cookie")];
    let headers = named.iter().filter_map(|(name, key)| Some(((*name).to_owned(), text(key)?)));
    let mark = ("X-Case".to_owned(), idx.to_string());
    let status = event.get("sc-status").and_then(Value::as_u64);
    Sent {
        method: text("cs-method"),
        url: text("c-uri"),
        headers: headers.chain([mark]).collect(),
        status: status.and_then(|status| u16::try_from(status).ok()),
        ..Sent::default()
    }
}

/// As the table of cases writes it: no byte of an event is meant as an escape.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
}

#[test]
fn envoy_and_the_engine_agree_on_the_corpora() -> Result<()> {
    let Some(corpora) = corpora::folder(&["sigma", EVENTS]) else { return Ok(()) };
    let compilation = compile(&corpora)?;
    ensure!(compilation.n_compiled > 0, "no rules");
    let stand_in = StandIn::start()?;
    let filters = [Plugin::tidegate(&compilation.bytes, "monitor")?.http_filter()];
    let config = Bootstrap::new().upstream(stand_in.address()).listener("egress", &filters);
    let envoy = Envoy::start(&config.json())?;
    let mut inspector = Inspector::new(compilation.pack);

    let mut expected = Vec::new();
    for (idx, line) in fs::read_to_string(corpora.join(EVENTS))?.lines().enumerate() {
        let sent = request(&serde_json::from_str(line)?, idx);
        let mut wire = sent.wire().with_context(|| line.to_owned())?;
        let seen = Request {
            method: &wire.method,
            scheme: &wire.scheme,
            authority: &wire.authority,
            path: wire.path.as_deref(),
            version: b"HTTP/1.1",
            user_agent: wire.header("user-agent"),
            cookie: wire.header("cookie"),
            source_address: Some(b"127.0.0.1"),
            response: Some(Response {
                status: sent.status,
                upstream_address: Some(b"127.0.0.1"),
                ..Response::default()
            }),
            ..Request::default()
        };
        let verdict = inspector.inspect(&seen);
        let tables = inspector.pack().tables();
        let rules = verdict
            .matches
            .iter()
            .filter_map(|matched| Some(tables.str(tables.rule(matched.rule)?.id).to_owned()));
        expected.push(rules.collect::<BTreeSet<_>>());
        let status = sent.status.unwrap_or(200).to_string();
        wire.headers.push((b"X-Stand-In-Status".to_vec(), status.into_bytes()));
        http1::send(envoy.listener("egress")?, &wire.http1()).with_context(|| line.to_owned())?;
    }

    let mut found = BTreeMap::new();
    for line in envoy.access_log_of(expected.len())? {
        let line: Value = serde_json::from_str(&line)?;
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        let rules = text("rules").split(',').filter(|id| !id.is_empty());
        found.insert(
            text("case").parse::<usize>()?,
            rules.map(str::to_owned).collect::<BTreeSet<_>>(),
        );
    }
    for (idx, expected) in expected.iter().enumerate() {
        assert_eq!(found.get(&idx), Some(expected), "line {} of the events", idx + 1);
    }
    let n_hits: usize = expected.iter().map(BTreeSet::len).sum();
    ensure!(n_hits > 0, "no rule matched at all");
    println!("{} requests, {n_hits} hits", expected.len());
    ensure!(envoy.plugin_failures()?.is_empty(), "the filter failed");
    Ok(())
}
