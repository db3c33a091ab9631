//! Findings as text with the lines of the source.
//!
//! The first line of each is `path:line:column: severity[code]: message`, which editors and terminals
//! turn into a link.

use std::fmt::Write;
use std::sync::Arc;

use crate::Place;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::finding::Finding;
use crate::limits::MAX_QUOTED_LINES;
use crate::printable;
use crate::source::Sources;
use crate::text::Lines;

/// Writes findings as text, each followed by an empty line.
pub fn to_text(findings: &[Finding], sources: &Sources) -> String {
    let mut text = String::new();
    let mut quoted = Quotes { sources, current: None };
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

/// Quotes sources; the lines of the last file are kept, since findings come file by file.
struct Quotes<'s> {
    sources: &'s Sources,
    current: Option<(Arc<str>, Lines)>,
}

impl Quotes<'_> {
    /// Returns the lines of a place with the place marked; empty without a text to quote.
    fn quote(&mut self, place: &Place) -> String {
        let Some(source) = self.sources.get(&place.file).filter(|source| !source.is_empty()) else {
            return String::new();
        };
        let is_current = self.current.as_ref().is_some_and(|(file, _)| *file == place.file);
        if !is_current {
            self.current = Some((Arc::clone(&place.file), Lines::new(source)));
        }
        let Some((_, lines)) = &self.current else { return String::new() };
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
        let window_end =
            source.get(end..).and_then(|rest| rest.find('\n')).map_or(source.len(), |at| end + at);
        let window = source.get(window_start..window_end).unwrap_or_default();
        let marked = start - window_start..end.max(start) - window_start;
        let snippet = Snippet::source(window)
            .line_start(span.line as usize)
            .annotation(AnnotationKind::Primary.span(marked));
        let renderer = Renderer::plain().decor_style(DecorStyle::Ascii);
        let mut quote = renderer.render(&[Group::with_level(Level::ERROR).element(snippet)]);
        quote.push('\n');
        quote
    }
}
