//! The bytes of a file as text, and its lines.

use std::sync::Arc;

use crate::diagnostic::{Edit, Fix, Span};

use crate::codes;
use crate::finding::{Finding, Findings};

/// A file as text.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The text without its byte order mark; `None` if the bytes are not text.
    pub text: Option<String>,
    /// What reports may quote if `text` is `None`.
    pub shown: Option<String>,
    /// Problems of the encoding. An error refuses everything in the file.
    pub findings: Vec<Finding>,
}

/// Decodes the bytes of a file that has to be UTF-8 text without a byte order mark.
pub fn decode(file: &Arc<str>, bytes: &[u8]) -> Decoded {
    let mut findings = Findings::new(file);
    let help = "save the file as UTF-8 without a byte order mark";
    let (mut text, mut shown) = (None, None);
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let message = "the file is UTF-16 text: it begins with its byte order mark";
            findings.add(&codes::UTF_16, Span::point(1, 1), message, help);
        }
        _ => {
            let (marked, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) => (true, rest),
                None => (false, bytes),
            };
            if marked {
                let message = "the file begins with a byte order mark (EF BB BF)";
                findings.add(&codes::BYTE_ORDER_MARK, Span::point(1, 1), message, help);
                // Places count from behind the mark: no edit of a text takes it out.
                let edits = vec![Edit { span: Span::point(1, 1), replacement: String::new() }];
                findings.offer(Fix { title: "take the byte order mark out".into(), edits });
            }
            match str::from_utf8(bytes) {
                Ok(valid) if !valid.contains('\0') => text = Some(valid.to_owned()),
                result => {
                    let valid_to = result.err().map_or(bytes.len(), |error| error.valid_up_to());
                    refuse(bytes, valid_to, &mut findings);
                    if !bytes.contains(&0) {
                        shown = Some(String::from_utf8_lossy(bytes).into_owned());
                    }
                }
            }
        }
    }
    Decoded { text, shown, findings: findings.into_list() }
}

/// Adds the finding for bytes that are not text. A NUL byte explains more than an invalid sequence.
fn refuse(bytes: &[u8], valid_to: usize, findings: &mut Findings) {
    let Some(nul) = bytes.iter().position(|byte| *byte == 0) else {
        let rest = bytes.get(valid_to..).unwrap_or_default();
        let byte = rest.first().copied().unwrap_or_default();
        let message = format!("byte {byte:02X} is not part of any UTF-8 character");
        let help = "save the file as UTF-8; it may be Latin-1 or Windows-1252 now";
        findings.add(&codes::NOT_UTF_8, point(bytes, valid_to), message, help);
        return;
    };
    // ASCII written as UTF-16 has a NUL in every second byte.
    let n_nuls = bytes.iter().map(|byte| usize::from(*byte == 0)).sum::<usize>();
    if n_nuls * 5 >= bytes.len() * 2 && n_nuls * 5 <= bytes.len() * 3 {
        let message = "the file looks like UTF-16 text: every second byte is 00";
        let help = "save the file as UTF-8 without a byte order mark";
        findings.add(&codes::UTF_16, Span::point(1, 1), message, help);
        return;
    }
    let message = "the file is binary: it contains a NUL byte here";
    let help = "give notes (`.md`) and Sigma files (`.yml`); take this file out of the folder";
    findings.add(&codes::BINARY, point(bytes, nul), message, help);
}

/// Returns the place of a byte; an invalid sequence counts as one character.
fn point(bytes: &[u8], offset: usize) -> Span {
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
    Lines::new(&before).point(&before, before.len())
}

/// Bytes between two places of a text at which its characters are counted.
const STRIDE: usize = 256;

/// The index of a text's lines. Every question about one place takes steps in proportion to the logarithm of
/// the text's length, however long the lines are.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
    /// The characters that start before each multiple of [`STRIDE`] bytes.
    n_chars: Vec<usize>,
}

impl Lines {
    /// Indexes a text, in time proportional to its length.
    pub fn new(text: &str) -> Lines {
        // As YAML and editors count: a carriage return alone ends a line too.
        let bytes = text.as_bytes();
        let ends_line = |(at, byte): &(usize, &u8)| {
            **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')
        };
        let breaks = bytes.iter().enumerate().filter(ends_line);
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut n_chars = Vec::with_capacity(bytes.len() / STRIDE + 1);
        let mut n_before = 0;
        for stride in bytes.chunks(STRIDE) {
            n_chars.push(n_before);
            n_before += count_chars(stride);
        }
        n_chars.push(n_before);
        Lines { starts, n_chars }
    }

    /// Returns how many characters start before a byte offset of the text.
    fn chars_before(&self, text: &str, offset: usize) -> usize {
        let stride = offset / STRIDE;
        let behind = text.as_bytes().get(stride * STRIDE..offset).unwrap_or_default();
        self.n_chars.get(stride).copied().unwrap_or_default() + count_chars(behind)
    }

