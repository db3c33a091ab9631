//! What a vault is built from, read from disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use catalogue::Collection;
use catalogue::dialect::DocumentKind;
use diagnostics::{Finding, contains_key};
use knowledge::Library;
use obsidian::gather;
use obsidian::sources::Sources;

use super::origin::Origin;
use super::progress::Progress;
use super::{Build, nothing};
use crate::command::DEFAULT_PATH;
use crate::disk;
use crate::limits::MAX_ATTACK_BYTES;

/// Facts that are read where neither they nor notes are named.
const DEFAULT_FACTS: &str = "knowledge/facts";

/// Everything that was read, and the sources that it is from.
#[derive(Default)]
pub(super) struct Read {
    pub(super) sources: Sources,
    pub(super) library: Library,
    pub(super) origins: BTreeSet<Origin>,
    /// Names of the folders of notes.
    pub(super) notes: BTreeSet<String>,
}

/// Why nothing is built, with what was found in the notes before.
pub(super) struct Refusal {
    pub(super) finding: Finding,
    pub(super) library: Option<Library>,
}

impl From<Box<Finding>> for Refusal {
    fn from(finding: Box<Finding>) -> Refusal {
        Refusal { finding: *finding, library: None }
    }
}

impl From<Box<Finding>> for Box<Refusal> {
    fn from(finding: Box<Finding>) -> Box<Refusal> {
        Box::new(finding.into())
    }
}

/// The files of a source, by their extensions. One that is or contains a secret key is left out, and listed
/// among those that cannot be read: none of it is quoted.
fn files(
    path: &Path,
    extensions: &[&str],
    sources: &mut Sources,
) -> Result<gather::Files, Box<Finding>> {
    let mut files = disk::tree(path, extensions).map_err(|error| disk::unreadable(path, &error))?;
    files.retain(|(name, bytes)| {
        let is_key = contains_key(bytes);
        if is_key {
            let why = "it is or contains a secret key, and is not read".to_owned();
            sources.broken.push((name.clone(), why));
        }
        !is_key
    });
    if files.is_empty() {
        let message = format!("there is no file that ends in `.{}`", extensions.join("`, `."));
        return Err(nothing(path, message, "give the folder that holds them"));
    }
    Ok(files)
}

/// The notes of a folder, and a finding for each that is or contains a secret key: it is left out, so that
/// none of it is quoted, and the others are read.
fn note_files(path: &Path) -> Result<(gather::Files, Vec<Finding>), Box<Finding>> {
    let mut found = disk::notes(path).map_err(|error| disk::unreadable(path, &error))?;
    let mut keys = Vec::new();
    found.retain(|(file, bytes)| {
        let is_key = contains_key(bytes);
        if is_key {
            keys.push(Finding::secret_key(&disk::name(&path.join(file))));
        }
        !is_key
    });
    Ok((found, keys))
}

/// The name of a note in one of several folders.
fn within(folder: &Path, inside: &str) -> String {
    let folder = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    match folder {
        Some(folder) if folder != inside => format!("{folder}/{inside}"),
        _ => inside.to_owned(),
    }
}

/// What a folder of notes is known by in the state of a vault.
fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| folder.to_string_lossy().into_owned())
}

/// Returns true if something came of a note: a page, or a finding of its own kind.
fn is_understood(name: &str, sources: &Sources, library: &Library) -> bool {
    let is_passed_over = sources.passed_over.iter().any(|(path, _)| path == name);
    let is_refused = library
        .findings
        .iter()
        .any(|finding| finding.is_error() && *finding.diagnostic.place.file == *name);
    // Any text is a note; one that names nothing does not make a folder one of notes.
    let is_any = |document: &catalogue::dialect::Document| {
        document.kind == DocumentKind::Other && document.techniques.is_empty()
    };
    let is_other = sources.documents.iter().any(|it| it.file == name && is_any(it));
    !is_passed_over && !is_refused && !is_other
}

/// A finding about a source with nothing of its kind, and why the first file of it was not read.
fn holds_nothing(path: &Path, what: &str, sources: &Sources, n_broken: usize) -> Box<Finding> {
    let why = sources.broken.get(n_broken).map(|(path, why)| format!("; {path}: {why}"));
    let message = format!("there is no {what} in it{}", why.unwrap_or_default());
    nothing(path, message, "check the path; the vault is left as it is")
}

