//! Who may use a proxy: names with secrets, of which the pack has salted hashes.
//!
//! The hash is one of BLAKE2b-256 over salt and secret, and no slow one: a secret is 256 bits from the operating
//! system's source of random numbers (`tidegate credential`), which nobody guesses however fast he hashes, and the
//! filter hashes on the threads that serve traffic.

use std::fmt;
use std::hint::black_box;

use super::Source;
use crate::pack::{Credential, Pack, PackHash};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// The scheme in front of a hash in a policy.
const SCHEME: &str = "blake2b";

/// A secret as a policy has it: its salt and its hash, as `blake2b:SALT:HASH` in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretHash {
    /// The salt, a number.
    pub salt: u128,
    /// The hash, as two numbers.
    pub hash: [u128; 2],
}

impl SecretHash {
    /// Hashes a secret.
    pub fn of(salt: [u8; SALT_BYTES], secret: &[u8]) -> SecretHash {
        let salt = u128::from_be_bytes(salt);
        SecretHash { salt, hash: hash(salt, secret) }
    }

    /// Reads what [`SecretHash`] is displayed as; `None` for any other text.
    pub fn from_text(text: &str) -> Option<SecretHash> {
        let (salt, hash) = text.strip_prefix(SCHEME)?.strip_prefix(':')?.split_once(':')?;
        let (high, low) = hash.split_at_checked(32)?;
        let number = |digits: &str| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let is_number = digits.len() == 32 && digits.bytes().all(is_digit);
            is_number.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
        };
        Some(SecretHash { salt: number(salt)?, hash: [number(high)?, number(low)?] })
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low] = self.hash;
        write!(f, "{SCHEME}:{:032x}:{high:032x}{low:032x}", self.salt)
    }
}

impl Pack {
    /// Returns true if the policy names clients of the proxy.
    pub fn has_credentials(&self) -> bool {
        !self.tables().policy.credentials.is_empty()
    }

    /// Returns true if requests of a source have to name their client. The source is what is known of it without
    /// a name.
    pub fn requires_credentials(&self, source: Source<'_>) -> bool {
        let tables = self.tables();
        let required = tables.policy.credentials_required.iter();
        required
            .map(|sources| sources.of(&tables.policy.sources))
            .any(|sources| sources.is_empty() || source.is_any_of(tables, sources))
    }

    /// Returns the client that a name and a secret prove. A wrong name takes as long as a wrong secret, and the
    /// time does not depend on how much of a secret is right.
    pub fn client(&self, name: &[u8], secret: &[u8]) -> Option<&str> {
        let tables = self.tables();
        let credentials = tables.policy.credentials.as_slice();
        let text = |credential: &Credential| tables.str(credential.name).as_bytes();
        let found = credentials.binary_search_by(|credential| text(credential).cmp(name)).ok();
        let found = found.and_then(|idx| credentials.get(idx));
        let salt = found.map_or(0, |credential| credential.salt);
        let wanted = found.map_or([0; 2], |credential| [credential.hash_high, credential.hash_low]);
        let is_equal = same(hash(salt, secret), wanted);
        found.filter(|_| is_equal).map(|credential| tables.str(credential.name))
    }
}

/// The hash of a salt and a secret.
fn hash(salt: u128, secret: &[u8]) -> [u128; 2] {
    let bytes = PackHash::of(&[&salt.to_be_bytes(), secret].concat()).0;
    let (halves, _) = bytes.as_chunks::<16>();
    let number = |idx: usize| halves.get(idx).map_or(0, |half| u128::from_be_bytes(*half));
    [number(0), number(1)]
}

/// Compares without a branch that depends on where hashes differ.
fn same(one: [u128; 2], other: [u128; 2]) -> bool {
    let [one_high, one_low] = one;
    let [other_high, other_low] = other;
    black_box((one_high ^ other_high) | (one_low ^ other_low)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
        let hash = SecretHash::of([7; SALT_BYTES], b"secret");
        let text = hash.to_string();
        assert_eq!(SecretHash::from_text(&text), Some(hash));
        assert_ne!(SecretHash::of([8; SALT_BYTES], b"secret").hash, hash.hash);
        assert_ne!(SecretHash::of([7; SALT_BYTES], b"Secret").hash, hash.hash);
        for wrong in [
            text.replace("blake2b", "sha256"),
            text.replace("blake2b:", ""),
            text.to_uppercase(),
            format!("{text}0"),
            text.replacen(':', "", 1),
            text.get(..text.len() - 1).unwrap().to_owned(),
            text.replacen(":0", ":+", 1),
        ] {
            assert_eq!(SecretHash::from_text(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_hash_is_blake2b_256_over_salt_and_secret() {
        // Python: hashlib.blake2b(bytes(16) + b"x", digest_size=32).hexdigest()
        let expect = "55af2f3fb142990c936670a7d1609f93ac562721171d7162e1efeb9f3d7c3cee";
        let text = SecretHash::of([0; SALT_BYTES], b"x").to_string();
        assert_eq!(text, format!("blake2b:{}:{expect}", "0".repeat(32)));
    }
}
