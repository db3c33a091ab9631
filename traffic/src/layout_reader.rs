//! Lines of one layout, unwrapped, to requests and events.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::azure_firewall::FirewallEvent;
use crate::entry::{Entry, LoggedRequest};
use crate::format::{Alerts, Header};
use crate::hubble::Flow;
use crate::json;
use crate::limits::MAX_LINE_BYTES;
use crate::line;
use crate::pairs::Pairs;
use crate::part::Part;
use crate::requests::line_reader;
use crate::slots::{LineReader, Slots};
use crate::table::Table;
use crate::{FieldMap, Format, Layout, Unreadable, har};

/// Reads the lines of a layout.
#[derive(Debug)]
pub(crate) struct LayoutReader {
    pub(crate) layout: Layout,
    reader: Option<LineReader>,
}

/// Why a line is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// It cannot be.
    Unreadable(Unreadable),
    /// It can be, but another format may give more of it.
    Doubtful,
}

impl From<Unreadable> for Miss {
    fn from(reason: Unreadable) -> Miss {
        Miss::Unreadable(reason)
    }
}

/// Takes what a line is.
type Visit<'v> = dyn FnMut(Entry<'_>) + 'v;

impl LayoutReader {
    pub(crate) fn new(layout: Layout, map: &FieldMap) -> LayoutReader {
        let reader = line_reader(layout.format, map);
        LayoutReader { layout, reader }
    }

