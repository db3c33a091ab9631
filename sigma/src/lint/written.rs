//! A text as its author wrote it, so that fixes keep the spelling: quotes, indentation, line ends.

use diagnostics::{Lines, Span};

/// The text of a whole file, and where its lines start.
#[derive(Clone, Debug)]
pub struct Written<'t> {
    text: &'t str,
    lines: Lines,
}

impl<'t> Written<'t> {
    /// Finds the lines of a text, in time proportional to it. Places count from its first line.
    pub fn new(text: &'t str) -> Written<'t> {
        Written { text, lines: Lines::new(text) }
    }

    /// Returns the byte offset of a line and column, both from 1; `None` where the text has no such place.
    pub fn offset(&self, line: u32, column: u32) -> Option<usize> {
        self.lines.exact_offset(self.text, line, column)
    }

    /// The byte offsets of a span.
    pub fn range(&self, span: Span) -> Option<std::ops::Range<usize>> {
        let start = self.offset(span.line, span.column)?;
        let end = self.offset(span.end_line, span.end_column)?;
        (start <= end).then_some(start..end)
    }

    /// The text at a span.
    pub(super) fn at(&self, span: Span) -> Option<&'t str> {
        self.text.get(self.range(span)?)
    }

    /// The text before a span.
    pub(super) fn before(&self, span: Span) -> Option<&'t str> {
        self.text.get(..self.offset(span.line, span.column)?)
    }

    /// A line without its end.
    pub(super) fn line(&self, line: u32) -> Option<&'t str> {
        let start = self.offset(line, 1)?;
        self.text.get(start..)?.split(['\r', '\n']).next()
    }

    /// The line break of the file.
    pub(super) fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}

/// The span of a value behind its key, in the rule that starts at `rule`.
pub(super) fn value(written: &Written<'_>, rule: Span, key: &str, value: &str) -> Option<Span> {
    let (line, text, _) = key_line(written, rule, key)?;
    let (_, behind) = text.split_once(':')?;
    let at = text.len() - behind.len() + behind.find(value).filter(|_| !value.is_empty())?;
    part(line, text, at, value)
}

/// The span of an entry in the `tags` of the rule that starts at `rule`.
pub(super) fn tag(written: &Written<'_>, rule: Span, tag: &str) -> Option<Span> {
    let (line, first, indent) = key_line(written, rule, "tags")?;
    let lines = (line + 1..=rule.end_line).filter_map(|line| Some((line, written.line(line)?)));
    let inside = lines.take_while(|(_, text)| {
        text.trim().is_empty()
            || text.starts_with('#')
            || text.get(..indent).is_some_and(|before| before.trim().is_empty())
                && text.get(indent..).is_some_and(|text| text.starts_with([' ', '-']))
    });
    let of_tag = |character: char| character.is_alphanumeric() || "._-".contains(character);
    for (line, text) in std::iter::once((line, first)).chain(inside) {
        let text = text.split_once(" #").map_or(text, |(text, _)| text);
        for (at, _) in text.match_indices(tag) {
            let (before, behind) = (text.get(..at)?, text.get(at + tag.len()..)?);
            if before.ends_with(of_tag) || behind.starts_with(of_tag) {
                continue;
            }
            return part(line, text, at, tag);
        }
    }
    None
}

/// The line of a rule's key, what is in it, and how far the rule is indented.
fn key_line<'t>(written: &Written<'t>, rule: Span, key: &str) -> Option<(u32, &'t str, usize)> {
    let indent = (rule.column as usize).checked_sub(1)?;
    let is_key = |text: &str| {
        let behind = text.get(indent..).and_then(|text| text.strip_prefix(key));
        behind.is_some_and(|text| text.starts_with(':'))
    };
    let mut lines =
        (rule.line..=rule.end_line).filter_map(|line| Some((line, written.line(line)?)));
    lines.find(|(_, text)| is_key(text)).map(|(line, text)| (line, text, indent))
}

/// The span of `what`, which starts at a byte of a line.
fn part(line: u32, text: &str, at: usize, what: &str) -> Option<Span> {
    let count = |text: &str| u32::try_from(text.chars().count()).ok();
    let column = count(text.get(..at)?)?.checked_add(1)?;
    let end_column = column.checked_add(count(what)?)?;
    Some(Span { line, column, end_line: line, end_column })
}
