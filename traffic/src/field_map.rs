//! What a log calls the fields that rules ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnostics::{Diagnostic, Finding, Lines, Place, Span};
use serde::Deserialize;

use crate::codes;

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
    /// The key that holds the time; without it `start_time`, `timestamp`, `@timestamp`, `time` or `ts`.
    pub time: Option<String>,
    /// The key of each field; nested keys are joined by dots. Other fields have their own names.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

impl FieldMap {
    /// Reads a field map.
    ///
    /// # Errors
    /// The text is no such map (`F024`).
    pub fn read(file: &Arc<str>, text: &str) -> Result<FieldMap, Box<Finding>> {
        toml::from_str(text).map_err(|error| {
            let span = error.span().map(|range| Lines::new(text).span(text, range));
            let place =
                Place { file: Arc::clone(file), span: span.unwrap_or_else(|| Span::point(1, 1)) };
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            Box::new(Finding::from(Diagnostic {
                code: &codes::BROKEN_FIELD_MAP,
                message: format!("this is no field map: {message}"),
                help: "write `time = \"key\"`, and below `[fields]` lines as `cs-host = \"key\"`"
                    .to_owned(),
                place,
                fix: None,
            }))
        })
    }
}
