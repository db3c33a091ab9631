//! A curl command to the requests that it would send.

mod options;
mod pattern;
mod query;
mod target;
mod tunnel;

use diagnostics::{Findings, Span};

use crate::client::{ClientRequest, join, method_override};
use crate::codes;
use crate::defanged::refanged;
use crate::expansion::Expansion;
use crate::recorded::RecordedRequest;
use crate::shell::Word;
use options::{Data, Effect, Known};
pub(crate) use target::without_dots;
use target::{NoTarget, Reading, Target};

/// What curl calls itself where the command does not say otherwise: `curl/` and its version.
/// The version of the curl that will run the command is not known; rules look at the name.
pub const DEFAULT_USER_AGENT: &str = "curl/8.17.0";

/// Reads the words of a curl command behind its name: one request for each URL. `findings` lists what is
/// wrong; a command with an error gives no requests.
///
/// The requests are those of the first hop: redirects (`-L`) are not followed. A proxy (`-x`) is passed over:
/// the gateway is taken to see the request itself, as it is with `--resolve` and `--unix-socket`, whatever host is
/// connected to. What `--connect-to` names is the target of the tunnel that curl asks a proxy for.
pub(crate) fn read(
    words: &[Word],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Vec<RecordedRequest> {
    let n_errors = findings.n_errors();
    let mut requests = Vec::new();
    let mut command = Command::default();
    let place = words.first().map_or(Span::point(1, 1), |word| word.span);
    let mut words = words.iter().skip(1);
    let mut end_of_options = false;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let mut given =
            Given { command: &mut command, requests: &mut requests, expansion, findings };
        if end_of_options || !text.starts_with('-') || text == "-" {
            given.apply(Effect::Url, word, true);
        } else if text == "--" {
            end_of_options = true;
        } else if let Some(name) = text.strip_prefix("--") {
            given.long_option(name, word, &mut words);
        } else {
            given.short_options(word, &mut words);
        }
    }
    if command.urls.is_empty() {
        let message = "the curl command has no URL";
        let help = "write the URL behind the options, as curl takes it";
        findings.add(&codes::BROKEN_CURL, place, message, help);
    }
    command.requests(&mut requests, expansion, findings);
    if findings.n_errors() > n_errors { Vec::new() } else { requests }
}

/// What options apply to.
struct Given<'g> {
    command: &'g mut Command,
    requests: &'g mut Vec<RecordedRequest>,
    expansion: &'g Expansion,
    findings: &'g mut Findings,
}

impl<'w> Given<'_> {
    fn long_option(&mut self, name: &str, word: &Word, words: &mut impl Iterator<Item = &'w Word>) {
        // Since 8.16 a value may follow `=`.
        let (known, is_on) = options::long(name);
        if known == Known::Unknown
            && let Some((name, value)) = name.split_once('=')
            && let (Known::Value(effect), _) = options::long(name)
        {
            self.apply(effect, &Word { text: value.to_owned(), ..word.clone() }, true);
            return;
        }
        match known {
            Known::Flag(effect) => self.apply(effect, word, is_on),
            Known::Value(effect) => match words.next() {
                Some(value) => self.value(effect, word, value),
                None => self.lacks_value(word),
            },
            Known::Unknown => self.unknown(&format!("--{name}"), word),
        }
    }

    /// Reads short options, which may be together in one word; the value of the last may too. Of those that are not
    /// known the first is reported, as curl ends there.
    fn short_options(&mut self, word: &Word, words: &mut impl Iterator<Item = &'w Word>) {
        let mut is_known = true;
        let mut letters = word.text.chars().skip(1);
        while let Some(letter) = letters.next() {
            match options::short(letter) {
                Known::Flag(effect) => self.apply(effect, word, true),
                Known::Value(effect) => {
                    let rest: String = letters.collect();
                    match (rest.is_empty(), words) {
                        (false, _) => {
                            let value = Word { text: rest, ..word.clone() };
                            self.value(effect, word, &value);
                        }
                        (true, words) => match words.next() {
                            Some(value) => self.value(effect, word, value),
                            None => self.lacks_value(word),
                        },
                    }
                    return;
                }
                Known::Unknown if is_known => {
                    self.unknown(&format!("-{letter}"), word);
                    is_known = false;
                }
                Known::Unknown => {}
            }
        }
    }

    fn lacks_value(&mut self, word: &Word) {
        let message = format!("`{}` lacks its value", word.text.escape_debug());
        let help = "write the value behind the option";
        self.findings.add(&codes::BROKEN_CURL, word.span, message, help);
    }

