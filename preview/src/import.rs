//! Pasted or dropped traffic to requests, piece by piece, so that a page can show progress and cancel.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use diagnostics::Findings;
use serde::Serialize;
use traffic::{RecordedRequest, har, subject};

use crate::binary::binary;
use crate::limits::{MAX_IMPORT_BYTES, MAX_REFUSALS, MAX_REQUESTS};

/// An import under way.
#[derive(Debug, Default)]
pub struct Import {
    text: Rc<[u8]>,
    /// Its name in findings.
    name: Option<Arc<str>>,
    /// The part of the text that has been read.
    at: usize,
    line: u32,
    /// Entries of a HAR, which is read at once, that have not been turned into requests.
    entries: VecDeque<Box<str>>,
    n_entries: usize,
    /// Requests that came out.
    pub requests: Vec<RecordedRequest>,
    reader: subject::Reader,
    refusals: Vec<Refusal>,
    n_refused: usize,
    is_cut: bool,
}

/// How far an import is.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// Between 0 and 1.
    pub progress: f64,
    /// True if the whole text has been read.
    pub is_done: bool,
    /// Requests so far.
    pub n_requests: usize,
    /// Pieces that are not requests.
    pub n_refused: usize,
    /// The first of these.
    pub refusals: Vec<Refusal>,
    /// True if there were more requests than the bound.
    pub is_cut: bool,
}

/// A part that is not a request, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The line, from 1; for a HAR the entry.
    pub line: u32,
    /// The finding's code.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// The help.
    pub help: String,
}

impl Import {
    /// Starts to read bytes that anybody may have written.
    pub fn new(bytes: Vec<u8>) -> Import {
        let mut import = Import::default();
        if bytes.len() > MAX_IMPORT_BYTES {
            let message = format!("the traffic is larger than {MAX_IMPORT_BYTES} bytes");
            import.refuse(1, diagnostics::codes::FILE_TOO_LARGE.id, message, "give a part of it");
            return import;
        }
        if let Some(kind) = binary(&bytes) {
            let message = format!("this is {kind}, not text");
            let help = "give URLs, commands, request heads, a HAR or a log as text in UTF-8";
            import.refuse(1, diagnostics::codes::NOT_UTF_8.id, message, help);
        } else if har::is_archive(&bytes) {
            import.open_har(&bytes);
        } else {
            import.text = bytes.into();
        }
        import
    }

    /// Reads up to `n_pieces` more.
    pub fn step(&mut self, n_pieces: usize) -> Imported {
        for _ in 0..n_pieces {
            if self.requests.len() >= MAX_REQUESTS && !self.is_at_end() {
                self.is_cut = true;
                self.entries.clear();
                self.at = self.text.len();
            }
            if let Some(entry) = self.entries.pop_front() {
                self.line += 1;
                match har::request(&entry) {
                    Ok((request, _)) => self.requests.push(request.record()),
                    Err(reason) => {
                        let message = format!("the entry is not a request: {}", reason.as_str());
                        let help = "an entry needs a complete URL in `request.url`";
                        self.refuse(self.line, traffic::codes::NOT_A_REQUEST.id, message, help);
                    }
                }
            } else if let Some((line, piece)) = self.next_piece() {
                let text = Rc::clone(&self.text);
                self.read(line, text.get(piece).unwrap_or_default());
            } else {
                break;
            }
        }
        self.imported()
    }

    /// How far it is.
    pub fn imported(&self) -> Imported {
        let (done, all) = match self.n_entries {
            0 => (self.at, self.text.len()),
            n_entries => (n_entries - self.entries.len(), n_entries),
        };
        #[expect(clippy::cast_precision_loss, reason = "a progress bar has no 53 bits")]
        let progress = if all == 0 { 1.0 } else { done as f64 / all as f64 };
        Imported {
            progress,
            is_done: self.is_at_end(),
            n_requests: self.requests.len(),
            n_refused: self.n_refused,
            refusals: self.refusals.clone(),
            is_cut: self.is_cut,
        }
    }

    /// The text, of which an observer reads what is a log; `None` before all of it has been read.
    pub(crate) fn log(&self) -> Option<&[u8]> {
        (!self.text.is_empty() && self.is_at_end()).then_some(&self.text)
    }

    fn is_at_end(&self) -> bool {
        self.entries.is_empty() && self.at >= self.text.len()
    }

    fn open_har(&mut self, bytes: &[u8]) {
        match har::entries(bytes) {
            Ok(entries) => {
                self.n_entries = entries.len();
                self.entries = entries.into_iter().map(Box::from).collect();
            }
            Err(reason) => {
                let message = format!("the HAR cannot be read: {}", reason.as_str());
                let help = "export it again from the browser's network panel";
                self.refuse(1, traffic::codes::NOT_A_REQUEST.id, message, help);
            }
        }
    }

    fn read(&mut self, line: u32, piece: &[u8]) {
        let Ok(text) = str::from_utf8(piece) else {
            let help = "escape other bytes, as `%FF` in a URL";
            self.refuse(
                line,
                diagnostics::codes::NOT_UTF_8.id,
                "this is not UTF-8".to_owned(),
                help,
            );
            return;
        };
        let name = self.name.get_or_insert_with(|| "requests".into());
        let mut findings = Findings::new(name).at_line(line);
        let requests = self.reader.read(text, &mut findings);
        if requests.is_empty() {
            let found = findings.into_list().into_iter().find(diagnostics::Finding::is_error);
            let (code, message, help) = found.map_or_else(
                || {
                    (
                        traffic::codes::NOT_A_REQUEST.id,
                        "this is no request".to_owned(),
                        String::new(),
                    )
                },
                |found| {
                    let found = found.diagnostic;
                    (found.code.id, found.message, found.help)
                },
            );
            self.refuse(line, code, message, &help);
        }
        self.requests.extend(requests);
    }

    fn refuse(&mut self, line: u32, code: &'static str, message: String, help: &str) {
        self.n_refused += 1;
        if self.refusals.len() < MAX_REFUSALS {
            self.refusals.push(Refusal { line, code, message, help: help.to_owned() });
        }
    }

    fn next_line(&self) -> Option<&[u8]> {
        let rest = self.text.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        rest.get(..end).filter(|line| !line.is_empty())
    }

    /// Goes behind a line of so many bytes.
    fn pass(&mut self, n_bytes: usize) {
        self.at += n_bytes;
        self.line += u32::from(n_bytes > 0);
    }

    /// Where the next request is: a line, or as many as a command or a captured request goes on.
    fn next_piece(&mut self) -> Option<(u32, Range<usize>)> {
        let mut line = self.next_line()?;
        while line.trim_ascii().is_empty() || line.starts_with(b"#") {
            self.pass(line.len());
            line = self.next_line()?;
        }
        let start = self.at;
        let first = self.line + 1;
        let n_bytes = subject::piece_len(self.text.get(start..).unwrap_or_default());
        let n_lines = self.text.get(start..start + n_bytes).map_or(0, |piece| {
            memchr::memchr_iter(b'\n', piece).count() + usize::from(!piece.ends_with(b"\n"))
        });
        self.at += n_bytes;
        self.line = self.line.saturating_add(u32::try_from(n_lines).unwrap_or(u32::MAX));
        Some((first, start..self.at))
    }
}
