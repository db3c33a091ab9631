//! Calls of PHP's curl and of its streams to the requests that they send.

use diagnostics::Findings;

use crate::client::ClientRequest;
use crate::expansion::Expansion;
use crate::fetch::{no_url, request_of_url};
use crate::recorded::RecordedRequest;
use crate::script::{self, Argument, Value};

/// Returns true if a text may be a script of PHP that sends requests.
pub(crate) fn is_script(text: &str) -> bool {
    ["curl_init(", "curl_setopt(", "file_get_contents("].iter().any(|call| text.contains(call))
}

/// What the options of a handle say.
#[derive(Debug, Default)]
struct Handle {
    url: Option<String>,
    method: Option<String>,
    user_agent: Option<String>,
    referrer: Option<String>,
    cookie: Option<String>,
}

/// Reads the calls of a script. `None` where there is none. A handle of curl sends its request when the next is
/// made, or at the end; it says nothing about itself unless it has an agent.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let names = ["curl_init", "curl_setopt", "file_get_contents"];
    let calls = script::calls(text, expansion, |name| names.contains(&name));
    let mut found: Option<Vec<RecordedRequest>> = None;
    let mut handle: Option<Handle> = None;
    for (name, arguments) in calls.into_iter().take(crate::limits::MAX_PASTED_REQUESTS) {
        let text =
            |idx: usize| arguments.get(idx).and_then(|argument: &Argument| argument.value.text());
        match name.as_str() {
            "curl_init" => {
                if let Some(done) = handle.take() {
                    found.get_or_insert_default().extend(send(done, expansion, findings));
                }
                handle = Some(Handle { url: text(0).map(str::to_owned), ..Handle::default() });
            }
            "curl_setopt" => set(handle.get_or_insert_default(), text(1), arguments.get(2)),
            _ => {
                // Files and streams of PHP are read in the same way.
                let Some(url) = text(0).filter(|url| url.starts_with("http")) else { continue };
                let handle = Handle { url: Some(url.to_owned()), ..Handle::default() };
                found.get_or_insert_default().extend(send(handle, expansion, findings));
            }
        }
    }
    if let Some(handle) = handle {
        found.get_or_insert_default().extend(send(handle, expansion, findings));
    }
    found
}

fn set(handle: &mut Handle, option: Option<&str>, value: Option<&Argument>) {
    let value = value.map(|argument| &argument.value);
    let text = value.and_then(Value::text).map(str::to_owned);
    match option.unwrap_or_default() {
        "CURLOPT_URL" => handle.url = text,
        "CURLOPT_CUSTOMREQUEST" => handle.method = text,
        "CURLOPT_POST" | "CURLOPT_POSTFIELDS" => {
            handle.method.get_or_insert_with(|| "POST".to_owned());
        }
        "CURLOPT_PUT" => handle.method = Some("PUT".to_owned()),
        "CURLOPT_NOBODY" => handle.method = Some("HEAD".to_owned()),
        "CURLOPT_USERAGENT" => handle.user_agent = text,
        "CURLOPT_REFERER" => handle.referrer = text,
        "CURLOPT_COOKIE" => handle.cookie = text,
        "CURLOPT_HTTPHEADER" => {
            let Some(Value::List(headers)) = value else { return };
            for header in headers.iter().filter_map(Value::text) {
                let Some((name, value)) = header.split_once(':') else { continue };
                let value = Some(value.trim().to_owned());
                match name.to_ascii_lowercase().as_str() {
                    "user-agent" => handle.user_agent = value,
                    "referer" => handle.referrer = value,
                    "cookie" => handle.cookie = value,
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn send(handle: Handle, expansion: &Expansion, findings: &mut Findings) -> Option<RecordedRequest> {
    let Some(url) = handle.url else { return no_url("curl_init", findings) };
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    let method = handle.method.unwrap_or_else(|| "GET".to_owned());
    let request = ClientRequest {
        method: &method,
        version: "HTTP/1.1",
        user_agent: handle.user_agent,
        referrer: handle.referrer,
        cookie: handle.cookie,
        ..ClientRequest::default()
    };
    request_of_url(&url, request, None, expansion, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_php_become_requests() {
        for (script, expect) in [
            (
                "$ch = curl_init('https://a.example/x'); curl_exec($ch);",
                vec!["GET https://a.example/x -"],
            ),
            (
                "$c = curl_init();\ncurl_setopt($c, CURLOPT_URL, \"https://a.example/x\");\ncurl_setopt($c, CURLOPT_POSTFIELDS, $d);\ncurl_setopt($c, CURLOPT_HTTPHEADER, ['User-Agent: u']);\ncurl_exec($c);",
                vec!["POST https://a.example/x u"],
            ),
            ("echo file_get_contents('http://a.example/x');", vec!["GET http://a.example/x -"]),
            ("curl_init($url)", vec![]),
        ] {
            assert!(is_script(script));
            let mut findings = Findings::new(&"script".into());
            let found = read(script, &Expansion::default(), &mut findings).unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let shown: Vec<_> = found
                .iter()
                .map(|request| {
                    let agent = request.user_agent.as_deref().map_or("-".to_owned(), text);
                    format!("{} {} {agent}", text(&request.method), text(&request.url()))
                })
                .collect();
            assert_eq!(shown, expect, "{script}");
        }
        let mut findings = Findings::new(&"x".into());
        let file = "file_get_contents('a.txt')";
        assert!(read(file, &Expansion::default(), &mut findings).is_none());
    }
}
