//! `tidegate new`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use diagnostics::codes::UNWRITABLE;
use diagnostics::{Finding, Sources};

use super::{Outcome, name};
use crate::disk;
use crate::project::{FILE_NAME, Project};

/// Write a project file, a note or a policy to begin with.
///
/// A rule is complete: `check` has no findings, `test` runs its two examples. Change it from there.
///
/// A project is a folder with the file tidegate.toml, which says where the notes are: at first in a folder notes,
/// which is made, too. In a project notes are written into its first folder of notes, a policy where the project names one, or else beside the project file; elsewhere all files are written here.
/// A file is named after its title unless a name is given with --output. An existing file is not replaced.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Examples:\n\
\x20 tidegate new project 'Egress of Example'\n\
\x20 tidegate new rule 'File sent to the drop host'\n\
\x20 tidegate new runbook 'File sent to the drop host' --rule 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11\n\
\x20 tidegate new policy 'Egress of the build network' -o policy.yml")]
pub(crate) struct New {
    /// What to write
    #[arg(value_enum)]
    kind: Kind,
    /// The title of the project, rule, runbook or policy, or the name of the service
    #[arg(value_parser = title)]
    title: String,
    /// The id of the rule that a runbook tests
    #[arg(long, value_name = "ID", required_if_eq("kind", "runbook"))]
    rule: Option<String>,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of the project, and that of its notes
    #[arg(skip)]
    folders: Option<(PathBuf, PathBuf)>,
    /// The policy that the project names
    #[arg(skip)]
    policy: Option<PathBuf>,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A project file, tidegate.toml: where notes are, and what commands take without options.
    Project,
    /// A rule note: prose, a Sigma rule, examples.
    Rule,
    /// A service note: hosts, operations, tenants.
    Service,
    /// A runbook: how to test a rule.
    Runbook,
    /// A policy: what happens to matches.
    Policy,
}

/// The folder of notes that a new project names.
const NOTES: &str = "notes";

impl Kind {
    fn template(self) -> &'static str {
        match self {
            Kind::Project => include_str!("../../templates/project.toml"),
            Kind::Rule => include_str!("../../templates/rule.md"),
            Kind::Service => include_str!("../../templates/service.md"),
            Kind::Runbook => include_str!("../../templates/runbook.md"),
            Kind::Policy => include_str!("../../templates/policy.yml"),
        }
    }
}

impl New {
    pub(super) fn fill_in(&mut self, project: &Project) {
        let notes = project.notes.iter().find(|path| !disk::is_file(path));
        let folder = project.folder().map(Path::to_owned);
        self.folders = folder.zip(notes.cloned());
        self.policy.clone_from(&project.policy);
    }

    pub(super) fn run(&self) -> Outcome {
        if self.kind != Kind::Runbook && self.rule.is_some() {
            return Outcome::usage("only a runbook has --rule");
        }
        let path = self.output.clone().unwrap_or_else(|| self.default_path());
        let id = match (&self.rule, disk::random()) {
            (Some(id), _) => id.clone(),
            (None, Ok(random)) => uuid(random),
            (None, Err(error)) => return refused(&path, &disk::reason(&error)),
        };
        let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let slug = self.slug();
        let shown = name(&path);
        let values = [
            ("{title}", self.title.as_str()),
            ("{id}", &id),
            ("{date}", &date),
            ("{slug}", &slug),
            ("{file}", &shown),
        ];
        let text = values
            .iter()
            .fold(self.kind.template().to_owned(), |text, (key, value)| text.replace(key, value));
        let folder = path.parent().filter(|folder| **folder != *"");
        let written = folder.map_or(Ok(()), disk::create_folder);
        if let Err(error) = written.and_then(|()| disk::create(&path, text.as_bytes(), false)) {
            return refused(&path, &disk::reason(&error));
        }
        if self.kind == Kind::Project
            && let Err(error) = disk::create_folder(&folder.unwrap_or(Path::new("")).join(NOTES))
        {
            return refused(&path, &disk::reason(&error));
        }
        let next = self.next(&path);
        Outcome { stdout: format!("{shown}: written\nnext: {next}\n"), ..Outcome::default() }
    }

    /// What to do with the file.
    fn next(&self, path: &Path) -> String {
        let shown = name(path);
        // Commands without paths read it there.
        let is_read = self.folders.is_some() && self.output.is_none();
        let paths = if is_read { String::new() } else { format!(" {shown}") };
        match self.kind {
            Kind::Project => "tidegate new rule 'The title of a rule'".to_owned(),
            Kind::Rule => format!("tidegate test{paths}"),
            Kind::Service | Kind::Runbook => format!("tidegate check{paths}"),
            Kind::Policy if self.policy.as_deref() == Some(path) => "tidegate check".to_owned(),
            Kind::Policy if self.folders.is_some() && self.policy.is_none() => format!(
                "tidegate check --policy {shown}; `policy = \"{}\"` in {FILE_NAME} has every command take it",
                path.file_name().unwrap_or_default().display(),
            ),
            Kind::Policy => format!("tidegate check --policy {shown}"),
        }
    }

    fn default_path(&self) -> PathBuf {
        let here = (PathBuf::new(), PathBuf::new());
        let (project, notes) = self.folders.as_ref().unwrap_or(&here);
        let (folder, file) = match self.kind {
            Kind::Project => (&here.0, FILE_NAME.to_owned()),
            Kind::Policy => match self.policy.as_ref().filter(|path| !disk::is_file(path)) {
                Some(path) => return path.clone(),
                None => (project, self.slug() + ".yml"),
            },
            Kind::Rule | Kind::Service | Kind::Runbook => (notes, self.slug() + ".md"),
        };
        // Not `./a.md`.
        if **folder == *"." { PathBuf::from(file) } else { folder.join(file) }
    }

    /// The title in lower case, with dashes for what is neither a letter nor a digit.
    fn slug(&self) -> String {
        let lower = self.title.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// Accepts a title that is the same text in YAML, in a heading and in a comment.
fn title(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_alphanumeric() || " -_.,()/'+".contains(c);
    let starts = text.starts_with(char::is_alphanumeric);
    let is_plain = starts && !text.ends_with(' ') && text.len() <= 120 && text.chars().all(fits);
    is_plain
        .then(|| text.to_owned())
        .ok_or("a title begins with a letter or digit and consists of letters, digits, blanks and - _ . , ( ) / ' +")
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: [u8; 32]) -> String {
    let (half, _) = random.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    let number = u128::from_be_bytes(*half);
    let number = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{number:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    parts.map(|(from, to)| digits.get(from..to).unwrap_or_default()).join("-")
}

fn refused(path: &Path, why: &str) -> Outcome {
    let help = "give another path with --output, where no file is";
    let message = format!("the file cannot be written: {why}");
    let finding = Finding::about(&name(path), &UNWRITABLE, message, help);
    Outcome::refused(&[finding], &Sources::new())
}
