//! One rule of a collection, whoever wrote it, and what the readers share.

use std::fmt;

pub use sigma::{technique_id, techniques_in};

use crate::query::Expression;
use crate::value::Value;

/// A collection of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// The rule notes of this project.
    Own,
    /// SigmaHQ.
    Sigma,
    /// Elastic's detection rules.
    Elastic,
    /// Splunk's security content.
    Splunk,
    /// Rules in fences of a person's detection pages.
    Noted,
}

impl Collection {
    /// All, in the order of pages.
    pub const ALL: [Collection; 5] = [
        Collection::Own,
        Collection::Sigma,
        Collection::Elastic,
        Collection::Splunk,
        Collection::Noted,
    ];

    /// The name on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Collection::Own => "tidegate",
            Collection::Sigma => "Sigma",
            Collection::Elastic => "Elastic",
            Collection::Splunk => "Splunk",
            Collection::Noted => "Notes",
        }
    }

    /// The licence of the vendor's rules where a rule names none. Of a person's own rules nobody knows it.
    pub fn licence(self) -> &'static str {
        match self {
            Collection::Own => "not stated",
            Collection::Sigma => "Detection Rule License 1.1",
            Collection::Elastic => "Elastic License 2.0",
            Collection::Splunk => "Apache License 2.0",
            Collection::Noted => "not stated",
        }
    }
}

/// One rule of a collection.
#[derive(Clone, Debug)]
pub struct CatalogueRule {
    /// Whose it is.
    pub vendor: Collection,
    /// The path inside of the collection, with `/`.
    pub path: String,
    /// The vendor's id; the path where there is none.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it finds, in the vendor's words.
    pub description: String,
    /// `stable`, `production`, ...
    pub status: Option<String>,
    /// `informational` to `critical`; `None` where the vendor does not say.
    pub level: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The licence that it names itself.
    pub licence: Option<String>,
    /// `YYYY-MM-DD`.
    pub created: Option<String>,
    /// `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// ATT&CK ids as `T1102.002`, sorted, each once.
    pub techniques: Vec<String>,
    /// Tactics as written by the vendor, sorted, each once.
    pub tactics: Vec<String>,
    /// Product, service and category of the logs.
    pub logsource: LogSource,
    /// Where to read more.
    pub references: Vec<String>,
    /// What it also finds.
    pub false_positives: Vec<String>,
    /// The vendor's kind of rule: `new_terms`, `TTP`.
    pub kind: Option<String>,
    /// What it asks for beside its query, in words: each entry is one condition.
    pub conditions: Vec<String>,
    /// The vendor's risk score.
    pub risk_score: Option<String>,
    /// How to investigate it, in the vendor's Markdown; empty where there is no guide.
    pub guide: String,
    /// What has to be set up for it, in the vendor's Markdown.
    pub setup: String,
    /// Of a detection page: keys of its front matter that no other field holds.
    pub properties: Vec<(String, Value)>,
    /// Of a vendor's file: keys that no other field holds, in order; see [`crate::LEFT_OUT`].
    pub others: Vec<(String, Value)>,
    /// What language the query is in.
    pub language: &'static str,
    /// The text of the rule (Sigma) or its query.
    pub text: String,
    /// What the query asks.
    pub reading: Reading,
}

impl CatalogueRule {
    /// Returns a rule of which only vendor, path and title are known.
    pub(crate) fn new(vendor: Collection, path: &str, title: String) -> CatalogueRule {
        CatalogueRule {
            vendor,
            path: path.to_owned(),
            id: path.to_owned(),
            title,
            description: String::new(),
            status: None,
            level: None,
            author: None,
            licence: None,
            created: None,
            modified: None,
            techniques: Vec::new(),
            tactics: Vec::new(),
            logsource: LogSource::default(),
            references: Vec::new(),
            false_positives: Vec::new(),
            kind: None,
            conditions: Vec::new(),
            risk_score: None,
            guide: String::new(),
            setup: String::new(),
            properties: Vec::new(),
            others: Vec::new(),
            language: "none",
            text: String::new(),
            reading: Reading::NoQuery("no query"),
        }
    }
}

/// What logs a rule is for, in the vendor's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSource {
    /// The product.
    pub product: Option<String>,
    /// The service, an index or a data source.
    pub service: Option<String>,
    /// The kind of event.
    pub category: Option<String>,
}

