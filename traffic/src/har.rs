//! HTTP archives: one JSON document, `log.entries` of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Unreadable;
use crate::json::Time;
use crate::log_line::Line;
use crate::url::Url;

type Entry<'d> = Result<(Line<'static>, Option<Time<'d>>), Unreadable>;

/// An archive, its entries as they are written.
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

/// The requests of an archive. Entries are read one by one, the document is not copied.
pub fn requests(document: &[u8]) -> Result<impl Iterator<Item = Entry<'_>>, Unreadable> {
    let document = str::from_utf8(document).map_err(|_| Unreadable::NotJson)?;
    if crate::json::is_deep(document) {
        return Err(Unreadable::NotJson);
    }
    // The whole document is parsed first, so that one that was cut is not read in part.
    let archive: Archive<'_> = serde_json::from_str(document).map_err(|error| {
        if error.is_data() { Unreadable::NotAnObject } else { Unreadable::NotJson }
    })?;
    Ok(archive.log.entries.into_iter().map(|raw| {
        let raw = raw.get();
        let value: Value = serde_json::from_str(raw).map_err(|_| Unreadable::NotJson)?;
        let mut time = None;
        crate::json::object(raw.as_bytes(), |key, raw| {
            if key == "startedDateTime" {
                time = Some(Time(raw));
            }
        })?;
        request(&value).map(|request| (request, time))
    }))
}

fn request(entry: &Value) -> Result<Line<'static>, Unreadable> {
    let request = &entry["request"];
    let response = &entry["response"];
    let text = |value: &Value| value.as_str().map(|text| Cow::Owned(text.to_owned()));
    let header = |name: &str| {
        let headers = request["headers"].as_array()?;
        let named = |header: &&Value| {
            header["name"].as_str().is_some_and(|of| of.eq_ignore_ascii_case(name))
        };
        headers.iter().find(named).and_then(|header| text(&header["value"]))
    };
    let url = request["url"].as_str().ok_or(Unreadable::NotAUrl)?;
    let url = Url::parse(url)?;
    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
    let version = text(&request["httpVersion"]).unwrap_or_default();
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    // Sizes are -1 where they are not known.
    let size = |value: &Value| value.as_u64();
    let sum = |of: &Value| Some(size(&of["headersSize"])? + size(&of["bodySize"])?);
    Ok(Line {
        method: text(&request["method"]).unwrap_or(Cow::Borrowed("GET")),
        scheme: Cow::Owned(url.scheme.to_owned()),
        authority: Cow::Owned(url.host.to_owned()),
        path: Some(path.into()),
        version,
        user_agent: header("user-agent"),
        referrer: header("referer"),
        cookie: header("cookie"),
        server_name: None,
        source_address: None,
        status: status.filter(|status| *status > 0),
        request_bytes: sum(request),
        response_bytes: sum(response),
        upstream_address: text(&entry["serverIPAddress"]),
    })
}
