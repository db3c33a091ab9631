//! A request borrowed from the line of a log.

use std::borrow::Cow;
use std::net::IpAddr;

use inspect::{Request, Response};

use crate::Unreadable;
use crate::defanged::refanged;
use crate::part::{Part, Parts};
use crate::recorded::{RecordedRequest, RecordedResponse};
use crate::url::Url;

/// A request in the line that it was read from.
#[derive(Clone, Debug, Default)]
pub struct Line<'l> {
    /// The method; empty for a connection whose HTTP was not seen.
    pub method: Cow<'l, str>,
    /// Whether the log has no method, and GET is a guess.
    pub assumes_method: bool,
    /// `http` or `https`; empty for CONNECT and for a connection.
    pub scheme: Cow<'l, str>,
    /// Host and port, as sent; of a connection the server name.
    pub authority: Cow<'l, str>,
    /// Path and query; `None` for CONNECT and for a connection.
    pub path: Option<Cow<'l, str>>,
    /// The protocol, as `HTTP/1.1`.
    pub version: Cow<'l, str>,
    /// `User-Agent`.
    pub user_agent: Option<Cow<'l, str>>,
    /// `Referer`.
    pub referrer: Option<Cow<'l, str>>,
    /// `Cookie`.
    pub cookie: Option<Cow<'l, str>>,
    /// The headers that name another method, joined by commas; only archives of requests have them.
    pub method_override: Option<Cow<'l, str>>,
    /// The server name of TLS.
    pub server_name: Option<Cow<'l, str>>,
    /// The address of the client, without its port.
    pub source_address: Option<Cow<'l, str>>,
    /// The response's status; `None` without a response.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub request_bytes: Option<u64>,
    /// Bytes of the response's body.
    pub response_bytes: Option<u64>,
    /// The address of the server, without its port.
    pub upstream_address: Option<Cow<'l, str>>,
}

impl Line<'_> {
    /// Returns the request, borrowed.
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
            method_override: self.method_override.as_deref().map(str::as_bytes),
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

    /// Returns a copy that does not need the line.
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
            method_override: self.method_override.map(bytes),
            server_name: self.server_name.map(bytes),
            connect_target: None,
            source_address: self.source_address.map(bytes),
            response: Some(RecordedResponse {
                status: self.status,
                request_bytes: self.request_bytes,
                response_bytes: self.response_bytes,
                upstream_address: self.upstream_address.map(bytes),
            }),
        }
    }

    /// Checks that the line is a request. `unread` are the parts that had a value of a wrong type.
    pub(crate) fn check(&self, unread: Parts) -> Result<(), Unreadable> {
        let missing = |part, reason| {
            if unread.contains(part) { Unreadable::WrongType } else { reason }
        };
        if self.authority.is_empty() {
            // The server name is taken for a host.
            let part =
                if unread.contains(Part::ServerName) { Part::ServerName } else { Part::Authority };
            return Err(missing(part, Unreadable::NoHost));
        }
        let is_connection = self.method.is_empty() && self.server_name.is_some();
        if self.path.is_none() && self.method != "CONNECT" && !is_connection {
            return Err(missing(Part::Path, Unreadable::NoPath));
        }
        Ok(())
    }

    /// Adds the port to a host that has none, unless it is that of the scheme.
    pub(crate) fn add_port(&mut self, port: u64) {
        let default = match &*self.scheme {
            "https" | "wss" => 443,
            "http" | "ws" => 80,
            _ => 0,
        };
        if self.authority.is_empty() || port == default || !(1..=65535).contains(&port) {
            return;
        }
        let is_v6 = self.authority.parse::<std::net::Ipv6Addr>().is_ok();
        if is_v6 {
            self.authority = format!("[{}]:{port}", self.authority).into();
        } else if inspect::split_port(self.authority.as_bytes()).1.is_empty() {
            self.authority = format!("{}:{port}", self.authority).into();
        }
    }

    /// Writes what rows of tables have: a URL without a scheme, as `a.example/path`, the scheme `ssl`, and a
    /// host alone, which is a request for `/` if the row has a method, and a connection otherwise.
    pub(crate) fn as_tables_write(&mut self, has_method: bool) {
        if self.scheme == "ssl" {
            self.scheme = Cow::Borrowed("https");
        }
        if self.path.is_some() {
            return;
        }
        if has_method && self.method != "CONNECT" {
            self.path = Some(Cow::Borrowed("/"));
        } else if !has_method && !self.authority.is_empty() {
            self.server_name.get_or_insert_with(|| self.authority.clone());
            self.method = Cow::Borrowed("");
            self.assumes_method = false;
            self.scheme = Cow::Borrowed("");
        }
    }

    /// Takes the dot off the end of a name, as resolvers write it.
    pub(crate) fn as_resolvers_write(&mut self) {
        let name = self.authority.trim_end_matches('.').to_owned();
        self.server_name = Some(name.clone().into());
        self.authority = name.into();
    }

    /// Takes a URL without a scheme in the place of the path, as `a.example/path`, into host and path: a path
    /// that does not begin with a slash is never that of another host. Without a host it gets its slash.
    pub(crate) fn take_url_apart(&mut self) {
        let Some(path) = self.path.as_deref() else { return };
        if path.starts_with('/') || path.contains("://") || path == "*" {
            return;
        }
        if path.starts_with('?') || path.is_empty() {
            self.path = Some(format!("/{path}").into());
            return;
        }
        let end = path.find(['/', '?']).unwrap_or(path.len());
        let (host, behind) = path.split_at(end);
        let is_same = || {
            let host = inspect::split_port(host.as_bytes()).0;
            host.eq_ignore_ascii_case(inspect::split_port(self.authority.as_bytes()).0)
        };
        // What a proxy writes where it got no request: `error:transaction-end-before-headers`.
        if self.authority.is_empty() && behind.is_empty() && !is_name(host) {
            return;
        }
        let is_url = is_name(host) && !behind.is_empty();
        if !self.authority.is_empty() && !is_same() && !is_url {
            self.path = Some(format!("/{path}").into());
        } else {
            let slash = if behind.starts_with('/') { "" } else { "/" };
            let behind = format!("{slash}{behind}");
            self.authority = host.to_owned().into();
            self.path = Some(behind.into());
        }
    }

    /// Writes what other programs write as Envoy does: the version with its name, and an absolute
    /// target, as it is sent to a proxy, as scheme, host and path.
    pub(crate) fn as_envoy_writes(&mut self) {
        if self.version.starts_with(|first: char| first.is_ascii_digit()) {
            self.version = format!("HTTP/{}", self.version).into();
        }
        if self.path.as_deref().is_none_or(|path| path.starts_with('/')) {
            return;
        }
        let absolute = self.path.as_deref().and_then(|path| Url::parse(path).ok());
        let Some(url) = absolute else { return };
        let parts = (url.scheme.to_owned(), url.host.to_owned(), url.request_path());
        self.scheme = parts.0.into();
        self.authority = parts.1.into();
        self.path = Some(String::from_utf8_lossy(&parts.2).into_owned().into());
    }
}

