//! Every bound of this crate, with what happens there.

/// Bytes of a log that are read at once: the unit of parallel work.
pub const PIECE_BYTES: usize = 2 << 20;

/// Most events that are held back so that those of several logs reach the correlations in order of
/// time. Past it the oldest goes on; one that then comes more than a window later than others of its
/// group is counted as late.
pub const MAX_HELD_EVENTS: usize = 1 << 18;

/// Most uses (of a service or host by a source) that are learned from. Requests of further ones are counted and
/// left out.
pub const MAX_USES: usize = 1 << 20;

/// Most identities of a service that a learned entry lists. Where there are more, the entry is open to all.
pub const MAX_LISTED_IDENTITIES: usize = 8;

/// Fewest hosts of no service, at least half of them used once, that are learned as `others` and not one by one.
pub const MIN_TAIL_HOSTS: usize = 30;

/// Fewest hosts below one name that are learned as a wildcard.
pub const MIN_WILDCARD_HOSTS: usize = 4;

/// The least similarity of groups of sources that are joined, from 0 to 1: the share of all that the two use
/// that both use.
pub const MIN_SIMILARITY: f64 = 0.3;

/// Most groups of sources that are compared with one another, which takes steps by the third power of their
/// number. If there are more, none are joined.
pub const MAX_COMPARED_FAMILIES: usize = 120;
