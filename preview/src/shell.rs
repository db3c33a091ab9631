//! What JavaScript calls: JSON out of the functions of this crate, and no logic.

use knowledge::{Expectation, RecordedRequest, RecordedResponse};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::session::{Session, Slot};

/// A [`Session`] for JavaScript. Every text that it returns is JSON.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Preview {
    session: Session,
}

/// A request of the table of cases: bytes as lists of numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRequest {
    method: Vec<u8>,
    scheme: Vec<u8>,
    authority: Vec<u8>,
    path: Option<Vec<u8>>,
    version: Vec<u8>,
    user_agent: Option<Vec<u8>>,
    referrer: Option<Vec<u8>>,
    cookie: Option<Vec<u8>>,
    server_name: Option<Vec<u8>>,
    source_address: Option<Vec<u8>>,
    status: Option<u16>,
}

#[wasm_bindgen]
impl Preview {
    /// An empty session.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Preview {
        Preview::default()
    }

    /// See [`Session::check`].
    pub fn check(&mut self, text: &str) -> String {
        json(&self.session.check(text))
    }

    /// See [`Session::load`]: an empty text, or what is wrong.
    pub fn load(&mut self, slot: u32, name: &str, bytes: &[u8]) -> String {
        self.session.load(Slot::from_number(slot), name, bytes).err().unwrap_or_default()
    }

    /// See [`Session::pack`].
    pub fn pack(&self, slot: u32) -> String {
        json(&self.session.pack(Slot::from_number(slot)))
    }

    /// See [`Session::import`].
    pub fn import(&mut self, bytes: Vec<u8>) {
        self.session.import(bytes);
    }

    /// See [`Session::import_step`].
    pub fn import_step(&mut self, n_pieces: usize) -> String {
        json(&self.session.import_step(n_pieces))
    }

    /// See [`Session::judge`]; a negative `compare_with` compares with nothing.
    pub fn judge(&mut self, start: usize, n_rows: usize, slot: u32, compare_with: i32) -> String {
        let other = u32::try_from(compare_with).ok().map(Slot::from_number);
        json(&self.session.judge(start, n_rows, Slot::from_number(slot), other))
    }

    /// See [`Session::explain`].
    pub fn explain(&mut self, row: usize, slot: u32) -> String {
        json(&self.session.explain(row, Slot::from_number(slot)))
    }

    /// See [`Session::repeat`].
    pub fn repeat(&mut self, row: usize, slot: u32, n_times: usize) -> usize {
        self.session.repeat(row, Slot::from_number(slot), n_times)
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
        let request: CaseRequest = match serde_json::from_str(case) {
            Ok(request) => request,
            Err(error) => return json(&error.to_string()),
        };
        let response = Some(RecordedResponse { status: request.status, ..Default::default() });
        let request = RecordedRequest {
            method: request.method,
            scheme: request.scheme,
            authority: request.authority,
            path: request.path,
            version: request.version,
            user_agent: request.user_agent,
            referrer: request.referrer,
            cookie: request.cookie,
            server_name: request.server_name,
            source_address: request.source_address,
            response,
        };
        json(&self.session.verdict(Slot::from_number(slot), &request))
    }
}

fn json(value: &impl Serialize) -> String {
    // The types have text keys and finite numbers: nothing in them is beyond JSON.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
