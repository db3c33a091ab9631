//! The notes and packs that the page lists, as they are on disk now.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use diagnostics::SourceFile;
use knowledge::{Compilation, Library, Note, NoteKind, Placeholders};
use serde_json::{Value, json};

use crate::disk::{self, Stamp};

/// The files to serve.
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
    /// The pack of the notes, compiled when it is first requested: once per state of the files.
    pack: Arc<OnceLock<Option<Vec<u8>>>>,
}

impl Session {
    /// Reads all watched files.
    pub(super) fn open(watched: Watched) -> Session {
        let state = Mutex::new(watched.read(1));
        Session { watched, state, changed: Condvar::new() }
    }

    /// Returns the numbers of notes and packs.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.state().notes.len(), self.watched.packs.len())
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again if any has changed, and wakes those who wait.
    pub(super) fn look(&self) {
        let old = self.state();
        if self.watched.stamps() == old.stamps {
            return;
        }
        let new = self.watched.read(old.version + 1);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = new;
        self.changed.notify_all();
    }

    /// Waits for a version newer than `version`, at most for `most`; returns the version then.
    pub(super) fn wait(&self, version: u64, most: Duration) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |state: &mut State| state.version == version;
        let waited = self.changed.wait_timeout_while(state, most, is_old);
        waited.unwrap_or_else(PoisonError::into_inner).0.version
    }

    /// Returns the list of notes and packs.
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

    /// Returns what drafts may refer to: the texts of lists and services, and the given placeholders.
    pub(super) fn shared_notes(&self) -> Value {
        let state = self.state();
        let notes = state.notes.iter().filter_map(|note| {
            let text = str::from_utf8(&note.bytes).ok()?;
            let kind = Note::read(&note.name, text).kind;
            let is_shared = matches!(kind, Some(NoteKind::List | NoteKind::Service));
            is_shared.then(|| json!({ "name": note.name.as_ref(), "text": text }))
        });
        json!({
            "notes": notes.collect::<Vec<_>>(),
            "placeholders": &self.watched.placeholders,
        })
    }

    /// Returns the bytes of a note, by its name in the list.
    pub(super) fn note(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.notes.iter().find(|note| *note.name == *name).map(|note| note.bytes.clone())
    }

    /// Returns the bytes of a pack, by its index in the list.
    pub(super) fn pack(&self, number: &str) -> Option<Vec<u8>> {
        let path = self.watched.packs.get(number.parse::<usize>().ok()?)?;
        disk::read_pack(path).ok().map(|(_, bytes)| bytes)
    }

    /// Returns the pack of all notes without the rules that are refused. Requests at the same time wait
    /// for one compilation.
    pub(super) fn pack_of_notes(&self) -> Option<Vec<u8>> {
        let state = self.state();
        let compile = || {
            let notes = state.notes.iter().cloned().collect();
            let library = Library::read_with(notes, &self.watched.placeholders);
            Compilation::new(&library, "notes", state.version).ok().map(|compiled| compiled.bytes)
        };
        state.pack.get_or_init(compile).clone()
    }
}

impl Watched {
    fn stamps(&self) -> Vec<Stamp> {
        disk::stamps(self.paths.iter().chain(&self.packs))
    }

    fn read(&self, version: u64) -> State {
        // The stamps first: a file that changes while it is read is read again.
        let stamps = self.stamps();
        let (notes, _) = disk::gather(&self.paths);
        State { version, stamps, notes: Arc::new(notes), pack: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_compiled_once_per_state_of_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let rule = "title: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";
        #[expect(clippy::disallowed_methods, reason = "a test writes the files that are watched")]
        let write = |text: &str| std::fs::write(folder.path().join("a.yml"), text).unwrap();
        write(rule);
        let paths = vec![folder.path().to_owned()];
        let session =
            Session::open(Watched { paths, packs: Vec::new(), placeholders: Placeholders::new() });
        assert!(session.state().pack.get().is_none(), "nothing is compiled before it is requested");
        let first = session.pack_of_notes().unwrap();
        let compiled = session.state().pack;
        session.look();
        assert!(Arc::ptr_eq(&session.state().pack, &compiled));
        assert!(session.pack_of_notes().unwrap() == first);
        write(&rule.replace("a.example", "longer.example"));
        session.look();
        assert!(session.state().pack.get().is_none(), "a change discards the pack");
        assert!(session.pack_of_notes().unwrap() != first);
    }
}
