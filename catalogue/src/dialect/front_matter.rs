//! The front matter of a note, typed, with what is odd about it.

use diagnostics::front_matter::{self, Entry};

use super::Value;
use crate::rule::iso_date;

/// Keys whose comma strings are lists.
const LISTS: [&str; 6] = ["tactics", "platforms", "tags", "tag", "aliases", "cssclasses"];
/// Keys whose values are dates.
const DATES: [&str; 4] = ["created", "last_modified", "date", "modified"];

/// A note, split behind its front matter.
#[derive(Debug, Default)]
pub(super) struct Head<'t> {
    /// Whether there is front matter.
    pub(super) is_there: bool,
    pub(super) properties: Vec<(String, Value)>,
    pub(super) remarks: Vec<(usize, String)>,
    pub(super) body: &'t str,
    pub(super) body_line: usize,
}

pub(super) fn read(text: &str) -> Head<'_> {
    let Ok(split) = front_matter::split(text) else {
        let bare = || Head { body: text, body_line: 1, ..Head::default() };
        return dotted(text).unwrap_or_else(bare);
    };
    let mut head = Head {
        is_there: true,
        body: split.body,
        body_line: split.body_line as usize,
        ..Head::default()
    };
    let entries: Vec<(String, usize, Value)> = match split.entries() {
        Ok(entries) => {
            let entry =
                |entry: Entry| (entry.key, entry.span.line as usize, Value::of(&entry.value));
            entries.into_iter().map(entry).collect()
        }
        Err(problem) => {
            let line = problem.span.line as usize;
            let message = format!("the front matter cannot be read: {}", problem.message);
            head.remarks.push((line, message));
            loose(split.yaml)
        }
    };
    for (key, line, value) in entries {
        let value = normal(&key, value, line, &mut head.remarks);
        head.properties.push((key, value));
    }
    head
}

/// Front matter that ends with `...`, as YAML allows.
fn dotted(text: &str) -> Option<Head<'_>> {
    let behind = text.strip_prefix("---\n")?;
    let (yaml, body) = match behind.split_once("\n...\n") {
        Some(split) => split,
        None => (behind.trim_end().strip_suffix("\n...")?, ""),
    };
    let dashed = format!("---\n{yaml}\n---\n");
    let head = read(&dashed);
    head.is_there.then(|| Head {
        is_there: true,
        properties: head.properties,
        remarks: head.remarks,
        body,
        body_line: yaml.lines().count() + 3,
    })
}

/// A value with its date in one form and its comma string as a list; both are reported.
fn normal(key: &str, value: Value, line: usize, remarks: &mut Vec<(usize, String)>) -> Value {
    match value {
        Value::Text(text) if LISTS.contains(&key) && text.contains(',') => {
            remarks
                .push((line, format!("`{key}` was one text with commas; it was read as a list")));
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::List(parts.map(|part| Value::Text(part.to_owned())).collect())
        }
        Value::List(list) if DATES.contains(&key) => {
            Value::List(list.into_iter().map(|value| normal(key, value, line, remarks)).collect())
        }
        Value::Text(text) if DATES.contains(&key) => match iso_date(&text) {
            Some(date) => {
                if date != text {
                    remarks.push((line, format!("`{key}` was `{text}`; it was read as {date}")));
                }
                Value::Date(date)
            }
            None => {
                remarks.push((line, format!("`{key}` is no date: `{text}`")));
                Value::Text(text)
            }
        },
        other => other,
    }
}

/// Front matter that is not YAML, line by line: `key: value`. Of a key that is repeated the last counts.
fn loose(head: &str) -> Vec<(String, usize, Value)> {
    let mut entries: Vec<(String, usize, Value)> = Vec::new();
    for (line, text) in (2..).zip(head.lines()) {
        if let Some((key, value)) = text.split_once(':') {
            let value = value.trim().trim_matches(['[', ']']);
            let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
            let mut parts: Vec<Value> = parts.map(|part| Value::Text(part.to_owned())).collect();
            let key = key.trim().to_owned();
            entries.retain(|(other, ..)| *other != key);
            let value = match parts.len() {
                1 => parts.pop().unwrap_or(Value::Empty),
                _ => Value::List(parts),
            };
            entries.push((key, line, value));
        } else if let Some((_, _, value)) = entries.last_mut() {
            // A line without a key belongs to the value above.
            let mut parts = match std::mem::replace(value, Value::Empty) {
                Value::Empty => Vec::new(),
                Value::List(list) => list,
                other => vec![other],
            };
            let text = text.trim().trim_start_matches("- ");
            parts.extend((!text.is_empty()).then(|| Value::Text(text.to_owned())));
            *value = Value::List(parts);
        }
    }
    entries
}
