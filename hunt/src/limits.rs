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

/// Fewest requests for each identity of a service that is listed, on average. Where there are fewer, the entry is
/// open to all.
pub const MIN_REQUESTS_PER_IDENTITY: u64 = 3;

/// Fewest hosts of no service, at least half of them used once, that are learned as `others` and not one by one.
pub const MIN_TAIL_HOSTS: usize = 30;

/// Most hosts of such a tail to which something is sent that are listed, so that the rest may only be read from. Where
/// there are more, sending to hosts that were not seen is usual.
pub const MAX_SENDING_HOSTS: usize = 20;

/// Fewest services of a group with a long tail of them, for which operations that only get something are learned
/// for every service.
pub const MIN_TAIL_SERVICES: usize = 20;

/// Fewest services with which such a group does an operation that is learned for every service.
pub const MIN_USES_ANYWHERE: usize = 3;

/// Fewest hosts below one name that are learned as a wildcard.
pub const MIN_WILDCARD_HOSTS: usize = 4;

/// The least similarity of groups of sources that are joined, from 0 to 1: the share of all that the two use
/// that both use.
pub const MIN_SIMILARITY: f64 = 0.3;

/// The most requests for one that is likely to be to something new in a group: of fifty requests one. A group of which
/// less was seen is joined to one that is alike.
pub const MAX_NOVELTY_OF: u64 = 50;

/// Most groups of sources that are compared with one another, which takes steps by the third power of their
/// number. If there are more, none are joined.
pub const MAX_COMPARED_FAMILIES: usize = 120;

/// Most names of sources and hosts that a thread remembers to have passed on. Past it they are forgotten, and
/// passed on again: that costs time only.
pub const MAX_KNOWN_NAMES: usize = 1 << 20;

/// Most candidates for rules of behaviour that a thread remembers to have passed on. Past it they are forgotten
/// as names are.
pub const MAX_KNOWN_CANDIDATES: usize = 1 << 20;

/// Most matches that the page of a report lists, one for each rule, source and host; further ones are counted.
pub const MAX_PAGE_MATCHES: usize = 2000;

/// Most pairs of a source and a host that the page of a report draws; further ones are counted.
pub const MAX_PAGE_PAIRS: usize = 200;

/// Most bytes of requests that rules of behaviour may match that are kept in memory while a log is read, where there is
/// a file for the others.
pub const MAX_KEPT_REQUEST_BYTES: usize = 32 << 20;
