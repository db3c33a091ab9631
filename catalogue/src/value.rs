//! A value of front matter with its type.

use diagnostics::yaml::{Kind, Node, Scalar};

/// A value of front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// Text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A day, as `YYYY-MM-DD`.
    Date(String),
    /// A list.
    List(Vec<Value>),
    /// Keys and values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Reads a node of YAML. Text that is a day, as `2026-01-15`, is a date.
    pub(crate) fn of(node: &Node) -> Value {
        match (&node.kind, node.scalar()) {
            (Kind::List(list), _) => Value::List(list.iter().map(Value::of).collect()),
            (Kind::Map(pairs), _) => {
                let pair = |(key, value): &(Node, Node)| {
                    (Value::of(key).texts().join(" "), Value::of(value))
                };
                Value::Map(pairs.iter().map(pair).collect())
            }
            (Kind::Scalar { .. }, Some(Scalar::Bool(truth))) => Value::Flag(truth),
            (Kind::Scalar { .. }, None | Some(Scalar::Null)) => Value::Empty,
            (Kind::Scalar { text, .. }, Some(Scalar::Number(_))) => Value::number(text),
            (Kind::Scalar { text, .. }, Some(Scalar::Text(_))) if is_day(text) => {
                Value::Date(text.clone())
            }
            (Kind::Scalar { text, .. }, Some(Scalar::Text(_))) => Value::Text(text.clone()),
        }
    }

    /// Reads a value of a vendor's file, where text that is a day is a date too.
    pub(crate) fn of_json(value: &serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match value {
            Json::Null => Value::Empty,
            Json::Bool(truth) => Value::Flag(*truth),
            Json::Number(number) => Value::number(&number.to_string()),
            Json::String(text) if text.trim().is_empty() => Value::Empty,
            Json::String(text) if is_day(text) => Value::Date(text.clone()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(list) => Value::List(list.iter().map(Value::of_json).collect()),
            Json::Object(map) => Value::Map(
                map.iter().map(|(key, value)| (key.clone(), Value::of_json(value))).collect(),
            ),
        }
    }

    /// Numbers that Obsidian writes back as they are; others, as `007`, are text.
    fn number(text: &str) -> Value {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_plain = is_digits(whole)
            && is_digits(fraction)
            && (whole == "0" || !whole.starts_with('0'))
            && text.len() <= 15;
        if is_plain { Value::Number(text.to_owned()) } else { Value::Text(text.to_owned()) }
    }

    /// All its texts, in order, those of lists and maps too.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Value::Empty => Vec::new(),
            Value::Text(text) | Value::Number(text) | Value::Date(text) => vec![text.clone()],
            Value::Flag(truth) => vec![truth.to_string()],
            Value::List(list) => list.iter().flat_map(Value::texts).collect(),
            Value::Map(pairs) => pairs.iter().flat_map(|(_, value)| value.texts()).collect(),
        }
    }

    /// Returns true if there is no text in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Empty => true,
            Value::List(list) => list.iter().all(Value::is_empty),
            Value::Map(pairs) => pairs.iter().all(|(_, value)| value.is_empty()),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) => false,
        }
    }

    /// Returns true if a property of Obsidian cannot hold it: maps, and lists of lists.
    pub fn is_nested(&self) -> bool {
        match self {
            Value::List(list) => {
                list.iter().any(|value| matches!(value, Value::List(_) | Value::Map(_)))
            }
            Value::Map(_) => true,
            _ => false,
        }
    }
}

/// Returns true if a text is a day, as `2026-01-15`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && crate::iso_date(text).is_some_and(|date| date == text)
}
