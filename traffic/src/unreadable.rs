//! The reasons why a line of a log is not an event.

use crate::url::UrlError;

/// Why a line is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreadable {
    /// It is not JSON, or not complete.
    NotJson,
    /// It is JSON, but not an object.
    NotAnObject,
    /// It is JSON, but not an HTTP archive.
    NotAnArchive,
    /// It is not of the log's format.
    NotOfFormat,
    /// The value of the host or the path is of a wrong type.
    WrongType,
    /// A request without a host.
    NoHost,
    /// A request without a path.
    NoPath,
    /// It is not an absolute URL.
    NotAUrl,
    /// A URL whose port is not a number from 0 to 65535.
    NotAPort,
    /// It is longer than [`crate::limits::MAX_LINE_BYTES`].
    TooLong,
    /// A document whose lists and objects nest deeper than [`crate::limits::MAX_JSON_DEPTH`].
    TooDeep,
}

impl Unreadable {
    /// Returns the reason, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Unreadable::NotJson => "not JSON",
            Unreadable::NotAnObject => "not a JSON object",
            Unreadable::NotAnArchive => "not an HTTP archive: no list `log.entries`",
            Unreadable::NotOfFormat => "not a line of the format",
            Unreadable::WrongType => "a key of the wrong type",
            Unreadable::NoHost => "no host",
            Unreadable::NoPath => "no path",
            Unreadable::NotAUrl => "not a URL",
            Unreadable::NotAPort => "a URL with a wrong port",
            Unreadable::TooLong => "too long",
            Unreadable::TooDeep => "nested too deeply",
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
