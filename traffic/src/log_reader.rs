//! Pieces of a log to requests and events, whatever wraps them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::format::Header;
use crate::json::{self, Time};
use crate::limits::MAX_LINE_BYTES;
use crate::line::{self, Line};
use crate::part::Part;
use crate::requests::line_reader;
use crate::slots::{LineReader, Slots};
use crate::table::Table;
use crate::{BYTE_ORDER_MARK, FieldMap, Format, Layout, Unreadable, har, lines};

/// Reads the pieces of a log.
#[derive(Debug)]
pub struct LogReader {
    layout: Layout,
    reader: Option<LineReader>,
    /// Lines that go on, of standard output and of standard error.
    open: [OpenLine; 2],
}

/// The parts of a line so far.
#[derive(Debug, Default)]
struct OpenLine {
    text: Vec<u8>,
    n_parts: u64,
}

/// What a line is.
#[derive(Debug)]
pub enum Entry<'l> {
    /// An empty line, a comment, a part of a line that goes on, or an event of Suricata that is not a request.
    Blank,
    /// A request. It is not moved: it is large, and there are many.
    Request(&'l LoggedRequest<'l>),
    /// A JSON object whose fields are found by their names.
    Object(&'l [u8]),
}

/// A request of a log, and what the log says besides.
#[derive(Debug, Default)]
pub struct LoggedRequest<'l> {
    /// The request.
    pub line: Line<'l>,
    /// When it was sent.
    pub time: Option<Time<'l>>,
    /// Who sent it, beside its address.
    pub identity: Option<Cow<'l, str>>,
    /// The keys whose value is of a wrong type; it was left out.
    pub unread: Vec<String>,
    /// Whether the log has a template of the path in its place, or neither.
    pub lacks_path: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Zeek's name for the connection on which it came.
    pub connection: Option<Cow<'l, str>>,
}

impl<'l> From<(Line<'l>, Option<Time<'l>>)> for LoggedRequest<'l> {
    fn from((line, time): (Line<'l>, Option<Time<'l>>)) -> LoggedRequest<'l> {
        LoggedRequest { line, time, ..LoggedRequest::default() }
    }
}

/// Takes what each line is, with its number in the piece, from 1.
type Visit<'v> = dyn FnMut(u64, Result<Entry<'_>, Unreadable>) + 'v;

impl LogReader {
    /// Returns a reader of a log; `map` says what the keys of [`Format::Json`] mean.
    pub fn new(layout: Layout, map: &FieldMap) -> LogReader {
        let reader = line_reader(layout.format, map);
        LogReader { layout, reader, open: Default::default() }
    }

