//! The formats of logs, and how the lines of one log are read.

use std::sync::{Arc, LazyLock};

use crate::envelope::Envelope;
use crate::slots::Slots;
use crate::table::Table;
use crate::text_format::{self, TextFormat};
use crate::zeek_text::Columns;
use crate::{Unreadable, haproxy_text, proxy_text};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Suricata's `eve.json`: its events `http` and `tls`, and alerts where it has none of these.
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
    /// JSON whose keys are names of columns, as searches and proxies export them.
    JsonRows,
    /// Lines of keys with values, of CEF and of LEEF, with keys that are names of columns.
    KeyValue,
    /// Entries of Google Cloud Logging with an `httpRequest`.
    Gcp,
    /// Events of Azure Firewall: of application rules, threat intelligence and queries.
    AzureFirewall,
    /// Flows of Cilium's Hubble: of HTTP, and of queries, as hosts.
    Hubble,
    /// The log of queries of Amazon Route 53 Resolver: queries, as hosts.
    Route53,
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
        ("json-rows", Format::JsonRows),
        ("key-value", Format::KeyValue),
        ("gcp", Format::Gcp),
        ("azure-firewall", Format::AzureFirewall),
        ("hubble", Format::Hubble),
        ("route53", Format::Route53),
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
    /// Which alerts of Suricata are requests.
    pub(crate) alerts: Alerts,
    /// Whether the log's own lines say all this, so that lines of other formats are read as well.
    pub(crate) is_detected: bool,
}

/// Which alerts of Suricata are the only lines about their request. Where Suricata also logs its requests an
/// alert repeats one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alerts {
    /// Those with a request.
    pub(crate) of_http: bool,
    /// Those with a server name.
    pub(crate) of_tls: bool,
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
        static NONE: LazyLock<Arc<[TextFormat]>> = LazyLock::new(|| Arc::new([]));
        static DEFAULT: LazyLock<Arc<[TextFormat]>> = LazyLock::new(|| {
            let formats = [text_format::ENVOY, text_format::ISTIO].map(TextFormat::compile);
            formats.into_iter().flatten().collect()
        });
        let texts = if format == Format::EnvoyText { &DEFAULT } else { &NONE };
        Layout {
            format,
            envelope: Envelope::default(),
            header: None,
            texts: Arc::clone(texts),
            is_document: format == Format::Har,
            alerts: Alerts::default(),
            is_detected: false,
        }
    }
}

impl From<TextFormat> for Layout {
    /// Returns the layout of lines that a format string writes.
    fn from(text: TextFormat) -> Layout {
        Layout { texts: vec![text].into(), ..Layout::from(Format::EnvoyText) }
    }
}

/// How the header of a Zeek log begins.
pub(crate) const ZEEK_MARK: &[u8] = b"#separator";

/// Fewest digits of a line that is not looked at as a header of CSV: names have few, and values many.
const MIN_DIGITS: usize = 4;

/// Returns false for lines that are no headers, which is seen by their first bytes almost always.
pub(crate) fn may_be_header(line: &[u8]) -> bool {
    match line.first() {
        None | Some(b'{' | b'[' | b'<') => false,
        Some(b'#') => {
            line.starts_with(ZEEK_MARK)
                || line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"#fields:"))
        }
        Some(_) => {
            line.iter().filter(|byte| byte.is_ascii_digit()).nth(MIN_DIGITS - 1).is_none()
                && line.iter().any(|byte| b",;\t|".contains(byte))
        }
    }
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

    /// Returns where a header begins in a buffer of whole lines that is not this layout's, as in logs that were
    /// joined: what follows it is another log. `None` at the start of the buffer, for which there is
    /// [`Layout::is_over`], and where the format was given and has no header.
    pub fn next_header(&self, buffer: &[u8]) -> Option<usize> {
        if self.header.is_none() && !self.is_detected {
            return None;
        }
        if self.header.is_none() {
            // Almost all lines of logs in JSON are objects, and a header is none.
            let mut starts = memchr::memchr_iter(b'\n', buffer).map(|end| end + 1);
            let is_odd = |start: usize| buffer.get(start).is_some_and(|first| *first != b'{');
            if !starts.any(is_odd) {
                return None;
            }
        }
        let mut at = 0;
        for line in crate::lines(buffer) {
            if at > 0 && may_be_header(line) && self.is_other_header(buffer.get(at..)?) {
                return Some(at);
            }
            at += line.len() + 1;
        }
        None
    }

    /// Returns true if a buffer behind lines of this layout begins with another log's header. Of a line that goes on
    /// behind the buffer that is not known.
    pub fn is_over(&self, buffer: &[u8]) -> bool {
        let Some(end) = memchr::memchr(b'\n', buffer) else { return false };
        (self.header.is_some() || self.is_detected)
            && may_be_header(buffer.get(..end).unwrap_or_default())
            && self.is_other_header(buffer)
    }

    /// Returns true if a text begins with a header that is not this layout's.
    fn is_other_header(&self, text: &[u8]) -> bool {
        let first = crate::lines(text).next().unwrap_or_default();
        let own = self.header.as_deref();
        let other = match () {
            () if first.starts_with(ZEEK_MARK) => {
                // The next mark begins a header of its own: each line is looked at once.
                let behind = crate::lines(text).skip(1);
                let lines = behind
                    .take_while(|line| line.starts_with(b"#") && !line.starts_with(ZEEK_MARK));
                let length = first.len() + 1 + lines.map(|line| line.len() + 1).sum::<usize>();
                let text = String::from_utf8_lossy(text.get(..length).unwrap_or(text));
                Columns::read(&text).map(Header::Zeek)
            }
            () if first.starts_with(b"#") => {
                Table::of_w3c(&String::from_utf8_lossy(first)).map(Header::Table)
            }
            () => {
                let first = str::from_utf8(first).ok().map(str::trim_ascii);
                first.and_then(Table::of_csv).map(Header::Table)
            }
        };
        other.is_some_and(|other| own != Some(&other))
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

    /// Reads a line by the first format string that fits it.
    fn envoy_text<'l>(&self, line: &'l str) -> Option<Slots<'l>> {
        self.texts.iter().find_map(|text| {
            let mut slots = Slots::of_text();
            text.read(line, &mut slots).map(|()| slots)
        })
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
            _ => self.envoy_text(line).or_else(|| {
                // A word in front of the time, as `ACCESS [2026-...`.
                let (word, _) = line.split_once(" [")?;
                let is_word = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
                is_word.then(|| line.get(word.len() + 1..))?.and_then(|line| self.envoy_text(line))
            }),
        };
        slots.ok_or(Unreadable::NotOfFormat)
    }
}
