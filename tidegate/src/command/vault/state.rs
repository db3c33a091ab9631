//! What the last run wrote: so that what a person deleted since stays deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::{Value, json};

use super::origin::Origin;
use crate::disk::VaultFolder;

/// Pages by id and files by path, as the last run left them, and the sources that were read whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) pages: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) origins: BTreeSet<Origin>,
    /// Names of the folders of notes that were read whole.
    pub(super) notes: BTreeSet<String>,
}

pub(super) const PATH: &str = ".tidegate/state.json";

impl State {
    /// Reads it; without one, nothing was written yet.
    pub(super) fn read(vault: &VaultFolder) -> State {
        let bytes = vault.read(PATH).unwrap_or_default();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let map = |key: &str| {
            let entries = value.get(key).and_then(Value::as_object).into_iter().flatten();
            entries
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        };
        let origins = value.get("sources").and_then(Value::as_array).into_iter().flatten();
        let origins = origins.filter_map(Value::as_str).filter_map(Origin::of).collect();
        let notes = value.get("notes").and_then(Value::as_array).into_iter().flatten();
        let notes = notes.filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        State { pages: map("pages"), files: map("files"), origins, notes }
    }

    /// Writes it where it differs from what is there; returns the text that was written.
    pub(super) fn write(&self, vault: &VaultFolder, before: &State) -> io::Result<Option<String>> {
        if self == before {
            return Ok(None);
        }
        let value = json!({
            "pages": self.pages,
            "files": self.files,
            "notes": self.notes,
            "sources": self.origins.iter().map(|origin| origin.as_str()).collect::<Vec<_>>(),
        });
        let text = format!("{value:#}\n");
        vault.put(PATH, text.as_bytes()).map(|()| Some(text))
    }
}
