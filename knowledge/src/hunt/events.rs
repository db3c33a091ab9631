//! JSON lines that are not requests: fields by their names.

use std::collections::HashMap;

use inspect::pack::Tables;
use inspect::{Event, FieldId};
use sigma::{AtProxy, MAPPINGS};

use super::json::{self, Time};
use super::{FieldMap, Format, Unreadable};
use crate::log_line::{self, TIME_KEYS};

/// Deepest nesting of JSON objects whose fields are found by `outer.inner`.
const MAX_DEPTH: usize = 8;

/// Which keys of a log answer which fields of a pack.
#[derive(Debug)]
pub(super) struct Binding {
    /// Only for look-ups, so that its order does not matter.
    fields: HashMap<String, Vec<FieldId>>,
    times: Vec<String>,
    keywords: bool,
}

impl Binding {
    pub(super) fn new(tables: &Tables, format: Format, map: &FieldMap) -> Self {
        let mut fields: HashMap<String, Vec<FieldId>> = HashMap::new();
        for (id, name) in (0..).map(FieldId).zip(&tables.fields) {
            for key in keys(tables.str(*name), format, map) {
                fields.entry(key).or_default().push(id);
            }
        }
        let times = match &map.time {
            Some(time) => vec![time.clone()],
            None => TIME_KEYS.iter().map(|key| (*key).to_owned()).collect(),
        };
        Binding { fields, times, keywords: tables.has_keywords() }
    }

    /// Answers an event's fields from a line; gives its time.
    pub(super) fn answer<'l>(
        &self,
        line: &'l [u8],
        event: &mut Event,
    ) -> Result<Option<Time<'l>>, Unreadable> {
        let mut time = None;
        self.object(line, "", 0, event, &mut time)?;
        Ok(time.map(|(_, raw)| Time(raw)))
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
            if raw.starts_with('{') {
                inner.push((name.to_owned(), raw));
                return;
            }
            let ids = self.fields.get(name).map(Vec::as_slice).unwrap_or_default();
            if !ids.is_empty() || self.keywords {
                let answered = value(raw, ids, event);
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
}

/// Answers fields with a value; a list answers with each of its values.
fn value(raw: &str, ids: &[FieldId], event: &mut Event) -> Result<(), Unreadable> {
    if raw == "null" {
        for id in ids {
            event.answer_null(*id);
        }
        return Ok(());
    }
    if raw.starts_with('[') {
        let list: Vec<serde_json::Value> =
            serde_json::from_str(raw).map_err(|_| Unreadable::NotJson)?;
        for value in list {
            match value {
                serde_json::Value::String(text) => add(text.as_bytes(), ids, event),
                serde_json::Value::Number(number) => {
                    add(number.to_string().as_bytes(), ids, event);
                }
                serde_json::Value::Bool(truth) => add(truth.to_string().as_bytes(), ids, event),
                serde_json::Value::Null => {
                    for id in ids {
                        event.answer_null(*id);
                    }
                }
                // Fields of objects in lists have no name that a rule could use.
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {}
            }
        }
        return Ok(());
    }
    add(log_line::text(raw)?.as_bytes(), ids, event);
    Ok(())
}

fn add(bytes: &[u8], ids: &[FieldId], event: &mut Event) {
    let text = event.text(bytes);
    if ids.is_empty() {
        event.add_loose(text);
    }
    for id in ids {
        event.answer(*id, text);
    }
}

/// The keys of a log that answer a field: what the map says, else its own name; and in Zeek's logs the
/// key that is the same at a proxy ([`MAPPINGS`]).
fn keys(field: &str, format: Format, map: &FieldMap) -> Vec<String> {
    if let Some(key) = map.fields.get(field) {
        return vec![key.clone()];
    }
    let mut keys = vec![field.to_owned()];
    let service = match format {
        Format::ZeekDns => "dns",
        Format::ZeekSsl => "ssl",
        Format::Envoy | Format::Har | Format::ZeekHttp | Format::Urls | Format::Json => {
            return keys;
        }
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
            // The server name is the host that a client wants, so far as TLS tells.
            let is_host = service == "ssl" && *here == "tls.client.server_name";
            if at_proxy.iter().any(|name| name == here || is_host && *name == "cs-host") {
                keys.push((*key).to_owned());
            }
        }
    }
    keys.dedup();
    keys
}
