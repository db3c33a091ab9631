//! A wget command to the requests that it would send (GNU Wget 1; the options of `BusyBox` are among them).

use std::collections::BTreeMap;

use diagnostics::{Findings, Span};

use crate::client::{ClientRequest, method_override};
use crate::defanged::refanged;
use crate::expansion::Expansion;
use crate::recorded::RecordedRequest;
use crate::shell::Word;
use crate::url::Url;
use crate::{codes, command, curl};

/// What wget calls itself. The version of the wget that will run the command is not known; rules look at the
/// name.
pub(crate) const DEFAULT_USER_AGENT: &str = "Wget/1.25.0";

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing that a rule sees.
    None,
    Post,
    Method,
    Body,
    Head,
    UserAgent,
    Referrer,
    Header,
    /// `-e`: a line of `.wgetrc`.
    Execute,
    /// Names URLs or headers in a file, which is not read.
    NotRead,
    /// Fetches what the pages name, too.
    Follows,
}

/// Options that take a value, by their long names.
const WITH_VALUE: &[(&str, Effect)] = &[
    ("accept", Effect::None),
    ("accept-regex", Effect::None),
    ("append-output", Effect::None),
    ("backups", Effect::None),
    ("base", Effect::None),
    ("bind-address", Effect::None),
    ("body-data", Effect::Body),
    ("body-file", Effect::Body),
    ("ca-certificate", Effect::None),
    ("ca-directory", Effect::None),
    ("certificate", Effect::None),
    ("certificate-type", Effect::None),
    ("ciphers", Effect::None),
    ("compression", Effect::None),
    ("config", Effect::NotRead),
    ("connect-timeout", Effect::None),
    ("crl-file", Effect::None),
    ("cut-dirs", Effect::None),
    ("default-page", Effect::None),
    ("directory-prefix", Effect::None),
    ("dns-timeout", Effect::None),
    ("domains", Effect::None),
    ("exclude-directories", Effect::None),
    ("exclude-domains", Effect::None),
    ("execute", Effect::Execute),
    ("follow-tags", Effect::None),
    ("ftp-password", Effect::None),
    ("ftp-user", Effect::None),
    ("header", Effect::Header),
    ("hsts-file", Effect::None),
    ("http-password", Effect::None),
    ("http-user", Effect::None),
    ("ignore-tags", Effect::None),
    ("include-directories", Effect::None),
    ("input-file", Effect::NotRead),
    ("level", Effect::None),
    ("limit-rate", Effect::None),
    ("load-cookies", Effect::NotRead),
    ("local-encoding", Effect::None),
    ("max-redirect", Effect::None),
    ("method", Effect::Method),
    ("output-document", Effect::None),
    ("output-file", Effect::None),
    ("password", Effect::None),
    ("pinnedpubkey", Effect::None),
    ("post-data", Effect::Post),
    ("post-file", Effect::Post),
    ("prefer-family", Effect::None),
    ("private-key", Effect::None),
    ("private-key-type", Effect::None),
    ("progress", Effect::None),
    ("proxy-password", Effect::None),
    ("proxy-user", Effect::None),
    ("quota", Effect::None),
    ("read-timeout", Effect::None),
    ("referer", Effect::Referrer),
    ("regex-type", Effect::None),
    ("reject", Effect::None),
    ("reject-regex", Effect::None),
    ("rejected-log", Effect::None),
    ("remote-encoding", Effect::None),
    ("report-speed", Effect::None),
    ("restrict-file-names", Effect::None),
    ("retry-on-http-error", Effect::None),
    ("save-cookies", Effect::None),
    ("secure-protocol", Effect::None),
    ("start-pos", Effect::None),
    ("timeout", Effect::None),
    ("tries", Effect::None),
    ("use-askpass", Effect::None),
    ("user", Effect::None),
    ("user-agent", Effect::UserAgent),
    ("wait", Effect::None),
    ("waitretry", Effect::None),
    ("warc-dedup", Effect::None),
    ("warc-file", Effect::None),
    ("warc-header", Effect::None),
    ("warc-max-size", Effect::None),
    ("warc-tempdir", Effect::None),
];

