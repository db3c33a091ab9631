//! Files to [`Sources`]: notes by their kind, collections in parallel.

use std::collections::BTreeMap;

use inspect::{Inspector, Pack, redact};
use rayon::prelude::*;

use catalogue::atomic::{self, AtomicTest};
use catalogue::dialect::section::{self, Section};
use catalogue::dialect::{self, PersonalNote, Value};
use catalogue::{self, CatalogueRule, Collection, Skipped, attack, d3fend, is_rule_path};
use diagnostics::yaml::Scalar;
use diagnostics::{SourceFile, front_matter};
use knowledge::coverage::Coverage;
use knowledge::{
    Compilation, Expectation, Library, NoteKind, PACK_NAME, PACK_VERSION, Service, examples,
};

use super::record::{self, Record};
use super::sources::{Example, ListNote, RuleNote, Runbook, ServiceNote, Sources};

/// Files of a folder: path inside of it, with `/`, and bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// Adds notes: ours, which say their kind, and those that people have in other forms. What is wrong with
/// ours is among the library's findings; a note with an error has no page.
pub fn notes(sources: &mut Sources, files: Files) -> Library {
    let mut rest = Vec::new();
    for (name, bytes) in files {
        if is_ours(&bytes) {
            rest.push(SourceFile { name: name.as_str().into(), bytes });
            continue;
        }
        match dialect::read(&name, &bytes) {
            Some(PersonalNote::Technique(note)) => sources.technique_notes.push(note),
            Some(PersonalNote::Rules(rules)) => sources.rules.extend(rules),
            Some(PersonalNote::Document(document)) => sources.documents.push(document),
            // What its folder is for says a README.
            None if is_about_folder(&name) => {
                let why = "it has no `kind`, and no front matter or heading that names a technique";
                sources.passed_over.push((name, why.to_owned()));
            }
            None if bytes.trim_ascii().is_empty() => {
                sources.passed_over.push((name, "it is empty".to_owned()));
            }
            None => match dialect::other(&name, &bytes) {
                // A note that says a kind of ours lacks something.
                Some(document) if !has_kind(&document.properties) => {
                    sources.documents.push(document);
                }
                _ => rest.push(SourceFile { name: name.as_str().into(), bytes }),
            },
        }
    }
    sources.documents.sort_by(|left, right| left.file.cmp(&right.file));
    report_duplicates(sources, Collection::Noted);
    let library = Library::read(rest);
    sources.services = library.services.iter().map(|note| service(&library, note)).collect();
    rules(sources, &library);
    for note in &library.runbooks {
        let sections = sections(&library, &note.file);
        let placed = [&["kind", "rule"], &record::KEYS[..]].concat();
        let properties = properties(&library, &note.file, &placed);
        let runbook = Runbook { sections, record: Record::of(note), properties };
        sources.runbooks.insert(note.rule.clone(), runbook);
    }
    let list = |note: &knowledge::ListNote| ListNote {
        name: note.name.clone(),
        values: note.values.clone(),
        sections: sections(&library, &note.file),
        properties: properties(&library, &note.file, &["kind", "list", "values"]),
    };
    sources.lists = library.lists.iter().map(list).collect();
    sources.lists.sort_by(|left, right| left.name.cmp(&right.name));
    for note in &library.techniques {
        let why = format!(
            "it has no `kind`: write `kind: rule` if its `sigma` block is its rule, or `kind: technique` if it is about {}",
            note.technique
        );
        sources.broken.push((note.file.to_string(), why));
    }
    sources
        .technique_notes
        .sort_by(|left, right| (&left.technique, &left.file).cmp(&(&right.technique, &right.file)));
    sources.services.sort_by(|left, right| left.name.cmp(&right.name));
    library
}

fn has_kind(properties: &[(String, Value)]) -> bool {
    properties.iter().any(|(key, _)| key == "kind")
}

/// Names of files that say what a folder or a repository is for.
const ABOUT: [&str; 9] = [
    "changelog",
    "code_of_conduct",
    "contributing",
    "licence",
    "license",
    "pull_request_template",
    "readme",
    "roadmap",
    "security",
];

fn is_about_folder(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    ABOUT.contains(&stem.as_str())
}

/// Keys of notes of ours: a note that has one and no `kind` lacks it.
const OUR_KEYS: [&str; 4] = ["services", "service", "hosts", "rule"];

