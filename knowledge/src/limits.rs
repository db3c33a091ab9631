//! Every bound of this crate, with what happens there.

/// Most times that fixes are looked for again because others overlapped them; the rest is told, and a
/// second run goes on.
pub const MAX_FIX_ROUNDS: usize = 8;

/// Most values of a detection item that an explanation lists; the rest is counted.
pub const MAX_LISTED_VALUES: usize = 8;
