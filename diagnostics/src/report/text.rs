//! Findings as text with the lines of the source.
//!
//! The first line of each is `path:line:column: severity[code]: message`, which editors and terminals
//! turn into a link.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use crate::Place;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::finding::Finding;
use crate::limits::{MAX_QUOTED_LINES, MAX_QUOTED_MARGIN};
use crate::printable::{is_printable, printable};
use crate::source::Sources;
use crate::text::Lines;

/// Writes findings as text, each followed by an empty line.
pub fn to_text(findings: &[Finding], sources: &Sources) -> String {
    let mut text = String::new();
    let mut quoted = Quotes { sources, indexed: BTreeMap::new() };
    for finding in findings {
        let diagnostic = &finding.diagnostic;
        let (severity, code) = (diagnostic.code.severity.as_str(), diagnostic.code.id);
        let message = printable(diagnostic.message.as_bytes());
        line(&mut text, &format!("{}: {severity}[{code}]: {message}", at(&diagnostic.place)));
        text.push_str(&quoted.quote(&diagnostic.place));
        for related in &finding.related {
            line(
                &mut text,
                &format!("{}: {}", at(&related.place), printable(related.message.as_bytes())),
            );
            text.push_str(&quoted.quote(&related.place));
        }
        line(&mut text, &format!("help: {}", printable(diagnostic.help.as_bytes())));
        if let Some(fix) = &diagnostic.fix {
            line(&mut text, &format!("fix: {}", printable(fix.title.as_bytes())));
        }
        for detail in &finding.details {
            line(&mut text, &format!("  {detail}"));
        }
        text.push('\n');
    }
    text
}

/// `path:line:column`.
pub(super) fn at(place: &Place) -> String {
    let span = place.span;
    format!("{}:{}:{}", printable(place.file.as_bytes()), span.line, span.column)
}

fn line(text: &mut String, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", content.trim_end());
}

/// Quotes sources. The lines of each file are indexed once.
struct Quotes<'s> {
    sources: &'s Sources,
    indexed: BTreeMap<Arc<str>, Lines>,
}

impl Quotes<'_> {
    /// Returns the lines of a place with the place marked; empty without a text to quote.
    fn quote(&mut self, place: &Place) -> String {
        let Some(source) = self.sources.get(&place.file).filter(|source| !source.is_empty()) else {
            return String::new();
        };
        let lines = self.indexed.entry(Arc::clone(&place.file));
        let lines = lines.or_insert_with(|| Lines::new(source));
        let span = place.span;
        if span.line > lines.n_lines() {
            return String::new();
        }
        let start = lines.offset(source, span.line, span.column);
        let end_of_line = lines.offset(source, span.line, u32::MAX);
        let n_lines = span.end_line.saturating_sub(span.line);
        let end = match n_lines {
            0 => lines.offset(source, span.end_line, span.end_column),
            _ if n_lines < MAX_QUOTED_LINES => lines.offset(source, span.end_line, span.end_column),
            _ => end_of_line,
        };
        let window_start = lines.offset(source, span.line, 1);
        let end_line =
            if n_lines < MAX_QUOTED_LINES { span.end_line.max(span.line) } else { span.line };
        let window_end = lines.offset(source, end_line, u32::MAX).max(end);
        let whole = source.get(window_start..window_end).unwrap_or_default();
        let marked = start - window_start..end.max(start) - window_start;
        let (window, marked) = if whole.len() > 4 * MAX_QUOTED_MARGIN {
            cut(whole, marked)
        } else {
            (Cow::Borrowed(whole), marked)
        };
        let snippet = Snippet::source(&*window)
            .line_start(span.line as usize)
            .annotation(AnnotationKind::Primary.span(marked));
        let renderer = Renderer::plain().decor_style(DecorStyle::Ascii);
        let quote = renderer.render(&[Group::with_level(Level::ERROR).element(snippet)]);
        // The renderer replaces control characters of ASCII only. A character is one again, so that marks stay in place.
        let printed = |char| if is_printable(char) || char == '\n' { char } else { '\u{fffd}' };
        quote.chars().map(printed).chain(['\n']).collect()
    }
}

/// Cuts a long window to what is around its mark. The mark starts in the first line.
fn cut(window: &str, marked: Range<usize>) -> (Cow<'_, str>, Range<usize>) {
    let at_char = |mut at: usize| {
        at = at.min(window.len());
        while !window.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = at_char(marked.start.saturating_sub(MAX_QUOTED_MARGIN));
    let end = at_char(marked.end.min(marked.start + MAX_QUOTED_MARGIN));
    let end_of_window = at_char(end + MAX_QUOTED_MARGIN);
    let rest = window.get(start..end_of_window).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let before = if start > 0 { "..." } else { "" };
    let behind = if start + line.len() < window.len() { "..." } else { "" };
    let place = |at: usize| (at - start).min(line.len()) + before.len();
    let marked = place(marked.start)..place(end);
    (Cow::Owned([before, line, behind].concat()), marked)
}