impl Build {
    /// Reads everything that is named. A source that holds nothing of its kind is refused.
    pub(super) fn sources(&self, progress: &Progress) -> Result<Read, Box<Refusal>> {
        let mut read = Read::default();
        let sources = &mut read.sources;
        progress.say("reading notes");
        let default = PathBuf::from(DEFAULT_PATH);
        let mut folders: Vec<&Path> = self.notes.iter().map(PathBuf::as_path).collect();
        if folders.is_empty() && disk::is_folder(DEFAULT_PATH) {
            folders.push(&default);
        }
        let mut notes = Vec::new();
        let (mut ends, mut keys) = (Vec::new(), Vec::new());
        let mut taken = BTreeSet::new();
        for path in &folders {
            let (found, of_folder) = note_files(path)?;
            if let Some(key) = of_folder.first().filter(|_| found.is_empty()) {
                return Err(Box::new(key.clone()).into());
            }
            keys.extend(of_folder);
            if found.is_empty() {
                let message = "there is no note in it: no file that ends in `.md` or `.markdown`";
                return Err(nothing(path, message, "give the folder that holds them").into());
            }
            ends.push(notes.len() + found.len());
            read.notes.insert(folder_name(path));
            for (inside, bytes) in found {
                // Only a name that another folder has too gets the folder's: a note is called the same with
                // and without the other folder.
                let name = if taken.contains(&inside) { within(path, &inside) } else { inside };
                taken.insert(name.clone());
                notes.push((name, bytes));
            }
        }
        let catalogues = [&self.sigma, &self.elastic, &self.splunk, &self.atomic, &self.d3fend];
        let has_catalogue = catalogues.iter().any(|path| path.is_some()) || !self.attack.is_empty();
        if notes.is_empty() && !has_catalogue {
            let message = "there is nothing to build a vault from";
            let help = "give notes with `--notes`, or a catalogue, as `--sigma`";
            return Err(nothing(&default, message, help).into());
        }
        let names: Vec<String> = notes.iter().map(|(name, _)| name.clone()).collect();
        if !notes.is_empty() {
            read.origins.insert(Origin::Notes);
        }
        read.library = gather::notes(sources, notes);
        read.library.findings.extend(keys);
        let mut start = 0;
        for (path, end) in folders.iter().zip(ends) {
            let names = names.get(start..end).unwrap_or_default();
            start = end;
            if !names.iter().any(|name| is_understood(name, sources, &read.library)) {
                let message = "there is no note that can be read in it";
                let help = "name a technique, as `tags: [T1102_002]`; the vault is left as it is";
                let finding = nothing(path, message, help);
                return Err(Box::new(Refusal { finding: *finding, library: Some(read.library) }));
            }
        }
        self.collections(progress, &mut read)?;
        self.frameworks(progress, &mut read)?;
        gather::follow_revoked(&mut read.sources);
        Ok(read)
    }

    /// Reads the rules of collections.
    fn collections(&self, progress: &Progress, read: &mut Read) -> Result<(), Box<Refusal>> {
        let sources = &mut read.sources;
        for (origin, vendor, path, extensions) in [
            (Origin::Sigma, Collection::Sigma, &self.sigma, &["yml", "yaml"][..]),
            (Origin::Elastic, Collection::Elastic, &self.elastic, &["toml"][..]),
            (Origin::Splunk, Collection::Splunk, &self.splunk, &["yml", "yaml"][..]),
        ] {
            if let Some(path) = path {
                progress.say(&format!("reading {}", vendor.as_str()));
                let (n_rules, n_broken) = (sources.rules.len(), sources.broken.len());
                let files = files(path, extensions, sources)?;
                gather::collection(sources, vendor, &files);
                if sources.rules.len() == n_rules {
                    let what = format!("rule of {}", vendor.as_str());
                    return Err(holds_nothing(path, &what, sources, n_broken).into());
                }
                read.origins.insert(origin);
            }
        }
        Ok(())
    }

    /// Reads tests, techniques, countermeasures and the facts of public collections.
    fn frameworks(&self, progress: &Progress, read: &mut Read) -> Result<(), Box<Refusal>> {
        let sources = &mut read.sources;
        if let Some(path) = &self.atomic {
            progress.say("reading Atomic Red Team");
            let n_broken = sources.broken.len();
            let files = files(path, &["yaml", "yml"], sources)?;
            gather::tests(sources, &files);
            if sources.tests.is_empty() {
                return Err(
                    holds_nothing(path, "test of Atomic Red Team", sources, n_broken).into()
                );
            }
            read.origins.insert(Origin::Atomic);
        }
        for path in &self.attack {
            progress.say("reading ATT&CK");
            let (_, bytes) = disk::read(path, MAX_ATTACK_BYTES)?;
            let n_techniques = sources.attack.techniques.len();
            if let Some(domain) = gather::attack(sources, &path.to_string_lossy(), &bytes) {
                let message = format!("{domain} of ATT&CK was given before");
                let help = "give one file of each domain: Enterprise, ICS, Mobile";
                return Err(nothing(path, message, help).into());
            }
            if sources.attack.techniques.len() == n_techniques {
                let message = "the file holds no technique of ATT&CK";
                let help = "give `enterprise-attack.json`, `ics-attack.json` or `mobile-attack.json` of ATT&CK's STIX data";
                return Err(nothing(path, message, help).into());
            }
            read.origins.insert(Origin::Attack);
        }
        if let Some(path) = &self.d3fend {
            progress.say("reading D3FEND");
            let n_broken = sources.broken.len();
            let files = files(path, &["ttl", "json"], sources)?;
            gather::d3fend(sources, &files);
            if sources.d3fend.countermeasures.is_empty() {
                return Err(holds_nothing(path, "countermeasure", sources, n_broken).into());
            }
            read.origins.insert(Origin::D3fend);
        }
        let default = PathBuf::from(DEFAULT_FACTS);
        let is_default = self.notes.is_empty() && disk::is_folder(DEFAULT_FACTS);
        if let Some(path) = self.facts.as_ref().or(is_default.then_some(&default)) {
            progress.say("reading facts");
            let n_broken = sources.broken.len();
            let files = files(path, &["json"], sources)?;
            gather::facts(sources, &files);
            if sources.facts.iter().all(catalogue::facts::Facts::is_empty) {
                return Err(holds_nothing(path, "fact", sources, n_broken).into());
            }
            read.origins.insert(Origin::Facts);
        }
        Ok(())
    }
}
