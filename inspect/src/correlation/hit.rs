//! What one event adds to a correlation.

use crate::event::Event;
use crate::ids::{CorrelationId, FieldId, RuleId};
use crate::limits::MAX_EVIDENCE_BYTES;
use crate::pack::{InputKind, NO_FIELD, Tables};
use crate::sorted::sort_and_dedup;

/// A rule of a correlation matched, with what the correlation asks of the event.
///
/// Owned, so that it can be kept until it is its turn: events of several logs are put in order first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationHit {
    /// The correlation.
    pub correlation: CorrelationId,
    /// Which of its inputs.
    pub input: u32,
    /// The values of the fields by which it groups, each at most [`MAX_EVIDENCE_BYTES`] long; `None`
    /// for one that the event lacks.
    pub group: Vec<Option<Vec<u8>>>,
    /// The value of the field that it counts or sums.
    pub measured: Option<Vec<u8>>,
}

/// The rules that correlations take in: which correlation, and as which input.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Sorted by rule.
    inputs: Vec<(RuleId, CorrelationId, u32)>,
}

impl Watched {
    pub(crate) fn new(tables: &Tables) -> Self {
        let mut inputs = Vec::new();
        for (id, of) in (0..).map(CorrelationId).zip(&tables.correlations) {
            for (position, input) in (0..).zip(tables.correlation_inputs(of)) {
                if input.kind == InputKind::Rule {
                    inputs.push((RuleId(input.of), id, position));
                }
            }
        }
        sort_and_dedup(&mut inputs);
        Watched { inputs }
    }

    pub(crate) fn hits(
        &self,
        tables: &Tables,
        event: &Event,
        matched: impl Iterator<Item = RuleId>,
    ) -> Vec<CorrelationHit> {
        let mut hits = Vec::new();
        if self.inputs.is_empty() {
            return hits;
        }
        for matched in matched {
            let start = self.inputs.partition_point(|(rule, _, _)| *rule < matched);
            let own = self.inputs.iter().skip(start);
            for (_, correlation, position) in own.take_while(|(rule, _, _)| *rule == matched) {
                let Some(of) = tables.correlation(*correlation) else { continue };
                let input = tables.correlation_inputs(of).get(*position as usize);
                let Some(input) = input else { continue };
                let fields = tables.input_fields(input);
                hits.push(CorrelationHit {
                    correlation: *correlation,
                    input: *position,
                    group: fields.iter().map(|field| answer(event, *field)).collect(),
                    measured: answer(event, input.measured),
                });
            }
        }
        hits
    }
}

/// The values of a field, joined where there are several.
fn answer(event: &Event, field: u32) -> Option<Vec<u8>> {
    if field == NO_FIELD {
        return None;
    }
    let mut joined: Option<Vec<u8>> = None;
    for text in event.values(FieldId(field)) {
        let value = event.raw(text);
        match &mut joined {
            None => joined = Some(value.to_vec()),
            Some(joined) => {
                joined.extend_from_slice(b", ");
                joined.extend_from_slice(value);
            }
        }
    }
    if let Some(joined) = &mut joined {
        joined.truncate(MAX_EVIDENCE_BYTES);
    }
    joined
}
