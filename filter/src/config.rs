//! The plugin configuration: a pack, and how it is used.
//!
//! Two forms, distinguished by their first bytes:
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
//! | `mode`         | `monitor`, `enforce` or `off`: the most that matches can do, whatever the pack's policy says | `monitor` |
//! | `failure_mode` | `open` or `closed`                      | `open`      |
//! | `public_key`   | Ed25519 public keys in PEM: only packs that one of them signed are taken, and none older than the one in use (module `trust`) | any pack is taken |
//! | `identity_key` | 32 hexadecimal digits: the key under which identities in URLs are hashed | no identity is reported |
//! | `source_header` | a header in which trusted hops name the client | no header is trusted |
//! | `trusted_hops` | those hops: networks and SPIFFE ids, separated by commas | (required with `source_header`) |
//! | `suppress_seconds` | how long events are suppressed that repeat one (module `suppression`): at most a day, as text | `0`: each is written |
//! | `events_per_minute` | the most events of one rule, source and action in a minute, over all workers, as text | `0`: any number |
//! | `collector`    | the name of a cluster to which events are posted in batches (module `export`), beside the log | none |
//! | `collector_url` | the URL of these requests, as `http://logs.example/ingest`: host and path, no credentials | `http://COLLECTOR/` |
//! | `protocol`     | `http` in an HTTP filter, `tls` in a network filter in front of TLS that passes through | `http` |
//!
//! A key that is not in the table is refused, as is any other mistake: a configuration is taken whole or
//! not at all.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inspect::pack::{MAGIC, PublicKey};
use inspect::{IdentityKey, Mode, Pack, PackError};

use crate::collector::Collector;
use crate::json::{self, JsonError};
use crate::keys::read_keys;
use crate::label::cut;
use crate::limits::MAX_SUPPRESS_SECONDS;
use crate::proto_struct;
use crate::source::TrustedHeader;

/// What happens to a request that the filter cannot judge, because the host does not return what is
/// needed. This never happens on a healthy host; it is a policy and not an accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FailureMode {
    /// The request passes, as if no rule had matched, and is counted. If only a property is missing, it
    /// is judged without.
    #[default]
    Open,
    /// The request is answered with 503, and is counted.
    Closed,
}

impl FailureMode {
    /// Returns the name in the configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            FailureMode::Open => "open",
            FailureMode::Closed => "closed",
        }
    }
}

/// The protocol of a plugin's streams; it has to fit the place at which Envoy runs the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, in an HTTP filter.
    #[default]
    Http,
    /// TLS that passes through, in a network filter: the server name is judged.
    Tls,
}

impl Protocol {
    /// Returns the name in the configuration.
    fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Tls => "tls",
        }
    }
}

/// A configuration that can run.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) pack: Pack,
    pub(crate) settings: Settings,
}

/// How a pack is put to use.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) failure_mode: FailureMode,
    pub(crate) protocol: Protocol,
    /// The keys of which one has to have signed the pack; if empty, no signature is checked.
    pub(crate) public_keys: Vec<PublicKey>,
    pub(crate) identity_key: Option<IdentityKey>,
    /// The header that names clients, if one is trusted.
    pub(crate) source_header: Option<TrustedHeader>,
    pub(crate) suppression: Suppression,
    /// Where events are posted to.
    pub(crate) collector: Option<Collector>,
}

/// Which events are suppressed; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suppression {
    /// How long events that repeat one are suppressed, in seconds; 0: none is.
    pub(crate) suppress_seconds: u32,
    /// Events of one rule in a minute; 0: any number.
    pub(crate) events_per_minute: u32,
}

impl Suppression {
    /// Returns true if any event may be suppressed.
    pub(crate) fn is_on(self) -> bool {
        self != Suppression::default()
    }
}