    fn unknown(&mut self, option: &str, word: &Word) {
        let message =
            format!("`{}` is not an option of curl that is known here", option.escape_debug());
        let help = "curl refuses options that it does not know; leave it out";
        self.findings.add(&codes::UNKNOWN_OPTION, word.span, message, help);
    }

    fn value(&mut self, effect: Effect, option: &Word, value: &Word) {
        match effect {
            Effect::NotRead => {
                let message =
                    format!("what `{}` adds is not read here", option.text.escape_debug());
                let help = "write the options and URLs that it stands for into the command";
                self.findings.add(&codes::UNKNOWN_OPTION, option.span, message, help);
            }
            Effect::Besides => {
                let message = format!(
                    "the requests that `{}` sends besides are not listed",
                    option.text.escape_debug()
                );
                ignored(message, option.span, "explain them on their own", self.findings);
            }
            effect => self.apply(effect, value, true),
        }
    }

    /// Applies an option with its value; `word` is the option itself if it takes none.
    fn apply(&mut self, effect: Effect, word: &Word, is_on: bool) {
        let value = word.text.as_str();
        if word.expands && !matches!(effect, Effect::None | Effect::Data(_) | Effect::Form) {
            let message = format!("`{}` is not expanded", value.escape_debug());
            ignored(
                message,
                word.span,
                "write the value of the variable, if a rule needs it",
                self.findings,
            );
        }
        let command = &mut *self.command;
        match effect {
            Effect::None | Effect::NotRead | Effect::Besides => {}
            Effect::Url => {
                let text = refanged(value).into_owned();
                command.urls.push(Word { text, ..word.clone() });
            }
            Effect::Method => command.method = Some(value.to_owned()),
            Effect::Head => command.ask(Asked::Head, is_on, word, self.findings),
            Effect::Form => command.ask(Asked::Form, true, word, self.findings),
            Effect::Upload => command.uploads.push(value.to_owned()),
            Effect::Version(version) => command.version = Some(version),
            Effect::Alpn => command.offers_no_version = !is_on,
            Effect::ConnectTo => command.connect_to.push(value.to_owned()),
            Effect::UserAgent => command.user_agent = Some(value.to_owned()),
            Effect::Referrer => {
                let value = value.strip_suffix(";auto").unwrap_or(value);
                command.referrer = Some(value.to_owned()).filter(|value| !value.is_empty());
            }
            Effect::Cookie if value.contains('=') => command.cookies.push(value.to_owned()),
            Effect::Cookie => unread("a file of cookies", word, self.findings),
            Effect::Header => command.header(word, self.findings),
            Effect::Data(data) => command.data(data, word, self.findings),
            Effect::DataToQuery => command.data_goes_to_query = is_on,
            Effect::KeepsDots => command.reading.keeps_dots = is_on,
            Effect::NoPatterns => command.no_patterns = is_on,
            Effect::Schemes => command.schemes = Some(value.to_ascii_lowercase()),
            Effect::DefaultScheme => command.reading.default_scheme = Some(value.to_owned()),
            Effect::Query => match query::part(value) {
                Some(part) => query::add(&mut command.query, &part, true),
                None => unread("a file with a part of the query", word, self.findings),
            },
            Effect::RequestTarget => command.request_target = Some(value.to_owned()),
            Effect::Next => {
                std::mem::take(command).requests(self.requests, self.expansion, self.findings);
            }
        }
    }
}

/// The method that options ask for besides `-X`; curl refuses two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Head,
    Form,
}

/// What the options of a command say, up to `--next`.
#[derive(Debug, Default)]
struct Command {
    urls: Vec<Word>,
    uploads: Vec<String>,
    method: Option<String>,
    asked: Option<Asked>,
    version: Option<&'static str>,
    /// Whether TLS offers no versions to the server.
    offers_no_version: bool,
    user_agent: Option<String>,
    referrer: Option<String>,
    cookies: Vec<String>,
    /// Headers by name, in lower case: the value, or `None` where it is taken out.
    headers: Vec<(String, Option<String>)>,
    data: Option<String>,
    data_goes_to_query: bool,
    query: String,
    request_target: Option<String>,
    connect_to: Vec<String>,
    no_patterns: bool,
    schemes: Option<String>,
    reading: Reading,
}

impl Command {
    fn ask(&mut self, asked: Asked, is_on: bool, word: &Word, findings: &mut Findings) {
        if !is_on || self.asked.is_some_and(|before| before != asked) {
            two_methods(word.span, findings);
        }
        self.asked = Some(asked);
    }

