//! Every bound of this crate, with what happens there.

/// Bytes of a log that are read at once: the unit of parallel work.
pub const PIECE_BYTES: usize = 2 << 20;

/// Most events that are held back so that those of several logs reach the correlations in order of
/// time. Past it the oldest goes on; one that then comes more than a window later than others of its
/// group is counted as late.
pub const MAX_HELD_EVENTS: usize = 1 << 18;