/// The reason why a configuration is refused.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// No bytes at all.
    Empty,
    /// Neither a pack nor a JSON object; the first bytes.
    Unknown(Vec<u8>),
    /// Not the JSON that the table above describes: line, column and problem.
    Json(usize, usize, &'static str),
    /// A key that is not in the table above.
    UnknownKey(String),
    /// A duplicate key.
    Duplicate(&'static str),
    /// A key whose value is not a string.
    NotText(&'static str),
    /// A key whose value is not one of those in the table above, the value, and those.
    UnknownValue(&'static str, String, String),
    /// There is no `pack`.
    NoPack,
    /// `pack` is not base64.
    Base64(base64::DecodeError),
    /// `public_key` is not a key.
    PublicKey,
    /// `identity_key` is not a key, or not the one that the pack's identities were hashed with.
    IdentityKey(&'static str),
    /// `source_header` or `trusted_hops` cannot be used, and why.
    SourceHeader(&'static str),
    /// `collector` or `collector_url` cannot be used, and why.
    Collector(&'static str),
    /// The pack is invalid.
    Pack(PackError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Empty => f.write_str(
                "the plugin has no configuration; give it the output of `tidegate pack`",
            ),
            ConfigError::Unknown(start) => write!(
                f,
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `{}`",
                start.escape_ascii(),
            ),
            ConfigError::Json(line, column, what) => {
                write!(f, "the configuration is not valid: line {line}, column {column}: {what}")
            }
            ConfigError::UnknownKey(key) => write!(
                f,
                "the configuration is not valid: unknown key `{}`, expected one of `{}`",
                cut(key),
                KEYS.join("`, `"),
            ),
            ConfigError::Duplicate(key) => {
                write!(f, "the configuration is not valid: duplicate key `{key}`")
            }
            ConfigError::NotText(key) => {
                write!(f, "the configuration is not valid: `{key}` is not a string")
            }
            ConfigError::UnknownValue(key, value, expected) => write!(
                f,
                "the configuration is not valid: `{key}` has to be {expected}, not `{}`",
                cut(value),
            ),
            ConfigError::NoPack => {
                f.write_str("the configuration is not valid: the key `pack` is missing")
            }
            ConfigError::Base64(error) => write!(f, "`pack` is not base64: {error}"),
            ConfigError::PublicKey => f.write_str(
                "`public_key` is not an Ed25519 key in PEM; use the `.pub` file of `tidegate keygen`",
            ),
            ConfigError::IdentityKey(why) => write!(f, "`identity_key` {why}"),
            ConfigError::SourceHeader(why) => write!(f, "`source_header` {why}"),
            ConfigError::Collector(why) => write!(f, "`collector` {why}"),
            ConfigError::Pack(error) => error.fmt(f),
        }
    }
}

impl Config {
    /// Reads a configuration from untrusted bytes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Config, ConfigError> {
        let text = bytes.trim_ascii_start();
        if bytes.starts_with(&MAGIC) {
            let pack = Pack::decode(bytes).map_err(ConfigError::Pack)?;
            return Object::default().with_pack(|| Ok(pack));
        }
        // A `Struct` starts with the tag of its first field, which is a line feed in text.
        if bytes.starts_with(b"\n")
            && let Some(entries) = proto_struct::read(bytes)
        {
            let borrowed = |(key, value)| (Cow::Borrowed(key), Option::map(value, Cow::Borrowed));
            return Object::read(entries.into_iter().map(borrowed))?.config();
        }
        match text.first() {
            None => Err(ConfigError::Empty),
            Some(b'{') => {
                let entries = json::read_object(text).map_err(|JsonError { what, at }| {
                    let (line, column) = json::place(bytes, bytes.len() - text.len() + at);
                    ConfigError::Json(line, column, what)
                })?;
                Object::read(entries.into_iter())?.config()
            }
            Some(_) => {
                let start = bytes.get(..MAGIC.len()).unwrap_or(bytes);
                Err(ConfigError::Unknown(start.to_owned()))
            }
        }
    }
}

/// The values of the table's keys, in the order of [`KEYS`]; `None` if a key is missing.
#[derive(Default)]
struct Object<'j> {
    values: [Option<Cow<'j, str>>; KEYS.len()],
}

const KEYS: [&str; 12] = [
    "pack",
    "mode",
    "failure_mode",
    "protocol",
    "public_key",
    "identity_key",
    "source_header",
    "trusted_hops",
    "suppress_seconds",
    "events_per_minute",
    "collector",
    "collector_url",
];

impl<'j> Object<'j> {
    fn read(
        entries: impl Iterator<Item = (Cow<'j, str>, json::Value<'j>)>,
    ) -> Result<Self, ConfigError> {
        let mut object = Object::default();
        for (key, value) in entries {
            let mut places = KEYS.into_iter().zip(&mut object.values);
            let Some((key, place)) = places.find(|(name, _)| **name == *key) else {
                return Err(ConfigError::UnknownKey(key.into_owned()));
            };
            let value = value.ok_or(ConfigError::NotText(key))?;
            if place.replace(value).is_some() {
                return Err(ConfigError::Duplicate(key));
            }
        }
        Ok(object)
    }

    fn config(mut self) -> Result<Config, ConfigError> {
        let [pack, ..] = &mut self.values;
        let mut encoded = pack.take().ok_or(ConfigError::NoPack)?;
        // YAML block scalars and `base64` itself break long lines.
        if encoded.bytes().any(|byte| byte.is_ascii_whitespace()) {
            encoded.to_mut().retain(|char| !char.is_ascii_whitespace());
        }
        self.with_pack(|| {
            let bytes = STANDARD.decode(encoded.as_bytes()).map_err(ConfigError::Base64)?;
            Pack::decode(&bytes).map_err(ConfigError::Pack)
        })
    }

    /// Reads the other keys first, as they are cheap to refuse, and then the pack.
    fn with_pack(
        self,
        pack: impl FnOnce() -> Result<Pack, ConfigError>,
    ) -> Result<Config, ConfigError> {
        let [
            _,
            mode,
            failure_mode,
            protocol,
            public_key,
            key,
            header,
            hops,
            seconds,
            rate,
            cluster,
            url,
        ] = self.values;
        let modes = [Mode::Monitor, Mode::Enforce, Mode::Off];
        let mode = choose("mode", mode, &modes, Mode::as_str)?;
        let failure_modes = [FailureMode::Open, FailureMode::Closed];
        let failure_mode =
            choose("failure_mode", failure_mode, &failure_modes, FailureMode::as_str)?;
        let protocols = [Protocol::Http, Protocol::Tls];
        let protocol = choose("protocol", protocol, &protocols, Protocol::as_str)?;
        let keys = public_key.map(|text| read_keys(&text).ok_or(ConfigError::PublicKey));
        let public_keys = keys.transpose()?.unwrap_or_default();
        let wrong = ConfigError::IdentityKey("is not 32 hexadecimal digits");
        let identity_key = key.map(|key| IdentityKey::from_hex(key.trim()).ok_or(wrong));
        let identity_key = identity_key.transpose()?;
        let source_header = TrustedHeader::read(header.as_deref(), hops.as_deref())
            .map_err(ConfigError::SourceHeader)?;
        let collector =
            Collector::read(cluster.as_deref(), url.as_deref()).map_err(ConfigError::Collector)?;
        let suppression = Suppression {
            suppress_seconds: count("suppress_seconds", seconds, MAX_SUPPRESS_SECONDS)?,
            events_per_minute: count("events_per_minute", rate, u32::MAX)?,
        };
        let pack = pack()?;
        match (pack.tables().policy.key_check, identity_key) {
            (0, _) => {}
            (check, Some(key)) if key.check() == check => {}
            // Sanctioned identities would not be recognised, and might be denied.
            (_, Some(_)) => {
                return Err(ConfigError::IdentityKey(
                    "is not the one that the pack was compiled with",
                ));
            }
            (_, None) => {
                return Err(ConfigError::IdentityKey(
                    "is missing: the pack's policy lists identities",
                ));
            }
        }
        let settings = Settings {
            mode,
            failure_mode,
            protocol,
            public_keys,
            identity_key,
            source_header,
            suppression,
            collector,
        };
        Ok(Config { pack, settings })
    }
}

/// Reads a number; 0 without a value.
fn count(key: &'static str, value: Option<Cow<'_, str>>, most: u32) -> Result<u32, ConfigError> {
    let Some(value) = value else { return Ok(0) };
    value.parse().ok().filter(|count| *count <= most).ok_or_else(|| {
        let expected = ["a number of at most ", &most.to_string()].concat();
        ConfigError::UnknownValue(key, value.into_owned(), expected)
    })
}

/// Returns the choice that a value names; the first without a value.
fn choose<T: Copy>(
    key: &'static str,
    value: Option<Cow<'_, str>>,
    choices: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, ConfigError> {
    let wanted = value.as_deref();
    let found = choices.iter().find(|choice| wanted.is_none_or(|value| value == name(**choice)));
    found.copied().ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|choice| name(*choice)).collect();
        let expected = match names.as_slice() {
            [others @ .., last] if !others.is_empty() => {
                format!("`{}` or `{last}`", others.join("`, `"))
            }
            _ => format!("`{}`", names.concat()),
        };
        ConfigError::UnknownValue(key, value.unwrap_or_default().into_owned(), expected)
    })
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
        assert_eq!(
            (config.settings.mode, config.settings.failure_mode),
            (Mode::Monitor, FailureMode::Open)
        );
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
            assert_eq!(
                (config.settings.mode, config.settings.failure_mode),
                (mode, failure_mode),
                "{json}"
            );
        }
    }

    #[test]
    fn a_struct_is_read_as_json_is() {
        let pack = STANDARD.encode(pack_of("cs-host: a.example"));
        let read = |entries: &[(&str, &str)]| Config::read(&serialised(entries));
        let config = read(&[("mode", "enforce"), ("pack", &pack)]).unwrap();
        assert_eq!(
            (config.settings.mode, config.settings.failure_mode),
            (Mode::Enforce, FailureMode::Open)
        );
        for (entries, expect) in [
            (
                &[("mode", "enforce")][..],
                "the configuration is not valid: the key `pack` is missing",
            ),
            (
                &[("pack", &pack), ("moed", "enforce")],
                "the configuration is not valid: unknown key `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol`, `public_key`, `identity_key`, `source_header`, `trusted_hops`, `suppress_seconds`, `events_per_minute`, `collector`, `collector_url`",
            ),
            (
                &[("pack", &pack), ("mode", "block")],
                "the configuration is not valid: `mode` has to be `monitor`, `enforce` or `off`, not `block`",
            ),
        ] {
            assert_eq!(read(entries).unwrap_err().to_string(), expect);
        }
        let number = b"\x0a\x11\x0a\x04mode\x12\x09\x11\0\0\0\0\0\0\0\0";
        assert_eq!(refusal(number), "the configuration is not valid: `mode` is not a string");
    }

    #[test]
    fn a_refusal_has_a_reason() {
        let pack = pack_of("cs-host: a.example");
        let base64 = STANDARD.encode(&pack);
        let key_alone = format!("{{\"pack\":\"{base64}\",\"source_header\":\"x-client\"}}");
        for (bytes, expect) in [
            (&b""[..], "the plugin has no configuration; give it the output of `tidegate pack`"),
            (b" \n", "the plugin has no configuration; give it the output of `tidegate pack`"),
            (
                b"tide",
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `tide`",
            ),
            (
                b"\x7fELF and so on",
                "the configuration is neither a pack (it would start with `tidegate`) nor a JSON object, it starts with `\\x7fELF and`",
            ),
            (b"{}", "the configuration is not valid: the key `pack` is missing"),
            (
                br#"{"pack":"","moed":"enforce"}"#,
                "the configuration is not valid: unknown key `moed`, expected one of `pack`, `mode`, `failure_mode`, `protocol`, `public_key`, `identity_key`, `source_header`, `trusted_hops`, `suppress_seconds`, `events_per_minute`, `collector`, `collector_url`",
            ),
            (
                br#"{"pack":"","mode":"block"}"#,
                "the configuration is not valid: `mode` has to be `monitor`, `enforce` or `off`, not `block`",
            ),
            (
                br#"{"pack":"","suppress_seconds":"soon"}"#,
                "the configuration is not valid: `suppress_seconds` has to be a number of at most 86400, not `soon`",
            ),
            (
                br#"{"pack":"","suppress_seconds":"86401"}"#,
                "the configuration is not valid: `suppress_seconds` has to be a number of at most 86400, not `86401`",
            ),
            (br#"{"pack":"","pack":""}"#, "the configuration is not valid: duplicate key `pack`"),
            (
                br#"{"pack":"","public_key":"x"}"#,
                "`public_key` is not an Ed25519 key in PEM; use the `.pub` file of `tidegate keygen`",
            ),
            (
                key_alone.as_bytes(),
                "`source_header` needs `trusted_hops`: a header that anybody can send proves nothing",
            ),
            (br#"{"pack":"*"}"#, "`pack` is not base64: Invalid symbol 42, offset 0."),
            (br#"{"pack":""}"#, "not a tidegate pack: the magic bytes are missing"),
            (&pack[..pack.len() - 1], "the pack is truncated"),
        ] {
            assert_eq!(refusal(bytes), expect, "{}", bytes.escape_ascii());
        }
        let trailing = format!("\n{{\"pack\":\"{base64}\"}}\n x");
        assert_eq!(
            refusal(trailing.as_bytes()),
            "the configuration is not valid: line 3, column 2: trailing characters after the object"
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
