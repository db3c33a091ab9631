//! JSON lines that are not requests: fields by their names.

use std::collections::HashMap;

use inspect::pack::Tables;
use inspect::{Event, FieldId, split_port};
use sigma::{AtProxy, MAPPINGS};

use traffic::json::{self, Time};
use traffic::url::Url;
use traffic::{FieldMap, Format, Line, TIME_KEYS, Unreadable};

/// Deepest nesting of JSON objects whose fields are found by `outer.inner`.
const MAX_DEPTH: usize = 8;

/// Which keys of a log answer which fields of a pack.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Only for look-ups, so that its order does not matter.
    fields: HashMap<String, Vec<FieldId>>,
    /// `cs-host`, if the pack asks for it: its values lose their port, as those of requests do.
    host_id: Option<FieldId>,
    times: Vec<String>,
    keywords: bool,
    /// The keys of a policy's inputs.
    host: Vec<String>,
    uri: Vec<String>,
    source: Vec<String>,
}

impl Binding {
    pub(crate) fn new(tables: &Tables, format: Format, map: &FieldMap) -> Self {
        let mut fields: HashMap<String, Vec<FieldId>> = HashMap::new();
        let mut host_id = None;
        for (id, name) in (0..).map(FieldId).zip(&tables.fields) {
            if tables.str(*name) == "cs-host" {
                host_id = Some(id);
            }
            for key in keys(tables.str(*name), format, map) {
                fields.entry(key).or_default().push(id);
            }
        }
        let times = match &map.time {
            Some(time) => vec![time.clone()],
            None => TIME_KEYS.iter().map(|key| (*key).to_owned()).collect(),
        };
        let uri = ["c-uri", "c-uri-path"].iter().flat_map(|field| keys(field, format, map));
        Binding {
            fields,
            host_id,
            times,
            keywords: tables.has_keywords(),
            host: keys("cs-host", format, map),
            uri: uri.collect(),
            source: keys("src_ip", format, map),
        }
    }

    /// Answers an event's fields from a line; returns its time.
    pub(crate) fn answer<'l>(
        &self,
        line: &'l [u8],
        event: &mut Event,
    ) -> Result<Option<Time<'l>>, Unreadable> {
        let mut time = None;
        self.object(line, "", 0, event, &mut time)?;
        Ok(time.map(|(_, raw)| Time(raw)))
    }

    /// Returns the inputs of a policy, as far as the keys give them: host, path and source.
    pub(crate) fn policy_input<'l>(&self, line: &'l [u8]) -> Result<Line<'l>, Unreadable> {
        let mut found = Line::default();
        let mut failure = None;
        walk(line, "", 0, &mut |name, raw| {
            let is_one = |keys: &[String]| keys.iter().any(|key| key == name);
            let place = match () {
                () if is_one(&self.host) => &mut found.authority,
                () if is_one(&self.source) => found.source_address.get_or_insert_default(),
                () if is_one(&self.uri) => found.path.get_or_insert_default(),
                () => return,
            };
            match json::text(raw) {
                Ok(text) if raw.starts_with('"') && place.is_empty() => *place = text,
                Ok(_) => {}
                Err(reason) => failure = Some(reason),
            }
        })?;
        if let Some(reason) = failure {
            return Err(reason);
        }
        let url = found.path.as_deref().and_then(|path| Url::parse(path).ok());
        let url = url.map(|url| (url.host.to_owned(), url.request_path()));
        if let Some((host, path)) = url {
            found.path = Some(String::from_utf8_lossy(&path).into_owned().into());
            if found.authority.is_empty() {
                found.authority = host.into();
            }
        }
        Ok(found)
    }

    fn object<'l>(
        &self,
        line: &'l [u8],
        path: &str,
        depth: usize,
        event: &mut Event,
        time: &mut Option<(usize, &'l str)>,
    ) -> Result<(), Unreadable> {
        let mut inner = Vec::new();
        let mut broken = None;
        json::object(line, |key, raw| {
            let joined;
            let name = if path.is_empty() {
                key
            } else {
                joined = format!("{path}.{key}");
                &joined
            };
            let rank = self.times.iter().position(|time| time == name);
            if let Some(rank) = rank
                && time.is_none_or(|(known, _)| rank <= known)
            {
                *time = Some((rank, raw));
            }
            let ids = self.fields.get(name).map(Vec::as_slice).unwrap_or_default();
            if raw.starts_with('{') {
                null(ids, event);
                inner.push((name.to_owned(), raw));
                return;
            }
            if !ids.is_empty() || self.keywords {
                let answered = self.value(raw, ids, event);
                broken = broken.or(answered.err());
            }
        })?;
        if let Some(reason) = broken {
            return Err(reason);
        }
        for (name, raw) in inner {
            if depth < MAX_DEPTH {
                self.object(raw.as_bytes(), &name, depth + 1, event, time)?;
            }
        }
        Ok(())
    }

    /// Answers fields with a value; a list answers with each of its values, and as null does where it has
    /// none: the field is there.
    fn value(&self, raw: &str, ids: &[FieldId], event: &mut Event) -> Result<(), Unreadable> {
        if raw == "null" {
            null(ids, event);
            return Ok(());
        }
        if raw.starts_with('[') {
            null(ids, event);
            let list: Vec<serde_json::Value> =
                serde_json::from_str(raw).map_err(|_| Unreadable::NotJson)?;
            for value in list {
                match value {
                    serde_json::Value::String(text) => self.add(text.as_bytes(), ids, event),
                    serde_json::Value::Number(number) => {
                        self.add(number.to_string().as_bytes(), ids, event);
                    }
                    serde_json::Value::Bool(truth) => {
                        self.add(truth.to_string().as_bytes(), ids, event);
                    }
                    // Fields of objects in lists have no name that a rule could use.
                    serde_json::Value::Null
                    | serde_json::Value::Array(_)
                    | serde_json::Value::Object(_) => {}
                }
            }
            return Ok(());
        }
        self.add(json::text(raw)?.as_bytes(), ids, event);
        Ok(())
    }

    fn add(&self, bytes: &[u8], ids: &[FieldId], event: &mut Event) {
        let text = event.text(bytes);
        if ids.is_empty() {
            event.add_unnamed(text);
        }
        for id in ids {
            let (host, port) = match self.host_id {
                Some(host_id) if host_id == *id => split_port(bytes),
                _ => (bytes, &b""[..]),
            };
            if port.is_empty() {
                event.answer(*id, text);
                continue;
            }
            let host = event.text(host);
            event.answer(*id, host);
            if self.keywords {
                // These are looked for in all that the line says.
                event.add_unnamed(text);
            }
        }
    }
}

