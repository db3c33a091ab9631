//! `tidegate check`.

mod standard_input;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use diagnostics::{Finding, SourceFile, report};
use knowledge::{Library, Placeholders, fix, policy};
use serde_json::json;
use sigma::{Decidability, decidability};

use super::policy::{PolicyInput, moment, now};
use super::{
    Format, Inputs, OtherLogs, Outcome, ResultFile, counted, fill, named_paths, note_counts,
    note_numbers, read_files, render,
};
use crate::disk;
use crate::project::Project;

/// Report every error in notes and rules.
///
/// The exit code is 1 if there is any finding, apart from correlations for logs only (S061). With --lint, rules that compile are also checked for
/// conditions that are easy to evade, can never be true, or match too much.
///
/// The path `-` is standard input: a note or Sigma rules. Only findings about it are printed; other paths, or the
/// project, are read for the services, lists and rules that it may name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate check\n\
\x20 tidegate check --lint --fix rules/\n\
\x20 tidegate check --lint --watch rules/\n\
\x20 tidegate check --stdin-name rules/new.md - < draft.md\n\
\x20 tidegate check --format sarif --output findings.sarif rules/\n\
\x20 tidegate check --policy policy.yml --expiring 7d")]
pub(crate) struct Check {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    other_logs: OtherLogs,
    #[command(flatten)]
    policy: PolicyInput,
    /// Also report exceptions of the policy that have expired or expire within this time, such as `7d`
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    expiring: Option<u64>,
    /// Evaluate exceptions at this time, such as `2027-01-31` [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
    /// Also report likely mistakes in rules that compile; `--lint=false` overrides the project
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    lint: Option<bool>,
    /// Apply the fixes that findings offer, and report the findings that remain
    #[arg(long)]
    fix: bool,
    /// Check again whenever a file changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["fix", "stdin_name", "output"])]
    watch: bool,
    /// The name of standard input in findings; a file of this name is not read [default: stdin.md or stdin.yml]
    #[arg(long, value_name = "FILE")]
    stdin_name: Option<PathBuf>,
    /// How to print findings
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    result: ResultFile,
}

impl Check {
    pub(super) fn fill_in(&mut self, project: &Project) {
        if self.reads_input() && self.inputs.paths.len() == 1 {
            self.inputs.paths.extend_from_slice(&project.notes);
        }
        self.inputs.fill_in(project);
        self.policy.fill_in(project);
        fill(&mut self.lint, project.check.lint.as_ref());
        if self.policy.is_given() {
            fill(&mut self.expiring, project.check.expiring.as_ref());
        }
    }

    pub(super) fn run(&self) -> Outcome {
        if self.expiring.is_some() && !self.policy.is_given() {
            return Outcome::usage("--expiring is about a policy: give --policy FILE");
        }
        if self.now.is_some() && self.expiring.is_none() {
            return Outcome::usage("--now is about exceptions: give --expiring TIME");
        }
        let reads_input = self.reads_input();
        if !reads_input && self.stdin_name.is_some() {
            return Outcome::usage("--stdin-name is about standard input: give `-` as a path");
        }
        if reads_input && (self.fix || self.watch) {
            return Outcome::usage("standard input cannot be fixed or watched: give its file");
        }
        if self.watch {
            return watch::watch(&self.watched(), || self.outcome());
        }
        self.result.put(self.outcome())
    }

    fn reads_input(&self) -> bool {
        self.inputs.paths.iter().any(|path| path.as_os_str() == "-")
    }

    /// The files and folders whose changes matter.
    fn watched(&self) -> Vec<PathBuf> {
        let mut paths = named_paths(&self.inputs.paths).into_owned();
        paths.extend(self.inputs.vocabulary.placeholders.clone());
        paths.extend(self.policy.files().map(Path::to_owned));
        paths
    }

    fn outcome(&self) -> Outcome {
        let checked = if self.reads_input() { self.check_input() } else { self.check() };
        checked.unwrap_or_else(|refused| refused)
    }

    /// Reads a library, and what is wrong with it. Also returns how many rules a proxy can decide, and a line for
    /// each that it cannot.
    fn read(&self, files: &[SourceFile], placeholders: &Placeholders) -> Checked {
        let mut library = Library::read_with(files.to_vec(), placeholders);
        library.hosts = self.inputs.vocabulary.host_matching();
        let decidable = library.decidable();
        let undecided = self.undecided(&library);
        self.other_logs.apply(&mut library);
        self.find(&mut library);
        Checked { library, decidable, undecided }
    }

