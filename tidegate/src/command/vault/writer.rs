//! Writes pages and files of a vault where they differ from what is there; what a person did stays.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use diagnostics::Finding;
use obsidian::merge::{self, Merged, merge};
use obsidian::page::{Page, digest};
use serde_json::{Value, json};

use super::state::State;
use super::unchanged::{Hash, hash};
use crate::command::pretty;
use crate::disk::{self, VaultFolder};

/// The types of properties, as Obsidian keeps them.
pub(super) const TYPES_PATH: &str = ".obsidian/types.json";

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Files that were written: path, and the hash of the content.
    pub(super) written: Vec<(String, Hash)>,
    pub(super) n_unchanged: usize,
    pub(super) n_tombstones: usize,
    /// Pages without a source, in a run that could not read every source.
    pub(super) n_doubtful: usize,
    /// Deleted by a person, and so not written again.
    pub(super) n_kept_deleted: usize,
    pub(super) conflicts: Vec<(String, String)>,
    /// What could not be written.
    pub(super) failures: Vec<Finding>,
}

impl Summary {
    pub(super) fn add(&mut self, other: Summary) {
        self.written.extend(other.written);
        self.n_unchanged += other.n_unchanged;
        self.n_tombstones += other.n_tombstones;
        self.n_doubtful += other.n_doubtful;
        self.n_kept_deleted += other.n_kept_deleted;
        self.conflicts.extend(other.conflicts);
        self.failures.extend(other.failures);
    }

    /// Returns true if every file was made, or found as it was made: nothing of a person and nothing without a
    /// source is between the next run and the same files.
    pub(super) fn is_plain(&self) -> bool {
        self.conflicts.is_empty()
            && self.failures.is_empty()
            && [self.n_tombstones, self.n_doubtful, self.n_kept_deleted].iter().all(|n| *n == 0)
    }
}

pub(super) struct Writer<'w> {
    pub(super) root: &'w Path,
    pub(super) folder: &'w VaultFolder,
    pub(super) disk: &'w BTreeMap<String, Vec<u8>>,
}

impl Writer<'_> {
    /// Writes a page where it differs from what is there, merged into it.
    pub(super) fn page(&self, page: &Page, texts: &BTreeMap<&str, &str>, state: &State) -> Summary {
        let mut summary = Summary::default();
        let is_there = self.disk.contains_key(&page.path);
        match texts.get(page.path.as_str()) {
            None if is_there => summary.conflicts.push((
                page.path.clone(),
                "the page is not UTF-8 any more; it is left as it is".into(),
            )),
            None if state.pages.get(&page.id) == Some(&page.path) => summary.n_kept_deleted += 1,
            None => self.write(&page.path, &merge::fresh(page), &mut summary),
            Some(text) => {
                let Merged { text: merged, conflicts } = merge(page, text);
                let conflicts = conflicts.into_iter().map(|what| (page.path.clone(), what));
                summary.conflicts.extend(conflicts);
                if merged == *text {
                    summary.n_unchanged += 1;
                } else {
                    self.write(&page.path, &merged, &mut summary);
                }
            }
        }
        summary
    }

    pub(super) fn file(&self, path: &str, text: &str, state: &State, summary: &mut Summary) {
        match (self.disk.get(path), state.files.get(path)) {
            (Some(bytes), _) if bytes == text.as_bytes() => summary.n_unchanged += 1,
            (Some(bytes), Some(last)) if digest(&String::from_utf8_lossy(bytes)) == *last => {
                self.write(path, text, summary);
            }
            (Some(_), _) => summary
                .conflicts
                .push((path.to_owned(), "the file was edited; it is left as it is".into())),
            (None, Some(_)) => summary.n_kept_deleted += 1,
            (None, None) => self.write(path, text, summary),
        }
    }

    /// Adds types of properties that have none; a person's stay.
    pub(super) fn types(&self, types: &BTreeMap<String, &'static str>, summary: &mut Summary) {
        let path = TYPES_PATH;
        let before = self.folder.read(path);
        let mut value = match before.as_deref().map(serde_json::from_slice::<Value>) {
            Err(error) if error.kind() == ErrorKind::NotFound => json!({"types": {}}),
            Ok(Ok(value))
                if value.get("types").is_none_or(Value::is_object) && value.is_object() =>
            {
                value
            }
            Ok(_) | Err(_) => {
                summary
                    .conflicts
                    .push((path.to_owned(), "the file cannot be read; it is left as it is".into()));
                return;
            }
        };
        let mut added = false;
        if let Some(map) = value.as_object_mut() {
            let known = map.entry("types").or_insert_with(|| json!({}));
            for (key, kind) in types {
                if let Some(known) = known.as_object_mut()
                    && !known.contains_key(key)
                {
                    known.insert(key.clone(), json!(kind));
                    added = true;
                }
            }
        }
        if added {
            self.write(path, &pretty(&value), summary);
        } else {
            summary.n_unchanged += 1;
        }
    }

    pub(super) fn write(&self, path: &str, text: &str, summary: &mut Summary) {
        match self.folder.put(path, text.as_bytes()) {
            Ok(()) => summary.written.push((path.to_owned(), hash(text.as_bytes()))),
            Err(error) => summary.failures.push(unwritable(&self.root.join(path), &error)),
        }
    }
}

/// A finding about a file of the vault that cannot be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Finding {
    disk::unwritable(
        path,
        error,
        "make the vault's folders writable, and see that the disk has room",
    )
}
