//! A request as a capture, a proxy's window or a report shows it: in origin or absolute form, with `Host`,
//! headers of any number, a body, the response; or with the pseudo-headers of HTTP/2.
//!
//! [`crate::head`] reads the heads of notes, which are written to be exact; this reads what was sent.

use diagnostics::{Findings, Span};

use crate::client::{join, method_override};
use crate::codes;
use crate::defanged::refanged;
use crate::head::{is_token, status_line};
use crate::pseudo_headers::{self, PseudoHeaders};
use crate::recorded::{RecordedRequest, RecordedResponse};
use crate::url::{Url, host_name, is_port};

/// Returns true if a line is the first one of a request: method, target and version, of which the version may
/// be missing if the target is a path or a URL.
pub(crate) fn is_request_line(line: &str) -> bool {
    let line = unmarked(line);
    let line = line.strip_suffix("\\r\\n").unwrap_or(line);
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return false };
    let is_method = method.len() > 1
        && method.bytes().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte))
        || is_token(method) && words.clone().last().is_some_and(is_version);
    let rest: Vec<_> = words.collect();
    let is_target = target.starts_with('/') || target == "*" || refanged(target).contains("://");
    match rest.last() {
        Some(last) => is_method && is_version(last),
        None => is_method && is_target,
    }
}

fn is_version(word: &str) -> bool {
    word.strip_prefix("HTTP/")
        .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

/// Returns a line without the mark in front of it that `curl -v` and others write.
pub(crate) fn unmarked(line: &str) -> &str {
    line.strip_prefix("> ")
        .or_else(|| line.strip_prefix("< "))
        .unwrap_or(if line == ">" || line == "<" { "" } else { line })
}

/// Reads one request, with all that follows it. `None` where it is not one; `findings` say why.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    // Wireshark writes line breaks out, and indents.
    let is_written_out = text.lines().any(|line| line.trim_end().ends_with("\\r\\n"));
    let mut lines = (1..).zip(text.lines().map(|line| {
        let line = line.trim_end_matches('\r');
        let plain = line.trim_end().strip_suffix("\\r\\n").filter(|_| is_written_out);
        unmarked(plain.map_or(line, str::trim_start))
    }));
    let (_, first) = lines.next()?;
    let first = refang_line(first);
    let mut words = first.split_whitespace();
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let version = words.last().filter(|word| is_version(word)).unwrap_or("HTTP/1.1");
    let mut headers: Vec<(String, String)> = Vec::new();
    for (line_number, line) in &mut lines {
        if line.trim().is_empty() {
            break;
        }
        // A line that goes on, as HTTP/1.0 had them.
        if let Some(last) = headers.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            last.1.push(' ');
            last.1.push_str(line.trim());
            continue;
        }
        match line.split_once(':').filter(|(name, _)| is_token(name.trim())) {
            Some((name, value)) => {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => {
                let span = Span::point(line_number, 1);
                let message =
                    format!("`{}` is not a header, and is passed over", short(line).escape_debug());
                let help = "write an empty line behind the last header";
                findings.add(&codes::UNREAD_LOG_VALUE, span, message, help);
            }
        }
    }
    let status = lines.map(|(_, line)| line).find_map(status_line);
    let message = Message { method, target, version, headers: &headers, status };
    message.record(findings)
}

/// Reads a request that is written with pseudo-headers.
pub(crate) fn read_pseudo_headers(text: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let PseudoHeaders { method, scheme, authority, path, protocol: _, headers, status } =
        pseudo_headers::read(text);
    let Some(method) = method.filter(|method| is_token(method)) else {
        let message = "the request has no method";
        findings.add(
            &codes::BROKEN_REQUEST_LINE,
            Span::point(1, 1),
            message,
            "add `:method: GET`, or what was sent",
        );
        return None;
    };
    let message = Message {
        method: &method,
        target: path.as_deref().unwrap_or_default(),
        version: "HTTP/2",
        headers: &headers,
        status,
    };
    let host = authority.map(|authority| refanged(&authority).into_owned());
    let host = host.or_else(|| message.header("host"));
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        no_host(findings);
        return None;
    };
    let is_connect = method == "CONNECT" && message.target.is_empty();
    if message.target.is_empty() && !is_connect {
        let message = "the request has no path";
        findings.add(
            &codes::BROKEN_URL,
            Span::point(1, 1),
            message,
            "add `:path: /`, or what was sent",
        );
        return None;
    }
    if is_connect {
        return Some(message.with("", &host, None));
    }
    let scheme = scheme.unwrap_or_else(|| "https".to_owned());
    Some(message.with(&scheme, &host, Some(message.target)))
}

fn no_host(findings: &mut Findings) {
    let message = "the request has no host";
    let help = "add its `Host` header, or write the whole URL in the first line";
    findings.add(&codes::BROKEN_URL, Span::point(1, 1), message, help);
}

/// What was read of a request.
struct Message<'m> {
    method: &'m str,
    target: &'m str,
    version: &'m str,
    headers: &'m [(String, String)],
    status: Option<u16>,
}

