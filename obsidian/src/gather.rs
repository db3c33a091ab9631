//! Files to [`Sources`]: notes by their kind, collections in parallel.

use std::collections::BTreeMap;

use inspect::{Inspector, Pack, redact};
use rayon::prelude::*;
use serde_json::Value;

use catalogue::atomic::{self, AtomicTest};
use catalogue::dialect::section::{self, Section};
use catalogue::dialect::{self};
use catalogue::{self, CatalogueRule, Skipped, Vendor, attack, d3fend, is_rule_path, technique_id};
use diagnostics::SourceFile;
use knowledge::{Compilation, Expectation, Library, note_kind, trial};

use super::record::Record;
use super::sources::{Example, RuleNote, Runbook, ServiceNote, Sources};

/// Files of a folder: path inside of it, with `/`, and bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// Adds notes: rules, services, runbooks, techniques. Rules that are refused come back as findings.
pub fn notes(sources: &mut Sources, files: Files) -> Library {
    let mut rest = Vec::new();
    for (name, bytes) in files {
        match note_kind(&bytes).as_deref() {
            Some("service") => service(sources, &name, &bytes),
            Some("runbook") => runbook(sources, &name, &bytes),
            Some("rule") => rest.push(SourceFile { name: name.as_str().into(), bytes }),
            _ => match dialect::read(&name, &bytes) {
                Some(note) => sources.technique_notes.push(note),
                None if name.ends_with(".md") => {
                    sources.broken.push((name, "no kind of note that is known".into()));
                }
                None => rest.push(SourceFile { name: name.as_str().into(), bytes }),
            },
        }
    }
    let texts: BTreeMap<String, String> = rest
        .iter()
        .map(|file| (file.name.to_string(), String::from_utf8_lossy(&file.bytes).into_owned()))
        .collect();
    let library = Library::read(rest);
    rules(sources, &library, &texts);
    sources
        .technique_notes
        .sort_by(|left, right| (&left.technique, &left.file).cmp(&(&right.technique, &right.file)));
    sources.services.sort_by(|left, right| left.name.cmp(&right.name));
    library
}

/// Front matter and sections of a note of ours.
fn split(sources: &mut Sources, name: &str, bytes: &[u8]) -> Option<(Value, Vec<Section>)> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (head, body) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    match serde_saphyr::from_str::<Value>(head) {
        Ok(value) => Some((value, section::split(body, head.lines().count() + 3))),
        Err(error) => {
            sources.broken.push((
                name.to_owned(),
                error.to_string().lines().next().unwrap_or_default().to_owned(),
            ));
            None
        }
    }
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}

fn service(sources: &mut Sources, name: &str, bytes: &[u8]) {
    let Some((head, mut sections)) = split(sources, name, bytes) else { return };
    sections.retain(|section| section.level != 1);
    let text = |key: &str| head.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let techniques = texts(&head, "techniques").iter().filter_map(|id| technique_id(id)).collect();
    let service = ServiceNote {
        name: text("service"),
        category: text("category"),
        hosts: texts(&head, "hosts"),
        techniques,
        sections,
    };
    if service.name.is_empty() {
        sources.broken.push((name.to_owned(), "the note does not name its `service`".into()));
    } else {
        sources.services.push(service);
    }
}

fn runbook(sources: &mut Sources, name: &str, bytes: &[u8]) {
    let Some((head, mut sections)) = split(sources, name, bytes) else { return };
    sections.retain(|section| section.level != 1);
    match head.get("rule").and_then(Value::as_str) {
        Some(rule) => {
            let runbook = Runbook { sections, record: Record::of(&head) };
            if sources.runbooks.insert(rule.to_owned(), runbook).is_some() {
                sources
                    .broken
                    .push((name.to_owned(), format!("a second runbook of the rule {rule}")));
            }
        }
        None => sources
            .broken
            .push((name.to_owned(), "the note does not name the id of its `rule`".into())),
    }
}

fn rules(sources: &mut Sources, library: &Library, texts: &BTreeMap<String, String>) {
    let mut failing = Vec::new();
    let mut inspector = None;
    if let Ok(compilation) = Compilation::new(library, "tidegate", 1) {
        sources.pack_hash = compilation.pack.hash().to_string();
        inspector = Pack::decode(&compilation.bytes).ok().map(Inspector::new);
        failing = trial::run(library, compilation).findings;
    }
    for entry in &library.rules {
        let Some(note) = entry.note_idx.and_then(|idx| library.notes.get(idx)) else { continue };
        let text = note.rule.as_ref().map(|block| block.text.clone()).unwrap_or_default();
        let rule = catalogue::of_rule(Vendor::Tidegate, &note.file, &text, &entry.rule);
        let source = texts.get(note.file.as_ref()).map(String::as_str).unwrap_or_default();
        let mut examples = Vec::new();
        for example in &note.examples {
            let line = example.place.span.line as usize;
            let (what, request) = around(source, line);
            let holds = failing.iter().all(|finding| {
                finding.diagnostic.place != example.place
                    && finding.diagnostic.place.span.line != example.place.span.line
                    || finding.diagnostic.place.file != example.place.file
            });
            let expected = match example.expectation {
                Expectation::Match => "match",
                Expectation::Pass => "pass",
            };
            let path = inspector.as_ref().zip(example.request.path.as_deref());
            let path = path.map(|(inspector, path)| {
                let tables = inspector.pack().tables();
                redact::path_template(tables, &example.request.authority, path)
            });
            let (mut view, mut others) = (None, Vec::new());
            if let Some(inspector) = &mut inspector {
                let verdict = inspector.inspect(&example.request.lend());
                let tables = inspector.pack().tables();
                for matched in &verdict.matches {
                    let Some(found) = tables.rule(matched.rule) else { continue };
                    if tables.str(found.id) == rule.id {
                        view = Some(matched.view.as_str());
                    } else {
                        others.push(tables.str(found.title).to_owned());
                    }
                }
            }
            examples.push(Example { what, request, expected, holds, path, view, others });
        }
        let body_start = source.find("\n---\n").map_or(0, |end| end + 5);
        let sections = section::split(source.get(body_start..).unwrap_or_default(), 1);
        sources.rule_notes.insert(
            rule.id.clone(),
            RuleNote { services: note.services.clone(), sections, examples },
        );
        sources.rules.push(rule);
    }
}

