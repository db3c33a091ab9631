//! How text looks on a terminal: its colours, and its width.

mod fitted;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use anstream::stream::{AsLockedWrite, RawStream};
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use fitted::fitted;

/// When output has colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb; with `CLICOLOR_FORCE` everywhere
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Lets all output follow the choice.
    pub(crate) fn set(self) {
        let choice = match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Writes a text to standard output. Text for people is fitted to the terminal, if it is one.
pub(crate) fn print(text: &str, is_for_people: bool) -> io::Result<()> {
    let width = width().filter(|_| is_for_people);
    write(AutoStream::auto(io::stdout().lock()), text, width)
}

/// Writes a text for people to standard error.
pub(crate) fn print_error(text: &str) -> io::Result<()> {
    let width = io::stderr().is_terminal().then(columns);
    write(AutoStream::auto(io::stderr().lock()), text, width)
}

/// Removes what the terminal shows, if standard output is one.
pub(crate) fn clear() -> io::Result<()> {
    /// Erases the screen, and moves to its first place (ECMA-48, ED and CUP).
    const CLEAR: &[u8] = b"\x1b[2J\x1b[H";
    let mut out = io::stdout().lock();
    if out.is_terminal() { out.write_all(CLEAR) } else { Ok(()) }
}

/// The columns of the terminal that standard output is; `None` where it is none.
pub(crate) fn width() -> Option<usize> {
    io::stdout().is_terminal().then(columns)
}

fn columns() -> usize {
    let size = terminal_size::terminal_size();
    size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).max(MIN_WIDTH))
}

/// The columns of a terminal that does not say how many it has.
const DEFAULT_WIDTH: usize = 80;

/// The fewest columns that text is fitted to.
const MIN_WIDTH: usize = 40;

/// Writes all of a text, fitted to a width if there is one. Without colours it is written as it is.
fn write<S: RawStream + AsLockedWrite>(
    mut stream: AutoStream<S>,
    text: &str,
    width: Option<usize>,
) -> io::Result<()> {
    let text = width.map_or(Cow::Borrowed(text), |width| fitted(text, width));
    if stream.current_choice() == ColorChoice::Never {
        let mut raw = stream.into_inner();
        return raw.write_all(text.as_bytes()).and_then(|()| raw.flush());
    }
    stream.write_all(painted(&text).as_bytes()).and_then(|()| stream.flush())
}

/// Marks findings and the results of conditions in a text for people. JSON is left as it is.
fn painted(text: &str) -> String {
    if text.starts_with(['{', '[']) {
        return text.to_owned();
    }
    let mut severity = bold(AnsiColor::Red);
    let mut painted = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        painted.push_str(&paint(content, &mut severity));
        painted.push_str(end);
    }
    painted
}

/// Paints a line; `severity` is the colour of the finding that it belongs to.
fn paint(line: &str, severity: &mut Style) -> String {
    for (word, color) in [("error", AnsiColor::Red), ("warning", AnsiColor::Yellow)] {
        let marked = format!(": {word}[");
        if let Some((place, rest)) = line.split_once(&marked)
            && let Some((code, message)) = rest.split_once("]: ")
        {
            *severity = bold(color);
            let bold = Style::new().bold();
            return format!(
                "{place}: {severity}{word}[{code}]{severity:#}: {bold}{message}{bold:#}"
            );
        }
    }
    for (word, color) in [
        ("error: ", AnsiColor::Red),
        ("help: ", AnsiColor::Cyan),
        ("fix: ", AnsiColor::Green),
        ("  true  ", AnsiColor::Green),
        ("  false  ", AnsiColor::Red),
        ("  false ", AnsiColor::Red),
    ] {
        if let Some(rest) = line.strip_prefix(word) {
            let style = bold(color);
            return format!("{style}{word}{style:#}{rest}");
        }
    }
    // The marks below a quoted line: `   |     ^^^^`.
    if let Some((before, marks)) = line.split_once("| ")
        && before.trim().is_empty()
        && !marks.trim().is_empty()
        && marks.chars().all(|mark| matches!(mark, ' ' | '^' | '-' | '_' | '|'))
    {
        return format!("{before}| {severity}{marks}{severity:#}");
    }
    line.to_owned()
}

fn bold(color: AnsiColor) -> Style {
    color.on_default().bold()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_painted_and_other_text_is_not() {
        let text =
            "a.yml:1:2: warning[L001]: m\n  |\n1 | title: a\n  |        ^\nhelp: h\n\n1 file\n";
        let seen = painted(text);
        let plain = anstream::adapter::strip_str(&seen).to_string();
        assert_eq!(plain, text);
        assert!(seen.contains("\u{1b}[1m\u{1b}[33mwarning[L001]\u{1b}[0m"), "{seen:?}");
        assert!(seen.contains("| \u{1b}[1m\u{1b}[33m       ^\u{1b}[0m"), "{seen:?}");
        assert!(seen.ends_with("\n1 file\n"), "{seen:?}");
        for plain in ["{\"a\": \"x: error[S001]: y\"}\n", "1 file, 2 rules\n", "a | b\n", ""] {
            assert_eq!(painted(plain), plain);
        }
    }
}
