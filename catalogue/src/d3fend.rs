//! D3FEND: which countermeasures work against which technique.
//!
//! Techniques and countermeasures meet at digital artifacts. A countermeasure that acts on a class of
//! artifacts acts on its subclasses too, and a sub-technique without artifacts of its own has its
//! parent's: direct links alone find nothing for T1102.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ontology;
use crate::rule::{Skipped, broken_json, string, technique_id};

/// Countermeasures, and the techniques that they work against.
#[derive(Clone, Debug, Default)]
pub struct D3fend {
    /// By id: `D3-OTF`.
    pub countermeasures: BTreeMap<String, Countermeasure>,
    /// ATT&CK id to countermeasures, with how they meet.
    pub against: BTreeMap<String, Vec<Meeting>>,
    /// The release, as `1.2.0`; empty where the copy does not say.
    pub version: String,
}

/// A defensive technique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Countermeasure {
    /// `D3-OTF`.
    pub id: String,
    /// The name in addresses: `OutboundTrafficFiltering`.
    pub iri: String,
    /// `Outbound Traffic Filtering`.
    pub name: String,
    /// What it is.
    pub definition: String,
    /// `Detect`, `Isolate`...
    pub tactic: String,
    /// Other names.
    pub synonyms: Vec<String>,
    /// How it works, in Markdown; empty where D3FEND has no article.
    pub article: String,
    /// Title and address of what it is based on.
    pub references: Vec<(String, String)>,
}

/// Where a technique and a countermeasure meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meeting {
    /// The countermeasure's id.
    pub countermeasure: String,
    /// What it does: `filters`.
    pub acts: String,
    /// On which artifact: `OutboundNetworkTraffic`.
    pub on: String,
    /// What the technique does: `produces`.
    pub technique_does: String,
    /// With which artifact.
    pub artifact: String,
}

/// Names of D3FEND's own are in this namespace.
const D3FEND: &str = "http://d3fend.mitre.org/ontologies/d3fend.owl#";
const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";
const TACTICS: [&str; 7] = ["Model", "Harden", "Detect", "Isolate", "Deceive", "Evict", "Restore"];

/// Reads the ontology (`.ttl`).
pub fn read_ontology(text: &str) -> Result<D3fend, Skipped> {
    let classes = ontology::read(text).map_err(Skipped::Broken)?;
    let ontology = Ontology { classes: &classes };
    let mut d3fend = D3fend::default();
    // What each countermeasure acts on: the artifact's class to countermeasures.
    let mut acting: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (name, class) in &classes {
        let Some(id) = own_text(class, "d3fend-id").filter(|id| id.starts_with("D3-")) else {
            continue;
        };
        let tactic = ontology.tactic(name);
        if tactic.is_empty() || class.deprecated {
            continue;
        }
        let countermeasure = Countermeasure {
            id: id.to_owned(),
            iri: local(name).to_owned(),
            name: class
                .texts
                .get(LABEL)
                .and_then(|texts| texts.first())
                .cloned()
                .unwrap_or_default(),
            definition: own_text(class, "definition").unwrap_or_default().to_owned(),
            tactic,
            synonyms: own_texts(class, "synonym").to_vec(),
            article: own_text(class, "kb-article").unwrap_or_default().to_owned(),
            references: ontology.references(class),
        };
        d3fend.countermeasures.insert(id.to_owned(), countermeasure);
        for (property, artifact) in ontology.relations(name) {
            acting.entry(artifact).or_default().insert((id, property));
        }
    }
    for (name, class) in &classes {
        let Some(id) = own_text(class, "attack-id").and_then(technique_id) else {
            continue;
        };
        let mut meetings = BTreeSet::new();
        for (property, artifact) in ontology.relations(name) {
            for ancestor in ontology.ancestors(artifact) {
                for (countermeasure, acts) in acting.get(ancestor).into_iter().flatten() {
                    meetings.insert(Meeting {
                        countermeasure: (*countermeasure).to_owned(),
                        acts: local(acts).to_owned(),
                        on: local(ancestor).to_owned(),
                        technique_does: local(property).to_owned(),
                        artifact: local(artifact).to_owned(),
                    });
                }
            }
        }
        if !meetings.is_empty() {
            d3fend.against.insert(id, meetings.into_iter().collect());
        }
    }
    Ok(d3fend)
}

/// A text that a class has under a property of D3FEND's own.
fn own_text<'c>(class: &'c ontology::Class, property: &str) -> Option<&'c str> {
    own_texts(class, property).first().map(String::as_str)
}

/// All of them.
fn own_texts<'c>(class: &'c ontology::Class, property: &str) -> &'c [String] {
    class.texts.get(&format!("{D3FEND}{property}")).map_or(&[], Vec::as_slice)
}

struct Ontology<'o> {
    classes: &'o BTreeMap<String, ontology::Class>,
}

