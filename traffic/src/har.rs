//! HTTP archives: one JSON document, `log.entries` of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::method_override;
use crate::json::{self, Time};
use crate::line::Line;
use crate::url::{Url, host_name};
use crate::{BYTE_ORDER_MARK, Unreadable};

/// The keys with which the object `log` of an archive may begin.
const LOG_KEYS: &[&str] = &["version", "creator", "browser", "pages", "entries", "comment"];

/// How far into a document `log` is looked for.
const MAX_START_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Archive<'d> {
    #[serde(borrow)]
    log: Log<'d>,
}

#[derive(Deserialize)]
struct Log<'d> {
    #[serde(borrow)]
    entries: Vec<&'d RawValue>,
}

/// Returns true if a document begins as an archive does: an object whose key `log` contains an object
/// of an archive. The lines of other logs have a key `log` too, with a text or with other keys.
pub fn is_archive(start: &[u8]) -> bool {
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let start = String::from_utf8_lossy(start.get(..MAX_START_BYTES).unwrap_or(start));
    if !start.trim_ascii_start().starts_with('{') {
        return false;
    }
    start.split("\"log\"").skip(1).any(|behind| {
        let mut rest = behind.trim_ascii_start();
        for mark in [':', '{', '"'] {
            let Some(behind) = rest.strip_prefix(mark) else { return false };
            rest = behind.trim_ascii_start();
        }
        LOG_KEYS.iter().any(|key| rest.strip_prefix(key).is_some_and(|rest| rest.starts_with('"')))
    })
}

/// Returns the entries of an archive as they are written, borrowed from the document.
///
/// # Errors
/// The document is not JSON, or has no list `log.entries`. All of it is parsed, so that one that was
/// cut is not read in part.
pub fn entries(document: &[u8]) -> Result<Vec<&str>, Unreadable> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let document = str::from_utf8(document).map_err(|_| Unreadable::NotJson)?;
    if json::is_deep(document) {
        return Err(Unreadable::TooDeep);
    }
    let archive: Archive<'_> = serde_json::from_str(document).map_err(|error| {
        if error.is_data() { Unreadable::NotAnArchive } else { Unreadable::NotJson }
    })?;
    Ok(archive.log.entries.into_iter().map(RawValue::get).collect())
}

/// Reads an entry of an archive: the request, and when it was sent.
///
/// The server name is the host of an `https` URL, as a browser asks for it. Bytes are those of the
/// bodies, as in Envoy's logs and events. Versions are written as Envoy does: `HTTP/2` for `h2`.
///
/// # Errors
/// The entry is not JSON, or its URL is missing or not one.
pub fn request(entry: &str) -> Result<(Line<'static>, Option<Time<'_>>), Unreadable> {
    let value: Value = serde_json::from_str(entry).map_err(|_| Unreadable::NotJson)?;
    let mut time = None;
    json::object(entry.as_bytes(), |key, raw| {
        if key == "startedDateTime" {
            time = Some(Time(raw));
        }
    })?;
    Ok((line(&value)?, time))
}

