//! A note about techniques that is neither a technique note nor a rule.

use super::Value;

/// What kind of document a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentKind {
    /// Palantir's alerting and detection strategy.
    Strategy,
    /// A hunting playbook.
    Playbook,
    /// A query to hunt or detect with, in a fence.
    Query,
    /// A test of a technique.
    Test,
    /// A response action, stage or playbook of RE&CT.
    Response,
    /// An entry of LOLBAS.
    Lolbas,
    /// An entry of `GTFOBins`.
    Gtfobins,
    /// Any other note.
    Other,
}

impl DocumentKind {
    /// What pages call it.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Strategy => "alerting and detection strategy",
            DocumentKind::Playbook => "hunting playbook",
            DocumentKind::Query => "query",
            DocumentKind::Test => "test",
            DocumentKind::Response => "response action",
            DocumentKind::Lolbas => "LOLBAS entry",
            DocumentKind::Gtfobins => "GTFOBins entry",
            DocumentKind::Other => "note",
        }
    }
}

/// A note that becomes a page of its own.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its file.
    pub file: String,
    /// What kind it is.
    pub kind: DocumentKind,
    /// What people call it.
    pub title: String,
    /// The techniques that it names, in order, each once.
    pub techniques: Vec<String>,
    /// Front matter, in order.
    pub properties: Vec<(String, Value)>,
    /// Its Markdown behind the front matter.
    pub body: String,
    /// What is odd: line and message.
    pub remarks: Vec<(usize, String)>,
}
