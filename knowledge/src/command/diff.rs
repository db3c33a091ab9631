//! `tidegate diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use inspect::Pack;
use knowledge::explain::printable;
use knowledge::hunt::{FieldMap, Output};
use knowledge::pack_difference::{Change, RuleDifference, difference};
use knowledge::{Finding, Sources, codes, pack_file};
use serde_json::{Value, json};
use sigma::Diagnostic;

use super::show::policy;
use super::{Outcome, PlainFormat, counted, pretty};
use crate::{disk, stream};

/// Shows what changes between two packs: rules added, removed and changed.
///
/// With --log also what changes on logs, which are read as `tidegate hunt` reads them: the matches that
/// are gained and lost.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The pack that is at work
    old: PathBuf,
    /// The pack that is to follow it
    new: PathBuf,
    /// A log to hold against both; can be given several times
    #[arg(short, long, value_name = "FILE")]
    log: Vec<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    format: PlainFormat,
}

/// A pack that is known to be one.
struct Side {
    name: Arc<str>,
    bytes: Vec<u8>,
    pack: Pack,
}

/// A match in a log, by its place: kind, file, line and rule.
type Place = (String, String, u64, String);

/// The matches of one pack, each with its record.
type Matches = BTreeMap<Place, Value>;

impl Diff {
    pub(super) fn run(&self) -> Outcome {
        let (old, new) = match (side(&self.old), side(&self.new)) {
            (Ok(old), Ok(new)) => (old, new),
            (old, new) => {
                let errors = [old.err(), new.err()];
                let findings: Vec<Finding> = errors.into_iter().flatten().map(|it| *it).collect();
                return Outcome::refused(&findings, &Sources::new());
            }
        };
        let mut findings = Vec::new();
        let mut matches = [Matches::new(), Matches::new()];
        if !self.log.is_empty() {
            for (side, matches) in [&old, &new].into_iter().zip(&mut matches) {
                match self.hunt(&side.bytes, &mut findings) {
                    Ok(found) => *matches = found,
                    Err(error) => return Outcome::failed(&disk::reason(&error)),
                }
            }
        }
        let Outcome { stderr, .. } = Outcome::refused(&findings, &Sources::new());
        let code = u8::from(!findings.is_empty());
        let title = format!("{} -> {}", describe(&old), describe(&new));
        let policies = [&old, &new].map(|side| policy::to_text(side.pack.tables()));
        let policy = changed_lines(&policies);
        let rules = difference(old.pack, new.pack);
        let stdout = match self.format {
            PlainFormat::Text => text(&title, &rules, &policy, &matches, !self.log.is_empty()),
            PlainFormat::Json => pretty(&to_json(&rules, &policy, &matches)),
        };
        Outcome { stdout, stderr, code }
    }

    /// The matches of a pack on the logs; adds to `findings` what could not be read, once for both packs.
    fn hunt(&self, pack: &[u8], findings: &mut Vec<Finding>) -> io::Result<Matches> {
        let map = FieldMap::default();
        let job = stream::Job {
            pack,
            logs: self.log.clone(),
            format: None,
            map: &map,
            output: Output::Json,
            show_values: false,
            terms: None,
            n_threads: None,
        };
        let mut records = Vec::new();
        let done = job.run(&mut records)?;
        let mut found = done.problems;
        if let Some((place, reason)) = done.first_unreadable {
            let n_lines = done.n_unreadable + done.n_events;
            found.push(Finding::from(Diagnostic {
                code: &codes::BROKEN_LOG_LINE,
                message: format!(
                    "{} of {n_lines} lines of the logs cannot be read, first this: {reason}",
                    done.n_unreadable
                ),
                help: "mend or leave out these lines; `tidegate hunt` counts them by their reasons"
                    .to_owned(),
                place,
                fix: None,
            }));
        }
        found.retain(|finding| !findings.contains(finding));
        findings.append(&mut found);
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
}

fn side(path: &Path) -> Result<Side, Box<Finding>> {
    let (name, bytes) = disk::read_pack(path)?;
    let pack = pack_file::decode(&name, &bytes)?;
    Ok(Side { name, bytes, pack })
}

fn describe(side: &Side) -> String {
    let tables = side.pack.tables();
    format!(
        "{} (`{}` version {}, {}, hosts as {})",
        side.name,
        printable(tables.name.as_bytes()),
        tables.version,
        counted(tables.rules.len(), "rule"),
        tables.hosts.as_str(),
    )
}

/// The places that are in `here` and not in `there`.
fn only<'m>(here: &'m Matches, there: &Matches) -> Vec<(&'m Place, &'m Value)> {
    here.iter().filter(|(place, _)| !there.contains_key(*place)).collect()
}