/// Options that take none; each also with `no-` in front.
const WITHOUT_VALUE: &[(&str, Effect)] = &[
    ("adjust-extension", Effect::None),
    ("ask-password", Effect::None),
    ("auth-no-challenge", Effect::None),
    ("background", Effect::None),
    ("backup-converted", Effect::None),
    ("cache", Effect::None),
    ("check-certificate", Effect::None),
    ("clobber", Effect::None),
    ("content-disposition", Effect::None),
    ("content-on-error", Effect::None),
    ("continue", Effect::None),
    ("convert-file-only", Effect::None),
    ("convert-links", Effect::None),
    ("cookies", Effect::None),
    ("debug", Effect::None),
    ("delete-after", Effect::None),
    ("directories", Effect::None),
    ("dns-cache", Effect::None),
    ("follow-ftp", Effect::None),
    ("force-directories", Effect::None),
    ("force-html", Effect::None),
    ("glob", Effect::None),
    ("host-directories", Effect::None),
    ("hsts", Effect::None),
    ("http-keep-alive", Effect::None),
    ("https-only", Effect::None),
    ("if-modified-since", Effect::None),
    ("ignore-case", Effect::None),
    ("ignore-length", Effect::None),
    ("inet4-only", Effect::None),
    ("inet6-only", Effect::None),
    ("iri", Effect::None),
    ("keep-session-cookies", Effect::None),
    ("mirror", Effect::Follows),
    ("netrc", Effect::None),
    ("page-requisites", Effect::Follows),
    ("parent", Effect::None),
    ("passive-ftp", Effect::None),
    ("protocol-directories", Effect::None),
    ("proxy", Effect::None),
    ("quiet", Effect::None),
    ("random-wait", Effect::None),
    ("recursive", Effect::Follows),
    ("relative", Effect::None),
    ("retry-connrefused", Effect::None),
    ("save-headers", Effect::None),
    ("server-response", Effect::None),
    ("show-progress", Effect::None),
    ("span-hosts", Effect::None),
    ("spider", Effect::Head),
    ("strict-comments", Effect::None),
    ("timestamping", Effect::None),
    ("trust-server-names", Effect::None),
    ("unlink", Effect::None),
    ("use-server-timestamps", Effect::None),
    ("verbose", Effect::None),
    ("warc-cdx", Effect::None),
    ("warc-compression", Effect::None),
    ("xattr", Effect::None),
];

/// Short options with their long names.
const SHORT: &[(char, &str)] = &[
    ('4', "inet4-only"),
    ('6', "inet6-only"),
    ('A', "accept"),
    ('B', "base"),
    ('D', "domains"),
    ('E', "adjust-extension"),
    ('F', "force-html"),
    ('H', "span-hosts"),
    ('I', "include-directories"),
    ('K', "backup-converted"),
    ('L', "relative"),
    ('N', "timestamping"),
    ('O', "output-document"),
    ('P', "directory-prefix"),
    ('Q', "quota"),
    ('R', "reject"),
    ('S', "server-response"),
    ('T', "timeout"),
    ('U', "user-agent"),
    ('X', "exclude-directories"),
    ('a', "append-output"),
    ('b', "background"),
    ('c', "continue"),
    ('d', "debug"),
    ('e', "execute"),
    ('i', "input-file"),
    ('k', "convert-links"),
    ('l', "level"),
    ('m', "mirror"),
    ('o', "output-file"),
    ('p', "page-requisites"),
    ('q', "quiet"),
    ('r', "recursive"),
    ('t', "tries"),
    ('v', "verbose"),
    ('w', "wait"),
    ('x', "force-directories"),
];

/// Finds an option by its name or by the beginning of it, if no other begins so.
fn option<'t>(table: &'t [(&str, Effect)], name: &str) -> Option<&'t (&'t str, Effect)> {
    if let Some(exact) = table.iter().find(|(known, _)| *known == name) {
        return Some(exact);
    }
    let mut longer = table.iter().filter(|(known, _)| known.starts_with(name));
    longer.next().filter(|_| longer.next().is_none())
}

/// What the options of a command say.
#[derive(Debug, Default)]
struct Command {
    urls: Vec<Word>,
    method: Option<String>,
    posts: bool,
    has_body: bool,
    is_spider: bool,
    user_agent: Option<String>,
    referrer: Option<String>,
    headers: BTreeMap<String, String>,
}

