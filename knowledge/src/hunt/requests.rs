//! Log lines to requests: the same reading as [`crate::access_log`], made for many lines.

use std::borrow::Cow;

use inspect::{Request, Response};

use super::json::{self, Time};
use super::{Format, Unreadable};
use crate::access_log;
use crate::url::Url;

/// What is read from a line, in the order of [`access_log::KEYS`], and the time behind them.
const N_SLOTS: usize = 15;
const TIME: usize = 14;

/// Where logs keep the time of an event.
pub(super) const TIME_KEYS: &[&str] = &["start_time", "timestamp", "@timestamp", "time", "ts"];

/// Zeek's names, by those of [`access_log::KEYS`]; a proxy's log has more, which are not asked for.
const ZEEK_HTTP: &[(&str, &str)] = &[
    ("method", "method"),
    ("authority", "host"),
    ("path", "uri"),
    ("protocol", "version"),
    ("user_agent", "user_agent"),
    ("referer", "referrer"),
    ("source_address", "id.orig_h"),
    ("status", "status_code"),
    ("request_bytes", "request_body_len"),
    ("response_bytes", "response_body_len"),
    ("upstream_address", "id.resp_h"),
];

/// Which slot a key fills, and its rank among the keys of that slot. By length, because that tells
/// almost all keys apart.
#[derive(Debug)]
pub(super) struct Keys {
    by_length: Vec<Vec<(&'static str, usize, u8)>>,
}

impl Keys {
    pub(super) fn new(format: Format) -> Self {
        let mut by_length = Vec::new();
        let mut add = |key: &'static str, slot: usize, rank: usize| {
            if by_length.len() <= key.len() {
                by_length.resize(key.len() + 1, Vec::new());
            }
            if let Some(of_length) = by_length.get_mut(key.len()) {
                of_length.push((key, slot, u8::try_from(rank).unwrap_or(u8::MAX)));
            }
        };
        for (slot, (name, keys)) in access_log::KEYS.iter().enumerate() {
            match format {
                Format::ZeekHttp => {
                    if let Some((_, key)) = ZEEK_HTTP.iter().find(|(of, _)| of == name) {
                        add(key, slot, 0);
                    }
                }
                _ => keys.iter().enumerate().for_each(|(rank, key)| add(key, slot, rank)),
            }
        }
        TIME_KEYS.iter().enumerate().for_each(|(rank, key)| add(key, TIME, rank));
        Keys { by_length }
    }

    /// Reads a line. Where a key is given twice the last one counts.
    pub(super) fn read<'l>(&self, line: &'l [u8]) -> Result<Slots<'l>, Unreadable> {
        let mut slots = Slots { values: [(u8::MAX, ""); N_SLOTS] };
        json::object(line, |key, raw| {
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
        })?;
        Ok(slots)
    }
}

