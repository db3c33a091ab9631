//! The entries of a log line to a request, borrowed from the line: made for many lines. What is wrong
//! with a line is told shortly here, and at length by [`crate::access_log`].

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::access_log::KEYS;
use crate::plain_json::{self, Shape};
use crate::recorded::{RecordedRequest, RecordedResponse};

/// What is read from a line, in the order of [`KEYS`], and behind them the time and who sent it.
const N_SLOTS: usize = 16;
/// The slot of the time.
pub const TIME: usize = 14;
/// The slot of the sender's identity.
pub const IDENTITY: usize = 15;

/// Where logs keep the time of an event.
/// The slot of the time.
pub const TIME_KEYS: &[&str] = &["start_time", "timestamp", "@timestamp", "time", "ts"];

/// Where logs say who sent a request, beside its address: the URI in the client's certificate
/// (`%DOWNSTREAM_PEER_URI_SAN%`), or what a trusted hop calls it.
/// The slot of the sender's identity.
pub const IDENTITY_KEYS: &[&str] = &["source_identity", "identity", "downstream_peer_uri_san"];

/// Why a line stands for no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRequest {
    /// A text is no JSON.
    NotJson,
    /// A key holds another type than it has to.
    WrongType,
    /// It has no host.
    NoHost,
    /// It has no path.
    NoPath,
}

/// The place of each key. By length, because that tells almost all keys apart.
#[derive(Debug)]
pub struct Keys {
    by_length: Vec<Vec<(&'static str, Place)>>,
}

/// The slot that a key fills, and the key's rank among those of the slot.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    slot: usize,
    rank: u8,
}

/// The keys of an access log.
pub static ACCESS_LOG: LazyLock<Keys> =
    LazyLock::new(|| Keys::new(KEYS.iter().map(|(_, keys)| *keys)));

impl Keys {
    /// The keys of each slot, in the order of [`KEYS`].
    pub fn new(slots: impl Iterator<Item = &'static [&'static str]>) -> Keys {
        let mut by_length: Vec<Vec<_>> = Vec::new();
        let others = [(TIME, TIME_KEYS), (IDENTITY, IDENTITY_KEYS)];
        for (slot, keys) in slots.enumerate().chain(others) {
            for (rank, key) in (0..).zip(keys) {
                if by_length.len() <= key.len() {
                    by_length.resize(key.len() + 1, Vec::new());
                }
                if let Some(of_length) = by_length.get_mut(key.len()) {
                    of_length.push((*key, Place { slot, rank }));
                }
            }
        }
        Keys { by_length }
    }

    /// The place of a key; most keys have none.
    pub fn find(&self, key: &str) -> Option<Place> {
        let of_length = self.by_length.get(key.len())?;
        of_length.iter().find(|(known, _)| *known == key).map(|(_, place)| *place)
    }
}

/// The text of a value as it is written: a text without its quotes and escapes, a number or a truth
/// value as it stands.
pub fn text(raw: &str) -> Result<Cow<'_, str>, NoRequest> {
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
pub struct Slots<'l> {
    values: [(u8, &'l str); N_SLOTS],
    has_escapes: bool,
}

/// Reads the lines of a log, which are alike.
#[derive(Debug)]
pub struct Reader {
    keys: &'static Keys,
    shape: Shape<Option<Place>>,
}

impl Reader {
    /// A reader of lines with certain keys.
    pub fn new(keys: &'static Keys) -> Reader {
        Reader { keys, shape: Shape::default() }
    }

    /// Reads what a plain line says.
    pub fn plain<'l>(&mut self, line: &'l str, slots: &mut Slots<'l>) -> Option<()> {
        let find = |key: &str| self.keys.find(key);
        plain_json::object_like(line, &mut self.shape, find, |place, raw| slots.put(place, raw))
    }

    /// Reads what any line says by `parse`, which visits its entries.
    pub fn parsed<'l, E>(
        &self,
        slots: &mut Slots<'l>,
        parse: impl FnOnce(&mut dyn FnMut(&str, &'l str)) -> Result<(), E>,
    ) -> Result<(), E> {
        *slots = Slots { has_escapes: true, ..Slots::default() };
        parse(&mut |key, raw| slots.put(self.keys.find(key), raw))
    }
}

impl Default for Slots<'_> {
    /// Nothing so far.
    fn default() -> Self {
        Slots { values: [(u8::MAX, ""); N_SLOTS], has_escapes: false }
    }
}