    /// Reads a piece of a log that ends with a line, or a whole document, and visits its lines. Each
    /// line is visited once; one that was written in parts when its last part is there.
    pub fn read(&mut self, piece: &[u8], visit: &mut Visit<'_>) {
        if self.layout.is_document() {
            self.document(piece, visit);
            return;
        }
        for (number, line) in (1..).zip(lines(piece)) {
            let line = self.trimmed(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line));
            // Zeek's and other logs' headers, also in JSON streams that were cut from them.
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                visit(number, Ok(Entry::Blank));
            } else if line.len() > MAX_LINE_BYTES {
                visit(number, Err(Unreadable::TooLong));
            } else if self.layout.is_plain() {
                self.line(line, number, visit);
            } else {
                self.wrapped(line, number, visit);
            }
        }
        for open in std::mem::take(&mut self.open) {
            if open.n_parts > 0 {
                let n_lines = lines(piece).count() as u64;
                (1..open.n_parts).for_each(|_| visit(n_lines, Ok(Entry::Blank)));
                self.unwrapped(&open.text, n_lines, visit);
            }
        }
    }

    fn wrapped(&mut self, line: &[u8], number: u64, visit: &mut Visit<'_>) {
        let unwrapped = self.layout.envelope.unwrap(line);
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
            self.unwrapped(&unwrapped.line, number, visit);
            return;
        }
        let OpenLine { mut text, n_parts } = std::mem::take(open);
        (0..n_parts).for_each(|_| visit(number, Ok(Entry::Blank)));
        text.extend_from_slice(&unwrapped.line);
        self.unwrapped(&text, number, visit);
    }

    /// Returns a line without white space around it; in a row a tab may be beside an empty value.
    fn trimmed<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        match self.layout.header {
            Some(_) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line.trim_ascii(),
        }
    }

    fn unwrapped(&mut self, line: &[u8], number: u64, visit: &mut Visit<'_>) {
        let line = self.trimmed(line);
        if line.trim_ascii().is_empty() {
            visit(number, Ok(Entry::Blank));
        } else if line.len() > MAX_LINE_BYTES {
            visit(number, Err(Unreadable::TooLong));
        } else if let Some(header) = self.layout.header.clone() {
            let text = String::from_utf8_lossy(line);
            match &*header {
                Header::Zeek(columns) => self.line(&columns.to_json(&text), number, visit),
                Header::Table(table) => self.row(table, &text, number, visit),
            }
        } else {
            self.line(line, number, visit);
        }
    }

    fn line(&mut self, line: &[u8], number: u64, visit: &mut Visit<'_>) {
        if let Some(reader) = &mut self.reader {
            let mut slots = Slots::default();
            if let Err(reason) = reader.read(line, &mut slots) {
                visit(number, Err(reason));
                return;
            }
            if self.layout.format == Format::Suricata && is_other_event(line) {
                visit(number, Ok(Entry::Blank));
                return;
            }
            let key = |part| reader.key(part, &slots).to_owned();
            let mut logged = LoggedRequest::default();
            let mut written = write(&slots, self.layout.format, key, &mut logged);
            if written == Err(Unreadable::NoPath) && slots.lacks_path(line) {
                // The shipped gateway logs a template, and only where a rule matched.
                logged.lacks_path = true;
                written = Ok(());
            } else if let Some(path) = &logged.line.path {
                // Our own events, in a schema that has no place for templates.
                let is_event = matches!(self.layout.format, Format::Ecs | Format::Ocsf);
                logged.lacks_path = reader.is_template(&slots) || is_event && path.contains('{');
            }
            visit(number, written.map(|()| Entry::Request(&logged)));
            return;
        }
        match self.layout.format {
            Format::Urls => {
                let logged = line::of_url(line).map(|line| (line, None).into());
                visit(number, logged.as_ref().map(Entry::Request).map_err(|reason| *reason));
            }
            Format::EnvoyText | Format::Squid | Format::Combined | Format::HaProxy => {
                let text = String::from_utf8_lossy(line);
                let key = |part: Part| part.as_str().to_owned();
                let mut logged = LoggedRequest::default();
                let read = self.layout.read_text(&text);
                let format = self.layout.format;
                let written = read.and_then(|slots| write(&slots, format, key, &mut logged));
                visit(number, written.map(|()| Entry::Request(&logged)));
            }
            Format::Json | Format::ZeekSsl | Format::ZeekDns | Format::ZeekConn => {
                visit(number, Ok(Entry::Object(line)));
            }
            // A log without its header, and formats of JSON, which have a reader.
            Format::Har
            | Format::W3c
            | Format::Csv
            | Format::Envoy
            | Format::ZeekHttp
            | Format::Suricata
            | Format::Ecs
            | Format::Ocsf
            | Format::Events => {
                visit(number, Err(Unreadable::NotOfFormat));
            }
        }
    }

    fn row(&mut self, table: &Table, line: &str, number: u64, visit: &mut Visit<'_>) {
        if table.is_header(line) {
            visit(number, Ok(Entry::Blank));
            return;
        }
        let Some(row) = table.row(line) else {
            visit(number, Err(Unreadable::NotOfFormat));
            return;
        };
        if !matches!(self.layout.format, Format::W3c | Format::Csv) {
            // The names of the columns are keys, as of a map.
            self.line(&table.to_json(row), number, visit);
            return;
        }
        let mut slots = Slots::of_text();
        table.write(&row, &mut slots);
        let key = |part: Part| table.name(part).unwrap_or_else(|| part.as_str()).to_owned();
        let mut logged = LoggedRequest::default();
        let written = write(&slots, self.layout.format, key, &mut logged);
        visit(number, written.map(|()| Entry::Request(&logged)));
    }

    fn document(&mut self, document: &[u8], visit: &mut Visit<'_>) {
        let entries = match self.layout.format {
            Format::Har => har::entries(document),
            _ => objects(document),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(reason) => {
                visit(1, Err(reason));
                return;
            }
        };
        for (number, entry) in (1..).zip(entries) {
            if self.layout.format == Format::Har {
                let logged = har::request(entry).map(LoggedRequest::from);
                visit(number, logged.as_ref().map(Entry::Request).map_err(|reason| *reason));
            } else {
                self.line(entry.as_bytes(), number, visit);
            }
        }
    }
}

/// Returns true if a line of Suricata is not a request or a connection: an alert has the request of another
/// line, and others have none.
fn is_other_event(line: &[u8]) -> bool {
    let mut kind = None;
    let read = json::object(line, |key, raw| {
        if key == "event_type" {
            kind = Some(raw);
        }
    });
    read.is_ok() && kind.is_some_and(|kind| !matches!(kind, r#""http""# | r#""tls""# | r#""quic""#))
}

/// The objects of a list, or those that follow one another over several lines.
fn objects(document: &[u8]) -> Result<Vec<&str>, Unreadable> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let text = json::text_of(document)?;
    if json::is_deep(text) {
        return Err(Unreadable::NotJson);
    }
    let values: Result<Vec<&RawValue>, _> = if text.starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::Deserializer::from_str(text).into_iter().collect()
    };
    let values = values.map_err(|_| Unreadable::NotJson)?;
    Ok(values.into_iter().map(RawValue::get).collect())
}

/// Writes the request of a line's values. `key` names the key of a part.
fn write<'l>(
    slots: &Slots<'l>,
    format: Format,
    key: impl Fn(Part) -> String,
    logged: &mut LoggedRequest<'l>,
) -> Result<(), Unreadable> {
    let mut unread = slots.write(&mut logged.line);
    if matches!(format, Format::W3c | Format::Csv) {
        logged.line.as_tables_write(slots.raw(Part::Method).is_some());
    }
    logged.time = slots.time();
    logged.identity = slots.text(Part::Identity).unwrap_or_else(|_| {
        unread.insert(Part::Identity);
        None
    });
    logged.duration_ms = slots.duration_ms();
    logged.connection = slots.text(Part::Connection).unwrap_or_default();
    for part in [Part::Duration, Part::Connection] {
        if slots.text(part).is_err() {
            unread.insert(part);
        }
    }
    if !unread.is_empty() {
        logged.unread = unread.iter().map(key).collect();
    }
    logged.line.check(unread)
}
