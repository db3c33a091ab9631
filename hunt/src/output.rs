//! The output formats of matches: JSON lines, CSV and a table, with the same columns.

use diagnostics::{printable, printable_json};
use serde_json::{Map, Value, json};

use crate::policy_replay::PolicyFacts;

/// A format of matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A JSON object per line.
    Json,
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// Aligned columns: all of them, cut to their widths.
    Table,
    /// The columns that a person reads first, on lines of at most this many characters.
    Fitted(usize),
}

/// A match of a rule or of a correlation.
#[derive(Debug, Default)]
pub(crate) struct Record<'r> {
    pub(crate) kind: &'static str,
    pub(crate) time: Option<String>,
    pub(crate) file: &'r str,
    pub(crate) line: u64,
    pub(crate) level: &'r str,
    pub(crate) rule: &'r str,
    pub(crate) title: &'r str,
    pub(crate) author: &'r str,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) path: &'r str,
    pub(crate) source: &'r str,
    /// Why: what the rule looks for, or the group of a correlation.
    pub(crate) why: Vec<(String, String, Option<String>)>,
    /// What the source did over time, as far as the rule asks for it.
    pub(crate) behaviour: Option<Vec<(&'static str, Value)>>,
    /// The value of a correlation and the number of its events.
    pub(crate) value: Option<(f64, usize)>,
    /// The decision of the policy, where there is one.
    pub(crate) policy: Option<PolicyFacts<'r>>,
}

const COLUMNS: &[(&str, usize)] = &[
    ("kind", 11),
    ("time", 24),
    ("file", 20),
    ("line", 8),
    ("level", 13),
    ("rule", 36),
    ("title", 44),
    ("author", 24),
    ("method", 7),
    ("host", 32),
    ("path", 32),
    ("source", 15),
    ("action", 7),
    ("exception", 16),
    ("why", 0),
];

impl Output {
    /// Returns what comes before the first record.
    pub(crate) fn head(self) -> String {
        match self {
            Output::Json => String::new(),
            Output::Csv => {
                let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
                format!("{}\r\n", names.join(","))
            }
            Output::Table => row(COLUMNS.iter().map(|(name, _)| (*name).to_owned()), COLUMNS),
            Output::Fitted(width) => {
                let columns = fitted(width);
                row(columns.iter().map(|(name, _)| (*name).to_owned()), &columns)
            }
        }
    }

    /// Appends a record.
    pub(crate) fn record(self, record: &Record<'_>, out: &mut String) {
        match self {
            Output::Json => {
                out.push_str(&printable_json(&record.json().to_string()));
                out.push('\n');
            }
            Output::Csv => {
                let cells: Vec<_> = record.cells().iter().map(|cell| csv(cell)).collect();
                out.push_str(&cells.join(","));
                out.push_str("\r\n");
            }
            Output::Table => out.push_str(&row(record.cells().into_iter(), COLUMNS)),
            Output::Fitted(width) => {
                let columns = fitted(width);
                let cells = record.cells();
                let cell = |wanted: &str| {
                    let named = COLUMNS.iter().zip(&cells).find(|((name, _), _)| *name == wanted);
                    named.map_or_else(String::new, |(_, cell)| cell.clone())
                };
                out.push_str(&row(columns.iter().map(|(name, _)| cell(name)), &columns));
            }
        }
    }
}

impl Record<'_> {
    fn json(&self) -> Value {
        let mut record = Map::new();
        let why = self.why.iter().map(|(field, pattern, value)| {
            let name = if self.value.is_some() { "value" } else { "pattern" };
            let mut why = Map::new();
            why.insert("field".into(), json!(field));
            why.insert(name.into(), json!(pattern));
            if let Some(value) = value {
                why.insert("value".into(), json!(value));
            }
            Value::Object(why)
        });
        record.insert("why".into(), why.collect());
        record.insert("kind".into(), json!(self.kind));
        record.insert("time".into(), json!(self.time));
        record.insert("file".into(), json!(self.file));
        record.insert("line".into(), json!(self.line));
        for (name, value) in [
            ("level", self.level),
            ("rule", self.rule),
            ("title", self.title),
            ("author", self.author),
        ] {
            record.insert(name.into(), json!(value));
        }
        for (name, value) in [
            ("method", self.method),
            ("host", self.host),
            ("path", self.path),
            ("source", self.source),
        ] {
            if !value.is_empty() {
                record.insert(name.into(), json!(value));
            }
        }
        if let Some(values) = &self.behaviour {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            record.insert("behaviour".into(), Value::Object(values.collect()));
        }
        if let Some((value, n_events)) = self.value {
            record.insert("value".into(), json!(value));
            record.insert("events".into(), json!(n_events));
        }
        if let Some(policy) = &self.policy {
            record.insert("action".into(), json!(policy.action));
            record.insert("would_deny".into(), json!(policy.would_deny));
            for (name, text) in &policy.texts {
                record.insert((*name).into(), json!(text));
            }
        }
        Value::Object(record)
    }

    fn cells(&self) -> [String; 15] {
        let mut why: Vec<_> = self
            .why
            .iter()
            .map(|(field, pattern, value)| match value {
                Some(value) => format!("{field}: {pattern} = {value}"),
                None => format!("{field}: {pattern}"),
            })
            .collect();
        for (name, value) in self.behaviour.iter().flatten() {
            why.push(format!("{name}: {value}"));
        }
        if let Some((value, n_events)) = self.value {
            why.push(format!("value: {value}, events: {n_events}"));
        }
        [
            self.kind.to_owned(),
            self.time.clone().unwrap_or_default(),
            self.file.to_owned(),
            self.line.to_string(),
            self.level.to_owned(),
            self.rule.to_owned(),
            self.title.to_owned(),
            self.author.to_owned(),
            self.method.to_owned(),
            self.host.to_owned(),
            self.path.to_owned(),
            self.source.to_owned(),
            self.policy.as_ref().map_or("", |policy| policy.action).to_owned(),
            self.policy.as_ref().map_or("", |policy| policy.text("exception")).to_owned(),
            why.join("; "),
        ]
    }
}

