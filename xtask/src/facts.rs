//! `cargo xtask facts`: the facts of public collections that are shipped in `knowledge/facts`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use catalogue::facts::{Defence, Facts, Listing, Met, RuleFact, Source, TestFact};
use catalogue::{Collection, technique_id};
use obsidian::gather;
use obsidian::sources::Sources;
use tests::workspace;

use crate::progress::note;
use crate::sources;

/// What facts are written from, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder of corpora [default: that of the tests]
    #[arg(long)]
    corpora: Option<PathBuf>,
    /// A folder with pages of other catalogues [default: `../notes` beside the corpora]
    #[arg(long)]
    pages: Option<PathBuf>,
    /// The folder to write into [default: knowledge/facts]
    #[arg(long)]
    output: Option<PathBuf>,
}

/// The techniques of the vault in the repository; their sub-techniques are meant too.
const TECHNIQUES: [&str; 6] = ["T1071.001", "T1090", "T1102", "T1105", "T1567", "T1572"];

/// A collection whose facts are shipped.
struct Public {
    name: &'static str,
    folder: &'static str,
    /// The day of the commit.
    date: &'static str,
    licence: &'static str,
    licence_file: &'static str,
    notice: &'static str,
}

const PUBLIC: [Public; 5] = [
    Public {
        name: "Sigma",
        folder: "sigma",
        date: "2026-08-05",
        licence: "Detection Rule License 1.1",
        licence_file: "LICENSE",
        notice: "Rules are their authors'; the licence asks for the author's name wherever a rule or a match of it is shown.",
    },
    Public {
        name: "Elastic",
        folder: "elastic",
        date: "2026-08-21",
        licence: "Elastic License 2.0",
        licence_file: "LICENSE.txt",
        notice: "Rules are Elastic's; none of their texts is in this file.",
    },
    Public {
        name: "Splunk",
        folder: "splunk",
        date: "2024-10-24",
        licence: "Apache License 2.0",
        licence_file: "LICENSE",
        notice: "Detections are Splunk's and their authors'.",
    },
    Public {
        name: "Atomic Red Team",
        folder: "atomic",
        date: "2026-08-17",
        licence: "MIT",
        licence_file: "LICENSE.txt",
        notice: "Copyright (c) 2018 Red Canary, Inc.",
    },
    Public {
        name: "D3FEND",
        folder: "d3fend",
        date: "2025-08-25",
        licence: "MIT",
        licence_file: "LICENSE.md",
        notice: "Copyright (c) 2022 The MITRE Corporation. D3FEND is a trademark of The MITRE Corporation.",
    },
];

/// Writes a file for each collection, and one for what other catalogues listed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let corpora = match &arguments.corpora {
        Some(corpora) => corpora.clone(),
        None => sources::needed(&PUBLIC.map(|public| public.folder))?,
    };
    let output = arguments.output.clone();
    let output = output.unwrap_or_else(|| workspace::root().join("knowledge/facts"));
    for public in &PUBLIC {
        let facts = facts(public, &corpora)?;
        write(&output, public.folder, &facts)?;
    }
    let pages = arguments.pages.clone().unwrap_or_else(|| corpora.join("../notes"));
    write(&output, "listings", &listings(&pages)?)
}

/// One entry a line, so that a change of one is a change of one line.
fn write(folder: &Path, name: &str, facts: &Facts) -> Result<()> {
    fs::create_dir_all(folder)?;
    let value = serde_json::to_value(facts)?;
    let mut lines = Vec::new();
    for (key, value) in value.as_object().context("an object")? {
        let entries: Option<Vec<String>> = match value {
            serde_json::Value::Array(list) => Some(list.iter().map(ToString::to_string).collect()),
            serde_json::Value::Object(map) if key != "source" => {
                let entry = |(key, value): (&String, &serde_json::Value)| {
                    format!("{}: {value}", serde_json::Value::from(key.as_str()))
                };
                Some(map.iter().map(entry).collect())
            }
            _ => None,
        };
        let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
        lines.push(match entries {
            Some(entries) => format!("\"{key}\": {open}\n{}\n{close}", entries.join(",\n")),
            None => format!("\"{key}\": {value:#}"),
        });
    }
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, format!("{{\n{}\n}}\n", lines.join(",\n")))?;
    note(&format!(
        "{}: {} rules, {} tests, {} countermeasures, {} listings",
        path.display(),
        facts.rules.len(),
        facts.tests.len(),
        facts.countermeasures.len(),
        facts.listings.len()
    ));
    Ok(())
}

