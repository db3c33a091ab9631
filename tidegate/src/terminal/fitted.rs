//! Text for people on lines of at most so many columns of a terminal.
//!
//! Lines are broken between words, and what follows is indented. Of lines that a finding quotes, the part around
//! its marks is shown. JSON is left as it is.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a line was cut.
const CUT: char = '…';

/// How much of a quoted line is shown before its marks, where it is cut at its start.
const BEFORE_MARKS: usize = 10;

/// How far the rest of a broken line is indented.
const INDENT: usize = 4;

/// How far it is indented beyond a branch of a tree, and beyond a line that is indented itself.
const INNER_INDENT: usize = 2;

/// Fits a text to a width in columns.
pub(super) fn fitted(text: &str, width: usize) -> Cow<'_, str> {
    let is_wide = |line: &str| line.width() > width;
    if text.starts_with(['{', '[']) || !text.lines().any(is_wide) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let marks = lines.peek().copied().filter(|next| is_marks(next) && is_quote(line));
        match marks {
            Some(marks) if is_wide(line) || is_wide(marks) => {
                quote(line, marks, width, &mut out);
                lines.next();
            }
            _ if !is_wide(line) => push(line, &mut out),
            _ if is_quote(line) || is_marks(line) => push(&cut(line, 0, 0, width), &mut out),
            _ => broken(line, width, &mut out),
        }
    }
    Cow::Owned(out)
}

fn push(line: &str, out: &mut String) {
    out.push_str(line);
    out.push('\n');
}

/// Returns true for a line that a finding quotes: `82 |   key: value`.
fn is_quote(line: &str) -> bool {
    let number = line.split_once(" |").map(|(number, _)| number.trim_start());
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns true for the marks below a quoted line: `   |   ^^^`.
fn is_marks(line: &str) -> bool {
    let Some((before, marks)) = line.split_once('|') else { return false };
    let is_mark = |mark: char| matches!(mark, ' ' | '^' | '-' | '_' | '|');
    before.trim().is_empty() && marks.contains(['^', '-', '_']) && marks.chars().all(is_mark)
}

/// Cuts a quoted line and its marks at the same columns, so that the marks are seen.
fn quote(line: &str, marks: &str, width: usize, out: &mut String) {
    let gutter = marks.chars().take_while(|char| *char != '|').count() + 2;
    let first = marks.chars().position(|char| matches!(char, '^' | '-' | '_')).unwrap_or(gutter);
    let skipped = match first.checked_sub(gutter + BEFORE_MARKS) {
        Some(skipped) if first >= width => skipped,
        _ => 0,
    };
    push(&cut(line, gutter, skipped, width), out);
    let shown = marks.chars().take(gutter).chain(marks.chars().skip(gutter + skipped));
    push(&shown.take(width).collect::<String>(), out);
}

/// Leaves `skipped` characters out behind the first `gutter`, and what is beyond the width.
fn cut(line: &str, gutter: usize, skipped: usize, width: usize) -> String {
    let mut shown = String::new();
    let mut n_columns = 0;
    let mut chars = line.chars();
    for char in chars.by_ref().take(gutter) {
        shown.push(char);
        n_columns += columns(char);
    }
    let mut rest = chars.skip(skipped);
    if skipped > 0 && rest.next().is_some() {
        shown.push(CUT);
        n_columns += 1;
    }
    let rest: Vec<char> = rest.collect();
    let n_rest: usize = rest.iter().copied().map(columns).sum();
    let is_cut = n_columns + n_rest > width;
    for char in rest {
        n_columns += columns(char);
        if is_cut && n_columns >= width {
            shown.push(CUT);
            break;
        }
        shown.push(char);
    }
    shown
}

/// The columns that a terminal gives a character.
fn columns(char: char) -> usize {
    char.width().unwrap_or_default()
}

/// Breaks a line between words. A word that is longer than a line is broken where the line ends.
fn broken(line: &str, width: usize, out: &mut String) {
    let indent = indent(line).min(width / 2);
    let mut current = String::new();
    let mut n_columns = 0;
    for word in line.split_inclusive(' ') {
        if n_columns > indent && n_columns + word.trim_end().width() > width {
            n_columns = next_line(&mut current, indent, out);
        }
        for char in word.chars() {
            if n_columns + columns(char) > width {
                if char == ' ' {
                    continue;
                }
                n_columns = next_line(&mut current, indent, out);
            }
            current.push(char);
            n_columns += columns(char);
        }
    }
    push(current.trim_end(), out);
}

/// Ends a line; returns the columns that the next one has already.
fn next_line(current: &mut String, indent: usize, out: &mut String) -> usize {
    push(current.trim_end(), out);
    *current = " ".repeat(indent);
    indent
}

/// Where the rest of a line is continued: behind the branches of a tree, or indented.
fn indent(line: &str) -> usize {
    let is_start = |char: &char| matches!(char, ' ' | '├' | '└' | '│' | '─');
    let chars: Vec<_> = line.chars().collect();
    let fork = chars.iter().rposition(|char| *char == '─').map_or(0, |at| at + 2);
    let start = line.chars().take_while(is_start).count();
    match fork.max(start) {
        0 => INDENT,
        start => start + INNER_INDENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_and_no_word_is_lost() {
        let text = "notes/a.md:12:9: warning[L005]: the client chooses its `c-useragent`, and so whether the rule sees it\n\
                    help: exempt by source or host, or ask for the values of the abuse instead\n\
                    \u{20} false  ├─ c-uri|contains: `https://a.example/a/very/long/path/that/does/not/fit/on/one/line/at/all`\n\n";
        for width in [40, 60, 100, 200] {
            let seen = fitted(text, width);
            assert!(seen.lines().all(|line| line.width() <= width), "{width}: {seen}");
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(bare(&seen), bare(text), "{width}");
        }
        assert_eq!(fitted(text, 200), text);
        let wide = "ルール".repeat(30);
        assert!(fitted(&wide, 60).lines().all(|line| line.width() <= 60));
        let seen = fitted(text, 60).into_owned();
        assert!(seen.contains("\n    `c-useragent`"), "{seen}");
        let json = format!("{{\"a\": \"{}\"}}\n", "x".repeat(300));
        assert_eq!(fitted(&json, 60), json);
    }

    #[test]
    fn quoted_lines_are_cut_around_their_marks() {
        let line = format!("7 | title: {} here it is {}", "a".repeat(80), "b".repeat(80));
        let marks = format!("  |        {} ^^^^", " ".repeat(80));
        let text = format!("{line}\n{marks}\nhelp: h\n");
        let seen = fitted(&text, 60).into_owned();
        let lines: Vec<_> = seen.lines().collect();
        assert_eq!(lines.len(), 3, "{seen}");
        let at = lines[1].chars().position(|char| char == '^').unwrap();
        assert_eq!(lines[0].chars().skip(at).take(4).collect::<String>(), "here", "{seen}");
        assert!(lines[0].starts_with("7 | …") && lines[0].ends_with('…'), "{seen}");
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{seen}");
    }
}
