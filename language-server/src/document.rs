//! A text with its lines, and the positions of the protocol: lines from 0, columns in units of UTF-16.

use diagnostics::{Lines, Span, number};
use lsp_types::{Position, Range};

/// A text, and where its lines start.
#[derive(Clone, Debug)]
pub struct Document {
    /// The text.
    pub text: String,
    lines: Lines,
}

impl Document {
    /// Indexes a text, in time proportional to its length.
    pub fn new(text: String) -> Document {
        let lines = Lines::new(&text);
        Document { text, lines }
    }

    /// Converts a span, which counts characters from 1.
    pub fn range(&self, span: Span) -> Range {
        let offset = |line, column| self.lines.offset(&self.text, line, column);
        let start = offset(span.line, span.column);
        let end = offset(span.end_line, span.end_column).max(start);
        self.range_of(start..end)
    }

    /// Converts byte offsets.
    pub fn range_of(&self, offsets: std::ops::Range<usize>) -> Range {
        Range { start: self.position(offsets.start), end: self.position(offsets.end) }
    }

    /// The position of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.lines.point(&self.text, offset).line;
        let start = self.lines.offset(&self.text, line, 1);
        let before = self.text.get(start..offset).unwrap_or_default();
        let character = before.chars().map(char::len_utf16).sum();
        Position { line: line.saturating_sub(1), character: number(character) }
    }

    /// The byte offset of a position; at most the end of its line.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line.saturating_add(1);
        let start = self.lines.offset(&self.text, line, 1);
        let end = self.lines.offset(&self.text, line, u32::MAX);
        let mut left = position.character as usize;
        for (at, character) in self.text.get(start..end).unwrap_or_default().char_indices() {
            if left < character.len_utf16() {
                return start + at;
            }
            left -= character.len_utf16();
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_units_of_utf_16() {
        let document = Document::new("a: \u{1f600}b\r\nä: ö\n".to_owned());
        for (offset, line, character) in
            [(0, 0, 0), (3, 0, 3), (7, 0, 5), (8, 0, 6), (10, 1, 0), (14, 1, 3)]
        {
            let position = Position { line, character };
            assert_eq!(document.position(offset), position, "{offset}");
            assert_eq!(document.offset(position), offset, "{position:?}");
        }
        assert_eq!(document.offset(Position { line: 0, character: 4 }), 3, "within a character");
        assert_eq!(document.offset(Position { line: 0, character: 99 }), 8, "the end of the line");
        assert_eq!(document.offset(Position { line: 9, character: 0 }), document.text.len());
        let span = Span { line: 1, column: 4, end_line: 1, end_column: 6 };
        let range = document.range(span);
        assert_eq!((range.start.character, range.end.character), (3, 6));
    }
}
