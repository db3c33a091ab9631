//! Rules: what they are called, what they ask for, and their programs.

use super::Tables;
use crate::ids::{AtomId, FieldId, PatternId, RuleId, StrId};
use crate::pack::wire::{Reader, Row, Wire, wire, wire_enum};

/// The field of an atom that looks at every value of the event: Sigma's keywords.
pub const KEYWORDS: FieldId = FieldId(u32::MAX);

wire_enum! {
    /// How much a match matters, in the rule author's judgement (Sigma `level`).
    pub enum Level {
        /// The rule does not say.
        Unset = 0,
        /// Only informational.
        Informational = 1,
        /// Low.
        Low = 2,
        /// Medium.
        Medium = 3,
        /// High.
        High = 4,
        /// Critical.
        Critical = 5,
    }

    /// What suffixes of host names mean.
    pub enum HostMatching {
        /// Sigma's literal meaning: text, wherever it starts. `pastebin.com` holds for `evilpastebin.com`,
        /// and `.t.me` not for `t.me`.
        Text = 0,
        /// A domain and all below it, with or without a dot in front.
        Labels = 1,
    }

    /// When all that a rule asks for is known.
    pub enum Phase {
        /// With the request headers: the rule can be enforced.
        Request = 0,
        /// Only with the response: the rule can report, not block.
        Response = 1,
    }

    /// What a test asks of a field.
    pub enum TestKind {
        /// The field is missing or null.
        Null = 0,
        /// The field is there, whatever its value.
        Exists = 1,
        /// The field is a number that compares so.
        Number = 2,
        /// The field's text is another field's.
        FieldWhole = 3,
        /// The field's text starts with another field's.
        FieldStart = 4,
        /// The field's text ends with another field's.
        FieldEnd = 5,
        /// The field's text contains another field's.
        FieldAny = 6,
        /// The minute of the field's time stamp compares so.
        Minute = 7,
        /// Its hour does.
        Hour = 8,
        /// Its day of the month does.
        Day = 9,
        /// Its week by ISO 8601 does.
        Week = 10,
        /// Its month does.
        Month = 11,
        /// Its year does.
        Year = 12,
    }

    /// How a number compares with that of a rule.
    pub enum Comparison {
        /// It is equal.
        Equal = 0,
        /// It is less.
        Less = 1,
        /// It is less or equal.
        LessOrEqual = 2,
        /// It is greater.
        Greater = 3,
        /// It is greater or equal.
        GreaterOrEqual = 4,
    }
}

wire! {
    /// One rule.
    pub struct Rule {
        /// Sigma `id`, or the title where a rule has none.
        pub id: StrId => near,
        /// Sigma `title`.
        pub title: StrId => near,
        /// Sigma `author`: shown wherever a match is shown (Detection Rule License 1.1).
        pub author: StrId => near,
        /// Sigma `status`; empty where a rule has none.
        pub status: StrId => near,
        /// Sigma `logsource`, as `category/product/service`.
        pub logsource: StrId => near,
        /// Sigma `level`.
        pub level: Level,
        /// When the rule can be decided.
        pub phase: Phase,
        /// Whether a match is an alert by itself: false where a correlation takes the rule in without
        /// `generate: true`.
        pub alerts: bool,
        /// Sigma `tags`: a range of [`Tables::tags`].
        pub tags_start: u32 => start,
        /// The end of that range.
        pub tags_end: u32 => end(tags_start),
        /// The rule's program: a range of [`Tables::code`].
        pub code_start: u32 => start,
        /// The end of that range.
        pub code_end: u32 => end(code_start),
    }

    /// A detection item: true when one of its patterns is found.
    pub struct Atom {
        /// The field, or [`KEYWORDS`].
        pub field: FieldId => near,
        /// The field and its modifiers as Sigma writes them, for people.
        pub label: StrId => near,
        /// The rules to evaluate when the atom is true: a range of `Tables::atom_rules`.
        pub rules_start: u32 => start,
        /// The end of that range.
        pub rules_end: u32 => end(rules_start),
        /// Patterns that no scan looks for, because they need no literal: a range of [`Tables::unindexed`].
        /// They are checked when a rule that was woken by another atom asks for this one.
        pub unindexed_start: u32 => start,
        /// The end of that range.
        pub unindexed_end: u32 => end(unindexed_start),
        /// Whether some of its patterns are in [`Tables::deferred`].
        pub is_deferred: bool,
    }

    /// A question about a field that no scan answers; asked when a rule that needs it is evaluated.
    pub struct Test {
        /// What is asked.
        pub kind: TestKind,
        /// The field.
        pub field: FieldId => near,
        /// The field that it is compared with; for other kinds the field itself.
        pub other: FieldId => near,
        /// How numbers compare.
        pub comparison: Comparison,
        /// The rule's number: the bits of a 64-bit float.
        pub number: u64,
        /// Whether the comparison of two texts is case-sensitive.
        pub cased: bool,
        /// The field and its modifiers as Sigma writes them, for people.
        pub label: StrId => near,
        /// The rule's value as its author wrote it.
        pub text: StrId => near,
    }
}

