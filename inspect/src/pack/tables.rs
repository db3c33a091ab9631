//! What a pack consists of.
//!
//! A rule is a postfix program over atoms. An atom is one detection item (`cs-host|endswith: [...]`),
//! true when one of its patterns is found. Patterns are found by scans, one per field: tries for
//! whole values, prefixes and suffixes, a gram index for what may be anywhere, sorted ranges for
//! networks. A pattern that the scan cannot decide alone (a glob, a regex, a cased value) names a
//! check that does, and the scan looks for a literal that the pattern cannot do without.

mod automaton;
mod correlations;
mod grams;
mod networks;
mod rules;
mod scans;
mod trie;

pub use automaton::*;
pub use correlations::*;
pub use grams::*;
pub use networks::*;
pub use rules::*;
pub use scans::*;
pub use trie::*;

use super::policy::{PolicyTables, ServiceTables};
use super::wire::{Number, Reader, Row, Wire, wire};
use crate::ids::{AtomId, FieldId, PatternId, RuleId, StrId};
use crate::sorted::sort_and_dedup;

macro_rules! wire_ids {
    ($($id:ident),+) => {$(
        impl Number for $id {
            fn to_number(self) -> u32 {
                self.0
            }

            fn from_number(number: u32) -> Self {
                $id(number)
            }
        }

        impl Wire for $id {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                u32::read(reader).map($id)
            }
        }
    )+};
}

wire_ids!(AtomId, FieldId, PatternId, RuleId, StrId);

wire! {
    /// The content of a pack. The file `pack/tables.rs` says how the parts work together.
    pub struct Tables {
        /// What the pack is called, for people.
        pub name: String,
        /// A number that grows with each release of the pack.
        pub version: u64,
        /// What suffixes of host names mean in its rules; the compiler has seen to it.
        pub hosts: HostMatching,
        /// All strings, end to end.
        pub strings: String,
        /// Where each string ends in `strings`.
        pub string_ends: Vec<u32>,
        /// The names of the fields that events are asked for.
        pub fields: Vec<StrId>,
        /// The rules.
        pub rules: Vec<Rule>,
        /// The tags of all rules; a rule names a range.
        pub tags: Vec<StrId>,
        /// The programs of all rules; a rule names a range. See [`Op`].
        pub code: Vec<u32> => operations,
        /// Rules that are evaluated on every event, because they may match where no pattern is found.
        pub unguarded: Vec<RuleId>,
        /// The detection items.
        pub atoms: Vec<Atom>,
        /// The rules that atoms wake; an atom names a range.
        pub atom_rules: Vec<RuleId>,
        /// Patterns without a literal to look for; an atom names a range.
        pub unindexed: Vec<PatternId>,
        /// Questions about a field that no scan answers.
        pub tests: Vec<Test>,
        /// The patterns.
        pub patterns: Vec<Pattern>,
        /// The atoms that patterns make true; a pattern names a range.
        pub pattern_atoms: Vec<AtomId>,
        /// The tokens of all globs: a byte, or one of the `GLOB_` constants.
        pub glob_tokens: Vec<u16>,
        /// Where each glob ends in `glob_tokens`.
        pub glob_ends: Vec<u32>,
        /// The regular expressions.
        pub regexes: Vec<Automaton>,
        /// The regular expressions whose automaton would be too large.
        pub nfas: Vec<Nfa>,
        /// How each field is scanned for what wakes rules, in the order of `fields`.
        pub scans: Vec<Scan>,
        /// How every value of an event is scanned for keywords that wake rules.
        pub keywords: Scan,
        /// Literals that wake rules, of fields whose values often are parts of one another: they are looked
        /// for once in all text of an event.
        pub shared: Vec<Grams>,
        /// How each field is scanned for the other patterns, once a rule asks for one of them.
        pub deferred: Vec<Scan>,
        /// How every value is scanned for the other keywords.
        pub deferred_keywords: Scan,
        /// Whether a rule has keywords, so that events have to answer with all of their values.
        pub has_keywords: bool,
        /// The correlations; those that others take in come before them.
        pub correlations: Vec<Correlation>,
        /// What correlations take in; a correlation names a range.
        pub correlation_inputs: Vec<CorrelationInput>,
        /// What their values are compared with; a correlation names a range.
        pub thresholds: Vec<Threshold>,
        /// The programs of conditions over names of rules; a correlation names a range.
        pub correlation_code: Vec<u32>,
        /// The names of the fields by which they group; a correlation names a range.
        pub group_names: Vec<StrId>,
        /// What answers those names in each input; an input names a range.
        pub input_fields: Vec<u32>,
        /// What happens to matches.
        pub policy: PolicyTables,
        /// The services that get abused, and what their URLs contain.
        pub services: ServiceTables,
    }
}

impl Tables {
    /// The string behind an id; empty where there is none.
    pub fn str(&self, id: StrId) -> &str {
        let end = self.string_ends.get(id.index()).copied().unwrap_or_default() as usize;
        let start = match id.index().checked_sub(1) {
            Some(before) => self.string_ends.get(before).copied().unwrap_or_default() as usize,
            None => 0,
        };
        self.strings.get(start..end).unwrap_or_default()
    }

    /// The name of a field.
    pub fn field_name(&self, field: FieldId) -> &str {
        self.fields.get(field.index()).map_or("", |name| self.str(*name))
    }

    /// Returns the fields that a rule asks for, each once.
    pub fn fields_of(&self, rule: RuleId) -> Vec<FieldId> {
        let code = self.rule(rule).map(|rule| self.rule_code(rule)).unwrap_or_default();
        let of_word = |word: &u32| match Op::decode(*word) {
            Some(Op::Atom(atom)) => self.atoms.get(atom.index()).map(|atom| [atom.field; 2]),
            Some(Op::Test(test)) => {
                self.tests.get(test as usize).map(|test| [test.field, test.other])
            }
            _ => None,
        };
        let mut fields: Vec<FieldId> = code.iter().filter_map(of_word).flatten().collect();
        sort_and_dedup(&mut fields);
        fields
    }

    /// Returns true if a rule has keywords, so that events have to answer with all of their values.
    pub fn has_keywords(&self) -> bool {
        self.has_keywords
    }
}