/// Reads the words of a wget command: one request for each URL.
pub(crate) fn read(
    words: &[Word],
    expansion: &Expansion,
    findings: &mut Findings,
) -> Vec<RecordedRequest> {
    let n_errors = findings.n_errors();
    let mut command = Command::default();
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if text == "--" {
            command.urls.extend(rest.by_ref().cloned());
        } else if let Some(name) = text.strip_prefix("--") {
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => {
                    (name, Some(Word { text: value.to_owned(), ..word.clone() }))
                }
                None => (name, None),
            };
            if let Some((_, effect)) = option(WITH_VALUE, name) {
                let value = value.or_else(|| rest.next().cloned());
                command.option(*effect, word, value, findings);
            } else {
                let positive =
                    name.strip_prefix("no-").filter(|_| option(WITHOUT_VALUE, name).is_none());
                match option(WITHOUT_VALUE, positive.unwrap_or(name)) {
                    Some((_, effect)) if positive.is_none() => {
                        command.flag(*effect, word, findings);
                    }
                    Some(_) => {}
                    None => unknown(text, word.span, findings),
                }
            }
        } else if text.len() > 1 && text.starts_with('-') {
            command.short_options(word, &mut rest, findings);
        } else {
            command.urls.push(word.clone());
        }
    }
    if command.urls.is_empty() {
        command::no_url("wget", words, findings);
    }
    if command.posts && command.method.is_some() || command.has_body && command.method.is_none() {
        let message = "wget takes `--body-data` with `--method`, and `--post-data` without it";
        let place = words.first().map_or(Span::point(1, 1), |word| word.span);
        findings.add(&codes::BROKEN_CURL, place, message, "leave out one of the two");
    }
    let urls = command.urls.iter().take(crate::limits::MAX_PASTED_REQUESTS);
    let requests: Vec<_> =
        urls.filter_map(|url| command.request(url, expansion, findings)).collect();
    if findings.n_errors() > n_errors { Vec::new() } else { requests }
}

