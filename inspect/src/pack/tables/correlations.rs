//! Correlations: what is counted over the matches of rules.

use super::{Comparison, Level, Tables};
use crate::ids::{CorrelationId, StrId};
#[cfg(doc)]
use crate::pack::Op;
use crate::pack::wire::{Reader, Row, Wire, wire, wire_enum};

/// A place in an input of a correlation that nothing answers.
pub const NO_FIELD: u32 = u32::MAX;

wire_enum! {
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
}

wire! {
    /// A correlation: matches of rules, or other correlations, counted per group over a sliding window.
    pub struct Correlation {
        /// Sigma `id`, or the title where there is none.
        pub id: StrId => near,
        /// Sigma `title`.
        pub title: StrId => near,
        /// Sigma `author`.
        pub author: StrId => near,
        /// Sigma `status`; empty where there is none.
        pub status: StrId => near,
        /// Sigma `level`.
        pub level: Level,
        /// What is computed.
        pub kind: CorrelationKind,
        /// Whether it is an alert by itself, as in [`crate::pack::Rule::alerts`].
        pub alerts: bool,
        /// Which percentile, 0 to 100; 0 for other kinds.
        pub percentile: u8,
        /// The length of the window in milliseconds; at least 1.
        pub timespan_ms: u64,
        /// Sigma `tags`: a range of [`Tables::tags`].
        pub tags_start: u32 => start,
        /// The end of that range.
        pub tags_end: u32 => end(tags_start),
        /// The names of the fields that make a group: a range of [`Tables::group_names`].
        pub group_start: u32 => start,
        /// The end of that range.
        pub group_end: u32 => end(group_start),
        /// What it takes in: a range of [`Tables::correlation_inputs`].
        pub inputs_start: u32 => start,
        /// The end of that range.
        pub inputs_end: u32 => end(inputs_start),
        /// What its value is compared with, all of it: a range of [`Tables::thresholds`].
        pub thresholds_start: u32 => start,
        /// The end of that range.
        pub thresholds_end: u32 => end(thresholds_start),
        /// The condition over names of rules as it is written; empty where numbers are compared.
        pub condition: StrId => near,
        /// The same as a program: a range of [`Tables::correlation_code`], in which [`Op::Atom`] is the
        /// position of an input, and true if the input has an event in the window. Empty where numbers are
        /// compared.
        pub code_start: u32 => start,
        /// The end of that range.
        pub code_end: u32 => end(code_start),
    }

    /// A rule or correlation that a correlation takes in.
    pub struct CorrelationInput {
        /// What it is.
        pub kind: InputKind,
        /// The index of the rule or the correlation.
        pub of: u32,
        /// What answers each of the group's names, or [`NO_FIELD`]: a range of
        /// `Tables::input_fields`. For a rule a [`crate::FieldId`], for a correlation a position in its
        /// group.
        pub fields_start: u32 => start,
        /// The end of that range.
        pub fields_end: u32 => end(fields_start),
        /// What answers the field that is counted or summed, likewise.
        pub measured: u32,
        /// Whether its events have to come after those of the inputs before it: false for other kinds than
        /// [`CorrelationKind::TemporalOrdered`], and for what a condition names behind `not` alone.
        pub is_ordered: bool,
    }

    /// A number that a correlation's value is compared with.
    pub struct Threshold {
        /// How it compares.
        pub comparison: Comparison,
        /// Whether the comparison must fail instead.
        pub negated: bool,
        /// The number: the bits of a 64-bit float.
        pub number: u64,
    }
}

impl Tables {
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

    /// A number that a correlation's value is compared with.
    pub fn correlation_thresholds(&self, correlation: &Correlation) -> &[Threshold] {
        let range = correlation.thresholds_start as usize..correlation.thresholds_end as usize;
        self.thresholds.get(range).unwrap_or_default()
    }

    /// The program of a condition over names of rules; empty where numbers are compared.
    pub fn correlation_code(&self, correlation: &Correlation) -> &[u32] {
        let range = correlation.code_start as usize..correlation.code_end as usize;
        self.correlation_code.get(range).unwrap_or_default()
    }

    /// What answers the group's names in an input.
    pub(crate) fn input_fields(&self, input: &CorrelationInput) -> &[u32] {
        let range = input.fields_start as usize..input.fields_end as usize;
        self.input_fields.get(range).unwrap_or_default()
    }
}
