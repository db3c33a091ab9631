//! What a pack consists of.
//!
//! A rule is a postfix program over atoms. An atom is one detection item (`cs-host|endswith: [...]`),
//! true when one of its patterns is found. Patterns are found by scans, one per field: tries for
//! whole values, prefixes and suffixes, a gram index for what stands anywhere, sorted ranges for
//! networks. A pattern that the scan cannot decide alone (a glob, a regex, a cased value) names a
//! check that does, and the scan looks for a literal that the pattern cannot do without.

use super::policy::{PolicyTables, ServiceTables};
use super::wire::{Reader, Wire, wire, wire_enum};
use crate::ids::{AtomId, CorrelationId, FieldId, PatternId, RuleId, StrId};

/// The field of an atom that looks at every value of the event: Sigma's keywords.
pub const KEYWORDS: FieldId = FieldId(u32::MAX);

/// A glob token: `?`, one character.
pub const GLOB_ONE: u16 = 256;
/// A glob token: `*`, any characters, also none.
pub const GLOB_MANY: u16 = 257;
/// A glob token: any of the dashes and the slash that `windash` takes for one another.
pub const GLOB_DASH: u16 = 258;

macro_rules! wire_ids {
    ($($id:ident),+) => {$(
        impl Wire for $id {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                u32::read(reader).map($id)
            }
        }

        impl Wire for Vec<$id> {
            fn write(&self, out: &mut Vec<u8>) {
                super::wire::write_list(self, out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                Some(Vec::<u32>::read(reader)?.into_iter().map($id).collect())
            }
        }
    )+};
}

wire_ids!(AtomId, FieldId, PatternId, RuleId, StrId);