/// The lines of the old policy that the new one does not have, and the other way round. Their order counts
/// too: the first statement that fits decides.
fn changed_lines([old, new]: &[String; 2]) -> [Vec<String>; 2] {
    let n_same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    let rests = [old, new].map(|text| text.lines().skip(n_same).collect::<Vec<_>>());
    let [old, new] = &rests;
    let n_last = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    rests.map(|lines| {
        let n_lines = lines.len() - n_last;
        lines.into_iter().take(n_lines).map(|line| line.trim().to_owned()).collect()
    })
}

fn text(
    title: &str,
    rules: &[RuleDifference],
    policy: &[Vec<String>; 2],
    matches: &[Matches; 2],
    has_log: bool,
) -> String {
    let mut text = format!("{title}\n");
    for rule in rules {
        let (word, parts) = match &rule.change {
            Change::Added => ("added", String::new()),
            Change::Removed => ("removed", String::new()),
            Change::Changed(parts) => ("changed", format!(": {}", parts.join(", "))),
        };
        let (id, title) = (printable(rule.id.as_bytes()), printable(rule.title.as_bytes()));
        let level = if rule.level.is_empty() { "-" } else { rule.level };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word:<8} {id}  {level:<13}  {title}{parts}");
    }
    let count = |is: fn(&Change) -> bool| rules.iter().filter(|rule| is(&rule.change)).count();
    let _ = writeln!(
        text,
        "rules: {} added, {} removed, {} changed",
        count(|it| *it == Change::Added),
        count(|it| *it == Change::Removed),
        count(|it| matches!(it, Change::Changed(_))),
    );
    for (word, lines) in ["-", "+"].iter().zip(policy) {
        for line in lines {
            let _ = writeln!(text, "{word} {line}");
        }
    }
    let [gone, come] = policy;
    if gone.is_empty() && come.is_empty() {
        text += "policy: the same\n";
    }
    if !has_log {
        return text;
    }
    let [old, new] = matches;
    let (gained, lost) = (only(new, old), only(old, new));
    for (word, places) in [("gained", &gained), ("lost", &lost)] {
        for ((_, file, line, rule), record) in places {
            let shown = |key: &str| {
                let value = record.get(key).and_then(Value::as_str).unwrap_or_default();
                printable(value.as_bytes())
            };
            let request = format!("{} {}{}", shown("method"), shown("host"), shown("path"));
            let rule = printable(rule.as_bytes());
            let _ = writeln!(text, "{word:<8} {file}:{line}  {rule}  {}", request.trim());
        }
    }
    let lines = |matches: &Matches| {
        let lines: BTreeSet<_> = matches.keys().map(|(_, file, line, _)| (file, line)).collect();
        lines.len()
    };
    let _ = writeln!(
        text,
        "log: {} on {} before, {} on {} after; {} gained, {} lost",
        counted(old.len(), "match").replace("matchs", "matches"),
        counted(lines(old), "line"),
        counted(new.len(), "match").replace("matchs", "matches"),
        counted(lines(new), "line"),
        gained.len(),
        lost.len(),
    );
    text
}

fn to_json(rules: &[RuleDifference], policy: &[Vec<String>; 2], matches: &[Matches; 2]) -> Value {
    let rules = rules.iter().map(|rule| {
        let (change, parts) = match &rule.change {
            Change::Added => ("added", &[][..]),
            Change::Removed => ("removed", &[][..]),
            Change::Changed(parts) => ("changed", parts.as_slice()),
        };
        json!({
            "change": change,
            "id": rule.id,
            "title": rule.title,
            "level": rule.level,
            "parts": parts,
        })
    });
    let [gone, come] = policy;
    let [old, new] = matches;
    let records = |places: Vec<(&Place, &Value)>| {
        places.into_iter().map(|(_, record)| record.clone()).collect::<Vec<_>>()
    };
    json!({
        "format": 1,
        "rules": rules.collect::<Vec<_>>(),
        "policy": {"removed": gone, "added": come},
        "matches": {"before": old.len(), "after": new.len()},
        "gained": records(only(new, old)),
        "lost": records(only(old, new)),
    })
}
