//! Facts of collections that may be passed on where their texts may not: titles, authors, licences, links,
//! numbers, and what catalogues of others listed on a day.
//!
//! A file of facts is JSON, written by `cargo xtask facts` from a copy of the collection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::d3fend::{Countermeasure, D3fend, Meeting};
use crate::dialect::section::{self, Section};
use crate::dialect::{Dialect, TechniqueNote};
use crate::rule::{Skipped, broken_json};
use crate::{CatalogueRule, Collection, atomic};

/// One file of facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// Where they come from.
    pub source: Source,
    /// Rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleFact>,
    /// Tests of Atomic Red Team.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestFact>,
    /// Countermeasures of D3FEND by id, with their definitions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub countermeasures: BTreeMap<String, Defence>,
    /// Techniques to countermeasures, with how they meet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub against: BTreeMap<String, Vec<Met>>,
    /// What catalogues of others listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listing>,
}

/// The copy of a collection that facts were taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// Its name: `Sigma`, `Elastic`, `Splunk`, `Atomic Red Team`, `D3FEND`, or that of a catalogue.
    pub collection: String,
    /// Where it is published.
    pub url: String,
    /// The commit or release.
    pub version: String,
    /// The day of that, `YYYY-MM-DD`.
    pub date: String,
    /// The licence.
    pub licence: String,
    /// Where the licence is.
    pub licence_url: String,
    /// The notice that the licence asks for.
    pub notice: String,
    /// How many of its entries name a technique; 0 where nobody counted.
    pub total: usize,
}

/// A rule: whose it is and where to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleFact {
    /// What people call it.
    pub title: String,
    /// The vendor's id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// The licence, where it is another one than the collection's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// Where it is in the collection.
    pub path: String,
    /// `informational` to `critical`.
    pub level: String,
    /// `stable`, `production`, ...
    pub status: String,
    /// The techniques that it names.
    pub techniques: Vec<String>,
}

/// A test: its number and where to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestFact {
    /// The technique that it exercises.
    pub technique: String,
    /// Its number among the tests of the technique.
    pub number: usize,
    /// The GUID that names it everywhere.
    pub guid: String,
    /// What people call it.
    pub name: String,
    /// `windows`, `linux`, ...
    pub platforms: Vec<String>,
}

/// A countermeasure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defence {
    /// The name in addresses.
    pub iri: String,
    /// What people call it.
    pub name: String,
    /// `Detect`, `Isolate`...
    pub tactic: String,
    /// What it is.
    pub definition: String,
}

/// Where a technique and a countermeasure meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Met {
    /// The countermeasure's id.
    pub countermeasure: String,
    /// What it does.
    pub acts: String,
    /// On which artifact.
    pub on: String,
    /// What the technique does.
    pub technique_does: String,
    /// With which artifact.
    pub artifact: String,
}

/// What a catalogue listed for a technique under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listing {
    /// The technique.
    pub technique: String,
    /// Which catalogue.
    pub catalogue: String,
    /// The heading, as `MITRE D3FEND`.
    pub heading: String,
    /// Where the heading led to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The day of it, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub date: String,
    /// How many the listed source had in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// How many it had for the technique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<usize>,
    /// The entries: title and address, which may be empty.
    pub items: Vec<(String, String)>,
    /// Other links below the heading, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(String, String)>,
}

/// Reads a file of facts.
pub fn read(text: &str) -> Result<Facts, Skipped> {
    // A list would be read as the values of the keys, in their order.
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
        .and_then(|_| serde_json::from_str(text))
        .map_err(|error| broken_json("facts", &error))
}

impl Facts {
    /// Returns true if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
            && self.tests.is_empty()
            && self.countermeasures.is_empty()
            && self.listings.is_empty()
    }

    /// The collection of its rules.
    pub fn vendor(&self) -> Option<Collection> {
        Collection::ALL.into_iter().find(|vendor| vendor.as_str() == self.source.collection)
    }

    /// The address of a file of the collection.
    pub fn address(&self, path: &str) -> String {
        format!("{}/blob/{}/{path}", self.source.url, self.source.version)
    }

    /// The address of a test in the page of its technique.
    pub fn test_address(&self, test: &TestFact) -> String {
        let heading = format!("atomic test #{} - {}", test.number, test.name).to_lowercase();
        let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let anchor: String =
            heading.chars().filter(is_kept).map(|c| if c == ' ' { '-' } else { c }).collect();
        let id = &test.technique;
        format!("{}#{anchor}", self.address(&format!("atomics/{id}/{id}.md")))
    }

    /// The countermeasures as a copy of D3FEND.
    pub fn d3fend(&self) -> D3fend {
        let countermeasure = |(id, it): (&String, &Defence)| {
            let found = Countermeasure {
                id: id.clone(),
                iri: it.iri.clone(),
                name: it.name.clone(),
                definition: it.definition.clone(),
                tactic: it.tactic.clone(),
                ..Countermeasure::default()
            };
            (id.clone(), found)
        };
        let meeting = |met: &Met| Meeting {
            countermeasure: met.countermeasure.clone(),
            acts: met.acts.clone(),
            on: met.on.clone(),
            technique_does: met.technique_does.clone(),
            artifact: met.artifact.clone(),
        };
        let against =
            |(id, met): (&String, &Vec<Met>)| (id.clone(), met.iter().map(meeting).collect());
        D3fend {
            countermeasures: self.countermeasures.iter().map(countermeasure).collect(),
            against: self.against.iter().map(against).collect(),
            version: format!("of {}", self.source.date),
        }
    }
}

