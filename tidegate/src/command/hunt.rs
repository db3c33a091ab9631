//! `tidegate hunt`.

mod forms;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use diagnostics::{Finding, report};
use hunt::Output;
use traffic::Layout;

use super::Outcome;
use super::logs::LogInput;
use super::rule_input::RuleInput;
use crate::project::Project;
use crate::{disk, stream, terminal};
use forms::{Forms, GivenFormat, Records, format};

/// Search logs for requests that match the rules.
///
/// Gives the verdicts that the gateway would have given. Reads access logs of Envoy, Istio and nginx in
/// JSON, text logs of Envoy and Istio, Squid's, HAProxy's and the combined format, the extended format of the
/// W3C (Blue Coat, IIS), CSV, HTTP archives (HAR), Zeek's http, ssl and dns logs, Suricata's eve.json, events
/// of ECS and OCSF, `key=value`, CEF and LEEF of firewalls, lists of URLs, and any JSON lines with a map; also as Kubernetes, docker, fluent-bit and
/// syslog wrap them, in gzip, zstd and UTF-16. Records are printed in the order of the files and their lines,
/// counts on standard error.
///
/// Correlations use the time of the events. A policy, given or in the pack, is evaluated with the time and
/// the source of each event: matches that it turns off or excepts are counted, not printed.
///
/// A line of another format than the first lines' is read as what it is, unless `--input-format` names one.
///
/// The exit code is 1 if a log or a rule cannot be read, or a tenth of a log's lines that look like requests;
/// matches do not change it. Unreadable lines are counted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate hunt access.log\n\
\x20 tidegate hunt --pack rules.pack --format table proxy.har\n\
\x20 tidegate hunt --rules rules/ access.log.1.gz access.log\n\
\x20 tidegate hunt --map fields.toml --format csv --output matches.csv proxy.jsonl")]
pub(crate) struct Hunt {
    /// Logs to search, or folders of them; `-` or none for standard input
    logs: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleInput,
    #[command(flatten)]
    input: LogInput,
    /// Take what these logs use for known: nothing in them is a first use
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Write what every source did with every host to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Write the matches as a page for people to this file: HTML without scripts and outside addresses
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How to print matches: json (an object per line), csv, or table [default: a table as wide as the terminal, or
    /// json where there is none]
    #[arg(short, long, value_name = "FORMAT", value_parser = format)]
    format: Option<GivenFormat>,
    /// Write the matches to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print whole paths and the values that matched, which may contain secrets
    #[arg(long)]
    show_values: bool,
    /// The number of threads that read lines [default: one per core]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<std::num::NonZero<usize>>,
}

impl Hunt {
    pub(super) fn fill_in(&mut self, project: &Project) {
        self.rules.fill_in(project);
        self.input.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        let forms = Forms::of(self.input.input_format, self.format, self.output.as_deref());
        let Forms { notes, .. } = &forms;
        let harmful = self.harmful_outputs(&forms);
        let outcome = match &forms.file {
            _ if !harmful.is_empty() => Outcome::refused(&harmful, &diagnostics::Sources::new()),
            None => self.run_into(&mut io::stdout().lock(), &forms),
            Some(path) => self.run_to_file(path, &forms),
        };
        Outcome { stderr: format!("{notes}{}", outcome.stderr), ..outcome }
    }

    /// Returns a finding for each file that cannot be written after all is searched: a log, and what is no page where
    /// the page would be.
    fn harmful_outputs(&self, forms: &Forms) -> Vec<Finding> {
        for log in self.logs.iter().chain(&self.baseline) {
            for file in disk::regular_files(log) {
                disk::will_read(&file);
            }
        }
        let outputs = [
            (forms.file.as_deref(), "--output"),
            (self.pairs.as_deref(), "--pairs"),
            (self.report.as_deref(), "--report"),
        ];
        let given = outputs.into_iter().filter_map(|(path, option)| Some((path?, option)));
        let harmful = given.filter_map(|(path, option)| {
            let is_other = option == "--report" && disk::is_other_than(path, hunt::PAGE_START);
            let error = match disk::may_replace(path) {
                Err(error) => error,
                Ok(()) if is_other => io::Error::other("it is not a page of `hunt`"),
                Ok(()) => return None,
            };
            Some(disk::unwritable(path, &error, &format!("give `{option}` another file")))
        });
        harmful.collect()
    }

