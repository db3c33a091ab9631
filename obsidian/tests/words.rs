//! Every word of a source is on its page, or in the list of what is left out and why.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests over files, with helpers beside the test functions"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use catalogue::{Collection, LEFT_OUT};
use corpora::words;
use obsidian::build::{Present, Scope, build};
use obsidian::gather::{self, Files};
use obsidian::merge;
use obsidian::page::Page;
use obsidian::sources::Sources;
use serde_json::Value;

/// The files below a folder whose names end so.
fn files(root: &Path, extensions: &[&str]) -> Files {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_wanted =
                path.extension().is_some_and(|it| extensions.iter().any(|to| it == *to));
            if path.is_dir() {
                open.push(path);
            } else if is_wanted {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn pages(sources: &Sources) -> Vec<Page> {
    build(sources, &Scope::default(), &Present::default()).pages
}

/// The texts of pages by what a property of theirs says.
fn by_property(pages: &[Page], key: &str) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for page in pages {
        let value = page.properties.iter().find(|(name, _)| name == key);
        for text in value.map(|(_, value)| value.texts()).unwrap_or_default() {
            texts.entry(text).or_default().push_str(&merge::fresh(page));
        }
    }
    texts
}

/// The texts of pages by their id.
fn by_id(pages: &[Page]) -> BTreeMap<String, String> {
    pages.iter().map(|page| (page.id.clone(), merge::fresh(page))).collect()
}

/// Returns true if a path of keys is one that is left out.
fn is_left_out(source: &str, path: &str) -> bool {
    let is_it = |part: &str| {
        let (mut left, mut right) = (part.split('.'), path.split('.'));
        loop {
            match (left.next(), right.next()) {
                (None, _) => return true,
                (Some("*"), Some(_)) => {}
                (Some(left), Some(right)) if left == right => {}
                _ => return false,
            }
        }
    };
    LEFT_OUT.iter().any(|left_out| left_out.source == source && is_it(left_out.part))
}

/// Every value of a file with the keys in front of it.
fn values(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push((path.to_owned(), number.to_string())),
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                values(&below(&number.to_string()), value, found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                values(&below(key), value, found);
            }
        }
    }
}

/// What was checked, and what was lost.
#[derive(Default)]
struct Report {
    source: &'static str,
    n_files: usize,
    n_words: usize,
    lost: Vec<String>,
}

impl Report {
    fn of(source: &'static str) -> Report {
        Report { source, ..Report::default() }
    }

    /// Checks a text against a page.
    fn text(&mut self, what: &str, text: &str, page: &BTreeSet<String>) {
        let words = words(text);
        self.n_words += words.len();
        let lost: Vec<&String> = words.iter().filter(|word| !page.contains(*word)).collect();
        if !lost.is_empty() {
            self.lost.push(format!("{what}: {lost:?}"));
        }
    }

    /// Checks every value of a file against its page.
    fn value(&mut self, file: &str, value: &Value, page: &str) {
        let page = words(page);
        let mut found = Vec::new();
        values("", value, &mut found);
        for (path, text) in found.iter().filter(|(path, _)| !is_left_out(self.source, path)) {
            let headings =
                ["response and remediation", "false positive analysis", "false positives analysis"];
            let is_guide = self.source == "elastic" && path == "rule.note";
            let is_left_out = |line: &&str| {
                let bare = line.trim_matches(['#', ' ']).to_lowercase();
                is_guide && line.starts_with('#') && headings.contains(&bare.as_str())
            };
            let lines: Vec<&str> = text.lines().filter(|line| !is_left_out(line)).collect();
            self.text(&format!("{file}: {path}"), &lines.join("\n"), &page);
        }
        self.n_files += 1;
    }

    fn holds(&self, n_least: usize) {
        let (source, n_lost) = (self.source, self.lost.len());
        let first: Vec<&String> = self.lost.iter().take(25).collect();
        assert!(self.lost.is_empty(), "{source}: {n_lost} of {} lost: {first:#?}", self.n_words);
        assert!(self.n_files >= n_least, "{source}: {} files", self.n_files);
        eprintln!("{source}: {} files, {} words, 0 lost", self.n_files, self.n_words);
    }
}

/// Checks the files of a collection of rules, each against its pages.
fn collection(
    vendor: Collection,
    source: &'static str,
    files: &Files,
    read: impl Fn(&str) -> Value,
) -> Report {
    let mut sources = Sources::default();
    gather::collection(&mut sources, vendor, files);
    let texts = by_property(&pages(&sources), "rule_path");
    let mut report = Report::of(source);
    for (file, bytes) in files {
        if let Some(page) = texts.get(file) {
            report.value(file, &read(&String::from_utf8_lossy(bytes)), page);
        }
    }
    report
}

