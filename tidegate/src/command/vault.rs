//! `tidegate vault`.

mod gone;
mod input;
mod origin;
mod pack_hash;
mod progress;
mod read;
mod run_report;
mod settings;
mod state;
mod unchanged;
mod writer;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use catalogue::technique_id;
use clap::{Args, Subcommand, ValueEnum};
use diagnostics::{Finding, printable, report};
use obsidian::build::{Present, Scope, build};
use obsidian::check::{KINDS, check, text};
use obsidian::link_style::LinkStyle;
use obsidian::merge;
use obsidian::page::digest;
use rayon::prelude::*;
use serde_json::json;

use super::{Outcome, PlainFormat, ResultFile, counted, fill, fill_paths, name, pretty};
use crate::disk::{self, VaultFolder};
use crate::project::Project;
use gone::{Gone, tombstone};
use origin::Origin;
use pack_hash::PackSettings;
use progress::Progress;
use read::{Read, Refusal};
use run_report::Report;
use settings::Settings;
use state::State;
use unchanged::{Contents, hash};
use writer::{Summary, Writer, unwritable};

/// Build or check an Obsidian vault.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate vault build --sigma sigma/ --attack enterprise-attack.json vault/\n\
\x20 tidegate vault check vault/")]
pub(crate) struct Vault {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Build(Box<Build>),
    Check(Check),
}

/// Build an Obsidian vault from notes and catalogues.
///
/// What people wrote in the vault is kept, and files that did not change are not touched.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate vault build vault/\n\
\x20 tidegate vault build --sigma sigma/ --attack enterprise-attack.json --techniques T1102,T1567 vault/")]
struct Build {
    /// Notes, or folders of them; can be given several times [default: the project's, or knowledge/notes]
    #[arg(long)]
    notes: Vec<PathBuf>,
    /// A copy of SigmaHQ's rules
    #[arg(long)]
    sigma: Option<PathBuf>,
    /// A copy of Elastic's detection rules
    #[arg(long)]
    elastic: Option<PathBuf>,
    /// A copy of Splunk's security content
    #[arg(long)]
    splunk: Option<PathBuf>,
    /// A copy of Atomic Red Team
    #[arg(long)]
    atomic: Option<PathBuf>,
    /// ATT&CK as one file of STIX 2.0 or 2.1 per domain: Enterprise, ICS, Mobile; can be given several times
    #[arg(long)]
    attack: Vec<PathBuf>,
    /// A copy of D3FEND's ontology or mappings
    #[arg(long)]
    d3fend: Option<PathBuf>,
    /// Facts of public collections: titles, authors, licences and links, without their texts
    /// [default: knowledge/facts, if it exists and no `--notes` is given]
    #[arg(long)]
    facts: Option<PathBuf>,
    /// Include only these techniques and their sub-techniques, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', conflicts_with = "all", value_parser = technique)]
    techniques: Vec<String>,
    /// Include all techniques, also where the project names some
    #[arg(long)]
    all: bool,
    /// The address of the preview page that rule pages link to; empty for no links [default: the project's, or
    /// `http://127.0.0.1:8431/`]
    #[arg(long, value_name = "URL")]
    preview: Option<String>,
    /// How links between pages are written: `wiki` for Obsidian alone, `markdown` for a forge's web page too
    /// [default: as the vault's own setting says, or wiki]
    #[arg(long, value_enum, hide_default_value = true)]
    links: Option<Links>,
    /// Allow more than a tenth of the vault's pages to become tombstones
    #[arg(long)]
    allow_removals: bool,
    /// How to print the summary
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    /// The folder of the vault [default: the project's]
    vault: Option<PathBuf>,
    /// What the project says of its pack
    #[arg(skip)]
    pack: PackSettings,
}

/// The form of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Links {
    Wiki,
    Markdown,
}

/// The address of the preview page.
const PREVIEW: &str = "http://127.0.0.1:8431/";