/// What a line says, as it is written.
#[derive(Debug)]
pub(super) struct Slots<'l> {
    values: [(u8, &'l str); N_SLOTS],
}

impl<'l> Slots<'l> {
    fn raw(&self, slot: usize) -> Option<&'l str> {
        self.values.get(slot).map(|(_, raw)| *raw).filter(|raw| !raw.is_empty())
    }

    fn text(&self, slot: usize) -> Result<Option<Cow<'l, str>>, Unreadable> {
        match self.raw(slot) {
            None => Ok(None),
            Some(raw) if raw.starts_with(['{', '[', 't', 'f']) => Err(Unreadable::WrongType),
            Some(raw) => json::text(raw).map(Some),
        }
    }

    fn number(&self, slot: usize) -> Result<Option<u64>, Unreadable> {
        let text = self.text(slot)?;
        text.map(|text| text.parse().map_err(|_| Unreadable::WrongType)).transpose()
    }

    /// The time of the event.
    pub(super) fn time(&self) -> Option<Time<'l>> {
        self.raw(TIME).map(Time)
    }

    /// The request.
    pub(super) fn request(&self, format: Format) -> Result<Line<'l>, Unreadable> {
        let method = self.text(0)?;
        let authority = self.text(2)?.unwrap_or_default();
        let is_connect = method.as_deref() == Some("CONNECT");
        let mut path = self.text(3)?.filter(|_| !is_connect);
        let server_name = self.text(8)?;
        let tls = server_name.is_some() || authority.ends_with(":443");
        let scheme = match self.text(1)? {
            _ if is_connect => Cow::Borrowed(""),
            Some(scheme) => scheme,
            None => Cow::Borrowed(if tls { "https" } else { "http" }),
        };
        let mut version = self.text(4)?.unwrap_or_default();
        let (mut scheme, mut authority) = (scheme, authority);
        if format == Format::ZeekHttp {
            if !version.is_empty() && !version.starts_with("HTTP/") {
                version = format!("HTTP/{version}").into();
            }
            // Zeek shows an absolute target as it was sent, to a proxy.
            let absolute = path.as_deref().and_then(|path| Url::parse(path).ok());
            if let Some(url) = absolute {
                let parts = (url.scheme.to_owned(), url.host.to_owned(), url.request_path());
                scheme = parts.0.into();
                authority = parts.1.into();
                path = Some(String::from_utf8_lossy(&parts.2).into_owned().into());
            }
        }
        if authority.is_empty() {
            return Err(Unreadable::NoHost);
        }
        if path.is_none() && !is_connect {
            return Err(Unreadable::NoPath);
        }
        let status = self.number(10)?.and_then(|status| u16::try_from(status).ok());
        Ok(Line {
            method: method.unwrap_or(Cow::Borrowed("GET")),
            scheme,
            authority,
            path,
            version,
            user_agent: self.text(5)?,
            referrer: self.text(6)?,
            cookie: self.text(7)?,
            server_name,
            source_address: self.text(9)?.map(without_port),
            status: status.filter(|status| *status > 0),
            request_bytes: self.number(11)?,
            response_bytes: self.number(12)?,
            upstream_address: self.text(13)?.map(without_port),
        })
    }
}

/// A request in the line that it was read from.
#[derive(Debug, Default)]
pub(super) struct Line<'l> {
    pub(super) method: Cow<'l, str>,
    pub(super) scheme: Cow<'l, str>,
    pub(super) authority: Cow<'l, str>,
    pub(super) path: Option<Cow<'l, str>>,
    pub(super) version: Cow<'l, str>,
    pub(super) user_agent: Option<Cow<'l, str>>,
    pub(super) referrer: Option<Cow<'l, str>>,
    pub(super) cookie: Option<Cow<'l, str>>,
    pub(super) server_name: Option<Cow<'l, str>>,
    pub(super) source_address: Option<Cow<'l, str>>,
    pub(super) status: Option<u16>,
    pub(super) request_bytes: Option<u64>,
    pub(super) response_bytes: Option<u64>,
    pub(super) upstream_address: Option<Cow<'l, str>>,
}

impl Line<'_> {
    pub(super) fn lend(&self) -> Request<'_> {
        Request {
            method: self.method.as_bytes(),
            scheme: self.scheme.as_bytes(),
            authority: self.authority.as_bytes(),
            path: self.path.as_deref().map(str::as_bytes),
            version: self.version.as_bytes(),
            user_agent: self.user_agent.as_deref().map(str::as_bytes),
            referrer: self.referrer.as_deref().map(str::as_bytes),
            cookie: self.cookie.as_deref().map(str::as_bytes),
            server_name: self.server_name.as_deref().map(str::as_bytes),
            source_address: self.source_address.as_deref().map(str::as_bytes),
            response: Some(Response {
                status: self.status,
                request_bytes: self.request_bytes,
                response_bytes: self.response_bytes,
                upstream_address: self.upstream_address.as_deref().map(str::as_bytes),
            }),
            ..Request::default()
        }
    }
}

/// A URL on a line of its own, as a request for it.
pub(super) fn of_url(line: &[u8]) -> Result<Line<'_>, Unreadable> {
    let text = str::from_utf8(line).map_err(|_| Unreadable::NotAUrl)?;
    let url = Url::parse(text).map_err(|_| Unreadable::NotAUrl)?;
    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
    Ok(Line {
        method: Cow::Borrowed("GET"),
        scheme: Cow::Borrowed(url.scheme),
        authority: Cow::Borrowed(url.host),
        path: Some(path.into()),
        ..Line::default()
    })
}

/// The address of `address:port`, as [`access_log`] reads it.
fn without_port(address: Cow<'_, str>) -> Cow<'_, str> {
    if address.parse::<std::net::IpAddr>().is_ok() {
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
