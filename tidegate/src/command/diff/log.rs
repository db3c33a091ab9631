//! Compares the matches of two packs on the same logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;

use diagnostics::{Diagnostic, Finding, printable};
use serde_json::{Map, Value, json};

use crate::command::counted;
use crate::stream::{Done, Job};

/// A match in a log, by its place: kind, file, line and rule.
type Place = (String, String, u64, String);

/// The matches of one pack, each with its record.
type Matches = BTreeMap<Place, Value>;

/// Adds to `findings` what could not be read for a pack, unless the other pack's findings have it.
fn report(done: Done, findings: &mut Vec<Finding>) {
    let mut found = done.problems;
    if let Some((place, reason)) = done.first_unreadable {
        let n_lines = done.n_unreadable + done.n_events;
        found.push(Finding::from(Diagnostic {
            code: &traffic::codes::BROKEN_LOG_LINE,
            message: format!(
                "{} of {n_lines} lines of the logs cannot be read, first this: {}",
                done.n_unreadable,
                reason.as_str()
            ),
            help: "mend or leave out these lines; `tidegate hunt` counts them by their reasons"
                .to_owned(),
            place,
            fix: None,
        }));
    }
    found.retain(|finding| !findings.contains(finding));
    findings.append(&mut found);
}

/// The matches of a pack, from its records.
fn matches(records: &[u8]) -> io::Result<Matches> {
    let lines = records.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.map(|line| {
        let record: Value = serde_json::from_slice(line)?;
        let text =
            |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = record.get("line").and_then(Value::as_u64).unwrap_or_default();
        Ok(((text("kind"), text("file"), line, text("rule")), record))
    });
    read.collect()
}

/// The matches of the old and of the new pack.
#[derive(Default)]
pub(super) struct LogDifference {
    old: Matches,
    new: Matches,
    /// True if their policies were evaluated.
    is_asked: bool,
}

impl LogDifference {
    /// Runs the job's two packs, the old one first; adds to `findings` what could not be read.
    pub(super) fn hunt(job: &Job<'_>, findings: &mut Vec<Finding>) -> io::Result<LogDifference> {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for done in job.run(&mut [&mut old, &mut new])? {
            report(done, findings);
        }
        let (old, new) = (matches(&old)?, matches(&new)?);
        Ok(LogDifference { old, new, is_asked: job.policy.is_some() })
    }

    /// Renders a line for each match that is gained, lost or decided differently, and the numbers.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let (gained, lost) = (only(&self.new, &self.old), only(&self.old, &self.new));
        let otherwise = self.otherwise();
        for (word, places) in [("gained", &gained), ("lost", &lost)] {
            for (place, record) in places {
                let decision = if self.is_asked { decision(record) } else { String::new() };
                line(&mut text, word, place, &decision, record);
            }
        }
        for (place, before, after) in &otherwise {
            let change = format!("{} -> {}", decision(before), decision(after));
            line(&mut text, "decided", place, &change, after);
        }
        let lines = |matches: &Matches| {
            let lines: BTreeSet<_> =
                matches.keys().map(|(_, file, line, _)| (file, line)).collect();
            counted(lines.len(), "line")
        };
        let matches = |matches: &Matches| counted(matches.len(), "match");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "log: {} on {} before, {} on {} after; {} gained, {} lost",
            matches(&self.old),
            lines(&self.old),
            matches(&self.new),
            lines(&self.new),
            gained.len(),
            lost.len(),
        );
        if self.is_asked {
            let _ = writeln!(
                text,
                "policy on the log: {} denied before, {} after; {} decided otherwise",
                counted(n_denied(&self.old), "request"),
                n_denied(&self.new),
                otherwise.len(),
            );
        }
        text
    }

    /// The same for scripts.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let records = |places: Vec<(&Place, &Value)>| {
            places.into_iter().map(|(_, record)| record.clone()).collect::<Vec<_>>()
        };
        let otherwise = self.otherwise();
        let otherwise =
            otherwise.iter().map(|(_, before, after)| json!({"before": before, "after": after}));
        let mut map = Map::new();
        for (key, value) in [
            ("matches", json!({"before": self.old.len(), "after": self.new.len()})),
            ("gained", json!(records(only(&self.new, &self.old)))),
            ("lost", json!(records(only(&self.old, &self.new)))),
            ("decided", otherwise.collect()),
            ("denied", json!({"before": n_denied(&self.old), "after": n_denied(&self.new)})),
        ] {
            map.insert(key.to_owned(), value);
        }
        map
    }

    /// The matches of both packs that their policies do not decide alike.
    fn otherwise(&self) -> Vec<(&Place, &Value, &Value)> {
        let both = self
            .old
            .iter()
            .filter_map(|(place, before)| self.new.get(place).map(|after| (place, before, after)));
        both.filter(|(_, before, after)| decision(before) != decision(after)).collect()
    }
}

/// The places that are in `here` and not in `there`.
fn only<'m>(here: &'m Matches, there: &Matches) -> Vec<(&'m Place, &'m Value)> {
    here.iter().filter(|(place, _)| !there.contains_key(*place)).collect()
}

fn line(text: &mut String, word: &str, place: &Place, decision: &str, record: &Value) {
    let (_, file, line, rule) = place;
    let shown = |key: &str| printable(string(record, key).as_bytes());
    let request = format!("{} {}{}", shown("method"), shown("host"), shown("path"));
    let mut line = format!("{word:<8} {file}:{line}  {}", printable(rule.as_bytes()));
    for part in [decision, request.trim()].iter().filter(|part| !part.is_empty()) {
        line.push_str("  ");
        line.push_str(part);
    }
    line.push('\n');
    text.push_str(&line);
}

/// The decision on a match and its request, in the terms of events.
fn decision(record: &Value) -> String {
    let action = string(record, "action");
    let mut parts = vec![printable(action.as_bytes())];
    let would_deny = record.get("would_deny").and_then(Value::as_bool) == Some(true);
    if would_deny && action != "deny" {
        parts.push("would deny".to_owned());
    }
    for key in ["mode", "exception"] {
        let value = string(record, key);
        if !value.is_empty() {
            parts.push(format!("{key} {}", printable(value.as_bytes())));
        }
    }
    parts.join(", ")
}

/// How many requests are denied.
fn n_denied(matches: &Matches) -> usize {
    let denied = matches.iter().filter(|(_, record)| string(record, "action") == "deny");
    denied.map(|((_, file, line, _), _)| (file, line)).collect::<BTreeSet<_>>().len()
}

fn string<'r>(record: &'r Value, key: &str) -> &'r str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}
