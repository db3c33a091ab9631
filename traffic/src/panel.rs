//! What the panel of a browser's developer tools shows of a request, as it is selected and copied: `Request URL` and
//! `Request Method`, each with its value on the same line or on the next, and headers.

use diagnostics::{Findings, Span};

use crate::client::{ClientRequest, method_override};
use crate::codes;
use crate::expansion::Expansion;
use crate::fetch::request_of_url;
use crate::pseudo_headers;
use crate::recorded::{RecordedRequest, RecordedResponse};

const URL: &str = "Request URL";
const METHOD: &str = "Request Method";
const STATUS: &str = "Status Code";
const ADDRESS: &str = "Remote Address";

/// The headings of the panel's parts.
const HEADINGS: [&str; 6] =
    ["General", "Headers", "Response Headers", "Request Headers", "Summary", "Request Summary"];

/// Returns true if a text begins as the panel does.
pub(crate) fn begins(text: &str) -> bool {
    let mut lines = text.lines().map(heading).take(4).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let is_url = |line: &str| value(line, URL).is_some();
    is_url(first) || HEADINGS.contains(&first) && lines.next().is_some_and(is_url)
}

/// Returns how many lines belong to the panel: blank lines are between its parts.
pub(crate) fn n_lines(text: &str) -> usize {
    let mut n_lines = 0;
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((number, line)) = lines.next() {
        let is_next = lines.peek().is_some_and(|(_, next)| {
            HEADINGS.contains(&heading(next)) || pseudo_headers::is_line(next)
        });
        if line.trim().is_empty() && !is_next {
            break;
        }
        // The panel of the next request.
        if n_lines > 0 && value(heading(line), URL).is_some() && has_url(text, n_lines) {
            break;
        }
        n_lines = number;
    }
    n_lines.max(1)
}

fn has_url(text: &str, n_lines: usize) -> bool {
    text.lines().take(n_lines).any(|line| value(heading(line), URL).is_some())
}

/// Returns a line without the marks of a part that can be folded.
fn heading(line: &str) -> &str {
    line.trim().trim_start_matches(['▼', '▶', '▾', '▸', ' ']).trim()
}

/// Returns what follows a name in a line; nothing where the value is on the next line.
fn value<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let behind = line.strip_prefix(name)?.trim_start();
    if behind.is_empty() { Some("") } else { behind.strip_prefix(':').map(str::trim) }
}

/// Reads the panel. `None` where it has no URL; `findings` say why.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let find = |name: &str| {
        let mut lines = text.lines().map(heading);
        let found = lines.find_map(|line| value(line, name))?;
        if found.is_empty() { lines.next() } else { Some(found) }
    };
    let Some(url) = find(URL).filter(|url| !url.is_empty()) else {
        let message = "the URL of the request is missing";
        let help = "copy it with the panel, or give `https://host/path` alone";
        findings.add(&codes::BROKEN_URL, Span::point(1, 1), message, help);
        return None;
    };
    let headers = pseudo_headers::read(request_headers(text));
    let header = |name: &str| {
        let mut named = headers.headers.iter().filter(|(of, _)| of == name);
        named.next_back().map(|(_, value)| value.clone())
    };
    let method = find(METHOD).filter(|method| !method.is_empty());
    let method = method.or(headers.method.as_deref()).unwrap_or("GET");
    let version = if headers.authority.is_some() { "HTTP/2" } else { "" };
    let request = ClientRequest {
        method,
        version,
        user_agent: header("user-agent"),
        referrer: header("referer"),
        cookie: header("cookie"),
        method_override: method_override(header),
        ..ClientRequest::default()
    };
    let mut recorded = request_of_url(url, request, header("host"), expansion, findings)?;
    let status = find(STATUS).and_then(|status| {
        let mut words = status.split(|char: char| !char.is_ascii_digit());
        words.find_map(|word| word.parse().ok().filter(|status| (100..=599).contains(status)))
    });
    let address = find(ADDRESS).map(crate::line::without_port);
    if status.is_some() || address.is_some() {
        recorded.response = Some(RecordedResponse {
            status,
            upstream_address: address.map(|address| address.as_bytes().to_vec()),
            ..RecordedResponse::default()
        });
    }
    Some(recorded)
}

/// Returns the part with the headers of the request: behind its heading, or from the first pseudo-header; all
/// of the panel where it has neither.
fn request_headers(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_heading = heading(line) == "Request Headers";
        if is_heading || line.trim_start().starts_with(":authority") {
            let skip = if is_heading { line.len() } else { 0 };
            return text.get(at + skip..).unwrap_or_default();
        }
        at += line.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_of_a_browser_is_a_request() {
        for (panel, expect) in [
            (
                "Request URL\nhttps://a.example/x?y=z\nRequest Method\nPOST\nStatus Code\n200 OK\nRemote Address\n192.0.2.1:443\nReferrer Policy\nstrict-origin",
                "POST https://a.example/x?y=z - Some(200)",
            ),
            (
                "General\n\nRequest URL: https://a.example/x\nRequest Method: GET\nStatus Code: 404 Not Found\n\nResponse Headers\nserver: x\n\nRequest Headers\nHost: a.example\nUser-Agent: u v\n",
                "GET https://a.example/x u v Some(404)",
            ),
            (
                "▼General\nRequest URL:\nhttps://a.example/x\nRequest Method:\nPUT\n▼Request Headers\n:authority:\na.example\n:method:\nPUT\n:path:\n/x\n:scheme:\nhttps\nuser-agent:\nu v",
                "PUT https://a.example/x u v None",
            ),
            (
                "Request URL\nhttps://a.example/x\nRequest Method\nPUT\n:authority\na.example\n:method\nPUT\n:path\n/x\n:scheme\nhttps\nuser-agent\nu v",
                "PUT https://a.example/x u v None",
            ),
            ("Request URL\n\n", ""),
        ] {
            assert!(begins(panel), "{panel}");
            let mut findings = Findings::new(&"panel".into());
            let found = read(panel, &Expansion::default(), &mut findings);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let shown = found.map_or(String::new(), |request| {
                let agent = request.user_agent.as_deref().map_or("-".to_owned(), text);
                let status = request.response.as_ref().and_then(|response| response.status);
                format!("{} {} {agent} {status:?}", text(&request.method), text(&request.url()))
            });
            assert_eq!(shown, expect, "{panel}: {:?}", findings.into_list());
        }
        assert!(!begins("Request a URL\nx"));
        let two = "Request URL\nhttps://a.example/\nRequest Method\nGET\nRequest URL\nhttps://b.example/\n";
        assert_eq!(n_lines(two), 4);
    }
}
