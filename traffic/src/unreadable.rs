//! Why a line of a log is not an event.

use crate::log_line::NoRequest;
use crate::url::UrlError;

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreadable {
    /// It is no JSON, or not complete.
    NotJson,
    /// It is JSON, and no object.
    NotAnObject,
    /// It is JSON, and no HTTP archive.
    NotAnArchive,
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
            Unreadable::NotAnArchive => "not an HTTP archive: no list `log.entries`",
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
