//! YAML as a tree that keeps how scalars were written, so that a rule can be cut down and written again.

use std::fmt::Write;

use anyhow::{Context, bail};
use saphyr_parser::{Event, Parser, ScalarStyle};

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// A scalar without quotes: it may be a number, a boolean or null.
    Plain(String),
    /// A scalar in quotes: always text.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// A map in the order of the source.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Yaml::Plain(text) | Yaml::Text(text) => Some(text),
            Yaml::List(_) | Yaml::Map(_) => None,
        }
    }

    /// The texts of a scalar, or of a list of scalars.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Yaml::List(list) => list.iter().filter_map(Yaml::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        }
    }

    /// The entry of a map.
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        let Yaml::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Calls `change` for every scalar.
    pub fn change_scalars(&mut self, change: &mut dyn FnMut(&mut Yaml)) {
        match self {
            Yaml::Map(map) => map.iter_mut().for_each(|(_, value)| value.change_scalars(change)),
            Yaml::List(list) => list.iter_mut().for_each(|value| value.change_scalars(change)),
            scalar => change(scalar),
        }
    }

    /// The documents of a text. Aliases are not read: `SigmaHQ` uses none.
    pub fn read(text: &str) -> anyhow::Result<Vec<Yaml>> {
        let mut open: Vec<Open> = Vec::new();
        let mut documents = Vec::new();
        for event in Parser::new_from_str(text) {
            let complete = match event?.0 {
                Event::Scalar(text, ScalarStyle::Plain, ..) => Yaml::Plain(text.into_owned()),
                Event::Scalar(text, ..) => Yaml::Text(text.into_owned()),
                Event::SequenceStart(..) => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                Event::MappingStart(..) => {
                    open.push(Open::Map(Vec::new(), None));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open::List(list)) => Yaml::List(list),
                    Some(Open::Map(map, _)) => Yaml::Map(map),
                    None => bail!("an end without a start"),
                },
                Event::Alias(_) => bail!("an alias"),
                _ => continue,
            };
            match open.last_mut() {
                None => documents.push(complete),
                Some(Open::List(list)) => list.push(complete),
                Some(Open::Map(map, key)) => match key.take() {
                    Some(key) => map.push((key, complete)),
                    None => *key = Some(complete.as_str().context("a key that is no text")?.into()),
                },
            }
        }
        Ok(documents)
    }

    /// Appends the value of `key:` in block style.
    pub(crate) fn write(&self, depth: usize, out: &mut String) {
        match self {
            Yaml::Plain(text) => out.extend([" ", text, "\n"]),
            Yaml::Text(text) => out.extend([" ", &quoted(text), "\n"]),
            Yaml::List(list) if list.is_empty() => out.push_str(" []\n"),
            Yaml::Map(map) if map.is_empty() => out.push_str(" {}\n"),
            Yaml::List(list) => {
                out.push('\n');
                for value in list {
                    // A map or list in a list starts on a line of its own.
                    out.push_str(&"    ".repeat(depth));
                    out.push('-');
                    value.write(depth + 1, out);
                }
            }
            Yaml::Map(map) => {
                out.push('\n');
                for (key, value) in map {
                    out.push_str(&"    ".repeat(depth));
                    out.push_str(&quoted_if_needed(key));
                    out.push(':');
                    value.write(depth + 1, out);
                }
            }
        }
    }
}

enum Open {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

fn quoted_if_needed(key: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'|' | b'-');
    let starts = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if starts && key.bytes().all(plain) { key.to_owned() } else { quoted(key) }
}

/// Single quotes where they can hold the text, else double ones.
fn quoted(text: &str) -> String {
    let special = |character: char| {
        character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    if !text.contains(special) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            character if special(character) => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["a: 1\nb:\n    - 'x'\n    - y\nc:\n    d: {}\n", "a: \"it's\\n\\u0001\"\n"] {
            let document = Yaml::read(text).unwrap().remove(0);
            let mut out = String::new();
            document.write(0, &mut out);
            assert_eq!(Yaml::read(&out).unwrap(), [document], "{out}");
        }
    }
}