impl Command {
    fn short_options<'w>(
        &mut self,
        word: &Word,
        rest: &mut impl Iterator<Item = &'w Word>,
        findings: &mut Findings,
    ) {
        let mut is_known = true;
        let mut letters = word.text.chars().skip(1);
        while let Some(letter) = letters.next() {
            // `-nc`, `-nv` and others.
            if letter == 'n' {
                letters.next();
                continue;
            }
            let name = SHORT.iter().find(|(short, _)| *short == letter).map(|(_, name)| *name);
            let Some(name) = name else {
                // One is enough, as wget ends at it.
                if is_known {
                    unknown(&format!("-{letter}"), word.span, findings);
                }
                is_known = false;
                continue;
            };
            if let Some((_, effect)) = option(WITH_VALUE, name) {
                let attached: String = letters.collect();
                let value = if attached.is_empty() {
                    rest.next().cloned()
                } else {
                    Some(Word { text: attached, ..word.clone() })
                };
                self.option(*effect, word, value, findings);
                return;
            }
            if let Some((_, effect)) = option(WITHOUT_VALUE, name) {
                self.flag(*effect, word, findings);
            }
        }
    }

    fn flag(&mut self, effect: Effect, word: &Word, findings: &mut Findings) {
        match effect {
            Effect::Head => self.is_spider = true,
            Effect::Follows => {
                let message =
                    format!("`{}` fetches what the pages name too, which is not listed", word.text);
                let help = "explain those URLs on their own";
                findings.add(&codes::IGNORED_OPTION, word.span, message, help);
            }
            _ => {}
        }
    }

    fn option(
        &mut self,
        effect: Effect,
        word: &Word,
        value: Option<Word>,
        findings: &mut Findings,
    ) {
        let Some(value) = value else {
            let message = format!("`{}` lacks its value", word.text.escape_debug());
            findings.add(
                &codes::BROKEN_CURL,
                word.span,
                message,
                "write the value behind the option",
            );
            return;
        };
        let text = value.text;
        match effect {
            Effect::Post => self.posts = true,
            Effect::Method => self.method = Some(text.to_ascii_uppercase()),
            Effect::Body => self.has_body = true,
            Effect::UserAgent => self.user_agent = Some(text),
            Effect::Referrer => self.referrer = Some(text),
            Effect::Header => match text.split_once(':') {
                Some((name, value)) => {
                    let name = name.trim().to_ascii_lowercase();
                    // A second header of a name replaces the first.
                    self.headers.insert(name, value.trim().to_owned());
                }
                None => {
                    let message = format!("`{}` is not a header", text.escape_debug());
                    findings.add(&codes::BROKEN_HEADER, value.span, message, "write `Name: value`");
                }
            },
            Effect::Execute if text.trim_start().starts_with("robots") => {}
            Effect::Execute | Effect::NotRead => {
                let message = format!("what `{}` adds is not read here", word.text.escape_debug());
                let help = "write the options and URLs that it stands for into the command";
                findings.add(&codes::UNKNOWN_OPTION, word.span, message, help);
            }
            Effect::None | Effect::Head | Effect::Follows => {}
        }
    }

    fn header(&self, name: &str, default: Option<String>) -> Option<String> {
        self.headers.get(name).cloned().or(default)
    }

    fn request(
        &self,
        word: &Word,
        expansion: &Expansion,
        findings: &mut Findings,
    ) -> Option<RecordedRequest> {
        let real = refanged(word.text.trim());
        let text = &*real;
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            let message = format!("`{}` is not a URL of HTTP", text.escape_debug());
            findings.add(&codes::BROKEN_URL, word.span, message, "write it with `http` or `https`");
            return None;
        }
        let escaped = escape(&with_ascii_host(&scheme, rest));
        let url = match Url::parse(&escaped) {
            Ok(url) => url,
            Err(error) => {
                findings.add(&codes::BROKEN_URL, word.span, error.message(text), error.help());
                return None;
            }
        };
        let (name, port) = inspect::split_port(url.host.as_bytes());
        let digits =
            str::from_utf8(port).unwrap_or_default().trim_start_matches([':', '0']).to_owned();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let is_default = matches!(
            (scheme.as_str(), digits.as_str()),
            (_, "") | ("http", "80") | ("https", "443")
        );
        let host = if is_default { name } else { format!("{name}:{digits}") };
        let (path, query) = match url.path.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (url.path, String::new()),
        };
        let path = if path.is_empty() { "/".to_owned() } else { curl::without_dots(path) } + &query;
        let method = match &self.method {
            Some(method) => method.as_str(),
            None if self.posts => "POST",
            None if self.is_spider => "HEAD",
            None => "GET",
        };
        let user_agent = match self.user_agent.as_deref() {
            Some("") => None,
            agent => Some(agent.unwrap_or(DEFAULT_USER_AGENT).to_owned()),
        };
        let named = self.header("host", None);
        let request = ClientRequest {
            method,
            scheme: &scheme,
            connects_to: &host,
            host: named.as_deref().unwrap_or(&host),
            path: &path,
            version: "HTTP/1.1",
            user_agent: self.header("user-agent", user_agent),
            referrer: self.header("referer", self.referrer.clone()),
            cookie: self.header("cookie", None),
            method_override: method_override(|name| self.header(name, None)),
            tunnel: None,
        };
        request.record(expansion)
    }
}

fn unknown(option: &str, span: Span, findings: &mut Findings) {
    let message =
        format!("`{}` is not an option of wget that is known here", option.escape_debug());
    let help = "wget refuses options that it does not know; leave it out";
    findings.add(&codes::UNKNOWN_OPTION, span, message, help);
}

/// Returns a URL with its host as wget looks it up, which decodes it and maps what is not ASCII.
fn with_ascii_host(scheme: &str, rest: &str) -> String {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    let host = match percent_encoding::percent_decode_str(host).decode_utf8() {
        Ok(decoded) if !decoded.is_ascii() => inspect::ascii_name(&decoded),
        _ => host.to_owned(),
    };
    format!("{scheme}://{user}{host}{behind}")
}

/// Percent-encodes what wget calls unsafe, and a `%` that begins no escape.
fn escape(url: &str) -> String {
    let bytes = url.as_bytes();
    let mut out = String::new();
    for (at, byte) in url.bytes().enumerate() {
        let is_escape = || {
            let digits = bytes.get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let is_unsafe = byte <= b' ' || byte >= 0x7f || b"\"<>\\^`{|}".contains(&byte);
        if is_unsafe || byte == b'%' && !is_escape() {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(byte.into());
        }
    }
    out
}
