//! Commands of `HTTPie` (`http`, `https`) and `xh` to the requests that they send.

use diagnostics::Findings;

use crate::client::{ClientRequest, join, method_override};
use crate::defanged::refanged;
use crate::expansion::Expansion;
use crate::fetch::request_of_url;
use crate::head::is_token;
use crate::recorded::RecordedRequest;
use crate::shell::Word;
use crate::{codes, command};

/// Options that take a value, none of which changes what a rule sees.
const WITH_VALUE: &[&str] = &[
    "-a",
    "--auth",
    "-A",
    "--auth-type",
    "-o",
    "--output",
    "-p",
    "--print",
    "-P",
    "--history-print",
    "-s",
    "--style",
    "--pretty",
    "--format-options",
    "--response-charset",
    "--response-mime",
    "--session",
    "--session-read-only",
    "--proxy",
    "--timeout",
    "--max-redirects",
    "--max-headers",
    "--verify",
    "--cert",
    "--cert-key",
    "--cert-key-pass",
    "--ssl",
    "--ciphers",
    "--boundary",
    "--default-scheme",
    "--raw",
    "--resolve",
    "--interface",
    "--http-version",
    "--bearer",
    "--color",
    "--theme",
];

/// Options that take none.
const WITHOUT_VALUE: &[&str] = &[
    "--all",
    "--body",
    "-b",
    "--check-status",
    "--chunked",
    "--compress",
    "-x",
    "--continue",
    "-c",
    "--debug",
    "--download",
    "-d",
    "--follow",
    "-F",
    "--form",
    "-f",
    "--headers",
    "-h",
    "--ignore-netrc",
    "--ignore-stdin",
    "-I",
    "--json",
    "-j",
    "--meta",
    "-m",
    "--multipart",
    "--offline",
    "--path-as-is",
    "--quiet",
    "-q",
    "--sorted",
    "--stream",
    "-S",
    "--traceback",
    "--unsorted",
    "--verbose",
    "-v",
    "--https",
    "--curl",
    "--curl-long",
    "--native-tls",
    "-4",
    "-6",
    "--ipv4",
    "--ipv6",
    "-vv",
];

/// What separates the name of an item from its value, the longest first, and what the item is.
const SEPARATORS: &[(&str, Item)] = &[
    (":=@", Item::Data),
    ("==", Item::Query),
    (":=", Item::Data),
    ("=@", Item::Data),
    ("@", Item::Data),
    ("=", Item::Data),
    (":", Item::Header),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Header,
    Query,
    Data,
}

/// Methods that show a command where no URL does.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Returns true for the name of one of the programs.
pub(crate) fn is_program(name: &str) -> bool {
    matches!(name, "http" | "https" | "xh" | "xhs")
}

/// Returns true if the words behind the program's name are those of a command: `http` is a word of text too.
pub(crate) fn is_command(words: &[Word]) -> bool {
    words.iter().skip(1).any(|word| {
        let is_url = !word.text.starts_with('-') && word.text.contains(['.', ':', '/']);
        is_url || is_method(&word.text) && METHODS.contains(&word.text.as_str())
    })
}

fn is_method(word: &str) -> bool {
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Reads a command of a program of this name.
pub(crate) fn read(
    name: &str,
    words: &[Word],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Vec<RecordedRequest> {
    let mut positional: Vec<&Word> = Vec::new();
    let mut has_body = false;
    let mut scheme = if matches!(name, "https" | "xhs") { "https" } else { "http" };
    let mut arguments = words.iter().skip(1);
    while let Some(word) = arguments.next() {
        let text = word.text.as_str();
        if !text.starts_with('-') || text.len() < 2 {
            positional.push(word);
            continue;
        }
        let (option, attached) = match text.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (text, None),
        };
        let mut value = || match attached {
            Some(value) => Some(value),
            None => arguments.next().map(|word| word.text.as_str()),
        };
        match option {
            "--default-scheme" if value() == Some("https") => scheme = "https",
            "--https" => scheme = "https",
            "--raw" => {
                has_body = true;
                value();
            }
            _ if WITH_VALUE.contains(&option) => {
                value();
            }
            _ if WITHOUT_VALUE.contains(&option) || option.starts_with("--no-") => {}
            // `-jv`, and `-amy:word`.
            _ if is_group(option) => {
                let last = option.chars().last().map(|char| format!("-{char}")).unwrap_or_default();
                if WITH_VALUE.contains(&last.as_str()) {
                    value();
                }
            }
            _ => {
                let message =
                    format!("`{}` is not an option that is known here", option.escape_debug());
                let help = "leave it out, if it does not change the request";
                findings.add(&codes::UNKNOWN_OPTION, word.span, message, help);
                return Vec::new();
            }
        }
    }
    let mut rest = positional.as_slice();
    let mut method = None;
    if let [first, behind @ ..] = rest
        && is_method(&first.text)
    {
        method = Some(first.text.clone());
        rest = behind;
    }
    let Some((url, items)) = rest.split_first() else {
        command::no_url(name, words, findings);
        return Vec::new();
    };
    let mut url = whole(&refanged(&url.text), scheme);
    let mut headers: Vec<(String, String)> = Vec::new();
    for word in items {
        let Some((name, item, value)) = split(&word.text) else {
            let message = format!("`{}` is not an item of a request", word.text.escape_debug());
            let help = "write `Name:value`, `name==value` or `name=value`";
            findings.add(&codes::IGNORED_OPTION, word.span, message, help);
            continue;
        };
        match item {
            Item::Data => has_body = true,
            Item::Header => headers.push((name.to_ascii_lowercase(), value)),
            Item::Query => {
                let encode = |text: &str| {
                    let encoded = percent_encoding::utf8_percent_encode(
                        text,
                        percent_encoding::NON_ALPHANUMERIC,
                    );
                    encoded.to_string().replace("%20", "+").replace("%2E", ".").replace("%2D", "-")
                };
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&format!("{}={}", encode(&name), encode(&value)));
            }
        }
    }
    let method = method.unwrap_or_else(|| (if has_body { "POST" } else { "GET" }).to_owned());
    let header = |name: &str| {
        join(name, headers.iter().filter(|(of, _)| of == name).map(|(_, value)| value.as_str()))
    };
    let agent = if name.starts_with("xh") { "xh/0.25.0" } else { "HTTPie/3.2.4" };
    let request = ClientRequest {
        method: &method,
        version: "HTTP/1.1",
        user_agent: header("user-agent").or_else(|| Some(agent.to_owned())),
        referrer: header("referer"),
        cookie: header("cookie"),
        method_override: method_override(header),
        ..ClientRequest::default()
    };
    request_of_url(&url, request, header("host"), expansion, findings).into_iter().collect()
}

