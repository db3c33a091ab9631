//! The head of an HTTP request, as notes write it.
//!
//! ```text
//! POST https://api.example.com/upload HTTP/1.1
//! User-Agent: python-requests/2.32.3
//!
//! HTTP/1.1 200 OK
//! ```
//!
//! The empty line and the status line only where a rule asks for the response.

use diagnostics::{Findings, Span, number};
use inspect::METHOD_OVERRIDES;

use crate::codes;
use crate::recorded::{RecordedRequest, RecordedResponse};
use crate::url::{Url, is_port};

/// Reads the head of a request. `None` where it is not one; `findings` say why.
pub fn read(text: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let mut lines = (1..).zip(text.lines());
    let (_, first) = lines.next().unwrap_or((1, ""));
    let n_before = findings.n_errors();
    let mut request = request_line(first, findings);
    let mut seen: Vec<String> = Vec::new();
    for (line_number, line) in &mut lines {
        if line.is_empty() {
            break;
        }
        header(line_number, line, request.as_mut(), &mut seen, findings);
    }
    let mut response = None;
    for (line_number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match status_line(line).filter(|_| response.is_none()) {
            Some(status) => response = Some(status),
            None => {
                let message = "only a status line may follow the request";
                let help = "write it as `HTTP/1.1 200 OK`, and no body";
                findings.add(&codes::BROKEN_STATUS_LINE, whole(line_number, line), message, help);
                break;
            }
        }
    }
    let request = request.as_mut()?;
    request.response =
        response.map(|status| RecordedResponse { status: Some(status), ..Default::default() });
    let is_sound = findings.n_errors() == n_before;
    is_sound.then(|| std::mem::take(request))
}

fn request_line(line: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let help = "write `METHOD https://host/path HTTP/1.1`, or `CONNECT host:port HTTP/1.1`";
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        let message = "a request line is a method, a URL and a version, each behind one space";
        findings.add(&codes::BROKEN_REQUEST_LINE, whole(1, line), message, help);
        return None;
    };
    if !is_token(method) {
        let message = format!("`{}` is no method", method.escape_debug());
        findings.add(&codes::BROKEN_REQUEST_LINE, within(1, line, method), message, help);
        return None;
    }
    if !matches!(version, "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "HTTP/3") {
        let message = format!("`{}` is no version of HTTP", version.escape_debug());
        let span = within_last(1, line, version);
        findings.add(&codes::BROKEN_REQUEST_LINE, span, message, help);
        return None;
    }
    let request = RecordedRequest {
        method: method.as_bytes().to_vec(),
        version: version.as_bytes().to_vec(),
        ..RecordedRequest::default()
    };
    let span = within(1, line, target);
    if method == "CONNECT" {
        let has_port = target.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
        if !has_port || target.contains(['/', '?', '#']) {
            let message = format!("`{}` is not a host and a port", target.escape_debug());
            findings.add(&codes::BROKEN_URL, span, message, "write `CONNECT host:443 HTTP/1.1`");
            return None;
        }
        return Some(RecordedRequest { authority: target.as_bytes().to_vec(), ..request });
    }
    let url = match Url::parse(target) {
        Ok(url) => url,
        Err(error) => {
            findings.add(&codes::BROKEN_URL, span, error.message(target), error.help());
            return None;
        }
    };
    if url.fragment.is_some() {
        let message = "the URL has a fragment, which clients do not send";
        findings.add(&codes::BROKEN_URL, span, message, "leave out `#` and what follows it");
        return None;
    }
    let authority = match url.userinfo {
        Some(userinfo) => format!("{userinfo}@{}", url.host),
        None => url.host.to_owned(),
    };
    Some(RecordedRequest {
        scheme: url.scheme.as_bytes().to_vec(),
        authority: authority.into_bytes(),
        path: Some(url.request_path()),
        ..request
    })
}

fn header(
    line_number: u32,
    line: &str,
    request: Option<&mut RecordedRequest>,
    seen: &mut Vec<String>,
    findings: &mut Findings,
) {
    let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_token(name)) else {
        let message = "this line is no header";
        let help = "write `Name: value`, or an empty line behind the last header";
        findings.add(&codes::BROKEN_HEADER, whole(line_number, line), message, help);
        return;
    };
    let lower = name.to_ascii_lowercase();
    let span = within(line_number, line, name);
    if lower == "host" {
        let message = "the URL already has the host";
        findings.add(&codes::BROKEN_HEADER, span, message, "leave out the `Host` header");
        return;
    }
    if seen.contains(&lower) {
        let message = format!("a second `{name}` header");
        findings.add(&codes::BROKEN_HEADER, span, message, "write one header of a name");
        return;
    }
    if let Some(request) = request {
        let bytes = value.trim().as_bytes();
        let value = Some(bytes.to_vec());
        match lower.as_str() {
            "user-agent" => request.user_agent = value,
            "referer" => request.referrer = value,
            "cookie" => request.cookie = value,
            name if METHOD_OVERRIDES.contains(&name) => {
                let before = request.method_override.take().map(|of| [of, vec![b',']].concat());
                request.method_override =
                    Some([before.unwrap_or_default().as_slice(), bytes].concat());
            }
            // No field of Sigma's proxy taxonomy asks for other headers.
            _ => {}
        }
    }
    seen.push(lower);
}

