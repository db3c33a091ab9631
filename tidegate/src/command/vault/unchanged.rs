//! Whether anything changed since the last run: the program, the options, the sources, or the vault.
//!
//! A build is a function of these. So a run hashes the contents of all files that it would read, and where the
//! hash is that of the run before, its report is that one's. No time and no size of a file is trusted.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Build;
use super::input::Input;
use super::run_report::Report;
use crate::disk::{self, VaultFolder};

/// The hash of a file's content.
pub(super) type Hash = [u8; 32];

/// The seal of the last run.
pub(super) const PATH: &str = ".tidegate/unchanged.json";
/// A seal counts for one build of the program, so it is not for other people's copies of a vault.
const IGNORE: (&str, &str) = (".tidegate/.gitignore", "unchanged.json\n");

/// Files of a vault that a build reads beside its pages.
const SETTINGS: [&str; 3] = [super::state::PATH, super::settings::PATH, super::writer::TYPES_PATH];

/// What the last run left, and what it would print if it ran again.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    hash: String,
    report: Report,
}

/// The hash of the program, the options and the sources, and those of the vault's files.
pub(super) struct Contents {
    asked: Hash,
    files: BTreeMap<String, Hash>,
}

impl Contents {
    /// Hashes what a run reads; an error where the program's own file or a setting of the vault cannot be read:
    /// such a run is made whole.
    pub(super) fn of(
        build: &Build,
        inputs: &[Input],
        vault: &BTreeMap<String, Vec<u8>>,
        folder: Option<&VaultFolder>,
    ) -> io::Result<Contents> {
        let (program, files) = rayon::join(program, || {
            let (inputs, vault) = rayon::join(|| of_inputs(inputs), || hashes(vault));
            (inputs, vault)
        });
        let (inputs, mut files) = files;
        for path in SETTINGS {
            match folder.map(|folder| folder.read(path)) {
                Some(Ok(bytes)) => {
                    files.insert(path.to_owned(), hash(&bytes));
                }
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Some(Err(_)) | None => {}
            }
        }
        let options = build.options();
        let asked = joined([&program?[..], options.as_bytes(), &inputs[..]]);
        Ok(Contents { asked, files })
    }

    /// The report of the last run, if nothing changed since.
    pub(super) fn report(&self, folder: &VaultFolder) -> Option<Report> {
        let bytes = folder.read(PATH).ok()?;
        // One of another version, or that a person edited, does not count.
        let seal: Seal = serde_json::from_slice(&bytes).ok()?;
        (seal.hash == self.seal()).then_some(seal.report)
    }

    /// Writes the seal of a run that wrote these files.
    pub(super) fn write(
        mut self,
        folder: &VaultFolder,
        written: impl IntoIterator<Item = (String, Hash)>,
        report: Report,
    ) -> io::Result<()> {
        self.files.extend(written);
        let seal = Seal { hash: self.seal(), report };
        let text = serde_json::to_vec_pretty(&seal)?;
        if folder.read(PATH).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let (ignore, pattern) = IGNORE;
        if folder.read(ignore).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            folder.put(ignore, pattern.as_bytes())?;
        }
        folder.put(PATH, &text)
    }

    fn seal(&self) -> String {
        let files = self.files.iter().flat_map(|(path, hash)| [path.as_bytes(), &hash[..]]);
        let hash = joined([&self.asked[..]].into_iter().chain(files));
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The hash of a content.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash of parts; where one ends is a part of it.
fn joined<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn hashes(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Hash> {
    files.par_iter().map(|(path, bytes)| (path.clone(), hash(bytes))).collect()
}

fn of_inputs(inputs: &[Input]) -> Hash {
    let of_input = |input: &Input| {
        let of_file = |(name, bytes): &(String, Vec<u8>)| joined([name.as_bytes(), bytes]);
        let files: Vec<Hash> = input.files.par_iter().map(of_file).collect();
        let keys: Vec<&[u8]> = input.keys.iter().map(String::as_bytes).collect();
        joined([
            input.origin.as_str().as_bytes(),
            input.path.as_os_str().as_encoded_bytes(),
            files.as_flattened(),
            &joined(keys)[..],
        ])
    };
    joined(inputs.iter().map(of_input).collect::<Vec<_>>().iter().map(|hash| &hash[..]))
}

/// The hash of the program itself: another build of one version may write other pages.
fn program() -> io::Result<Hash> {
    let mut hasher = Sha256::new();
    disk::read_program(|block| hasher.update(block))?;
    Ok(hasher.finalize().into())
}
