//! What the lines of a log are.

use std::borrow::Cow;

use crate::json::Time;
use crate::line::Line;
use crate::seeming::Seeming;
use crate::{Format, Unreadable};

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'l> {
    /// An empty line, a comment, a part of a line that goes on, or an event of Suricata that is not a request.
    Blank,
    /// A request. It is not moved: it is large, and there are many.
    Request(&'l LoggedRequest<'l>),
    /// A JSON object whose fields are found by their names, and its format.
    Object(&'l [u8], Format),
}

/// A request of a log, and what the log says besides.
#[derive(Clone, Debug, Default)]
pub struct LoggedRequest<'l> {
    /// The request.
    pub line: Line<'l>,
    /// When it was sent.
    pub time: Option<Time<'l>>,
    /// Who sent it, beside its address.
    pub identity: Option<Cow<'l, str>>,
    /// The keys whose value is of a wrong type; it was left out.
    pub unread: Vec<String>,
    /// Whether the log has a template of the path in its place, or neither.
    pub lacks_path: bool,
    /// How long it took.
    pub duration: Option<Duration<'l>>,
    /// Zeek's name for the connection on which it came.
    pub connection: Option<Cow<'l, str>>,
    /// The format of the line where it is another than that of the log's first lines.
    pub other: Option<Format>,
}

impl<'l> From<(Line<'l>, Option<Time<'l>>)> for LoggedRequest<'l> {
    fn from((line, time): (Line<'l>, Option<Time<'l>>)) -> LoggedRequest<'l> {
        LoggedRequest { line, time, ..LoggedRequest::default() }
    }
}

/// How long a request took, as a log writes it: only read where it is needed.
#[derive(Clone, Debug)]
pub struct Duration<'l> {
    pub(crate) text: Cow<'l, str>,
    /// Whether it is seconds, or milliseconds.
    pub(crate) is_in_seconds: bool,
}

impl Duration<'_> {
    /// Returns whole milliseconds; `None` for what is no duration.
    pub fn milliseconds(&self) -> Option<u64> {
        let number: f64 = self.text.parse().ok()?;
        let milliseconds = if self.is_in_seconds { number * 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in the range")]
        (0.0..1e15).contains(&milliseconds).then_some(milliseconds as u64)
    }
}

/// A line that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Unreadable,
    /// What the line seems to be, if it looks like a request that the log's format does not read: not one of the
    /// log's own that lacks a host, and not what a program writes about itself.
    pub missed: Option<Seeming>,
}

impl From<Unreadable> for Refused {
    fn from(reason: Unreadable) -> Refused {
        Refused { reason, missed: None }
    }
}
