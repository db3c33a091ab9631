//! Every bound of the run-time, with what happens there.

/// Longest program stack that a rule may need.
/// A pack whose rule needs more is refused when it is decoded; the compiler refuses such a rule first.
pub const MAX_STACK: usize = 64;

/// Most bytes of one header or pseudo-header that are looked at.
/// Envoy refuses a request with more than 60 KiB of headers by default (`max_request_headers_kb`), so
/// this is only met where an operator raised that limit: what follows is not inspected, and the
/// verdict says so by [`crate::Verdict::truncated`].
pub const MAX_VALUE_BYTES: usize = 96 * 1024;

/// Most bytes of all values of one event together.
/// Values past it are cut and the verdict says so by [`crate::Verdict::truncated`].
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Most values that one event may hold.
/// Values past it are left out and the verdict says so by [`crate::Verdict::truncated`].
pub const MAX_EVENT_VALUES: usize = 65_536;

/// Most bytes of a pack.
/// Envoy holds about ten times the size of a plugin configuration in memory (two workers), so a
/// larger pack is refused when it is decoded.
pub const MAX_PACK_BYTES: usize = 64 * 1024 * 1024;

/// Most evidence that is kept for one rule that matched; the rest is counted, not listed.
pub const MAX_EVIDENCE: usize = 8;

/// Longest value that evidence quotes, in bytes; a longer one is cut.
pub const MAX_EVIDENCE_BYTES: usize = 512;
