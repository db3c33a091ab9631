//! A curl command line to the requests that it would send.

mod options;

use diagnostics::{Findings, Span};

use crate::codes;
use crate::recorded::RecordedRequest;
use crate::shell::{self, Word};
use crate::url::{Url, UrlError, host_name};
use options::{Effect, Known};

/// What curl calls itself where the command does not say otherwise: `curl/` and its version.
/// The version of the curl that will run the command is not known; rules look at the name.
pub const DEFAULT_USER_AGENT: &str = "curl/8.17.0";

/// Reads a curl command line: one request for each URL. `findings` lists what is wrong; a
/// command with an error gives no requests.
///
/// The requests are those of the first hop: redirects (`-L`) are not followed. A proxy (`-x`) is
/// passed over: the gateway is taken to see the request itself.
pub fn read(text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
    let words = match shell::words(text) {
        Ok(words) => words,
        Err(shell::UnclosedQuote(span)) => {
            let message = "the quote that begins here is not closed";
            findings.add(&codes::UNCLOSED_QUOTE, span, message, "close it, or escape it with `\\`");
            return Vec::new();
        }
    };
    let n_errors = findings.n_errors();
    let mut requests = Vec::new();
    let mut command = Command::default();
    let mut words = words.into_iter().skip(1);
    let mut end_of_options = false;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if end_of_options || !text.starts_with('-') || text == "-" {
            command.urls.push(word);
        } else if text == "--" {
            end_of_options = true;
        } else if text == "--next" || text == "-:" {
            requests.extend(std::mem::take(&mut command).requests(findings));
        } else if let Some(name) = text.strip_prefix("--") {
            long_option(name, &word, &mut words, &mut command, findings);
        } else {
            short_options(&word, &mut words, &mut command, findings);
        }
    }
    if command.urls.is_empty() {
        let message = "the curl command has no URL";
        let help = "write the URL behind the options, as curl takes it";
        findings.add(&codes::BROKEN_CURL, Span::point(1, 1), message, help);
    }
    requests.extend(command.requests(findings));
    if findings.n_errors() > n_errors { Vec::new() } else { requests }
}

fn long_option(
    name: &str,
    word: &Word,
    words: &mut impl Iterator<Item = Word>,
    command: &mut Command,
    findings: &mut Findings,
) {
    match options::long(name) {
        Known::Flag(effect) => command.apply(effect, "", word.span, findings),
        Known::Value(effect) => match words.next() {
            Some(value) => command.apply(effect, &value.text, value.span, findings),
            None => lacks_value(word, findings),
        },
        Known::Unknown => unknown(&format!("--{name}"), word, findings),
    }
}

/// Reads short options, which may be together in one word; the value of the last may too.
fn short_options(
    word: &Word,
    words: &mut impl Iterator<Item = Word>,
    command: &mut Command,
    findings: &mut Findings,
) {
    let mut letters = word.text.chars().skip(1);
    while let Some(letter) = letters.next() {
        match options::short(letter) {
            Known::Flag(effect) => command.apply(effect, "", word.span, findings),
            Known::Value(effect) => {
                let rest: String = letters.collect();
                let value = match rest.as_str() {
                    "" => words.next(),
                    rest => Some(Word { text: rest.to_owned(), span: word.span }),
                };
                match value {
                    Some(value) => command.apply(effect, &value.text, value.span, findings),
                    None => lacks_value(word, findings),
                }
                return;
            }
            Known::Unknown => unknown(&format!("-{letter}"), word, findings),
        }
    }
}

fn lacks_value(word: &Word, findings: &mut Findings) {
    let message = format!("`{}` lacks its value", word.text.escape_debug());
    findings.add(&codes::BROKEN_CURL, word.span, message, "write the value behind the option");
}

fn unknown(option: &str, word: &Word, findings: &mut Findings) {
    let message =
        format!("`{}` is not an option of curl that is known here", option.escape_debug());
    let help = "it is passed over; leave it out if its value was taken for a URL";
    findings.add(&codes::UNKNOWN_OPTION, word.span, message, help);
}

/// What the options of a command say, up to `--next`.
#[derive(Debug, Default)]
struct Command {
    urls: Vec<Word>,
    method: Option<String>,
    /// The method that other options ask for: the one of the last.
    implied_method: Option<&'static str>,
    version: Option<&'static str>,
    user_agent: Option<String>,
    referrer: Option<String>,
    cookies: Vec<String>,
    /// Headers by name, in lower case: the value, or `None` where it is taken out.
    headers: Vec<(String, Option<String>)>,
    data: Vec<String>,
    data_goes_to_query: bool,
    query: Vec<String>,
    request_target: Option<String>,
}

