//! What the page is offered: the person's notes and packs as they are on disk now.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use diagnostics::SourceFile;
use knowledge::{Compilation, Library, Placeholders};
use serde_json::{Value, json};

use crate::disk::{self, Stamp};

/// What is offered.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) paths: Vec<PathBuf>,
    pub(super) packs: Vec<PathBuf>,
    pub(super) placeholders: Placeholders,
}

/// Watched files with their newest state.
#[derive(Debug)]
pub(super) struct Session {
    watched: Watched,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Debug)]
struct State {
    /// Goes up with every change.
    version: u64,
    stamps: Vec<Stamp>,
    notes: Arc<Vec<SourceFile>>,
}

impl Session {
    /// Reads all that is watched.
    pub(super) fn open(watched: Watched) -> Session {
        let state = Mutex::new(watched.read(1));
        Session { watched, state, changed: Condvar::new() }
    }

    /// How many notes, and how many packs.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.state().notes.len(), self.watched.packs.len())
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether anything is otherwise on disk, and tells who waits.
    pub(super) fn look(&self) {
        let old = self.state();
        if self.watched.stamps() == old.stamps {
            return;
        }
        let new = self.watched.read(old.version + 1);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = new;
        self.changed.notify_all();
    }

    /// Waits until there is something newer than `version`, or a while; tells the version then.
    pub(super) fn wait(&self, version: u64, most: Duration) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |state: &mut State| state.version == version;
        let waited = self.changed.wait_timeout_while(state, most, is_old);
        waited.unwrap_or_else(PoisonError::into_inner).0.version
    }

    /// The list of what is offered.
    pub(super) fn list(&self) -> Value {
        let state = self.state();
        let notes = state.notes.iter().map(|note| note.name.as_ref());
        let packs = self.watched.packs.iter().map(|path| disk::name(path).to_string());
        json!({
            "version": state.version,
            "notes": notes.collect::<Vec<_>>(),
            "packs": packs.collect::<Vec<_>>(),
        })
    }

    /// The bytes of a note, by its name in the list.
    pub(super) fn note(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.notes.iter().find(|note| *note.name == *name).map(|note| note.bytes.clone())
    }

    /// The bytes of a pack, by its place in the list.
    pub(super) fn pack(&self, number: &str) -> Option<Vec<u8>> {
        let path = self.watched.packs.get(number.parse::<usize>().ok()?)?;
        disk::read_pack(path).ok().map(|(_, bytes)| bytes)
    }

    /// The pack of all notes; rules that do not run are not in it.
    pub(super) fn pack_of_notes(&self) -> Option<Vec<u8>> {
        let state = self.state();
        let notes = state.notes.iter().cloned().collect();
        let library = Library::read_with(notes, &self.watched.placeholders);
        Compilation::new(&library, "notes", state.version).ok().map(|compiled| compiled.bytes)
    }
}

impl Watched {
    fn stamps(&self) -> Vec<Stamp> {
        disk::stamps(self.paths.iter().chain(&self.packs))
    }

    fn read(&self, version: u64) -> State {
        // The stamps first: what changes while it is read is read again.
        let stamps = self.stamps();
        let (notes, _) = disk::gather(&self.paths);
        State { version, stamps, notes: Arc::new(notes) }
    }
}
