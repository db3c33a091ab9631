//! Why a configuration is refused.

use std::fmt;

use inspect::PackError;
use inspect::pack::SignatureError;

use super::KEYS;
use crate::label::cut;

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
    /// The pack is not signed by one of the keys.
    Signature(SignatureError),
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
            ConfigError::Signature(error) => error.fmt(f),
            ConfigError::Pack(error) => error.fmt(f),
        }
    }
}
