//! `tidegate score`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use diagnostics::{Finding, printable};
use hunt::score::{Labelled, Score, Tally, read, sanctions, score};
use inspect::Inspector;
use serde_json::{Value, json};

use super::policy::{PolicyInput, moment, now};
use super::{Inputs, Outcome, PlainFormat, ResultFile, name, pretty};
use crate::project::Project;
use crate::{disk, terminal};

/// Measure recall and false positives on labelled requests.
///
/// Prints the share of malicious and of benign requests that the rules and a policy find, in all and by
/// service and technique.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate score --benign benign.jsonl --malicious malicious.jsonl\n\
\x20 tidegate score --benign benign.jsonl --malicious malicious.jsonl --learn learned.yml")]
pub(crate) struct ScoreCommand {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyInput,
    /// Requests that should not be reported, as JSON lines
    #[arg(long, value_name = "FILE")]
    benign: PathBuf,
    /// Requests that should be reported, as JSON lines
    #[arg(long, value_name = "FILE")]
    malicious: PathBuf,
    /// Write a policy that sanctions what the clients of ambiguous benign requests did; an existing file
    /// is not replaced
    #[arg(long, value_name = "FILE")]
    learn: Option<PathBuf>,
    /// Evaluate exceptions at this time, such as `2027-01-31` [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
    /// How to print the tables
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
}

impl ScoreCommand {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.inputs.fill_in(project);
        self.policy.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        self.try_run().map_or_else(|refused| refused, |outcome| self.result.put(outcome))
    }

    /// The columns of the tables: as wide as the terminal, if they go there.
    fn columns(&self) -> Columns {
        let width = terminal::width().filter(|_| !self.result.is_given());
        width.map_or(WIDE, Columns::fitted)
    }

    fn try_run(&self) -> Result<Outcome, Outcome> {
        let (mut library, _) = self.inputs.library()?;
        let given = self.policy.read(&mut library);
        let sources = &library.sources;
        let compilation = given
            .compile(&library, "score", 0)
            .map_err(|finding| Outcome::refused(&[*finding], sources))?;
        let mut findings = library.findings.clone();
        findings.extend(compilation.findings);
        if findings.iter().any(Finding::is_error) {
            return Err(Outcome::refused(&findings, sources));
        }
        let benign = requests(&self.benign)?;
        let malicious = requests(&self.malicious)?;
        let mut inspector = Inspector::new(compilation.pack);
        if let Some(path) = &self.learn {
            let text = sanctions(&mut inspector, &benign);
            disk::create(path, text.as_bytes(), false).map_err(|error| {
                let message = format!("the policy cannot be written: {}", disk::reason(&error));
                let help =
                    "give a path with `--learn` where no file is, in a folder that is writable";
                let finding =
                    Finding::about(&name(path), &diagnostics::codes::UNWRITABLE, message, help);
                Outcome::refused(&[finding], sources)
            })?;
        }
        let now = self.now.unwrap_or_else(now);
        let recall = score(&mut inspector, &malicious, now, given.key);
        let positives = score(&mut inspector, &benign, now, given.key);
        let stdout = match self.format {
            PlainFormat::Text => text(&recall, &positives, &self.columns()),
            PlainFormat::Json => pretty(&json!({
                "recall": score_json(&recall),
                "false_positives": score_json(&positives),
            })),
        };
        Ok(Outcome { stdout, ..Outcome::default() })
    }
}

fn requests(path: &std::path::Path) -> Result<Vec<Labelled>, Outcome> {
    let refused = |finding: Finding| Outcome::refused(&[finding], &diagnostics::Sources::new());
    let (name, text) = disk::read_text(path).map_err(|finding| refused(*finding))?;
    let requests = read(&text).map_err(|(line, what)| {
        let message = format!("line {line} is no labelled request: {what}");
        let help = "write a JSON object with `method`, `host` and `path` on each line";
        refused(Finding::about(&name, &traffic::codes::BROKEN_LOG_LINE, message, help))
    })?;
    if requests.is_empty() {
        let help = "write a JSON object with `method`, `host` and `path` on each line";
        let message = "there is no labelled request";
        return Err(refused(Finding::about(
            &name,
            &diagnostics::codes::NOTHING_FOUND,
            message,
            help,
        )));
    }
    Ok(requests)
}

/// The widths of a table's columns, and the heading of the requests without ambiguous ones.
struct Columns {
    widths: [usize; 5],
    clear: &'static str,
}

/// The columns where there is room for them.
const WIDE: Columns = Columns { widths: [44, 6, 14, 18, 14], clear: "without ambiguous" };

/// Least columns of a name.
const MIN_NAME: usize = 16;

impl Columns {
    /// Returns the columns that fit a width.
    fn fitted(width: usize) -> Columns {
        let n_others: usize = WIDE.widths.iter().skip(1).map(|width| width + 1).sum();
        let [name, ..] = WIDE.widths;
        if width >= name + n_others {
            return WIDE;
        }
        let narrow = [6, 13, 6, 13];
        let n_others: usize = narrow.iter().map(|width| width + 1).sum();
        let [all, found, clear, clear_found] = narrow;
        let name = width.saturating_sub(n_others).clamp(MIN_NAME, name);
        Columns { widths: [name, all, found, clear, clear_found], clear: "clear" }
    }

    fn row(&self, out: &mut String, cells: [&str; 5]) {
        let [name, numbers @ ..] = cells;
        let [width, widths @ ..] = self.widths;
        let shown: String = if name.chars().count() > width {
            name.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        } else {
            name.to_owned()
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{shown:<width$}");
        for (cell, width) in numbers.iter().zip(widths) {
            let _ = write!(out, " {cell:>width$}");
        }
        out.push('\n');
    }
}

fn text(recall: &Score, positives: &Score, columns: &Columns) -> String {
    let mut out = String::new();
    for (title, score) in [("recall", recall), ("false positives", positives)] {
        columns.row(&mut out, [title, "all", "found", columns.clear, "found"]);
        tally(columns, &mut out, "total", &score.total);
        for (what, tallies) in [("technique", &score.by_technique), ("service", &score.by_service)]
        {
            let mut tallies: Vec<_> = tallies.iter().collect();
            tallies.sort_by_key(|(name, tally)| (std::cmp::Reverse(tally.n_requests), *name));
            for (name, of) in tallies {
                let name =
                    if name.is_empty() { "(none)".to_owned() } else { printable(name.as_bytes()) };
                tally(columns, &mut out, &format!("{what} {name}"), of);
            }
        }
        out.push('\n');
    }
    out
}

fn tally(columns: &Columns, out: &mut String, name: &str, of: &Tally) {
    let share = |found: usize, share: f64| format!("{found} {share:5.1} %");
    let (all, clear) = (of.n_requests.to_string(), of.n_clear.to_string());
    let found = share(of.n_found, of.share());
    columns.row(out, [name, &all, &found, &clear, &share(of.n_clear_found, of.clear_share())]);
}

fn score_json(score: &Score) -> Value {
    let of = |tally: &Tally| {
        json!({
            "requests": tally.n_requests,
            "found": tally.n_found,
            "requests_without_ambiguous": tally.n_clear,
            "found_without_ambiguous": tally.n_clear_found,
        })
    };
    let all = |tallies: &std::collections::BTreeMap<String, Tally>| -> Value {
        tallies.iter().map(|(name, tally)| (name.clone(), of(tally))).collect()
    };
    json!({
        "total": of(&score.total),
        "by_technique": all(&score.by_technique),
        "by_service": all(&score.by_service),
    })
}
