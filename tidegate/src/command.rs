//! The commands: each reads its arguments, asks the disk and the library, and says what to print.
//!
//! A new command is a module with its arguments and a `run`, and a variant here.

mod check;
mod diff;
mod events;
mod explain;
mod gateway;
mod hunt;
mod keygen;
mod logs;
mod pack;
mod policy;
mod preview;
mod record;
mod score;
mod show;
mod test;
mod vault;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use diagnostics::{Finding, SourceFile, Sources, report};
use inspect::pack::HostMatching;
use knowledge::{Library, Placeholders, placeholders};
use serde_json::Value;

use crate::disk;

/// What the command line can be told to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(check::Check),
    Test(test::Test),
    Pack(pack::Pack),
    Diff(diff::Diff),
    Events(events::Events),
    Gateway(gateway::Gateway),
    Keygen(keygen::Keygen),
    Verify(verify::Verify),
    /// Holds logs against rules: access logs, HAR, Zeek, URL lists, JSON lines.
    Hunt(hunt::Hunt),
    Explain(explain::Explain),
    Preview(preview::Preview),
    Score(score::ScoreCommand),
    Show(show::Show),
    Vault(vault::Vault),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Command::Check(command) => command.run(),
            Command::Test(command) => command.run(),
            Command::Pack(command) => command.run(),
            Command::Diff(command) => command.run(),
            Command::Events(command) => command.run(),
            Command::Gateway(command) => command.run(),
            Command::Keygen(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Hunt(command) => command.run(),
            Command::Preview(command) => command.run(),
            Command::Score(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Vault(command) => command.run(),
        }
    }
}

/// What to print, and the exit code.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: u8,
}

impl Outcome {
    /// Wrong usage: exit code 2.
    fn usage(message: &str) -> Outcome {
        let stderr = format!("error: {message}\n\nFor more information, try '--help'.\n");
        Outcome { stderr, code: 2, ..Outcome::default() }
    }

    /// What this machine does not do, as a full disk or a port that is taken: exit code 1.
    fn failed(message: &str) -> Outcome {
        Outcome { stderr: format!("error: {message}\n"), code: 1, ..Outcome::default() }
    }

    /// Input that was refused, told on standard error.
    fn refused(findings: &[Finding], sources: &Sources) -> Outcome {
        let stderr = report::to_text(findings, sources);
        Outcome { stderr, code: 1, ..Outcome::default() }
    }
}

/// An argument of ASCII letters, digits and a few others: what it names goes as it is into log lines,
/// YAML or headers.
fn plain(
    text: &str,
    others: &[u8],
    most: usize,
    help: &'static str,
) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    let is_plain = (1..=most).contains(&text.len()) && text.bytes().all(fits);
    is_plain.then(|| text.to_owned()).ok_or(help)
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines of the source.
    Text,
    /// For scripts.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

/// How anything else is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlainFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// What to read notes and rules from.
#[derive(Args, Debug)]
struct Inputs {
    /// Notes, Sigma files, and folders of them [default: knowledge/notes, if it is there]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
}

/// What becomes of rules that are written for other logs.
#[derive(Args, Clone, Copy, Debug)]
struct OtherLogs {
    /// Put rules of other log sources into the fields that a proxy sees; one that it sees in part
    /// becomes a lead of lower level, one that it does not see at all is refused
    #[arg(long)]
    leads: bool,
}

impl OtherLogs {
    fn apply(self, library: &mut Library) {
        if self.leads {
            library.put_at_proxy();
            report::sort(&mut library.findings);
        }
    }
}

/// What rules leave to those who run them.
#[derive(Args, Debug)]
struct Vocabulary {
    /// A JSON object that says what the placeholders of `expand` stand for: `{"name": ["value"]}`
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    /// What a suffix of a host means in the rules, as in `cs-host|endswith: example.com`
    #[arg(long, value_enum, default_value = "text")]
    hosts: Hosts,
}

/// What suffixes of host names mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hosts {
    /// Text, as Sigma says: `badexample.com` ends with `example.com`.
    Text,
    /// A domain and all below it: `example.com` and `www.example.com`, also for `.example.com`.
    Labels,
}

/// Where the shipped notes stand in a clone.
const DEFAULT_PATH: &str = "knowledge/notes";

impl Inputs {
    /// Reads the library; an error is a message about wrong usage.
    fn library(&self) -> Result<(Library, usize), Outcome> {
        read_library(&self.paths, &self.vocabulary)
    }
}

impl Vocabulary {
    fn host_matching(&self) -> HostMatching {
        match self.hosts {
            Hosts::Text => HostMatching::Text,
            Hosts::Labels => HostMatching::Labels,
        }
    }

    fn read(&self) -> Result<Placeholders, Outcome> {
        let Some(path) = &self.placeholders else { return Ok(Placeholders::new()) };
        let mut sources = Sources::new();
        let read = disk::read_text(path).and_then(|(name, text)| {
            let placeholders = placeholders::read(&name, &text);
            sources.insert(name, text);
            placeholders
        });
        read.map_err(|finding| Outcome::refused(&[*finding], &sources))
    }
}

/// Reads the library from paths, and tells how many files there were.
fn read_library(paths: &[PathBuf], vocabulary: &Vocabulary) -> Result<(Library, usize), Outcome> {
    read_with_files(paths, vocabulary).map(|(library, files)| (library, files.len()))
}

/// The same, with the files: notes of other kinds are no part of a library.
fn read_with_files(
    paths: &[PathBuf],
    vocabulary: &Vocabulary,
) -> Result<(Library, Vec<SourceFile>), Outcome> {
    let (files, findings) = read_files(paths)?;
    let placeholders = vocabulary.read()?;
    let mut library = Library::read_with(files.clone(), &placeholders);
    library.hosts = vocabulary.host_matching();
    library.findings.extend(findings);
    report::sort(&mut library.findings);
    Ok((library, files))
}

/// Reads the files of paths, and tells which could not be read.
fn read_files(paths: &[PathBuf]) -> Result<(Vec<SourceFile>, Vec<Finding>), Outcome> {
    let default = [PathBuf::from(DEFAULT_PATH)];
    let paths = match paths {
        [] if disk::is_folder(DEFAULT_PATH) => &default[..],
        [] => {
            let message = format!("no paths are given, and there is no folder {DEFAULT_PATH} here");
            return Err(Outcome::usage(&message));
        }
        paths => paths,
    };
    Ok(disk::gather(paths))
}

/// Findings in a format, and below them, as text, a command's summary.
fn render(
    format: Format,
    findings: &[Finding],
    sources: &Sources,
    lines: &str,
    numbers: &[(&str, Value)],
) -> String {
    let json = match format {
        Format::Text => return report::to_text(findings, sources) + lines,
        Format::Json => report::to_json(findings, numbers),
        Format::Sarif => report::to_sarif(findings),
    };
    pretty(&json)
}

/// JSON over several lines, with a line break at the end.
fn pretty(json: &Value) -> String {
    format!("{json:#}\n")
}

/// `1 rule`, `2 rules`.
fn counted(number: usize, noun: &str) -> String {
    let plural = match noun {
        _ if number == 1 => "",
        noun if noun.ends_with('x') || noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

/// A finding as one line, for lists of texts in JSON.
fn one_line(finding: &Finding) -> String {
    format!("{}: {}", finding.diagnostic.place.file, finding.diagnostic.message)
}

/// The name of a path in findings.
fn name(path: &std::path::Path) -> Arc<str> {
    disk::name(path)
}
