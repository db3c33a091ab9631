//! Every bound of the preview. Larger input is refused with a message that names the bound.

/// Bytes of a rule or note: no note is as large, and a browser's editor would stall.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Bytes of pasted or dropped requests.
pub const MAX_IMPORT_BYTES: usize = 128 * 1024 * 1024;

/// Most requests of an import; the rest is not read, and the page reports it.
pub const MAX_REQUESTS: usize = 100_000;

/// Most refused requests that are listed; further ones are only counted.
pub const MAX_REFUSALS: usize = 100;

/// Most requests that match in a sample: they are looked at, not read through.
pub const MAX_SAMPLE: usize = 8;

/// Most times of requests that an explanation has: a strip of more has no gaps left.
pub const MAX_TIMES: usize = 2000;

/// Packs that a page holds at a time; one more is refused.
pub const MAX_PACKS: usize = 16;
