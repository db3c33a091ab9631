//! How a log is read, by its first lines.

use std::sync::Arc;

use crate::azure_firewall::FirewallEvent;
use crate::column::{Column, Container, columns};
use crate::envelope::Envelope;
use crate::format::{Alerts, Header, may_be_header};
use crate::hubble::Flow;
use crate::pairs::Pairs;
use crate::part::{ACCESS_LOG_KEYS, Part};
use crate::table::{self, Table};
use crate::url::{Url, UrlError};
use crate::zeek_text::Columns;
use crate::{BYTE_ORDER_MARK, Format, Layout, Unreadable, document, har, json};

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
            header: found.header,
            is_document: found.is_document,
            ..self
        }
    }

    /// Detects how one line of a log is read whose own lines are of another format; `None` for a header, and for
    /// a part of a line.
    pub(crate) fn of_other_line(line: &[u8]) -> Option<Layout> {
        let layout = of_line(line, true, None)?;
        Some(Layout { alerts: Alerts { of_http: true, of_tls: true }, ..layout })
    }

    fn find(start: &[u8], given: Option<&Layout>) -> Option<Layout> {
        let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
        let mut found = Layout::of_start(start, given)?;
        found.is_detected = given.is_none();
        if found.format == Format::Suricata {
            found.alerts = alerts(start);
        }
        Some(found)
    }

    fn of_start(start: &[u8], given: Option<&Layout>) -> Option<Layout> {
        let wanted = given.map(|layout| layout.format);
        if wanted.is_none_or(|format| format == Format::Har) && har::is_archive(start) {
            return Some(Layout::from(Format::Har));
        }
        // What is in front of a header may be a log of its own.
        let header = header_at(start).unwrap_or_default();
        let (before, behind) = start.split_at_checked(header).unwrap_or_default();
        if let Some(layout) = of_lines(before, given, wanted) {
            return Some(layout);
        }
        if let Some(layout) = zeek_text(behind) {
            return Some(layout);
        }
        if let Some(layout) = w3c(behind) {
            return Some(layout);
        }
        if let Some(layout) = of_document(start, wanted) {
            return Some(layout);
        }
        of_lines(start, given, wanted).or_else(|| {
            // A map names the columns, whatever they are.
            let mut lines = crate::lines(start).map(<[u8]>::trim_ascii);
            let line = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"))?;
            let line = str::from_utf8(line).ok().filter(|line| !line.starts_with(['{', '[']))?;
            let table = Table::of_any_csv(line).filter(|_| wanted == Some(Format::Json))?;
            Some(table_layout(table))
        })
    }
}

/// Returns where the first header of Zeek or of the extended format begins.
fn header_at(start: &[u8]) -> Option<usize> {
    let mut at = 0;
    let start = start.get(..MAX_HEADER_BYTES).unwrap_or(start);
    crate::lines(start).find_map(|line| {
        let here = at;
        at += line.len() + 1;
        (line.starts_with(b"#") && may_be_header(line)).then_some(here)
    })
}

