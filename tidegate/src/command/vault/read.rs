//! What a vault is built from, read from disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use catalogue::Collection;
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

/// Everything that was read, and the sources that it is from.
#[derive(Default)]
pub(super) struct Read {
    pub(super) sources: Sources,
    pub(super) library: Library,
    pub(super) origins: BTreeSet<Origin>,
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

/// The files of a source, by their extensions.
fn files(path: &Path, extensions: &[&str]) -> Result<gather::Files, Box<Finding>> {
    let files = disk::tree(path, extensions).map_err(|error| disk::unreadable(path, &error))?;
    if let Some((file, _)) = files.iter().find(|(_, bytes)| contains_key(bytes)) {
        return Err(Box::new(disk::secret_key(&disk::name(&path.join(file)))));
    }
    if files.is_empty() {
        let message = format!("there is no file that ends in `.{}`", extensions.join("`, `."));
        return Err(nothing(path, message, "give the folder that holds them"));
    }
    Ok(files)
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
        let mut notes = Vec::new();
        if self.notes.is_empty() && disk::is_folder(DEFAULT_PATH) {
            notes.extend(files(&default, &["md"])?);
        }
        for path in &self.notes {
            notes.extend(files(path, &["md"])?);
        }
        notes.retain(|(path, _)| path.rsplit('/').next() != Some("README.md"));
        let catalogues =
            [&self.sigma, &self.elastic, &self.splunk, &self.atomic, &self.attack, &self.d3fend];
        if notes.is_empty() && catalogues.iter().all(|path| path.is_none()) {
            let message = "there is nothing to build a vault from";
            let help = "give notes with `--notes`, or a catalogue, as `--sigma`";
            return Err(nothing(&default, message, help).into());
        }
        let has_notes = !notes.is_empty();
        read.library = gather::notes(sources, notes);
        if has_notes {
            read.origins.insert(Origin::Notes);
        }
        let n_notes = sources.rules.len()
            + sources.services.len()
            + sources.runbooks.len()
            + sources.technique_notes.len();
        if let (Some(path), 0) = (self.notes.first(), n_notes) {
            let finding = holds_nothing(path, "note that can be read", sources, 0);
            return Err(Box::new(Refusal { finding: *finding, library: Some(read.library) }));
        }
        for (origin, vendor, path, extensions) in [
            (Origin::Sigma, Collection::Sigma, &self.sigma, &["yml", "yaml"][..]),
            (Origin::Elastic, Collection::Elastic, &self.elastic, &["toml"][..]),
            (Origin::Splunk, Collection::Splunk, &self.splunk, &["yml", "yaml"][..]),
        ] {
            if let Some(path) = path {
                progress.say(&format!("reading {}", vendor.as_str()));
                let (n_rules, n_broken) = (sources.rules.len(), sources.broken.len());
                gather::collection(sources, vendor, &files(path, extensions)?);
                if sources.rules.len() == n_rules {
                    let what = format!("rule of {}", vendor.as_str());
                    return Err(holds_nothing(path, &what, sources, n_broken).into());
                }
                read.origins.insert(origin);
            }
        }
        if let Some(path) = &self.atomic {
            progress.say("reading Atomic Red Team");
            let n_broken = sources.broken.len();
            gather::tests(sources, &files(path, &["yaml"])?);
            if sources.tests.is_empty() {
                return Err(
                    holds_nothing(path, "test of Atomic Red Team", sources, n_broken).into()
                );
            }
            read.origins.insert(Origin::Atomic);
        }
        if let Some(path) = &self.attack {
            progress.say("reading ATT&CK");
            let (_, bytes) = disk::read(path, MAX_ATTACK_BYTES)?;
            gather::attack(sources, &path.to_string_lossy(), &bytes);
            if sources.attack.techniques.is_empty() {
                let message = "the file holds no technique of ATT&CK";
                let help = "give `enterprise-attack.json` of ATT&CK's STIX data";
                return Err(nothing(path, message, help).into());
            }
            read.origins.insert(Origin::Attack);
        }
        if let Some(path) = &self.d3fend {
            progress.say("reading D3FEND");
            let n_broken = sources.broken.len();
            gather::d3fend(sources, &files(path, &["ttl", "json"])?);
            if sources.d3fend.countermeasures.is_empty() {
                return Err(holds_nothing(path, "countermeasure", sources, n_broken).into());
            }
            read.origins.insert(Origin::D3fend);
        }
        Ok(read)
    }
}
