//! `tidegate learn`.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use diagnostics::{Finding, Sources, report};
use hunt::learn::{learn, merge, to_policy};
use hunt::{Output, Uses};
use knowledge::Policy;

use super::logs::LogInput;
use super::rule_input::RuleInput;
use super::{Outcome, counted, name};
use crate::project::Project;
use crate::{disk, stream};

/// Learn an allow-list from logs.
///
/// Writes a policy that lists what groups of sources did, for a person to read: sources that are alike are one
/// group, the operations of a service are one entry, and hosts that are mostly used once are `others`. Each entry
/// says how often and when it was seen. Requests that rules match are not learned, nor what a given policy
/// lists already.
///
/// The policy only reports what it does not list; `tidegate hunt --policy FILE` shows what that is on other logs.
/// Reads the same logs as `tidegate hunt`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate learn access.log -o learned.yml\n\
\x20 tidegate learn --groups 5 access.log.1.gz access.log > learned.yml\n\
\x20 tidegate learn --policy policy.yml access.log    # what the policy does not list yet\n\
\x20 tidegate learn --merge policy.yml access.log     # the same, added to the policy")]
pub(crate) struct Learn {
    /// Logs to learn from; `-` or none for standard input
    logs: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleInput,
    #[command(flatten)]
    input: LogInput,
    /// Write the policy to this file; an existing file is not replaced [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add what this policy does not list to it: its lines, comments and order stay, and it is replaced whole
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "pack", "policy"])]
    merge: Option<PathBuf>,
    /// Join groups that are alike until there are this many
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    groups: usize,
}

impl Learn {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.rules.fill_in(project);
        self.input.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        self.try_run().unwrap_or_else(|outcome| outcome)
    }

    fn try_run(&self) -> Result<Outcome, Outcome> {
        if let Some(path) = &self.merge {
            return self.merge(path);
        }
        let (uses, mut outcome) = read_uses(&self.logs, &self.rules, &self.input)?;
        let groups = learn(&uses, self.groups);
        let text = to_policy(&uses, &groups);
        outcome.stderr += &format!(
            "{} of {} in {}, {} lines\n",
            counted(usize::try_from(uses.n_requests).unwrap_or(usize::MAX), "request"),
            counted(uses.by_source.len(), "source"),
            counted(groups.len(), "group"),
            text.lines().count(),
        );
        match &self.output {
            None => outcome.stdout = text,
            Some(path) => disk::create(path, text.as_bytes(), false).map_err(|error| {
                let message = format!("the policy cannot be written: {}", disk::reason(&error));
                let help =
                    "give a path with `--output` where no file is, in a folder that is writable";
                let code = &diagnostics::codes::UNWRITABLE;
                Outcome::refused(
                    &[Finding::about(&name(path), code, message, help)],
                    &Sources::new(),
                )
            })?,
        }
        Ok(outcome)
    }

    /// Adds to a policy what it does not list.
    fn merge(&self, path: &Path) -> Result<Outcome, Outcome> {
        let refused = |finding: Finding| Outcome::refused(&[finding], &Sources::new());
        let (file, text) = disk::read_text(path).map_err(|finding| refused(*finding))?;
        let rules = self.rules.with_policy(path);
        let (uses, mut outcome) = read_uses(&self.logs, &rules, &self.input)?;
        let not_merged = |why: String, help: &str| {
            let code = &knowledge::codes::BROKEN_POLICY;
            refused(Finding::about(&file, code, format!("nothing can be added to it: {why}"), help))
        };
        let help = "add the entries by hand: `tidegate learn --policy FILE` prints them";
        let merged = merge(&uses, self.groups, &text).map_err(|why| not_merged(why, help))?;
        // What people wrote is replaced only by a policy.
        let (policy, _) = Policy::read(&file, &merged.text);
        if policy.is_none() {
            return Err(not_merged("the result would not be a policy".to_owned(), help));
        }
        for sentence in &merged.left_out {
            outcome.stderr += &format!("{sentence}\n");
        }
        let added = match merged.n_added {
            1 => "1 entry".to_owned(),
            n_added => format!("{n_added} entries"),
        };
        outcome.stderr += &format!("{}: {added} added\n", name(path));
        if merged.text != text {
            disk::rewrite(path, merged.text.as_bytes()).map_err(|error| {
                let help = "give a file that is writable, in a folder that is";
                refused(disk::unwritable(path, &error, help))
            })?;
        }
        Ok(outcome)
    }
}

/// Reads logs and returns what sources did in them, with what is to be printed about the logs and rules. If a log
/// cannot be read, the exit code is 1.
pub(super) fn read_uses(
    logs: &[PathBuf],
    rules: &RuleInput,
    input: &LogInput,
) -> Result<(Uses, Outcome), Outcome> {
    let map = input.map()?;
    let (pack, policy, mut stderr) = rules.pack(input)?;
    let job = stream::Job {
        packs: &[&pack],
        logs: if logs.is_empty() { vec![PathBuf::from("-")] } else { logs.to_vec() },
        layout: input.layout(),
        map: &map,
        output: Output::Json,
        show_values: false,
        policy,
        n_threads: None,
        learns: true,
        baselines: Vec::new(),
        wants_pairs: false,
        wants_page: false,
    };
    let done = job.run(&mut [&mut io::sink()]).map_err(|error| {
        Outcome::failed(&format!("the logs cannot be read: {}", disk::reason(&error)))
    })?;
    let findings: Vec<Finding> = done.iter().flat_map(stream::Done::findings).collect();
    stderr += &report::to_text(&findings, &Sources::new());
    let mut uses = Uses::default();
    for done in done {
        // The first line counts lines and events.
        stderr.extend(done.summary.lines().take(1).map(|line| format!("{line}\n")));
        uses = done.uses;
    }
    Ok((uses, Outcome { stderr, code: u8::from(!findings.is_empty()), ..Outcome::default() }))
}