/// Visits the values of an object and of those in it, by the names `outer.inner`.
fn walk<'l>(
    line: &'l [u8],
    path: &str,
    depth: usize,
    visit: &mut dyn FnMut(&str, &'l str),
) -> Result<(), Unreadable> {
    let mut inner = Vec::new();
    json::object(line, |key, raw| {
        let name = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if raw.starts_with('{') { inner.push((name, raw)) } else { visit(&name, raw) }
    })?;
    for (name, raw) in inner {
        if depth < MAX_DEPTH {
            walk(raw.as_bytes(), &name, depth + 1, visit)?;
        }
    }
    Ok(())
}

/// Answers fields as present, without a value so far.
fn null(ids: &[FieldId], event: &mut Event) {
    for id in ids {
        event.answer_null(*id);
    }
}

/// Returns the keys of a log that answer a field: what the map says, else its own name; and in Zeek's logs the
/// key that is the same at a proxy ([`MAPPINGS`]).
fn keys(field: &str, format: Format, map: &FieldMap) -> Vec<String> {
    if let Some(key) = map.fields.get(field) {
        return vec![key.clone()];
    }
    let mut keys = vec![field.to_owned()];
    let service = match format {
        Format::ZeekDns => "dns",
        Format::ZeekSsl => "ssl",
        Format::Envoy
        | Format::EnvoyText
        | Format::Har
        | Format::ZeekHttp
        | Format::ZeekConn
        | Format::Suricata
        | Format::Ecs
        | Format::Ocsf
        | Format::JsonRows
        | Format::KeyValue
        | Format::Gcp
        | Format::AzureFirewall
        | Format::Hubble
        | Format::Route53
        | Format::Events
        | Format::Squid
        | Format::Combined
        | Format::HaProxy
        | Format::W3c
        | Format::Csv
        | Format::Urls
        | Format::Json => return keys,
    };
    let at_proxy: Vec<&str> = MAPPINGS
        .iter()
        .flat_map(|mapping| mapping.fields)
        .filter_map(|(name, at_proxy)| match at_proxy {
            AtProxy::Field(at_proxy) if *name == field => Some(*at_proxy),
            AtProxy::Field(_) | AtProxy::Always(_) => None,
        })
        .chain([field])
        .collect();
    for mapping in MAPPINGS.iter().filter(|of| of.product == "zeek" && of.service == service) {
        for (key, here) in mapping.fields {
            let AtProxy::Field(here) = here else { continue };
            // The server name is the host that a client wants, as far as TLS shows it.
            let is_host = service == "ssl" && *here == "tls.client.server_name";
            if at_proxy.iter().any(|name| name == here || is_host && *name == "cs-host") {
                keys.push((*key).to_owned());
            }
        }
    }
    keys.dedup();
    keys
}
