//! Every bound of the filter, with what happens there.

/// Most rules that one event, and the filter state, list; how many matched is told beside it.
/// Envoy's log line and access log stay readable, and a pack that matches everything cannot flood them.
pub(crate) const MAX_LISTED_RULES: usize = 64;

/// Longest text of a rule (title, author, pattern, tag) that an event quotes, in bytes; a longer one
/// is cut at a character and ends in `…`.
pub(crate) const MAX_TEXT_BYTES: usize = 256;

/// Most tags of one rule that an event lists; the rest is left out.
pub(crate) const MAX_TAGS: usize = 32;

/// Longest id of a rule in metric names, response code details and filter state, in bytes; a longer
/// one is cut. A UUID has 36.
pub(crate) const MAX_ID_BYTES: usize = 64;

/// Longest request id that is passed on, in bytes; a longer one is left out, as one with other
/// characters than letters, digits and `-_.:` is.
pub(crate) const MAX_REQUEST_ID_BYTES: usize = 128;

/// Longest method, server name, address or identity that an event shows, in bytes; a longer one is cut.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// Of so many requests of a worker the last is timed: two readings of the clock for each of them would
/// cost as much as some evaluations do.
pub(crate) const SAMPLED: u32 = 64;

/// Most windows in one bucket of what was told. Past it the window that would end first is closed early,
/// and `tidegate_suppression_evictions_total` counts it.
pub(crate) const MAX_WINDOWS: usize = 8;

/// How often a worker tries to write what workers share before it goes on without.
pub(crate) const MAX_CAS_TRIES: usize = 8;

/// Longest time, in seconds, for which one event stands for others; a longer one is refused.
pub(crate) const MAX_SUPPRESS_SECONDS: u32 = 24 * 3600;