#[test]
fn no_word_of_a_sigma_rule_is_lost() {
    let Some(corpora) = corpora::folder(&["sigma"]) else { return };
    let files = files(&corpora.join("sigma"), &["yml"]);
    // Comments are on the page too.
    let whole = |text: &str| Value::String(text.to_owned());
    collection(Collection::Sigma, "sigma", &files, whole).holds(3_700);
}

#[test]
fn no_word_of_an_elastic_rule_is_lost() {
    let Some(corpora) = corpora::folder(&["elastic"]) else { return };
    let files = files(&corpora.join("elastic"), &["toml"]);
    let read = |text: &str| toml::from_str(text).unwrap();
    collection(Collection::Elastic, "elastic", &files, read).holds(2_000);
}

#[test]
fn no_word_of_a_splunk_detection_is_lost() {
    let Some(corpora) = corpora::folder(&["splunk", "splunk-newer"]) else { return };
    for (folder, n_least) in [("splunk", 1_600), ("splunk-newer", 1)] {
        let files = files(&corpora.join(folder), &["yml"]);
        let read = |text: &str| serde_saphyr::from_str(text).unwrap();
        collection(Collection::Splunk, "splunk", &files, read).holds(n_least);
    }
}

#[test]
fn no_word_of_an_atomic_test_is_lost() {
    let Some(corpora) = corpora::folder(&["atomic"]) else { return };
    let mut sources = Sources::default();
    let files = files(&corpora.join("atomic"), &["yaml"]);
    gather::tests(&mut sources, &files);
    let texts = by_id(&pages(&sources));
    let mut report = Report::of("atomic");
    for (file, bytes) in &files {
        let value: Value = serde_saphyr::from_str(&String::from_utf8_lossy(bytes)).unwrap();
        let technique = value.get("attack_technique").and_then(Value::as_str);
        let page = technique.and_then(|id| texts.get(&format!("atomic/{id}")));
        report.value(file, &value, page.map_or("", String::as_str));
    }
    report.holds(340);
}

