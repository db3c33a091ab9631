//! Detections in plain Sigma, and their text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A detection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Map(Map),
    All(Vec<Plain>),
    Any(Vec<Plain>),
    Not(Box<Plain>),
}

/// Items that all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map(Vec<(String, Vec<Text>)>);

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// As it is.
    Plain(String),
    /// In quotes.
    Quoted(String),
}

impl Text {
    /// A text in which no character has a meaning.
    pub(super) fn literal(text: &str) -> Text {
        let mut escaped = String::new();
        for char in text.chars() {
            if matches!(char, '*' | '?' | '\\') {
                escaped.push('\\');
            }
            escaped.push(char);
        }
        Text::Quoted(escaped)
    }

    fn yaml(&self) -> String {
        match self {
            Text::Plain(text) => text.clone(),
            Text::Quoted(text) if text.contains(|char: char| char.is_control()) => {
                format!("{text:?}")
            }
            Text::Quoted(text) => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

impl Map {
    pub(super) fn push(&mut self, label: String, values: Vec<Text>) {
        self.0.push((label, values));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_keywords(&self) -> bool {
        matches!(self.0.as_slice(), [(label, _)] if label.is_empty())
    }
}

impl Plain {
    /// What nothing is.
    const NEVER: Plain = Plain::Any(Vec::new());
    /// What everything is.
    const ALWAYS: Plain = Plain::All(Vec::new());

    /// One item; without values it holds nowhere.
    pub(super) fn one(label: &str, values: Vec<Text>) -> Plain {
        if values.is_empty() {
            return Plain::NEVER;
        }
        Plain::Map(Map(vec![(label.to_owned(), values)]))
    }

    /// The same with fewer parts: parts of one kind joined, single parts alone, maps that have no field
    /// in common as one map.
    fn simple(self) -> Plain {
        match self {
            Plain::Map(_) => self,
            Plain::Not(part) => match part.simple() {
                part if part == Plain::NEVER => Plain::ALWAYS,
                part => Plain::Not(Box::new(part)),
            },
            Plain::Any(parts) => {
                let mut flat = Vec::new();
                for part in parts {
                    match part.simple() {
                        Plain::Any(parts) => flat.extend(parts),
                        part if flat.contains(&part) => {}
                        part => flat.push(part),
                    }
                }
                single(flat, Plain::Any)
            }
            Plain::All(parts) => {
                let mut flat: Vec<Plain> = Vec::new();
                for part in parts {
                    match part.simple() {
                        Plain::All(parts) => flat.extend(parts),
                        part if part == Plain::NEVER => return Plain::NEVER,
                        part => flat.push(part),
                    }
                }
                let mut joined: Vec<Plain> = Vec::new();
                for part in flat {
                    let Plain::Map(map) = &part else {
                        joined.push(part);
                        continue;
                    };
                    let takes = |other: &&mut Plain| match other {
                        Plain::Map(other) => {
                            !map.is_keywords()
                                && !other.is_keywords()
                                && map.0.iter().all(|(label, _)| {
                                    other.0.iter().all(|(known, _)| known != label)
                                })
                        }
                        _ => false,
                    };
                    match joined.iter_mut().find(takes) {
                        Some(Plain::Map(other)) => other.0.extend(map.0.iter().cloned()),
                        _ => joined.push(part),
                    }
                }
                single(joined, Plain::All)
            }
        }
    }
}

fn single(mut parts: Vec<Plain>, many: fn(Vec<Plain>) -> Plain) -> Plain {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

/// Collects selections.
#[derive(Default)]
pub(super) struct Writer {
    names: BTreeSet<String>,
    selections: Vec<(String, Vec<Map>)>,
}

impl Writer {
    /// Adds a selection, in as many parts as it needs; returns the condition that it holds.
    pub(super) fn selection(&mut self, name: &str, plain: Plain) -> Result<String, String> {
        self.part(name, plain.simple())
    }

    fn part(&mut self, name: &str, plain: Plain) -> Result<String, String> {
        match plain {
            Plain::Map(map) => Ok(self.add(name, vec![map])),
            Plain::Not(part) => Ok(format!("not {}", self.part(&format!("{name}_not"), *part)?)),
            Plain::All(parts) => {
                let parts: Result<Vec<_>, _> =
                    parts.into_iter().map(|part| self.part(name, part)).collect();
                join(&parts?, " and ")
            }
            Plain::Any(parts) => {
                let (maps, others): (Vec<_>, Vec<_>) =
                    parts.into_iter().partition(|part| matches!(part, Plain::Map(_)));
                let maps: Vec<Map> = maps
                    .into_iter()
                    .filter_map(|part| match part {
                        Plain::Map(map) => Some(map),
                        _ => None,
                    })
                    .collect();
                let mut conditions = Vec::new();
                if !maps.is_empty() {
                    conditions.push(self.add(name, maps));
                }
                for other in others {
                    conditions.push(self.part(name, other)?);
                }
                join(&conditions, " or ")
            }
        }
    }

    fn add(&mut self, name: &str, maps: Vec<Map>) -> String {
        // The same selection may be named several times in a condition.
        if let Some((known, _)) = self.selections.iter().find(|(known, of)| {
            *of == maps
                && known.trim_end_matches(|char: char| char.is_ascii_digit() || char == '_')
                    == name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '_')
        }) {
            return known.clone();
        }
        let mut free = name.to_owned();
        let mut number = 2;
        while self.names.contains(&free) {
            free = format!("{name}_{number}");
            number += 1;
        }
        self.names.insert(free.clone());
        self.selections.push((free.clone(), maps));
        free
    }

    /// The text of `detection`.
    pub(super) fn finish(&self, condition: &str) -> String {
        let mut out = "detection:\n".to_owned();
        for (name, maps) in &self.selections {
            let _ = writeln!(out, "    {name}:");
            match maps.as_slice() {
                [map] if map.is_keywords() => {
                    for value in map.0.iter().flat_map(|(_, values)| values) {
                        let _ = writeln!(out, "        - {}", value.yaml());
                    }
                }
                [map] => items(map, "        ", "        ", &mut out),
                maps => {
                    for map in maps {
                        if map.is_keywords() {
                            for value in map.0.iter().flat_map(|(_, values)| values) {
                                let _ = writeln!(out, "        - {}", value.yaml());
                            }
                        } else {
                            items(map, "        - ", "          ", &mut out);
                        }
                    }
                }
            }
        }
        let plain = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        // Parentheses around all of it are none that a part needs.
        let plain = plain.filter(|inner| !inner.contains(['(', ')']));
        let _ = writeln!(out, "    condition: {}", plain.unwrap_or(condition));
        out
    }
}

fn join(parts: &[String], word: &str) -> Result<String, String> {
    match parts {
        [] => Err("no service of the notes is what it asks for".to_owned()),
        [part] => Ok(part.clone()),
        parts => Ok(format!("({})", parts.join(word))),
    }
}

fn items(map: &Map, first: &str, others: &str, out: &mut String) {
    for (idx, (label, values)) in map.0.iter().enumerate() {
        let indent = if idx == 0 { first } else { others };
        match values.as_slice() {
            [value] => {
                let _ = writeln!(out, "{indent}{label}: {}", value.yaml());
            }
            values => {
                let _ = writeln!(out, "{indent}{label}:");
                for value in values {
                    let _ = writeln!(out, "{others}    - {}", value.yaml());
                }
            }
        }
    }
}
