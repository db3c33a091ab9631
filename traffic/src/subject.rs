//! Reads what a person gives to be explained: URLs, commands, scripts, log lines, captured requests.

mod known_keys;

use std::borrow::Cow;

use diagnostics::{Findings, Span, number};
use known_keys::KnownKeys;

use crate::codes;
use crate::defanged::refanged;
use crate::expansion::{self, Expansion};
use crate::piece::{self, Form};
use crate::recorded::RecordedRequest;
use crate::requests::access_log_reader;
use crate::slots::LineReader;
use crate::url::{Url, host_name};
use crate::{
    Entry, FieldMap, Format, Layout, LogReader, Unreadable, access_log, captured, command, fetch,
    har, java_script, limits, panel, php, power_shell, python,
};

/// Reads requests in whatever form they are written, one below the other. `findings` list what is wrong.
pub fn read(text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
    Reader::default().read(text, findings)
}

/// Reads one text after the other, as [`read`] does: lines of a log are known by the ones before.
#[derive(Debug)]
pub struct Reader {
    /// Reads the lines of Envoy's own log.
    of_envoy: LineReader,
    /// The keys of the last of them.
    keys: KnownKeys,
    /// What the texts may still expand to.
    expansion: Expansion,
}

impl Default for Reader {
    fn default() -> Self {
        Reader {
            of_envoy: access_log_reader(),
            keys: KnownKeys::default(),
            expansion: Expansion::default(),
        }
    }
}

impl Reader {
    /// Reads requests in whatever form they are written, one below the other. `findings` list what is wrong.
    pub fn read(&mut self, text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
        let mut requests = Vec::new();
        let mut at = 0;
        let mut line = 1;
        let mut is_empty = true;
        let mut n_refused = 0_usize;
        self.expansion.begin(text);
        if har::is_archive(text.as_bytes()) {
            let message = "this is an HTTP archive (HAR)";
            let help = "give it to `tidegate hunt`, which reads all of its requests";
            findings.add(&codes::NOT_A_REQUEST, Span::point(1, 1), message, help);
            return requests;
        }
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let len = piece_len(rest.as_bytes());
            let piece = rest.get(..len).unwrap_or(rest);
            let is_blank = matches!(piece.trim(), "" | "<?php" | "?>")
                || piece.starts_with("# ") && !command::is_command(piece);
            if !is_blank && requests.len() < limits::MAX_PASTED_REQUESTS {
                is_empty = false;
                let mut of_piece = Findings::new(findings.file()).at_line(line);
                let found = self.read_piece(piece, &mut of_piece);
                if self.expansion.is_refused() {
                    let mut refused = Findings::new(findings.file()).at_line(line);
                    expansion::refuse(&mut refused);
                    findings.add_all(refused.into_list());
                    break;
                }
                requests.extend(found);
                let list = of_piece.into_list();
                let is_unknown = list.iter().any(|found| {
                    std::ptr::eq(found.diagnostic.code, &raw const codes::NOT_A_REQUEST)
                });
                n_refused += usize::from(is_unknown);
                // Prose around a request is one finding.
                if !is_unknown || n_refused == 1 {
                    findings.add_all(list);
                }
            }
            line += number(piece.matches('\n').count());
            at += piece.len().max(1);
        }
        requests.truncate(limits::MAX_PASTED_REQUESTS);
        if is_empty {
            not_a_request(findings);
        }
        requests
    }

    /// Reads one request, of the text that [`piece_len`] says; a command may send several.
    fn read_piece(&mut self, text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
        let n_errors = findings.n_errors();
        let found = match Form::of(text) {
            Form::Json => Some(self.object(text.trim_end(), findings)),
            Form::Url => Some(url(text.trim(), findings).into_iter().collect()),
            Form::Head => Some(captured::read(text, findings).into_iter().collect()),
            Form::PseudoHeaders => {
                Some(captured::read_pseudo_headers(text, findings).into_iter().collect())
            }
            Form::Command => {
                command::read(&straightened(text, findings), &self.expansion, findings)
            }
            Form::Script => script(text, &self.expansion, findings),
            Form::Panel => Some(panel::read(text, &self.expansion, findings).into_iter().collect()),
            Form::Other => log_line(text, findings),
        };
        let found = found.unwrap_or_default();
        if found.is_empty() && findings.n_errors() == n_errors {
            not_a_request(findings);
        }
        found
    }

    /// Reads an object of a log.
    fn object(&mut self, text: &str, findings: &mut Findings) -> Vec<RecordedRequest> {
        if !self.keys.are_those_of(text) {
            let layout = Layout::detect(text.as_bytes());
            if let Some(found) = layout.clone().and_then(|layout| log_object(layout, text)) {
                return found;
            }
            if layout.is_some_and(|layout| is_of_envoy(&layout)) {
                self.keys.learn(text);
            }
        }
        access_log::read_with(&mut self.of_envoy, text, findings).into_iter().collect()
    }
}

/// Returns how many bytes of a text are its first request, or blank lines before it: at least its first line.
///
/// Looks no further than that request needs, so that all requests of a text are found in time in proportion to it.
pub fn piece_len(text: &[u8]) -> usize {
    first_piece(text, piece::len)
}

/// The same; `len` is [`piece::len`], which is given more and more of the text until it knows.
fn first_piece(text: &[u8], mut len: impl FnMut(&str, bool) -> Option<usize>) -> usize {
    let first = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    let Ok(line) = str::from_utf8(text.get(..first).unwrap_or_default()) else { return first };
    if line.trim_ascii().is_empty() || piece::is_whole(line) {
        return first;
    }
    for reach in piece::REACHES {
        let seen = text.get(..first.saturating_add(reach)).unwrap_or(text);
        let valid = seen.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        // Bytes that are not UTF-8 end what is looked at; a character that was cut is shorter than four.
        let has_more = seen.len() < text.len() && valid.len() + 4 > seen.len();
        let has_more = has_more && Some(&reach) != piece::REACHES.last();
        if let Some(len) = len(valid, has_more) {
            return len.clamp(first, text.len());
        }
    }
    first
}

