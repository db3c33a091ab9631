//! A line of an Envoy access log in JSON to a request.
//!
//! The keys of an access log are the operator's choice. Those that are known here are Istio's and
//! Envoy Gateway's defaults, the header names that Envoy's documentation uses, and what tidegate's own
//! examples write: see [`KEYS`]. Other keys are passed over.

use std::fmt;

use diagnostics::{Findings, Span, number};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::codes;
use crate::log_line::{ACCESS_LOG, Line, Slots, without_port};
use crate::recorded::{RecordedRequest, RecordedResponse};

/// What is read from a log line, and the keys under which it is looked for: the first that is there.
/// A value that is null, empty or `-` is one that Envoy did not have.
pub const KEYS: &[(&str, &[&str])] = &[
    ("method", &["method", ":method", "request_method", "req_method"]),
    ("scheme", &["scheme", ":scheme", "request_scheme"]),
    ("authority", &["authority", ":authority", "host", "request_host"]),
    // Before routes rewrite it, the path stands in this header.
    (
        "path",
        &[
            "x_envoy_original_path",
            "x-envoy-original-path",
            "x-envoy-origin-path",
            "path",
            ":path",
            "request_path",
            "uri",
        ],
    ),
    ("protocol", &["protocol", "http_version"]),
    ("user_agent", &["user_agent", "user-agent", "http_user_agent"]),
    ("referer", &["referer", "referrer", "http_referer"]),
    ("cookie", &["cookie"]),
    ("server_name", &["requested_server_name", "server_name", "sni"]),
    (
        "source_address",
        &[
            "downstream_remote_address_without_port",
            "downstream_remote_address",
            "downstream_direct_remote_address",
            "source_address",
            "client_ip",
        ],
    ),
    ("status", &["response_code", "status", "status_code"]),
    ("request_bytes", &["bytes_received"]),
    ("response_bytes", &["bytes_sent"]),
    ("upstream_address", &["upstream_host", "upstream_remote_address"]),
];

/// Reads a line of an access log. `None` where it cannot stand for a request, which is told in
/// `findings`.
///
/// The scheme is the log's; without one it is `https` where the log names a TLS server name or the
/// port is 443, and `http` otherwise.
pub fn read(line: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    plain(line).or_else(|| any(line, findings))
}

/// A request of a plain line in which nothing is wrong: almost all lines.
fn plain(line: &str) -> Option<RecordedRequest> {
    let slots = Slots::of_plain(line.trim_ascii(), &ACCESS_LOG)?;
    let mut request = Line::default();
    slots.write(&mut request).ok()?;
    request.complete().ok()?;
    Some(request.record())
}

/// A request of any line, or what is wrong with it.
fn any(line: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let object = match serde_json::from_str::<Known>(line) {
        Ok(Known(Some(object))) => object,
        Ok(Known(None)) => {
            let message = "the log line is not a JSON object";
            findings.add(&codes::BROKEN_LOG_LINE, Span::point(1, 1), message, HELP);
            return None;
        }
        Err(error) => {
            let span = Span::point(number(error.line()), number(error.column().max(1)));
            let message = error.to_string();
            let message =
                message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
            let message = format!("the log line is not JSON: {message}");
            findings.add(&codes::BROKEN_LOG_LINE, span, message, HELP);
            return None;
        }
    };
    let n_errors = findings.n_errors();
    let mut log = Log { line, object, findings };
    let authority = log.text("authority");
    let method = log.text("method");
    let server_name = log.text("server_name");
    let is_connect = method.as_deref() == Some("CONNECT");
    let path = log.text("path").filter(|_| !is_connect);
    let has_path = path.is_some();
    let scheme = log.text("scheme").or_else(|| {
        let port_443 = authority.as_deref().is_some_and(|authority| authority.ends_with(":443"));
        let tls = server_name.is_some() || port_443;
        Some(if tls { "https" } else { "http" }.to_owned())
    });
    let response = RecordedResponse {
        // Envoy logs 0 where there was no response.
        status: log
            .number("status")
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| *status > 0),
        request_bytes: log.number("request_bytes"),
        response_bytes: log.number("response_bytes"),
        upstream_address: log.text("upstream_address").map(|address| without_port(&address).into()),
    };
    let bytes = |text: Option<String>| text.map(String::into_bytes);
    let request = RecordedRequest {
        method: bytes(method).unwrap_or_else(|| b"GET".to_vec()),
        scheme: bytes(scheme.filter(|_| !is_connect)).unwrap_or_default(),
        version: bytes(log.text("protocol")).unwrap_or_default(),
        user_agent: bytes(log.text("user_agent")),
        referrer: bytes(log.text("referer")),
        cookie: bytes(log.text("cookie")),
        server_name: bytes(server_name),
        source_address: log.text("source_address").map(|address| without_port(&address).into()),
        response: Some(response),
        authority: bytes(authority).unwrap_or_default(),
        path: bytes(path),
    };
    if request.authority.is_empty() {
        log.lacks("the authority of the request", "authority");
    }
    if !has_path && !is_connect {
        log.lacks("the path of the request", "path");
    }
    (findings.n_errors() == n_errors).then_some(request)
}

const HELP: &str = "give one line of an Envoy access log in JSON, as `{\"method\": \"GET\", \"authority\": \"a.example\", \"path\": \"/\"}`";