impl Command {
    fn apply(&mut self, effect: Effect, value: &str, span: Span, findings: &mut Findings) {
        match effect {
            Effect::None => {}
            Effect::Url => self.urls.push(Word { text: value.to_owned(), span }),
            Effect::Method => self.method = Some(value.to_owned()),
            Effect::Head => self.implied_method = Some("HEAD"),
            Effect::Put => self.implied_method = Some("PUT"),
            Effect::Post => self.implied_method = Some("POST"),
            Effect::Version(version) => self.version = Some(version),
            Effect::UserAgent => self.user_agent = Some(value.to_owned()),
            Effect::Referrer => {
                let value = value.strip_suffix(";auto").unwrap_or(value);
                self.referrer = Some(value.to_owned()).filter(|value| !value.is_empty());
            }
            Effect::Cookie if value.contains('=') => self.cookies.push(value.to_owned()),
            Effect::Cookie => ignored("a file of cookies is not read", span, findings),
            Effect::Header => self.header(value, span, findings),
            Effect::Data => {
                self.implied_method = Some("POST");
                if value.starts_with('@') {
                    ignored("a file of data is not read", span, findings);
                }
                self.data.push(value.to_owned());
            }
            Effect::DataToQuery => self.data_goes_to_query = true,
            Effect::Query => self.query.push(value.to_owned()),
            Effect::RequestTarget => self.request_target = Some(value.to_owned()),
            Effect::Config => ignored("a file of options is not read", span, findings),
        }
    }

    fn header(&mut self, value: &str, span: Span, findings: &mut Findings) {
        if value.starts_with('@') {
            ignored("a file of headers is not read", span, findings);
            return;
        }
        // `Name;` sends an empty header, `Name:` takes out the one that curl would send.
        let header = match value.split_once(':') {
            Some((name, value)) if value.trim().is_empty() => (name, None),
            Some((name, value)) => (name, Some(value.trim().to_owned())),
            None => match value.strip_suffix(';') {
                Some(name) => (name, Some(String::new())),
                None => {
                    let message = format!("`{}` is no header", value.escape_debug());
                    findings.add(&codes::BROKEN_HEADER, span, message, "write `Name: value`");
                    return;
                }
            },
        };
        self.headers.push((header.0.trim().to_ascii_lowercase(), header.1));
    }

    /// The last header of a name; what curl would send itself where there is none.
    fn sent(&self, name: &str, default: Option<String>) -> Option<Vec<u8>> {
        let header = self.headers.iter().rfind(|(header, _)| header == name);
        let value = header.map_or(default, |(_, value)| value.clone());
        value.map(String::into_bytes)
    }

    fn requests(self, findings: &mut Findings) -> Vec<RecordedRequest> {
        let requests = self.urls.iter().filter_map(|url| self.request(url, findings));
        requests.collect()
    }

    fn request(&self, word: &Word, findings: &mut Findings) -> Option<RecordedRequest> {
        // curl takes `a.example/x` for http, and so does the gateway see it.
        let with_scheme = if word.text.contains("://") {
            word.text.clone()
        } else {
            format!("http://{}", word.text)
        };
        if with_scheme.contains(['{', '[']) && !with_scheme.contains("://[") {
            ignored("a pattern of URLs is taken as it stands", word.span, findings);
        }
        let url = match Url::parse(&with_scheme) {
            Ok(url) => url,
            Err(error) => {
                let help = match error {
                    UrlError::Port => error.help(),
                    _ => "write the URL as curl takes it, in quotes",
                };
                findings.add(&codes::BROKEN_URL, word.span, error.message(&word.text), help);
                return None;
            }
        };
        let scheme = url.scheme.to_ascii_lowercase();
        let mut path = url.request_path();
        let data_in_query = self.data.iter().filter(|_| self.data_goes_to_query);
        for query in self.query.iter().chain(data_in_query) {
            path.push(if path.contains(&b'?') { b'&' } else { b'?' });
            path.extend_from_slice(query.as_bytes());
        }
        if let Some(target) = &self.request_target {
            path = target.clone().into_bytes();
        }
        let implied = self.implied_method.filter(|method| {
            // `-G` turns a POST of data into a GET; `-I` beside it stays.
            !(self.data_goes_to_query && *method == "POST")
        });
        let method = self.method.as_deref().or(implied).unwrap_or("GET");
        // curl offers HTTP/2 over TLS since 7.47, and servers take it.
        let version = self.version.unwrap_or(if scheme == "https" { "HTTP/2" } else { "HTTP/1.1" });
        let user_agent = match self.user_agent.as_deref() {
            None => Some(DEFAULT_USER_AGENT.to_owned()),
            Some("") => None,
            Some(user_agent) => Some(user_agent.to_owned()),
        };
        let cookies = Some(self.cookies.join("; ")).filter(|cookies| !cookies.is_empty());
        let host = self.sent("host", None);
        let server_name = (scheme == "https").then(|| host_name(url.host));
        Some(RecordedRequest {
            method: method.as_bytes().to_vec(),
            scheme: scheme.into_bytes(),
            authority: host.unwrap_or_else(|| url.host.as_bytes().to_vec()),
            path: Some(path),
            version: version.as_bytes().to_vec(),
            user_agent: self.sent("user-agent", user_agent),
            referrer: self.sent("referer", self.referrer.clone()),
            cookie: self.sent("cookie", cookies),
            server_name: server_name.flatten(),
            ..RecordedRequest::default()
        })
    }
}

fn ignored(message: &str, span: Span, findings: &mut Findings) {
    let help = "write its content, if a rule needs it";
    findings.add(&codes::IGNORED_OPTION, span, message, help);
}

#[cfg(test)]
mod tests;