/// A place in an input of a correlation that nothing answers.
pub const NO_FIELD: u32 = u32::MAX;

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

    /// What a correlation computes over the events of a group in its window.
    pub enum CorrelationKind {
        /// How many events.
        EventCount = 0,
        /// How many distinct values of a field.
        ValueCount = 1,
        /// How many of the inputs.
        Temporal = 2,
        /// How many of the inputs, in the order in which they are listed.
        TemporalOrdered = 3,
        /// The sum of a field's numbers.
        ValueSum = 4,
        /// Their mean.
        ValueAvg = 5,
        /// A percentile of them, interpolated.
        ValuePercentile = 6,
        /// Their median.
        ValueMedian = 7,
    }

    /// What an input of a correlation is.
    pub enum InputKind {
        /// A rule: an index into [`Tables::rules`].
        Rule = 0,
        /// Another correlation: an index into [`Tables::correlations`], less than that of the one that
        /// takes it in.
        Correlation = 1,
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
    /// The content of a pack. See the [module](self) for how the parts work together.
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
        pub code: Vec<u32>,
        /// Rules that are evaluated on every event, because they may match where no pattern is found.
        pub always: Vec<RuleId>,
        /// The detection items.
        pub atoms: Vec<Atom>,
        /// The rules that atoms wake; an atom names a range.
        pub atom_rules: Vec<RuleId>,
        /// Patterns without a literal to look for; an atom names a range.
        pub lazy: Vec<PatternId>,
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
        /// How each field is scanned, in the order of `fields`.
        pub scans: Vec<Scan>,
        /// How every value of an event is scanned, for keywords.
        pub keywords: Scan,
        /// 1 where a rule has keywords, so that events have to tell all of their values.
        pub has_keywords: u8,
        /// The correlations; those that others take in come before them.
        pub correlations: Vec<Correlation>,
        /// What correlations take in; a correlation names a range.
        pub correlation_inputs: Vec<CorrelationInput>,
        /// What their values are held against; a correlation names a range.
        pub thresholds: Vec<Threshold>,
        /// The names of the fields by which they group; a correlation names a range.
        pub group_names: Vec<StrId>,
        /// What answers those names in each input; an input names a range.
        pub input_fields: Vec<u32>,
        /// What is made of matches.
        pub policy: PolicyTables,
        /// The services that get abused, and what stands in their URLs.
        pub services: ServiceTables,
    }

    /// One rule.
    pub struct Rule {
        /// Sigma `id`, or the title where a rule has none.
        pub id: StrId,
        /// Sigma `title`.
        pub title: StrId,
        /// Sigma `author`: shown wherever a match is shown (Detection Rule License 1.1).
        pub author: StrId,
        /// Sigma `status`; empty where a rule has none.
        pub status: StrId,
        /// Sigma `logsource`, as `category/product/service`.
        pub logsource: StrId,
        /// Sigma `level`.
        pub level: Level,
        /// When the rule can be decided.
        pub phase: Phase,
        /// Whether a match is an alert by itself: 1, or 0 where a correlation took the rule in without
        /// `generate: true`.
        pub alerts: u8,
        /// Sigma `tags`: a range of [`Tables::tags`].
        pub tags_start: u32,
        /// The end of that range.
        pub tags_end: u32,
        /// The rule's program: a range of [`Tables::code`].
        pub code_start: u32,
        /// The end of that range.
        pub code_end: u32,
    }

    /// A detection item: true when one of its patterns is found.
    pub struct Atom {
        /// The field, or [`KEYWORDS`].
        pub field: FieldId,
        /// The field and its modifiers as Sigma writes them, for people.
        pub label: StrId,
        /// The rules to evaluate when the atom is true: a range of [`Tables::atom_rules`].
        pub rules_start: u32,
        /// The end of that range.
        pub rules_end: u32,
        /// Patterns that no scan looks for, because they need no literal: a range of [`Tables::lazy`].
        /// They are checked when a rule that was woken by another atom asks for this one.
        pub lazy_start: u32,
        /// The end of that range.
        pub lazy_end: u32,
    }

    /// A question about a field that no scan answers; asked when a rule that needs it is evaluated.
    pub struct Test {
        /// What is asked.
        pub kind: TestKind,
        /// The field.
        pub field: FieldId,
        /// The field that it is compared with; for other kinds the field itself.
        pub other: FieldId,
        /// How numbers compare.
        pub comparison: Comparison,
        /// The rule's number: the bits of a 64-bit float.
        pub number: u64,
        /// Whether case matters where texts are compared: 0 or 1.
        pub cased: u8,
        /// The field and its modifiers as Sigma writes them, for people.
        pub label: StrId,
        /// The rule's value as its author wrote it.
        pub text: StrId,
    }

    /// One value of a detection item.
    pub struct Pattern {
        /// How it compares.
        pub kind: PatternKind,
        /// The value as the author wrote it.
        pub text: StrId,
        /// What decides the pattern once the scan found it.
        pub check: CheckKind,
        /// The index for the check.
        pub check_idx: u32,
        /// The atoms that the pattern makes true: a range of [`Tables::pattern_atoms`].
        pub atoms_start: u32,
        /// The end of that range.
        pub atoms_end: u32,
    }

    /// How the values of one field are scanned.
    pub struct Scan {
        /// Whole values and prefixes.
        pub forward: Trie,
        /// Suffixes, read from the end.
        pub backward: Trie,
        /// What stands anywhere in a value, by the width of the grams: 4, 2 and 1 bytes.
        pub grams: Vec<Grams>,
        /// IPv4 networks.
        pub networks_v4: Networks,
        /// IPv6 networks.
        pub networks_v6: Networks,
        /// 1 where `grams` also finds all keywords, so that values of the field need no second scan.
        pub with_keywords: u8,
    }

    /// A radix trie; node 0 is the root. Labels of folded bytes.
    pub struct Trie {
        /// All labels, end to end.
        pub labels: Vec<u8>,
        /// The nodes; a node's children are consecutive and come after it.
        pub nodes: Vec<TrieNode>,
        /// The first byte of each node's label; the children of a node are sorted by it.
        pub first_bytes: Vec<u8>,
        /// What is found at a node: `pattern << 1`, and 1 added where the value must end there.
        pub outputs: Vec<u32>,
    }

    /// A node of a [`Trie`]. All that a walk asks of it lies together, as most walks end at the first.
    pub struct TrieNode {
        /// The label: a range of [`Trie::labels`].
        pub label_start: u32,
        /// The end of that range.
        pub label_end: u32,
        /// The children: a range of [`Trie::nodes`].
        pub child_start: u32,
        /// The end of that range.
        pub child_end: u32,
        /// What is found here: a range of [`Trie::outputs`].
        pub output_start: u32,
        /// The end of that range.
        pub output_end: u32,
    }

    /// Literals found by one gram each, a run of `width` bytes that the compiler chose to be rare.
    ///
    /// A bit of `bitmap` is set for the hash of each gram; a bucket of entries stands behind each set
    /// bit, in order, found by counting the set bits before it.
    pub struct Grams {
        /// Bytes in a gram: 4, 2 or 1.
        pub width: u8,
        /// How far a 32-bit hash is shifted to index `bitmap`.
        pub shift: u8,
        /// One bit per hash.
        pub bitmap: Vec<u64>,
        /// Set bits before each word of `bitmap`.
        pub ranks: Vec<u32>,
        /// Where each bucket ends in `entries`.
        pub bucket_ends: Vec<u32>,
        /// The literals, by bucket.
        pub entries: Vec<Gram>,
        /// The bytes of the literals, folded.
        pub literals: Vec<u8>,
    }

    /// A literal in a gram index.
    pub struct Gram {
        /// The gram, little endian.
        pub gram: u32,
        /// Where in the literal the gram stands.
        pub at: u32,
        /// The literal: a range of [`Grams::literals`].
        pub literal_start: u32,
        /// The end of that range.
        pub literal_end: u32,
        /// The pattern to which the literal belongs.
        pub pattern: PatternId,
    }

    /// Disjoint address ranges in ascending order, each with the patterns that hold in it.
    pub struct Networks {
        /// First address of each range.
        pub starts: Vec<u128>,
        /// Last address of each range.
        pub ends: Vec<u128>,
        /// Where each range's patterns end in `patterns`.
        pub pattern_ends: Vec<u32>,
        /// The patterns of all ranges.
        pub patterns: Vec<PatternId>,
    }

    /// A correlation: matches of rules, or other correlations, counted per group over a sliding window.
    pub struct Correlation {
        /// Sigma `id`, or the title where there is none.
        pub id: StrId,
        /// Sigma `title`.
        pub title: StrId,
        /// Sigma `author`.
        pub author: StrId,
        /// Sigma `status`; empty where there is none.
        pub status: StrId,
        /// Sigma `level`.
        pub level: Level,
        /// What is computed.
        pub kind: CorrelationKind,
        /// Whether it is an alert by itself, as in [`Rule::alerts`].
        pub alerts: u8,
        /// Which percentile, 0 to 100; 0 for other kinds.
        pub percentile: u8,
        /// The length of the window in milliseconds; at least 1.
        pub timespan_ms: u64,
        /// Sigma `tags`: a range of [`Tables::tags`].
        pub tags_start: u32,
        /// The end of that range.
        pub tags_end: u32,
        /// The names of the fields that make a group: a range of [`Tables::group_names`].
        pub group_start: u32,
        /// The end of that range.
        pub group_end: u32,
        /// What it takes in: a range of [`Tables::correlation_inputs`].
        pub inputs_start: u32,
        /// The end of that range.
        pub inputs_end: u32,
        /// What its value is held against, all of it: a range of [`Tables::thresholds`].
        pub thresholds_start: u32,
        /// The end of that range.
        pub thresholds_end: u32,
    }

    /// A rule or correlation that a correlation takes in.
    pub struct CorrelationInput {
        /// What it is.
        pub kind: InputKind,
        /// The index of the rule or the correlation.
        pub of: u32,
        /// What answers each of the group's names, or [`NO_FIELD`]: a range of
        /// [`Tables::input_fields`]. For a rule a [`FieldId`], for a correlation a position in its group.
        pub fields_start: u32,
        /// The end of that range.
        pub fields_end: u32,
        /// What answers the field that is counted or summed, likewise.
        pub measured: u32,
    }

    /// What a correlation's value is held against.
    pub struct Threshold {
        /// How it compares.
        pub comparison: Comparison,
        /// Whether it must not compare so: 0 or 1.
        pub negated: u8,
        /// The number: the bits of a 64-bit float.
        pub number: u64,
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
        pub edges_start: u32,
        /// The end of that range.
        pub edges_end: u32,
    }

    /// A complete deterministic automaton over bytes that tells whether a regular expression is found.
    pub struct Automaton {
        /// The class of each of the 256 bytes.
        pub classes: Vec<u8>,
        /// Transitions: `state * n_classes + class` gives the next state.
        pub transitions: Vec<u32>,
        /// Whether the expression is found if the value ends in this state; one byte per state.
        pub at_end: Vec<u8>,
        /// The number of classes.
        pub n_classes: u32,
        /// The state at the start of a value.
        pub start: u32,
    }
}