impl<'o> Ontology<'o> {
    /// A class and everything above it.
    fn ancestors(&self, name: &'o str) -> BTreeSet<&'o str> {
        let (mut found, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(name) = open.pop() {
            if found.insert(name)
                && let Some(class) = self.classes.get(name)
            {
                open.extend(class.parents.iter().map(String::as_str));
            }
        }
        found
    }

    /// What a class has to do with artifacts, itself or through its superclasses.
    fn relations(&self, name: &'o str) -> BTreeSet<(&'o str, &'o str)> {
        let mut found = BTreeSet::new();
        for ancestor in self.ancestors(name) {
            let Some(class) = self.classes.get(ancestor) else { continue };
            for (property, artifact) in &class.relations {
                if self.is_artifact(artifact) && property.starts_with(D3FEND) {
                    found.insert((property.as_str(), artifact.as_str()));
                }
            }
        }
        found
    }

    /// Title and address of the documents that a class refers to.
    fn references(&self, class: &ontology::Class) -> Vec<(String, String)> {
        let named = class
            .relations
            .iter()
            .filter(|(property, _)| own_name(property) == Some("kb-reference"));
        let of = |(_, name): &(String, String)| {
            let reference = self.classes.get(name)?;
            let title = own_text(reference, "kb-reference-title")
                .or_else(|| Some(reference.texts.get(LABEL)?.first()?.as_str()))?;
            let link = own_text(reference, "has-link").unwrap_or_default();
            Some((title.to_owned(), link.to_owned()))
        };
        named.filter_map(of).collect()
    }

    fn is_artifact(&self, name: &'o str) -> bool {
        self.ancestors(name).iter().any(|name| own_name(name) == Some("DigitalArtifact"))
    }

    /// The tactic that a defensive technique enables, itself or through its superclasses.
    fn tactic(&self, name: &'o str) -> String {
        for ancestor in self.ancestors(name) {
            let Some(class) = self.classes.get(ancestor) else { continue };
            for (property, target) in &class.relations {
                if own_name(property) == Some("enables") && TACTICS.contains(&local(target)) {
                    return local(target).to_owned();
                }
            }
        }
        String::new()
    }
}

/// The local name of something that is D3FEND's own.
fn own_name(iri: &str) -> Option<&str> {
    iri.strip_prefix(D3FEND)
}

/// The part of an IRI or of a prefixed name behind its namespace.
fn local(name: &str) -> &str {
    name.rsplit(['#', ':']).next().unwrap_or(name)
}

/// Reads a mapping: MITRE's full mappings, or the answer for one technique (`off_to_def`).
pub fn read_mapping(text: &str) -> Result<D3fend, Skipped> {
    let file: Value = serde_json::from_str(text).map_err(|error| broken_json("D3FEND", &error))?;
    let bindings =
        file.pointer("/results/bindings").or_else(|| file.pointer("/off_to_def/results/bindings"));
    let Some(bindings) = bindings.and_then(Value::as_array) else { return Err(Skipped::Retired) };
    let mut d3fend = D3fend::default();
    let mut against: BTreeMap<String, BTreeSet<Meeting>> = BTreeMap::new();
    for binding in bindings {
        let text = |key: &str| {
            binding.get(key).and_then(|value| string(value, "value")).unwrap_or_default()
        };
        let (Some(technique), id) = (technique_id(&text("off_tech_id")), text("def_tech_id"))
        else {
            continue;
        };
        if id.is_empty() {
            continue;
        }
        let name = |key: &str| local(&text(key)).to_owned();
        d3fend.countermeasures.entry(id.clone()).or_insert_with(|| Countermeasure {
            id: id.clone(),
            iri: name("def_tech"),
            name: text("def_tech_label"),
            definition: text("def_tech_definition"),
            tactic: text("def_tactic_label"),
            ..Countermeasure::default()
        });
        against.entry(technique).or_default().insert(Meeting {
            countermeasure: id,
            acts: name("def_artifact_rel"),
            on: name("def_artifact"),
            technique_does: name("off_artifact_rel"),
            artifact: name("off_artifact"),
        });
    }
    d3fend.against =
        against.into_iter().map(|(id, meetings)| (id, meetings.into_iter().collect())).collect();
    Ok(d3fend)
}

impl D3fend {
    /// The countermeasures against a technique, each once; those of its parent where it has none.
    pub fn for_technique(&self, id: &str) -> Vec<&str> {
        let parent = id.split_once('.').map(|(parent, _)| parent);
        let meetings = self.against.get(id).or_else(|| self.against.get(parent?));
        let set: BTreeSet<&str> =
            meetings.into_iter().flatten().map(|meeting| meeting.countermeasure.as_str()).collect();
        set.into_iter().collect()
    }

    /// Where it comes from, and under which terms it is passed on.
    pub fn notice(&self) -> String {
        let version = match self.version.as_str() {
            "" => String::new(),
            version => format!(" {version}"),
        };
        format!(
            "D3FEND{version}, <https://d3fend.mitre.org/>, MIT licence. \u{a9} The MITRE Corporation. D3FEND is a trademark of The MITRE Corporation."
        )
    }

    /// Adds what another source says and this one does not.
    pub fn add(&mut self, other: D3fend) {
        if self.version.is_empty() {
            self.version = other.version;
        }
        for (id, countermeasure) in other.countermeasures {
            self.countermeasures.entry(id).or_insert(countermeasure);
        }
        for (id, meetings) in other.against {
            self.against.entry(id).or_insert(meetings);
        }
    }
}
