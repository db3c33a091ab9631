//! A text to read rules from.

use std::collections::BTreeMap;

use diagnostics::{Place, SourceText, Span};

/// A text to read rules from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// What diagnostics call it: a path.
    pub name: &'s str,
    /// The text: one or several YAML documents.
    pub text: &'s str,
    /// The line of the file on which the text starts, from 1: more than 1 for a block in a note.
    pub first_line: u32,
    /// The values of the placeholders of `expand`.
    pub placeholders: Option<&'s BTreeMap<String, Vec<String>>>,
}

impl<'s> Source<'s> {
    /// A whole file.
    pub fn new(name: &'s str, text: &'s str) -> Self {
        Source { name, text, first_line: 1, placeholders: None }
    }

    /// The same text, starting on another line of its file.
    #[must_use]
    pub fn at_line(self, first_line: u32) -> Self {
        Source { first_line, ..self }
    }

    /// The same text, with values for the placeholders of `expand`.
    #[must_use]
    pub fn with_placeholders(self, placeholders: &'s BTreeMap<String, Vec<String>>) -> Self {
        Source { placeholders: Some(placeholders), ..self }
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        self.written().place(span)
    }

    /// The text with its place, without placeholders.
    pub(crate) fn written(&self) -> SourceText<'s> {
        SourceText::new(self.name, self.text).at_line(self.first_line)
    }
}