impl Automaton {
    /// The state from which nothing is found any more.
    pub const DEAD: u32 = 0;
    /// The state in which the expression has been found.
    pub const FOUND: u32 = 1;
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

    /// The operation as a number; operands over 28 bits are cut, which [`super::Pack::decode`] refuses.
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

    /// The operation that a number stands for.
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
    /// The name on the command line and in what is told of a pack.
    pub fn as_str(self) -> &'static str {
        match self {
            HostMatching::Text => "text",
            HostMatching::Labels => "labels",
        }
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

    /// The atoms that a pattern makes true.
    pub(crate) fn pattern_atoms(&self, pattern: &Pattern) -> &[AtomId] {
        let range = pattern.atoms_start as usize..pattern.atoms_end as usize;
        self.pattern_atoms.get(range).unwrap_or_default()
    }

    /// The rules that an atom wakes.
    pub(crate) fn atom_rules(&self, atom: &Atom) -> &[RuleId] {
        self.atom_rules.get(atom.rules_start as usize..atom.rules_end as usize).unwrap_or_default()
    }

    /// Whether a rule has keywords, so that events have to tell all of their values.
    pub fn has_keywords(&self) -> bool {
        self.has_keywords != 0
    }

    /// The patterns of an atom that no scan looks for.
    pub(crate) fn atom_lazy(&self, atom: &Atom) -> &[PatternId] {
        self.lazy.get(atom.lazy_start as usize..atom.lazy_end as usize).unwrap_or_default()
    }

