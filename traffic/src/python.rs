//! Calls of Python's `requests`, `httpx`, `aiohttp`, `urllib`, `urllib3` and `http.client` to the requests that they
//! send.

use diagnostics::Findings;

use crate::client::{ClientRequest, method_override};
use crate::expansion::Expansion;
use crate::fetch::{no_url, request_of_url};
use crate::recorded::RecordedRequest;
use crate::script::{self, Argument, Value};

/// What the libraries call themselves. Their versions are not known; rules look at the name.
const AGENTS: &[(&str, &str)] = &[
    ("requests", "python-requests/2.32.5"),
    ("httpx", "python-httpx/0.28.1"),
    ("urllib", "Python-urllib/3.13"),
    ("aiohttp", "Python/3.13 aiohttp/3.13.2"),
    ("urllib3", "python-urllib3/2.5.0"),
];

/// How a script makes a session, and the library. Its methods are those of the library.
const SESSIONS: &[(&str, &str)] = &[
    ("requests.Session(", "requests"),
    ("requests.session(", "requests"),
    ("httpx.Client(", "httpx"),
    ("httpx.AsyncClient(", "httpx"),
    ("aiohttp.ClientSession(", "aiohttp"),
    ("ClientSession(", "aiohttp"),
    ("urllib3.PoolManager(", "urllib3"),
    ("PoolManager(", "urllib3"),
];

/// Calls that make a connection to a host, of which requests name a path.
const CONNECTIONS: &[(&str, &str)] = &[("HTTPSConnection", "https"), ("HTTPConnection", "http")];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// Returns true if a text may be a script that calls one of the libraries.
pub(crate) fn is_script(text: &str) -> bool {
    const CALLS: [&str; 9] = [
        "requests.",
        "httpx.",
        "urlopen(",
        "urlretrieve(",
        "aiohttp",
        "ClientSession(",
        "urllib3",
        "HTTPSConnection(",
        "HTTPConnection(",
    ];
    CALLS.iter().any(|call| text.contains(call))
}

/// Reads the calls of a script. `None` where there is none.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let text = &with_libraries(text);
    let sessions = sessions(text);
    let library = |name: &str| {
        let (object, call) = name.rsplit_once('.').unwrap_or(("", name));
        let of_session = sessions.iter().find(|(session, _)| session == object);
        match call {
            "urlopen" | "urlretrieve" => Some("urllib"),
            _ if call != "request" && !METHODS.contains(&call) => None,
            _ => match object {
                "requests" => Some("requests"),
                "httpx" => Some("httpx"),
                "aiohttp" => Some("aiohttp"),
                "urllib3" => Some("urllib3"),
                _ => of_session.map(|(_, library)| *library),
            },
        }
    };
    let connection = |name: &str| {
        let call = name.rsplit('.').next().unwrap_or_default();
        CONNECTIONS.iter().find(|(known, _)| *known == call).map(|(_, scheme)| *scheme)
    };
    let has_connections = CONNECTIONS.iter().any(|(call, _)| text.contains(call));
    let is_wanted = |name: &str| {
        let is_request = has_connections && name.ends_with(".request");
        library(name).is_some() || connection(name).is_some() || is_request
    };
    let mut found = None;
    let mut origin = String::new();
    for (name, arguments) in script::calls(text, expansion, is_wanted) {
        let requests: &mut Vec<RecordedRequest> = found.get_or_insert_default();
        if requests.len() >= crate::limits::MAX_PASTED_REQUESTS {
            break;
        }
        if let Some(scheme) = connection(&name) {
            let host = argument(&arguments, "host", Some(0)).and_then(Value::text);
            let port = argument(&arguments, "port", Some(1)).and_then(Value::text);
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            origin = host.map_or(String::new(), |host| format!("{scheme}://{host}{port}"));
        } else if let Some(library) = library(&name) {
            requests.extend(request(library, &name, &arguments, expansion, findings));
        } else {
            requests.extend(of_connection(&origin, &arguments, expansion, findings));
        }
    }
    found
}

/// Returns a script with the name of the library where a session is made for one call.
fn with_libraries(text: &str) -> String {
    let mut text = text.to_owned();
    for (made, library) in SESSIONS {
        text = text.replace(&format!("{made})."), &format!("{library}."));
    }
    text
}

/// The names that sessions are given, with their libraries: `name = made(`, and `with made( ... ) as name`.
fn sessions(text: &str) -> Vec<(String, &'static str)> {
    let of_line = |line: &str| {
        let (made, library) = SESSIONS.iter().find(|(made, _)| line.contains(made))?;
        let (before, behind) = line.split_once(made)?;
        let name = match behind.split_once(" as ") {
            // What is done with it may be on the same line.
            Some((_, name)) => {
                let name = name.trim_start();
                let is_name = |char: char| char.is_alphanumeric() || char == '_';
                name.split(|char| !is_name(char)).next().unwrap_or_default()
            }
            None => before.trim_end().strip_suffix('=')?.trim(),
        };
        Some((name.to_owned(), *library))
    };
    text.split(['\n', ';']).filter_map(of_line).collect()
}

/// A request on a connection of `http.client`, which sends no agent of its own.
fn of_connection(
    origin: &str,
    arguments: &[Argument],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let path = argument(arguments, "url", Some(1)).and_then(Value::text);
    let Some(path) = path.filter(|_| !origin.is_empty()) else {
        return no_url("request", findings);
    };
    let url = if path.contains("://") { path.to_owned() } else { format!("{origin}{path}") };
    let method = argument(arguments, "method", Some(0)).and_then(Value::text).unwrap_or("GET");
    let headers = argument(arguments, "headers", Some(3));
    let header = |name: &str| headers?.get(name)?.text().map(str::to_owned);
    request_of_url(
        &url,
        ClientRequest {
            method,
            version: "HTTP/1.1",
            user_agent: header("user-agent"),
            referrer: header("referer"),
            cookie: header("cookie"),
            method_override: method_override(header),
            ..ClientRequest::default()
        },
        header("host"),
        expansion,
        findings,
    )
}

fn argument<'a>(arguments: &'a [Argument], name: &str, place: Option<usize>) -> Option<&'a Value> {
    let named = arguments.iter().find(|argument| argument.name.as_deref() == Some(name));
    let placed = || arguments.get(place?).filter(|argument| argument.name.is_none());
    named.or_else(placed).map(|argument| &argument.value)
}

fn request(
    library: &str,
    name: &str,
    arguments: &[Argument],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let (_, call) = name.rsplit_once('.').unwrap_or(("", name));
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
        "urlretrieve" => "GET".to_owned(),
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
        expansion,
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
