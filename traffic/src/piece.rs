//! What of a pasted text is one request, by its first line.

use crate::defanged::refanged;
use crate::shell;
use crate::url::Url;
use crate::{
    captured, command, fetch, java_script, panel, php, power_shell, pseudo_headers, python,
};

/// Most lines of one request that are read together; what follows is another one.
pub(crate) const MAX_LINES: usize = 512;
/// Most bytes of them.
const MAX_BYTES: usize = 256 << 10;

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
    let mut lines = text.lines().take_while(|line| !line.trim().is_empty()).take(12);
    let first = lines.next().unwrap_or_default();
    let is_of_tool = |line: &str| {
        line.starts_with(['*', '[', ' ', '\t', ';', '(']) || line.starts_with("http2:")
    };
    pseudo_headers::is_line(first) || is_of_tool(first) && lines.any(pseudo_headers::is_line)
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
    text.trim_matches(['<', '>', '"', '\'', '`'])
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

/// The part of a text that one request may be in.
fn window(text: &str) -> &str {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let end = text.match_indices('\n').nth(MAX_LINES - 1).map_or(text.len(), |(at, _)| at + 1);
    text.get(..end).unwrap_or_default()
}

/// Returns how many bytes of a text, which begins with a line that is not blank, are its first request.
pub(crate) fn len(text: &str) -> usize {
    let first = text.find('\n').map_or(text.len(), |end| end + 1);
    let form = Form::of(text);
    if matches!(form, Form::Url | Form::Other) {
        return first;
    }
    let window = window(text);
    let n_lines = match form {
        Form::Json => {
            let line = text.get(..first).unwrap_or_default();
            if line.trim_end().ends_with('}') {
                return first;
            }
            let mut values =
                serde_json::Deserializer::from_str(window).into_iter::<serde::de::IgnoredAny>();
            let is_whole = values.next().is_some_and(|value| value.is_ok());
            let end = if is_whole { values.byte_offset() } else { window.len() };
            let behind = window.get(end..).unwrap_or_default();
            return end + behind.find('\n').map_or(behind.len(), |at| at + 1);
        }
        Form::Head => captured::n_lines(window),
        Form::Panel => panel::n_lines(window),
        Form::PseudoHeaders => window.lines().take_while(|line| !line.trim().is_empty()).count(),
        Form::Command => return command_len(window),
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
    window.match_indices('\n').nth(n_lines.saturating_sub(1)).map_or(window.len(), |(at, _)| at + 1)
}

/// The lines of a command: as long as they go on, or a quote is open.
fn command_len(window: &str) -> usize {
    for (at, _) in window.match_indices('\n') {
        let so_far = window.get(..at).unwrap_or_default();
        if !shell::goes_on(so_far) {
            return at + 1;
        }
    }
    // A quote that is never closed takes no other lines.
    if shell::goes_on(window) {
        window.find('\n').map_or(window.len(), |at| at + 1)
    } else {
        window.len()
    }
}
