//! What of a pasted text is one request, by its first line.

use crate::defanged::refanged;
use crate::shell;
use crate::url::Url;
use crate::{
    captured, command, fetch, java_script, panel, php, power_shell, pseudo_headers, python,
};

/// Most lines of one request that are read together; what follows is another one.
pub(crate) const MAX_LINES: usize = 512;

/// How many bytes behind the first line are looked at for the end of its request, one after the other: most are short,
/// and the last bounds a request.
pub(crate) const REACHES: [usize; 3] = [4 << 10, 32 << 10, 256 << 10];

/// How far behind the first line of a script the call that sends its request is looked for.
const SCRIPT_REACH: usize = 32 << 10;

/// How many lines may be before the first pseudo-header.
const MAX_LINES_BEFORE_HEADERS: usize = 12;

/// What a request is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON object.
    Json,
    /// A URL, perhaps without scheme or defanged.
    Url,
    /// A head, perhaps with a body and a response.
    Head,
    PseudoHeaders,
    /// What a browser's window of requests shows of one.
    Panel,
    /// A line of a shell.
    Command,
    /// Lines of PowerShell, JavaScript or Python.
    Script,
    /// A line of something else.
    Other,
}

impl Form {
    /// Returns the form of the text, by its first lines.
    pub(crate) fn of(text: &str) -> Form {
        let line = text.lines().next().unwrap_or_default();
        let trimmed = line.trim();
        if trimmed.starts_with('{') {
            return Form::Json;
        }
        if is_url(bare_url(trimmed)) {
            return Form::Url;
        }
        if captured::is_request_line(trimmed) {
            return Form::Head;
        }
        if panel::begins(text) {
            return Form::Panel;
        }
        if begins_pseudo_headers(text) {
            return Form::PseudoHeaders;
        }
        let is_script = |text: &str| {
            power_shell::is_script(text)
                || fetch::is_script(text)
                || python::is_script(text)
                || java_script::is_script(text)
                || php::is_script(text)
        };
        if !is_command_of_shell(trimmed)
            && (is_script(trimmed) || begins_script(trimmed) && is_script(window(text)))
        {
            return Form::Script;
        }
        if command::is_command(trimmed) {
            return Form::Command;
        }
        Form::Other
    }
}

/// Returns true if a line begins with a program that a shell runs.
fn is_command_of_shell(line: &str) -> bool {
    let line = command::without_prompt(line);
    let first = line.split_whitespace().next().unwrap_or_default();
    command::is_command(first) && !power_shell::is_script(line)
}

fn begins_script(line: &str) -> bool {
    let first =
        line.split(|char: char| !char.is_alphanumeric() && char != '$').next().unwrap_or_default();
    let words = [
        "import", "from", "const", "let", "var", "await", "async", "try", "with", "def",
        "function", "axios", "got", "require", "php",
    ];
    words.contains(&first) || line.starts_with('$') || line.contains(" = ")
}

fn begins_pseudo_headers(text: &str) -> bool {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let mut lines = lines.take(MAX_LINES_BEFORE_HEADERS);
    let first = lines.next().unwrap_or_default();
    pseudo_headers::is_line(first)
        || may_precede_headers(first) && lines.any(pseudo_headers::is_line)
}

/// Returns true if a tool may write a line before the pseudo-headers of a request.
fn may_precede_headers(line: &str) -> bool {
    line.starts_with(['*', '[', ' ', '\t', ';', '(']) || line.starts_with("http2:")
}

/// Returns a URL without what lists and reports put around it: the mark of a list, `URL:`, quotes, brackets, a
/// comma at its end.
pub(crate) fn bare_url(text: &str) -> &str {
    let mut text = text.trim();
    let digits = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let marks = ["- ", "* ", "+ ", "• ", "URL: ", "Url: ", "url: ", "IOC: "];
    let numbered = (digits.len() < text.len()).then_some(digits);
    let numbered = numbered.and_then(|it| it.strip_prefix(". ").or_else(|| it.strip_prefix(") ")));
    let listed = marks.iter().find_map(|mark| text.strip_prefix(mark)).or(numbered);
    if let Some(listed) = listed {
        text = listed.trim();
    }
    let text = text.trim_end_matches([',', ';']);
    let text = link_target(text).unwrap_or(text);
    let text = text.trim_matches(['<', '>', '"', '\'', '`']);
    // `//host/path` has the scheme of its page.
    let text = text.strip_prefix("//").unwrap_or(text);
    // The bracket of the sentence around it.
    match text.strip_suffix(')') {
        Some(inside) if inside.matches('(').count() <= inside.matches(')').count() => inside,
        _ => text,
    }
}

