//! How much was read, and why not all of it.

use std::collections::BTreeMap;

use crate::log_line::NoRequest;
use crate::url::UrlError;

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreadable {
    /// It is no JSON, or not complete.
    NotJson,
    /// It is JSON, and no object.
    NotAnObject,
    /// A key holds another type than it has to.
    WrongType,
    /// A request without a host.
    NoHost,
    /// A request without a path.
    NoPath,
    /// It is no absolute URL.
    NotAUrl,
    /// A URL whose port is no number from 0 to 65535.
    NotAPort,
    /// It is longer than [`crate::limits::MAX_LINE_BYTES`].
    TooLong,
}

impl Unreadable {
    /// The reason, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Unreadable::NotJson => "not JSON",
            Unreadable::NotAnObject => "not a JSON object",
            Unreadable::WrongType => "a key of the wrong type",
            Unreadable::NoHost => "no host",
            Unreadable::NoPath => "no path",
            Unreadable::NotAUrl => "not a URL",
            Unreadable::NotAPort => "a URL with a wrong port",
            Unreadable::TooLong => "too long",
        }
    }
}

impl From<UrlError> for Unreadable {
    fn from(reason: UrlError) -> Unreadable {
        match reason {
            UrlError::Port => Unreadable::NotAPort,
            UrlError::NoScheme | UrlError::NoHost | UrlError::White(..) => Unreadable::NotAUrl,
        }
    }
}

impl From<NoRequest> for Unreadable {
    fn from(reason: NoRequest) -> Unreadable {
        match reason {
            NoRequest::NotJson => Unreadable::NotJson,
            NoRequest::WrongType => Unreadable::WrongType,
            NoRequest::NoHost => Unreadable::NoHost,
            NoRequest::NoPath => Unreadable::NoPath,
        }
    }
}

/// Lines, events and the rest: `n_lines = n_events + n_blank + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were read; for HAR entries.
    pub n_lines: u64,
    /// Lines that are events.
    pub n_events: u64,
    /// Empty lines and comments.
    pub n_blank: u64,
    /// Lines that are no events, by reason.
    pub unreadable: BTreeMap<Unreadable, u64>,
    /// The first of them in a piece, by reason: the number of the line, from 1.
    pub first_unreadable: BTreeMap<Unreadable, u64>,
}

impl Counts {
    /// Counts the last line as no event.
    pub fn refuse(&mut self, reason: Unreadable) {
        *self.unreadable.entry(reason).or_default() += 1;
        self.first_unreadable.entry(reason).or_insert(self.n_lines);
    }

    /// Lines that are no events.
    pub fn n_unreadable(&self) -> u64 {
        self.unreadable.values().sum()
    }

    /// Adds what the next piece counted.
    pub fn add(&mut self, other: &Counts) {
        self.n_lines += other.n_lines;
        self.n_events += other.n_events;
        self.n_blank += other.n_blank;
        for (reason, number) in &other.unreadable {
            *self.unreadable.entry(*reason).or_default() += number;
        }
    }
}
