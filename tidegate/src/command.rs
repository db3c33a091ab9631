//! The commands: each reads its arguments, calls the disk and the libraries, and returns what to print.
//!
//! A new command is a module with its arguments and a `run`, and a variant here.

mod check;
mod codes;
mod completions;
mod convert;
mod credential;
mod diff;
mod events;
mod explain;
mod gateway;
mod hunt;
mod keygen;
mod learn;
mod logs;
mod lsp;
mod mcp;
mod new;
mod pack;
mod policy;
mod preview;
mod record;
mod rule_input;
mod score;
mod show;
mod test;
mod unused;
mod vault;
mod verify;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use diagnostics::codes::UNREADABLE;
use diagnostics::{Finding, SourceFile, Sources, printable_json, report};
use inspect::pack::HostMatching;
use knowledge::{Library, Placeholders, placeholders};
use serde_json::{Value, json};

use crate::disk;
use crate::project::{FILE_NAME, Project};

pub(crate) use pack::pack_name;
pub(crate) use vault::{Links, technique};

/// The commands of the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Check(check::Check),
    Test(test::Test),
    Explain(explain::Explain),
    Preview(preview::Preview),
    Hunt(hunt::Hunt),
    Learn(learn::Learn),
    Unused(unused::Unused),
    Score(score::ScoreCommand),
    Pack(pack::Pack),
    Diff(diff::Diff),
    Show(show::Show),
    Convert(convert::Convert),
    Keygen(keygen::Keygen),
    Verify(verify::Verify),
    Gateway(Box<gateway::Gateway>),
    Credential(credential::Credential),
    Events(events::Events),
    Vault(vault::Vault),
    Codes(codes::Codes),
    Lsp(lsp::Lsp),
    Mcp(mcp::Mcp),
    Completions(completions::Completions),
    Man(completions::Man),
}

impl Command {
    /// Runs the command with the settings of the project that the working folder is in; `cli` is the description
    /// of the whole command line.
    pub(crate) fn run_in_project(&mut self, cli: clap::Command) -> Outcome {
        if self.asks_for_project() {
            match Project::find() {
                Ok(project) => self.fill_in(&project),
                Err(refused) => return Outcome::refused(&refused.findings, &refused.sources),
            }
        }
        self.run(cli)
    }