/// The sentence in front of an example, and the example, by the line of its request.
fn around(source: &str, line: usize) -> (String, String) {
    let lines: Vec<&str> = source.lines().collect();
    let start = line.saturating_sub(1);
    let request: Vec<&str> =
        lines.iter().skip(start).take_while(|line| !line.starts_with("```")).copied().collect();
    let before = lines
        .iter()
        .take(start.saturating_sub(1))
        .rev()
        .find(|line| !line.trim().is_empty() && !line.starts_with("```"));
    (
        before
            .filter(|line| !line.starts_with('#'))
            .map(|line| (*line).to_owned())
            .unwrap_or_default(),
        request.join("\n"),
    )
}

/// Adds the rules of a collection. Files are read on as many threads as there are processors.
pub fn collection(sources: &mut Sources, vendor: Vendor, files: &Files) {
    let wanted: Vec<&(String, Vec<u8>)> =
        files.iter().filter(|(path, _)| is_rule_path(vendor, path)).collect();
    for (path, read) in in_parallel(&wanted, |path, text| catalogue::read_rules(vendor, path, text))
    {
        add(sources, &path, read, |sources, rules: Vec<CatalogueRule>| sources.rules.extend(rules));
    }
    let mut seen = BTreeMap::new();
    for rule in sources.rules.iter().filter(|rule| rule.vendor == vendor) {
        if let Some(first) = seen.insert(rule.id.as_str(), rule.path.as_str()) {
            let what = format!("the id {} is that of a rule in {first} too", rule.id);
            sources.duplicates.push((rule.path.clone(), what));
        }
    }
}

/// Adds Atomic Red Team's tests.
pub fn tests(sources: &mut Sources, files: &Files) {
    let wanted: Vec<&(String, Vec<u8>)> = files
        .iter()
        .filter(|(path, _)| {
            path.rsplit('/')
                .next()
                .is_some_and(|name| name.starts_with('T') && name.ends_with(".yaml"))
        })
        .collect();
    for (path, read) in in_parallel(&wanted, |_, text| atomic::read(text)) {
        add(sources, &path, read, |sources, tests: Vec<AtomicTest>| sources.tests.extend(tests));
    }
    sources.tests.sort_by(|left, right| {
        (&left.technique, left.number, &left.guid).cmp(&(
            &right.technique,
            right.number,
            &right.guid,
        ))
    });
}

/// Adds ATT&CK.
pub fn attack(sources: &mut Sources, name: &str, bytes: &[u8]) {
    let read = attack::read(name, &String::from_utf8_lossy(bytes));
    add(sources, name, read, |sources, attack| sources.attack = attack);
}

/// Adds D3FEND: the ontology first, then mappings for what it leaves open.
pub fn d3fend(sources: &mut Sources, files: &Files) {
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".ttl")) {
        let read = d3fend::read_ontology(&String::from_utf8_lossy(bytes));
        add(sources, path, read, |sources, ontology| sources.d3fend.add(ontology));
    }
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".json")) {
        let read = d3fend::read_mapping(&String::from_utf8_lossy(bytes));
        add(sources, path, read, |sources, mapping| sources.d3fend.add(mapping));
    }
}

fn add<T>(
    sources: &mut Sources,
    path: &str,
    read: Result<T, Skipped>,
    keep: impl FnOnce(&mut Sources, T),
) {
    match read {
        Ok(read) => keep(sources, read),
        Err(Skipped::Retired) => {}
        Err(Skipped::Broken(why)) => sources.broken.push((path.to_owned(), why)),
    }
}

type Read<T> = (String, Result<T, Skipped>);

fn in_parallel<T: Send>(
    files: &[&(String, Vec<u8>)],
    read: impl Fn(&str, &str) -> Result<T, Skipped> + Sync,
) -> Vec<Read<T>> {
    let one = |(path, bytes): &&(String, Vec<u8>)| match str::from_utf8(bytes) {
        Ok(text) => (path.clone(), read(path, text.trim_start_matches('\u{feff}'))),
        Err(_) => (path.clone(), read(path, &String::from_utf8_lossy(bytes))),
    };
    files.par_iter().map(one).collect()
}
