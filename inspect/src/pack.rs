//! A pack: compiled rules as flat tables, position independent, versioned and hashed.
//!
//! ```text
//! offset  size  what
//!      0     8  magic "tidegate"
//!      8     4  format version, little endian
//!     12     4  length of the body in bytes
//!     16    32  BLAKE2b-256 of the body (RFC 7693)
//!     48     .  body: the fields of `Tables`, in order, compressed (`pack/compression.rs`)
//!      .    72  signature, if there is one (see [`signed_text`])
//! ```
//!
//! Numbers in the body take as few bytes as they need, and rows of a table are laid out by what differs from
//! the row before (`pack/wire.rs`); what can be computed from other tables in one pass is not laid out at all.
//! The compiler (crate `sigma`)
//! fills [`Tables`]; only [`Pack::decode`] makes a [`Pack`], and it checks every index, so that
//! nothing can fail when requests are evaluated (DESIGN.md, invariant 4).
//! The hash is checked whether or not the pack is signed: it is what events, gauges and people call the
//! pack by. BLAKE2b because it takes a third of the time of SHA-512 in wasm, where words are 64 bits
//! wide and there is neither SIMD nor an instruction for hashes.

mod allow;
mod check;
mod compression;
mod envelope;
mod policy;
mod signature;
mod tables;
mod wire;

use std::fmt;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

use crate::limits::MAX_PACK_BYTES;
pub use allow::{
    ANY_SERVICE, AllowGroup, AllowTables, AllowTerms, AllowedHost, AllowedNetwork, AllowedService,
    HostReach, OTHER_OPERATION, PortRange,
};
pub(crate) use allow::{HASH_START, hash_in, hash_step};
pub use envelope::Envelope;
pub use policy::{
    Credential, Exception, HeaderValue, Mode, Operation, Part, PartKind, PolicyTables, Range,
    Sanction, Scope, Service, ServiceHeader, ServiceHost, ServiceOperation, ServiceTables,
    SourceKind, SourcePattern, Statement, WHOLE_SHARE,
};
use signature::Signature;
pub use signature::{PublicKey, SIGNATURE_BYTES, SignatureError, signed_text, with_signature};
pub use tables::*;
use wire::Wire;

/// The first bytes of every pack.
pub const MAGIC: [u8; 8] = *b"tidegate";

/// The format that this build reads and writes.
/// A pack of another version is refused: the tables are read by position.
pub const FORMAT_VERSION: u32 = 6;

const HEADER_BYTES: usize = 48;

/// Compiled rules, checked: evaluation cannot fail.
#[derive(Debug)]
pub struct Pack {
    tables: Tables,
    hash: PackHash,
    n_bytes: usize,
    is_signed: bool,
}

/// The content hash of a pack; shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PackHash(pub [u8; 32]);

impl PackHash {
    /// The hash of a pack's body.
    pub fn of(body: &[u8]) -> PackHash {
        PackHash(Blake2b::<U32>::digest(body).into())
    }

    /// The first eight bytes as a number, for a gauge.
    pub fn short(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl fmt::Display for PackHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PackHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Tables {
    /// The bytes of a pack of these tables. The same tables give the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut tables = Vec::new();
        self.write(&mut tables);
        enclosed(&tables)
    }

    /// The bytes that each table takes before they are compressed, by the table's name, in the order of the body.
    pub fn sizes(&self) -> Vec<(String, usize)> {
        let mut sizes = Vec::new();
        Wire::sizes(self, "", &mut sizes);
        sizes
    }
}

/// The bytes of a pack of tables that are laid out already: compressed, behind a header. What the tables'
/// bytes mean is not checked, so that tests can make packs that are refused.
pub fn enclosed(tables: &[u8]) -> Vec<u8> {
    let body = compression::compress(tables);
    let mut pack = Vec::with_capacity(HEADER_BYTES + body.len());
    pack.extend_from_slice(&MAGIC);
    pack.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    let n_body = u32::try_from(body.len()).unwrap_or(u32::MAX);
    pack.extend_from_slice(&n_body.to_le_bytes());
    pack.extend_from_slice(&PackHash::of(&body).0);
    pack.extend_from_slice(&body);
    pack
}

impl Pack {
    /// Reads a pack from bytes that anybody may have written.
    ///
    /// Where packs have to be signed, check the signature first: [`Envelope`] reads what that needs.
    ///
    /// # Errors
    /// See [`PackErrorKind`]. Nothing of a refused pack is kept.
    pub fn decode(bytes: &[u8]) -> Result<Pack, PackError> {
        Envelope::read(bytes)?.decode()
    }

    /// Returns true if the pack is signed, by whomever.
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// The tables, checked.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What the body hashes to.
    pub fn hash(&self) -> PackHash {
        self.hash
    }

    /// The size of the pack in bytes.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

/// Why bytes are not a pack that this build can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackError {
    kind: PackErrorKind,
}

impl PackError {
    /// What is wrong.
    pub fn kind(self) -> PackErrorKind {
        self.kind
    }
}

/// What can be wrong with the bytes of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackErrorKind {
    /// The magic is not there: some other file.
    NotAPack,
    /// The header or the body ends too soon.
    Truncated,
    /// Another format version; this build reads [`FORMAT_VERSION`].
    Version(u32),
    /// More than [`MAX_PACK_BYTES`].
    TooLarge,
    /// The content hash does not hold, or a table is not consistent; names what.
    Corrupt(&'static str),
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PackErrorKind::NotAPack => {
                f.write_str("not a tidegate pack: the magic bytes are missing")
            }
            PackErrorKind::Truncated => f.write_str("the pack is truncated"),
            PackErrorKind::Version(version) if version > FORMAT_VERSION => write!(
                f,
                "the pack has format version {version}, newer than {FORMAT_VERSION}, which this build reads; upgrade the filter or compile the pack with this version's `tidegate pack`"
            ),
            PackErrorKind::Version(version) => write!(
                f,
                "the pack has format version {version}, this build reads {FORMAT_VERSION}; compile it again with `tidegate pack`"
            ),
            PackErrorKind::TooLarge => {
                write!(f, "the pack is larger than {MAX_PACK_BYTES} bytes")
            }
            PackErrorKind::Corrupt(what) => {
                write!(f, "the pack is corrupt: its {what} does not hold")
            }
        }
    }
}

impl std::error::Error for PackError {}

/// Tables of nothing: every number of them is zero, every list empty.
#[cfg(test)]
pub(crate) fn empty_tables() -> Option<Tables> {
    Tables::read(&mut wire::Reader::new(&[0; 1024], 0))
}