    /// A correlation, if the pack has it.
    pub fn correlation(&self, id: CorrelationId) -> Option<&Correlation> {
        self.correlations.get(id.index())
    }

    /// The names of the fields by which a correlation groups.
    pub fn correlation_group(&self, correlation: &Correlation) -> &[StrId] {
        let range = correlation.group_start as usize..correlation.group_end as usize;
        self.group_names.get(range).unwrap_or_default()
    }

    /// A correlation's tags.
    pub fn correlation_tags(&self, correlation: &Correlation) -> &[StrId] {
        let range = correlation.tags_start as usize..correlation.tags_end as usize;
        self.tags.get(range).unwrap_or_default()
    }

    /// What a correlation takes in.
    pub fn correlation_inputs(&self, correlation: &Correlation) -> &[CorrelationInput] {
        let range = correlation.inputs_start as usize..correlation.inputs_end as usize;
        self.correlation_inputs.get(range).unwrap_or_default()
    }

    /// What a correlation's value is held against.
    pub fn correlation_thresholds(&self, correlation: &Correlation) -> &[Threshold] {
        let range = correlation.thresholds_start as usize..correlation.thresholds_end as usize;
        self.thresholds.get(range).unwrap_or_default()
    }

    /// What answers the group's names in an input.
    pub(crate) fn input_fields(&self, input: &CorrelationInput) -> &[u32] {
        let range = input.fields_start as usize..input.fields_end as usize;
        self.input_fields.get(range).unwrap_or_default()
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

impl Scan {
    /// Whether no pattern is looked for.
    pub fn is_empty(&self) -> bool {
        self.forward.outputs.is_empty()
            && self.backward.outputs.is_empty()
            && self.grams.is_empty()
            && self.networks_v4.starts.is_empty()
            && self.networks_v6.starts.is_empty()
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