    /// Returns the place of a byte offset of the same text, as a span of no length.
    pub fn point(&self, text: &str, offset: usize) -> Span {
        let line_idx = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line_idx).copied().unwrap_or_default();
        let n_before = if text.is_char_boundary(offset) {
            self.chars_before(text, offset) - self.chars_before(text, start)
        } else {
            0
        };
        Span::point(number(line_idx + 1), number(n_before + 1))
    }

    /// Returns the span of a range of byte offsets of the same text.
    pub fn span(&self, text: &str, range: std::ops::Range<usize>) -> Span {
        let (start, end) = (self.point(text, range.start), self.point(text, range.end));
        Span { end_line: end.line, end_column: end.column, ..start }
    }

    /// Returns the byte offset of a line and column of the same text, both from 1; at most the line's end.
    pub fn offset(&self, text: &str, line: u32, column: u32) -> usize {
        let Some((start, end)) = self.line(text, line) else { return text.len() };
        self.within(text, start, end, column.saturating_sub(1) as usize).unwrap_or(end)
    }

    /// The same for a place that has to exist: `None` behind the end of the line or of the text.
    pub fn exact_offset(&self, text: &str, line: u32, column: u32) -> Option<usize> {
        let (start, end) = self.line(text, line)?;
        self.within(text, start, end, (column as usize).checked_sub(1)?)
    }

    /// Returns the byte offset that is `n_chars` characters behind `start`; `None` behind `end`.
    fn within(&self, text: &str, start: usize, end: usize, n_chars: usize) -> Option<usize> {
        let wanted = self.chars_before(text, start).checked_add(n_chars)?;
        if self.n_chars.last().is_none_or(|n_all| wanted > *n_all) {
            return None;
        }
        let stride = self.n_chars.partition_point(|n_before| *n_before <= wanted).checked_sub(1)?;
        let n_before = self.n_chars.get(stride).copied()?;
        let rest = text.as_bytes().get(stride * STRIDE..).unwrap_or_default();
        let mut starts =
            rest.iter().enumerate().filter(|(_, byte)| starts_char(**byte)).map(|(at, _)| at);
        let at = starts.nth(wanted - n_before).map_or(text.len(), |at| stride * STRIDE + at);
        (at <= end).then_some(at)
    }

    /// Returns where a line starts and ends, without its line break.
    fn line(&self, text: &str, line: u32) -> Option<(usize, usize)> {
        let line_idx = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(line_idx)?;
        let Some(next) = self.starts.get(line_idx + 1) else { return Some((start, text.len())) };
        let line = text.get(start..*next)?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        Some((start, start + line.len()))
    }

    /// Returns the number of lines.
    pub fn n_lines(&self) -> u32 {
        number(self.starts.len())
    }
}

fn starts_char(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(starts_char(*byte))).sum()
}

/// Converts a count of lines or columns. Files are at most [`crate::limits::MAX_FILE_BYTES`] long, so that
/// it always fits; larger numbers saturate.
pub fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &[(&str, u32, u32)], text: Option<&str>) {
        let decoded = decode(&"a.md".into(), bytes);
        let found: Vec<_> = decoded
            .findings
            .iter()
            .map(|finding| &finding.diagnostic)
            .map(|found| (found.code.id, found.place.span.line, found.place.span.column))
            .collect();
        assert_eq!(found, expect, "{bytes:?}");
        assert_eq!(decoded.text.as_deref(), text, "{bytes:?}");
    }

    #[test]
    fn text_is_utf_8_without_a_byte_order_mark() {
        check(b"a\nb", &[], Some("a\nb"));
        check(b"", &[], Some(""));
        check(b"\xef\xbb\xbfa", &[("F005", 1, 1)], Some("a"));
        check(b"\xff\xfea\0", &[("F006", 1, 1)], None);
        check(b"a\0b\0c\0", &[("F006", 1, 1)], None);
        check(b"abcdef\nab\0cdefgh", &[("F007", 2, 3)], None);
        check("ä\nö".as_bytes(), &[], Some("ä\nö"));
        check(b"\xc3\xa4\n\xc3\xb6\xe4x", &[("F008", 2, 2)], None);
        check(b"\xef\xbb\xbfa\xff", &[("F005", 1, 1), ("F008", 1, 2)], None);
    }

    #[test]
    fn places_count_characters() {
        let text = "ab\näöü\r\n\nx";
        let lines = Lines::new(text);
        for (offset, line, column) in
            [(0, 1, 1), (2, 1, 3), (3, 2, 1), (5, 2, 2), (11, 3, 1), (12, 4, 1)]
        {
            assert_eq!(lines.point(text, offset), Span::point(line, column), "{offset}");
            assert_eq!(lines.offset(text, line, column), offset, "{line}:{column}");
        }
        assert_eq!(lines.offset(text, 2, 99), 9, "the end of a line, before its line break");
        assert_eq!(lines.offset(text, 99, 1), text.len());
        assert_eq!(lines.n_lines(), 4);
        let wide = ["ä".repeat(STRIDE + 1), "b".repeat(STRIDE - 1), "ö".repeat(9)].concat();
        let text = [&wide, "\r\n", &wide, "\n", &wide].concat();
        let lines = Lines::new(&text);
        let mut column = 1;
        let mut line = 1;
        for (at, character) in text.char_indices() {
            if character != '\n' {
                assert_eq!(lines.point(&text, at), Span::point(line, column), "{at}");
            }
            if !matches!(character, '\r' | '\n') {
                assert_eq!(lines.offset(&text, line, column), at);
                assert_eq!(lines.exact_offset(&text, line, column), Some(at));
            }
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        assert_eq!(lines.exact_offset(&text, 3, column), Some(text.len()));
        assert_eq!(lines.exact_offset(&text, 3, column + 1), None);
        let lines = Lines::new("a\rb\r\rc");
        assert_eq!((lines.n_lines(), lines.offset("a\rb\r\rc", 4, 1)), (4, 5));
    }
}