impl Message<'_> {
    fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(header, _)| header == name);
        join(name, values.map(|(_, value)| value.as_str()))
    }

    fn record(&self, findings: &mut Findings) -> Option<RecordedRequest> {
        if !is_token(self.method) {
            let message = "the request has no method";
            let help = "write `METHOD /path HTTP/1.1` and the `Host` header below it";
            findings.add(&codes::BROKEN_REQUEST_LINE, Span::point(1, 1), message, help);
            return None;
        }
        let host = self
            .header("host")
            .map(|host| refanged(&host).into_owned())
            .filter(|host| !host.is_empty());
        if self.method == "CONNECT" {
            let target = if self.target.is_empty() || self.target == "/" {
                host.as_deref().unwrap_or_default()
            } else {
                self.target
            };
            let has_port = target.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
            if !has_port || target.contains(['/', '?', '#']) {
                let message = format!("`{}` is not a host and a port", target.escape_debug());
                findings.add(
                    &codes::BROKEN_URL,
                    Span::point(1, 1),
                    message,
                    "write `CONNECT host:443 HTTP/1.1`",
                );
                return None;
            }
            return Some(self.with("", target, None));
        }
        if self.target.contains("://") && !self.target.starts_with('/') {
            return match Url::parse(self.target) {
                Ok(url) => {
                    let authority = match url.userinfo {
                        Some(userinfo) => format!("{userinfo}@{}", url.host),
                        None => url.host.to_owned(),
                    };
                    let path = String::from_utf8_lossy(&url.request_path()).into_owned();
                    Some(self.with(url.scheme, &authority, Some(&path)))
                }
                Err(error) => {
                    findings.add(
                        &codes::BROKEN_URL,
                        Span::point(1, 1),
                        error.message(self.target),
                        error.help(),
                    );
                    None
                }
            };
        }
        if !self.target.starts_with('/') && self.target != "*" {
            let message = format!("`{}` is neither a path nor a URL", self.target.escape_debug());
            let help = "write `METHOD /path HTTP/1.1` and the `Host` header below it";
            findings.add(&codes::BROKEN_URL, Span::point(1, 1), message, help);
            return None;
        }
        let Some(host) = host else {
            no_host(findings);
            return None;
        };
        Some(self.with(self.scheme(&host), &host, Some(self.target)))
    }

    /// The scheme of a request that does not say it: HTTP/2 and a page of the same host show TLS.
    fn scheme(&self, host: &str) -> &'static str {
        let is_page = |header: &str| {
            let page = self.header(header).unwrap_or_default();
            page.strip_prefix("https://")
                .is_some_and(|page| page == host || page.starts_with(&format!("{host}/")))
        };
        let is_tls = host.ends_with(":443")
            || !self.version.starts_with("HTTP/1")
            || is_page("origin")
            || is_page("referer");
        if is_tls { "https" } else { "http" }
    }

    fn with(&self, scheme: &str, authority: &str, path: Option<&str>) -> RecordedRequest {
        let bytes = |name: &str| self.header(name).map(String::into_bytes);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        RecordedRequest {
            method: self.method.as_bytes().to_vec(),
            scheme: scheme.to_ascii_lowercase().into_bytes(),
            authority: authority.as_bytes().to_vec(),
            path: path.map(|path| path.as_bytes().to_vec()),
            version: version(self.version).as_bytes().to_vec(),
            user_agent: bytes("user-agent"),
            referrer: bytes("referer"),
            cookie: bytes("cookie"),
            method_override: method_override(|name| self.header(name)).map(String::into_bytes),
            server_name: scheme.eq_ignore_ascii_case("https").then(|| host_name(host)).flatten(),
            response: self.status.map(|status| RecordedResponse {
                status: Some(status),
                ..RecordedResponse::default()
            }),
            ..RecordedRequest::default()
        }
    }
}

/// The version as Envoy writes it.
fn version(written: &str) -> &str {
    match written {
        "HTTP/2.0" => "HTTP/2",
        "HTTP/3.0" => "HTTP/3",
        other => other,
    }
}

fn refang_line(line: &str) -> String {
    let words = line.split_whitespace().map(refanged);
    words.collect::<Vec<_>>().join(" ")
}

fn short(line: &str) -> &str {
    line.char_indices().nth(60).and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

/// Returns how many lines of a text are a request: its head, its body, and its response.
pub(crate) fn n_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().map(|line| unmarked(line.trim_end_matches('\r'))).collect();
    let next_request = |from: usize| {
        let rest = lines.get(from..).unwrap_or_default();
        rest.iter()
            .position(|line| is_strict_request_line(line))
            .map_or(lines.len(), |at| from + at)
    };
    let rest = lines.get(1..).unwrap_or_default();
    let Some(head) =
        rest.iter().position(|line| line.trim().is_empty() || is_strict_request_line(line))
    else {
        return lines.len();
    };
    let mut end = 1 + head;
    if lines.get(end).is_some_and(|line| is_strict_request_line(line)) {
        return end;
    }
    let method = lines.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let has_body = !matches!(method, "GET" | "HEAD" | "CONNECT" | "OPTIONS" | "DELETE")
        || rest.iter().take(head).any(|line| {
            let lower = line.to_ascii_lowercase();
            lower.starts_with("content-length:") || lower.starts_with("transfer-encoding:")
        });
    let behind = lines.get(end..).unwrap_or_default();
    let first_behind = behind.iter().position(|line| !line.trim().is_empty());
    let status_at =
        first_behind.filter(|at| behind.get(*at).is_some_and(|line| status_line(line).is_some()));
    match status_at {
        Some(at) => {
            end += at + 1;
            // A status line alone, as notes write it; or the response, with its body.
            let has_more = lines.get(end).is_some_and(|line| !line.trim().is_empty());
            if has_more { next_request(end) } else { end }
        }
        None if has_body => next_request(end),
        None => end,
    }
}

