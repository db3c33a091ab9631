//! Every bound of the filter, and what happens at it.

/// Most rules that one event, and the filter state, list; the number of matches is given beside them.
/// Log lines stay readable, and a pack that matches everything cannot flood them.
pub(crate) const MAX_LISTED_RULES: usize = 64;

/// Longest text of a rule (title, author, pattern, tag) that an event quotes, in bytes; a longer one
/// is cut at a character and ends in `…`.
pub(crate) const MAX_TEXT_BYTES: usize = 256;

/// Most tags of one rule that an event lists; the rest is omitted.
pub(crate) const MAX_TAGS: usize = 32;

/// Longest id of a rule in metric names, response code details and filter state, in bytes; a longer
/// one is cut. A UUID has 36.
pub(crate) const MAX_ID_BYTES: usize = 64;

/// Longest request id that is passed on, in bytes; a longer one is omitted, as is one with characters
/// other than letters, digits and `-_.:`.
pub(crate) const MAX_REQUEST_ID_BYTES: usize = 128;

/// Longest method, server name, address or identity that an event shows, in bytes; a longer one is cut.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// Every how many requests a worker times one: reading the clock twice for each would cost as much as
/// some evaluations do.
pub(crate) const SAMPLED: u32 = 64;

/// Most requests of a worker that a counter waits for: as many as a busy worker has in a tenth of a second.
pub(crate) const MAX_SUMMED: u64 = 1000;

/// Most windows in one bucket of suppression. Past it the window that would end first is closed early,
/// and `tidegate_suppression_evictions_total` counts it.
pub(crate) const MAX_WINDOWS: usize = 8;

/// Most events in a minute beyond `events_per_minute` that are about a use of which the minute has none:
/// another host, tenant or operation. Further ones are suppressed.
pub(crate) const MAX_NEW_USES: u32 = 64;

/// Most uses that a window of `events_per_minute` knows of; a further one counts as new each time.
pub(crate) const MAX_SEEN_USES: usize = 128;

/// How often a worker tries to swap a shared value before it goes on without.
pub(crate) const MAX_CAS_TRIES: usize = 8;

/// Most pairs of behaviour that a worker holds, with buckets of 2 kB. A further one replaces another, which is written
/// first, and read again at the end of its request.
pub(crate) const MAX_HELD_PAIRS: usize = 256;

/// Most uses of a pair that are written together, 48 bytes each.
pub(crate) const MAX_HELD_USES: usize = 32;

/// Longest window of suppression, in seconds; a longer one is refused.
pub(crate) const MAX_SUPPRESS_SECONDS: u32 = 24 * 3600;

/// Most bytes of events that wait for the collector in one worker. Events beyond that are dropped,
/// and `tidegate_export_dropped_total` counts it.
pub(crate) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// Most bytes of events in one call to the collector; a larger event is sent alone.
pub(crate) const MAX_BATCH_BYTES: usize = 128 * 1024;

/// Longest pause after a call to the collector that failed, in seconds; the first is one second.
pub(crate) const MAX_PAUSE_SECONDS: u64 = 60;

/// Timeout of a call to the collector, in seconds; a timeout is a failure.
pub(crate) const CALL_SECONDS: u32 = 5;

/// Seconds after which a call is taken for lost: its plugin was removed, and Envoy dropped the answer.
pub(crate) const LOST_SECONDS: u64 = 2 * CALL_SECONDS as u64;

/// Seconds after which a request that rules matched is reported, if it is still running.
pub(crate) const REPORT_SECONDS: u64 = 10;

/// Seconds after which the end of a stream is reported although what it is about was, as no window sums up what
/// it moved.
pub(crate) const MIN_OWED_SECONDS: u64 = 600;

/// Bytes in both directions with which it is reported, however short it was.
pub(crate) const MIN_OWED_BYTES: u64 = 1024 * 1024;

/// Most running requests of a worker that wait to be reported. Beyond it a request is reported at once,
/// while it is running.
pub(crate) const MAX_RUNNING: usize = 16_384;