    fn check(&self) -> Result<Outcome, Outcome> {
        let (mut files, mut unread) = read_files(&self.inputs.paths)?;
        self.inputs.vocabulary.name_project(&mut unread);
        let placeholders = self.inputs.vocabulary.read()?;
        let mut fixed = String::new();
        let mut n_fixed = 0;
        if self.fix {
            let findings = |files: &[SourceFile]| self.read(files, &placeholders).library.findings;
            for (name, n_applied) in fix::fix(&mut files, &findings) {
                let file = files.iter().find(|file| file.name == name);
                match file.and_then(|file| self.write(file).err()) {
                    Some(unwritable) => unread.push(*unwritable),
                    None => {
                        n_fixed += n_applied;
                        fixed.push_str(&format!("{name}: {} put in\n", counted(n_applied, "fix")));
                    }
                }
            }
        }
        let checked = self.read(&files, &placeholders);
        let Checked { mut library, decidable: [yes, partly, no], undecided } = checked;
        library.findings.extend(unread);
        report::sort(&mut library.findings);
        let decidable = match partly + no {
            0 => String::new(),
            _ => format!("decidable at a proxy: {yes} yes, {partly} partly, {no} no\n"),
        };
        let summary = format!(
            "{undecided}{fixed}{}, {}: {}\n{}{decidable}",
            counted(files.len(), "file"),
            counted(library.n_read, "rule"),
            count(&library.findings),
            note_counts(&library),
        );
        let [services, lists, runbooks] = note_numbers(&library);
        let numbers = [
            ("files", json!(files.len())),
            ("rules", json!(library.n_read)),
            ("fixed", json!(n_fixed)),
            services,
            lists,
            runbooks,
            ("decidable", json!({ "yes": yes, "partly": partly, "no": no })),
        ];
        let stdout = render(self.format, &library.findings, &library.sources, &summary, &numbers);
        let code = u8::from(library.findings.iter().any(fails));
        Ok(Outcome { stdout, code, ..Outcome::default() })
    }

    /// Writes a fixed file.
    fn write(&self, file: &SourceFile) -> Result<(), Box<Finding>> {
        let paths = named_paths(&self.inputs.paths);
        disk::replace(&paths, &file.name, &file.bytes).map_err(|error| {
            let message = format!("the fixes cannot be written: {}", disk::reason(&error));
            let help = "make the file and its folder writable";
            Box::new(Finding::about(&file.name, &diagnostics::codes::UNWRITABLE, message, help))
        })
    }

    /// Returns, with `--leads`, a line for each rule that a proxy sees in part or not at all.
    fn undecided(&self, library: &Library) -> String {
        let mut lines = String::new();
        for entry in library.rules.iter().filter(|_| self.other_logs.leads) {
            let (rule, found) = (&entry.rule, decidability(&entry.rule));
            if found != Decidability::Yes {
                let place = format!("{}:{}", rule.file, rule.span.line);
                let (answer, missing) = (found.as_str(), found.missing().join(", "));
                let title = &rule.metadata.title;
                lines.push_str(&format!("{place}: {answer}: {title}: not seen: {missing}\n"));
            }
        }
        lines
    }

    /// Adds the findings of the policy, the compiler and the lints.
    fn find(&self, library: &mut Library) {
        let given = self.policy.read(library);
        if let (Some(policy), Some(within)) = (&given.policy, self.expiring) {
            let due = policy.due(&library.filters, self.now.unwrap_or_else(now), within);
            library.findings.extend(due);
        }
        // Some limits, such as the size of an automaton, are only known when a rule is compiled.
        match given.compile(library, "check", 0) {
            Ok(compilation) => {
                let hunt_only = compilation.hunt_only(library);
                library.findings.extend(compilation.findings);
                library.findings.extend(hunt_only);
            }
            Err(finding) => library.findings.push(*finding),
        }
        if self.lint == Some(true) {
            library.findings.append(&mut library.lint());
        }
    }
}

fn seconds(text: &str) -> Result<u64, &'static str> {
    policy::seconds(text).ok_or("write a number and `h`, `d` or `w`, such as `7d`")
}

/// Returns true if a finding fails the check: where a correlation runs is no mistake.
fn fails(finding: &Finding) -> bool {
    finding.diagnostic.code.id != sigma::codes::HUNT_ONLY.id
}

/// A library that was checked.
struct Checked {
    library: Library,
    /// How many rules a proxy can decide, in part, and not at all.
    decidable: [usize; 3],
    undecided: String,
}

/// Counts findings: `1 error, 2 warnings`.
fn count(findings: &[Finding]) -> String {
    let (n_errors, n_warnings) = report::count(findings);
    format!("{}, {}", counted(n_errors, "error"), counted(n_warnings, "warning"))
}
