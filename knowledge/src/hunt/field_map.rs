//! What a log calls the fields that rules ask for.

use std::collections::BTreeMap;

use serde::Deserialize;

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
    /// What is wrong with it, for people.
    pub fn read(text: &str) -> Result<FieldMap, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }
}