    fn header(&mut self, word: &Word, findings: &mut Findings) {
        let value = word.text.as_str();
        if value.starts_with('@') {
            unread("a file of headers", word, findings);
            return;
        }
        // `Name;` sends an empty header, `Name:` takes out the one that curl would send.
        let (name, value) = match value.split_once(':') {
            Some((name, value)) if value.trim().is_empty() => (name, None),
            Some((name, value)) => (name, Some(value.trim().to_owned())),
            None => match value.strip_suffix(';') {
                Some(name) => (name, Some(String::new())),
                None => {
                    let message = format!(
                        "`{}` is not a header, and curl does not send it",
                        value.escape_debug()
                    );
                    ignored(message, word.span, "write `Name: value`", findings);
                    return;
                }
            },
        };
        self.headers.push((name.trim().to_ascii_lowercase(), value));
    }

    fn data(&mut self, data: Data, word: &Word, findings: &mut Findings) {
        let value = word.text.as_str();
        let all = self.data.get_or_insert_default();
        let is_file = matches!(data, Data::Plain | Data::Json) && value.starts_with('@');
        let part = match data {
            Data::Encoded => query::part_of_data(value),
            _ if is_file => None,
            _ => Some(value.to_owned()),
        };
        match part {
            Some(part) => query::add(all, &part, data != Data::Json),
            None => unread("a file of data", word, findings),
        }
    }

    /// Returns the headers of a name as they are sent, or what curl would send itself where there is none.
    fn sent(&self, name: &str, default: Option<String>) -> Option<String> {
        let given = self.headers.iter().filter(|(header, _)| header == name);
        let given: Vec<_> = given.map(|(_, value)| value.as_deref()).collect();
        if given.is_empty() {
            return default;
        }
        join(name, given.into_iter().flatten())
    }

    fn requests(
        mut self,
        requests: &mut Vec<RecordedRequest>,
        expansion: &Expansion,
        findings: &mut Findings,
    ) {
        let uploads = std::mem::take(&mut self.uploads);
        let n_of_other_methods = usize::from(self.asked.is_some())
            + usize::from(self.data.is_some() && !self.data_goes_to_query);
        let is_in_query = self.data.is_some() && self.data_goes_to_query;
        if n_of_other_methods > 1
            || is_in_query && self.asked == Some(Asked::Form)
            || !uploads.is_empty() && (n_of_other_methods > 0 || is_in_query)
        {
            let span = self.urls.first().map_or(Span::point(1, 1), |word| word.span);
            two_methods(span, findings);
            return;
        }
        for (idx, word) in self.urls.iter().enumerate() {
            // Each file is sent to the URL of its place, and further URLs are fetched.
            let files = match uploads.get(idx).filter(|file| !file.is_empty()) {
                Some(file) => {
                    let files = self.expand(file, word, expansion, findings);
                    files.into_iter().map(Some).collect()
                }
                None => vec![None],
            };
            for file in files {
                for url in self.expand(&word.text, word, expansion, findings) {
                    if requests.len() >= crate::limits::MAX_PASTED_REQUESTS {
                        return;
                    }
                    requests.extend(self.request(
                        &url,
                        word.span,
                        file.as_deref(),
                        expansion,
                        findings,
                    ));
                }
            }
        }
    }

    /// Writes out a pattern of URLs or of files.
    fn expand(
        &self,
        pattern: &str,
        word: &Word,
        expansion: &Expansion,
        findings: &mut Findings,
    ) -> Vec<String> {
        if self.no_patterns {
            return vec![pattern.to_owned()];
        }
        match pattern::expand(pattern, expansion) {
            Ok((urls, is_cut)) => {
                if is_cut {
                    let n = pattern::MAX_URLS;
                    let message = format!("only the first {n} URLs of the pattern are listed");
                    ignored(message, word.span, "write the URLs that a rule needs", findings);
                }
                urls
            }
            Err(pattern::BrokenPattern) => {
                let message = format!("`{}` is not a pattern of URLs", pattern.escape_debug());
                let help =
                    "curl reads `{}` and `[]` as patterns; add `-g` if they are meant as they are";
                findings.add(&codes::BROKEN_URL, word.span, message, help);
                Vec::new()
            }
        }
    }

