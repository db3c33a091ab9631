//! What a gateway keeps of one group of a correlation.

use super::SLACK_SECONDS;
use super::bucket::{Entry, HEAD_BYTES};
use super::bytes::Reader;
use crate::correlation::{CorrelationHit, condition_holds};
use crate::fold::fold;
use crate::keyed_hash::IdentityKey;
use crate::limits::MAX_INLINE_COUNT;
use crate::pack::{Correlation, CorrelationKind, Tables};

/// Marks of an entry. With one more than a condition may count to, a full entry is beyond every number.
const N_MARKS: usize = MAX_INLINE_COUNT + 1;

/// The window of one group of a correlation, as marks: what is kept depends on the kind.
///
/// | kind | a mark is | value | time |
/// | --- | --- | --- | --- |
/// | `event_count` | an event | 0 | of the event |
/// | `value_count` | a different value | its hash | when it came last |
/// | `temporal` | a rule that matched | its position | when it matched last |
/// | `temporal_ordered` | a rule behind those before it | its position | when the latest such row began |
///
/// So the number of marks in the window is what the correlation counts, exactly as [`crate::Correlator`] counts it
/// for events that come in order, up to [`MAX_INLINE_COUNT`]; if there are more the oldest goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationState {
    newest_ms: u64,
    /// Whether the condition held at the newest event.
    holds: bool,
    /// At most [`N_MARKS`].
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    time_ms: u64,
    value: u32,
}

impl CorrelationState {
    /// No event came before this time, in milliseconds since 1970.
    pub fn new(time_ms: u64) -> CorrelationState {
        CorrelationState { newest_ms: time_ms, holds: false, marks: Vec::new() }
    }

    /// Adds an event, by all of its hits in this group, at a time in milliseconds since 1970. Returns the value of
    /// the correlation if it fires.
    ///
    /// A time a little before the newest, as workers read the clock apart, counts as the newest. If the clock was
    /// set back by more, the group starts anew.
    pub fn observe(
        &mut self,
        tables: &Tables,
        of: &Correlation,
        hits: &[&CorrelationHit],
        key: &IdentityKey,
        time_ms: u64,
    ) -> Option<u32> {
        if self.newest_ms > time_ms.saturating_add(u64::from(SLACK_SECONDS) * 1000) {
            *self = CorrelationState::new(time_ms);
        }
        let now = time_ms.max(self.newest_ms);
        let is_in_window = |time: u64| now.saturating_sub(time) < of.timespan_ms;
        // Silent for a whole window: whatever held before, it begins anew.
        self.holds &= is_in_window(self.newest_ms);
        self.newest_ms = now;
        self.marks.retain(|mark| is_in_window(mark.time_ms));
        self.add(of.kind, hits, key, now);
        let value = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        let has_events = |idx: usize| self.marks.iter().any(|mark| mark.value as usize == idx);
        let holds = condition_holds(tables, of, f64::from(value), has_events);
        let fires = holds && !self.holds;
        self.holds = holds;
        fires.then_some(value)
    }

    fn add(
        &mut self,
        kind: CorrelationKind,
        hits: &[&CorrelationHit],
        key: &IdentityKey,
        now: u64,
    ) {
        match kind {
            CorrelationKind::ValueCount => {
                // An event of several rules counts once.
                let value = hits.first().and_then(|hit| hit.measured.as_deref());
                if let Some(value) = value {
                    self.set(low(key.hash([&b"value"[..], &fold(value)])), now);
                }
            }
            CorrelationKind::Temporal => hits.iter().for_each(|hit| self.set(hit.input, now)),
            CorrelationKind::TemporalOrdered => {
                // From the last on, as an event is one step of a row only.
                let mut inputs: Vec<u32> = hits.iter().map(|hit| hit.input).collect();
                inputs.sort_unstable();
                for input in inputs.into_iter().rev() {
                    match input.checked_sub(1) {
                        None => self.set(input, now),
                        Some(before) => {
                            if let Some(start) = self.time(before) {
                                self.set(input, start);
                            }
                        }
                    }
                }
            }
            CorrelationKind::EventCount
            // These do not run in a gateway.
            | CorrelationKind::ValueSum
            | CorrelationKind::ValueAvg
            | CorrelationKind::ValuePercentile
            | CorrelationKind::ValueMedian => self.push(Mark { time_ms: now, value: 0 }),
        }
    }

    fn time(&self, value: u32) -> Option<u64> {
        self.marks.iter().find(|mark| mark.value == value).map(|mark| mark.time_ms)
    }

    /// Sets the time of the mark of a value, to a later one.
    fn set(&mut self, value: u32, time_ms: u64) {
        match self.marks.iter_mut().find(|mark| mark.value == value) {
            Some(mark) => mark.time_ms = mark.time_ms.max(time_ms),
            None => self.push(Mark { time_ms, value }),
        }
    }

    fn push(&mut self, mark: Mark) {
        if self.marks.len() >= N_MARKS {
            let oldest = self.marks.iter().enumerate().min_by_key(|(_, mark)| mark.time_ms);
            if let Some((idx, _)) = oldest {
                self.marks.remove(idx);
            }
        }
        self.marks.push(mark);
    }
}

/// The key of a group of a correlation: a keyed hash of its definition and of the group's values, which are compared
/// without regard to case.
pub fn group_key(key: &IdentityKey, definition: &[u8], group: &[Option<Vec<u8>>]) -> u64 {
    let values: Vec<Vec<u8>> = group
        .iter()
        .map(|value| match value {
            None => Vec::new(),
            Some(value) => [&b"="[..], &fold(value)].concat(),
        })
        .collect();
    key.hash([&b"correlation"[..], definition].into_iter().chain(values.iter().map(Vec::as_slice)))
}

fn low(hash: u64) -> u32 {
    (hash & 0xffff_ffff) as u32
}

impl Entry for CorrelationState {
    const VERSION: u8 = 1;
    const BYTES: usize = HEAD_BYTES + 10 + 8 * N_MARKS;
    const MOST: usize = 8;

    fn last(&self) -> u32 {
        u32::try_from(self.newest_ms / 1000).unwrap_or(u32::MAX)
    }

    fn is_established(&self) -> bool {
        self.holds || self.marks.len() > 1
    }

    fn read(bytes: &[u8], _: u32) -> Option<CorrelationState> {
        let mut reader = Reader(bytes);
        let newest_ms = reader.u64()?;
        let holds = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let n_marks = usize::from(reader.u8()?);
        if n_marks > N_MARKS {
            return None;
        }
        let mut marks = Vec::with_capacity(n_marks);
        for _ in 0..n_marks {
            let age = u64::from(reader.u32()?);
            marks.push(Mark { time_ms: newest_ms.saturating_sub(age), value: reader.u32()? });
        }
        Some(CorrelationState { newest_ms, holds, marks })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + Self::BYTES - HEAD_BYTES;
        out.extend(self.newest_ms.to_le_bytes());
        out.push(u8::from(self.holds));
        out.push(u8::try_from(self.marks.len()).unwrap_or(u8::MAX));
        for mark in &self.marks {
            // At most a window, which is shorter than a day.
            let age = self.newest_ms.saturating_sub(mark.time_ms);
            out.extend(u32::try_from(age).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(mark.value.to_le_bytes());
        }
        out.resize(end, 0);
    }
}