#[test]
fn tests_of_a_technique_that_attack_lacks_have_a_page() {
    let attack = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../knowledge/attack/enterprise-attack-18.1-web-services.json");
    let mut sources = Sources::default();
    gather::attack(&mut sources, "attack.json", &fs::read(attack).unwrap());
    let file = "attack_technique: T1999\ndisplay_name: Newer Technique\natomic_tests:\n- name: Lonely test\n  executor:\n    name: sh\n    command: tool\n";
    gather::tests(&mut sources, &vec![("T1999.yaml".to_owned(), file.into())]);
    let texts = by_id(&pages(&sources));
    let page = &texts["atomic/T1999"];
    for part in ["Newer Technique", "Lonely test", "not in the copy of ATT"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let drift = &texts["dashboard/Drift"];
    assert!(drift.contains("| T1999 | not in the copy of ATT"), "{drift}");
    let scope = Scope { techniques: ["T1102".to_owned()].into(), ..Scope::default() };
    let scoped = build(&sources, &scope, &Present::default());
    assert!(scoped.pages.iter().all(|page| page.id != "atomic/T1999"), "it is out of scope");
}

#[test]
fn no_word_of_attack_is_lost() {
    let Some(corpora) = corpora::folder(&["attack"]) else { return };
    let name = "enterprise-attack-18.1-slim.json";
    let bytes = fs::read(corpora.join("attack/enterprise-attack").join(name)).unwrap();
    let mut sources = Sources::default();
    gather::attack(&mut sources, name, &bytes);
    let texts: BTreeMap<String, BTreeSet<String>> =
        by_id(&pages(&sources)).into_iter().map(|(id, text)| (id, words(&text))).collect();
    let none = BTreeSet::new();
    let bundle: Value = serde_json::from_slice(&bytes).unwrap();
    let objects = bundle.get("objects").and_then(Value::as_array).unwrap();
    let by_stix: BTreeMap<&str, &Value> =
        objects.iter().map(|object| (object["id"].as_str().unwrap(), object)).collect();
    let external = |object: &Value| {
        let references = object["external_references"].as_array().cloned().unwrap_or_default();
        let id = references.iter().find_map(|it| it["external_id"].as_str().map(ToOwned::to_owned));
        id.unwrap_or_default()
    };
    let is_gone =
        |object: &Value| object["revoked"] == true || object["x_mitre_deprecated"] == true;
    let all: BTreeSet<String> = texts.values().flatten().cloned().collect();
    let mut report = Report::of("attack");
    for object in objects.iter().filter(|object| !is_gone(object)) {
        let id = external(object);
        let text = |id: &str| texts.get(id).unwrap_or(&none);
        let kind = object["type"].as_str().unwrap();
        let page = match kind {
            "attack-pattern" => text(&format!("technique/{id}")),
            "course-of-action" => match texts.get(&format!("countermeasure/{id}")) {
                Some(page) => page,
                // One that counters no technique of the vault has no page.
                None => continue,
            },
            "x-mitre-tactic" | "x-mitre-analytic" => &all,
            "x-mitre-detection-strategy" => text(&format!("strategy/{id}")),
            "relationship" => {
                let (from, to) = (object["source_ref"].as_str(), object["target_ref"].as_str());
                let [from, to] = [from, to].map(|id| id.and_then(|id| by_stix.get(id)));
                let (Some(from), Some(to)) = (from, to) else { continue };
                if is_gone(from) || is_gone(to) || to["type"] != "attack-pattern" {
                    continue;
                }
                // How a mitigation helps is on its page.
                if from["type"] == "course-of-action" {
                    text(&format!("countermeasure/{}", external(from)))
                } else {
                    text(&format!("technique/{}", external(to)))
                }
            }
            _ => continue,
        };
        report.n_files += 1;
        let name = if kind == "x-mitre-analytic" { "description" } else { "name" };
        for key in [
            name,
            "description",
            "x_mitre_platforms",
            "x_mitre_mutable_elements",
            "x_mitre_impact_type",
        ] {
            let mut found = Vec::new();
            values(key, &object[key], &mut found);
            for (key, text) in found {
                // Citations are links where ATT&CK has an address, and names elsewhere.
                let marks = ["(Citation:", "<code>", "</code>", "<br>", "<br/>", "<br />"];
                let text = marks.iter().fold(text, |text, mark| text.replace(mark, " "));
                report.text(&format!("{kind} {id} {key}"), &text, page);
            }
        }
    }
    report.holds(10_000);
}

#[test]
fn no_word_of_d3fend_about_countermeasures_is_lost() {
    let Some(corpora) = corpora::folder(&["d3fend", "attack"]) else { return };
    let mut sources = Sources::default();
    gather::d3fend(&mut sources, &files(&corpora.join("d3fend/src"), &["ttl"]));
    let name = "enterprise-attack-18.1-slim.json";
    let bytes = fs::read(corpora.join("attack/enterprise-attack").join(name)).unwrap();
    gather::attack(&mut sources, name, &bytes);
    let texts = by_id(&pages(&sources));
    let ontology = files(&corpora.join("d3fend/src"), &["ttl"]).remove(0).1;
    let ontology = String::from_utf8(ontology).unwrap();
    let mut report = Report::of("d3fend");
    for part in ontology.split("\n\n:").filter(|part| part.contains(":d3fend-id \"D3-")) {
        let literal = |key: &str| {
            let (_, rest) = part.split_once(&format!("{key} \""))?;
            Some(rest.split_once("\" ").map_or(rest, |(text, _)| text).trim_start_matches("\"\""))
        };
        let id = literal(":d3fend-id").unwrap();
        let Some(page) = texts.get(&format!("countermeasure/{id}")) else { continue };
        report.n_files += 1;
        let page = words(page);
        for key in ["rdfs:label", ":definition", ":synonym", ":kb-article"] {
            if let Some(text) = literal(key) {
                report.text(&format!("{id} {key}"), text, &page);
            }
        }
    }
    report.holds(100);
}

/// Checks notes against all pages that are made of them.
fn notes(source: &'static str, files: Files) -> Report {
    let mut sources = Sources::default();
    let texts = files.clone();
    gather::notes(&mut sources, files);
    let all: String = pages(&sources).iter().map(merge::fresh).collect();
    let all = words(&all);
    let mut report = Report::of(source);
    for (file, bytes) in &texts {
        report.n_files += 1;
        for line in String::from_utf8_lossy(bytes).lines() {
            // A quote of HTML becomes one of Markdown, and a citation a link.
            let tags = ["<blockquote>", "</blockquote>", "<code>", "</code>", "(Citation:"];
            let line = tags.iter().fold(line.to_owned(), |line, tag| line.replace(tag, " "));
            let line = line.as_str();
            report.text(&format!("{file}: {line}"), line, &all);
        }
    }
    report
}

#[test]
fn no_word_of_a_note_is_lost() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    notes("shipped notes", files(&shipped, &["md"])).holds(300);
    let Some(corpora) = corpora::folder(&["compass", "../notes"]) else { return };
    notes("samples", files(&corpora.join("../notes"), &["md"])).holds(5);
    notes("compass", files(&corpora.join("compass/resources"), &["md"])).holds(35);
}
