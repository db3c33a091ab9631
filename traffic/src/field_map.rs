//! What a log calls the fields that rules ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnostics::{Diagnostic, Finding, Lines, Place, Span};
use serde::Deserialize;

use inspect::ProxyField;

use crate::codes;
use crate::part::{Keys, Part, TIME_KEYS};

/// A field map, in TOML.
///
/// ```toml
/// time = "event.created"
/// [fields]
/// cs-host = "url.domain"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMap {
    /// The key of the time; without it `start_time`, `timestamp`, `@timestamp`, `time` or `ts`.
    pub time: Option<String>,
    /// The key of each field; nested keys are joined by dots. Other fields have their own names.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// The key of each part of a request ([`Part::as_str`]): lines are read as requests then.
    #[serde(default)]
    pub request: BTreeMap<String, String>,
}

impl FieldMap {
    /// Returns the keys of a request where the map describes one: by `[request]`, or by `[fields]`
    /// that a request has, with a path or a URL among them. Spellings, anomalies and records are then
    /// those of an access log.
    pub(crate) fn request_keys(&self) -> Option<Keys> {
        let mut entries = Vec::new();
        if self.request.is_empty() {
            let mut has_path = false;
            for (field, key) in &self.fields {
                let (part, rank) = of_field(ProxyField::from_name(field)?)?;
                has_path |= part == Part::Path;
                entries.push((key.as_str(), part, rank));
            }
            if !has_path {
                return None;
            }
        } else {
            for (name, key) in &self.request {
                entries.push((key.as_str(), Part::from_name(name)?, 0));
            }
        }
        match &self.time {
            Some(time) => entries.push((time, Part::Time, 0)),
            None => {
                let times = (1..).zip(TIME_KEYS);
                entries.extend(times.map(|(rank, key)| (*key, Part::Time, rank)));
            }
        }
        Some(Keys::build(&entries))
    }

    /// Reads a field map.
    ///
    /// # Errors
    /// The text is not such a map (`F024`).
    pub fn read(file: &Arc<str>, text: &str) -> Result<FieldMap, Box<Finding>> {
        let broken = |span: Span, message: String| {
            let place = Place { file: Arc::clone(file), span };
            let help = "write `time = \"key\"`, and lines as `host = \"key\"` below `[request]`, or as `cs-host = \"key\"` below `[fields]`";
            let code = &codes::BROKEN_FIELD_MAP;
            Box::new(Finding::from(Diagnostic {
                code,
                message,
                help: help.to_owned(),
                place,
                fix: None,
            }))
        };
        let map: FieldMap = toml::from_str(text).map_err(|error| {
            let span = error.span().map(|range| Lines::new(text).span(text, range));
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let span = span.unwrap_or_else(|| Span::point(1, 1));
            broken(span, format!("not a field map: {message}"))
        })?;
        if let Some(name) = map.request.keys().find(|name| Part::from_name(name).is_none()) {
            let names: Vec<_> = Part::ALL.into_iter().map(Part::as_str).collect();
            let message =
                format!("unknown part `{name}` of a request, expected one of {}", names.join(", "));
            return Err(broken(Span::point(1, 1), message));
        }
        Ok(map)
    }
}

/// The part of a request that answers a field, with the rank among the fields of one part.
fn of_field(field: ProxyField) -> Option<(Part, u8)> {
    Some(match field {
        ProxyField::Uri => (Part::Path, 0),
        ProxyField::UriStem => (Part::Path, 1),
        ProxyField::UriQuery => (Part::Query, 0),
        ProxyField::UserAgent => (Part::UserAgent, 0),
        ProxyField::RequestBytes => (Part::RequestBytes, 0),
        ProxyField::Cookie => (Part::Cookie, 0),
        ProxyField::Host => (Part::Authority, 0),
        ProxyField::Method => (Part::Method, 0),
        ProxyField::Referrer => (Part::Referer, 0),
        ProxyField::Version => (Part::Protocol, 0),
        ProxyField::ResponseBytes => (Part::ResponseBytes, 0),
        ProxyField::Status => (Part::Status, 0),
        ProxyField::SourceAddress => (Part::SourceAddress, 0),
        ProxyField::DestinationAddress => (Part::UpstreamAddress, 0),
        ProxyField::ServerName => (Part::ServerName, 0),
        ProxyField::UriExtension
        | ProxyField::Anomaly
        | ProxyField::Service
        | ProxyField::Category
        | ProxyField::Operation
        | ProxyField::Client
        | ProxyField::Usage
        | ProxyField::Secret
        | ProxyField::Unlisted
        | ProxyField::Behaviour(_) => return None,
    })
}