impl<'l> Slots<'l> {
    /// What a plain line says, alone.
    pub fn of_plain(line: &'l str, keys: &Keys) -> Option<Slots<'l>> {
        let mut slots = Slots::default();
        plain_json::object(line, |key, raw| slots.put(keys.find(key), raw))?;
        Some(slots)
    }

    /// Puts a value, as it is written, where its key says. Where a key is given twice the last one counts.
    pub fn put(&mut self, place: Option<Place>, raw: &'l str) {
        let Some(Place { slot, rank }) = place else { return };
        // What Envoy did not have: the next key may.
        if raw.len() <= 4 && matches!(raw, "null" | "\"\"" | "\"-\"") {
            return;
        }
        if let Some(value) = self.values.get_mut(slot)
            && rank <= value.0
        {
            *value = (rank, raw);
        }
    }

    /// A value as it is written.
    pub fn raw(&self, slot: usize) -> Option<&'l str> {
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

    /// Writes what the line says of a request, which may lack a host or a path, into `line`. That is not moved: it
    /// is large, and there are many.
    pub fn write(&self, line: &mut Line<'l>) -> Result<(), NoRequest> {
        let method = self.text(0)?;
        line.authority = self.text(2)?.unwrap_or_default();
        let is_connect = method.as_deref() == Some("CONNECT");
        line.path = self.text(3)?.filter(|_| !is_connect);
        line.server_name = self.text(8)?;
        let tls = line.server_name.is_some() || line.authority.ends_with(":443");
        line.scheme = match self.text(1)? {
            _ if is_connect => Cow::Borrowed(""),
            Some(scheme) => scheme,
            None => Cow::Borrowed(if tls { "https" } else { "http" }),
        };
        line.method = method.unwrap_or(Cow::Borrowed("GET"));
        line.version = self.text(4)?.unwrap_or_default();
        line.user_agent = self.text(5)?;
        line.referrer = self.text(6)?;
        line.cookie = self.text(7)?;
        line.source_address = self.text(9)?.map(address);
        let status = self.number(10)?.and_then(|status| u16::try_from(status).ok());
        // Envoy logs 0 where there was no response.
        line.status = status.filter(|status| *status > 0);
        line.request_bytes = self.number(11)?;
        line.response_bytes = self.number(12)?;
        line.upstream_address = self.text(13)?.map(address);
        Ok(())
    }
}

/// A request in the line that it was read from.
#[derive(Debug, Default)]
pub struct Line<'l> {
    /// `:method`.
    pub method: Cow<'l, str>,
    /// `http` or `https`; empty for CONNECT.
    pub scheme: Cow<'l, str>,
    /// Host and port, as sent.
    pub authority: Cow<'l, str>,
    /// Path and query; `None` for CONNECT.
    pub path: Option<Cow<'l, str>>,
    /// The protocol, as `HTTP/1.1`.
    pub version: Cow<'l, str>,
    /// `User-Agent`.
    pub user_agent: Option<Cow<'l, str>>,
    /// `Referer`.
    pub referrer: Option<Cow<'l, str>>,
    /// `Cookie`.
    pub cookie: Option<Cow<'l, str>>,
    /// The server name of TLS.
    pub server_name: Option<Cow<'l, str>>,
    /// The address of the client, without its port.
    pub source_address: Option<Cow<'l, str>>,
    /// The response's status; `None` without a response.
    pub status: Option<u16>,
    /// Bytes that the client sent.
    pub request_bytes: Option<u64>,
    /// Bytes that it received.
    pub response_bytes: Option<u64>,
    /// The address of the server, without its port.
    pub upstream_address: Option<Cow<'l, str>>,
}

impl Line<'_> {
    /// Whether it stands for a request.
    pub fn complete(&self) -> Result<(), NoRequest> {
        if self.authority.is_empty() {
            return Err(NoRequest::NoHost);
        }
        if self.path.is_none() && self.method != "CONNECT" {
            return Err(NoRequest::NoPath);
        }
        Ok(())
    }

    /// A copy that does not need the line.
    pub fn record(self) -> RecordedRequest {
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

/// The address of `address:port`, or of `[address]:port` as Envoy writes IPv6; either may stand without a port.
pub fn without_port(address: &str) -> &str {
    let colon = memchr::memrchr(b':', address.as_bytes()).filter(|_| !address.ends_with(']'));
    let host = colon.and_then(|colon| address.get(..colon)).unwrap_or(address);
    // Only an address with several colons may be one without a port.
    let is_v6 = memchr::memchr(b':', host.as_bytes()).is_some();
    if is_v6 && address.parse::<IpAddr>().is_ok() {
        return address;
    }
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The same for a text that may be a copy.
fn address(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(without_port(text)),
        Cow::Owned(text) => Cow::Owned(without_port(&text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off_addresses() {
        for (text, expect) in [
            ("192.0.2.7:443", "192.0.2.7"),
            ("192.0.2.7", "192.0.2.7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::", "::"),
            ("a.example:443", "a.example"),
            ("/var/run/a.sock", "/var/run/a.sock"),
            ("", ""),
        ] {
            assert_eq!(without_port(text), expect, "{text}");
        }
    }
}
