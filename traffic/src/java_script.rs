//! Calls of JavaScript's libraries and objects that send requests, beside `fetch`: axios, got, superagent, jQuery,
//! `XMLHttpRequest`, beacons, and Node's own client.

use diagnostics::Findings;

use crate::client::{ClientRequest, method_override};
use crate::expansion::Expansion;
use crate::fetch::{no_url, request_of_url};
use crate::recorded::RecordedRequest;
use crate::script::{self, Argument, Value};

/// What the libraries call themselves in Node; in a browser they send the browser's name. Their versions are not
/// known; rules look at the name.
const AGENTS: &[(Library, &str)] = &[
    (Library::Axios, "axios/1.13.2"),
    (Library::Got, "got (https://github.com/sindresorhus/got)"),
    (Library::Superagent, "node-superagent/10.2.3"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    Axios,
    Got,
    Superagent,
    JQuery,
    /// `XMLHttpRequest.open(method, url)`.
    Open,
    Beacon,
    /// `http.get`, `https.request` and the like, of which the scheme is given.
    Node(&'static str),
}

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Returns true if a text may be a script that calls one of these.
pub(crate) fn is_script(text: &str) -> bool {
    const CALLS: [&str; 20] = [
        "require('http",
        "require(\"http",
        "require('node:http",
        "require(\"node:http",
        "axios(",
        "axios.",
        "got(",
        "got.",
        "superagent",
        "$.get",
        "$.post",
        "$.ajax",
        "jQuery.",
        ".open(",
        "sendBeacon(",
        "https.get(",
        "https.request(",
        "http.get(",
        "http.request(",
        "XMLHttpRequest",
    ];
    CALLS.iter().any(|call| text.contains(call))
}

/// Reads the calls of a script. `None` where there is none.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let text = with_names(text);
    let calls = script::calls(&text, expansion, |name| call(name).is_some());
    let calls: Vec<_> = calls
        .into_iter()
        .filter(|(name, arguments)| is_of_http(name, arguments))
        .take(crate::limits::MAX_PASTED_REQUESTS)
        .collect();
    if calls.is_empty() {
        return None;
    }
    let requests =
        calls.iter().filter_map(|(name, arguments)| request(name, arguments, expansion, findings));
    Some(requests.collect())
}

/// Returns a script with the names of Node's modules where it uses them as they are required.
fn with_names(text: &str) -> String {
    let mut text = text.to_owned();
    for module in ["https", "http", "axios", "got", "superagent"] {
        for quote in ['"', '\''] {
            for prefix in ["", "node:"] {
                let required = format!("require({quote}{prefix}{module}{quote})");
                text = text.replace(&format!("{required}."), &format!("{module}."));
                text = text.replace(&format!("{required}("), &format!("{module}("));
            }
        }
    }
    text
}

/// Returns the library of a call, and its method where its name says one.
fn call(name: &str) -> Option<(Library, Option<&str>)> {
    let (object, last) = name.rsplit_once('.').unwrap_or(("", name));
    let object = object.rsplit('.').next().unwrap_or_default();
    let method = METHODS.into_iter().find(|method| *method == last);
    let library = match (object, last) {
        ("", "axios") | ("axios", "request") => Library::Axios,
        ("axios", _) if method.is_some() => Library::Axios,
        ("", "got") => Library::Got,
        ("got", _) if method.is_some() => Library::Got,
        ("superagent", _) if method.is_some() => Library::Superagent,
        ("$" | "jQuery", "get" | "getJSON" | "getScript" | "ajax" | "post") => Library::JQuery,
        ("navigator", "sendBeacon") => Library::Beacon,
        ("http", "get" | "request") => Library::Node("http"),
        ("https", "get" | "request") => Library::Node("https"),
        (_, "open") => Library::Open,
        _ => return None,
    };
    let method = match (library, last) {
        (Library::Beacon, _) => Some("post"),
        (Library::JQuery, "getJSON" | "getScript") => Some("get"),
        _ => method,
    };
    Some((library, method))
}

/// Returns true unless the call is another one of the same name: `open` opens windows and files too.
fn is_of_http(name: &str, arguments: &[Argument]) -> bool {
    let text = |idx: usize| arguments.get(idx).and_then(|argument| argument.value.text());
    match call(name) {
        Some((Library::Open, _)) => {
            let is_method =
                |text: &str| METHODS.iter().any(|method| method.eq_ignore_ascii_case(text));
            text(0).is_some_and(is_method) && arguments.len() > 1
        }
        _ => true,
    }
}

fn request(
    name: &str,
    arguments: &[Argument],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<RecordedRequest> {
    let (library, named) = call(name)?;
    let value = |idx: usize| arguments.get(idx).map(|argument| &argument.value);
    let is_map = |value: &&Value| matches!(value, Value::Map(_));
    // A call has its options alone, or behind the URL and what is sent.
    let options = match library {
        Library::Open | Library::Beacon => None,
        _ => arguments.iter().map(|argument| &argument.value).rfind(is_map),
    };
    let has_body = named.is_some_and(|method| matches!(method, "post" | "put" | "patch"));
    let is_sent = library == Library::Axios && has_body && arguments.len() < 3;
    let options = options.filter(|_| !is_sent || named.is_none());
    let option = |name: &str| options?.get(name)?.text();
    let place = usize::from(library == Library::Open);
    // `new URL(url)`.
    let text = match value(place) {
        Some(Value::Call(_, inner)) => inner.first().and_then(|argument| argument.value.text()),
        value => value.and_then(Value::text),
    };
    let url = text.or_else(|| option("url")).or_else(|| option("uri")).map(str::to_owned);
    let url = match library {
        Library::Node(scheme) => url.or_else(|| of_parts(scheme, &option)),
        _ => url,
    };
    let Some(mut url) = url else { return no_url(name, findings) };
    if let Some(base) = option("baseURL").or_else(|| option("prefixUrl"))
        && !url.contains("://")
    {
        url = format!("{}/{}", base.trim_end_matches('/'), url.trim_start_matches('/'));
    }
    if let Some(params) =
        options.and_then(|options| options.get("params").or_else(|| options.get("searchParams")))
    {
        add_query(&mut url, params);
    }
    let method = match library {
        Library::Open => value(0).and_then(Value::text),
        _ => named.or_else(|| option("method")).or_else(|| option("type")),
    };
    let method = method.unwrap_or("GET").to_ascii_uppercase();
    let headers = options.and_then(|options| options.get("headers"));
    let header = |name: &str| headers?.get(name)?.text().map(str::to_owned);
    let agent = AGENTS.iter().find(|(known, _)| *known == library);
    request_of_url(
        &url,
        ClientRequest {
            method: &method,
            version: "HTTP/1.1",
            user_agent: header("user-agent").or(agent.map(|(_, agent)| (*agent).to_owned())),
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

/// Returns the URL of the options that Node's client takes.
fn of_parts<'o>(scheme: &str, option: &impl Fn(&str) -> Option<&'o str>) -> Option<String> {
    let host = option("hostname").or_else(|| option("host"))?;
    let scheme = option("protocol").map_or(scheme, |protocol| protocol.trim_end_matches(':'));
    let port = option("port").map_or(String::new(), |port| format!(":{port}"));
    Some(format!("{scheme}://{host}{port}{}", option("path").unwrap_or("/")))
}

/// Adds parameters to a URL as its query.
fn add_query(url: &mut String, params: &Value) {
    let Value::Map(entries) = params else { return };
    for (name, value) in entries {
        let Some(value) = value.text().filter(|value| !matches!(*value, "null" | "undefined"))
        else {
            continue;
        };
        url.push(if url.contains('?') { '&' } else { '?' });
        let encode = |text: &str| {
            let text =
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
            text.to_string()
                .replace("%20", "+")
                .replace("%2E", ".")
                .replace("%2D", "-")
                .replace("%5F", "_")
        };
        url.push_str(&format!("{}={}", encode(name), encode(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_libraries_become_the_requests_that_they_send() {
        for (script, expect) in [
            (
                "axios.get('https://a.example/x', {params: {q: 'a b'}})",
                "GET https://a.example/x?q=a+b axios/1.13.2",
            ),
            (
                "await axios.post(\"https://a.example/x\", {a: 1}, {headers: {'User-Agent': 'u'}})",
                "POST https://a.example/x u",
            ),
            (
                "axios.post('https://a.example/x', {url: 'https://b.example/'})",
                "POST https://a.example/x axios/1.13.2",
            ),
            (
                "axios({method: 'put', url: '/x', baseURL: 'https://a.example/'})",
                "PUT https://a.example/x axios/1.13.2",
            ),
            (
                "const r = await got('https://a.example/x', {method: 'DELETE'})",
                "DELETE https://a.example/x got (https://github.com/sindresorhus/got)",
            ),
            (
                "got.post('https://a.example/x', {json: {a: 1}})",
                "POST https://a.example/x got (https://github.com/sindresorhus/got)",
            ),
            (
                "superagent.get('https://a.example/x').end()",
                "GET https://a.example/x node-superagent/10.2.3",
            ),
            ("$.ajax({url: 'https://a.example/x', type: 'POST'})", "POST https://a.example/x -"),
            ("$.getJSON('https://a.example/x')", "GET https://a.example/x -"),
            (
                "var x = new XMLHttpRequest(); x.open('POST', 'https://a.example/x'); x.send()",
                "POST https://a.example/x -",
            ),
            ("navigator.sendBeacon('https://a.example/x', data)", "POST https://a.example/x -"),
            (
                "const https = require('https'); https.get('https://a.example/x', r => r)",
                "GET https://a.example/x -",
            ),
            (
                "require('https').request({hostname: 'a.example', port: 8443, path: '/x', method: 'POST', headers: {'user-agent': 'u'}})",
                "POST https://a.example:8443/x u",
            ),
        ] {
            assert!(is_script(script), "{script}");
            let mut findings = Findings::new(&"script".into());
            let found = read(script, &Expansion::default(), &mut findings).unwrap_or_default();
            let shown: Vec<_> = found
                .iter()
                .map(|request| {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let agent = request.user_agent.as_deref().map_or("-".to_owned(), text);
                    format!("{} {} {agent}", text(&request.method), text(&request.url()))
                })
                .collect();
            assert_eq!(shown, [expect], "{script}: {:?}", findings.into_list());
        }
    }

    #[test]
    fn other_calls_of_the_same_names_send_nothing() {
        for script in ["window.open('https://a.example/')", "fs.open('a', 'r')", "map.get('x')"] {
            let mut findings = Findings::new(&"script".into());
            assert!(read(script, &Expansion::default(), &mut findings).is_none(), "{script}");
        }
    }
}
