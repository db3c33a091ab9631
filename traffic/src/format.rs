//! The formats of logs, and how the lines of one log are read.

use std::sync::Arc;

use crate::envelope::Envelope;
use crate::slots::Slots;
use crate::table::Table;
use crate::text_format::{self, TextFormat};
use crate::zeek_text::Columns;
use crate::{Unreadable, haproxy_text, proxy_text};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An access log in JSON, of Envoy or nginx.
    Envoy,
    /// A text log of Envoy: its default format, Istio's, or a given format string.
    EnvoyText,
    /// An HTTP archive, as browsers and proxies save it.
    Har,
    /// Zeek's `http.log`; in a stream of several logs also the server names of `ssl.log`.
    ZeekHttp,
    /// Zeek's `ssl.log`: server names.
    ZeekSsl,
    /// Zeek's `dns.log`: queries, as hosts.
    ZeekDns,
    /// Zeek's `conn.log`: the bytes and the duration of the connections of the other logs.
    ZeekConn,
    /// Suricata's `eve.json`: its events `http` and `tls`.
    Suricata,
    /// Squid's native log.
    Squid,
    /// The combined format of Apache, nginx and Squid.
    Combined,
    /// HAProxy's log of HTTP.
    HaProxy,
    /// The extended format of the W3C, as of Blue Coat and IIS.
    W3c,
    /// CSV below a header.
    Csv,
    /// Events in the Elastic Common Schema.
    Ecs,
    /// Events in the Open Cybersecurity Schema Framework.
    Ocsf,
    /// The filter's own events.
    Events,
    /// A URL per line.
    Urls,
    /// JSON lines of any kind, with the fields' own names or a field map.
    Json,
}

impl Format {
    /// Every format with its name.
    pub const ALL: &[(&str, Format)] = &[
        ("envoy", Format::Envoy),
        ("envoy-text", Format::EnvoyText),
        ("har", Format::Har),
        ("zeek-http", Format::ZeekHttp),
        ("zeek-ssl", Format::ZeekSsl),
        ("zeek-dns", Format::ZeekDns),
        ("zeek-conn", Format::ZeekConn),
        ("suricata", Format::Suricata),
        ("squid", Format::Squid),
        ("combined", Format::Combined),
        ("haproxy", Format::HaProxy),
        ("w3c", Format::W3c),
        ("csv", Format::Csv),
        ("ecs", Format::Ecs),
        ("ocsf", Format::Ocsf),
        ("events", Format::Events),
        ("urls", Format::Urls),
        ("json", Format::Json),
    ];

    /// Returns the name on the command line.
    pub fn as_str(self) -> &'static str {
        Format::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Detects the format by the start of a log; `None` where nothing fits.
    pub fn detect(start: &[u8]) -> Option<Format> {
        Layout::detect(start).map(|layout| layout.format)
    }

    pub(crate) fn is_zeek(self) -> bool {
        matches!(self, Format::ZeekHttp | Format::ZeekSsl | Format::ZeekDns)
    }
}

/// How the lines of one log are read: its format, and what its header and its first lines say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The format of the lines.
    pub format: Format,
    pub(crate) envelope: Envelope,
    pub(crate) header: Option<Arc<Header>>,
    /// The format strings of a text log of Envoy, of which the first that fits a line reads it.
    pub(crate) texts: Arc<[TextFormat]>,
    pub(crate) is_document: bool,
}

/// The header of a log whose lines are rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Of a Zeek log in its default form.
    Zeek(Columns),
    Table(Table),
}

impl From<Format> for Layout {
    /// Returns the layout of lines that nothing wraps, without a header.
    fn from(format: Format) -> Layout {
        let texts = if format == Format::EnvoyText { default_texts() } else { Vec::new() };
        Layout {
            format,
            envelope: Envelope::default(),
            header: None,
            texts: texts.into(),
            is_document: format == Format::Har,
        }
    }
}

impl From<TextFormat> for Layout {
    /// Returns the layout of lines that a format string writes.
    fn from(text: TextFormat) -> Layout {
        Layout { texts: vec![text].into(), ..Layout::from(Format::EnvoyText) }
    }
}

fn default_texts() -> Vec<TextFormat> {
    let formats = [text_format::ENVOY, text_format::ISTIO].map(TextFormat::compile);
    formats.into_iter().flatten().collect()
}

impl Layout {
    /// Returns true if the log is one document, which is read whole.
    pub fn is_document(&self) -> bool {
        self.is_document
    }

    /// Returns true if lines are read as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.envelope.is_none() && self.header.is_none()
    }

    /// Returns where the next header begins in a buffer of whole lines, as in logs that were joined, if it
    /// names other columns. The header at the start of the buffer is this layout's.
    pub fn next_header(&self, buffer: &[u8]) -> Option<usize> {
        let header = self.header.as_deref()?;
        let mark: &[u8] = match header {
            Header::Zeek(_) => b"\n#separator",
            Header::Table(table) if table.format() == Format::W3c => b"\n#Fields:",
            Header::Table(_) => return None,
        };
        let is_comment = |line: &&[u8]| line.starts_with(b"#");
        let own: usize =
            crate::lines(buffer).take_while(is_comment).map(|line| line.len() + 1).sum();
        // From the line break before it.
        let from = own.saturating_sub(1);
        let starts = memchr::memmem::find_iter(buffer.get(from..)?, mark).map(|at| from + at + 1);
        starts.into_iter().find(|start| {
            let text = buffer.get(*start..).unwrap_or_default();
            let length: usize =
                crate::lines(text).take_while(is_comment).map(|line| line.len() + 1).sum();
            let text = String::from_utf8_lossy(text.get(..length).unwrap_or(text));
            match header {
                Header::Zeek(columns) => Columns::read(&text).as_ref() != Some(columns),
                Header::Table(table) => {
                    let line = text.lines().next().unwrap_or_default();
                    Table::of_w3c(line).as_ref() != Some(table)
                }
            }
        })
    }

    /// Returns where the last complete line of a buffer ends, behind its line break: at a line that goes
    /// on in the next one a log is not cut.
    pub fn end_of_lines(&self, buffer: &[u8]) -> Option<usize> {
        let mut end = memchr::memrchr(b'\n', buffer)?;
        if self.envelope.is_none() {
            return Some(end + 1);
        }
        loop {
            let lines = buffer.get(..end)?;
            let start = memchr::memrchr(b'\n', lines).map_or(0, |start| start + 1);
            if !self.envelope.unwrap(lines.get(start..)?).is_partial {
                return Some(end + 1);
            }
            end = start.checked_sub(1)?;
        }
    }

    /// Reads a line of a text format.
    pub(crate) fn read_text<'l>(&self, line: &'l str) -> Result<Slots<'l>, Unreadable> {
        let read = |read: &dyn Fn(&mut Slots<'l>) -> Option<()>| {
            let mut slots = Slots::of_text();
            read(&mut slots).map(|()| slots)
        };
        let slots = match self.format {
            Format::Squid => read(&|slots| proxy_text::squid(line, slots)),
            Format::Combined => read(&|slots| proxy_text::combined(line, slots)),
            Format::HaProxy => read(&|slots| haproxy_text::httplog(line, slots)),
            _ => self.texts.iter().find_map(|text| read(&|slots| text.read(line, slots))),
        };
        slots.ok_or(Unreadable::NotOfFormat)
    }
}