/// Report defects of a vault.
///
/// Checks encoding, YAML, tags, names, links, fields, types and empty tables, without Obsidian. The exit
/// code is 1 if there is any defect.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate vault check vault/\n\
\x20 tidegate vault check --exclude Templates vault/")]
struct Check {
    /// Leave a page or a folder of the vault out, as `Templates`; can be given several times. Links may
    /// lead there
    #[arg(long, value_name = "PATH")]
    exclude: Vec<String>,
    /// How to print the result
    #[arg(short, long, value_enum, default_value = "text")]
    format: PlainFormat,
    #[command(flatten)]
    result: ResultFile,
    /// The folder of the vault [default: the project's]
    vault: Option<PathBuf>,
}

impl Vault {
    pub(super) fn fill_in(&mut self, project: &Project) {
        match &mut self.action {
            Action::Build(command) => command.fill_in(project),
            Action::Check(command) => fill(&mut command.vault, project.vault.folder.as_ref()),
        }
    }

    pub(super) fn run(&self) -> Outcome {
        match &self.action {
            Action::Build(command) => command.run(),
            Action::Check(command) => command.result.put(command.run()),
        }
    }
}

pub(crate) fn technique(text: &str) -> Result<String, &'static str> {
    technique_id(text).ok_or("write a technique such as T1102 or T1102.002")
}

/// A finding about a path where nothing is to be read.
fn nothing(path: &Path, message: impl Into<String>, help: &str) -> Box<Finding> {
    Box::new(Finding::about(&name(path), &diagnostics::codes::NOTHING_FOUND, message, help))
}

/// Without a folder there is no vault.
fn no_folder() -> Outcome {
    Outcome::usage(
        "the vault has no folder: give one, or write `folder` below `[vault]` in tidegate.toml",
    )
}

