//! The entries of a log line to a request, borrowed from the line: made for many lines. What is wrong
//! with a line is told shortly here, and at length by [`crate::access_log`].

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::access_log::KEYS;
use crate::plain_json;
use crate::recorded::{RecordedRequest, RecordedResponse};

/// What is read from a line, in the order of [`KEYS`], and the time behind them.
const N_SLOTS: usize = 15;
pub(crate) const TIME: usize = 14;

/// Where logs keep the time of an event.
pub(crate) const TIME_KEYS: &[&str] = &["start_time", "timestamp", "@timestamp", "time", "ts"];

/// Why a line stands for no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRequest {
    /// A text is no JSON.
    NotJson,
    /// A key holds another type than it has to.
    WrongType,
    /// It has no host.
    NoHost,
    /// It has no path.
    NoPath,
}

/// Which slot a key fills, and its rank among the keys of that slot. By length, because that tells
/// almost all keys apart.
#[derive(Debug)]
pub(crate) struct Keys {
    by_length: Vec<Vec<(&'static str, usize, u8)>>,
}

/// The keys of an access log.
pub(crate) static ACCESS_LOG: LazyLock<Keys> =
    LazyLock::new(|| Keys::new(KEYS.iter().map(|(_, keys)| *keys)));

impl Keys {
    /// The keys of each slot, in the order of [`KEYS`].
    pub(crate) fn new(slots: impl Iterator<Item = &'static [&'static str]>) -> Keys {
        let mut by_length: Vec<Vec<_>> = Vec::new();
        let time = (TIME, TIME_KEYS);
        for (slot, keys) in slots.enumerate().chain([time]) {
            for (rank, key) in (0..).zip(keys) {
                if by_length.len() <= key.len() {
                    by_length.resize(key.len() + 1, Vec::new());
                }
                if let Some(of_length) = by_length.get_mut(key.len()) {
                    of_length.push((*key, slot, rank));
                }
            }
        }
        Keys { by_length }
    }

    /// Puts an entry, with its value as it is written, into its slot. Where a key is given twice the last
    /// one counts.
    pub(crate) fn put<'l>(&self, key: &str, raw: &'l str, slots: &mut Slots<'l>) {
        let Some(of_length) = self.by_length.get(key.len()) else { return };
        // Keys of one length mostly differ in their last byte.
        let last = key.as_bytes().last();
        let is_key = |known: &str| known.as_bytes().last() == last && known == key;
        let known = of_length.iter().find(|(known, _, _)| is_key(known));
        let Some((_, slot, rank)) = known else { return };
        // What Envoy did not have: the next key may.
        if matches!(raw, "null" | "\"\"" | "\"-\"") {
            return;
        }
        if let Some(value) = slots.values.get_mut(*slot)
            && *rank <= value.0
        {
            *value = (*rank, raw);
        }
    }
}

/// The text of a value as it is written: a text without its quotes and escapes, a number or a truth
/// value as it stands.
pub(crate) fn text(raw: &str) -> Result<Cow<'_, str>, NoRequest> {
    let Some(inside) = inside(raw) else { return Ok(Cow::Borrowed(raw)) };
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inside));
    }
    serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|_| NoRequest::NotJson)
}