pub(crate) fn status_line(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    let version = words.next()?;
    let status = words.next().filter(|digits| digits.len() == 3)?.parse().ok()?;
    (version.starts_with("HTTP/") && (100..600).contains(&status)).then_some(status)
}

/// Whether a text is a token as RFC 9110, section 5.6.2, defines it: a method, the name of a header.
pub fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

fn whole(line_number: u32, line: &str) -> Span {
    within(line_number, line, line)
}

/// The place of the first occurrence of a part of a line.
fn within(line_number: u32, line: &str, part: &str) -> Span {
    span(line_number, line, part, line.find(part))
}

fn within_last(line_number: u32, line: &str, part: &str) -> Span {
    span(line_number, line, part, line.rfind(part))
}

fn span(line_number: u32, line: &str, part: &str, at: Option<usize>) -> Span {
    let before = line.get(..at.unwrap_or_default()).unwrap_or_default();
    let column = number(before.chars().count() + 1);
    let end_column = column.saturating_add(number(part.chars().count()));
    Span { line: line_number, column, end_line: line_number, end_column }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request in a line, or the codes and places of what is wrong.
    fn check(text: &str, expect: &str) {
        let mut findings = Findings::new(&"a.md".into()).at_line(10);
        let shown = match read(text, &mut findings) {
            Some(request) => {
                let header = |value: Option<Vec<u8>>| {
                    value.map_or("-".into(), |value| String::from_utf8(value).unwrap())
                };
                let url = String::from_utf8(request.url()).unwrap();
                let status = request.response.and_then(|response| response.status);
                let (user_agent, cookie) = (header(request.user_agent), header(request.cookie));
                format!("{url} {user_agent} {cookie} {}", status.unwrap_or_default())
            }
            None => {
                let findings = findings.into_list().into_iter().map(|finding| finding.diagnostic);
                let places = findings.map(|found| {
                    let span = found.place.span;
                    format!("{}@{}:{}", found.code.id, span.line, span.column)
                });
                places.collect::<Vec<_>>().join(" ")
            }
        };
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn heads_are_read_as_they_stand() {
        check("GET https://a.example HTTP/1.1", "https://a.example/ - - 0");
        check("GET https://a.example?x HTTP/2\n", "https://a.example/?x - - 0");
        check(
            "GET https://u@A.example:8443/%2e%2E/ HTTP/1.1",
            "https://u@A.example:8443/%2e%2E/ - - 0",
        );
        check("CONNECT a.example:443 HTTP/1.1\r\nuser-AGENT:  x y \r\n", "a.example:443 x y - 0");
        check("CONNECT [::1]:443 HTTP/1.1", "[::1]:443 - - 0");
        check(
            "GET https://a.example/ HTTP/1.1\nCookie: a=b\nX: y\n\nHTTP/1.1 403 Forbidden\n",
            "https://a.example/ - a=b 403",
        );
    }

    #[test]
    fn all_that_is_wrong_with_a_head_is_told() {
        check("", "R001@10:1");
        check("GET  https://a.example/ HTTP/1.1", "R001@10:1");
        check("GET https://a.example/ HTTP/9", "R001@10:24");
        check("G(T https://a.example/ HTTP/1.1", "R001@10:1");
        check("GET //a.example/ HTTP/1.1\nx\nHost: a", "R002@10:5 R003@11:1 R003@12:1");
        check("GET https://a.example/#f HTTP/1.1", "R002@10:5");
        check("GET https://a.example:99999/ HTTP/1.1", "R002@10:5");
        check("CONNECT a.example HTTP/1.1", "R002@10:9");
        check("CONNECT a.example: HTTP/1.1", "R002@10:9");
        check("CONNECT a.example:+443 HTTP/1.1", "R002@10:9");
        check("CONNECT https://a.example:443 HTTP/1.1", "R002@10:9");
        check("GET https://a.example/ HTTP/1.1\n\nHTTP/1.1 200\nHTTP/1.1 200", "R004@13:1");
        check("GET https://a.example/ HTTP/1.1\n\n\nHTTP/1.1 99 x", "R004@13:1");
    }
}