/// Reads the files that a vault has; a folder that does not exist has none.
fn files_of(vault: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<Finding>> {
    match disk::tree(vault, &["md", "base", "canvas", "json", "svg"]) {
        Ok(_) if !vault.is_dir() => {
            Err(Box::new(disk::unreadable(vault, &ErrorKind::NotADirectory.into())))
        }
        Ok(files) => Ok(files.into_iter().collect()),
        Err(_) if !vault.exists() => Ok(BTreeMap::new()),
        Err(error) => Err(Box::new(disk::unreadable(vault, &error))),
    }
}

impl Build {
    fn fill_in(&mut self, project: &Project) {
        self.pack = PackSettings::of(project);
        // Facts go with the notes of the project.
        if self.notes.is_empty() {
            fill(&mut self.facts, project.facts.as_ref());
        }
        fill_paths(&mut self.notes, &project.notes);
        let settings = &project.vault;
        fill(&mut self.vault, settings.folder.as_ref());
        for (given, setting) in [
            (&mut self.sigma, &settings.sigma),
            (&mut self.elastic, &settings.elastic),
            (&mut self.splunk, &settings.splunk),
            (&mut self.atomic, &settings.atomic),
            (&mut self.d3fend, &settings.d3fend),
        ] {
            fill(given, setting.as_ref());
        }
        fill_paths(&mut self.attack, &settings.attack);
        if self.techniques.is_empty() && !self.all {
            self.techniques.clone_from(&settings.techniques);
        }
        fill(&mut self.preview, settings.preview.as_ref());
        fill(&mut self.links, settings.links.as_ref());
    }

    fn run(&self) -> Outcome {
        let Some(root) = &self.vault else { return no_folder() };
        let progress = Progress::new();
        progress.say("reading files");
        let inputs = match self.inputs() {
            Ok(inputs) => inputs,
            Err(finding) => return Outcome::refused(&[*finding], &diagnostics::Sources::new()),
        };
        let disk = match files_of(root) {
            Ok(disk) => disk,
            Err(finding) => return Outcome::refused(&[*finding], &diagnostics::Sources::new()),
        };
        let folder = VaultFolder::open(root).ok();
        // What cannot be compared counts as changed.
        let contents = Contents::of(self, &inputs, &disk, folder.as_ref()).ok();
        let before = contents.as_ref().zip(folder.as_ref());
        if let Some(report) = before.and_then(|(contents, folder)| contents.report(folder)) {
            return Outcome { stdout: self.print(&report), ..Outcome::default() };
        }
        let Read { mut sources, library, mut origins, notes } = match Read::from(inputs, &progress)
        {
            Ok(read) => read,
            Err(refusal) => return refused(*refusal),
        };
        sources.pack_hash = self.pack.hash(&library, &sources.pack_hash, &self.notes);
        let is_whole = sources.broken.is_empty() && !library.findings.iter().any(Finding::is_error);
        let (state, settings) = match &folder {
            Some(folder) => (State::read(folder), Settings::read(folder)),
            None => (State::default(), Settings::default()),
        };
        // A folder of notes that is left out, or has another name now, keeps its pages.
        if !state.notes.is_subset(&notes) && !self.allow_removals {
            origins.remove(&Origin::Notes);
        }
        let (present, texts) = present(&disk, &state);
        progress.say("building pages");
        let vault = build(&sources, &self.scope(&settings), &present);
        let mut summary = Summary::default();
        let gone = Gone::new(&vault.pages, &present, &texts, &state, &origins, is_whole);
        if gone.n_new * 10 > present.pages.len() && !self.allow_removals {
            let finding = too_many_gone(root, gone.n_new, present.pages.len());
            return Outcome::refused(&[*finding], &library.sources);
        }
        let folder = match VaultFolder::create(root) {
            Ok(folder) => folder,
            Err(error) => {
                return Outcome::refused(&[unwritable(root, &error)], &library.sources);
            }
        };
        let writer = Writer { root, folder: &folder, disk: &disk };
        let mut pages: BTreeMap<String, String> = BTreeMap::new();
        progress.count("writing pages", vault.pages.len());
        let written = vault.pages.par_iter().map(|page| {
            progress.advance();
            writer.page(page, &texts, &state)
        });
        written.collect::<Vec<_>>().into_iter().for_each(|one| summary.add(one));
        pages.extend(vault.pages.iter().map(|page| (page.id.clone(), page.path.clone())));
        for (id, path) in gone.kept {
            pages.insert(id.to_owned(), path.to_owned());
            summary.n_doubtful += 1;
        }
        for (id, path) in gone.buried {
            pages.insert(id.to_owned(), path.to_owned());
            summary.n_tombstones += 1;
            summary.add(writer.page(&tombstone(id, path), &texts, &state));
        }
        let mut files = BTreeMap::new();
        for (path, text) in &vault.files {
            files.insert(path.clone(), digest(text));
            writer.file(path, text, &state, &mut summary);
        }
        writer.types(&vault.types, &mut summary);
        let n_checked = summary.written.len() + summary.n_unchanged;
        if self.links == Some(Links::Markdown) && settings.is_missing() {
            writer.write(settings::PATH, settings::MARKDOWN_LINKS, &mut summary);
        }
        // What was read before, and is not named now, keeps its pages, and may come back.
        let (origins, notes) = match (is_whole, self.allow_removals) {
            (true, true) => (&state.origins | &origins, notes),
            (true, false) => (&state.origins | &origins, &state.notes | &notes),
            (false, _) => (state.origins.clone(), state.notes.clone()),
        };
        let written = (State { pages, files, origins, notes }).write(&folder, &state);
        let state_text = written.unwrap_or_else(|error| {
            summary.failures.push(unwritable(&root.join(state::PATH), &error));
            None
        });
        let is_same = summary.written.is_empty() && state_text.is_none();
        let is_clean = summary.failures.is_empty() && library.findings.is_empty();
        // The same contents give the same report. After a run that wrote something they are other contents:
        // only where every page is as it was made, the next run finds nothing to do.
        if let Some(contents) = contents.filter(|_| is_clean && (is_same || summary.is_plain())) {
            let state_text = state_text.map(|text| (state::PATH.to_owned(), hash(text.as_bytes())));
            let written = summary.written.iter().cloned().chain(state_text);
            let report = Report::new(&summary, &sources, &vault);
            if let Err(error) = contents.write(&folder, written, report.again(n_checked)) {
                summary.failures.push(unwritable(&root.join(unchanged::PATH), &error));
            }
        }
        folder.tidy();
        let failed = !summary.failures.is_empty() || library.findings.iter().any(Finding::is_error);
        let findings = [&library.findings[..], &summary.failures].concat();
        let stderr = report::to_text(&findings, &library.sources);
        let stdout = self.print(&Report::new(&summary, &sources, &vault));
        Outcome { stdout, stderr, code: u8::from(failed), ..Outcome::default() }
    }

    /// Which pages are built and how they link; `settings` are those of the vault.
    fn scope(&self, settings: &Settings) -> Scope {
        let links = match self.links {
            Some(Links::Markdown) => LinkStyle::Markdown,
            Some(Links::Wiki) => LinkStyle::Wiki,
            None => settings.links(),
        };
        Scope {
            techniques: self.techniques.iter().cloned().collect(),
            preview: self.preview.clone().unwrap_or_else(|| PREVIEW.to_owned()),
            links,
        }
    }

    fn print(&self, report: &Report) -> String {
        match self.format {
            PlainFormat::Json => pretty(&json!(report)),
            PlainFormat::Text => report.text(),
        }
    }

    /// All options that decide what is written, beside the paths that are read.
    fn options(&self) -> String {
        let Build {
            notes: _,
            sigma: _,
            elastic: _,
            splunk: _,
            atomic: _,
            attack: _,
            d3fend: _,
            facts: _,
            techniques,
            all: _,
            preview,
            links,
            allow_removals,
            format: _,
            vault: _,
            pack,
        } = self;
        format!("{:?}", (techniques, preview, links, allow_removals, pack))
    }
}

/// The outcome of a run whose sources cannot be read.
fn refused(refusal: Refusal) -> Outcome {
    let Refusal { finding, library } = refusal;
    let (mut findings, texts) =
        library.map_or_else(Default::default, |library| (library.findings, library.sources));
    findings.push(finding);
    Outcome::refused(&findings, &texts)
}

/// The finding for a run that would bury more than a tenth of a vault's pages.
fn too_many_gone(root: &Path, n_gone: usize, n_pages: usize) -> Box<Finding> {
    let message = format!(
        "the sources that were read lack {} of the vault's {}; nothing was written",
        counted(n_gone, "page"),
        counted(n_pages, "page"),
    );
    let help =
        "check the paths, or give `--allow-removals`: pages without a source become tombstones";
    nothing(root, message, help)
}

/// Which pages of ours there are, by their last line, or by where they were written last.
fn present<'d>(
    disk: &'d BTreeMap<String, Vec<u8>>,
    state: &State,
) -> (Present, BTreeMap<&'d str, &'d str>) {
    let (mut present, mut texts) = (Present::default(), BTreeMap::new());
    let by_path: BTreeMap<&str, &str> =
        state.pages.iter().map(|(id, path)| (path.as_str(), id.as_str())).collect();
    for (path, bytes) in disk.iter().filter(|(path, _)| path.ends_with(".md")) {
        let text = str::from_utf8(bytes).ok();
        texts.extend(text.map(|text| (path.as_str(), text)));
        let id = text
            .and_then(merge::trailer)
            .map(|trailer| trailer.id)
            .or_else(|| by_path.get(path.as_str()).map(|id| (*id).to_owned()));
        match id {
            // Of two copies of a page, the one where it was written last is ours.
            Some(id) if !present.pages.contains_key(&id) || state.pages.get(&id) == Some(path) => {
                if let Some(other) = present.pages.insert(id, path.clone()) {
                    present.others.insert(other);
                }
            }
            _ => {
                present.others.insert(path.clone());
            }
        }
    }
    (present, texts)
}