/// Returns true if a note is one of ours, which say their kind: so that whatever is wrong with it is found as
/// the other commands find it. A file that is no text is among them.
fn is_ours(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        // A technique note may be in an old encoding.
        return bytes.contains(&0) || bytes.starts_with(&[0xff]) || bytes.starts_with(&[0xfe]);
    };
    let text = text.trim_start_matches('\u{feff}');
    let has_rule = || text.lines().any(|line| line.trim_end() == "```sigma");
    let technique = NoteKind::Technique.as_str();
    if text.contains('\0') {
        return true;
    }
    if let Some(entries) = front_matter::split(text).ok().and_then(|split| split.entries().ok()) {
        let kind = entries.iter().find(|entry| entry.key == "kind");
        return match kind.map(|entry| &entry.value) {
            Some(value) if value.scalar() != Some(Scalar::Null) => value.text() != Some(technique),
            _ => entries.iter().any(|it| OUR_KEYS.contains(&it.key.as_str())) || has_rule(),
        };
    }
    // Front matter that is not closed, not at the start, or not YAML.
    let head =
        text.lines().take(MAX_HEAD_LINES).map(|line| line.trim_start_matches(['?', ' ', '\t']));
    let kind = head.into_iter().find_map(|line| {
        let bare = line.trim_start_matches(['"', '\'']);
        bare.strip_prefix("kind").map(|rest| rest.trim_start_matches(['"', '\'', ' ']))
    });
    match kind.filter(|rest| rest.is_empty() || rest.starts_with(':')) {
        Some(value) => !value.contains(technique),
        None => has_rule(),
    }
}

/// How far into a note its `kind` is looked for where its front matter cannot be read.
const MAX_HEAD_LINES: usize = 40;

fn service(library: &Library, note: &Service) -> ServiceNote {
    ServiceNote {
        name: note.name.clone(),
        category: note.category.clone(),
        hosts: note.hosts.iter().map(|host| host.text.clone()).collect(),
        techniques: note.techniques.clone(),
        operations: BTreeMap::new(),
        sections: sections(library, &note.file),
        properties: properties(
            library,
            &note.file,
            &["kind", "service", "category", "hosts", "techniques"],
        ),
    }
}

/// Keys of a note of ours beside those that have a place of their own.
fn properties(library: &Library, file: &str, placed: &[&str]) -> Vec<(String, Value)> {
    let text = library.sources.get(file).map_or("", String::as_str);
    let mut properties = dialect::properties(text);
    properties.retain(|(key, _)| !placed.contains(&key.as_str()));
    properties
}

/// The sections of a note of ours.
fn sections(library: &Library, file: &str) -> Vec<Section> {
    let text = library.sources.get(file).map_or("", String::as_str);
    let (body, first_line) = front_matter::body(text);
    section::split(body, first_line as usize)
}

