//! Every bound of this crate, with what happens there.

/// Most rounds of fixes when fixes overlap; what remains is reported, and a second run goes on.
pub const MAX_FIX_ROUNDS: usize = 8;

/// Most rules that an explanation shows where none matches.
pub const MAX_NEAREST: usize = 3;

/// Most values of a detection item that an explanation lists; the rest is counted.
pub const MAX_LISTED_VALUES: usize = 8;

/// Most requests of a sequence in a note; a longer one is refused.
pub const MAX_SEQUENCE_REQUESTS: usize = 20_000;

/// Most operations of a service; a note with more is refused. A request to the service is compared with each.
pub const MAX_OPERATIONS: usize = 1_024;

/// Most hosts with `*` of a service; a note with more is refused.
/// Each host of an operation is compared with each of them.
pub const MAX_HOST_PATTERNS: usize = 256;

/// Most unknown names of a policy that are compared with all others for a suggestion; the rest gets none.
pub const MAX_NAMES_COMPARED: usize = 64;

/// Most sources of all lists of a policy, those of groups written out in each list; a policy with more is refused.
pub const MAX_POLICY_SOURCES: usize = 1 << 20;
