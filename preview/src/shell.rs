//! The functions that JavaScript calls: they return JSON of this crate's functions, and have no logic.

use knowledge::Expectation;
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::case::CaseRequest;
use crate::session::{Session, Slot};
use crate::shared::{NamedText, Shared};

/// A [`Session`] for JavaScript. Every text that it returns is JSON.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Preview {
    session: Session,
}

#[wasm_bindgen]
impl Preview {
    /// An empty session.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Preview {
        Preview::default()
    }

    /// See [`Session::set_clock`].
    pub fn set_clock(&mut self, seconds: u32) {
        self.session.set_clock(u64::from(seconds));
    }

    /// See [`Session::check`].
    pub fn check(&mut self, text: &str) -> String {
        json(&self.session.check(text))
    }

    /// See [`Session::share`]: takes an array of names and texts, and an object of placeholders with their
    /// values. Returns an empty text, or the error.
    pub fn share(&mut self, notes: &str, placeholders: &str) -> String {
        let read = || -> serde_json::Result<Shared> {
            let notes: Vec<NamedText> = serde_json::from_str(notes)?;
            Ok(Shared::read(&notes, serde_json::from_str(placeholders)?))
        };
        match read() {
            Ok(shared) => {
                self.session.share(shared);
                String::new()
            }
            Err(error) => error.to_string(),
        }
    }

    /// See [`crate::gallery()`]: takes an array of names and texts.
    pub fn gallery(&self, notes: &str) -> String {
        json(&crate::gallery(&serde_json::from_str::<Vec<NamedText>>(notes).unwrap_or_default()))
    }

    /// See [`crate::requests_of()`].
    pub fn requests_of(&self, text: &str) -> String {
        crate::requests_of(text)
    }

    /// See [`crate::as_sigma()`].
    pub fn as_sigma(&self, text: &str) -> Option<String> {
        crate::as_sigma(text)
    }

    /// See [`crate::as_note()`].
    pub fn as_note(&self, text: &str) -> String {
        crate::as_note(text)
    }

    /// See [`Session::sample`].
    pub fn sample(&mut self, slot: u32, requests: &str) -> String {
        self.session.sample(Slot(slot), requests)
    }

    /// See [`Session::load`]: returns an empty text, or the error.
    pub fn load(&mut self, slot: u32, name: &str, bytes: &[u8]) -> String {
        self.session.load(Slot(slot), name, bytes).err().unwrap_or_default()
    }

    /// See [`Session::pack`].
    pub fn pack(&self, slot: u32) -> String {
        json(&self.session.pack(Slot(slot)))
    }

    /// See [`Session::import`].
    pub fn import(&mut self, bytes: Vec<u8>) {
        self.session.import(bytes);
    }

    /// See [`Session::import_step`].
    pub fn import_step(&mut self, n_pieces: usize) -> String {
        json(&self.session.import_step(n_pieces))
    }

    /// See [`Session::judge`] and [`Row::pack`](crate::Row::pack).
    pub fn judge(
        &mut self,
        start: usize,
        n_rows: usize,
        slot: u32,
        compare_with: Option<u32>,
    ) -> Vec<u32> {
        let mut words = Vec::new();
        for row in self.session.judge(start, n_rows, Slot(slot), compare_with.map(Slot)) {
            row.pack(&mut words);
        }
        words
    }

    /// See [`Session::texts`].
    pub fn texts(&self, rows: &[u32]) -> String {
        json(&self.session.texts(rows))
    }

    /// See [`Session::find`].
    pub fn find(&self, text: &str) -> Vec<u32> {
        self.session.find(text)
    }

    /// See [`Session::explain`].
    #[expect(clippy::needless_pass_by_value, reason = "JavaScript gives the array away")]
    pub fn explain(&mut self, row: usize, slot: u32, ids: Vec<String>) -> String {
        json(&self.session.explain(row, Slot(slot), &ids))
    }

    /// See [`Session::repeat`].
    pub fn repeat(&mut self, row: usize, slot: u32, n_times: usize) -> usize {
        self.session.repeat(row, Slot(slot), n_times)
    }

    /// See [`Session::with_example`].
    pub fn with_example(&self, text: &str, row: usize, is_match: bool) -> Option<String> {
        let expectation = if is_match { Expectation::Match } else { Expectation::Pass };
        self.session.with_example(text, row, expectation)
    }

    /// See [`crate::vocabulary()`].
    pub fn vocabulary(&self) -> String {
        json(&crate::vocabulary())
    }

    /// See [`Session::verdict`]: the verdict on a request of the table of cases.
    pub fn verdict(&mut self, slot: u32, case: &str) -> String {
        match serde_json::from_str::<CaseRequest>(case) {
            Ok(case) => json(&self.session.verdict(Slot(slot), &case.lend())),
            Err(error) => json(&error.to_string()),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // The types have text keys and finite numbers: nothing in them is beyond JSON.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
