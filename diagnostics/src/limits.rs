//! Every bound of this crate and of the files that are read for it, with what happens there.

/// Deepest nesting of YAML that is read; deeper text is refused (`S002`).
pub const MAX_YAML_DEPTH: usize = 32;

/// Most YAML nodes that are written in one text; more is refused (`S002`).
/// Ten megabytes of small rules have half of that; a node takes some hundred bytes of memory.
pub const MAX_YAML_NODES: usize = 2_000_000;

/// Most YAML nodes that a text contains more often than they are written: by aliases, by anchors, which
/// keep what they name, and by `action`; more is refused (`S002`).
/// Only this grows faster than the text. The largest rule of `SigmaHQ` has some hundred nodes.
pub const MAX_REPEATED_YAML_NODES: usize = 200_000;

/// Most bytes of a note or a Sigma file; a larger one is refused (`F004`).
/// The largest file of SigmaHQ's corpus has some 60 KB, generated indicator lists a few MB.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// Most lines of source that a finding quotes; a longer place is quoted by its first line.
pub const MAX_QUOTED_LINES: u32 = 6;

/// Most bytes of source that a finding quotes on either side of its place, where the lines are longer than
/// four times that: a text in one line has findings without number, and each would quote all of it.
pub const MAX_QUOTED_MARGIN: usize = 256;
