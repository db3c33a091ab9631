//! Notes with front matter and sections: `created`, `tactics`, `tags: [T1102_002, ...]`.

use serde_json::Value;

use super::section;
use super::{Dialect, TechniqueNote};
use crate::rule::{iso_date, technique_id};

/// Keys whose comma strings are lists.
const LISTS: [&str; 5] = ["tactics", "platforms", "tags", "aliases", "cssclasses"];
/// Keys whose values are dates.
const DATES: [&str; 4] = ["created", "last_modified", "date", "modified"];

pub(super) fn read(text: &str) -> Option<TechniqueNote> {
    let rest = text.strip_prefix("---\n")?;
    let end = rest.find("\n---\n").or_else(|| rest.strip_suffix("\n---").map(str::len))?;
    let head = rest.get(..end)?;
    let body = rest.get(end + 5..).unwrap_or_default();
    let mut remarks = Vec::new();
    let map = match serde_saphyr::from_str::<Value>(head) {
        Ok(Value::Object(map)) => map,
        Ok(_) => return None,
        Err(error) => {
            remarks.push((
                2,
                format!(
                    "the front matter cannot be read: {}",
                    error.to_string().lines().next().unwrap_or_default()
                ),
            ));
            loose(head)
        }
    };
    let mut properties = Vec::new();
    // In the order in which the keys stand; the map of the parser sorts them.
    let order = |key: &String| {
        head.lines().position(|line| {
            line.strip_prefix(key.as_str()).is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by_key(|key| order(key).unwrap_or(usize::MAX));
    for key in keys {
        let line = order(key).map_or(2, |line| line + 2);
        properties.push((
            key.clone(),
            values(key, map.get(key).unwrap_or(&Value::Null), line, &mut remarks),
        ));
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
    let first_line = head.lines().count() + 3;
    let mut sections = section::split(body, first_line);
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

/// A value as texts: dates in one form, comma strings of lists split; both are told.
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

/// Front matter that is no YAML, line by line: `key: value`.
fn loose(head: &str) -> serde_json::Map<String, Value> {
    let mut map = serde_json::Map::new();
    for line in head.lines() {
        if let Some((key, value)) = line.split_once(':') {
            let value = value.trim().trim_matches(['[', ']']);
            let parts: Vec<Value> = value
                .split(',')
                .map(|part| Value::String(part.trim().to_owned()))
                .filter(|part| part != "")
                .collect();
            map.insert(key.trim().to_owned(), Value::Array(parts));
        }
    }
    map
}