/// What came out of reading a rule's query.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It was read; parts of it may be unread, with reasons.
    Read(Expression),
    /// The rule has no query: machine learning, for example.
    NoQuery(&'static str),
    /// The text does not belong to its language: why.
    Refused(String),
}

impl Reading {
    pub(crate) fn of(result: Result<Expression, impl fmt::Display>) -> Reading {
        match result {
            Ok(expression) => Reading::Read(expression),
            Err(error) => Reading::Refused(error.to_string()),
        }
    }
}

/// Why a file of a collection gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It is retired, or holds something else.
    Retired,
    /// It cannot be read: why.
    Broken(String),
}

/// Why a text that a reader of YAML refuses cannot be read, with its line, in words for people.
pub(crate) fn broken_yaml(text: &str) -> Skipped {
    let mut found = Vec::new();
    let source = diagnostics::SourceText::new("", text);
    diagnostics::yaml::read(&source, &mut found);
    let why =
        found.first().map(|found| format!("line {}: {}", found.place.span.line, found.message));
    let unknown = "the YAML has a repeated key, or a value that is not of the type of its key";
    Skipped::Broken(why.unwrap_or_else(|| unknown.to_owned()))
}

/// Why a text that a reader of TOML refuses cannot be read, with its line, in words for people.
pub(crate) fn broken_toml(text: &str, error: &toml::de::Error) -> Skipped {
    let Some(span) = error.span() else {
        return Skipped::Broken("the file is not TOML".to_owned());
    };
    let before = text.as_bytes().get(..span.start.min(text.len())).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let message = error.message();
    let has = |part: &str| message.contains(part);
    let why = if has("must be quoted") {
        "this is not TOML; a text needs quotes"
    } else if has("duplicate key") || has("redefine") {
        "a table or key is there twice"
    } else if has("basic string") || has("literal string") || has("escape") {
        "a text is not closed, or has a character that TOML does not allow in it"
    } else if has("unclosed") {
        "a table or list is not closed"
    } else {
        "this is not TOML; a text needs quotes"
    };
    Skipped::Broken(format!("line {line}: {why}"))
}

/// Why a text that a reader of JSON refuses cannot be read, with its place, in words for people.
pub(crate) fn broken_json(what: &str, error: &serde_json::Error) -> Skipped {
    let (line, column) = (error.line(), error.column());
    let why =
        if error.is_data() { format!("it is not JSON of {what}") } else { "it is not JSON".into() };
    Skipped::Broken(format!("{why}: line {line}, column {column}"))
}

/// A date as `YYYY-MM-DD`: `2018/06/05` and `2018-6-5T00:00:00Z` too.
pub fn iso_date(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']);
    let text = text.split(['T', ' ']).next()?;
    let mut parts = text.split(['-', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str| text.parse::<u32>().ok();
    let (month, day) = (number(month)?, number(day)?);
    let valid = year.len() == 4
        && number(year).is_some()
        && (1..=12).contains(&month)
        && (1..=31).contains(&day);
    (valid && parts.next().is_none()).then(|| format!("{year}-{month:02}-{day:02}"))
}

pub(crate) fn sorted(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let set: std::collections::BTreeSet<String> = values.into_iter().collect();
    set.into_iter().collect()
}

/// The strings of a list, or a single string.
pub(crate) fn strings(value: Option<&serde_json::Value>) -> Vec<String> {
    match value {
        Some(serde_json::Value::Array(list)) => list.iter().filter_map(scalar).collect(),
        Some(value) => scalar(value).into_iter().collect(),
        None => Vec::new(),
    }
}

pub(crate) fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The keys of a table beside those that have a place of their own, with their values.
pub(crate) fn others(table: &serde_json::Value, placed: &[&str]) -> Vec<(String, Value)> {
    let keys = table.as_object().into_iter().flatten();
    let keys = keys.filter(|(key, _)| !placed.contains(&key.as_str()));
    let pairs = keys.map(|(key, value)| (key.clone(), Value::of_json(value)));
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

pub(crate) fn string(value: &serde_json::Value, key: &str) -> Option<String> {
    value.get(key).and_then(scalar).filter(|text| !text.is_empty())
}