/// Returns true for an address, perhaps with a port.
pub(crate) fn is_address(text: &str) -> bool {
    without_port(text).parse::<IpAddr>().is_ok()
}

/// Returns true for a name with a domain, or an address; either may have a port.
fn is_name(text: &str) -> bool {
    let host = without_port(text);
    let is_sign = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    let last = host.trim_end_matches('.').rsplit_once('.').map_or("", |(_, last)| last);
    is_address(text)
        || last.len() > 1 && last.starts_with(char::is_alphabetic) && host.chars().all(is_sign)
}

/// Reads a URL on a line of its own, as a request for it; also one that somebody defanged.
///
/// # Errors
/// The line is not an absolute URL.
pub(crate) fn of_url(line: &[u8]) -> Result<Line<'_>, Unreadable> {
    let text = str::from_utf8(line).map_err(|_| Unreadable::NotAUrl)?;
    let text = refanged(text);
    let url = Url::parse(&text)?;
    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
    Ok(Line {
        method: Cow::Borrowed("GET"),
        assumes_method: false,
        scheme: url.scheme.to_owned().into(),
        authority: url.host.to_owned().into(),
        path: Some(path.into()),
        ..Line::default()
    })
}

/// Returns the address of `address:port`, or of `[address]:port` as Envoy writes IPv6; either may lack a port.
pub(crate) fn without_port(address: &str) -> &str {
    // Ports are short, so that the colon is near.
    let colon = address.bytes().rposition(|byte| byte == b':').filter(|_| !address.ends_with(']'));
    let host = colon.and_then(|colon| address.get(..colon)).unwrap_or(address);
    // Only an address with several colons may be one without a port.
    let is_v6 = colon.is_some() && memchr::memchr(b':', host.as_bytes()).is_some();
    if is_v6 && address.parse::<IpAddr>().is_ok() {
        return address;
    }
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_in_any_form_are_taken_apart() {
        for (authority, path, expect) in [
            ("a.example", "/b", "a.example /b"),
            ("a.example", "a.example/b?c", "a.example /b?c"),
            ("a.example:8080", "A.example/b", "A.example /b"),
            ("", "a.example/b", "a.example /b"),
            ("", "a.example", "a.example /"),
            ("", "error:no-request", " error:no-request"),
            ("proxy01", "a.example/b", "a.example /b"),
            ("1", "a.example:8443/b", "a.example:8443 /b"),
            ("b.example", "a.example/b", "a.example /b"),
            ("a.example", "https://b.example/c", "b.example /c"),
            ("a.example", "bot1:x/send", "a.example /bot1:x/send"),
            ("a.example", "v1.2/send", "a.example /v1.2/send"),
            ("a.example", "index.html", "a.example /index.html"),
            ("a.example", "?q", "a.example /?q"),
            ("a.example", "*", "a.example *"),
        ] {
            let mut line =
                Line { authority: authority.into(), path: Some(path.into()), ..Line::default() };
            line.take_url_apart();
            line.as_envoy_writes();
            let found = format!("{} {}", line.authority, line.path.as_deref().unwrap_or_default());
            assert_eq!(found, expect, "{authority} {path}");
        }
    }

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
