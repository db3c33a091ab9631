//! Every bound of the compiler, with what happens there.

/// Deepest nesting of a condition; deeper ones are refused (`S030`).
pub const MAX_CONDITION_DEPTH: usize = 32;

/// Most bytes that the deterministic automaton of one regular expression may take, while it is built
/// and after. A larger one runs on a nondeterministic automaton, which costs a visit of each state per
/// byte; `tidegate check` says so (`L`-codes).
pub const MAX_REGEX_BYTES: usize = 1 << 20;

/// Most bytes of automata that are built for the regular expressions of one file, those included that are
/// given up because they grow too large. The last quarter is for nondeterministic ones; an expression for
/// which nothing is left is refused (`S023`).
/// A megabyte takes some 30 milliseconds, and six characters can ask for it.
pub const MAX_FILE_REGEX_BYTES: usize = 32 << 20;

/// Most parts by which the conditions of one file may be longer than they are written; more are refused
/// (`S034`). A search identifier that a condition names again repeats all of its search: 16 parts for each
/// item, and one for each value. `x of` repeats what it selects, and compares every name.
pub const MAX_REPEATED_PARTS: usize = 1 << 20;

/// Most states of a nondeterministic automaton. An expression that needs more is refused (`S023`): it
/// counts too far or names too many characters.
pub const MAX_REGEX_STATES: usize = 16_384;

/// Most variants that a value may have (`base64offset`, `expand`); more are refused (`S020`).
pub const MAX_VARIANTS: usize = 1024;

/// Most correlations of one pack; more are refused (`S059`).
pub const MAX_CORRELATIONS: usize = 4096;

/// Most rules that one correlation takes in, and most fields by which it groups; more are refused (`S059`).
pub const MAX_CORRELATION_PARTS: usize = 256;