struct Log<'l, 'f> {
    line: &'l str,
    object: Vec<(&'static str, Value)>,
    findings: &'f mut Findings,
}

impl Log<'_, '_> {
    /// The first value that is there under the keys of `what`; it is taken out.
    fn take(&mut self, what: &str) -> Option<(&'static str, Value)> {
        let (_, keys) = KEYS.iter().find(|(name, _)| *name == what)?;
        let is_there = |value: &Value| match value {
            Value::Null => false,
            Value::String(text) => !matches!(text.as_str(), "" | "-"),
            _ => true,
        };
        for key in *keys {
            // The last of two alike counts, as in any JSON reader.
            let mut entries = self.object.iter_mut().rev();
            let entry = entries.find(|(name, value)| name == key && is_there(value));
            if let Some((key, value)) = entry {
                return Some((key, std::mem::take(value)));
            }
        }
        None
    }

    fn text(&mut self, what: &str) -> Option<String> {
        match self.take(what)? {
            (_, Value::String(text)) => Some(text),
            (_, Value::Number(number)) => Some(number.to_string()),
            (key, _) => {
                self.wrong(key, "text");
                None
            }
        }
    }

    /// Numbers come as text too, where the log's format is text.
    fn number(&mut self, what: &str) -> Option<u64> {
        let (key, value) = self.take(what)?;
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, "a number");
        }
        number
    }

    fn wrong(&mut self, key: &str, wanted: &str) {
        let at = self.line.find(&format!("\"{key}\"")).unwrap_or_default();
        let before = self.line.get(..at).unwrap_or_default();
        let line = number(before.matches('\n').count() + 1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let end_column = number(column + key.chars().count() + 2);
        let span = Span { line, column: number(column), end_line: line, end_column };
        let message = format!("`{key}` is not {wanted}");
        self.findings.add(&codes::INCOMPLETE_LOG_LINE, span, message, "write it as Envoy does");
    }

    fn lacks(&mut self, what: &str, name: &str) {
        let keys = KEYS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, keys)| keys);
        let message = format!("the log line lacks {what}");
        let help = format!("log it under one of the keys `{}`", keys.join("`, `"));
        self.findings.add(&codes::INCOMPLETE_LOG_LINE, Span::point(1, 1), message, help);
    }
}

/// The values of a JSON object under the keys that are known here, in its order; `None` for any other
/// JSON. The rest of a line, most of it, is checked and not kept.
struct Known(Option<Vec<(&'static str, Value)>>);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Known, D::Error> {
        deserializer.deserialize_any(KnownVisitor)
    }
}

struct KnownVisitor;

impl<'de> Visitor<'de> for KnownVisitor {
    type Value = Known;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Known, A::Error> {
        let mut values = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            match key {
                Some(key) => values.push((key, map.next_value()?)),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Known(Some(values)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Known, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Known(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Known, E> {
        Ok(Known(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Known, E> {
        Ok(Known(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Known, E> {
        Ok(Known(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Known, E> {
        Ok(Known(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Known, E> {
        Ok(Known(None))
    }

    fn visit_unit<E>(self) -> Result<Known, E> {
        Ok(Known(None))
    }
}

/// A key of [`KEYS`]; `None` for another.
struct Key(Option<&'static str>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                let mut keys = KEYS.iter().flat_map(|(_, keys)| *keys);
                Ok(Key(keys.find(|key| **key == text).copied()))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, URL, and what else the line says.
    fn check(line: &str, expect: Option<&str>, codes: &[&str]) {
        let mut findings = Findings::new(&"request".into());
        let request = read(line, &mut findings);
        let show = |value: Option<&Vec<u8>>| {
            value.map_or("-".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
        };
        let found = request.map(|request| {
            let response = request.response.clone().unwrap_or_default();
            format!(
                "{} {} {} sni={} src={} dst={} {:?} {:?} {:?}",
                show(Some(&request.method)),
                show(Some(&request.url())),
                show(request.user_agent.as_ref()),
                show(request.server_name.as_ref()),
                show(request.source_address.as_ref()),
                show(response.upstream_address.as_ref()),
                response.status,
                response.request_bytes,
                response.response_bytes,
            )
        });
        assert_eq!(found.as_deref(), expect, "{line}");
        let found = findings.into_list();
        let found: Vec<_> = found.iter().map(|finding| finding.diagnostic.code.id).collect();
        assert_eq!(found, codes, "{line}");
    }

    #[test]
    fn lines_of_the_usual_formats_become_requests() {
        let istio = r#"{"method":"POST","authority":"api.telegram.org","path":"/bot1:x/getMe","protocol":"HTTP/1.1","user_agent":"curl/8","requested_server_name":"api.telegram.org","downstream_remote_address":"10.0.0.7:51234","upstream_host":"192.0.2.1:443","response_code":200,"bytes_received":5,"bytes_sent":77,"request_id":"x"}"#;
        let expect = "POST https://api.telegram.org/bot1:x/getMe curl/8 sni=api.telegram.org src=10.0.0.7 dst=192.0.2.1 Some(200) Some(5) Some(77)";
        check(istio, Some(expect), &[]);
        let gateway = r#"{":authority":"a.example","x-envoy-origin-path":"/x?y","method":"GET","response_code":"0","user-agent":"-","upstream_host":null}"#;
        let expect = "GET http://a.example/x?y - sni=- src=- dst=- None None None";
        check(gateway, Some(expect), &[]);
        let connect = r#"{"method":"CONNECT","authority":"a.example:443","path":null,"downstream_remote_address":"[2001:db8::7]:1"}"#;
        let expect = "CONNECT a.example:443 - sni=- src=2001:db8::7 dst=- None None None";
        check(connect, Some(expect), &[]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_at_once() {
        check("[1]", None, &["R009"]);
        check("{\"method\": GET}", None, &["R009"]);
        check("{}", None, &["R010", "R010"]);
        check(
            r#"{"authority": ["a"], "path": "/", "response_code": "ok"}"#,
            None,
            &["R010", "R010", "R010"],
        );
    }
}