fn rules(sources: &mut Sources, library: &Library) {
    let mut failing = Vec::new();
    let mut inspector = None;
    if let Ok(compilation) = Compilation::new(library, PACK_NAME, PACK_VERSION) {
        sources.pack_hash = compilation.pack.hash().to_string();
        let decoded = || Pack::decode(&compilation.bytes).ok().map(Inspector::new);
        inspector = decoded();
        if let Some(inspector) = decoded() {
            coverage(sources, &Coverage::of(library, &compilation.rule_ids, inspector));
        }
        failing = examples::run(library, compilation).findings;
    }
    for entry in &library.rules {
        let Some(note) = entry.note_idx.and_then(|idx| library.notes.get(idx)) else { continue };
        let text = note.rule.as_ref().map(|block| block.text.clone()).unwrap_or_default();
        let mut rule = catalogue::of_rule(Collection::Own, &note.file, &text, &entry.rule);
        let source = library.sources.get(&note.file).map_or("", String::as_str);
        rule.properties = dialect::properties(source);
        rule.properties.retain(|(key, _)| !matches!(key.as_str(), "kind" | "services"));
        let mut examples = Vec::new();
        for example in &note.examples {
            let what = example.caption.clone();
            let request = example.text.trim_end_matches('\n').to_owned();
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

/// Adds what our rules find of what is done to services.
fn coverage(sources: &mut Sources, coverage: &Coverage<'_>) {
    if coverage.services.is_empty() || coverage.rules.is_empty() {
        return;
    }
    sources.service_picture = Some(coverage.picture());
    for covered in &coverage.services {
        let service = sources.services.iter_mut().find(|service| service.name == covered.name);
        let Some(service) = service else { continue };
        for (operation, rules) in &covered.operations {
            let rules = rules.iter().filter_map(|idx| coverage.rules.get(*idx));
            let rules = rules.map(|rule| rule.id.to_owned()).collect();
            service.operations.insert(operation.as_str(), rules);
        }
    }
}

/// Adds the rules of a collection. Files are read on as many threads as there are processors.
pub fn collection(sources: &mut Sources, vendor: Collection, files: &Files) {
    let wanted: Vec<&(String, Vec<u8>)> =
        files.iter().filter(|(path, _)| is_rule_path(vendor, path)).collect();
    for (path, read) in in_parallel(&wanted, |path, text| catalogue::read_rules(vendor, path, text))
    {
        add(sources, &path, read, |sources, rules: Vec<CatalogueRule>| sources.rules.extend(rules));
    }
    report_duplicates(sources, vendor);
}

/// Reports rules of a collection that have the id of another one.
fn report_duplicates(sources: &mut Sources, vendor: Collection) {
    let mut seen = BTreeMap::new();
    for rule in sources.rules.iter().filter(|rule| rule.vendor == vendor) {
        // One without an id has the name of its file.
        if rule.id != rule.path
            && let Some(first) = seen.insert(rule.id.as_str(), rule.path.as_str())
        {
            let what = format!("the id {} is that of a rule in {first} too", rule.id);
            sources.duplicates.push((rule.path.clone(), what));
        }
    }
}

/// Adds Atomic Red Team's tests.
pub fn tests(sources: &mut Sources, files: &Files) {
    // A file of tests is one by its content, and one of the collection's own also by its name.
    let has_tests = |bytes: &[u8]| {
        bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"atomic_tests:"))
    };
    let is_named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.starts_with('T') && name.ends_with(".yaml")
    };
    let is_wanted = |(path, bytes): &&(String, Vec<u8>)| is_named(path) || has_tests(bytes);
    let wanted: Vec<&(String, Vec<u8>)> = files.iter().filter(is_wanted).collect();
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

/// Adds a domain of ATT&CK; returns its name where it is there already.
pub fn attack(sources: &mut Sources, name: &str, bytes: &[u8]) -> Option<&'static str> {
    let read = attack::read(name, &String::from_utf8_lossy(bytes));
    let mut twice = None;
    add(sources, name, read, |sources, attack| {
        let known = attack.versions.keys().find(|it| sources.attack.versions.contains_key(it));
        twice = known.map(|domain| domain.name());
        if twice.is_none() && !attack.techniques.is_empty() {
            sources.attack.add(attack);
        }
    });
    twice
}

/// Adds the technique that replaced a revoked one wherever that is named, so that its page counts them.
pub fn follow_revoked(sources: &mut Sources) {
    let attack = &sources.attack;
    let follow = |ids: &mut Vec<String>| {
        let new: Vec<String> = ids.iter().filter_map(|id| attack.successor(id)).collect();
        ids.extend(new);
        ids.sort();
        ids.dedup();
    };
    sources.rules.iter_mut().for_each(|rule| follow(&mut rule.techniques));
    sources.services.iter_mut().for_each(|service| follow(&mut service.techniques));
    for document in &mut sources.documents {
        let new = document.techniques.iter().filter_map(|id| attack.successor(id));
        let new: Vec<String> = new.filter(|id| !document.techniques.contains(id)).collect();
        document.techniques.extend(new);
    }
    for test in &mut sources.tests {
        if let Some(new) = attack.successor(&test.technique) {
            test.technique = new;
        }
    }
    for note in &mut sources.technique_notes {
        if let Some(new) = attack.successor(&note.technique) {
            note.remarks.push((1, format!("{} was replaced by {new}", note.technique)));
            note.technique = new;
        }
    }
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

/// Adds facts of public collections. Countermeasures count where no copy of D3FEND was read.
pub fn facts(sources: &mut Sources, files: &Files) {
    for (path, bytes) in files {
        let read = catalogue::facts::read(&String::from_utf8_lossy(bytes));
        add(sources, path, read, |sources, facts| sources.facts.push(facts));
    }
    sources.facts.sort_by(|left, right| left.source.collection.cmp(&right.source.collection));
    if sources.d3fend.countermeasures.is_empty() {
        let found: Vec<_> = sources.facts.iter().map(catalogue::facts::Facts::d3fend).collect();
        for found in found.into_iter().filter(|found| !found.countermeasures.is_empty()) {
            sources.d3fend.add(found);
        }
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
