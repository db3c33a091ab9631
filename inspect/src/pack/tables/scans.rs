//! Patterns: how each field is scanned for them, and what checks one that was found.

use super::{Grams, Networks, Tables, Trie};
use crate::ids::{AtomId, FieldId, StrId};
use crate::pack::wire::{Reader, Row, Wire, wire, wire_enum};

/// A glob token: `?`, one character.
pub const GLOB_ONE: u16 = 256;
/// A glob token: `*`, any characters, also none.
pub const GLOB_MANY: u16 = 257;
/// A glob token: any of the dashes and the slash that `windash` takes for one another.
pub const GLOB_DASH: u16 = 258;

wire_enum! {
    /// How a pattern compares with a value.
    pub enum PatternKind {
        /// The whole value.
        Exact = 0,
        /// The start of the value.
        Prefix = 1,
        /// The end of the value.
        Suffix = 2,
        /// Any part of the value.
        Contains = 3,
        /// The whole value, with wildcards.
        Glob = 4,
        /// A regular expression, anywhere in the value.
        Regex = 5,
        /// An IP network that contains the value.
        Network = 6,
    }

    /// What decides a pattern after the scan found its literal.
    pub enum CheckKind {
        /// The scan alone.
        None = 0,
        /// `Tables::globs`, on the folded value.
        FoldedGlob = 1,
        /// `Tables::globs`, on the value as it came.
        CasedGlob = 2,
        /// `Tables::regexes`, on the value as it came.
        Regex = 3,
        /// `Tables::nfas`, on the value as it came.
        Nfa = 4,
    }

    /// What a state of an [`Nfa`] does.
    pub enum NfaKind {
        /// Reads a byte; two numbers per edge: lowest byte and highest byte times 256, next state.
        Bytes = 0,
        /// Goes on in all of its states; a number per edge.
        Split = 1,
        /// Goes on at the start of the value.
        Start = 2,
        /// Goes on at the end of the value.
        End = 3,
        /// Goes on at the start of a line.
        StartLine = 4,
        /// Goes on at the end of a line.
        EndLine = 5,
        /// Goes on between a word character and another, by ASCII.
        Word = 6,
        /// Goes on where [`NfaKind::Word`] does not.
        NotWord = 7,
        /// The expression is found.
        Match = 8,
    }
}

wire! {
    /// One value of a detection item.
    pub struct Pattern {
        /// The field that it is looked for in, or [`super::KEYWORDS`].
        pub field: FieldId => near,
        /// How it compares.
        pub kind: PatternKind,
        /// The value as the author wrote it.
        pub text: StrId => near,
        /// What decides the pattern once the scan found it.
        pub check: CheckKind,
        /// The index for the check.
        pub check_idx: u32,
        /// The atoms that the pattern makes true: a range of `Tables::pattern_atoms`.
        pub atoms_start: u32 => start,
        /// The end of that range.
        pub atoms_end: u32 => end(atoms_start),
    }

    /// How the values of one field are scanned.
    pub struct Scan {
        /// Whole values and prefixes.
        pub forward: Trie,
        /// Suffixes, read from the end.
        pub backward: Trie,
        /// Literals that may be anywhere in a value and are not in [`Tables::shared`], by the width of
        /// the grams.
        pub grams: Vec<Grams>,
        /// IPv4 networks.
        pub networks_v4: Networks,
        /// IPv6 networks.
        pub networks_v6: Networks,
        /// Whether [`Tables::shared`] contains literals of the field.
        pub is_shared: bool,
    }

    /// A nondeterministic automaton over bytes, for expressions that count so far that a deterministic
    /// one would not fit. Its work is the value's length times its states.
    pub struct Nfa {
        /// What each state does.
        pub states: Vec<NfaState>,
        /// The edges of all states.
        pub edges: Vec<u32>,
        /// The state at the start of a value.
        pub start: u32,
    }

    /// A state of an [`Nfa`].
    pub struct NfaState {
        /// What it does.
        pub kind: NfaKind,
        /// Its edges: a range of [`Nfa::edges`].
        pub edges_start: u32 => start,
        /// The end of that range.
        pub edges_end: u32 => end(edges_start),
    }
}

impl Scan {
    /// Returns true if no pattern is looked for.
    pub fn is_empty(&self) -> bool {
        self.forward.outputs.is_empty()
            && self.backward.outputs.is_empty()
            && self.grams.is_empty()
            && self.networks_v4.starts.is_empty()
            && self.networks_v6.starts.is_empty()
            && !self.is_shared
    }
}

impl Tables {
    /// The atoms that a pattern makes true.
    pub(crate) fn pattern_atoms(&self, pattern: &Pattern) -> &[AtomId] {
        let range = pattern.atoms_start as usize..pattern.atoms_end as usize;
        self.pattern_atoms.get(range).unwrap_or_default()
    }

    /// The tokens of a glob.
    pub fn glob(&self, glob_idx: u32) -> &[u16] {
        let end = self.glob_ends.get(glob_idx as usize).copied().unwrap_or_default() as usize;
        let start = match (glob_idx as usize).checked_sub(1) {
            Some(before) => self.glob_ends.get(before).copied().unwrap_or_default() as usize,
            None => 0,
        };
        self.glob_tokens.get(start..end).unwrap_or_default()
    }
}