/// Reads the calls of a script, in whichever language it is written.
fn script(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    power_shell::is_script(text)
        .then(|| power_shell::read(command::without_prompt(text), expansion, findings))
        .flatten()
        .or_else(|| fetch::read(text, expansion, findings))
        .or_else(|| python::read(text, expansion, findings))
        .or_else(|| java_script::read(text, expansion, findings))
        .or_else(|| php::read(text, expansion, findings))
}

/// Returns a command with the quotes and dashes that a shell knows, where a word processor wrote others.
fn straightened<'t>(text: &'t str, findings: &mut Findings) -> Cow<'t, str> {
    const SIGNS: [(char, &str); 8] = [
        ('“', "\""),
        ('”', "\""),
        ('„', "\""),
        ('‘', "'"),
        ('’', "'"),
        ('‚', "'"),
        ('–', "-"),
        ('—', "--"),
    ];
    let Some(at) = text.find(|char| SIGNS.iter().any(|(sign, _)| *sign == char)) else {
        return Cow::Borrowed(text);
    };
    let line = number(text.get(..at).unwrap_or_default().matches('\n').count()) + 1;
    let message =
        "typographic quotes and dashes are read as plain ones, which a shell would not do";
    let help = "write `\"`, `'` and `-` as the command was typed";
    findings.add(&codes::IGNORED_OPTION, Span::point(line, 1), message, help);
    let plain = |char: char| SIGNS.iter().find(|(sign, _)| *sign == char).map(|(_, plain)| *plain);
    let mut straight = String::new();
    for char in text.chars() {
        match plain(char) {
            Some(plain) => straight.push_str(plain),
            None => straight.push(char),
        }
    }
    Cow::Owned(straight)
}

fn not_a_request(findings: &mut Findings) {
    let message = "this is neither a URL, nor a command, nor a log line, nor a captured request";
    let help = "give `https://host/path`, `curl ...` in quotes, a line of a log, or a request with its method, path and `Host`";
    findings.add(&codes::NOT_A_REQUEST, Span::point(1, 1), message, help);
}

/// What a client sends that opens the URL and says nothing about itself.
fn url(text: &str, findings: &mut Findings) -> Option<RecordedRequest> {
    let text = piece::bare_url(text);
    let real = refanged(text);
    let with_scheme =
        if real.contains("://") { real.into_owned() } else { format!("http://{real}") };
    let url = match Url::parse(&with_scheme) {
        Ok(url) => url,
        Err(error) => {
            findings.add(&codes::BROKEN_URL, Span::point(1, 1), error.message(text), error.help());
            return None;
        }
    };
    // A WebSocket begins with a request of HTTP.
    let scheme = match url.scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => {
            let message = format!("`{}` is not a URL of HTTP", text.escape_debug());
            let help = "rules see requests of HTTP alone; give a URL with `http` or `https`";
            findings.add(&codes::BROKEN_URL, Span::point(1, 1), message, help);
            return None;
        }
    };
    let server_name = (scheme == "https").then(|| host_name(url.host)).flatten();
    Some(RecordedRequest {
        method: b"GET".to_vec(),
        scheme: scheme.as_bytes().to_vec(),
        authority: url.host.as_bytes().to_vec(),
        path: Some(url.request_path()),
        version: b"HTTP/1.1".to_vec(),
        server_name,
        ..RecordedRequest::default()
    })
}

/// A line of a text log, if its format is known. A request of it that names no host is reported.
fn log_line(line: &str, findings: &mut Findings) -> Option<Vec<RecordedRequest>> {
    let layout = Layout::detect(line.as_bytes())?;
    let is_text = matches!(
        layout.format,
        Format::EnvoyText | Format::Squid | Format::Combined | Format::HaProxy
    );
    match logged(layout, line) {
        Err(Unreadable::NoHost) if is_text => {
            let help = "log the host too, or give the URL: a server's own log has only its paths";
            let message = "the log line names no host";
            findings.add(&codes::INCOMPLETE_LOG_LINE, Span::point(1, 1), message, help);
            None
        }
        found => found.ok().filter(|_| is_text),
    }
}

/// An object of a log that is not Envoy's, or that something wraps: what [`access_log`] does not read.
fn log_object(layout: Layout, text: &str) -> Option<Vec<RecordedRequest>> {
    if is_of_envoy(&layout) || matches!(layout.format, Format::Urls | Format::Har) {
        return None;
    }
    logged(layout, text).ok()
}

/// Returns true if lines are of Envoy's own log, and not wrapped.
fn is_of_envoy(layout: &Layout) -> bool {
    layout.format == Format::Envoy && layout.is_plain()
}

/// The requests of a log.
///
/// # Errors
/// There is none; the reason is that of its first line that is refused.
fn logged(layout: Layout, text: &str) -> Result<Vec<RecordedRequest>, Unreadable> {
    let mut found = Vec::new();
    let mut refused = None;
    let mut reader = LogReader::new(layout, &FieldMap::default());
    reader.read(text.as_bytes(), &mut |_, entry| match entry {
        Ok(Entry::Request(logged)) if found.len() < limits::MAX_PASTED_REQUESTS => {
            found.push(logged.line.clone().record());
        }
        Ok(_) => {}
        Err(why) => refused = refused.or(Some(why.reason)),
    });
    if found.is_empty() { Err(refused.unwrap_or(Unreadable::NotOfFormat)) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