/// The layout of the first of a log's lines that is of a known format.
fn of_lines(start: &[u8], given: Option<&Layout>, wanted: Option<Format>) -> Option<Layout> {
    let lines = crate::lines(start).map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    let mut found: Option<Layout> = None;
    for (idx, line) in lines.take(MAX_LINES).enumerate() {
        let layout = of_line(line, idx == 0, given).or_else(|| csv(line, wanted));
        let Some(layout) = layout else { continue };
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

/// Returns which alerts of Suricata are requests: those of a kind of event that the first lines do not have.
fn alerts(start: &[u8]) -> Alerts {
    let has = |kind: &str| {
        let kinds = [format!("\"event_type\":\"{kind}\""), format!("\"event_type\": \"{kind}\"")];
        kinds.iter().any(|kind| memchr::memmem::find(start, kind.as_bytes()).is_some())
    };
    Alerts { of_http: !has("http"), of_tls: !has("tls") }
}

fn table_layout(table: Table) -> Layout {
    let layout = Layout::from(table.format());
    Layout { header: Some(Arc::new(Header::Table(table))), ..layout }
}

/// The layout of a log in the extended format of the W3C, by the last `#Fields:` of its first header.
fn w3c(start: &[u8]) -> Option<Layout> {
    let start = start.get(..MAX_HEADER_BYTES).unwrap_or(start);
    let is_fields = |line: &&[u8]| {
        line.starts_with(b"#") && table::strip_fields(&String::from_utf8_lossy(line)).is_some()
    };
    let lines = crate::lines(start).map(<[u8]>::trim_ascii).skip_while(|line| !is_fields(line));
    let header = lines.take_while(|line| line.starts_with(b"#"));
    let header: Vec<_> = header.filter(is_fields).map(String::from_utf8_lossy).collect();
    Table::of_w3c(header.last()?).map(table_layout)
}

/// The layout of CSV, if a line is its header.
fn csv(line: &[u8], wanted: Option<Format>) -> Option<Layout> {
    if !matches!(wanted, None | Some(Format::Csv | Format::Json)) || line.starts_with(b"{") {
        return None;
    }
    Table::of_csv(str::from_utf8(line).ok()?).map(table_layout)
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
        "conn" => Format::ZeekConn,
        _ => return None,
    };
    Some(Layout { header: Some(Arc::new(Header::Zeek(columns))), ..Layout::from(format) })
}

/// How much of a log its header may take.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// The layout of objects that are not one a line: of a list, in an export's own object, or written over several
/// lines.
fn of_document(start: &[u8], wanted: Option<Format>) -> Option<Layout> {
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    };
    let text = text.trim_ascii_start();
    if !document::is_document(text) {
        return None;
    }
    let wanted = wanted.filter(|format| !matches!(format, Format::Har | Format::Urls));
    document::first_objects(text).take(MAX_LINES).find_map(|object| {
        let given = wanted.map(Layout::from);
        let layout = of_line(object.as_bytes(), false, given.as_ref());
        let layout = layout.or_else(|| Some(Layout::from(wanted?)))?;
        Some(Layout { is_document: true, ..layout })
    })
}

/// The layout of one line, as it is or unwrapped; of a layout that is given.
fn of_line(line: &[u8], is_first: bool, given: Option<&Layout>) -> Option<Layout> {
    let layouts = Envelope::of_line(line).into_iter().filter_map(|envelope| {
        let unwrapped = envelope.unwrap(line);
        if unwrapped.is_partial {
            return None;
        }
        let line = unwrapped.line.trim_ascii();
        let layout = match given {
            None => {
                of_known_row(line).or_else(|| format_of_line(line, is_first).map(Layout::from))?
            }
            Some(given) if given.reads(line) => given.clone(),
            Some(_) => return None,
        };
        Some(Layout { envelope, ..layout })
    });
    let mut layouts = layouts.filter(|layout| layout.format != Format::Urls || layout.is_plain());
    let first = layouts.next()?;
    // The names of a machine and of a file around a line look like the host and the path of a request.
    let may_be_wrapper = given.is_none() && first.is_plain() && first.format == Format::Envoy;
    let inner = if may_be_wrapper { layouts.next() } else { None };
    Some(inner.unwrap_or(first))
}

impl Layout {
    /// Returns true if a line looks like one of the layout's format.
    fn reads(&self, line: &[u8]) -> bool {
        match self.format {
            // Any object may be one of these; the first that has no line in it is not wrapped.
            Format::Json => line.starts_with(b"{") && Envelope::of_line(line).len() == 1,
            Format::EnvoyText | Format::Squid | Format::Combined | Format::HaProxy => {
                str::from_utf8(line).is_ok_and(|line| self.read_text(line).is_ok())
            }
            format => format_of_line(line, true) == Some(format),
        }
    }
}

/// The layout of a row of CSV whose columns are known without a header.
fn of_known_row(line: &[u8]) -> Option<Layout> {
    if line.starts_with(b"{") {
        return None;
    }
    Table::of_known_row(str::from_utf8(line).ok()?).map(table_layout)
}

fn format_of_line(line: &[u8], is_first: bool) -> Option<Format> {
    if line.starts_with(b"{") {
        return format_of_object(line);
    }
    let line = str::from_utf8(line).ok()?;
    for format in [Format::EnvoyText, Format::Squid, Format::Combined, Format::HaProxy] {
        if Layout::from(format).read_text(line).is_ok() {
            return Some(format);
        }
    }
    // A list whose first port is wrong is a list, and its other lines can be read.
    let is_url = matches!(Url::parse(line), Ok(_) | Err(UrlError::Port));
    if is_url {
        return is_first.then_some(Format::Urls);
    }
    Pairs::read(line).filter(Pairs::is_request).map(|_| Format::KeyValue)
}

