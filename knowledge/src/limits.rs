//! Every bound of the library and its command line, with what happens there.

/// Most bytes of a note or a Sigma file; a larger one is refused (`F004`).
/// The largest file of SigmaHQ's corpus has some 60 KB, generated indicator lists a few MB.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes of ATT&CK in STIX; a larger file is refused (`F004`). Version 18 has some 50 MB.
pub const MAX_ATTACK_BYTES: usize = 512 * 1024 * 1024;

/// Most bytes of a note's front matter; larger ones are refused (`N003`).
/// Its parser recurses, and so the nesting has to be bounded before it is called.
pub const MAX_FRONT_MATTER_BYTES: usize = 4 * 1024;

/// Most bytes of a request that is given to `explain`; a larger one is refused (`F004`).
/// Envoy takes 60 KiB of headers by default, and a log line repeats some of them.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Most times that fixes are looked for again because others overlapped them; the rest is told, and a
/// second run goes on.
pub const MAX_FIX_ROUNDS: usize = 8;

/// Most lines of source that a finding quotes; a longer place is quoted by its first line.
pub const MAX_QUOTED_LINES: u32 = 6;

/// Most values of a detection item that an explanation lists; the rest is counted.
pub const MAX_LISTED_VALUES: usize = 8;

/// Longest line of a log that is looked at; a longer one is counted as unreadable.
/// Envoy refuses requests with more than 60 KiB of headers, so its lines are far shorter.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Deepest nesting of a JSON document of a log; a deeper one is counted as unreadable. `serde_json` has
/// the same bound, and logs of requests nest a few levels.
pub const MAX_JSON_DEPTH: usize = 128;

/// Bytes of a log that are read at once: the unit of parallel work.
pub const PIECE_BYTES: usize = 2 << 20;

/// Largest HTTP archive that is read; it is one JSON document and read whole.
pub const MAX_HAR_BYTES: usize = 512 << 20;

/// Most events that are held back so that those of several logs reach the correlations in order of
/// time. Past it the oldest goes on; one that then comes more than a window later than others of its
/// group is counted as late.
pub const MAX_HELD_EVENTS: usize = 1 << 18;
