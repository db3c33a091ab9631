//! What a vault is built from, as notes, rules and catalogues.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use catalogue::Collection;
use catalogue::dialect::DocumentKind;
use diagnostics::Finding;
use knowledge::Library;
use obsidian::gather;
use obsidian::sources::Sources;

use super::input::Input;
use super::nothing;
use super::origin::Origin;
use super::progress::Progress;
use crate::disk;

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

/// The name of a note in one of several folders.
fn within(folder: &Path, inside: &str) -> String {
    let folder = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    match folder {
        Some(folder) if folder != inside => format!("{folder}/{inside}"),
        _ => inside.to_owned(),
    }
}

/// Gives findings the paths by which the other commands name their files. Pages know notes by their names.
fn show_paths(library: &mut Library, shown: &BTreeMap<String, Arc<str>>) {
    for finding in &mut library.findings {
        let place = &mut finding.diagnostic.place;
        if let Some(path) = shown.get(&*place.file) {
            place.file = Arc::clone(path);
        }
    }
    for (name, path) in shown {
        if let Some(text) = library.sources.remove(name.as_str()) {
            library.sources.insert(Arc::clone(path), text);
        }
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

impl Read {
    /// Reads everything that is named. A source that holds nothing of its kind is refused.
    pub(super) fn from(inputs: Vec<Input>, progress: &Progress) -> Result<Read, Box<Refusal>> {
        let is_notes = |input: &Input| input.origin == Origin::Notes;
        let (notes, others) = inputs.into_iter().partition::<Vec<_>, _>(is_notes);
        let mut read = Read::default();
        if !notes.is_empty() {
            progress.say("reading notes");
            read.notes(notes)?;
        }
        for input in others {
            progress.say(&format!("reading {}", input.origin.title()));
            read.source(&input)?;
        }
        gather::follow_revoked(&mut read.sources);
        Ok(read)
    }

    fn notes(&mut self, folders: Vec<Input>) -> Result<(), Box<Refusal>> {
        let mut notes = Vec::new();
        let mut shown = BTreeMap::new();
        let (mut ends, mut keys) = (Vec::new(), Vec::new());
        let mut taken = BTreeSet::new();
        for Input { path, files, keys: of_folder, .. } in folders {
            let of_folder = of_folder.iter().map(|key| disk::name(&path.join(key)));
            keys.extend(of_folder.map(|name| Finding::secret_key(&name)));
            self.notes.insert(folder_name(&path));
            for (inside, bytes) in files {
                // Only a name that another folder has too gets the folder's: a note is called the same with
                // and without the other folder.
                let whole = if path.is_dir() { path.join(&inside) } else { path.clone() };
                let name = if taken.contains(&inside) { within(&path, &inside) } else { inside };
                taken.insert(name.clone());
                shown.insert(name.clone(), disk::name(&whole));
                notes.push((name, bytes));
            }
            ends.push((path, notes.len()));
        }
        let names: Vec<String> = notes.iter().map(|(name, _)| name.clone()).collect();
        self.origins.insert(Origin::Notes);
        self.library = gather::notes(&mut self.sources, notes);
        self.library.findings.extend(keys);
        let mut start = 0;
        for (path, end) in ends {
            let names = names.get(start..end).unwrap_or_default();
            start = end;
            if !names.iter().any(|name| is_understood(name, &self.sources, &self.library)) {
                let message = "there is no note that can be read in it";
                let help = "name a technique, as `tags: [T1102_002]`; the vault is left as it is";
                let finding = *nothing(&path, message, help);
                show_paths(&mut self.library, &shown);
                let library = Some(std::mem::take(&mut self.library));
                return Err(Box::new(Refusal { finding, library }));
            }
        }
        show_paths(&mut self.library, &shown);
        Ok(())
    }

    /// Reads a collection, a catalogue or the facts of some.
    fn source(&mut self, input: &Input) -> Result<(), Box<Refusal>> {
        let Input { origin, path, files, keys } = input;
        let sources = &mut self.sources;
        let n_broken = sources.broken.len();
        let why = "it is or contains a secret key, and is not read";
        sources.broken.extend(keys.iter().map(|name| (name.clone(), why.to_owned())));
        let n_rules = sources.rules.len();
        let mut rules = |vendor: Collection| {
            gather::collection(sources, vendor, files);
            (sources.rules.len() > n_rules, format!("rule of {}", vendor.as_str()))
        };
        let (has_any, what) = match origin {
            Origin::Notes => return Ok(()),
            Origin::Sigma => rules(Collection::Sigma),
            Origin::Elastic => rules(Collection::Elastic),
            Origin::Splunk => rules(Collection::Splunk),
            Origin::Atomic => {
                gather::tests(sources, files);
                (!sources.tests.is_empty(), "test of Atomic Red Team".to_owned())
            }
            Origin::Attack => {
                attack(sources, path, files)?;
                (true, String::new())
            }
            Origin::D3fend => {
                gather::d3fend(sources, files);
                (!sources.d3fend.countermeasures.is_empty(), "countermeasure".to_owned())
            }
            Origin::Facts => {
                gather::facts(sources, files);
                let has_any = !sources.facts.iter().all(catalogue::facts::Facts::is_empty);
                (has_any, "fact".to_owned())
            }
        };
        if !has_any {
            return Err(holds_nothing(path, &what, sources, n_broken).into());
        }
        self.origins.insert(*origin);
        Ok(())
    }
}

/// Reads a domain of ATT&CK.
fn attack(sources: &mut Sources, path: &Path, files: &gather::Files) -> Result<(), Box<Finding>> {
    for (name, bytes) in files {
        let n_techniques = sources.attack.techniques.len();
        if let Some(domain) = gather::attack(sources, name, bytes) {
            let message = format!("{domain} of ATT&CK was given before");
            let help = "give one file of each domain: Enterprise, ICS, Mobile";
            return Err(nothing(path, message, help));
        }
        if sources.attack.techniques.len() == n_techniques {
            let message = "the file holds no technique of ATT&CK";
            let help = "give `enterprise-attack.json`, `ics-attack.json` or `mobile-attack.json` of ATT&CK's STIX data";
            return Err(nothing(path, message, help));
        }
    }
    Ok(())
}
