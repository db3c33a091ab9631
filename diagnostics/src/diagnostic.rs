//! What is wrong with a text that a person wrote: where, why it matters, what to do.

use std::sync::Arc;

/// A problem in a rule, a note or a file. All of them are collected, never only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of problem.
    pub code: &'static Code,
    /// What is wrong: lower case, no full stop, the author's words in backticks.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where.
    pub place: Place,
    /// A change of the text that solves it, where that is mechanical.
    pub fix: Option<Box<Fix>>,
}

/// A mechanical change of a text; its edits are applied together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an editor shows it.
    pub title: String,
    /// The edits: in the file of the diagnostic, in order, none over another.
    pub edits: Vec<Edit>,
}

/// A piece of text that takes the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

impl Fix {
    /// Writes `to` at a place.
    pub fn replace(span: Span, to: &str) -> Fix {
        let edit = Edit { span, replacement: to.to_owned() };
        Fix { title: format!("write `{to}`"), edits: vec![edit] }
    }

    /// Returns true if it changes something at one of these places, which are in order and do not overlap.
    pub fn touches(&self, places: &[Span]) -> bool {
        self.edits.iter().any(|edit| {
            let idx = places.partition_point(|place| place.end() <= edit.span.start());
            places.get(idx).is_some_and(|place| place.start() < edit.span.end())
        })
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the input is used as it is.
    Warning,
    /// The input is refused.
    Error,
}

impl Severity {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A kind of finding, documented once.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable: `S` for the rule language, `N` for notes, `F` for files, and a number.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// A short name, for lists.
    pub title: &'static str,
    /// What it means and why it is so: one paragraph.
    pub explanation: &'static str,
}

/// A place in a file: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name under which the text was given.
    pub file: Arc<str>,
    /// Where it starts, and ends.
    pub span: Span,
}

/// From a line and column to another, the end exclusive. Both count from 1; columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column after the last.
    pub end_column: u32,
}

impl Span {
    /// The span that overlaps every other.
    pub const ALL: Span = Span { line: 0, column: 0, end_line: u32::MAX, end_column: u32::MAX };

    /// Sorts spans and joins those that overlap.
    pub fn joined(mut places: Vec<Span>) -> Vec<Span> {
        places.sort_unstable();
        let mut joined: Vec<Span> = Vec::new();
        for place in places {
            match joined.last_mut().filter(|last| place.start() < last.end()) {
                Some(last) if last.end() < place.end() => {
                    (last.end_line, last.end_column) = place.end();
                }
                Some(_) => {}
                None => joined.push(place),
            }
        }
        joined
    }

    fn start(&self) -> (u32, u32) {
        (self.line, self.column)
    }

    fn end(&self) -> (u32, u32) {
        (self.end_line, self.end_column)
    }

    /// A span of no length.
    pub fn point(line: u32, column: u32) -> Span {
        Span { line, column, end_line: line, end_column: column }
    }
}

/// Defines codes and the list of all of them, in order.
///
/// ```
/// diagnostics::codes! {
///     /// What it means.
///     NO_GATE = "X001", Error, "no gate";
/// }
/// assert_eq!(CODES[0].title, "no gate");
/// ```
#[macro_export]
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident, $title:literal;)+) => {
        $(
            $(#[doc = $doc])+
            pub static $name: $crate::Code = $crate::Code {
                id: $id,
                severity: $crate::Severity::$severity,
                title: $title,
                explanation: concat!($($doc, "\n"),+),
            };
        )+

        /// Every code, in order.
        pub static CODES: &[&$crate::Code] = &[$(&$name),+];
    };
}