/// Returns true if a line is a request line with all its parts, as a body hardly has one.
fn is_strict_request_line(line: &str) -> bool {
    let words: Vec<_> = line.split(' ').collect();
    match words.as_slice() {
        [method, _, version] => {
            method.bytes().all(|byte| byte.is_ascii_uppercase())
                && !method.is_empty()
                && is_version(version)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(request: Option<RecordedRequest>, findings: Findings) -> String {
        let Some(request) = request else {
            let list = findings.into_list();
            return list
                .iter()
                .map(|finding| finding.diagnostic.code.id)
                .collect::<Vec<_>>()
                .join(" ");
        };
        let text = |value: &Option<Vec<u8>>| {
            value
                .as_ref()
                .map_or("-".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
        };
        let status =
            request.response.as_ref().and_then(|response| response.status).unwrap_or_default();
        format!(
            "{} {} {} {} {} {status}",
            String::from_utf8_lossy(&request.method),
            String::from_utf8_lossy(&request.url()),
            String::from_utf8_lossy(&request.version),
            text(&request.user_agent),
            text(&request.cookie),
        )
    }

    #[test]
    fn requests_are_read_as_they_are_captured() {
        for (text, expect) in [
            (
                "GET /x?y HTTP/1.1\r\nHost: a.example\r\nUser-Agent: u\r\n\r\n",
                "GET http://a.example/x?y HTTP/1.1 u - 0",
            ),
            ("POST /x HTTP/2\nhost: a.example\n\na=b\nc", "POST https://a.example/x HTTP/2 - - 0"),
            (
                "GET https://a.example/x HTTP/1.1\nHost: b.example\nX: 1\nX: 2",
                "GET https://a.example/x HTTP/1.1 - - 0",
            ),
            (
                "CONNECT a.example:443 HTTP/1.1\nHost: a.example:443",
                "CONNECT a.example:443 HTTP/1.1 - - 0",
            ),
            ("GET hxxps[:]//a[.]example/x HTTP/1.1", "GET https://a.example/x HTTP/1.1 - - 0"),
            (
                "GET /x HTTP/1.1\nHost: a[.]example\nCookie: a\nCookie: b\n\nHTTP/1.1 404 Not Found\nServer: x\n\nGET",
                "GET http://a.example/x HTTP/1.1 - a; b 404",
            ),
            (
                "> GET /x HTTP/1.1\n> Host: a.example\n> \n< HTTP/1.1 200 OK",
                "GET http://a.example/x HTTP/1.1 - - 200",
            ),
            ("POST /gate.php\nHost: a.example", "POST http://a.example/gate.php HTTP/1.1 - - 0"),
            (
                "GET /x HTTP/1.1\nHost: a.example:443\nnot a header\nUser-Agent: u",
                "GET https://a.example:443/x HTTP/1.1 u - 0",
            ),
            (
                "GET /x HTTP/1.1\nOrigin: https://a.example\nHost: a.example",
                "GET https://a.example/x HTTP/1.1 - - 0",
            ),
            ("GET /x HTTP/1.1", "R002"),
            ("GET x HTTP/1.1\nHost: a.example", "R002"),
            ("CONNECT a.example HTTP/1.1", "R002"),
            ("G(T /x HTTP/1.1\nHost: a.example", "R001"),
        ] {
            let mut findings = Findings::new(&"request".into());
            let request = read(text, &mut findings);
            assert_eq!(show(request, findings), expect, "{text}");
        }
    }

    #[test]
    fn a_request_ends_where_the_next_one_begins() {
        for (text, expect) in [
            ("GET /x HTTP/1.1\nHost: a\n\nhttps://b/", 2),
            ("GET /x HTTP/1.1\nHost: a\n\nHTTP/1.1 200 OK\n\nCONNECT b:443 HTTP/1.1", 4),
            ("POST /x HTTP/1.1\nHost: a\n\nhttps://b/\nGET /y HTTP/1.1", 4),
            ("GET /x HTTP/1.1\nHost: a\n\nHTTP/1.1 200 OK\nServer: s\n\nbody\nGET /y HTTP/1.1", 7),
            ("GET /x HTTP/1.1\nGET /y HTTP/1.1", 1),
            ("GET /x HTTP/1.1\nHost: a", 2),
        ] {
            assert_eq!(n_lines(text), expect, "{text}");
        }
    }
}
