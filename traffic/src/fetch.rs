//! Calls of JavaScript's `fetch()`, as browsers copy them, to the requests that they send.

use diagnostics::{Findings, Span};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{ClientRequest, method_override};
use crate::defanged::refanged;
use crate::expansion::Expansion;
use crate::recorded::RecordedRequest;
use crate::script::{self, Argument, Value};
use crate::url::Url;
use crate::{codes, curl};

/// Returns true if a text may be a script that calls `fetch`.
pub(crate) fn is_script(text: &str) -> bool {
    text.contains("fetch(")
}

/// Reads the calls of a script. `None` where there is none. A call says nothing about the browser: only one
/// that was copied with its headers has an agent.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let is_fetch = |name: &str| name == "fetch" || name.ends_with(".fetch");
    let calls = script::calls(text, expansion, is_fetch);
    if calls.is_empty() {
        return None;
    }
    let calls = calls.into_iter().take(crate::limits::MAX_PASTED_REQUESTS);
    Some(calls.filter_map(|(_, arguments)| request(&arguments, expansion, findings)).collect())
}

fn request(
    arguments: &[Argument],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    // `fetch(new Request(url, options))` and `new URL(url)`.
    let (target, options) = match arguments {
        [Argument { value: Value::Call(_, inner), .. }, rest @ ..] => {
            (inner.first(), inner.get(1).or(rest.first()))
        }
        [target, rest @ ..] => (Some(target), rest.first()),
        [] => (None, None),
    };
    let Some(text) = target.and_then(|target| target.value.text()) else {
        return no_url("fetch", findings);
    };
    let options = options.map_or(&Value::Unread, |options| &options.value);
    let headers = match options.get("headers") {
        Some(Value::Call(_, inner)) => inner.first().map(|argument| &argument.value),
        headers => headers,
    };
    let header = |name: &str| headers?.get(name)?.text().map(str::to_owned);
    let method = options.get("method").and_then(Value::text).unwrap_or("GET");
    // These are written in capitals, whatever the script has; others stay.
    let known = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
    let method =
        known.into_iter().find(|known| known.eq_ignore_ascii_case(method)).unwrap_or(method);
    let referrer =
        options.get("referrer").and_then(Value::text).filter(|text| text.contains("://"));
    request_of_url(
        text,
        ClientRequest {
            method,
            user_agent: header("user-agent"),
            referrer: header("referer").or_else(|| referrer.map(str::to_owned)),
            cookie: header("cookie"),
            method_override: method_override(header),
            ..ClientRequest::default()
        },
        None,
        expansion,
        findings,
    )
}

/// Returns the request for a URL as browsers and libraries write it: without dot segments and default ports,
/// with blanks and what is not ASCII percent-encoded.
pub(crate) fn request_of_url(
    text: &str,
    request: ClientRequest<'_>,
    host_header: Option<String>,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let real = refanged(text.trim());
    let text = &*real;
    let escaped = text.replace(' ', "%20");
    let url = match Url::parse(&escaped) {
        Ok(url)
            if url.scheme.eq_ignore_ascii_case("http")
                || url.scheme.eq_ignore_ascii_case("https") =>
        {
            url
        }
        Ok(_) => {
            let message = format!("`{}` is not a URL of HTTP", text.escape_debug());
            findings.add(
                &codes::BROKEN_URL,
                Span::point(1, 1),
                message,
                "write it with `http` or `https`",
            );
            return None;
        }
        Err(error) => {
            findings.add(&codes::BROKEN_URL, Span::point(1, 1), error.message(text), error.help());
            return None;
        }
    };
    if let Some(placeholder) = placeholder(text) {
        let message = format!("the value of `{}` is not in the text", placeholder.escape_debug());
        let help = "put the value in, as the rules see the URL that is sent";
        findings.add(&codes::IGNORED_OPTION, Span::point(1, 1), message, help);
    }
    let scheme = url.scheme.to_ascii_lowercase();
    let (name, port) = inspect::split_port(url.host.as_bytes());
    let name = inspect::ascii_name(&String::from_utf8_lossy(name)).to_ascii_lowercase();
    let port = String::from_utf8_lossy(port);
    let port = port.trim_start_matches([':', '0']);
    let is_default = matches!((scheme.as_str(), port), (_, "") | ("http", "80") | ("https", "443"));
    let host = if is_default { name } else { format!("{name}:{port}") };
    let (path, query) = match url.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url.path, None),
    };
    let path = if path.is_empty() { "/".to_owned() } else { curl::without_dots(path) };
    let encode = |text: &str| {
        let encode_char = |char: char| {
            let text = char.to_string();
            if char.is_ascii() {
                text
            } else {
                utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
            }
        };
        text.chars().map(encode_char).collect::<String>()
    };
    let query = query.map_or(String::new(), |query| format!("?{}", encode(query)));
    let path = encode(&path) + &query;
    let version =
        if scheme == "https" && request.version.is_empty() { "HTTP/2" } else { "HTTP/1.1" };
    let host_header = host_header.unwrap_or_else(|| host.clone());
    let request = ClientRequest {
        scheme: &scheme,
        connects_to: &host,
        host: &host_header,
        path: &path,
        version,
        ..request
    };
    request.record(expansion)
}

/// Returns what in a URL of a script a value would be put for: `${name}`, `{name}`, `$($name)`, `$name`.
fn placeholder(url: &str) -> Option<&str> {
    let at = url.find(['$', '{'])?;
    let found = url.get(at..)?;
    let name = found.trim_start_matches(['$', '{', '(']);
    let is_word = |char: char| char.is_alphanumeric() || "_.".contains(char);
    let end = found.len() - name.len() + name.find(|char| !is_word(char)).unwrap_or(name.len());
    let closing = found.get(end..)?.chars().take_while(|char| matches!(char, '}' | ')')).count();
    let is_name = name.starts_with(|char: char| char.is_alphabetic() || char == '_');
    is_name.then(|| found.get(..end + closing)).flatten()
}

/// Adds a finding about a call whose URL is not in the text.
pub(crate) fn no_url(what: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let message = format!("the URL of `{what}` is not written as a text");
    let help = "write the URL in quotes, where the script has a name for it";
    findings.add(&codes::BROKEN_URL, Span::point(1, 1), message, help);
    None
}