    fn request(
        &self,
        url: &str,
        span: Span,
        file: Option<&str>,
        expansion: &Expansion,
        findings: &mut Findings,
    ) -> Option<RecordedRequest> {
        let mut target = match Target::parse(url, &self.reading) {
            Ok(target) => target,
            Err(reason) => {
                let message = reason.message(url);
                let help = "write the URL as curl takes it, in quotes, with `http` or `https`";
                findings.add(&codes::BROKEN_URL, span, message, help);
                return None;
            }
        };
        if !self.schemes.as_deref().is_none_or(|schemes| target::allows(schemes, target.scheme)) {
            let message =
                format!("`--proto` does not allow `{}`, and curl sends nothing", target.scheme);
            let help = "write the URL with a scheme that is allowed";
            findings.add(&codes::BROKEN_URL, span, message, help);
            return None;
        }
        let is_named = |file: &&str| !matches!(*file, "-" | ".");
        if let Some(file) = file.filter(is_named) {
            target.add_file_name(file);
        }
        // With `-G` what `--url-query` adds is lost.
        let in_query =
            self.data.as_deref().filter(|_| self.data_goes_to_query).unwrap_or(&self.query);
        if in_query.contains(|char: char| char <= ' ' || char == '\u{7f}') {
            let message =
                "the query would contain a blank or a control character, and curl refuses it";
            let help = "write it percent-encoded, or with `--data-urlencode`";
            findings.add(&codes::BROKEN_URL, span, message, help);
            return None;
        }
        target.append(in_query);
        let asked = match self.asked {
            Some(Asked::Head) => "HEAD",
            Some(Asked::Form) => "POST",
            None if file.is_some() => "PUT",
            None if self.data.is_some() && !self.data_goes_to_query => "POST",
            None => "GET",
        };
        let is_tls = target.scheme == "https";
        // curl offers HTTP/2 over TLS since 7.47, and servers take it.
        let version = match self.version {
            None | Some("HTTP/2") if is_tls && !self.offers_no_version => "HTTP/2",
            None | Some("HTTP/2") => "HTTP/1.1",
            Some("HTTP/3") if !is_tls => "HTTP/1.1",
            Some("HTTP/2 at once") => "HTTP/2",
            Some(version) => version,
        };
        let user_agent = match self.user_agent.as_deref() {
            None => Some(DEFAULT_USER_AGENT.to_owned()),
            Some("") => None,
            Some(user_agent) => Some(user_agent.to_owned()),
        };
        let cookies = Some(self.cookies.join(";")).filter(|cookies| !cookies.is_empty());
        let default_host = Some(target.host.clone());
        // Only the first `Host` is sent.
        let host = match self.headers.iter().find(|(name, _)| name == "host") {
            Some((_, host)) => host.clone(),
            None => default_host,
        };
        let path = self.request_target.clone().unwrap_or_else(|| target.path_and_query());
        let default_port = if is_tls { "443" } else { "80" };
        let tunnel =
            self.connect_to.iter().find_map(|given| tunnel::of(given, &target.host, default_port));
        let request = ClientRequest {
            method: self.method.as_deref().unwrap_or(asked),
            scheme: target.scheme,
            connects_to: &target.host,
            host: host.as_deref().unwrap_or_default(),
            path: &path,
            version,
            user_agent: self.sent("user-agent", user_agent),
            referrer: self.sent("referer", self.referrer.clone()),
            cookie: self.sent("cookie", cookies),
            method_override: method_override(|name| self.sent(name, None)),
            tunnel,
        };
        request.record(expansion)
    }
}

impl NoTarget {
    fn message(&self, url: &str) -> String {
        let url = url.escape_debug();
        match self {
            NoTarget::White(char) => {
                format!("`{url}` contains `{}`, and curl refuses it", char.escape_debug())
            }
            NoTarget::Scheme(scheme) => {
                format!("`{url}` is for `{}`, which is not HTTP", scheme.escape_debug())
            }
            NoTarget::Host => format!("`{url}` has no host"),
            NoTarget::Port => format!("`{url}` has a port that is not a number up to 65535"),
        }
    }
}

fn two_methods(span: Span, findings: &mut Findings) {
    let message = "the options ask for different methods, and curl sends nothing";
    let help = "leave out one of `-d`, `-F`, `-I` and `-T`, or add `-G`";
    findings.add(&codes::BROKEN_CURL, span, message, help);
}

fn unread(what: &str, word: &Word, findings: &mut Findings) {
    let message = format!("{what} is not read: `{}`", word.text.escape_debug());
    ignored(message, word.span, "write its content, if a rule needs it", findings);
}

fn ignored(message: impl Into<String>, span: Span, help: &str, findings: &mut Findings) {
    findings.add(&codes::IGNORED_OPTION, span, message, help);
}

#[cfg(test)]
mod tests;
