//! Bounds of answers.

/// Most completions in one answer. The editor filters them by what was typed, so that a longer list would
/// only be slower.
pub const MAX_COMPLETIONS: usize = 2_000;

/// Most places of one definition, as of `1 of selection_*`.
pub const MAX_DEFINITIONS: usize = 100;
