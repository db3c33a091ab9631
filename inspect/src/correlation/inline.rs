//! Which correlations run in a gateway, where state is bounded, and why the others do not.

use std::fmt;

use crate::ids::{CorrelationId, FieldId, RuleId};
use crate::limits::{
    MAX_INLINE_CORRELATIONS, MAX_INLINE_COUNT, MAX_INLINE_FIELDS, MAX_INLINE_RULES,
    MAX_INLINE_TIMESPAN_MS,
};
use crate::pack::{Correlation, CorrelationKind, InputKind, KEYWORDS, NO_FIELD, Phase, Tables};
use crate::proxy_field::ProxyField;

/// Why a correlation runs over logs only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HuntOnly {
    /// It computes a sum, a mean or a percentile.
    Kind,
    /// It takes in a correlation.
    Nested,
    /// It is ordered and has a condition over names.
    OrderedNames,
    /// It takes in more than [`MAX_INLINE_RULES`] rules.
    Rules,
    /// It groups by more than [`MAX_INLINE_FIELDS`] fields.
    Fields,
    /// It looks back further than [`MAX_INLINE_TIMESPAN_MS`].
    Timespan,
    /// It counts further than [`MAX_INLINE_COUNT`].
    Count,
    /// A rule, the group or the count asks for a field that is not known with the request, or for behaviour.
    Field(String),
    /// A rule has keywords, which are looked for in the response too.
    Keywords,
    /// There are [`MAX_INLINE_CORRELATIONS`] before it that run in a gateway.
    Many,
}

impl fmt::Display for HuntOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HuntOnly::Kind => f.write_str("it computes a sum, a mean or a percentile"),
            HuntOnly::Nested => f.write_str("it takes in a correlation"),
            HuntOnly::OrderedNames => f.write_str("it is ordered and has a condition over names"),
            HuntOnly::Rules => write!(f, "it takes in more than {MAX_INLINE_RULES} rules"),
            HuntOnly::Fields => write!(f, "it groups by more than {MAX_INLINE_FIELDS} fields"),
            HuntOnly::Timespan => {
                write!(f, "it looks back more than {} hours", MAX_INLINE_TIMESPAN_MS / 3_600_000)
            }
            HuntOnly::Count => write!(f, "it counts further than {MAX_INLINE_COUNT}"),
            HuntOnly::Field(name) => {
                write!(f, "it depends on `{name}`, which is not known with the request")
            }
            HuntOnly::Keywords => f.write_str("one of its rules has keywords"),
            HuntOnly::Many => {
                write!(f, "{MAX_INLINE_CORRELATIONS} others run in the gateway already")
            }
        }
    }
}

impl Tables {
    /// The correlations that a gateway runs, in their order; each of the others with the reason why it does not.
    ///
    /// A gateway decides by the request alone, and keeps little: the compiler reports what is beyond that, and a
    /// filter computes the same from the pack.
    pub fn inline_correlations(&self) -> Vec<(CorrelationId, Option<HuntOnly>)> {
        let mut n_inline = 0;
        let each = (0..).map(CorrelationId).zip(&self.correlations).map(|(id, of)| {
            let mut reason = hunt_only(self, of);
            if reason.is_none() {
                n_inline += 1;
                reason = (n_inline > MAX_INLINE_CORRELATIONS).then_some(HuntOnly::Many);
            }
            (id, reason)
        });
        each.collect()
    }
}

/// Returns why a correlation cannot run in a gateway, apart from how many there are.
fn hunt_only(tables: &Tables, of: &Correlation) -> Option<HuntOnly> {
    match of.kind {
        CorrelationKind::EventCount | CorrelationKind::ValueCount | CorrelationKind::Temporal => {}
        CorrelationKind::TemporalOrdered if tables.correlation_code(of).is_empty() => {}
        CorrelationKind::TemporalOrdered => return Some(HuntOnly::OrderedNames),
        CorrelationKind::ValueSum
        | CorrelationKind::ValueAvg
        | CorrelationKind::ValuePercentile
        | CorrelationKind::ValueMedian => return Some(HuntOnly::Kind),
    }
    let inputs = tables.correlation_inputs(of);
    if inputs.iter().any(|input| input.kind == InputKind::Correlation) {
        return Some(HuntOnly::Nested);
    }
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let most = MAX_INLINE_COUNT as f64;
    let mut numbers = tables.correlation_thresholds(of).iter();
    let beyond = [
        (inputs.len() > MAX_INLINE_RULES, HuntOnly::Rules),
        (tables.correlation_group(of).len() > MAX_INLINE_FIELDS, HuntOnly::Fields),
        (of.timespan_ms > MAX_INLINE_TIMESPAN_MS, HuntOnly::Timespan),
        (numbers.any(|threshold| f64::from_bits(threshold.number) > most), HuntOnly::Count),
    ];
    if let Some((_, reason)) = beyond.into_iter().find(|(is_beyond, _)| *is_beyond) {
        return Some(reason);
    }
    inputs.iter().find_map(|input| {
        let asked = tables.fields_of(RuleId(input.of)).into_iter();
        let places = tables.input_fields(input).iter().chain([&input.measured]);
        let places = places.filter(|place| **place != NO_FIELD).map(|place| FieldId(*place));
        asked.chain(places).find_map(|field| late_field(tables, field))
    })
}

/// Returns a reason if a field is not known with the request.
fn late_field(tables: &Tables, field: FieldId) -> Option<HuntOnly> {
    if field == KEYWORDS {
        return Some(HuntOnly::Keywords);
    }
    let name = tables.field_name(field);
    match ProxyField::from_name(name) {
        Some(ProxyField::Behaviour(_)) | None => Some(HuntOnly::Field(name.to_owned())),
        Some(known) if known.phase() == Phase::Response => Some(HuntOnly::Field(name.to_owned())),
        Some(_) => None,
    }
}
