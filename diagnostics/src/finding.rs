//! Diagnostics with their context: other places, and lines that explain them.

use std::sync::Arc;

use crate::codes;
use crate::{Code, Diagnostic, Fix, Place, Severity, Span};

/// A diagnostic, the other places that it concerns, and details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, where, and what to do.
    pub diagnostic: Diagnostic,
    /// Other places, for example the first of two rules with one id.
    pub related: Vec<Related>,
    /// Lines that explain it, for example the condition tree of an example that fails.
    pub details: Vec<String>,
}

/// Another place that a finding concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is there.
    pub message: String,
}

impl Finding {
    /// Makes a finding about a file as a whole; its place is the first character.
    pub fn about(
        file: &Arc<str>,
        code: &'static Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        let place = Place { file: Arc::clone(file), span: Span::point(1, 1) };
        Diagnostic { code, message: message.into(), help: help.into(), place, fix: None }.into()
    }

    /// The finding about a file that contains a secret key. Nothing of it may be quoted.
    pub fn secret_key(file: &Arc<str>) -> Finding {
        let message = "this is a secret key, or contains one";
        let help = "check which file belongs here, and keep keys out of folders of notes";
        Finding::about(file, &codes::SECRET_KEY, message, help)
    }

    /// The finding about a file of more than `most` bytes.
    pub fn too_large(file: &Arc<str>, most: usize) -> Finding {
        let message = format!("this is larger than {most} bytes");
        let help = "give a smaller file; nothing of its kind is that large";
        Finding::about(file, &codes::FILE_TOO_LARGE, message, help)
    }

    /// Returns true if the input is refused because of it.
    pub fn is_error(&self) -> bool {
        self.diagnostic.code.severity == Severity::Error
    }

    /// Adds another place.
    #[must_use]
    pub fn relate(mut self, place: Place, message: impl Into<String>) -> Finding {
        self.related.push(Related { place, message: message.into() });
        self
    }

    /// Adds lines that explain it.
    #[must_use]
    pub fn detail(mut self, lines: impl IntoIterator<Item = String>) -> Finding {
        self.details.extend(lines);
        self
    }
}

impl From<Diagnostic> for Finding {
    fn from(diagnostic: Diagnostic) -> Finding {
        Finding { diagnostic, related: Vec::new(), details: Vec::new() }
    }
}

/// Collects the findings about one text.
#[derive(Clone, Debug)]
pub struct Findings {
    file: Arc<str>,
    first_line: u32,
    list: Vec<Finding>,
    n_errors: usize,
}

impl Findings {
    /// Starts with no findings. `file` names the text in places.
    pub fn new(file: &Arc<str>) -> Findings {
        Findings { file: Arc::clone(file), first_line: 1, list: Vec::new(), n_errors: 0 }
    }

    /// Sets the line of the file on which the text starts, for a block of a note.
    #[must_use]
    pub fn at_line(self, first_line: u32) -> Findings {
        Findings { first_line, ..self }
    }

    /// The name of the text in places.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Converts a span of the text into a place of the file.
    pub fn place(&self, span: Span) -> Place {
        let line = |line: u32| line.saturating_add(self.first_line).saturating_sub(1);
        let span = Span { line: line(span.line), end_line: line(span.end_line), ..span };
        Place { file: Arc::clone(&self.file), span }
    }

    /// Adds a finding at a place in the text.
    pub fn add(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (message, help) = (message.into(), help.into());
        let place = self.place(span);
        self.n_errors += usize::from(code.severity == Severity::Error);
        self.list.push(Diagnostic { code, message, help, place, fix: None }.into());
    }

    /// Offers to write another text at a place, as the fix of the last finding.
    pub fn fix(&mut self, span: Span, instead: &str) {
        let at = self.place(span).span;
        if let Some(last) = self.list.last_mut() {
            last.diagnostic.fix = Some(Box::new(Fix::replace(at, instead)));
        }
    }

    /// Offers a fix for the finding that was added last. Its places are those of the file.
    pub(crate) fn offer(&mut self, fix: Fix) {
        if let Some(last) = self.list.last_mut() {
            last.diagnostic.fix = Some(Box::new(fix));
        }
    }

    /// Appends the findings about a part of the text.
    pub fn extend(&mut self, part: Findings) {
        self.n_errors += part.n_errors;
        self.list.extend(part.list);
    }

    /// Appends findings, whose places are those of the file.
    pub fn add_all(&mut self, list: Vec<Finding>) {
        self.n_errors += list.iter().filter(|finding| finding.is_error()).count();
        self.list.extend(list);
    }

    /// Appends the findings about a text that is written within this one, all at the place of it.
    pub fn extend_at(&mut self, part: Findings, place: &Place) {
        let at_place = |mut finding: Finding| {
            finding.diagnostic.place = place.clone();
            finding
        };
        self.add_all(part.list.into_iter().map(at_place).collect());
    }

    /// Returns how many findings refuse the text.
    pub fn n_errors(&self) -> usize {
        self.n_errors
    }

    /// The findings, in the order in which they were added.
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }
}
