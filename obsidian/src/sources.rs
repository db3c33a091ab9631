//! The sources of a vault, as they were read.

use std::collections::BTreeMap;

use catalogue::atomic::AtomicTest;
use catalogue::attack::Attack;
use catalogue::d3fend::D3fend;
use catalogue::dialect::section::Section;
use catalogue::dialect::{Document, TechniqueNote, Value};
use catalogue::facts::Facts;
use catalogue::query::{Role, Test};
use catalogue::{CatalogueRule, Reading};

use super::record::Record;
use super::taxonomy;

/// What was read.
#[derive(Debug, Default)]
pub struct Sources {
    /// Rules of all collections, and of our notes.
    pub rules: Vec<CatalogueRule>,
    /// What our rule notes say beside their rules, by the rule's id.
    pub rule_notes: BTreeMap<String, RuleNote>,
    /// Services.
    pub services: Vec<ServiceNote>,
    /// The matrix of services and operations, as SVG; `None` where no rule or no service was read.
    pub service_picture: Option<String>,
    /// Lists.
    pub lists: Vec<ListNote>,
    /// Runbooks, by the id of their rule.
    pub runbooks: BTreeMap<String, Runbook>,
    /// Technique notes.
    pub technique_notes: Vec<TechniqueNote>,
    /// Other notes about techniques, by their file.
    pub documents: Vec<Document>,
    /// ATT&CK.
    pub attack: Attack,
    /// D3FEND.
    pub d3fend: D3fend,
    /// Facts of public collections, where their texts are not there.
    pub facts: Vec<Facts>,
    /// Atomic tests.
    pub tests: Vec<AtomicTest>,
    /// The hash of the pack that a gateway runs with our rules; empty where it is not known.
    pub pack_hash: String,
    /// Rules with the id of another rule of their collection: path and what is double.
    pub duplicates: Vec<(String, String)>,
    /// Files that say what their folder is for, and are not notes: path and why.
    pub passed_over: Vec<(String, String)>,
    /// Files that could not be read: path and why.
    pub broken: Vec<(String, String)>,
}

/// A runbook note.
#[derive(Clone, Debug, Default)]
pub struct Runbook {
    /// What the note says.
    pub sections: Vec<Section>,
    /// Its last run through a gateway.
    pub record: Option<Record>,
    /// A person's own keys.
    pub properties: Vec<(String, Value)>,
}

/// A rule note's own words, and its examples.
#[derive(Clone, Debug, Default)]
pub struct RuleNote {
    /// Services by name.
    pub services: Vec<String>,
    /// Sections by title.
    pub sections: Vec<Section>,
    /// Examples.
    pub examples: Vec<Example>,
    /// A hash of its rule and examples: see [`super::record::content`].
    pub content: String,
}

/// An example of a rule note, as it was run.
#[derive(Clone, Debug)]
pub struct Example {
    /// The paragraph directly before it; empty where there is none.
    pub what: String,
    /// The request head, without secrets: the note's own text.
    pub request: String,
    /// `match` or `pass`.
    pub expected: &'static str,
    /// Whether the rule did what is expected.
    pub holds: bool,
    /// What the gateway's event shows of its path: a template without secrets; `None` for a tunnel.
    pub path: Option<String>,
    /// In which view of the request the rule matched, where it did.
    pub view: Option<&'static str>,
    /// Titles of the other rules that match it.
    pub others: Vec<String>,
}

/// A service.
#[derive(Clone, Debug, Default)]
pub struct ServiceNote {
    /// Its name.
    pub name: String,
    /// What it is: messaging, storage...
    pub category: String,
    /// Host names.
    pub hosts: Vec<String>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// What requests do to it, by name, each with the ids of our rules that find it.
    pub operations: BTreeMap<&'static str, Vec<String>>,
    /// What the note says.
    pub sections: Vec<Section>,
    /// Front matter that no other field holds: identities, clients, operations, and a person's own keys.
    pub properties: Vec<(String, Value)>,
}

/// A list of values that rules share.
#[derive(Clone, Debug, Default)]
pub struct ListNote {
    /// Its name, as rules write it between `%`.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
    /// What the note says.
    pub sections: Vec<Section>,
    /// A person's own keys.
    pub properties: Vec<(String, Value)>,
}

/// How many rules of all collections ask for the same thing.
#[derive(Debug, Default)]
pub struct Reach(BTreeMap<(String, &'static str, String), usize>);

/// A test under our name of its field, in one case.
pub fn key(test: &Test) -> (String, &'static str, String) {
    (taxonomy::normal(&test.field).to_owned(), test.operator.as_str(), test.value.to_lowercase())
}

/// The tests of a rule with their role; none where its query was not read.
pub fn tests(rule: &CatalogueRule) -> Vec<(Role, &Test)> {
    match &rule.reading {
        Reading::Read(expression) => expression.tests(),
        Reading::NoQuery(_) | Reading::Refused(_) => Vec::new(),
    }
}

impl Reach {
    /// Counts each combination once a rule.
    pub fn of(rules: &[CatalogueRule]) -> Reach {
        let mut counts = BTreeMap::new();
        for rule in rules {
            let of_rule: std::collections::BTreeSet<_> =
                tests(rule).into_iter().map(|(_, test)| key(test)).collect();
            for combination in of_rule {
                *counts.entry(combination).or_default() += 1;
            }
        }
        Reach(counts)
    }

    /// The count of a combination.
    pub fn count(&self, combination: &(String, &'static str, String)) -> usize {
        self.0.get(combination).copied().unwrap_or_default()
    }
}
