//! Which kind of log it is.

use crate::access_log;
use crate::har;
use crate::json;
use crate::url::{Url, UrlError};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An Envoy access log in JSON; see [`access_log::KEYS`].
    Envoy,
    /// An HTTP archive, as browsers and proxies save it.
    Har,
    /// Zeek's `http.log` in JSON.
    ZeekHttp,
    /// Zeek's `ssl.log` in JSON: server names.
    ZeekSsl,
    /// Zeek's `dns.log` in JSON: queries, as hosts.
    ZeekDns,
    /// A URL per line.
    Urls,
    /// JSON lines of any kind, with the fields' own names or a field map.
    Json,
}

impl Format {
    /// Every format with its name.
    pub const ALL: &[(&str, Format)] = &[
        ("envoy", Format::Envoy),
        ("har", Format::Har),
        ("zeek-http", Format::ZeekHttp),
        ("zeek-ssl", Format::ZeekSsl),
        ("zeek-dns", Format::ZeekDns),
        ("urls", Format::Urls),
        ("json", Format::Json),
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        Format::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Detects the format by the start of a log: its first line that says something.
    ///
    /// `None` where nothing fits; then the format has to be named.
    pub fn detect(start: &[u8]) -> Option<Format> {
        let start = start.strip_prefix(crate::BYTE_ORDER_MARK).unwrap_or(start);
        let mut lines = crate::lines(start).map(<[u8]>::trim_ascii);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"))?;
        if !line.starts_with(b"{") {
            let text = str::from_utf8(line).ok()?;
            // A list whose first port is wrong is a list, and its other lines can be read.
            let is_url = matches!(Url::parse(text), Ok(_) | Err(UrlError::Port));
            return is_url.then_some(Format::Urls);
        }
        if har::is_archive(start) {
            return Some(Format::Har);
        }
        let mut keys = Vec::new();
        // Of a line that is not JSON no key counts.
        if json::object(line, |key, _| keys.push(key.to_owned())).is_err() {
            return None;
        }
        let has = |name: &str| keys.iter().any(|key| key == name);
        if has("id.orig_h") || has("uid") {
            return match () {
                () if has("query") || has("qtype") => Some(Format::ZeekDns),
                () if has("server_name") || has("cipher") => Some(Format::ZeekSsl),
                () if has("method") || has("host") => Some(Format::ZeekHttp),
                () => None,
            };
        }
        let known = |what: &str| {
            let keys = access_log::KEYS.iter().find(|(name, _)| *name == what);
            keys.is_some_and(|(_, keys)| keys.iter().any(|key| has(key)))
        };
        (known("authority") && (known("path") || known("method"))).then_some(Format::Envoy)
    }
}