fn line(entry: &Value) -> Result<Line<'static>, Unreadable> {
    let request = &entry["request"];
    let response = &entry["response"];
    let text = |value: &Value| value.as_str().map(|text| Cow::Owned(text.to_owned()));
    let header = |name: &str| {
        let headers = request["headers"].as_array()?;
        let named = |header: &&Value| {
            header["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        headers.iter().find(named).and_then(|header| text(&header["value"]))
    };
    let url = request["url"].as_str().ok_or(Unreadable::NotAUrl)?;
    let url = Url::parse(url)?;
    let scheme = url.scheme.to_ascii_lowercase();
    let server_name = (scheme == "https").then(|| host_name(url.host)).flatten();
    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
    let status = number(&response["status"]).and_then(|status| u16::try_from(status).ok());
    Ok(Line {
        method: text(&request["method"]).unwrap_or(Cow::Borrowed("GET")),
        assumes_method: false,
        scheme: scheme.into(),
        authority: Cow::Owned(url.host.to_owned()),
        path: Some(path.into()),
        version: version(request["httpVersion"].as_str().unwrap_or_default()).into(),
        user_agent: header("user-agent"),
        referrer: header("referer"),
        cookie: header("cookie"),
        method_override: method_override(|name| header(name).map(Cow::into_owned)).map(Cow::Owned),
        server_name: server_name.map(|name| String::from_utf8_lossy(&name).into_owned().into()),
        source_address: None,
        // Browsers write 0 where there was no response.
        status: status.filter(|status| *status > 0),
        request_bytes: number(&request["bodySize"]),
        response_bytes: number(&response["bodySize"]),
        upstream_address: text(&entry["serverIPAddress"]),
    })
}

/// Returns a count; `None` for -1, which means an unknown one, and for what is not a whole number.
fn number(value: &Value) -> Option<u64> {
    let whole = |number: &f64| *number >= 0.0 && number.fract() == 0.0 && *number < 1e15;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked by whole")]
    let of_float = |number: f64| number as u64;
    value.as_u64().or_else(|| value.as_f64().filter(whole).map(of_float))
}

/// Returns a version as Envoy writes it. Browsers write the names of ALPN too.
fn version(text: &str) -> String {
    match text.to_ascii_uppercase().as_str() {
        "H2" | "HTTP/2.0" => "HTTP/2".to_owned(),
        "H3" | "HTTP/3.0" => "HTTP/3".to_owned(),
        "UNKNOWN" => String::new(),
        version => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_the_requests_that_a_gateway_sees() {
        let entry = r#"{"startedDateTime":"2026-01-01T00:00:00Z","serverIPAddress":"192.0.2.1",
            "request":{"method":"POST","url":"HTTPS://a.example:8443/x?y#z","httpVersion":"h2","headersSize":100,"bodySize":5,
            "headers":[{"name":"User-Agent","value":"curl"},{"name":"Cookie","value":"c"},{"name":"referer","value":"r"}]},
            "response":{"status":200.0,"headersSize":50,"bodySize":7}}"#;
        let (line, time) = request(entry).unwrap();
        assert_eq!(time.and_then(Time::milliseconds), Some(1_767_225_600_000));
        let expect = Line {
            method: "POST".into(),
            assumes_method: false,
            scheme: "https".into(),
            authority: "a.example:8443".into(),
            path: Some("/x?y".into()),
            version: "HTTP/2".into(),
            user_agent: Some("curl".into()),
            referrer: Some("r".into()),
            cookie: Some("c".into()),
            method_override: None,
            server_name: Some("a.example".into()),
            source_address: None,
            status: Some(200),
            request_bytes: Some(5),
            response_bytes: Some(7),
            upstream_address: Some("192.0.2.1".into()),
        };
        assert_eq!(format!("{line:?}"), format!("{expect:?}"));
        for (url, name) in [("http://a.example/", None), ("https://192.0.2.1/", None)] {
            let entry = format!(r#"{{"request":{{"url":"{url}","bodySize":-1}}}}"#);
            let (line, _) = request(&entry).unwrap();
            assert_eq!((line.server_name.as_deref(), line.request_bytes), (name, None), "{url}");
        }
    }

    #[test]
    fn archives_are_known_by_what_log_contains() {
        for (text, expect) in [
            (r#"{"log":{"version":"1.2","entries":[]}}"#, true),
            ("\u{feff}{\n \"log\" : {\n  \"creator\": {}", true),
            (r#"{"comment":"x","log":{"entries":["#, true),
            (r#"{"log":"GET / HTTP/1.1\n","stream":"stdout"}"#, false),
            (r#"{"@timestamp":"x","log":{"level":"info"}}"#, false),
            (r#"{"log":{"versions":1}}"#, false),
            (r#"[{"log":{"version":1}}]"#, false),
            ("", false),
        ] {
            assert_eq!(is_archive(text.as_bytes()), expect, "{text}");
        }
    }
}
