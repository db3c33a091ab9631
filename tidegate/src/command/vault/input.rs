//! The bytes of everything that a vault is built from, before any of it is read as notes or rules.

use std::path::{Path, PathBuf};

use diagnostics::{Finding, contains_key};
use obsidian::gather;
use rayon::prelude::*;

use super::origin::Origin;
use super::{Build, nothing};
use crate::command::DEFAULT_PATH;
use crate::disk;
use crate::limits::MAX_ATTACK_BYTES;

/// Facts that are read where neither they nor notes are named.
const DEFAULT_FACTS: &str = "knowledge/facts";

/// The files of one named path.
pub(super) struct Input {
    pub(super) origin: Origin,
    /// The path as it was named.
    pub(super) path: PathBuf,
    /// Its files by name, without those that are or contain a secret key: none of them is quoted.
    pub(super) files: gather::Files,
    /// The names of files with a secret key.
    pub(super) keys: Vec<String>,
}

impl Build {
    /// Reads the files of every named path, on as many threads as there are processors. A path without a file
    /// of its kind is refused; where several are wrong, the first one is.
    pub(super) fn inputs(&self) -> Result<Vec<Input>, Box<Finding>> {
        let mut wanted: Vec<(Origin, PathBuf)> = Vec::new();
        let mut want = |origin, path: &PathBuf| wanted.push((origin, path.clone()));
        self.notes.iter().for_each(|path| want(Origin::Notes, path));
        if self.notes.is_empty() && disk::is_folder(DEFAULT_PATH) {
            want(Origin::Notes, &PathBuf::from(DEFAULT_PATH));
        }
        self.sigma.iter().for_each(|path| want(Origin::Sigma, path));
        self.elastic.iter().for_each(|path| want(Origin::Elastic, path));
        self.splunk.iter().for_each(|path| want(Origin::Splunk, path));
        self.atomic.iter().for_each(|path| want(Origin::Atomic, path));
        self.attack.iter().for_each(|path| want(Origin::Attack, path));
        self.d3fend.iter().for_each(|path| want(Origin::D3fend, path));
        if wanted.is_empty() {
            let message = "there is nothing to build a vault from";
            let help = "give notes with `--notes`, or a catalogue, as `--sigma`";
            return Err(nothing(Path::new(DEFAULT_PATH), message, help));
        }
        let default = PathBuf::from(DEFAULT_FACTS);
        let is_default = self.notes.is_empty() && disk::is_folder(DEFAULT_FACTS);
        if let Some(path) = self.facts.as_ref().or(is_default.then_some(&default)) {
            wanted.push((Origin::Facts, path.clone()));
        }
        let read = wanted.into_par_iter().map(|(origin, path)| Input::read(origin, path));
        read.collect::<Vec<_>>().into_iter().collect()
    }
}

impl Input {
    fn read(origin: Origin, path: PathBuf) -> Result<Input, Box<Finding>> {
        let extensions: &[&str] = match origin {
            Origin::Notes => &["md", "markdown"],
            Origin::Sigma | Origin::Splunk | Origin::Atomic => &["yml", "yaml"],
            Origin::Elastic => &["toml"],
            Origin::D3fend => &["ttl", "json"],
            Origin::Attack | Origin::Facts => &["json"],
        };
        let files = match origin {
            Origin::Attack => {
                let (_, bytes) = disk::read(&path, MAX_ATTACK_BYTES)?;
                Ok(vec![(path.to_string_lossy().into_owned(), bytes)])
            }
            Origin::Notes => disk::notes(&path),
            _ => disk::tree(&path, extensions),
        };
        let mut files = files.map_err(|error| Box::new(disk::unreadable(&path, &error)))?;
        let mut keys = Vec::new();
        if origin != Origin::Attack {
            let has_key = |(_, bytes): &(String, Vec<u8>)| contains_key(bytes);
            let are_keys: Vec<bool> = files.par_iter().map(has_key).collect();
            let mut are_keys = are_keys.into_iter();
            files.retain(|(name, _)| {
                let is_key = are_keys.next().unwrap_or_default();
                if is_key {
                    keys.push(name.clone());
                }
                !is_key
            });
        }
        match (origin, keys.first()) {
            _ if !files.is_empty() => Ok(Input { origin, path, files, keys }),
            (Origin::Notes, Some(key)) => {
                Err(Box::new(Finding::secret_key(&disk::name(&path.join(key)))))
            }
            (Origin::Notes, None) => {
                let message = "there is no note in it: no file that ends in `.md` or `.markdown`";
                Err(nothing(&path, message, "give the folder that holds them"))
            }
            _ => {
                let message =
                    format!("there is no file that ends in `.{}`", extensions.join("`, `."));
                Err(nothing(&path, message, "give the folder that holds them"))
            }
        }
    }
}