/// Returns the URL of a link in Markdown: `[text](https://a.example/x "title")`.
fn link_target(text: &str) -> Option<&str> {
    let link = text.strip_prefix('!').unwrap_or(text).strip_prefix('[')?;
    let (_, target) = link.split_once("](")?;
    let target = target.strip_suffix(')')?;
    let target = target.split_whitespace().next()?.trim_matches(['<', '>']);
    refanged(target).contains("://").then_some(target)
}

/// Returns true if a word is a URL, a defanged host, or a host with a path.
fn is_url(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let real = refanged(text);
    if let Some((scheme, _)) = real.split_once("://") {
        // Code without blanks is none: `get("https://a.example")`.
        return scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    }
    let end = real.find(['/', '?']).unwrap_or(real.len());
    let host = real.get(..end).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_name = name.contains('.')
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && (last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
            || name.parse::<std::net::Ipv4Addr>().is_ok()
            || last.starts_with("xn--"));
    let has_path = end < real.len() && Url::parse(&format!("http://{real}")).is_ok();
    is_name && (has_path || matches!(real, std::borrow::Cow::Owned(_)))
}

/// The lines of a text that one request may have.
fn window(text: &str) -> &str {
    let end = text.match_indices('\n').nth(MAX_LINES - 1).map_or(text.len(), |(at, _)| at + 1);
    text.get(..end).unwrap_or_default()
}

/// Returns true if a line is all of a request, whatever follows it: most lines of logs and lists are.
pub(crate) fn is_whole(line: &str) -> bool {
    let line = line.trim();
    if line.starts_with('{') { line.ends_with('}') } else { is_url(bare_url(line)) }
}

/// Returns how many bytes of a text, which begins with a line that is not blank, are its first request.
///
/// `has_more` says that the text goes on behind what is given; then `None` where that may belong to the request.
pub(crate) fn len(text: &str, has_more: bool) -> Option<usize> {
    let first = text.find('\n').map_or(text.len(), |end| end + 1);
    let line = text.get(..first).unwrap_or_default();
    let form = Form::of(text);
    if form == Form::Other && has_more && may_be_other_form(text, line) {
        return None;
    }
    if matches!(form, Form::Url | Form::Other) {
        return Some(first);
    }
    let window = window(text);
    // A request has no more lines than the window, also where the text has.
    let has_more = has_more && window.len() == text.len();
    let n_lines = match form {
        Form::Json if line.trim_end().ends_with('}') => return Some(first),
        Form::Json => {
            let mut values =
                serde_json::Deserializer::from_str(window).into_iter::<serde::de::IgnoredAny>();
            let is_whole = values.next().is_some_and(|value| value.is_ok());
            let end = if is_whole { values.byte_offset() } else { window.len() };
            let behind = window.get(..end).unwrap_or_default().matches('\n').count();
            behind + 1
        }
        Form::Head => captured::n_lines(window),
        Form::Panel => panel::n_lines(window),
        Form::PseudoHeaders => window.lines().take_while(|line| !line.trim().is_empty()).count(),
        Form::Command => return command_len(window, has_more),
        Form::Script => {
            let mut is_behind_blank = false;
            let ends = |line: &str| {
                let is_blank = line.trim().is_empty();
                let is_other = is_behind_blank
                    && !is_blank
                    && matches!(
                        Form::of(line),
                        Form::Json | Form::Url | Form::Head | Form::Command
                    );
                is_behind_blank = is_blank;
                is_other
            };
            window.lines().position(ends).unwrap_or(usize::MAX)
        }
        Form::Url | Form::Other => 1,
    };
    let nth_break = window.match_indices('\n').nth(n_lines.saturating_sub(1));
    let len = nth_break.map_or(window.len(), |(at, _)| at + 1);
    // What is behind a request says that it ends: as much again has been seen.
    (!has_more || len <= window.len() / 2).then_some(len)
}

/// Returns true if a text of no known form may be of one by what is behind it.
fn may_be_other_form(text: &str, line: &str) -> bool {
    let may_be_script = begins_script(line.trim()) && text.len() - line.len() < SCRIPT_REACH;
    let n_lines = || text.matches('\n').take(MAX_LINES_BEFORE_HEADERS).count();
    may_be_script || may_precede_headers(line) && n_lines() < MAX_LINES_BEFORE_HEADERS
}

/// The bytes of a command: as long as it goes on, or a quote is open; `None` where it may go on behind the window.
fn command_len(window: &str, has_more: bool) -> Option<usize> {
    for (at, _) in window.match_indices('\n') {
        let so_far = window.get(..at).unwrap_or_default();
        if !shell::goes_on(so_far) {
            return Some(at + 1);
        }
    }
    if has_more {
        return None;
    }
    // A quote that is never closed takes no other lines.
    let is_open = shell::goes_on(window);
    let first = window.find('\n').map_or(window.len(), |at| at + 1);
    Some(if is_open { first } else { window.len() })
}
