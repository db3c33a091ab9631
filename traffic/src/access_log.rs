//! A line of an access log in JSON, with everything that is wrong with it: for people.
//!
//! [`crate::LineReader`] reads it as it does for many lines; what is missing or of a wrong type is
//! reported here with its place.

use diagnostics::{Findings, Span, number};
use serde::de::IgnoredAny;

use crate::line::Line;
use crate::part::{ACCESS_LOG_KEYS, Part};
use crate::recorded::RecordedRequest;
use crate::requests::access_log_reader;
use crate::slots::{LineReader, Slots};
use crate::{Unreadable, codes};

const HELP: &str = "give one line of an Envoy access log in JSON, as `{\"method\": \"GET\", \"authority\": \"a.example\", \"path\": \"/\"}`";

/// Reads a line of an access log. `None` where it is not a request; `findings` say why.
///
/// The scheme is the log's; without one it is `https` where the log names a TLS server name or the
/// port is 443, and `http` otherwise. A line with a server name and without a host is a connection
/// whose HTTP was not seen.
pub fn read(line: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    read_with(&mut access_log_reader(), line, findings)
}

/// The same with a reader that knows lines before this one.
pub(crate) fn read_with(
    reader: &mut LineReader,
    line: &str,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let mut slots = Slots::default();
    match reader.read(line.as_bytes(), &mut slots) {
        Ok(()) => {}
        Err(Unreadable::NotAnObject) => {
            let message = "the log line is not a JSON object";
            findings.add(&codes::BROKEN_LOG_LINE, Span::point(1, 1), message, HELP);
            return None;
        }
        Err(_) => {
            not_json(line, findings);
            return None;
        }
    }
    let mut request = Line::default();
    let unread = slots.write(&mut request);
    let missing = request.check(unread).err();
    for part in unread.iter() {
        let is_needed = match part {
            Part::Authority => missing.is_some() && request.authority.is_empty(),
            Part::Path => missing.is_some() && request.path.is_none(),
            _ => false,
        };
        wrong(line, reader, &slots, part, is_needed, findings);
    }
    let is_connection = request.method.is_empty();
    if missing.is_none() && !is_connection && slots.raw(Part::Method).is_none() {
        // A hunt takes it for a GET; what is explained should be what was sent.
        lacks("the method of the request", Part::Method, findings);
        return None;
    }
    if missing.is_none() {
        return Some(request.record());
    }
    if request.authority.is_empty() && !unread.contains(Part::Authority) {
        lacks("the authority of the request", Part::Authority, findings);
    }
    let has_target = request.path.is_some() || request.method == "CONNECT";
    if !has_target && !unread.contains(Part::Path) {
        lacks("the path of the request", Part::Path, findings);
    }
    None
}

fn not_json(line: &str, findings: &mut Findings) {
    let (span, what) = match serde_json::from_str::<IgnoredAny>(line) {
        Ok(_) => (Span::point(1, 1), "it nests too deep".to_owned()),
        Err(error) => {
            let message = error.to_string();
            let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
            (Span::point(number(error.line()), number(error.column().max(1))), what.to_owned())
        }
    };
    let message = format!("the log line is not JSON: {what}");
    findings.add(&codes::BROKEN_LOG_LINE, span, message, HELP);
}

/// Reports a value of a wrong type: an error where the request cannot do without it.
fn wrong(
    line: &str,
    reader: &LineReader,
    slots: &Slots<'_>,
    part: Part,
    is_needed: bool,
    findings: &mut Findings,
) {
    let key = reader.key(part, slots);
    let at = line.find(&format!("\"{key}\"")).unwrap_or_default();
    let before = line.get(..at).unwrap_or_default();
    let line = number(before.matches('\n').count() + 1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let end_column = number(column + key.chars().count() + 2);
    let span = Span { line, column: number(column), end_line: line, end_column };
    let wanted = match part {
        Part::Status | Part::RequestBytes | Part::ResponseBytes => "a number",
        _ => "text",
    };
    let message = format!("`{key}` is not {wanted}");
    let code = if is_needed { &codes::INCOMPLETE_LOG_LINE } else { &codes::UNREAD_LOG_VALUE };
    findings.add(code, span, message, "write it as Envoy does");
}

fn lacks(what: &str, part: Part, findings: &mut Findings) {
    let keys = ACCESS_LOG_KEYS.iter().find(|(known, _)| *known == part);
    let keys = keys.map_or(&[][..], |(_, keys)| keys);
    let message = format!("the log line lacks {what}");
    let help = format!("log it under one of the keys `{}`", keys.join("`, `"));
    findings.add(&codes::INCOMPLETE_LOG_LINE, Span::point(1, 1), message, help);
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
        // TLS that passes through Istio's gateway.
        let tls = r#"{"method":null,"authority":"-","path":"-","requested_server_name":"t.example","response_code":200.0,"bytes_sent":"12.0"}"#;
        let expect = " t.example - sni=t.example src=- dst=- Some(200) None Some(12)";
        check(tls, Some(expect), &[]);
    }

    #[test]
    fn a_line_is_read_as_a_hunt_reads_it() {
        let absolute = r#"{"method":"POST","authority":"proxy01","path":"https://a.example/x"}"#;
        check(absolute, Some("POST https://a.example/x - sni=- src=- dst=- None None None"), &[]);
        let nginx = r#"{"request_method":"GET","request_uri":"/x","http_host":"a.example","server_name":"proxy.example"}"#;
        check(nginx, Some("GET http://a.example/x - sni=- src=- dst=- None None None"), &[]);
        let connect = r#"{"method":"CONNECT","host":"b.example","uri":"tunnel://a.example:443/"}"#;
        check(connect, Some("CONNECT a.example:443 - sni=- src=- dst=- None None None"), &[]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_at_once() {
        check("[1]", None, &["R009"]);
        check("{\"method\": GET}", None, &["R009"]);
        check("{}", None, &["R010", "R010"]);
        check(r#"{"authority": "a.example", "path": "/"}"#, None, &["R010"]);
        check(
            r#"{"authority": ["a"], "path": "/", "response_code": "ok"}"#,
            None,
            &["R010", "R012"],
        );
        check(
            r#"{"method": "GET", "authority": "a.example", "path": "/", "response_code": [], "user-agent": {}}"#,
            Some("GET http://a.example/ - sni=- src=- dst=- None None None"),
            &["R012", "R012"],
        );
    }
}
