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

/// Most bytes of events that wait for the collector in one worker. What comes when it is full is dropped,
/// and `tidegate_export_dropped_total` counts it.
pub(crate) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// Bytes of events that go to the collector in one call; one that is larger goes alone.
pub(crate) const MAX_BATCH_BYTES: usize = 128 * 1024;

/// Longest pause after a call to the collector that failed, in seconds; the first is one second.
pub(crate) const MAX_PAUSE_SECONDS: u64 = 60;

/// How long the collector may take for a call, in seconds. Then Envoy gives it up, which is a failure.
pub(crate) const CALL_SECONDS: u32 = 5;

/// After so many seconds a call has no answer any more: its plugin went, and Envoy gave it up unseen.
pub(crate) const LOST_SECONDS: u64 = 2 * CALL_SECONDS as u64;