/// Renders a cell, in quotes where it needs them. Clients choose hosts and values, others choose titles and
/// file names: control characters, which a terminal would obey, are escaped, and a cell that a spreadsheet
/// would take for a formula gets an apostrophe in front.
fn csv(cell: &str) -> String {
    let cell = printable(cell.as_bytes());
    let guard = if cell.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if guard.is_empty() && !cell.contains(['"', ',']) {
        return cell;
    }
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

/// The columns of [`Output::Fitted`]: the least width of each, and its share of what is left.
const FITTED: &[(&str, usize, usize)] = &[
    ("time", 20, 0),
    ("level", 8, 0),
    ("title", 12, 3),
    ("method", 7, 0),
    ("host", 12, 2),
    ("path", 8, 2),
    ("source", 9, 1),
    ("action", 7, 0),
];

/// The columns that fit a width, those that a person can do without left out first.
fn fitted(width: usize) -> Vec<(&'static str, usize)> {
    let mut columns = FITTED.to_vec();
    let total = |columns: &[(&str, usize, usize)]| {
        columns.iter().map(|(_, least, _)| least + 1).sum::<usize>().saturating_sub(1)
    };
    for name in ["action", "source", "path", "level", "method"] {
        if total(&columns) > width {
            columns.retain(|(column, ..)| *column != name);
        }
    }
    let left = width.saturating_sub(total(&columns));
    let shares: usize = columns.iter().map(|(.., share)| share).sum();
    let columns = columns.into_iter();
    columns.map(|(name, least, share)| (name, least + left * share / shares.max(1))).collect()
}

fn row(cells: impl Iterator<Item = String>, columns: &[(&str, usize)]) -> String {
    let mut row = String::new();
    for (cell, (_, width)) in cells.zip(columns) {
        // A terminal would obey control characters.
        let cell = printable(cell.as_bytes());
        let n_chars = cell.chars().count();
        if *width > 0 && n_chars > *width {
            row.extend(cell.chars().take(width - 1));
            row.push('…');
        } else {
            row.push_str(&cell);
            row.extend(std::iter::repeat_n(' ', width.saturating_sub(n_chars)));
        }
        row.push(' ');
    }
    let mut row = row.trim_end().to_owned();
    row.push('\n');
    row
}

#[cfg(test)]
mod tests {
    use diagnostics::is_printable;

    use super::*;

    #[test]
    fn control_characters_are_escaped_in_every_column_and_format() {
        let record = Record {
            file: "f\u{1b}]0;x\u{7}",
            title: "t\u{1b}[2J",
            author: "a\u{9b}31m",
            why: vec![(
                "c-uri".to_owned(),
                "p\u{1b}c".to_owned(),
                Some("v\r\n\u{202e}".to_owned()),
            )],
            ..Record::default()
        };
        for output in [Output::Json, Output::Csv, Output::Table, Output::Fitted(200)] {
            let mut out = String::new();
            output.record(&record, &mut out);
            let line = out.trim_end_matches(['\r', '\n']);
            assert!(line.chars().all(is_printable), "{output:?}: {line:?}");
            for escaped in ["f\\u", "t\\u", "a\\u", "p\\u"] {
                let is_shown = escaped == "t\\u" || !matches!(output, Output::Fitted(_));
                assert_eq!(line.contains(escaped), is_shown, "{output:?}: {line}");
            }
        }
    }

    #[test]
    fn a_fitted_table_has_the_width_of_the_terminal() {
        let record = Record {
            time: Some("2026-11-20T08:00:00.000Z".to_owned()),
            level: "high",
            title: "Data posted to a Discord webhook by a program that nobody knows",
            method: "POST",
            host: "canary.discord.com.a-long-name.example",
            path: "/api/webhooks/{webhook}/{secret}/slack/and/more",
            source: "2001:db8:1111:2222:3333:4444:5555:6666",
            ..Record::default()
        };
        for (width, n_columns) in [(60, 4), (80, 6), (100, 8), (200, 8)] {
            let output = Output::Fitted(width);
            let head = output.head();
            assert_eq!(head.split_whitespace().count(), n_columns, "{head}");
            let mut line = String::new();
            output.record(&record, &mut line);
            let length = line.trim_end().chars().count();
            assert!((width / 2..=width).contains(&length), "{width}: {line}");
            assert!(line.contains("Data posted"), "{line}");
        }
    }
}
