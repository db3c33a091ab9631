//! What a log of requests calls its parts, and what Zeek writes otherwise than Envoy.

use std::borrow::Cow;
use std::sync::LazyLock;

use inspect::{Request, Response};

use crate::access_log::KEYS;
use crate::json;
use crate::log_line::{ACCESS_LOG, Keys, Line, Reader, Slots};
use crate::url::Url;
use crate::{Format, Unreadable};

/// Zeek's names, by those of [`KEYS`]; a proxy's log has more, which are not asked for.
const ZEEK_HTTP: &[(&str, &[&str])] = &[
    ("method", &["method"]),
    ("authority", &["host"]),
    ("path", &["uri"]),
    ("protocol", &["version"]),
    ("user_agent", &["user_agent"]),
    ("referer", &["referrer"]),
    ("source_address", &["id.orig_h"]),
    ("status", &["status_code"]),
    ("request_bytes", &["request_body_len"]),
    ("response_bytes", &["response_body_len"]),
    ("upstream_address", &["id.resp_h"]),
];

static ZEEK: LazyLock<Keys> = LazyLock::new(|| {
    let keys = |name: &str| ZEEK_HTTP.iter().find(|(of, _)| *of == name).map(|(_, keys)| *keys);
    Keys::new(KEYS.iter().map(move |(name, _)| keys(name).unwrap_or_default()))
});

/// A reader of a format's lines.
pub fn reader(format: Format) -> Reader {
    Reader::new(if format == Format::ZeekHttp { &ZEEK } else { &ACCESS_LOG })
}

/// Reads what a line says into `slots`, in which nothing is.
pub fn read<'l>(
    line: &'l [u8],
    reader: &mut Reader,
    slots: &mut Slots<'l>,
) -> Result<(), Unreadable> {
    let line = json::text_of(line)?;
    match reader.plain(line, slots) {
        Some(()) => Ok(()),
        None => reader.parsed(slots, |visit| json::parsed(line, visit)),
    }
}

/// Writes what a line says of a request into `request`.
pub fn write<'l>(
    slots: &Slots<'l>,
    format: Format,
    request: &mut Line<'l>,
) -> Result<(), Unreadable> {
    slots.write(request)?;
    if format == Format::ZeekHttp {
        as_envoy_writes(request);
    }
    Ok(request.complete()?)
}

/// Zeek gives the version without its name, and shows an absolute target as it was sent, to a proxy.
fn as_envoy_writes(line: &mut Line<'_>) {
    if !line.version.is_empty() && !line.version.starts_with("HTTP/") {
        line.version = format!("HTTP/{}", line.version).into();
    }
    let absolute = line.path.as_deref().and_then(|path| Url::parse(path).ok());
    if let Some(url) = absolute {
        let parts = (url.scheme.to_owned(), url.host.to_owned(), url.request_path());
        line.scheme = parts.0.into();
        line.authority = parts.1.into();
        line.path = Some(String::from_utf8_lossy(&parts.2).into_owned().into());
    }
}

/// A URL on a line of its own, as a request for it.
pub fn of_url(line: &[u8]) -> Result<Line<'_>, Unreadable> {
    let text = str::from_utf8(line).map_err(|_| Unreadable::NotAUrl)?;
    let url = Url::parse(text)?;
    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
    Ok(Line {
        method: Cow::Borrowed("GET"),
        scheme: Cow::Borrowed(url.scheme),
        authority: Cow::Borrowed(url.host),
        path: Some(path.into()),
        ..Line::default()
    })
}

impl Line<'_> {
    /// The request, borrowed.
    pub fn lend(&self) -> Request<'_> {
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
