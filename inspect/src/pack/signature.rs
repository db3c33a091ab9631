//! The signature of a pack: who compiled it.
//!
//! ```text
//! offset after the body  size  what
//!                     0     8  "tidesign"
//!                     8    64  Ed25519 signature (RFC 8032)
//! ```
//!
//! Signed is [`CONTEXT`] and then the pack's header, which holds the hash of the body: so a signature
//! costs the same for a pack of any size, and cannot be taken for one of anything else.

use std::fmt;

use ed25519_compact as ed25519;

/// What a signature begins with.
const SEAL_TAG: [u8; 8] = *b"tidesign";

/// What is signed before the header: no other use of the same key gives such a text.
const CONTEXT: &[u8] = b"tidegate pack signature 1\0";

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// The bytes before the key in a `SubjectPublicKeyInfo` of Ed25519 (RFC 8410, 4).
const KEY_PREFIX: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// A public key of Ed25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a key as `openssl` and `tidegate keygen` write it: a `SubjectPublicKeyInfo`, which is the
    /// base64 between the lines of a PEM file. `None` if the bytes are none of Ed25519.
    pub fn from_der(der: &[u8]) -> Option<PublicKey> {
        der.strip_prefix(&KEY_PREFIX)?.try_into().ok().map(PublicKey)
    }
}

/// Why a pack is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// It is not signed.
    Missing,
    /// It is signed, but by none of the keys, or it was changed since.
    Wrong,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureError::Missing => "the pack is not signed, and a public key is configured",
            SignatureError::Wrong => "the pack's signature is of none of the public keys",
        })
    }
}

impl std::error::Error for SignatureError {}

/// What a pack carries behind its body.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    header: [u8; super::HEADER_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

impl Signature {
    /// Reads what follows the body; `None` if it is not a signature.
    pub(super) fn read(pack: &[u8], rest: &[u8]) -> Option<Signature> {
        let signature = rest.strip_prefix(&SEAL_TAG)?.try_into().ok()?;
        Some(Signature { header: *pack.first_chunk()?, signature })
    }

    /// Whether one of the keys made the signature.
    pub(super) fn check(&self, keys: &[PublicKey]) -> Result<(), SignatureError> {
        let message = [CONTEXT, &self.header].concat();
        let signature = ed25519::Signature::new(self.signature);
        let holds =
            |key: &PublicKey| ed25519::PublicKey::new(key.0).verify(&message, &signature).is_ok();
        if keys.iter().any(holds) { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

/// The text that has to be signed for a pack; `None` if the bytes are too few to be one.
pub fn signed_text(pack: &[u8]) -> Option<Vec<u8>> {
    let header: &[u8; super::HEADER_BYTES] = pack.first_chunk()?;
    Some([CONTEXT, header].concat())
}

/// The pack with a signature behind it, which has to be one of its [`signed_text`].
pub fn with_signature(mut pack: Vec<u8>, signature: &[u8; SIGNATURE_BYTES]) -> Vec<u8> {
    pack.extend_from_slice(&SEAL_TAG);
    pack.extend_from_slice(signature);
    pack
}