fn facts(public: &Public, corpora: &Path) -> Result<Facts> {
    let folder = corpora.join(public.folder);
    let origin = sources::of(public.folder)?;
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files)?;
    let mut read = Sources::default();
    let mut facts = Facts {
        source: Source {
            collection: public.name.to_owned(),
            url: format!("https://github.com/{}", origin.repository),
            version: origin.commit.to_owned(),
            date: public.date.to_owned(),
            licence: public.licence.to_owned(),
            licence_url: format!(
                "https://github.com/{}/blob/{}/{}",
                origin.repository, origin.commit, public.licence_file
            ),
            notice: public.notice.to_owned(),
            total: 0,
        },
        ..Facts::default()
    };
    match public.name {
        "Atomic Red Team" => {
            gather::tests(&mut read, &files);
            facts.source.total = read.tests.len();
            let tests = read.tests.iter().filter(|test| is_wanted(&test.technique));
            facts.tests = tests.map(TestFact::of).collect();
        }
        "D3FEND" => {
            gather::d3fend(&mut read, &files);
            d3fend(&read, &mut facts);
        }
        name => {
            let vendor = Collection::ALL.into_iter().find(|vendor| vendor.as_str() == name);
            gather::collection(&mut read, vendor.context("a collection")?, &files);
            facts.source.total = read.rules.iter().filter(|it| !it.techniques.is_empty()).count();
            let rules =
                read.rules.iter().filter(|rule| rule.techniques.iter().any(|id| is_wanted(id)));
            facts.rules = rules.map(RuleFact::of).collect();
            facts.rules.sort();
        }
    }
    ensure!(!facts.is_empty(), "nothing of {} in {}", public.name, folder.display());
    Ok(facts)
}

/// The countermeasures against the vault's techniques, with their definitions.
fn d3fend(read: &Sources, facts: &mut Facts) {
    let d3fend = &read.d3fend;
    let mapped: BTreeSet<&str> =
        d3fend.against.values().flatten().map(|it| it.countermeasure.as_str()).collect();
    facts.source.total = mapped.len();
    for (technique, meetings) in d3fend.against.iter().filter(|(id, _)| is_wanted(id)) {
        let met = meetings.iter().map(|it| Met {
            countermeasure: it.countermeasure.clone(),
            acts: it.acts.clone(),
            on: it.on.clone(),
            technique_does: it.technique_does.clone(),
            artifact: it.artifact.clone(),
        });
        facts.against.insert(technique.clone(), met.collect());
    }
    let wanted: BTreeSet<&str> =
        facts.against.values().flatten().map(|it| it.countermeasure.as_str()).collect();
    let found = d3fend.countermeasures.iter().filter(|(id, _)| wanted.contains(id.as_str()));
    let defence = |(id, it): (&String, &catalogue::d3fend::Countermeasure)| {
        let defence = Defence {
            iri: it.iri.clone(),
            name: it.name.clone(),
            tactic: it.tactic.clone(),
            definition: it.definition.clone(),
        };
        (id.clone(), defence)
    };
    let found: BTreeMap<String, Defence> = found.map(defence).collect();
    facts.countermeasures = found;
}

/// What pages of other catalogues listed: titles, links, days and counts.
fn listings(pages: &Path) -> Result<Facts> {
    let mut files = Vec::new();
    collect(pages, pages, &mut files)?;
    let mut read = Sources::default();
    gather::notes(&mut read, files);
    let mut facts = Facts {
        source: Source {
            collection: "Listings".to_owned(),
            url: "https://github.com/ControlCompass/ControlCompass.github.io".to_owned(),
            notice: "Titles, links, days and counts of pages of the Control Validation Compass (MIT licence, Copyright (c) 2022 ControlCompass), of detection.wiki, and of a vault made from ATT&CK (© The MITRE Corporation, reproduced with its permission).".to_owned(),
            ..Source::default()
        },
        ..Facts::default()
    };
    let mut notes: Vec<_> = read.technique_notes.iter().collect();
    notes.sort_by_key(|note| (note.technique.clone(), note.dialect, note.file.clone()));
    for note in notes.into_iter().filter(|note| is_wanted(&note.technique)) {
        facts.listings.extend(Listing::of(note));
    }
    ensure!(!facts.is_empty(), "no page of a technique in {}", pages.display());
    Ok(facts)
}

fn is_wanted(technique: &str) -> bool {
    let parent = technique.split('.').next().unwrap_or(technique);
    technique_id(technique).is_some()
        && TECHNIQUES.iter().any(|it| *it == technique || *it == parent)
}

/// The files below a folder, by their path in it.
pub(crate) fn collect(root: &Path, folder: &Path, files: &mut gather::Files) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push((name, fs::read(&path)?));
        }
    }
    Ok(())
}