    /// Hunts, and writes the records to a file, whole or not at all.
    fn run_to_file(&self, path: &Path, forms: &Forms) -> Outcome {
        let mut outcome = Outcome::default();
        let written = disk::write_with(path, |file| {
            outcome = self.run_into(file, forms);
            // Where nothing was hunted a former file stays as it is.
            if outcome.was_refused { Err(io::Error::other("refused")) } else { Ok(()) }
        });
        match written {
            Err(error) if !outcome.was_refused => {
                let help = "give `--output` a file in a folder that you may write to";
                let finding = disk::unwritable(path, &error, help);
                Outcome::refused(&[finding], &diagnostics::Sources::new())
            }
            _ => outcome,
        }
    }

    /// Hunts, and writes the records to `out` as JSON lines.
    pub(super) fn run_as_json(&self, out: &mut dyn io::Write) -> Outcome {
        let format = Some(GivenFormat::Json);
        self.run_into(out, &Forms::of(self.input.input_format, format, None))
    }

    fn run_into(&self, out: &mut dyn io::Write, forms: &Forms) -> Outcome {
        let map = match self.input.map() {
            Ok(map) => map,
            Err(outcome) => return outcome,
        };
        let layout = forms.logs.map(Layout::from).or_else(|| self.input.layout());
        let (pack, policy, mut stderr) = match self.rules.pack(&self.input) {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        let width = terminal::width().filter(|_| forms.file.is_none());
        let output = match forms.records {
            Some(Records::Json) => Output::Json,
            Some(Records::Csv) => Output::Csv,
            Some(Records::Table) => width.map_or(Output::Table, Output::Fitted),
            None => width.map_or(Output::Json, Output::Fitted),
        };
        let job = stream::Job {
            packs: &[&pack],
            logs: if self.logs.is_empty() {
                vec![PathBuf::from("-")]
            } else {
                self.logs.iter().flat_map(|path| disk::regular_files(path)).collect()
            },
            baselines: self.baseline.clone(),
            wants_pairs: self.pairs.is_some(),
            wants_page: self.report.is_some(),
            layout,
            map: &map,
            output,
            show_values: self.show_values,
            policy,
            n_threads: self.threads,
            learns: false,
        };
        match job.run(&mut [out]) {
            Ok(done) => {
                let mut findings: Vec<Finding> =
                    done.iter().flat_map(stream::Done::findings).collect();
                let written = [
                    (&self.pairs, "--pairs", done.iter().map(|done| done.pairs.as_str()).collect()),
                    (
                        &self.report,
                        "--report",
                        done.iter().map(|done| done.page.as_str()).collect(),
                    ),
                ];
                for (path, option, text) in written {
                    let text: String = text;
                    let Some(path) = path else { continue };
                    if let Err(error) = disk::write(path, text.as_bytes()) {
                        let help =
                            format!("give `{option}` a file in a folder that you may write to");
                        findings.push(disk::unwritable(path, &error, &help));
                    }
                }
                stderr += &report::to_text(&findings, &diagnostics::Sources::new());
                stderr.extend(done.into_iter().map(|done| done.summary));
                Outcome { stderr, code: u8::from(!findings.is_empty()), ..Outcome::default() }
            }
            // A reader that has gone away, as `head` does, has seen what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::default(),
            Err(error) => {
                Outcome::failed(&format!("output cannot be written: {}", disk::reason(&error)))
            }
        }
    }
}