impl RuleFact {
    /// What may be passed on of a rule.
    pub fn of(rule: &CatalogueRule) -> RuleFact {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let licence = text(&rule.licence);
        RuleFact {
            title: rule.title.clone(),
            id: rule.id.clone(),
            author: text(&rule.author),
            licence: if licence == rule.vendor.licence() { String::new() } else { licence },
            path: rule.path.clone(),
            level: text(&rule.level),
            status: text(&rule.status),
            techniques: rule.techniques.clone(),
        }
    }
}

impl TestFact {
    /// What is passed on of a test.
    pub fn of(test: &atomic::AtomicTest) -> TestFact {
        TestFact {
            technique: test.technique.clone(),
            number: test.number,
            guid: test.guid.clone(),
            name: test.name.clone(),
            platforms: test.platforms.clone(),
        }
    }
}

impl Listing {
    /// What a catalogue's page listed: headings, dates, counts, titles and links, and no prose of its own.
    pub fn of(note: &TechniqueNote) -> Vec<Listing> {
        let version = note.texts("version").into_iter().next().unwrap_or_default();
        let catalogue = match note.dialect {
            Dialect::Compass => "Control Validation Compass".to_owned(),
            Dialect::CataloguePage => "detection.wiki".to_owned(),
            Dialect::FrontMatter | Dialect::Heading => {
                format!("ATT&CK, version {version} of the technique")
            }
        };
        let date = note.texts("last_modified").into_iter().next().unwrap_or_default();
        let mut found = Vec::new();
        for section in &note.sections {
            let rows = rows(section);
            let items = section.items.iter();
            let items =
                items.map(|item| (item.title.clone(), item.url.clone().unwrap_or_default()));
            let items: Vec<(String, String)> = items.chain(rows).collect();
            let declared =
                section.declared.map(|(declared, _)| declared).or_else(|| declared(section));
            if items.is_empty() && declared.is_none() {
                continue;
            }
            found.push(Listing {
                technique: note.technique.clone(),
                catalogue: catalogue.clone(),
                heading: section.title.clone(),
                url: section.url.clone().unwrap_or_default(),
                date: section.last_accessed.clone().unwrap_or_else(|| date.clone()),
                total: section.total,
                declared,
                links: other_links(section, &items),
                items,
            });
        }
        found
    }
}

/// Links below a heading that are not those of its entries.
fn other_links(section: &Section, items: &[(String, String)]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = section.text.as_str();
    while let Some((title, url)) = section::link(rest) {
        let Some((_, behind)) = rest.split_once(&format!("]({url})")) else { break };
        rest = behind;
        let is_known = items.iter().chain(&found).any(|(_, known)| *known == url);
        if !is_known {
            found.push((title, url));
        }
    }
    found
}

/// The rows of a table below its heading, each as one text.
fn rows(section: &Section) -> Vec<(String, String)> {
    let rows = section.text.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|').map(str::trim);
        (cells.collect::<Vec<_>>().join(", "), String::new())
    };
    rows.map(cells).collect()
}

/// The count in a heading, as `Exclusions (155 distinct)`, or at the start of the words below it.
fn declared(section: &Section) -> Option<usize> {
    let number = |text: &str| text.split(' ').next().and_then(|word| word.parse().ok());
    let of_heading = section.title.split_once(" (").and_then(|(_, rest)| number(rest));
    let of_words =
        || section.text.split_once("shared across the ").and_then(|(_, rest)| number(rest));
    of_heading.or_else(of_words).or_else(|| number(section.text.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_and_lead_to_their_source() {
        let text = r#"{"source": {"collection": "Sigma", "url": "https://a.example/s", "version": "abc", "total": 2},
            "rules": [{"title": "T", "id": "1", "path": "rules/a.yml", "techniques": ["T1102"]}],
            "tests": [{"technique": "T1102", "number": 1, "guid": "g", "name": "Reach out (C2), it's"}]}"#;
        let facts = read(text).unwrap();
        assert_eq!(facts.vendor(), Some(Collection::Sigma));
        assert_eq!(facts.address(&facts.rules[0].path), "https://a.example/s/blob/abc/rules/a.yml");
        assert_eq!(
            facts.test_address(&facts.tests[0]),
            "https://a.example/s/blob/abc/atomics/T1102/T1102.md#atomic-test-1---reach-out-c2-its"
        );
        let written = serde_json::to_string(&facts).unwrap();
        assert_eq!(read(&written).unwrap(), facts);
        for bad in ["[]", "{", r#"{"ruels": []}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
