//! Every bound of this crate, with what happens there.

/// Longest line of a log that is looked at; a longer one is counted as unreadable.
/// Envoy refuses requests with more than 60 KiB of headers, so its lines are far shorter.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Longest line that is looked at as one of another format than the log's; a longer one is counted as unreadable.
pub const MAX_OTHER_LINE_BYTES: usize = 64 << 10;

/// Most other formats, and ways to wrap them, whose readers a log keeps; beyond them they are made anew.
pub const MAX_OTHER_LAYOUTS: usize = 16;

/// Deepest nesting of a JSON document of a log; a deeper one is counted as unreadable. `serde_json` has
/// the same bound, and logs of requests nest a few levels.
pub const MAX_JSON_DEPTH: usize = 128;

/// Most bytes of a request that is given to `explain`; a larger one is refused (`F004`).
/// Envoy takes 60 KiB of headers by default, and a log line repeats some of them.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Most requests of a pasted text: a pattern of URLs may stand for any number.
pub const MAX_PASTED_REQUESTS: usize = 1_000;

/// Most that a pasted text may expand to, in bytes: so many times the text, and [`MIN_EXPANSION_BYTES`] besides. A
/// text that expands to more is refused from there on (`R013`): a variable that is doubled 28 times is 484 bytes.
pub const MAX_EXPANSION: usize = 8;

/// What a pasted text may expand to besides, however short it is.
pub const MIN_EXPANSION_BYTES: usize = 1 << 20;

/// Largest HTTP archive that is read; it is one JSON document and read whole.
pub const MAX_HAR_BYTES: usize = 512 << 20;
