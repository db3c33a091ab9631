//! Files as they were read, and texts that know their place in a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Place, Span};
use crate::text::number;

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in findings: a path.
    pub name: Arc<str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The texts that reports quote, by the name of their file.
pub type Sources = BTreeMap<Arc<str>, String>;

/// A text to read, and where in its file it starts.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'s> {
    /// The name of the file in findings: a path.
    pub name: &'s str,
    /// The text.
    pub text: &'s str,
    /// The line of the file on which the text starts, from 1: more than 1 for a block in a note.
    pub first_line: u32,
}

impl<'s> SourceText<'s> {
    /// The text of a whole file.
    pub fn new(name: &'s str, text: &'s str) -> Self {
        SourceText { name, text, first_line: 1 }
    }

    /// The same text, starting on another line of its file.
    #[must_use]
    pub fn at_line(self, first_line: u32) -> Self {
        SourceText { first_line, ..self }
    }

    /// Makes a place of a span, which counts lines of the file.
    pub fn place(&self, span: Span) -> Place {
        Place { file: self.name.into(), span }
    }

    /// The place at a line and column of the text, both from 1.
    pub(crate) fn point(&self, line: usize, column: usize) -> Place {
        self.place(Span::point(self.line(line), number(column)))
    }

    /// The span of an event of the YAML parser, by lines of the file.
    pub(crate) fn span(&self, at: &saphyr_parser::Span) -> Span {
        Span {
            line: self.line(at.start.line()),
            column: number(at.start.col() + 1),
            end_line: self.line(at.end.line()),
            end_column: number(at.end.col() + 1),
        }
    }

    fn line(&self, line: usize) -> u32 {
        number(line).saturating_add(self.first_line).saturating_sub(1)
    }
}