/// What stands between the quotes of a text.
fn inside(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// What a line says, as it is written.
#[derive(Debug)]
pub(crate) struct Slots<'l> {
    values: [(u8, &'l str); N_SLOTS],
    has_escapes: bool,
}

impl<'l> Slots<'l> {
    /// Nothing so far.
    pub(crate) fn new(has_escapes: bool) -> Slots<'l> {
        Slots { values: [(u8::MAX, ""); N_SLOTS], has_escapes }
    }

    /// What a plain line says.
    pub(crate) fn of_plain(line: &'l str, keys: &Keys) -> Option<Slots<'l>> {
        let mut slots = Slots::new(false);
        plain_json::object(line, &mut |key, raw| keys.put(key, raw, &mut slots))?;
        Some(slots)
    }

    /// A value as it is written.
    pub(crate) fn raw(&self, slot: usize) -> Option<&'l str> {
        self.values.get(slot).map(|(_, raw)| *raw).filter(|raw| !raw.is_empty())
    }

    fn text(&self, slot: usize) -> Result<Option<Cow<'l, str>>, NoRequest> {
        let Some(raw) = self.raw(slot) else { return Ok(None) };
        match raw.as_bytes().first() {
            Some(b'{' | b'[' | b't' | b'f') => Err(NoRequest::WrongType),
            _ if self.has_escapes => text(raw).map(Some),
            _ => Ok(Some(Cow::Borrowed(inside(raw).unwrap_or(raw)))),
        }
    }

    fn number(&self, slot: usize) -> Result<Option<u64>, NoRequest> {
        let text = self.text(slot)?;
        text.map(|text| text.parse().map_err(|_| NoRequest::WrongType)).transpose()
    }

    /// What the line says of a request, which may lack a host or a path.
    pub(crate) fn line(&self) -> Result<Line<'l>, NoRequest> {
        let method = self.text(0)?;
        let authority = self.text(2)?.unwrap_or_default();
        let is_connect = method.as_deref() == Some("CONNECT");
        let path = self.text(3)?.filter(|_| !is_connect);
        let server_name = self.text(8)?;
        let tls = server_name.is_some() || authority.ends_with(":443");
        let scheme = match self.text(1)? {
            _ if is_connect => Cow::Borrowed(""),
            Some(scheme) => scheme,
            None => Cow::Borrowed(if tls { "https" } else { "http" }),
        };
        let status = self.number(10)?.and_then(|status| u16::try_from(status).ok());
        Ok(Line {
            method: method.unwrap_or(Cow::Borrowed("GET")),
            scheme,
            authority,
            path,
            version: self.text(4)?.unwrap_or_default(),
            user_agent: self.text(5)?,
            referrer: self.text(6)?,
            cookie: self.text(7)?,
            server_name,
            source_address: self.text(9)?.map(without_port),
            // Envoy logs 0 where there was no response.
            status: status.filter(|status| *status > 0),
            request_bytes: self.number(11)?,
            response_bytes: self.number(12)?,
            upstream_address: self.text(13)?.map(without_port),
        })
    }
}

/// A request in the line that it was read from.
#[derive(Debug, Default)]
pub(crate) struct Line<'l> {
    pub(crate) method: Cow<'l, str>,
    pub(crate) scheme: Cow<'l, str>,
    pub(crate) authority: Cow<'l, str>,
    pub(crate) path: Option<Cow<'l, str>>,
    pub(crate) version: Cow<'l, str>,
    pub(crate) user_agent: Option<Cow<'l, str>>,
    pub(crate) referrer: Option<Cow<'l, str>>,
    pub(crate) cookie: Option<Cow<'l, str>>,
    pub(crate) server_name: Option<Cow<'l, str>>,
    pub(crate) source_address: Option<Cow<'l, str>>,
    pub(crate) status: Option<u16>,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: Option<u64>,
    pub(crate) upstream_address: Option<Cow<'l, str>>,
}

impl Line<'_> {
    /// The line, if it stands for a request.
    pub(crate) fn complete(self) -> Result<Self, NoRequest> {
        if self.authority.is_empty() {
            return Err(NoRequest::NoHost);
        }
        if self.path.is_none() && self.method != "CONNECT" {
            return Err(NoRequest::NoPath);
        }
        Ok(self)
    }

    /// A copy that does not need the line.
    pub(crate) fn record(self) -> RecordedRequest {
        let bytes = |text: Cow<'_, str>| text.into_owned().into_bytes();
        RecordedRequest {
            method: bytes(self.method),
            scheme: bytes(self.scheme),
            authority: bytes(self.authority),
            path: self.path.map(bytes),
            version: bytes(self.version),
            user_agent: self.user_agent.map(bytes),
            referrer: self.referrer.map(bytes),
            cookie: self.cookie.map(bytes),
            server_name: self.server_name.map(bytes),
            source_address: self.source_address.map(bytes),
            response: Some(RecordedResponse {
                status: self.status,
                request_bytes: self.request_bytes,
                response_bytes: self.response_bytes,
                upstream_address: self.upstream_address.map(bytes),
            }),
        }
    }
}

/// The address of `address:port`, as [`access_log`] reads it.
fn without_port(address: Cow<'_, str>) -> Cow<'_, str> {
    // Only an address with several colons may be one without a port.
    let n_colons = address.bytes().filter(|byte| *byte == b':').count();
    if n_colons > 1 && address.parse::<IpAddr>().is_ok() {
        return address;
    }
    let cut = |text: &str| {
        let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
        let start = host.len() - host.trim_start_matches('[').len();
        let end = host.trim_end_matches(']').len();
        (start.min(end), end)
    };
    let (start, end) = cut(&address);
    match address {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..end).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(start..end).unwrap_or_default().to_owned()),
    }
}