/// Adds the names of an object's keys, those of objects in it as `outer.inner`.
fn names(
    object: &str,
    outer: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), Unreadable> {
    json::object(object.as_bytes(), |key, raw| {
        let name = if outer.is_empty() { key.to_owned() } else { format!("{outer}.{key}") };
        if raw.starts_with('{') && depth < MAX_NAME_DEPTH {
            // A part of the line, which is JSON as a whole.
            let _ = names(raw, &name, depth + 1, found);
        }
        found.push(name);
    })
}

/// Deepest objects whose keys are looked at to detect a format: `http.request.method`.
const MAX_NAME_DEPTH: usize = 2;

/// Returns the format of an object, by the names of its keys.
pub(crate) fn format_of_object(object: &[u8]) -> Option<Format> {
    let mut keys = Vec::new();
    // Of a line that is not JSON no key counts.
    names(json::text_of(object).ok()?, "", 0, &mut keys).ok()?;
    let has = |name: &str| keys.iter().any(|key| key == name);
    if has("event_type") && (has("flow_id") || has("src_ip")) {
        return Some(Format::Suricata);
    }
    if has("id.orig_h") || has("id_orig_h") || has("uid") {
        return match () {
            () if has("query") || has("qtype") => Some(Format::ZeekDns),
            () if has("server_name") || has("cipher") => Some(Format::ZeekSsl),
            () if has("method") || has("host") => Some(Format::ZeekHttp),
            () if has("conn_state") => Some(Format::ZeekConn),
            () => None,
        };
    }
    if let Ok(Some(event)) = FirewallEvent::read(object) {
        return event.is_of_hosts().then_some(Format::AzureFirewall);
    }
    let is_flow = has("flow.l7") || has("l7") && has("IP");
    if is_flow {
        return Flow::read(object).ok()?.is_request().then_some(Format::Hubble);
    }
    if has("httpRequest.requestUrl") || has("httpRequest.requestMethod") {
        return Some(Format::Gcp);
    }
    if has("query_name") && has("srcaddr") && has("query_type") {
        return Some(Format::Route53);
    }
    if has("event") && has("request.host") && has("pack.hash") {
        return Some(Format::Events);
    }
    if has("class_uid") || has("http_request.url") && has("src_endpoint") {
        return Some(Format::Ocsf);
    }
    let is_ecs_request = has("url.domain") || has("url.full") || has("url.original");
    let is_ecs = has("ecs.version") || has("http.request.method") || has("url.path");
    if is_ecs && (is_ecs_request || has("tls.client.server_name")) {
        return Some(Format::Ecs);
    }
    let known = |part: Part| {
        let keys = ACCESS_LOG_KEYS.iter().find(|(known, _)| *known == part);
        keys.is_some_and(|(_, keys)| keys.iter().any(|key| has(key)))
    };
    let is_request = known(Part::Authority)
        && (known(Part::Path) || known(Part::Method) || known(Part::RequestLine));
    let is_connection =
        known(Part::ServerName) && (known(Part::SourceAddress) || known(Part::UpstreamAddress));
    // A path under a name that only exports have (Fastly).
    let has_other_path = !known(Part::Path) && !known(Part::RequestLine) && has("url");
    (is_request && !(has_other_path && is_row(object)) || is_connection)
        .then_some(Format::Envoy)
        .or_else(|| is_row(object).then_some(Format::JsonRows))
}

/// Returns true if the keys of an object are names of columns that describe a request: a URL, or a host beside a path or a method,
/// and what else a request has. Messages of programs have a URL alone.
fn is_row(object: &[u8]) -> bool {
    let mut known = Vec::new();
    // Of a line that is not JSON no key counts.
    let read = columns(object, Container::Line, &mut |column, _| known.push(column));
    if read.is_err() {
        return false;
    }
    let has = |wanted: Part| {
        known.iter().any(|of| matches!(of, Column::Part(part, _) if *part == wanted))
    };
    let has_url = known.contains(&Column::Part(Part::Path, Column::URL));
    let has_host = has(Part::Authority) || has(Part::ServerName);
    let has_target = has_url || has_host && (has(Part::Path) || has(Part::Method));
    // TLS that a gateway does not open.
    if has(Part::ServerName) && has(Part::SourceAddress) {
        return true;
    }
    let others = [Part::Method, Part::UserAgent, Part::SourceAddress, Part::Status];
    has_target && others.into_iter().filter(|part| has(*part)).count() > 1
}