/// Escapes control characters in what others chose, such as a file name, for a terminal.
fn shown(text: &str) -> String {
    printable(text.as_bytes())
}

/// Returns true if a path of the vault is the one that is left out, or in it.
fn is_within(path: &str, left_out: &str) -> bool {
    let left_out = left_out.trim_start_matches("./").trim_end_matches('/');
    let rest = path.strip_prefix(left_out);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".md")
}

impl Check {
    fn run(&self) -> Outcome {
        let Some(root) = &self.vault else { return no_folder() };
        let files = match disk::tree(root, &["md", "base", "canvas", "json"]) {
            Ok(files) => files,
            Err(error) => {
                let finding = disk::unreadable(root, &error);
                return Outcome::refused(&[finding], &diagnostics::Sources::new());
            }
        };
        let missing = self
            .exclude
            .iter()
            .find(|left_out| !files.iter().any(|(path, _)| is_within(path, left_out)));
        if let Some(missing) = missing {
            let message = format!("`--exclude {missing}` names nothing in the vault");
            let help = "give a path in the vault, with `/` and without the vault's own folder";
            let finding = nothing(root, message, help);
            return Outcome::refused(&[*finding], &diagnostics::Sources::new());
        }
        let is_in = |path: &str| !self.exclude.iter().any(|left_out| is_within(path, left_out));
        let files: Vec<_> = files.into_iter().filter(|(path, _)| is_in(path)).collect();
        if !files.iter().any(|(path, _)| path.ends_with(".md")) || !root.is_dir() {
            let message = "the folder holds no page";
            let help = "give a vault's folder, as `tidegate vault build` writes it";
            let finding = nothing(root, message, help);
            return Outcome::refused(&[*finding], &diagnostics::Sources::new());
        }
        let types = ".obsidian/types.json";
        let read = VaultFolder::open(root).and_then(|folder| folder.read(types));
        let mut findings = Vec::new();
        let types = match read {
            Ok(bytes) => Some((types.to_owned(), bytes)),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    findings.push(disk::unreadable(&root.join(types), &error));
                }
                None
            }
        };
        let mut texts = BTreeMap::new();
        for (path, bytes) in files.into_iter().chain(types) {
            let (text, found) = text(&name(&root.join(&path)), &bytes);
            findings.extend(found);
            texts.insert(path, text);
        }
        let others = match disk::paths(root) {
            Ok(others) => others,
            Err(error) => {
                let finding = disk::unreadable(root, &error);
                return Outcome::refused(&[finding], &diagnostics::Sources::new());
            }
        };
        let defects = check(&texts, &others);
        let n_pages = texts.keys().filter(|path| path.ends_with(".md")).count();
        let count = |kind: &str| defects.iter().filter(|defect| defect.kind == kind).count();
        let stdout = match self.format {
            PlainFormat::Json => pretty(&json!({
                "diagnostics": report::to_json(&findings, &[]).get("diagnostics"),
                "pages": n_pages,
                "counts": KINDS.iter().map(|kind| ((*kind).to_owned(), json!(count(kind)))).collect::<serde_json::Map<_, _>>(),
                "defects": defects.iter().map(|defect| json!({"kind": defect.kind, "path": defect.path, "line": defect.line, "message": defect.message})).collect::<Vec<_>>(),
            })),
            PlainFormat::Text => {
                let mut text = report::to_text(&findings, &diagnostics::Sources::new());
                for defect in &defects {
                    let _ = writeln!(
                        text,
                        "{}:{}: {}: {}",
                        shown(&defect.path),
                        defect.line,
                        defect.kind,
                        shown(&defect.message)
                    );
                }
                let _ = writeln!(text, "{n_pages} pages");
                for kind in KINDS {
                    let _ = writeln!(text, "{:>6}  {kind}", count(kind));
                }
                text
            }
        };
        let code = u8::from(!defects.is_empty() || !findings.is_empty());
        Outcome { stdout, code, ..Outcome::default() }
    }
}
