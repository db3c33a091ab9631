//! Keys and signatures of packs: Ed25519, in the files that `openssl` writes too.

use std::sync::Arc;

use ed25519_compact::{KeyPair, PublicKey, SecretKey, Seed};
use inspect::pack::{self, SignatureError, signed_text, with_signature};

use crate::codes;
use diagnostics::Finding;

/// A pair of keys as PEM files.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// PKCS#8, the secret key: only for the signer.
    pub secret: String,
    /// `SubjectPublicKeyInfo`, the public key: for the gateways.
    pub public: String,
}

impl std::fmt::Debug for KeyFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFiles").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Derives a pair of keys from 32 random bytes.
pub fn generate(random: [u8; 32]) -> KeyFiles {
    let pair = KeyPair::from_seed(Seed::new(random));
    KeyFiles { secret: pair.sk.to_pem() + "\n", public: pair.pk.to_pem() + "\n" }
}

/// Signs a pack with a secret key in PEM. Deterministic: the same pack and key result in the same bytes.
///
/// # Errors
/// `F020` if the text is not a secret key; `file` names it in the finding.
pub fn sign(pack: Vec<u8>, file: &Arc<str>, pem: &str) -> Result<Vec<u8>, Box<Finding>> {
    let broken = || {
        let message = "not a secret Ed25519 key in PEM";
        let help = "make one with `tidegate keygen`, and give the file without `.pub`";
        Box::new(Finding::about(file, &codes::BROKEN_KEY, message, help))
    };
    let secret = SecretKey::from_pem(pem.trim()).map_err(|_| broken())?;
    let text = signed_text(&pack).ok_or_else(broken)?;
    Ok(with_signature(pack, &secret.sign(text, None)))
}

/// Reads the public keys of a PEM file, of which there may be several.
///
/// # Errors
/// `F020` if a part of the text is not a public key, or there is none.
pub fn public_keys(file: &Arc<str>, text: &str) -> Result<Vec<pack::PublicKey>, Box<Finding>> {
    const END: &str = "-----END PUBLIC KEY-----";
    let blocks = text.split_inclusive(END).map(str::trim).filter(|block| !block.is_empty());
    let read = |block| {
        let der = PublicKey::from_pem(block).ok()?.to_der();
        pack::PublicKey::from_der(&der)
    };
    let keys: Option<Vec<_>> = blocks.map(read).collect();
    keys.filter(|keys| !keys.is_empty()).ok_or_else(|| {
        let message = "not a public Ed25519 key in PEM";
        let help = "give the file that `tidegate keygen` wrote with the ending `.pub`";
        Box::new(Finding::about(file, &codes::BROKEN_KEY, message, help))
    })
}

/// Returns the finding for a pack that none of the keys signed.
pub fn untrusted(file: &Arc<str>, error: SignatureError) -> Box<Finding> {
    let (message, help) = match error {
        SignatureError::Missing => {
            ("the pack is not signed", "sign it with `tidegate pack --sign KEYFILE`")
        }
        SignatureError::Wrong => (
            "the pack's signature is of none of the keys",
            "do not use it; ask who compiled it, or give the key that belongs to it",
        ),
    };
    Box::new(Finding::about(file, &codes::UNTRUSTED_PACK, message, help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use inspect::pack::Envelope;

    fn a_pack() -> Vec<u8> {
        sigma::Compiler::new("a", 3).finish().encode()
    }

    fn check(pack: &[u8], keys: &[&KeyFiles]) -> Result<(), SignatureError> {
        let text: String = keys.iter().map(|key| key.public.as_str()).collect();
        let keys = public_keys(&"k.pub".into(), &text).unwrap();
        Envelope::read(pack).unwrap().check_signature(&keys)
    }

    #[test]
    fn a_pack_is_trusted_if_a_known_key_signed_these_very_bytes() {
        let (ours, other) = (generate([1; 32]), generate([2; 32]));
        let signed = sign(a_pack(), &"k".into(), &ours.secret).unwrap();
        assert_eq!(check(&signed, &[&ours]), Ok(()));
        assert_eq!(check(&signed, &[&other, &ours]), Ok(()));
        assert_eq!(check(&signed, &[&other]), Err(SignatureError::Wrong));
        assert_eq!(check(&a_pack(), &[&ours]), Err(SignatureError::Missing));
        assert_eq!(signed, sign(a_pack(), &"k".into(), &ours.secret).unwrap());

        // The signature of one pack does not do for another.
        let foreign = sigma::Compiler::new("a", 4).finish().encode();
        let moved = [&foreign[..], &signed[a_pack().len()..]].concat();
        assert_eq!(check(&moved, &[&ours]), Err(SignatureError::Wrong));
    }

    #[test]
    fn no_bit_of_a_signed_pack_can_be_changed() {
        let key = generate([7; 32]);
        let signed = sign(a_pack(), &"k".into(), &key.secret).unwrap();
        let keys = public_keys(&"k.pub".into(), &key.public).unwrap();
        for idx in 0..signed.len() * 8 {
            let mut changed = signed.clone();
            changed[idx / 8] ^= 1 << (idx % 8);
            let taken =
                Envelope::read(&changed).is_ok_and(|pack| pack.check_signature(&keys).is_ok());
            assert!(!taken, "bit {idx}");
        }
        for n_bytes in 0..signed.len() {
            let taken = Envelope::read(&signed[..n_bytes])
                .is_ok_and(|pack| pack.check_signature(&keys).is_ok());
            assert!(!taken, "{n_bytes} bytes");
        }
        let doubled = [&signed[..], &signed[a_pack().len()..]].concat();
        assert!(Envelope::read(&doubled).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = generate([7; 32]);
        for text in ["", "x", &key.public, key.secret.trim_end_matches(['-', '\n'])] {
            assert!(sign(a_pack(), &"k".into(), text).is_err(), "{text}");
        }
        for text in ["", "x", &key.secret, &format!("{}x", key.public)] {
            assert!(public_keys(&"k".into(), text).is_err(), "{text}");
        }
        assert!(!format!("{key:?}").contains(key.secret.lines().nth(1).unwrap()));
    }
}
