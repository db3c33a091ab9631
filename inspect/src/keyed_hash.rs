//! A small keyed hash: SipHash-2-4 with 64 bits of output.
//!
//! What identifies a tenant is in events and packs as its hash under the operator's key, so that
//! whoever reads them can distinguish one bot from another and cannot name either. 64 bits are enough to
//! distinguish some thousands of tenants, and are not a proof of anything.
//!
//! Our own thirty lines (Aumasson and Bernstein, 2012), checked against their test vectors: the crate
//! `siphasher` adds 28 kB of wasm for one call, to a module of 480 kB that every worker holds.

use std::fmt;

use crate::words::last_word;

/// The operator's key: 16 bytes, 32 hexadecimal digits in configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentityKey(pub [u8; 16]);

impl IdentityKey {
    /// The key that 32 hexadecimal digits write; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<IdentityKey> {
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut key = [0; 16];
        if pairs.len() != key.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(IdentityKey(key))
    }

    /// Returns the hash of parts under this key. Parts are kept apart: `a`, `bc` is not `ab`, `c`.
    pub fn hash<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u64 {
        let mut hasher = SipHasher::new(self.0);
        for part in parts {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        hasher.finish()
    }

    /// Returns the hash of a tenant or a credential of a service: of what is in its places, in order.
    /// Tenants of one name in two namespaces are two.
    pub fn identity<'p>(
        &self,
        service: &'p str,
        namespace: Option<&'p str>,
        places: impl Iterator<Item = &'p [u8]>,
    ) -> u64 {
        let names = [Some(service), namespace].into_iter().flatten().map(str::as_bytes);
        self.hash(names.chain(places))
    }

    /// Returns the number by which a pack and a plugin see that they have the same key, without the key.
    pub fn check(&self) -> u64 {
        self.hash([&b"tidegate identity key"[..]])
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// SipHash-2-4 of bytes under a key.
pub(crate) fn sip_hash(key: [u8; 16], bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher::new(key);
    hasher.write(bytes);
    hasher.finish()
}

/// SipHash-2-4 of bytes that come in pieces: nothing is copied or allocated.
struct SipHasher {
    state: [u64; 4],
    /// The bytes of a word that is not complete, the first one lowest.
    rest: u64,
    n_bytes: usize,
}

impl SipHasher {
    fn new(key: [u8; 16]) -> SipHasher {
        let key = u128::from_le_bytes(key);
        #[expect(clippy::cast_possible_truncation, reason = "the key's two halves")]
        let (low, high) = (key as u64, (key >> 64) as u64);
        let state = [
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ];
        SipHasher { state, rest: 0, n_bytes: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_bytes(u64::from_le_bytes(*word), 8);
        }
        self.write_bytes(last_word(bytes, rest.len()), rest.len());
    }

    /// Writes the lowest `n_bytes` of a word, at most eight; the others are 0.
    fn write_bytes(&mut self, word: u64, n_bytes: usize) {
        let n_rest = self.n_bytes % 8;
        self.rest |= word << (8 * n_rest);
        self.n_bytes += n_bytes;
        if n_rest + n_bytes >= 8 {
            self.compress(self.rest);
            self.rest = if n_rest == 0 { 0 } else { word >> (64 - 8 * n_rest) };
        }
    }

    fn compress(&mut self, word: u64) {
        self.state[3] ^= word;
        rounds(&mut self.state, 2);
        self.state[0] ^= word;
    }

    fn finish(mut self) -> u64 {
        self.compress(self.rest | (self.n_bytes as u64) << 56);
        self.state[2] ^= 0xff;
        rounds(&mut self.state, 4);
        self.state.iter().fold(0, |hash, word| hash ^ word)
    }
}

fn rounds([a, b, c, d]: &mut [u64; 4], n_rounds: usize) {
    for _ in 0..n_rounds {
        *a = a.wrapping_add(*b);
        *c = c.wrapping_add(*d);
        *b = b.rotate_left(13) ^ *a;
        *d = d.rotate_left(16) ^ *c;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*b);
        *a = a.wrapping_add(*d);
        *b = b.rotate_left(17) ^ *c;
        *d = d.rotate_left(21) ^ *a;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::Hasher;

    const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// The first vectors of the reference implementation, for inputs 00, 00 01, and so on.
    #[test]
    fn the_reference_vectors_hold() {
        let bytes: Vec<u8> = (0..15).collect();
        for (n_bytes, expect) in [
            (0, 0x726f_db47_dd0e_0e31),
            (1, 0x74f8_39c5_93dc_67fd),
            (7, 0xab02_00f5_8b01_d137),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] {
            assert_eq!(sip_hash(KEY, &bytes[..n_bytes]), expect, "{n_bytes} bytes");
        }
    }

    proptest! {
        #[test]
        #[expect(deprecated, reason = "the standard library's SipHash-2-4 is the oracle")]
        fn it_is_the_standard_librarys(key: [u8; 16], bytes: Vec<u8>) {
            let (low, high) = key.split_at(8);
            let half = |half: &[u8]| u64::from_le_bytes(half.try_into().unwrap());
            let mut oracle = std::hash::SipHasher::new_with_keys(half(low), half(high));
            oracle.write(&bytes);
            prop_assert_eq!(sip_hash(key, &bytes), oracle.finish());
        }

        #[test]
        fn pieces_are_hashed_as_a_whole(key: [u8; 16], pieces: Vec<Vec<u8>>) {
            let mut hasher = SipHasher::new(key);
            for piece in &pieces {
                hasher.write(piece);
            }
            prop_assert_eq!(hasher.finish(), sip_hash(key, &pieces.concat()));
        }
    }

    #[test]
    fn keys_are_32_hexadecimal_digits_and_are_never_shown() {
        let key = IdentityKey::from_hex("000102030405060708090a0B0c0d0e0f").unwrap();
        assert_eq!(key, IdentityKey(KEY));
        assert_eq!(format!("{key:?}"), "IdentityKey(..)");
        for text in
            ["", "00", "000102030405060708090a0b0c0d0e0g", "000102030405060708090a0b0c0d0e0f00"]
        {
            assert_eq!(IdentityKey::from_hex(text), None, "{text}");
        }
        let hash = |parts: [&[u8]; 2]| key.hash(parts);
        assert_ne!(hash([b"a", b"bc"]), hash([b"ab", b"c"]));
    }
}