    /// Returns true if settings of a project count for the command. The language server and that of agents find
    /// their project themselves.
    fn asks_for_project(&self) -> bool {
        match self {
            Command::Check(_)
            | Command::New(_)
            | Command::Test(_)
            | Command::Pack(_)
            | Command::Diff(_)
            | Command::Convert(_)
            | Command::Explain(_)
            | Command::Hunt(_)
            | Command::Learn(_)
            | Command::Unused(_)
            | Command::Preview(_)
            | Command::Score(_)
            | Command::Vault(_) => true,
            Command::Events(_)
            | Command::Gateway(_)
            | Command::Keygen(_)
            | Command::Credential(_)
            | Command::Verify(_)
            | Command::Lsp(_)
            | Command::Mcp(_)
            | Command::Show(_)
            | Command::Codes(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }

    /// Takes from a project what no option says.
    fn fill_in(&mut self, project: &Project) {
        match self {
            Command::Check(command) => command.fill_in(project),
            Command::New(command) => command.fill_in(project),
            Command::Test(command) => command.fill_in(project),
            Command::Pack(command) => command.fill_in(project),
            Command::Diff(command) => command.fill_in(project),
            Command::Convert(command) => command.fill_in(project),
            Command::Explain(command) => command.fill_in(project),
            Command::Hunt(command) => command.fill_in(project),
            Command::Learn(command) => command.fill_in(project),
            Command::Unused(command) => command.fill_in(project),
            Command::Preview(command) => command.fill_in(project),
            Command::Score(command) => command.fill_in(project),
            Command::Vault(command) => command.fill_in(project),
            _ => {}
        }
    }

    /// Returns true if people read what the command prints, unless it is JSON: it may be fitted to a terminal.
    /// What programs read again is left as it is: rules, policies, completions, addresses.
    pub(crate) fn is_for_people(&self) -> bool {
        match self {
            Command::Check(_)
            | Command::Test(_)
            | Command::Pack(_)
            | Command::Diff(_)
            | Command::Verify(_)
            | Command::Unused(_)
            | Command::Explain(_)
            | Command::Score(_)
            | Command::Show(_)
            | Command::Vault(_)
            | Command::Codes(_) => true,
            Command::New(_)
            | Command::Events(_)
            | Command::Gateway(_)
            | Command::Convert(_)
            | Command::Keygen(_)
            | Command::Credential(_)
            | Command::Hunt(_)
            | Command::Learn(_)
            | Command::Preview(_)
            | Command::Lsp(_)
            | Command::Mcp(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }

    fn run(&self, cli: clap::Command) -> Outcome {
        match self {
            Command::Check(command) => command.run(),
            Command::New(command) => command.run(),
            Command::Test(command) => command.run(),
            Command::Pack(command) => command.run(),
            Command::Diff(command) => command.run(),
            Command::Events(command) => command.run(),
            Command::Gateway(command) => command.run(),
            Command::Convert(command) => command.run(),
            Command::Keygen(command) => command.run(),
            Command::Credential(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Hunt(command) => command.run(),
            Command::Learn(command) => command.run(),
            Command::Unused(command) => command.run(),
            Command::Preview(command) => command.run(),
            Command::Lsp(command) => command.run(),
            Command::Mcp(command) => command.run(),
            Command::Score(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Vault(command) => command.run(),
            Command::Codes(command) => command.run(),
            Command::Completions(command) => command.run(cli),
            Command::Man(command) => command.run(cli),
        }
    }
}

impl Command {
    /// Runs one of the commands that print what they return, within another.
    fn run_in_process(&mut self, project: &Project) -> Outcome {
        self.fill_in(project);
        match self {
            Command::Check(command) => command.run(),
            Command::Test(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Diff(command) => command.run(),
            _ => Outcome::usage("this command runs by itself only"),
        }
    }
}

/// What to print, and the exit code.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: u8,
    /// True if nothing was done: wrong usage, refused input, or a failure of this machine.
    was_refused: bool,
}

impl Outcome {
    /// Wrong usage: exit code 2.
    fn usage(message: &str) -> Outcome {
        let stderr = format!("error: {message}\n\nFor more information, try '--help'.\n");
        Outcome { stderr, code: 2, was_refused: true, ..Outcome::default() }
    }

    /// A failure of this machine, such as a full disk or a port in use: exit code 1.
    fn failed(message: &str) -> Outcome {
        Outcome {
            stderr: format!("error: {message}\n"),
            code: 1,
            was_refused: true,
            ..Outcome::default()
        }
    }

    /// Refused input, reported on standard error: exit code 1.
    fn refused(findings: &[Finding], sources: &Sources) -> Outcome {
        let stderr = report::to_text(findings, sources);
        Outcome { stderr, code: 1, was_refused: true, ..Outcome::default() }
    }
}

/// Accepts an argument of ASCII letters, digits and `others`, because it is copied as it is into log lines,
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

/// The formats of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Readable text with the source lines.
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

/// The formats of everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlainFormat {
    /// Readable text.
    Text,
    /// JSON.
    Json,
}

/// Where the result of a command goes.
#[derive(Args, Clone, Debug)]
struct ResultFile {
    /// Write the result to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ResultFile {
    /// Returns true if the result goes to a file.
    fn is_given(&self) -> bool {
        self.output.is_some()
    }

    /// Writes what a command prints, if a file is given. A command that was refused leaves the file as it is.
    fn put(&self, outcome: Outcome) -> Outcome {
        let Some(path) = self.output.as_deref().filter(|_| !outcome.was_refused) else {
            return outcome;
        };
        match disk::write(path, outcome.stdout.as_bytes()) {
            Ok(()) => Outcome { stdout: String::new(), ..outcome },
            Err(error) => {
                let help = "give `--output` a file in a folder that you may write to";
                let finding = disk::unwritable(path, &error, help);
                let refused = Outcome::refused(&[finding], &Sources::new());
                Outcome { stderr: outcome.stderr + &refused.stderr, ..refused }
            }
        }
    }
}

/// The files to read notes and rules from.
#[derive(Args, Clone, Debug)]
struct Inputs {
    /// Notes, Sigma files, and folders of them [default: the project's, or knowledge/notes]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
}

/// Whether rules for other log sources are rewritten.
#[derive(Args, Clone, Copy, Debug)]
struct OtherLogs {
    /// Rewrite rules for other log sources to the fields that a proxy sees: a rule that it sees in part
    /// becomes a lead one level lower, a rule that it does not see is refused
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

/// What rules leave open: placeholders, and how hosts are compared.
#[derive(Args, Clone, Debug)]
struct Vocabulary {
    /// Read the values of Sigma's `expand` placeholders from this JSON file: `{"name": ["value"]}`
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    /// How to compare a host suffix, such as `cs-host|endswith: example.com` [default: text]
    #[arg(long, value_enum, hide_default_value = true)]
    hosts: Option<Hosts>,
    /// The notes that the project names
    #[arg(skip)]
    notes: Vec<PathBuf>,
}

/// The ways to compare a suffix of a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hosts {
    /// As text, as Sigma defines it: `badexample.com` ends with `example.com`.
    Text,
    /// By domain labels: `example.com` and `www.example.com` match, also for `.example.com`.
    Labels,
}

/// The folder of the shipped notes in a clone.
pub(crate) const DEFAULT_PATH: &str = "knowledge/notes";

impl Inputs {
    fn fill_in(&mut self, project: &Project) {
        fill_paths(&mut self.paths, &project.notes);
        self.vocabulary.fill_in(project);
    }

    /// Reads the library and the number of files; an error is wrong usage or a refused file.
    fn library(&self) -> Result<(Library, usize), Outcome> {
        read_library(&self.paths, &self.vocabulary)
    }
}

impl Vocabulary {
    fn fill_in(&mut self, project: &Project) {
        fill(&mut self.placeholders, project.placeholders.as_ref());
        fill(&mut self.hosts, project.hosts.as_ref());
        self.notes.clone_from(&project.notes);
    }

    /// Says of paths that cannot be read and are the project's who names them.
    fn name_project(&self, findings: &mut [Finding]) {
        for finding in findings {
            let found = &mut finding.diagnostic;
            let is_of_project =
                || self.notes.iter().any(|path| disk::name(path) == found.place.file);
            if std::ptr::eq(found.code, &raw const UNREADABLE) && is_of_project() {
                found.help = format!("{FILE_NAME} names it under `notes`: {}", found.help);
            }
        }
    }

    fn host_matching(&self) -> HostMatching {
        match self.hosts.unwrap_or(Hosts::Text) {
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

/// Sets what no option sets.
fn fill<T: Clone>(given: &mut Option<T>, setting: Option<&T>) {
    if given.is_none() {
        *given = setting.cloned();
    }
}

/// Sets paths where none is given.
fn fill_paths(given: &mut Vec<PathBuf>, setting: &[PathBuf]) {
    if given.is_empty() {
        given.extend_from_slice(setting);
    }
}

/// Reads the library from paths; also returns the number of files.
fn read_library(paths: &[PathBuf], vocabulary: &Vocabulary) -> Result<(Library, usize), Outcome> {
    read_with_files(paths, vocabulary).map(|(library, files)| (library, files.len()))
}

/// Reads the library from paths; also returns the files, because a library has no notes of other kinds.
fn read_with_files(
    paths: &[PathBuf],
    vocabulary: &Vocabulary,
) -> Result<(Library, Vec<SourceFile>), Outcome> {
    let (files, mut findings) = read_files(paths)?;
    vocabulary.name_project(&mut findings);
    let placeholders = vocabulary.read()?;
    let mut library = Library::read_with(files.clone(), &placeholders);
    library.hosts = vocabulary.host_matching();
    library.findings.extend(findings);
    report::sort(&mut library.findings);
    Ok((library, files))
}

/// Reads the files of paths; also returns a finding for each that could not be read.
fn read_files(paths: &[PathBuf]) -> Result<(Vec<SourceFile>, Vec<Finding>), Outcome> {
    let paths = named_paths(paths);
    if paths.is_empty() {
        let message = format!(
            "no rules or notes were given, and there is neither a {FILE_NAME} here or above nor a folder {DEFAULT_PATH}: name a file or a folder (where a log is read, `--rules PATH` or `--pack FILE`)"
        );
        return Err(Outcome::usage(&message));
    }
    Ok(disk::gather(&paths))
}

/// Returns the paths, or the folder of the shipped notes if none is given and it exists.
fn named_paths(paths: &[PathBuf]) -> Cow<'_, [PathBuf]> {
    if paths.is_empty() && disk::is_folder(DEFAULT_PATH) {
        return Cow::Owned(vec![DEFAULT_PATH.into()]);
    }
    Cow::Borrowed(paths)
}

/// Renders findings in a format; as text, a command's summary follows them.
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

/// Renders how many service notes, lists and runbooks were read, compiled and refused: a line for each kind that was given.
fn note_counts(library: &Library) -> String {
    let mut lines = String::new();
    let kinds = [
        ("service", library.n_services),
        ("list", library.n_lists),
        ("runbook", library.n_runbooks),
    ];
    for (noun, counts) in kinds {
        if counts.n_read > 0 {
            let (read, n_refused) = (counted(counts.n_read, noun), counts.n_refused);
            let n_compiled = counts.n_compiled();
            lines.push_str(&format!("{read} read = {n_compiled} compiled + {n_refused} refused\n"));
        }
    }
    lines
}

/// Returns the same numbers for JSON.
fn note_numbers(library: &Library) -> [(&'static str, Value); 3] {
    let kinds = [
        ("services", library.n_services),
        ("lists", library.n_lists),
        ("runbooks", library.n_runbooks),
    ];
    kinds.map(|(name, counts)| {
        let n_compiled = counts.n_compiled();
        let numbers = json!({
            "read": counts.n_read,
            "compiled": n_compiled,
            "refused": counts.n_refused,
        });
        (name, numbers)
    })
}

/// Renders JSON over several lines, with a line break at the end.
fn pretty(json: &Value) -> String {
    printable_json(&format!("{json:#}\n"))
}

/// Renders a number with its noun: `1 rule`, `2 rules`.
fn counted(number: usize, noun: &str) -> String {
    let plural = match noun {
        _ if number == 1 => "",
        noun if noun.ends_with('x') || noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

/// Renders a finding as one line, for lists of texts in JSON.
fn one_line(finding: &Finding) -> String {
    format!("{}: {}", finding.diagnostic.place.file, finding.diagnostic.message)
}

/// Returns the name of a path in findings.
fn name(path: &std::path::Path) -> Arc<str> {
    disk::name(path)
}
