//! Pieces of a log to requests and events, whatever wraps them.

use crate::document::{self, Piece};
use crate::entry::{Entry, LoggedRequest, Refused};
use crate::envelope::Envelope;
use crate::format::Header;
use crate::json::Time;
use crate::layout_reader::{LayoutReader, Miss, har_entry};
use crate::limits::{MAX_LINE_BYTES, MAX_OTHER_LAYOUTS, MAX_OTHER_LINE_BYTES};
use crate::seeming::Seeming;
use crate::{BYTE_ORDER_MARK, FieldMap, Format, Layout, Unreadable, lines};

/// Reads the pieces of a log.
///
/// A line that is not of the log's format is read as what it is, where its own text shows that: logs are joined,
/// and programs write several formats into one. What cannot be read is refused, with what it seems to be.
#[derive(Debug)]
pub struct LogReader {
    own: LayoutReader,
    /// Readers of lines of other formats, made when the first such line is there.
    others: Vec<LayoutReader>,
    /// Lines that go on, of standard output and of standard error.
    open: [OpenLine; 2],
}

/// The parts of a line so far.
#[derive(Debug, Default)]
struct OpenLine {
    text: Vec<u8>,
    n_parts: u64,
}

/// Takes what each line is, with its number in the piece, from 1.
type Visit<'v> = dyn FnMut(u64, Result<Entry<'_>, Refused>) + 'v;

impl LogReader {
    /// Returns a reader of a log; `map` says what the keys of [`Format::Json`] mean.
    pub fn new(layout: Layout, map: &FieldMap) -> LogReader {
        let own = LayoutReader::new(layout, map);
        LogReader { own, others: Vec::new(), open: Default::default() }
    }

    /// Reads a piece of a log that ends with a line, or a whole document, and visits its lines. Each
    /// line is visited once; one that was written in parts when its last part is there.
    pub fn read(&mut self, piece: &[u8], visit: &mut Visit<'_>) {
        if self.own.layout.is_document() {
            self.document(piece, visit);
        } else {
            self.lines(piece, 0, visit);
        }
    }

