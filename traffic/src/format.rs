//! Which kind of log it is, by its first lines.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::envelope::Envelope;
use crate::part::{ACCESS_LOG_KEYS, Part};
use crate::slots::Slots;
use crate::text_format::{self, TextFormat};
use crate::url::{Url, UrlError};
use crate::zeek_text::Columns;
use crate::{BYTE_ORDER_MARK, Unreadable, har, json, proxy_text};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An access log in JSON, of Envoy or nginx; see [`ACCESS_LOG_KEYS`].
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
    /// Suricata's `eve.json`: its events `http` and `tls`.
    Suricata,
    /// Squid's native log.
    Squid,
    /// The combined format of Apache, nginx and Squid.
    Combined,
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
        ("suricata", Format::Suricata),
        ("squid", Format::Squid),
        ("combined", Format::Combined),
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

    fn is_zeek(self) -> bool {
        matches!(self, Format::ZeekHttp | Format::ZeekSsl | Format::ZeekDns)
    }
}

/// How the lines of one log are read: its format, and what its header and its first lines say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The format of the lines.
    pub format: Format,
    pub(crate) envelope: Envelope,
    /// The columns of a Zeek log in its default form.
    pub(crate) columns: Option<Arc<Columns>>,
    /// The format strings of a text log of Envoy, of which the first that fits a line reads it.
    pub(crate) texts: Arc<[TextFormat]>,
    is_document: bool,
}

