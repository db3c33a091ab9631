//! Calls of Python's `requests`, `httpx` and `urllib` to the requests that they send.

use diagnostics::Findings;

use crate::client::{ClientRequest, method_override};
use crate::fetch::{no_url, request_of_url};
use crate::recorded::RecordedRequest;
use crate::script::{self, Argument, Value};

/// What the libraries call themselves. Their versions are not known; rules look at the name.
const AGENTS: &[(&str, &str)] = &[
    ("requests", "python-requests/2.32.5"),
    ("httpx", "python-httpx/0.28.1"),
    ("urllib", "Python-urllib/3.13"),
];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// Returns true if a text may be a script that calls one of the libraries.
pub(crate) fn is_script(text: &str) -> bool {
    ["requests.", "httpx.", "urlopen("].iter().any(|call| text.contains(call))
}

/// Reads the calls of a script. `None` where there is none.
pub(crate) fn read(text: &str, findings: &mut Findings) -> Option<Vec<RecordedRequest>> {
    let sessions = sessions(text);
    let is_call = |name: &str| {
        let (object, call) = name.rsplit_once('.').unwrap_or(("", name));
        let is_session = sessions.iter().any(|session| session == object);
        let is_library = matches!(object, "requests" | "httpx") || is_session;
        call == "urlopen" || is_library && (call == "request" || METHODS.contains(&call))
    };
    let calls = script::calls(text, is_call);
    if calls.is_empty() {
        return None;
    }
    let calls = calls.into_iter().take(crate::limits::MAX_PASTED_REQUESTS);
    Some(calls.filter_map(|(name, arguments)| request(&name, &arguments, findings)).collect())
}

/// The names that sessions are assigned to.
fn sessions(text: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let (name, rest) = line.split_once('=')?;
        let made = ["requests.Session(", "requests.session(", "httpx.Client("];
        let is_session = made.iter().any(|made| rest.trim_start().starts_with(made));
        is_session.then(|| name.trim().to_owned())
    };
    text.split(['\n', ';']).filter_map(of_line).collect()
}

fn argument<'a>(arguments: &'a [Argument], name: &str, place: Option<usize>) -> Option<&'a Value> {
    let named = arguments.iter().find(|argument| argument.name.as_deref() == Some(name));
    let placed = || arguments.get(place?).filter(|argument| argument.name.is_none());
    named.or_else(placed).map(|argument| &argument.value)
}

fn request(name: &str, arguments: &[Argument], findings: &mut Findings) -> Option<RecordedRequest> {
    let (object, call) = name.rsplit_once('.').unwrap_or(("", name));
    let library = match call {
        "urlopen" => "urllib",
        _ if object == "httpx" => "httpx",
        _ => "requests",
    };
    let mut arguments = arguments;
    // `urlopen(Request(url, ...))`
    if let Some(Value::Call(called, inner)) = argument(arguments, "url", Some(0))
        && called.ends_with("Request")
    {
        arguments = inner;
    }
    let first = usize::from(call == "request");
    let url = argument(arguments, "url", Some(first)).and_then(Value::text);
    let Some(url) = url else { return no_url(name, findings) };
    let method = match call {
        "request" => argument(arguments, "method", Some(0))?.text()?.to_ascii_uppercase(),
        "urlopen" => {
            let has_data = argument(arguments, "data", Some(1))
                .is_some_and(|data| data.text() != Some("None"));
            let method = argument(arguments, "method", None).and_then(Value::text);
            method.unwrap_or(if has_data { "POST" } else { "GET" }).to_owned()
        }
        method => method.to_ascii_uppercase(),
    };
    let headers = argument(arguments, "headers", if call == "urlopen" { Some(2) } else { None });
    let header = |name: &str| headers?.get(name)?.text().map(str::to_owned);
    let params = argument(arguments, "params", if call == "get" { Some(1) } else { None });
    let query = params.map(query).unwrap_or_default();
    let without_fragment = url.split('#').next().unwrap_or_default();
    let between = match (query.is_empty(), without_fragment.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let agent =
        AGENTS.iter().find(|(known, _)| *known == library).map(|(_, agent)| (*agent).to_owned());
    let cookies = argument(arguments, "cookies", None).and_then(|cookies| match cookies {
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", value.text()?)));
            Some(entries.collect::<Vec<_>>().join("; "))
        }
        _ => None,
    });
    let host = header("host");
    request_of_url(
        &format!("{without_fragment}{between}{query}"),
        ClientRequest {
            method: &method,
            version: "HTTP/1.1",
            user_agent: header("user-agent").or(agent),
            referrer: header("referer"),
            cookie: header("cookie").or(cookies),
            method_override: method_override(header),
            ..ClientRequest::default()
        },
        host,
        findings,
    )
}

/// Returns parameters as they are written in a query.
fn query(params: &Value) -> String {
    let encode = |text: &str| {
        let byte = |byte: u8| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let pair = |name: &str, value: &Value| -> Vec<String> {
        match value {
            Value::List(values) => {
                let values = values.iter().filter_map(Value::text);
                values.map(|value| format!("{}={}", encode(name), encode(value))).collect()
            }
            // What is None is left out.
            value => {
                let text = value.text().filter(|text| *text != "None" && *text != "null");
                text.map(|text| format!("{}={}", encode(name), encode(text))).into_iter().collect()
            }
        }
    };
    let pairs: Vec<String> = match params {
        Value::Text(text) => return text.clone(),
        Value::Map(entries) => entries.iter().flat_map(|(name, value)| pair(name, value)).collect(),
        Value::List(elements) => {
            let of_tuple = |element: &Value| match element {
                Value::List(tuple) => match tuple.as_slice() {
                    [Value::Text(name), value] => pair(name, value),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            elements.iter().flat_map(of_tuple).collect()
        }
        _ => Vec::new(),
    };
    pairs.join("&")
}
