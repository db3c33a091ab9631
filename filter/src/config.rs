//! The plugin configuration: a pack, and how it is put to work.
//!
//! Two forms, told apart by their first bytes:
//!
//! - a pack as `tidegate pack` writes it (`BytesValue`): monitor mode, [`FailureMode::Open`];
//! - an object: JSON text (`StringValue`, as Istio and Envoy Gateway send it), or a `Struct`:
//!
//! ```json
//! { "pack": "<base64>", "mode": "monitor", "failure_mode": "open", "protocol": "http" }
//! ```
//!
//! | key            | value                                   | default     |
//! | -------------- | --------------------------------------- | ----------- |
//! | `pack`         | a pack in base64; white space is ignored | (required) |
//! | `mode`         | `monitor` or `enforce`                  | `monitor`   |
//! | `failure_mode` | `open` or `closed`                      | `open`      |
//! | `protocol`     | `http` in an HTTP filter, `tls` in a network filter in front of TLS that passes through | `http` |
//!
//! A key that is not in the table is refused, as is everything else that is not understood: a
//! configuration is taken whole or not at all.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::MAGIC;
use inspect::{Mode, Pack, PackError};
use serde::Deserialize;
use serde::de::value::{Error as ValueError, MapDeserializer};

use crate::label::cut;
use crate::proto_struct::{self, Value};

/// What happens to a request that the filter cannot judge, because the host does not hand over what
/// is needed. This never happens on a healthy host; it is a policy and not an accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FailureMode {
    /// The request passes, as if no rule had matched, and is counted. Where only a property is missing,
    /// it is judged without.
    #[default]
    Open,
    /// The request is answered with 503, and is counted.
    Closed,
}

impl FailureMode {
    /// The name in the configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            FailureMode::Open => "open",
            FailureMode::Closed => "closed",
        }
    }
}

/// What the streams of a plugin speak; it has to fit the place at which Envoy runs the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP, in an HTTP filter.
    #[default]
    Http,
    /// TLS that is not ended here, in a network filter: the server name is judged.
    Tls,
}

/// A configuration that can run.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) pack: Pack,
    pub(crate) mode: Mode,
    pub(crate) failure_mode: FailureMode,
    pub(crate) protocol: Protocol,
}

/// Why a configuration is refused.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// No bytes at all.
    Empty,
    /// Neither a pack nor a JSON object; the first bytes.
    Unknown(Vec<u8>),
    /// Not the JSON that the table above describes.
    Json(serde_json::Error),
    /// Not the `Struct` that the table above describes.
    Struct(ValueError),
    /// A value of a `Struct` that is no string, by its key.
    NotText(String),
    /// `pack` is not base64.
    Base64(base64::DecodeError),
    /// The pack is refused.
    Pack(PackError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Empty => f.write_str(
                "the plugin has no configuration; give it a pack that `tidegate pack` wrote",
            ),
            ConfigError::Unknown(start) => write!(
                f,
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `{}`",
                start.escape_ascii(),
            ),
            ConfigError::Json(error) => write!(f, "the configuration is not valid: {error}"),
            ConfigError::Struct(error) => write!(f, "the configuration is not valid: {error}"),
            ConfigError::NotText(key) => {
                write!(f, "the configuration is not valid: `{}` is not a string", cut(key))
            }
            ConfigError::Base64(error) => write!(f, "`pack` is not base64: {error}"),
            ConfigError::Pack(error) => error.fmt(f),
        }
    }
}

impl Config {
    /// Reads a configuration from bytes that anybody may have written.
    pub(crate) fn read(bytes: &[u8]) -> Result<Config, ConfigError> {
        let text = bytes.trim_ascii_start();
        if bytes.starts_with(&MAGIC) {
            let pack = Pack::decode(bytes).map_err(ConfigError::Pack)?;
            return Ok(Config {
                pack,
                mode: Mode::default(),
                failure_mode: FailureMode::default(),
                protocol: Protocol::default(),
            });
        }
        // A `Struct` starts with the tag of its first field, which is a line feed in text.
        if bytes.starts_with(b"\n")
            && let Some(entries) = proto_struct::read(bytes)
        {
            return Object::read_struct(&entries)?.config();
        }
        match text.first() {
            None => Err(ConfigError::Empty),
            Some(b'{') => {
                let object: Object<'_> = serde_json::from_slice(text).map_err(ConfigError::Json)?;
                object.config()
            }
            Some(_) => {
                let start = bytes.get(..MAGIC.len()).unwrap_or(bytes);
                Err(ConfigError::Unknown(start.to_owned()))
            }
        }
    }
}

/// The object as it is written; apart from [`Config`] so that the engine's types stay free of serde.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'j> {
    #[serde(borrow)]
    pack: Cow<'j, str>,
    #[serde(default)]
    mode: ModeName,
    #[serde(default)]
    failure_mode: FailureModeName,
    #[serde(default)]
    protocol: ProtocolName,
}

