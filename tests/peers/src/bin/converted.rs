//! Runs the shipped rules in plain Sigma through rsigma: on every example of the notes they match what the
//! notes' own rules match. So do rules over each service, category and operation of the notes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use diagnostics::SourceFile;
use inspect::Inspector;
use knowledge::convert::convert;
use knowledge::{Compilation, Library};
use rsigma_eval::{CompiledRule, JsonEvent, compile_rule, evaluate_rule};
use serde_json::{Map, Value};
use traffic::RecordedRequest;

fn main() -> Result<ExitCode> {
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../knowledge/notes");
    let mut files = Vec::new();
    read(&notes, &mut files)?;
    let shipped = Library::read(files.clone());
    files.extend(rules_over(&shipped));
    let library = Library::read(files);
    let plain = convert(&library);
    let mut rules: Vec<(String, CompiledRule)> = Vec::new();
    let mut refused = BTreeSet::new();
    for rule in &plain {
        match &rule.text {
            Ok(text) => {
                let compiled = compile(text).with_context(|| format!("{}:\n{text}", rule.title))?;
                rules.push((rule.title.clone(), compiled));
            }
            Err(why) => {
                println!("not written out: {}: {why}", rule.title);
                refused.insert(rule.title.clone());
            }
        }
    }
    let compilation = Compilation::new(&library, "shipped", 1);
    let compilation = compilation.map_err(|finding| anyhow::anyhow!("{finding:?}"))?;
    let mut inspector = Inspector::new(compilation.pack);
    let of_rules = library.notes.iter().flat_map(|note| &note.examples).map(|of| &of.request);
    let of_services = library.services.iter().flat_map(|service| &service.operations);
    let of_services = of_services.flat_map(|operation| &operation.examples).map(|of| &of.request);
    let (mut n_examples, mut n_matches, mut n_different) = (0, 0, 0);
    for request in of_rules.chain(of_services) {
        n_examples += 1;
        let event = event(request);
        let matched = rules
            .iter()
            .filter(|(_, rule)| evaluate_rule(rule, &JsonEvent::borrow(&event)).is_some())
            .map(|(title, _)| title.as_str());
        let matched: BTreeSet<&str> = matched.collect();
        let verdict = inspector.inspect_raw(&request.lend());
        let tables = inspector.pack().tables();
        let titles = verdict.matches.iter().filter_map(|of| tables.rule(of.rule));
        let titles = titles.map(|rule| tables.str(rule.title));
        let expect: BTreeSet<&str> = titles.filter(|title| !refused.contains(*title)).collect();
        n_matches += expect.len();
        if matched != expect {
            n_different += 1;
            println!("{event}\n  rsigma   {matched:?}\n  tidegate {expect:?}");
        }
    }
    println!(
        "{} rules, {} written out, {} not; {n_examples} examples, {n_matches} matches, {n_different} differences",
        plain.len(),
        rules.len(),
        refused.len()
    );
    Ok(if n_different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    let paths: Result<Vec<PathBuf>, _> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    for path in paths? {
        if path.is_dir() {
            read(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let bytes = std::fs::read(&path)?;
            files.push(SourceFile { name: path.display().to_string().into(), bytes });
        }
    }
    Ok(())
}

/// Rules over each service, category and operation.
fn rules_over(library: &Library) -> Vec<SourceFile> {
    let mut asked = BTreeSet::new();
    for service in &library.services {
        let name = service.name.replace('\'', "''");
        asked.insert(format!("tidegate.service: '{name}'"));
        if !service.category.is_empty() {
            asked.insert(format!("tidegate.category: '{}'", service.category));
        }
        for operation in &service.operations {
            let operation = operation.operation.as_str();
            asked.insert(format!(
                "tidegate.service: '{name}'\n        tidegate.operation: {operation}"
            ));
        }
    }
    let rule = |(number, asked): (usize, String)| {
        let text = format!(
            "title: rule {number}\nlogsource:\n    category: proxy\ndetection:\n    s:\n        {asked}\n    condition: s\nlevel: low\n"
        );
        SourceFile { name: format!("{number:04}.yml").into(), bytes: text.into_bytes() }
    };
    asked.into_iter().enumerate().map(rule).collect()
}

fn compile(text: &str) -> Result<CompiledRule> {
    let collection = rsigma_parser::parse_sigma_yaml(text)?;
    let errors: Vec<_> = collection.errors().map(ToString::to_string).collect();
    ensure!(errors.is_empty(), "{errors:?}");
    let rule = collection.rules.first().context("no rule")?;
    Ok(compile_rule(rule)?)
}

/// A request in the fields of Sigma's proxy taxonomy.
fn event(request: &RecordedRequest) -> Value {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let mut event = Map::new();
    let mut put = |names: &[&str], bytes: &[u8]| {
        for name in names {
            event.insert((*name).to_owned(), text(bytes));
        }
    };
    put(&["c-uri", "cs-uri"], &request.url());
    put(&["cs-method"], &request.method);
    put(&["cs-version"], &request.version);
    let (host, _) = inspect::split_port(&request.authority);
    put(&["cs-host", "r-dns"], host);
    let address = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
    let is_address =
        std::str::from_utf8(address).ok().and_then(|text| text.parse::<std::net::IpAddr>().ok());
    if is_address.is_some() {
        put(&["dst_ip"], address);
    }
    if let Some(path) = &request.path {
        let mut halves = path.splitn(2, |byte| *byte == b'?');
        let stem = halves.next().unwrap_or_default();
        put(&["c-uri-stem", "cs-uri-stem"], stem);
        if let Some(query) = halves.next() {
            put(&["c-uri-query", "cs-uri-query"], query);
        }
        let file = stem.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if let Some(dot) = file.iter().rposition(|byte| *byte == b'.')
            && let Some(extension) = file.get(dot + 1..).filter(|extension| !extension.is_empty())
        {
            put(&["c-uri-extension"], extension);
        }
    }
    for (name, value) in [
        ("c-useragent", &request.user_agent),
        ("cs-referrer", &request.referrer),
        ("cs-cookie", &request.cookie),
        ("src_ip", &request.source_address),
        ("tls.client.server_name", &request.server_name),
    ] {
        if let Some(value) = value {
            put(&[name], value);
        }
    }
    if let Some(status) = request.response.as_ref().and_then(|response| response.status) {
        event.insert("sc-status".to_owned(), Value::from(status));
    }
    Value::Object(event)
}