/// One operation of a rule's program, a `u32`: the kind in the top four bits, its operand below.
///
/// Programs run on a stack of truth values; the last one left is the rule's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Pushes whether the atom is true.
    Atom(AtomId),
    /// Pushes the answer of a test: an index into [`Tables::tests`].
    Test(u32),
    /// Takes that many values, pushes whether all are true.
    All(u32),
    /// Takes that many values, pushes whether any is true.
    Any(u32),
    /// Takes one value, pushes its opposite.
    Not,
    /// Names the value on top of the stack, for people: a selection's identifier.
    Name(StrId),
}

impl Op {
    const OPERAND: u32 = (1 << 28) - 1;

    /// The operation as a number; operands over 28 bits are cut, which [`crate::Pack::decode`] refuses.
    pub fn encode(self) -> u32 {
        let (kind, operand) = match self {
            Op::Atom(atom) => (0, atom.0),
            Op::Test(test) => (1, test),
            Op::All(n_values) => (2, n_values),
            Op::Any(n_values) => (3, n_values),
            Op::Not => (4, 0),
            Op::Name(name) => (5, name.0),
        };
        kind << 28 | operand & Self::OPERAND
    }

    /// Returns the operation that a number encodes.
    pub fn decode(word: u32) -> Option<Op> {
        let operand = word & Self::OPERAND;
        match word >> 28 {
            0 => Some(Op::Atom(AtomId(operand))),
            1 => Some(Op::Test(operand)),
            2 => Some(Op::All(operand)),
            3 => Some(Op::Any(operand)),
            4 => Some(Op::Not),
            5 => Some(Op::Name(StrId(operand))),
            _ => None,
        }
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the macro that lays the enum out derives the same for all"
)]
impl Default for HostMatching {
    fn default() -> Self {
        HostMatching::Text
    }
}

impl HostMatching {
    /// The name on the command line and in what is printed about a pack.
    pub fn as_str(self) -> &'static str {
        match self {
            HostMatching::Text => "text",
            HostMatching::Labels => "labels",
        }
    }
}

impl Level {
    /// Sigma's name for it; empty where the rule does not say.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Unset => "",
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }
}

impl Tables {
    /// The rule behind an id.
    pub fn rule(&self, rule: RuleId) -> Option<&Rule> {
        self.rules.get(rule.index())
    }

    /// A rule's tags.
    pub fn rule_tags<'t>(&'t self, rule: &Rule) -> impl Iterator<Item = &'t str> {
        let tags = self.tags.get(rule.tags_start as usize..rule.tags_end as usize);
        tags.unwrap_or_default().iter().map(|tag| self.str(*tag))
    }

    /// A rule's program.
    pub fn rule_code(&self, rule: &Rule) -> &[u32] {
        self.code.get(rule.code_start as usize..rule.code_end as usize).unwrap_or_default()
    }

    /// The rules that an atom wakes.
    pub(crate) fn atom_rules(&self, atom: &Atom) -> &[RuleId] {
        self.atom_rules.get(atom.rules_start as usize..atom.rules_end as usize).unwrap_or_default()
    }

    /// The patterns of an atom that no scan looks for.
    pub(crate) fn atom_unindexed(&self, atom: &Atom) -> &[PatternId] {
        self.unindexed
            .get(atom.unindexed_start as usize..atom.unindexed_end as usize)
            .unwrap_or_default()
    }
}
