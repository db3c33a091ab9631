//! Notes with front matter and sections: `created`, `tactics`, `tags: [T1102_002, ...]`.

use diagnostics::front_matter::{self, Entry};
use diagnostics::yaml::{Kind, Node, Scalar};
use serde_json::Value;

use super::section;
use super::{Dialect, TechniqueNote};
use crate::rule::{iso_date, technique_id};

/// Keys whose comma strings are lists.
const LISTS: [&str; 5] = ["tactics", "platforms", "tags", "aliases", "cssclasses"];
/// Keys whose values are dates.
const DATES: [&str; 4] = ["created", "last_modified", "date", "modified"];

pub(super) fn read(text: &str) -> Option<TechniqueNote> {
    let split = front_matter::split(text).ok()?;
    let mut remarks = Vec::new();
    let entries: Vec<(String, usize, Value)> = match split.entries() {
        Ok(entries) => {
            let value = |entry: Entry| (entry.key, entry.span.line as usize, value(&entry.value));
            entries.into_iter().map(value).collect()
        }
        Err(problem) => {
            let line = problem.span.line as usize;
            remarks.push((line, format!("the front matter cannot be read: {}", problem.message)));
            loose(split.yaml)
        }
    };
    let mut properties = Vec::new();
    for (key, line, value) in &entries {
        properties.push((key.clone(), values(key, value, *line, &mut remarks)));
    }
    let list = |wanted: &str| {
        properties
            .iter()
            .find(|(key, _)| key == wanted)
            .map(|(_, values)| values.clone())
            .unwrap_or_default()
    };
    let from_url = list("url")
        .first()
        .and_then(|url| url.split_once("/techniques/"))
        .and_then(|(_, id)| technique_id(id.trim_matches('/')));
    let technique = list("tags").iter().find_map(|tag| technique_id(tag)).or(from_url)?;
    // A rule or a runbook carries a technique's tag too.
    if list("tags").iter().any(|tag| matches!(tag.as_str(), "detection_rule" | "atomic_test")) {
        return None;
    }
    let mut sections = section::split(split.body, split.body_line as usize);
    let name = match sections.iter().position(|section| section.level > 0) {
        Some(idx) => sections.get(idx).map(|section| section.title.clone()).unwrap_or_default(),
        None => String::new(),
    };
    sections.retain(|section| !(section.title == name && section.text.trim().is_empty()));
    Some(TechniqueNote {
        file: String::new(),
        dialect: Dialect::FrontMatter,
        technique,
        name,
        tactics: list("tactics"),
        properties,
        sections,
        remarks,
        mismatches: Vec::new(),
    })
}

/// A value as texts: dates in one form, comma strings of lists split; both are reported.
fn values(
    key: &str,
    value: &Value,
    line: usize,
    remarks: &mut Vec<(usize, String)>,
) -> Vec<String> {
    let mut texts = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().map(plain).collect(),
        other => vec![plain(other)],
    };
    if LISTS.contains(&key)
        && let [single] = texts.as_slice()
        && single.contains(',')
        && !matches!(value, Value::Array(_))
    {
        remarks.push((line, format!("`{key}` was one text with commas; it was read as a list")));
        texts = single
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect();
    }
    if DATES.contains(&key) {
        for text in &mut texts {
            match iso_date(text) {
                Some(date) if date != *text => {
                    remarks.push((line, format!("`{key}` was `{text}`; it was read as {date}")));
                    *text = date;
                }
                Some(_) => {}
                None => remarks.push((line, format!("`{key}` is no date: `{text}`"))),
            }
        }
    }
    texts
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A node of YAML as JSON.
fn value(node: &Node) -> Value {
    match (&node.kind, node.scalar()) {
        (Kind::List(list), _) => list.iter().map(value).collect(),
        (Kind::Map(pairs), _) => {
            let key = |key: &Node| match value(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(pairs.iter().map(|(name, node)| (key(name), value(node))).collect())
        }
        (Kind::Scalar { .. }, Some(Scalar::Bool(truth))) => Value::Bool(truth),
        (Kind::Scalar { .. }, None | Some(Scalar::Null)) => Value::Null,
        // A number is shown as it is written.
        (Kind::Scalar { text, .. }, Some(Scalar::Number(_) | Scalar::Text(_))) => {
            Value::String(text.clone())
        }
    }
}

/// Front matter that is not YAML, line by line: `key: value`. Of a key that is repeated the last counts.
fn loose(head: &str) -> Vec<(String, usize, Value)> {
    let mut entries: Vec<(String, usize, Value)> = Vec::new();
    for (line, text) in (2..).zip(head.lines()) {
        if let Some((key, value)) = text.split_once(':') {
            let value = value.trim().trim_matches(['[', ']']);
            let parts: Vec<Value> = value
                .split(',')
                .map(|part| Value::String(part.trim().to_owned()))
                .filter(|part| part != "")
                .collect();
            let key = key.trim().to_owned();
            entries.retain(|(other, ..)| *other != key);
            entries.push((key, line, Value::Array(parts)));
        }
    }
    entries
}
