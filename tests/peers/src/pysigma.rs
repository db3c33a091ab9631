//! The answers of pySigma: its `SQLite` backend, run by a script (`pysigma.py`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::rule::Rule;
use crate::yaml::Yaml;

/// The script at work. It ends when its input does.
pub struct PySigma {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl PySigma {
    /// Starts the script with a Python that has what `requirements.txt` names.
    pub fn start(python: &Path) -> anyhow::Result<PySigma> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("pysigma.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let input = child.stdin.take().context("no input")?;
        let output = child.stdout.take().context("no output")?;
        Ok(PySigma { child, input, output: BufReader::new(output) })
    }

    /// Which of the events a rule matches, or why it is refused.
    pub fn matches(
        &mut self,
        rule: &Rule,
        events: &[Value],
    ) -> anyhow::Result<Result<Vec<bool>, String>> {
        let mut fields: Vec<&str> = rule.items().iter().map(|item| item.field).collect();
        for item in rule.items().iter().filter(|item| item.modifiers.contains(&"fieldref")) {
            fields.extend(item.values.iter().filter_map(|value| value.as_str()));
        }
        fields.sort_unstable();
        // Columns are the same in any case.
        fields.dedup_by(|left, right| left.eq_ignore_ascii_case(right));
        let case = json!({ "rule": rule.yaml(), "events": events, "fields": fields });
        writeln!(self.input, "{case}")?;
        self.input.flush()?;
        let mut line = String::new();
        anyhow::ensure!(self.output.read_line(&mut line)? > 0, "the script has ended");
        let answer: Value = serde_json::from_str(&line)?;
        Ok(match answer["matches"].as_array() {
            Some(matches) => Ok(matches.iter().map(|found| found == &Value::Bool(true)).collect()),
            None => Err(answer["refused"].as_str().unwrap_or_default().to_owned()),
        })
    }
}

impl Drop for PySigma {
    fn drop(&mut self) {
        // The script is ours and keeps nothing: it may end at once.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// Why `SQLite` cannot be asked about a rule, by the same list for all; `None` where it can.
///
/// Its limits are SQL's, not Sigma's: how SQL types values, that its `COLLATE NOCASE` and
/// `LIKE` fold ASCII only, that columns have no nested fields, and that there are no keywords.
pub fn out_of_reach(rule: &Rule) -> Option<&'static str> {
    for item in rule.items() {
        let has = |names: &[&str]| item.modifiers.iter().any(|name| names.contains(name));
        if item.field.is_empty() {
            return Some("keywords need a full text table");
        }
        if has(&["lt", "lte", "gt", "gte"]) {
            return Some("text columns compare numbers as text");
        }
        if has(&["minute", "hour", "day", "week", "month", "year"]) {
            return Some("SQLite's time functions convert zones and count weeks in another way");
        }
        if has(&["cidr"]) {
            return Some("networks become prefixes of text, which hold for what is no address");
        }
        if has(&["expand"]) {
            return Some("placeholders need values from outside");
        }
        if has(&["fieldref"]) && has(&["cased", "startswith", "endswith", "contains", "neq"]) {
            return Some("fields are compared as SQL compares columns");
        }
        for value in &item.values {
            let Some(text) = value.as_str() else { continue };
            if !text.is_ascii() {
                return Some("SQLite folds ASCII only");
            }
            if matches!(value, Yaml::Plain(_)) && !has(&["exists"]) && text != "null" {
                let number = text.parse::<f64>();
                if number.is_ok() || matches!(text, "true" | "false") {
                    return Some("SQL compares numbers and booleans by type");
                }
            }
        }
    }
    None
}

/// The event as a row: its top fields as text. `None` where it is more than that.
pub fn row(event: &Value, rule: &Rule) -> Option<Value> {
    let event = event.as_object()?;
    let mut row = serde_json::Map::new();
    for (name, value) in event {
        let text = match value {
            Value::Null => continue,
            Value::String(text) if text.is_ascii() && !text.contains('\0') => text.clone(),
            Value::Number(number) if number.is_i64() => number.to_string(),
            _ => return None,
        };
        row.insert(name.clone(), Value::String(text));
    }
    // `exists` is `IS NOT NULL` in SQL: a null cannot be distinguished from a missing field.
    (!rule.uses("exists") || event.len() == row.len()).then_some(Value::Object(row))
}
