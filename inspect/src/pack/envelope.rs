//! The header of a pack and its signature: what is read before the body.

use super::wire::{Reader, Wire};
use super::{
    FORMAT_VERSION, HEADER_BYTES, MAGIC, Pack, PackError, PackErrorKind, PackHash, PublicKey,
    Signature, SignatureError, Tables, check, compression,
};
use crate::limits::{MAX_PACK_BYTES, MAX_TABLE_BYTES};

/// A pack whose body was hashed and not yet decoded.
///
/// A signature covers the header, which contains the hash of the body. So whether to trust a pack is
/// known before any of its tables is read.
#[derive(Debug)]
pub struct Envelope<'b> {
    hash: PackHash,
    n_bytes: usize,
    body: &'b [u8],
    signature: Option<Signature>,
}

impl<'b> Envelope<'b> {
    /// Reads the header and checks the hash of the body. Takes a hash's time.
    ///
    /// # Errors
    /// The bytes are not a pack of this format, or its hash does not hold.
    pub fn read(bytes: &'b [u8]) -> Result<Envelope<'b>, PackError> {
        let refuse = |kind| PackError { kind };
        if bytes.len() > MAX_PACK_BYTES {
            return Err(refuse(PackErrorKind::TooLarge));
        }
        let rest = bytes.strip_prefix(&MAGIC).ok_or(refuse(PackErrorKind::NotAPack))?;
        let cut = || refuse(PackErrorKind::Truncated);
        let (version, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let version = u32::from_le_bytes(*version);
        if version != FORMAT_VERSION {
            return Err(refuse(PackErrorKind::Version(version)));
        }
        let n_body = rest.first_chunk().ok_or_else(cut)?;
        let n_body = u32::from_le_bytes(*n_body) as usize;
        let hash: [u8; 32] =
            bytes.get(16..HEADER_BYTES).and_then(|hash| hash.try_into().ok()).ok_or_else(cut)?;
        let body = bytes.get(HEADER_BYTES..).ok_or_else(cut)?;
        let (body, rest) = body.split_at_checked(n_body).ok_or_else(cut)?;
        let signature = Signature::read(bytes, rest);
        if !rest.is_empty() && signature.is_none() {
            return Err(refuse(PackErrorKind::Corrupt("end")));
        }
        if PackHash::of(body).0 != hash {
            return Err(refuse(PackErrorKind::Corrupt("content hash")));
        }
        Ok(Envelope { hash: PackHash(hash), n_bytes: bytes.len(), body, signature })
    }

    /// What the body hashes to.
    pub fn hash(&self) -> PackHash {
        self.hash
    }

    /// Returns true if `pack` was decoded from these bytes, so that they need not be decoded again: the header and the
    /// body are the same. Signatures may differ: check this one's.
    pub fn is_of(&self, pack: &Pack) -> bool {
        let is_signed = self.is_signed();
        (self.hash, self.n_bytes, is_signed) == (pack.hash, pack.n_bytes, pack.is_signed)
    }

    /// Returns true if the pack is signed, by whomever.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Checks that one of the keys signed the pack.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn check_signature(&self, keys: &[PublicKey]) -> Result<(), SignatureError> {
        self.signature.as_ref().ok_or(SignatureError::Missing)?.check(keys)
    }

    /// The tables' bytes, as they are before `enclosed` makes a pack of them; `None` if the body is not in
    /// the form in which tables are carried.
    pub fn expanded(&self) -> Option<Vec<u8>> {
        compression::expand(self.body, MAX_PACK_BYTES)
    }

    /// Reads the tables and checks them. Takes steps in proportion to the body.
    ///
    /// # Errors
    /// The layout or one of the tables does not hold. Nothing of a refused pack is kept.
    pub fn decode(self) -> Result<Pack, PackError> {
        let refuse = |table| PackError { kind: PackErrorKind::Corrupt(table) };
        let body = self.expanded().ok_or(refuse("layout"))?;
        let mut reader = Reader::new(&body, MAX_TABLE_BYTES);
        let tables = Tables::read(&mut reader).filter(|_| reader.is_empty());
        let tables = tables.ok_or(refuse("layout"))?;
        check::tables(&tables).map_err(refuse)?;
        Ok(Pack { tables, hash: self.hash, n_bytes: self.n_bytes, is_signed: self.is_signed() })
    }
}