    /// Returns a line without white space around it; in a row a tab may be beside an empty value.
    pub(crate) fn trimmed<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        match self.layout.header {
            Some(_) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line.trim_ascii(),
        }
    }

    /// Reads a line that is unwrapped, and visits what it is. `takes_doubtful` says to take lines too of which
    /// another format may give more; `other` is the layout's format where it is not that of the log.
    ///
    /// # Errors
    /// The line is not read, and nothing was visited.
    pub(crate) fn read(
        &mut self,
        line: &[u8],
        takes_doubtful: bool,
        other: Option<Format>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Miss> {
        let line = self.trimmed(line);
        if line.trim_ascii().is_empty() {
            visit(Entry::Blank);
            return Ok(());
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(Unreadable::TooLong.into());
        }
        if !takes_doubtful && self.is_doubtful(line) {
            return Err(Miss::Doubtful);
        }
        if self.layout.format == Format::KeyValue {
            let pairs =
                Pairs::read(&String::from_utf8_lossy(line)).ok_or(Unreadable::NotOfFormat)?;
            if !pairs.has_host() {
                // Firewalls write connections and their own affairs beside requests.
                visit(Entry::Blank);
                return Ok(());
            }
            return self.line(&pairs.into_json(), takes_doubtful, other, visit);
        }
        let Some(header) = self.layout.header.clone() else {
            return self.line(line, takes_doubtful, other, visit);
        };
        let text = String::from_utf8_lossy(line);
        match &*header {
            Header::Zeek(columns) if !columns.is_row(&text) => Err(Unreadable::NotOfFormat.into()),
            Header::Zeek(columns) => self.line(&columns.to_json(&text), true, other, visit),
            Header::Table(table) => self.row(table, &text, takes_doubtful, visit),
        }
    }

    /// Returns true if a line looks as none of this layout does, although it may be read as one: an object among
    /// rows, and an object without the keys that Zeek's log of the layout has.
    fn is_doubtful(&self, line: &[u8]) -> bool {
        if self.layout.header.is_some() {
            return line.starts_with(b"{");
        }
        let marks: &[&[u8]] = match self.layout.format {
            Format::ZeekSsl => &[b"\"server_name\"", b"\"cipher\"", b"\"resumed\""],
            Format::ZeekDns => &[b"\"query\"", b"\"qtype\"", b"\"qtype_name\""],
            Format::ZeekConn => &[b"\"conn_state\""],
            _ => return false,
        };
        marks.iter().all(|mark| memchr::memmem::find(line, mark).is_none())
    }

    fn line(
        &mut self,
        line: &[u8],
        takes_doubtful: bool,
        other: Option<Format>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Miss> {
        let format = self.layout.format;
        let mut logged = LoggedRequest { other, ..LoggedRequest::default() };
        if let Some(reader) = &mut self.reader {
            let mut slots = Slots::default();
            reader.read(line, &mut slots)?;
            if format == Format::Suricata {
                if is_other_event(line, self.layout.alerts) {
                    visit(Entry::Blank);
                    return Ok(());
                }
                if slots.raw(Part::Authority).is_none() && is_http_2(line) {
                    if slots.raw(Part::Method).is_none() {
                        // Frames of a stream that is no request.
                        visit(Entry::Blank);
                        return Ok(());
                    }
                    if let Some(authority) = http_2_authority(line) {
                        slots.set_once(Part::Authority, authority);
                    }
                }
            }
            if !takes_doubtful && is_half_read(format, &slots, line) {
                return Err(Miss::Doubtful);
            }
            let key = |part| reader.key(part, &slots).to_owned();
            let mut written = write(&slots, format, key, &mut logged);
            if written == Err(Unreadable::NoPath) && slots.lacks_path(line) {
                // The shipped gateway logs a template, and only where a rule matched.
                logged.lacks_path = true;
                written = Ok(());
            } else if let Some(path) = &logged.line.path {
                // Our own events, in a schema that has no place for templates.
                let is_event = matches!(format, Format::Ecs | Format::Ocsf);
                logged.lacks_path = reader.is_template(&slots) || is_event && path.contains('{');
            }
            written?;
            visit(Entry::Request(&logged));
            return Ok(());
        }
        match format {
            Format::Urls => {
                let mut logged = LoggedRequest::from((line::of_url(line)?, None));
                logged.other = other;
                visit(Entry::Request(&logged));
            }
            Format::EnvoyText | Format::Squid | Format::Combined | Format::HaProxy => {
                let text = String::from_utf8_lossy(line);
                let key = |part: Part| part.as_str().to_owned();
                let slots = self.layout.read_text(&text)?;
                write(&slots, format, key, &mut logged)?;
                visit(Entry::Request(&logged));
            }
            Format::AzureFirewall => {
                let event = FirewallEvent::read(line)?.ok_or(Unreadable::NotOfFormat)?;
                event_of(event.slots(), format, &mut logged, visit)?;
            }
            Format::Hubble => {
                let flow = Flow::read(line)?;
                event_of(flow.slots(), format, &mut logged, visit)?;
            }
            Format::Json | Format::ZeekSsl | Format::ZeekDns | Format::ZeekConn => {
                visit(Entry::Object(line, format));
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
            | Format::JsonRows
            | Format::KeyValue
            | Format::Gcp
            | Format::Route53
            | Format::Events => return Err(Unreadable::NotOfFormat.into()),
        }
        Ok(())
    }

    fn row(
        &mut self,
        table: &Table,
        line: &str,
        takes_doubtful: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), Miss> {
        if table.is_header(line) {
            visit(Entry::Blank);
            return Ok(());
        }
        let row = table.row(line).ok_or(Unreadable::NotOfFormat)?;
        if table.is_other(&row) {
            visit(Entry::Blank);
            return Ok(());
        }
        if !matches!(self.layout.format, Format::W3c | Format::Csv) {
            // The names of the columns are keys, as of a map.
            return self.line(&table.to_json(row), true, None, visit);
        }
        let mut slots = Slots::of_text();
        table.write(&row, &mut slots);
        let key = |part: Part| table.name(part).unwrap_or_else(|| part.as_str()).to_owned();
        let mut logged = LoggedRequest::default();
        write(&slots, self.layout.format, key, &mut logged)?;
        if !takes_doubtful && (!logged.unread.is_empty() || table.is_odd(&row)) {
            return Err(Miss::Doubtful);
        }
        visit(Entry::Request(&logged));
        Ok(())
    }
}

/// Visits the request of an event, or a line that is none: firewalls and meshes write packets beside requests.
fn event_of<'l>(
    slots: Option<Slots<'l>>,
    format: Format,
    logged: &mut LoggedRequest<'l>,
    visit: &mut Visit<'_>,
) -> Result<(), Unreadable> {
    let Some(slots) = slots else {
        visit(Entry::Blank);
        return Ok(());
    };
    write(&slots, format, |part| part.as_str().to_owned(), logged)?;
    visit(Entry::Request(logged));
    Ok(())
}

/// Reads an entry of an HTTP archive.
///
/// # Errors
/// It is not a request.
pub(crate) fn har_entry(
    entry: &str,
    other: Option<Format>,
    visit: &mut Visit<'_>,
) -> Result<(), Unreadable> {
    let mut logged = LoggedRequest::from(har::request(entry)?);
    logged.other = other;
    visit(Entry::Request(&logged));
    Ok(())
}

/// Returns true if a request has no source, and the line seems to be of another format that calls it otherwise:
/// Zeek's `http.log` and access logs have the keys of host, method and path in common.
fn is_half_read(format: Format, slots: &Slots<'_>, line: &[u8]) -> bool {
    if slots.raw(Part::SourceAddress).is_some() {
        return false;
    }
    match format {
        Format::Envoy => memchr::memmem::find(line, b"orig_h").is_some(),
        Format::ZeekHttp | Format::JsonRows => true,
        _ => false,
    }
}

/// Returns true if a line of Suricata is not a request or a connection: an alert may have the request of another
/// line, and other events have none.
fn is_other_event(line: &[u8], alerts: Alerts) -> bool {
    let mut kind = None;
    let (mut has_http, mut has_tls) = (false, false);
    let read = json::object(line, |key, raw| match key {
        "event_type" => kind = Some(raw),
        "http" => has_http = true,
        "tls" => has_tls = true,
        _ => {}
    });
    let is_request = match kind {
        None | Some(r#""http""# | r#""tls""# | r#""quic""#) => true,
        // What is dropped has no other event.
        Some(r#""alert""# | r#""drop""#) => has_http && alerts.of_http || has_tls && alerts.of_tls,
        Some(_) => false,
    };
    read.is_ok() && !is_request
}

fn is_http_2(line: &[u8]) -> bool {
    memchr::memmem::find(line, br#""http2":"#).is_some()
}

/// Returns the authority of Suricata's event of HTTP/2 as it is written: its `hostname` is that of a `host`, which few
/// clients send there.
///
/// See: `rust/src/http2/logger.rs` of Suricata 8.
fn http_2_authority(line: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Header<'l> {
        #[serde(borrow, default)]
        name: Cow<'l, str>,
        #[serde(borrow)]
        value: Option<&'l RawValue>,
    }
    let http = member(line, "http")?;
    let headers: Vec<Header> =
        serde_json::from_str(member(http.as_bytes(), "request_headers")?).ok()?;
    let authority = headers.into_iter().find(|header| header.name == ":authority")?;
    authority.value.map(RawValue::get)
}

/// Returns the value of a key of an object, as it is written.
fn member<'l>(object: &'l [u8], name: &str) -> Option<&'l str> {
    let mut value = None;
    json::object(object, |key, raw| {
        if key == name {
            value = Some(raw);
        }
    })
    .ok()?;
    value
}

/// Writes the request of a line's values. `key` names the key of a part.
fn write<'l>(
    slots: &Slots<'l>,
    format: Format,
    key: impl Fn(Part) -> String,
    logged: &mut LoggedRequest<'l>,
) -> Result<(), Unreadable> {
    let mut unread = slots.write(&mut logged.line);
    if matches!(format, Format::W3c | Format::Csv | Format::JsonRows | Format::KeyValue) {
        logged.line.as_tables_write(slots.raw(Part::Method).is_some());
    }
    if format == Format::Route53 {
        logged.line.as_resolvers_write();
    }
    logged.time = slots.time();
    let mut text = |part| {
        slots.text(part).unwrap_or_else(|_| {
            unread.insert(part);
            None
        })
    };
    logged.identity = text(Part::Identity);
    logged.duration = text(Part::Duration).map(|text| slots.duration(text));
    logged.connection = text(Part::Connection);
    if !unread.is_empty() {
        logged.unread = unread.iter().map(key).collect();
    }
    logged.line.check(unread)
}
