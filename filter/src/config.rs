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
//! | `connections_per_source` | the most open connections of one client (an IPv4 address, or an IPv6 network of 64 bits) on each worker, as text; only with `protocol: tls` | `0`: any number |
//! | `proxy_credentials` | `secure`: credentials of clients are taken over TLS and on loopback; `anywhere`: also in clear text (module `credentials`) | `secure` |
//! | `protocol`     | `http` in an HTTP filter, `tls` in a network filter in front of TLS that passes through | `http` |
//!
//! A key that is not in the table is refused, as is any other mistake: a configuration is taken whole or
//! not at all.

mod error;

use std::borrow::Cow;
use std::sync::Arc;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use inspect::pack::{Envelope, MAGIC, PublicKey};
use inspect::{IdentityKey, Mode, Pack};

pub(crate) use self::error::ConfigError;
use crate::collector::Collector;
use crate::host::Protocol;
use crate::json::{self, JsonError};
use crate::keys::read_keys;
use crate::limits::MAX_SUPPRESS_SECONDS;
use crate::packs;
use crate::proto_struct;
use crate::trusted_header::TrustedHeader;

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

/// The TLS of the listener that the filter is in, as its configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListenerTls {
    /// It may have TLS: server names are read.
    #[default]
    Any,
    /// It has none: there is no server name and no certificate of a client, and no call to find that out.
    None,
}

impl ListenerTls {
    /// Returns the name in the configuration.
    fn as_str(self) -> &'static str {
        match self {
            ListenerTls::Any => "any",
            ListenerTls::None => "none",
        }
    }
}

/// Whether credentials of clients are taken over connections that others can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Anywhere {
    /// They are taken over TLS and on loopback.
    #[default]
    No,
    /// They are taken over any connection.
    Yes,
}

impl Anywhere {
    /// Returns the name in the configuration.
    fn as_str(self) -> &'static str {
        match self {
            Anywhere::No => "secure",
            Anywhere::Yes => "anywhere",
        }
    }
}

/// A configuration that can run. If it has public keys, one of them signed the pack.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) pack: Arc<Pack>,
    pub(crate) settings: Settings,
}

/// How a pack is put to use.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) failure_mode: FailureMode,
    pub(crate) protocol: Protocol,
    pub(crate) listener_tls: ListenerTls,
    pub(crate) credentials: Anywhere,
    /// The keys of which one has to have signed the pack; if empty, no signature is checked.
    pub(crate) public_keys: Vec<PublicKey>,
    pub(crate) identity_key: Option<IdentityKey>,
    /// The header that names clients, if one is trusted.
    pub(crate) source_header: Option<TrustedHeader>,
    pub(crate) suppression: Suppression,
    /// Where events are posted to.
    pub(crate) collector: Option<Collector>,
    /// The most open connections of one client on a worker; 0: any number.
    pub(crate) connections_per_source: u32,
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

impl Config {
    /// Reads a configuration from untrusted bytes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Config, ConfigError> {
        let text = bytes.trim_ascii_start();
        if bytes.starts_with(&MAGIC) {
            return Object::default().with_pack(|| Ok(Cow::Borrowed(bytes)));
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

const KEYS: [&str; 15] = [
    "pack",
    "mode",
    "failure_mode",
    "protocol",
    "tls",
    "public_key",
    "identity_key",
    "source_header",
    "trusted_hops",
    "suppress_seconds",
    "events_per_minute",
    "collector",
    "collector_url",
    "connections_per_source",
    "proxy_credentials",
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
        let encoded = pack.take().ok_or(ConfigError::NoPack)?;
        self.with_pack(|| from_base64(encoded).map(Cow::Owned).map_err(ConfigError::Base64))
    }

    /// Reads the other keys first, as they are cheap to refuse, and then the pack: its signature before its tables.
    fn with_pack<'b>(
        self,
        pack: impl FnOnce() -> Result<Cow<'b, [u8]>, ConfigError>,
    ) -> Result<Config, ConfigError> {
        let [
            _,
            mode,
            failure_mode,
            protocol,
            tls,
            public_key,
            key,
            header,
            hops,
            seconds,
            rate,
            cluster,
            url,
            connections,
            credentials,
        ] = self.values;
        let modes = [Mode::Monitor, Mode::Enforce, Mode::Off];
        let mode = choose("mode", mode, &modes, Mode::as_str)?;
        let failure_modes = [FailureMode::Open, FailureMode::Closed];
        let failure_mode =
            choose("failure_mode", failure_mode, &failure_modes, FailureMode::as_str)?;
        let protocols = [Protocol::Http, Protocol::Tls];
        let protocol = choose("protocol", protocol, &protocols, Protocol::as_str)?;
        let kinds_of_tls = [ListenerTls::Any, ListenerTls::None];
        let listener_tls = choose("tls", tls, &kinds_of_tls, ListenerTls::as_str)?;
        let places = [Anywhere::No, Anywhere::Yes];
        let credentials = choose("proxy_credentials", credentials, &places, Anywhere::as_str)?;
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
        let connections_per_source = count("connections_per_source", connections, u32::MAX)?;
        let bytes = pack()?;
        let envelope = Envelope::read(&bytes).map_err(ConfigError::Pack)?;
        if !public_keys.is_empty() {
            envelope.check_signature(&public_keys).map_err(ConfigError::Signature)?;
        }
        let pack = packs::decoded(envelope).map_err(ConfigError::Pack)?;
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
            listener_tls,
            credentials,
            public_keys,
            identity_key,
            source_header,
            suppression,
            collector,
            connections_per_source,
        };
        Ok(Config { pack, settings })
    }
}

/// Reads base64, whose lines may be broken, as YAML block scalars and `base64` itself do it.
fn from_base64(mut encoded: Cow<'_, str>) -> Result<Vec<u8>, DecodeError> {
    // Most often they are not, and what cannot be decoded is looked at once more.
    STANDARD.decode(encoded.as_bytes()).or_else(|_| {
        encoded.to_mut().retain(|char| !char.is_ascii_whitespace());
        STANDARD.decode(encoded.as_bytes())
    })
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
mod tests;