impl Object<'_> {
    fn read_struct(entries: &[(&str, Value<'_>)]) -> Result<Self, ConfigError> {
        let text = |(key, value): &(&str, Value<'_>)| match value {
            Value::Text(text) => Ok(((*key).to_owned(), (*text).to_owned())),
            Value::Other => Err(ConfigError::NotText((*key).to_owned())),
        };
        let entries: Vec<(String, String)> = entries.iter().map(text).collect::<Result<_, _>>()?;
        let entries = MapDeserializer::new(entries.into_iter());
        Object::deserialize(entries).map_err(ConfigError::Struct)
    }

    fn config(self) -> Result<Config, ConfigError> {
        let mut encoded = self.pack;
        // YAML block scalars and `base64` itself break long lines.
        if encoded.bytes().any(|byte| byte.is_ascii_whitespace()) {
            encoded.to_mut().retain(|char| !char.is_ascii_whitespace());
        }
        let bytes = STANDARD.decode(encoded.as_bytes()).map_err(ConfigError::Base64)?;
        let pack = Pack::decode(&bytes).map_err(ConfigError::Pack)?;
        let mode = match self.mode {
            ModeName::Monitor => Mode::Monitor,
            ModeName::Enforce => Mode::Enforce,
        };
        let failure_mode = match self.failure_mode {
            FailureModeName::Open => FailureMode::Open,
            FailureModeName::Closed => FailureMode::Closed,
        };
        let protocol = match self.protocol {
            ProtocolName::Http => Protocol::Http,
            ProtocolName::Tls => Protocol::Tls,
        };
        Ok(Config { pack, mode, failure_mode, protocol })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    #[default]
    Monitor,
    Enforce,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailureModeName {
    #[default]
    Open,
    Closed,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProtocolName {
    #[default]
    Http,
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto_struct::serialised;
    use crate::testing::pack_of;

    fn refusal(bytes: &[u8]) -> String {
        Config::read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_bare_pack_monitors_and_fails_open() {
        let config = Config::read(&pack_of("cs-host: a.example")).unwrap();
        assert_eq!((config.mode, config.failure_mode), (Mode::Monitor, FailureMode::Open));
        assert_eq!(config.pack.tables().rules.len(), 1);
    }

    #[test]
    fn json_sets_the_modes_and_its_base64_may_be_wrapped() {
        let pack = STANDARD.encode(pack_of("cs-host: a.example"));
        let wrapped: Vec<&str> =
            pack.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
        for (json, mode, failure_mode) in [
            (format!(r#"{{"pack":"{pack}"}}"#), Mode::Monitor, FailureMode::Open),
            (
                format!(r#" {{"mode":"enforce","failure_mode":"closed","pack":"{pack}"}} "#),
                Mode::Enforce,
                FailureMode::Closed,
            ),
            (
                format!(r#"{{"pack":"{}\n", "mode":"monitor"}}"#, wrapped.join("\\n")),
                Mode::Monitor,
                FailureMode::Open,
            ),
        ] {
            let config = Config::read(json.as_bytes()).unwrap();
            assert_eq!((config.mode, config.failure_mode), (mode, failure_mode), "{json}");
        }
    }

    #[test]
    fn a_struct_says_the_same_as_json() {
        let pack = STANDARD.encode(pack_of("cs-host: a.example"));
        let read = |entries: &[(&str, &str)]| Config::read(&serialised(entries));
        let config = read(&[("mode", "enforce"), ("pack", &pack)]).unwrap();
        assert_eq!((config.mode, config.failure_mode), (Mode::Enforce, FailureMode::Open));
        for (entries, expect) in [
            (&[("mode", "enforce")][..], "the configuration is not valid: missing field `pack`"),
            (
                &[("pack", &pack), ("moed", "enforce")],
                "the configuration is not valid: unknown field `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol`",
            ),
            (
                &[("pack", &pack), ("mode", "block")],
                "the configuration is not valid: unknown variant `block`, expected `monitor` or `enforce`",
            ),
        ] {
            assert_eq!(read(entries).unwrap_err().to_string(), expect);
        }
        let number = b"\x0a\x11\x0a\x04mode\x12\x09\x11\0\0\0\0\0\0\0\0";
        assert_eq!(refusal(number), "the configuration is not valid: `mode` is not a string");
    }

    #[test]
    fn a_refusal_says_why() {
        let pack = pack_of("cs-host: a.example");
        let base64 = STANDARD.encode(&pack);
        for (bytes, expect) in [
            (
                &b""[..],
                "the plugin has no configuration; give it a pack that `tidegate pack` wrote",
            ),
            (b" \n", "the plugin has no configuration; give it a pack that `tidegate pack` wrote"),
            (
                b"tide",
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `tide`",
            ),
            (
                b"\x7fELF and so on",
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `\\x7fELF and`",
            ),
            (b"{}", "the configuration is not valid: missing field `pack` at line 1 column 2"),
            (
                br#"{"pack":"","moed":"enforce"}"#,
                "the configuration is not valid: unknown field `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol` at line 1 column 17",
            ),
            (
                br#"{"pack":"","mode":"block"}"#,
                "the configuration is not valid: unknown variant `block`, expected `monitor` or `enforce` at line 1 column 25",
            ),
            (
                br#"{"pack":"","pack":""}"#,
                "the configuration is not valid: duplicate field `pack` at line 1 column 17",
            ),
            (br#"{"pack":"*"}"#, "`pack` is not base64: Invalid symbol 42, offset 0."),
            (br#"{"pack":""}"#, "not a tidegate pack: the magic bytes are missing"),
            (&pack[..pack.len() - 1], "the pack is truncated"),
        ] {
            assert_eq!(refusal(bytes), expect, "{}", bytes.escape_ascii());
        }
        let trailing = format!(r#"{{"pack":"{base64}"}} x"#);
        let message = refusal(trailing.as_bytes());
        assert!(
            message.starts_with("the configuration is not valid: trailing characters"),
            "{message}"
        );
    }

    #[test]
    fn a_corrupt_and_a_newer_pack_are_refused() {
        let pack = pack_of("cs-host: a.example");
        let mut corrupt = pack.clone();
        *corrupt.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(&corrupt), "the pack is corrupt: its content hash does not hold");
        let mut newer = pack;
        newer[8] = 99;
        assert!(refusal(&newer).starts_with("the pack has format version 99, newer than"));
    }
}