/// Returns true for several options of one letter.
fn is_group(option: &str) -> bool {
    let letters = option.strip_prefix('-').unwrap_or_default();
    !letters.is_empty()
        && !letters.starts_with('-')
        && letters.chars().all(|char| {
            let option = format!("-{char}");
            [WITH_VALUE, WITHOUT_VALUE].iter().any(|list| list.contains(&option.as_str()))
        })
}

/// Returns a URL with its scheme and host: `:3000/x` is on this machine.
fn whole(text: &str, scheme: &str) -> String {
    if text.contains("://") {
        return text.to_owned();
    }
    match text.strip_prefix(':') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{scheme}://localhost:{rest}")
        }
        Some(rest) => format!("{scheme}://localhost{rest}"),
        None => format!("{scheme}://{text}"),
    }
}

/// Splits an item at its first separator, in which a backslash escapes.
fn split(word: &str) -> Option<(String, Item, String)> {
    let mut name = String::new();
    let mut rest = word;
    while let Some(char) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix('\\').filter(|behind| !behind.is_empty()) {
            let escaped = behind.chars().next()?;
            name.push(escaped);
            rest = behind.get(escaped.len_utf8()..)?;
            continue;
        }
        let separator = SEPARATORS.iter().find(|(separator, _)| rest.starts_with(separator));
        if let Some((separator, item)) = separator {
            let is_name = *item != Item::Header || is_token(&name);
            return is_name.then(|| {
                (name, *item, rest.get(separator.len()..).unwrap_or_default().trim().to_owned())
            });
        }
        name.push(char);
        rest = rest.get(char.len_utf8()..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn commands_of_httpie_become_requests() {
        for (line, expect) in [
            ("http a.example/x", "GET http://a.example/x HTTPie/3.2.4"),
            ("https a.example/x q==a\\ b", "GET https://a.example/x?q=a+b HTTPie/3.2.4"),
            ("http POST https://a.example/x a=b", "POST https://a.example/x HTTPie/3.2.4"),
            (
                "http -jv --timeout 3 https://a.example/x a:=1 User-Agent:u",
                "POST https://a.example/x u",
            ),
            (
                "http -a me:word --verify=no https://a.example/x",
                "GET https://a.example/x HTTPie/3.2.4",
            ),
            ("http --form https://a.example/x f@file", "POST https://a.example/x HTTPie/3.2.4"),
            ("http :3000/x", "GET http://localhost:3000/x HTTPie/3.2.4"),
            ("xh hxxps://a[.]example/x", "GET https://a.example/x xh/0.25.0"),
            ("http --unknown a.example", ""),
            ("http POST", ""),
        ] {
            let commands = shell::commands(line).unwrap();
            let words = &commands[0].words;
            assert!(is_command(words), "{line}");
            let mut findings = Findings::new(&"command".into());
            let found = read(&words[0].text, words, &Expansion::default(), &mut findings);
            let shown = found.first().map_or(String::new(), |request| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let agent = request.user_agent.as_deref().map_or("-".to_owned(), text);
                format!("{} {} {agent}", text(&request.method), text(&request.url()))
            });
            assert_eq!(shown, expect, "{line}: {:?}", findings.into_list());
        }
    }
}