impl From<Format> for Layout {
    /// Returns the layout of lines that nothing wraps, without a header.
    fn from(format: Format) -> Layout {
        let texts = if format == Format::EnvoyText { default_texts() } else { Vec::new() };
        Layout {
            format,
            envelope: Envelope::default(),
            columns: None,
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

/// Most lines that are looked at to detect a format: logs begin with lines of other kinds.
const MAX_LINES: usize = 256;

impl Layout {
    /// Detects how a log is read by its start: the first of its lines that is of a known format, as it
    /// is or unwrapped. A list of URLs has to begin with one.
    ///
    /// `None` where nothing fits; then the format has to be named.
    pub fn detect(start: &[u8]) -> Option<Layout> {
        Layout::find(start, None)
    }

    /// Returns how a log of this layout is read: what its start says of envelope and header is added.
    #[must_use]
    pub fn within(self, start: &[u8]) -> Layout {
        let Some(found) = Layout::find(start, Some(&self)) else { return self };
        Layout {
            envelope: found.envelope,
            columns: found.columns,
            is_document: found.is_document,
            ..self
        }
    }

    fn find(start: &[u8], given: Option<&Layout>) -> Option<Layout> {
        let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
        let wanted = given.map(|layout| layout.format);
        if wanted.is_none_or(|format| format == Format::Har) && har::is_archive(start) {
            return Some(Layout::from(Format::Har));
        }
        if let Some(layout) = zeek_text(start) {
            return Some(layout);
        }
        if let Some(layout) = document(start, wanted) {
            return Some(layout);
        }
        let lines = crate::lines(start).map(<[u8]>::trim_ascii);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        let mut found: Option<Layout> = None;
        for (idx, line) in lines.take(MAX_LINES).enumerate() {
            let Some(layout) = of_line(line, idx == 0, given) else { continue };
            let (is_zeek, format) = (layout.format.is_zeek(), layout.format);
            let first = found.get_or_insert(layout);
            if first.format != format && is_zeek {
                // One stream of several logs.
                first.format = Format::ZeekHttp;
            }
            if !is_zeek || first.format != format {
                break;
            }
        }
        found
    }

    /// Returns true if the log is one document, which is read whole.
    pub fn is_document(&self) -> bool {
        self.is_document
    }

    /// Returns true if lines are read as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.envelope.is_none() && self.columns.is_none()
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
            _ => self.texts.iter().find_map(|text| read(&|slots| text.read(line, slots))),
        };
        slots.ok_or(Unreadable::NotOfFormat)
    }
}

/// The layout of a Zeek log in its default form.
fn zeek_text(start: &[u8]) -> Option<Layout> {
    if !start.trim_ascii_start().starts_with(b"#") {
        return None;
    }
    let start = String::from_utf8_lossy(start.get(..MAX_HEADER_BYTES).unwrap_or(start));
    let columns = Columns::read(&start)?;
    let format = match columns.path.as_str() {
        "http" => Format::ZeekHttp,
        "ssl" => Format::ZeekSsl,
        "dns" => Format::ZeekDns,
        _ => return None,
    };
    Some(Layout { columns: Some(Arc::new(columns)), ..Layout::from(format) })
}

/// How much of a log its header may take.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// The layout of objects that are not one a line: of a list, or written over several lines.
fn document(start: &[u8], wanted: Option<Format>) -> Option<Layout> {
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    };
    let text = text.trim_ascii_start();
    let objects = text.strip_prefix('[').map_or(text, str::trim_ascii_start);
    if !objects.starts_with('{') || json::is_deep(objects) {
        return None;
    }
    let first_line = text.lines().next().unwrap_or_default().trim_ascii();
    if !text.starts_with('[')
        && (first_line.ends_with('}') || first_line.len() > 1 && first_line.contains("\":"))
    {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(objects).into_iter::<&RawValue>();
    let first = values.next()?.ok()?;
    let format = format_of_object(first.get().as_bytes());
    let format =
        wanted.filter(|format| !matches!(format, Format::Har | Format::Urls)).or(format)?;
    Some(Layout { is_document: true, ..Layout::from(format) })
}

/// The layout of one line, as it is or unwrapped; of a layout that is given.
fn of_line(line: &[u8], is_first: bool, given: Option<&Layout>) -> Option<Layout> {
    Envelope::of_line(line).into_iter().find_map(|envelope| {
        let unwrapped = envelope.unwrap(line);
        if unwrapped.is_partial {
            return None;
        }
        let line = unwrapped.line.trim_ascii();
        let layout = match given {
            None => format_of_line(line, is_first)?.into(),
            Some(given) if given.reads(line) => given.clone(),
            Some(_) => return None,
        };
        Some(Layout { envelope, ..layout })
    })
}

impl Layout {
    /// Returns true if a line looks like one of the layout's format.
    fn reads(&self, line: &[u8]) -> bool {
        match self.format {
            // Any object may be one of these; the first that has no line in it is not wrapped.
            Format::Json => line.starts_with(b"{") && Envelope::of_line(line).len() == 1,
            Format::EnvoyText | Format::Squid | Format::Combined => {
                str::from_utf8(line).is_ok_and(|line| self.read_text(line).is_ok())
            }
            format => format_of_line(line, true) == Some(format),
        }
    }
}

fn format_of_line(line: &[u8], is_first: bool) -> Option<Format> {
    if line.starts_with(b"{") {
        return format_of_object(line);
    }
    let line = str::from_utf8(line).ok()?;
    for format in [Format::EnvoyText, Format::Squid, Format::Combined] {
        if Layout::from(format).read_text(line).is_ok() {
            return Some(format);
        }
    }
    // A list whose first port is wrong is a list, and its other lines can be read.
    let is_url = matches!(Url::parse(line), Ok(_) | Err(UrlError::Port));
    (is_first && is_url).then_some(Format::Urls)
}

fn format_of_object(object: &[u8]) -> Option<Format> {
    let mut keys = Vec::new();
    // Of a line that is not JSON no key counts.
    json::object(object, |key, raw| {
        keys.push(key.to_owned());
        if matches!(key, "id") && raw.starts_with('{') {
            // A part of the line, which is JSON as a whole.
            let _ = json::object(raw.as_bytes(), |inner, _| keys.push(format!("{key}.{inner}")));
        }
    })
    .ok()?;
    let has = |name: &str| keys.iter().any(|key| key == name);
    if has("event_type") && (has("flow_id") || has("src_ip")) {
        return Some(Format::Suricata);
    }
    if has("id.orig_h") || has("uid") {
        return match () {
            () if has("query") || has("qtype") => Some(Format::ZeekDns),
            () if has("server_name") || has("cipher") => Some(Format::ZeekSsl),
            () if has("method") || has("host") => Some(Format::ZeekHttp),
            () => None,
        };
    }
    let known = |part: Part| {
        let keys = ACCESS_LOG_KEYS.iter().find(|(known, _)| *known == part);
        keys.is_some_and(|(_, keys)| keys.iter().any(|key| has(key)))
    };
    let is_request = known(Part::Authority) && (known(Part::Path) || known(Part::Method));
    let is_connection =
        known(Part::ServerName) && (known(Part::SourceAddress) || known(Part::UpstreamAddress));
    (is_request || is_connection).then_some(Format::Envoy)
}
