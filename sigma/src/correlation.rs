//! A correlation that was read: rules, counted over time.

use std::sync::Arc;

use inspect::pack::Comparison;
pub use inspect::pack::CorrelationKind;

use crate::rule::{Condition, Metadata};
use diagnostics::Span;

/// The kinds of correlations by the names of Sigma's `type`.
pub const CORRELATION_KINDS: &[(&str, CorrelationKind)] = &[
    ("event_count", CorrelationKind::EventCount),
    ("value_count", CorrelationKind::ValueCount),
    ("temporal", CorrelationKind::Temporal),
    ("temporal_ordered", CorrelationKind::TemporalOrdered),
    ("value_sum", CorrelationKind::ValueSum),
    ("value_avg", CorrelationKind::ValueAvg),
    ("value_percentile", CorrelationKind::ValuePercentile),
    ("value_median", CorrelationKind::ValueMedian),
];

/// The comparisons of a `condition` by their names, and whether each is negated.
pub const COMPARISONS: &[(&str, Comparison, bool)] = &[
    ("lt", Comparison::Less, false),
    ("lte", Comparison::LessOrEqual, false),
    ("gt", Comparison::Greater, false),
    ("gte", Comparison::GreaterOrEqual, false),
    ("eq", Comparison::Equal, false),
    ("neq", Comparison::Equal, true),
];

/// A Sigma correlation.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// The name of the text that it was read from.
    pub file: Arc<str>,
    /// Where it starts there.
    pub span: Span,
    /// What is said about it.
    pub metadata: Metadata,
    /// `type`.
    pub kind: CorrelationKind,
    /// `rules`: rules and correlations by `id` or `name`. Never empty.
    pub rules: Vec<Reference>,
    /// `aliases`.
    pub aliases: Vec<Alias>,
    /// `group-by`: fields and aliases. All events are one group where it is empty.
    pub group_by: Vec<Reference>,
    /// `timespan` in milliseconds.
    pub timespan_ms: u64,
    /// The `field` of the condition, where the type needs one.
    pub field: Option<Reference>,
    /// The `percentile` of the condition, 0 to 100; 0 for other types.
    pub percentile: u8,
    /// The comparisons of the condition, of which all have to hold. Never empty without `names`.
    pub thresholds: Vec<Threshold>,
    /// A condition over names of rules, in place of comparisons. Only of temporal correlations.
    pub names: Option<NameCondition>,
    /// `generate`: whether the rules that it takes in alert by themselves too.
    pub generate: bool,
}

/// A name, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// One name for what the rules of a correlation call differently.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The name, for `group-by`.
    pub name: Reference,
    /// The rules, and what each calls it.
    pub fields: Vec<(Reference, String)>,
}

/// A condition over names of rules: which have an event in the window.
#[derive(Clone, Debug)]
pub struct NameCondition {
    /// As it is written.
    pub text: String,
    /// What it says; a selection is an index into [`Correlation::rules`].
    pub condition: Condition,
    /// Its place.
    pub span: Span,
}

/// A comparison with the value of a correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// How it compares.
    pub comparison: Comparison,
    /// Whether it must not compare so (`neq`).
    pub negated: bool,
    /// The number.
    pub number: f64,
}

impl Correlation {
    /// The `id`, or the title where there is none.
    pub fn id_or_title(&self) -> &str {
        self.metadata.id.as_deref().unwrap_or(&self.metadata.title)
    }
}