    /// Reads lines, of which `n_before` are in front of the first.
    fn lines(&mut self, piece: &[u8], n_before: u64, visit: &mut Visit<'_>) {
        for (number, line) in (n_before + 1..).zip(lines(piece)) {
            let line = self.own.trimmed(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line));
            // Zeek's and other logs' headers, also in JSON streams that were cut from them.
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                visit(number, Ok(Entry::Blank));
            } else if line.len() > MAX_LINE_BYTES {
                visit(number, Err(Unreadable::TooLong.into()));
            } else if self.own.layout.is_plain() {
                self.line(line, line, number, visit);
            } else {
                self.wrapped(line, number, visit);
            }
        }
        for open in std::mem::take(&mut self.open) {
            if open.n_parts > 0 {
                let n_lines = n_before + lines(piece).count() as u64;
                (1..open.n_parts).for_each(|_| visit(n_lines, Ok(Entry::Blank)));
                self.line(&open.text, &open.text, n_lines, visit);
            }
        }
    }

    fn wrapped(&mut self, line: &[u8], number: u64, visit: &mut Visit<'_>) {
        let unwrapped = self.own.layout.envelope.unwrap(line);
        let Some(open) = self.open.get_mut(usize::from(unwrapped.is_stderr)) else { return };
        if unwrapped.is_partial {
            open.n_parts += 1;
            // A longer one is refused as too long when it ends.
            if open.text.len() <= MAX_LINE_BYTES {
                open.text.extend_from_slice(&unwrapped.line);
            }
            return;
        }
        if open.n_parts == 0 {
            self.line(&unwrapped.line, line, number, visit);
            return;
        }
        let OpenLine { mut text, n_parts } = std::mem::take(open);
        (0..n_parts).for_each(|_| visit(number, Ok(Entry::Blank)));
        text.extend_from_slice(&unwrapped.line);
        self.line(&text, &text, number, visit);
    }

    /// Reads a line that is unwrapped, and that was `whole` before.
    fn line(&mut self, line: &[u8], whole: &[u8], number: u64, visit: &mut Visit<'_>) {
        let takes_doubtful = !self.own.layout.is_detected;
        let envelope = self.own.layout.envelope.clone();
        let mut own = |entry: Entry<'_>| visit_timed(entry, &envelope, whole, number, visit);
        let missed = match self.own.read(line, takes_doubtful, None, &mut own) {
            Ok(()) => return,
            Err(missed) => missed,
        };
        if self.other(whole, number, visit) {
            return;
        }
        let reason = match missed {
            Miss::Unreadable(reason) => reason,
            Miss::Doubtful => {
                let mut own =
                    |entry: Entry<'_>| visit_timed(entry, &envelope, whole, number, visit);
                match self.own.read(line, true, None, &mut own) {
                    Ok(()) | Err(Miss::Doubtful) => return,
                    Err(Miss::Unreadable(reason)) => reason,
                }
            }
        };
        visit(number, Err(self.refused(line, whole, reason)));
    }

    /// Reads a line as what its own text shows it to be; returns false if it is of no other known format, or if
    /// the log's format was given.
    fn other(&mut self, line: &[u8], number: u64, visit: &mut Visit<'_>) -> bool {
        if !self.own.layout.is_detected || line.len() > MAX_OTHER_LINE_BYTES {
            return false;
        }
        let Some(layout) = self.other_layout(line) else { return false };
        let known = self.others.iter().position(|other| other.layout == layout);
        let idx = known.unwrap_or_else(|| {
            if self.others.len() >= MAX_OTHER_LAYOUTS {
                self.others.clear();
            }
            self.others.push(LayoutReader::new(layout, &FieldMap::default()));
            self.others.len() - 1
        });
        let own_format = self.own.layout.format;
        let Some(other) = self.others.get_mut(idx) else { return false };
        let format = Some(other.layout.format).filter(|format| *format != own_format);
        let envelope = other.layout.envelope.clone();
        let unwrapped = envelope.unwrap(line).line;
        let mut visit = |entry: Entry<'_>| visit_timed(entry, &envelope, line, number, visit);
        other.read(&unwrapped, true, format, &mut visit).is_ok()
    }

    /// Returns how a line is read that is of another format, or that something else wraps.
    fn other_layout(&self, line: &[u8]) -> Option<Layout> {
        let found = Layout::of_other_line(line.trim_ascii())?;
        let own = &self.own.layout;
        let is_own = found.format == own.format && found.envelope == own.envelope;
        (!is_own || own.header.is_some()).then_some(found)
    }

    /// Returns why a line is refused, and what it seems to be; `inner` is the line without what wraps it.
    fn refused(&self, inner: &[u8], line: &[u8], reason: Unreadable) -> Refused {
        // Requests of the log's own that lack something.
        let is_own = || {
            let lacks =
                matches!(reason, Unreadable::NoHost | Unreadable::NoPath | Unreadable::WrongType);
            lacks
                && Layout::of_other_line(line.trim_ascii())
                    .is_some_and(|found| found.format == self.own.layout.format)
        };
        let is_looked_at = line.len() <= MAX_OTHER_LINE_BYTES;
        let missed = (is_looked_at && Seeming::is_request_like(line) && !is_own())
            .then(|| self.seeming(inner, reason));
        Refused { reason, missed }
    }

    fn seeming(&self, line: &[u8], reason: Unreadable) -> Seeming {
        let is_table = matches!(self.own.layout.header.as_deref(), Some(Header::Table(_)));
        if is_table && reason == Unreadable::NotOfFormat && !line.starts_with(b"{") {
            return Seeming::Row;
        }
        Seeming::of(line, self.own.layout.is_detected)
    }

    fn document(&mut self, document: &[u8], visit: &mut Visit<'_>) {
        let pieces = match document::pieces(document) {
            Ok(pieces) => pieces,
            Err(reason) => {
                visit(1, Err(reason.into()));
                return;
            }
        };
        let is_archive = self.own.layout.format == Format::Har;
        for (number, piece) in (1..).zip(pieces) {
            match piece {
                Piece::HarEntry(entry) => {
                    let other = (!is_archive).then_some(Format::Har);
                    let mut own = |entry: Entry<'_>| visit(number, Ok(entry));
                    if let Err(reason) = har_entry(entry, other, &mut own) {
                        visit(number, Err(reason.into()));
                    }
                }
                Piece::Object(_) if is_archive && !self.own.layout.is_detected => {
                    visit(number, Err(Unreadable::NotAnArchive.into()));
                }
                Piece::Object(object) => {
                    let line = object.as_bytes();
                    let unwrapped = self.own.layout.envelope.unwrap(line).line;
                    self.line(&unwrapped, line, number, visit);
                }
                Piece::Lines(text) => self.lines(text.as_bytes(), number - 1, visit),
            }
        }
    }
}

/// Visits what a line is; a request without a time has that of what wraps the line.
fn visit_timed(
    entry: Entry<'_>,
    envelope: &Envelope,
    wrapped: &[u8],
    number: u64,
    visit: &mut Visit<'_>,
) {
    if let Entry::Request(request) = entry
        && request.time.is_none()
        && let Some(time) = envelope.time(wrapped)
    {
        let time = Some(Time(&time));
        let request = LoggedRequest { time, ..request.clone() };
        visit(number, Ok(Entry::Request(&request)));
    } else {
        visit(number, Ok(entry));
    }
}

#[cfg(test)]
mod tests;
