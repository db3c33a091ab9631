//! Reads what a person gives to be explained: a URL, a curl command, a log line, or a request head.

use diagnostics::{Findings, Span};

use crate::codes;
use crate::curl;
use crate::head;
use crate::recorded::RecordedRequest;
use crate::url::{Url, host_name};

/// Reads requests in whatever form they are written; several lines of an access log are several
/// requests. `findings` list what is wrong.
pub fn read(text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        return log_lines(text, findings);
    }
    let mut words = trimmed.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let first_name = first.rsplit(['/', '\\']).next().unwrap_or_default();
    // The command keeps its place in the text, so that findings do too.
    if second.is_some() && matches!(first_name.to_ascii_lowercase().as_str(), "curl" | "curl.exe") {
        return curl::read(text, findings);
    }
    if second.is_some()
        && head::is_token(first)
        && first.chars().all(|char| char.is_ascii_uppercase())
    {
        return head::read(text.trim_start(), findings).into_iter().collect();
    }
    if second.is_none() {
        match Url::parse(trimmed) {
            Ok(url) => return vec![get(&url)],
            Err(error) if trimmed.contains("://") => {
                let span = Span::point(1, 1);
                findings.add(&codes::BROKEN_URL, span, error.message(trimmed), error.help());
                return Vec::new();
            }
            Err(_) => {}
        }
    }
    let message =
        "this is neither a URL, nor a curl command, nor a log line, nor the head of a request";
    let help = "give `https://host/path`, `curl ...` in quotes, a line of an Envoy access log in JSON, or `CONNECT host:443 HTTP/1.1`";
    findings.add(&codes::NOT_A_REQUEST, Span::point(1, 1), message, help);
    Vec::new()
}

/// What a client sends that opens the URL and says nothing about itself.
fn get(url: &Url<'_>) -> RecordedRequest {
    let scheme = url.scheme.to_ascii_lowercase();
    let server_name = (scheme == "https").then(|| host_name(url.host)).flatten();
    RecordedRequest {
        method: b"GET".to_vec(),
        scheme: scheme.into_bytes(),
        authority: url.host.as_bytes().to_vec(),
        path: Some(url.request_path()),
        version: b"HTTP/1.1".to_vec(),
        server_name,
        ..RecordedRequest::default()
    }
}

/// One JSON object, over several lines perhaps, or one in each line.
fn log_lines(text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
    let lines: Vec<_> =
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let is_object =
        |line: &str| line.trim_start().starts_with('{') && line.trim_end().ends_with('}');
    if !lines.iter().all(|(_, line)| is_object(line)) {
        return crate::access_log::read(text, findings).into_iter().collect();
    }
    let mut requests = Vec::new();
    for (line_number, line) in lines {
        let mut of_line = Findings::new(findings.file()).at_line(line_number);
        requests.extend(crate::access_log::read(line, &mut of_line));
        findings.extend(of_line);
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_by_the_text() {
        for (text, expect, code) in [
            ("https://a.example/x#f\n", "GET https://a.example/x", ""),
            ("curl -X POST https://a.example/x", "POST https://a.example/x", ""),
            ("/usr/bin/curl https://a.example/x", "GET https://a.example/x", ""),
            (r#"{"authority":"a.example","path":"/x"}"#, "GET http://a.example/x", ""),
            ("{\n\"authority\":\"a.example\",\n\"path\":\"/x\"}", "GET http://a.example/x", ""),
            ("CONNECT a.example:443 HTTP/1.1", "CONNECT a.example:443", ""),
            ("PUT https://a.example/x HTTP/1.1\nCookie: a\n", "PUT https://a.example/x", ""),
            ("a.example", "", "R011"),
            ("", "", "R011"),
            ("https:///x", "", "R002"),
            ("https://a.example:99999/x", "", "R002"),
            ("wget https://a.example", "", "R011"),
        ] {
            let mut findings = Findings::new(&"request".into());
            let requests = read(text, &mut findings);
            let found: Vec<_> = requests
                .iter()
                .map(|request| [&request.method[..], b" ", &request.url()].concat())
                .map(|line| String::from_utf8(line).unwrap())
                .collect();
            assert_eq!(found.join("\n"), expect, "{text}");
            let found = findings.into_list();
            assert_eq!(found.first().map_or("", |found| found.diagnostic.code.id), code, "{text}");
        }
    }
}
