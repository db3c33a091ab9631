//! Every bound of the compiler, with what happens there.

/// Deepest nesting of YAML that is read; deeper text is refused (`S002`).
pub const MAX_YAML_DEPTH: usize = 32;

/// Most YAML nodes that are written in one text; more is refused (`S002`).
/// Ten megabytes of small rules have half of that; a node takes some hundred bytes of memory.
pub const MAX_YAML_NODES: usize = 2_000_000;

/// Most YAML nodes that a text contains more often than they are written: by aliases, by anchors, which
/// keep what they name, and by `action`; more is refused (`S002`).
/// Only this grows faster than the text. The largest rule of `SigmaHQ` has some hundred nodes.
pub const MAX_REPEATED_YAML_NODES: usize = 200_000;

/// Deepest nesting of a condition; deeper ones are refused (`S030`).
pub const MAX_CONDITION_DEPTH: usize = 32;

/// Most bytes that the deterministic automaton of one regular expression may take, while it is built
/// and after. A larger one runs on a nondeterministic automaton, which costs a visit of each state per
/// byte; `tidegate check` says so (`L`-codes).
pub const MAX_REGEX_BYTES: usize = 1 << 20;

/// Most states of a nondeterministic automaton. An expression that needs more is refused (`S023`): it
/// counts too far or names too many characters.
pub const MAX_REGEX_STATES: usize = 16_384;

/// Most variants that a value may have (`base64offset`, `expand`); more are refused (`S020`).
pub const MAX_VARIANTS: usize = 1024;

/// Most correlations of one pack; more are refused (`S059`).
pub const MAX_CORRELATIONS: usize = 4096;

/// Most rules that one correlation takes in, and most fields by which it groups; more are refused (`S059`).
pub const MAX_CORRELATION_PARTS: usize = 256;
