//! `tidegate diff`.

mod log;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use diagnostics::{Finding, Sources, printable};
use gateway::pack_difference::{Change, RuleDifference, difference};
use hunt::Output;
use inspect::Pack;
use knowledge::pack_file;
use serde_json::{Value, json};

use super::logs::LogInput;
use super::policy::{KeyInput, check_key};
use super::show::policy;
use super::{Outcome, PlainFormat, ResultFile, counted, pretty};
use crate::project::Project;
use crate::{disk, stream};
use log::LogDifference;

/// Show what changes between two packs.
///
/// Lists the rules that were added, removed and changed, and the changed lines of the policy. With --log,
/// both packs are also run over logs, and the matches that are gained, lost or decided differently are listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate diff deployed.pack next.pack\n\
\x20 tidegate diff deployed.pack next.pack --log access.log --mode enforce\n\
\x20 zcat access.log.gz | tidegate diff deployed.pack next.pack --log -")]
pub(crate) struct Diff {
    /// The old pack, such as the deployed one
    old: PathBuf,
    /// The new pack
    new: PathBuf,
    /// Run both packs over this log, `-` for standard input; can be given several times
    #[arg(short, long, value_name = "FILE")]
    log: Vec<PathBuf>,
    #[command(flatten)]
    key: KeyInput,
    #[command(flatten)]
    input: LogInput,
    /// How to print the differences
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
}

/// A decoded pack with its bytes and name.
struct Side {
    name: Arc<str>,
    bytes: Vec<u8>,
    pack: Pack,
}

impl Diff {
    pub(super) fn fill_in(&mut self, project: &Project) {
        if !self.log.is_empty() {
            self.key.fill_in(project);
            self.input.fill_in(project);
        }
    }

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
        let log = match self.hunt([&old, &new], &mut findings) {
            Ok(log) => log,
            Err(outcome) => return outcome,
        };
        let Outcome { stderr, .. } = Outcome::refused(&findings, &Sources::new());
        let code = u8::from(!findings.is_empty());
        let title = format!("{} -> {}", describe(&old), describe(&new));
        let policies = [&old, &new].map(|side| policy::to_text(side.pack.tables()));
        let policy = changed_lines(&policies);
        let rules = difference(&old.pack, &new.pack);
        let stdout = match self.format {
            PlainFormat::Text => text(&title, &rules, &policy, log.as_ref()),
            PlainFormat::Json => pretty(&to_json(&rules, &policy, &log.unwrap_or_default())),
        };
        self.result.put(Outcome { stdout, stderr, code, ..Outcome::default() })
    }

    /// Runs both packs over the logs, if any are given; adds to `findings` what could not be read.
    fn hunt(
        &self,
        sides: [&Side; 2],
        findings: &mut Vec<Finding>,
    ) -> Result<Option<LogDifference>, Outcome> {
        if self.log.is_empty() {
            let needs_log = self.input.is_given() || self.key.is_given();
            let message = "--map, --mode, --now and --identity-key apply to logs; give --log";
            return if needs_log { Err(Outcome::usage(message)) } else { Ok(None) };
        }
        let map = self.input.map()?;
        let refused = |finding: Box<Finding>| Outcome::refused(&[*finding], &Sources::new());
        let key = self.key.read().map_err(refused)?;
        for side in sides {
            check_key(&side.name, &side.pack, key).map_err(refused)?;
        }
        let policy = self.input.policy(sides.map(|side| &side.pack), key);
        let packs = sides.map(|side| side.bytes.as_slice());
        let job = stream::Job {
            packs: &packs,
            logs: self.log.iter().flat_map(|path| disk::regular_files(path)).collect(),
            baselines: Vec::new(),
            wants_pairs: false,
            wants_page: false,
            layout: self.input.layout(),
            map: &map,
            output: Output::Json,
            show_values: false,
            policy,
            n_threads: None,
            learns: false,
        };
        let difference = LogDifference::hunt(&job, findings);
        difference.map(Some).map_err(|error| Outcome::failed(&disk::reason(&error)))
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
    log: Option<&LogDifference>,
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
    if let Some(log) = log {
        text += &log.to_text();
    }
    text
}

fn to_json(rules: &[RuleDifference], policy: &[Vec<String>; 2], log: &LogDifference) -> Value {
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
    let mut object = log.to_json();
    for (key, value) in [
        ("format", json!(1)),
        ("rules", rules.collect()),
        ("policy", json!({"removed": gone, "added": come})),
    ] {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}
