//! Files to [`Sources`]: notes by their kind, collections in parallel.

use std::collections::BTreeMap;

use inspect::{Inspector, Pack, redact};
use rayon::prelude::*;

use catalogue::atomic::{self, AtomicTest};
use catalogue::dialect::section::{self, Section};
use catalogue::dialect::{self, TechniqueNote};
use catalogue::{self, CatalogueRule, Collection, Skipped, attack, d3fend, is_rule_path};
use diagnostics::yaml::Scalar;
use diagnostics::{SourceFile, front_matter};
use knowledge::{
    Compilation, Expectation, Library, NoteKind, PACK_NAME, PACK_VERSION, Service, examples,
};

use super::record::{self, Record};
use super::sources::{Example, RuleNote, Runbook, ServiceNote, Sources};

/// Files of a folder: path inside of it, with `/`, and bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// Adds notes: rules, services, runbooks, techniques. What is wrong with them is among the library's
/// findings; a note with an error has no page.
pub fn notes(sources: &mut Sources, files: Files) -> Library {
    let mut rest = Vec::new();
    for (name, bytes) in files {
        match technique(&name, &bytes) {
            Some(note) => sources.technique_notes.push(note),
            None => rest.push(SourceFile { name: name.as_str().into(), bytes }),
        }
    }
    let library = Library::read(rest);
    rules(sources, &library);
    sources.services = library.services.iter().map(|note| service(&library, note)).collect();
    for note in &library.runbooks {
        let sections = sections(&library, &note.file);
        let runbook = Runbook { sections, record: Record::of(note) };
        sources.runbooks.insert(note.rule.clone(), runbook);
    }
    for note in &library.techniques {
        let why = format!("the note of {} is not read as a technique note", note.technique);
        sources.broken.push((note.file.to_string(), why));
    }
    sources
        .technique_notes
        .sort_by(|left, right| (&left.technique, &left.file).cmp(&(&right.technique, &right.file)));
    sources.services.sort_by(|left, right| left.name.cmp(&right.name));
    library
}

/// Reads a technique note in any dialect; `None` for a note that names another kind.
fn technique(name: &str, bytes: &[u8]) -> Option<TechniqueNote> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(split) = front_matter::split(text) {
        let kind = match split.entries() {
            Ok(entries) => {
                let kind = entries.into_iter().find(|entry| entry.key == "kind");
                kind.filter(|entry| entry.value.scalar() != Some(Scalar::Null))
                    .map(|entry| entry.value.text().unwrap_or_default().to_owned())
            }
            Err(_) => split.guess("kind"),
        };
        if kind.is_some_and(|kind| kind != NoteKind::Technique.as_str()) {
            return None;
        }
    }
    dialect::read(name, bytes)
}

fn service(library: &Library, note: &Service) -> ServiceNote {
    ServiceNote {
        name: note.name.clone(),
        category: note.category.clone(),
        hosts: note.hosts.iter().map(|host| host.text.clone()).collect(),
        techniques: note.techniques.clone(),
        sections: sections(library, &note.file),
    }
}

/// The sections of a note of ours below its title.
fn sections(library: &Library, file: &str) -> Vec<Section> {
    let text = library.sources.get(file).map_or("", String::as_str);
    let (body, first_line) = front_matter::body(text);
    let mut sections = section::split(body, first_line as usize);
    sections.retain(|section| section.level != 1);
    sections
}

fn rules(sources: &mut Sources, library: &Library) {
    let mut failing = Vec::new();
    let mut inspector = None;
    if let Ok(compilation) = Compilation::new(library, PACK_NAME, PACK_VERSION) {
        sources.pack_hash = compilation.pack.hash().to_string();
        inspector = Pack::decode(&compilation.bytes).ok().map(Inspector::new);
        failing = examples::run(library, compilation).findings;
    }
    for entry in &library.rules {
        let Some(note) = entry.note_idx.and_then(|idx| library.notes.get(idx)) else { continue };
        let text = note.rule.as_ref().map(|block| block.text.clone()).unwrap_or_default();
        let rule = catalogue::of_rule(Collection::Own, &note.file, &text, &entry.rule);
        let source = library.sources.get(&note.file).map_or("", String::as_str);
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
        let (body, first_line) = front_matter::body(source);
        let sections = section::split(body, first_line as usize);
        let (services, content) = (note.services.clone(), record::content(note));
        let note = RuleNote { services, sections, examples, content };
        sources.rule_notes.insert(rule.id.clone(), note);
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
pub fn collection(sources: &mut Sources, vendor: Collection, files: &Files) {
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
