//! The events of one group within its window.

use std::collections::{BTreeMap, VecDeque};

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};

use super::{CorrelationHit, condition};
use crate::fold::fold;
use crate::limits::MAX_GROUP_EVENTS;
use crate::pack::{Correlation, CorrelationInput, CorrelationKind};

/// The digest of a value or a list of values, so that what is kept per event is of one
/// small size. Two values meet in one digest with a probability of less than 2^-64 for any number of
/// events that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// The key of a group: its values, folded, each with its length.
    pub(super) fn of(values: &[Option<Vec<u8>>]) -> Key {
        let mut digest = Blake2b::<U16>::new();
        for value in values {
            match value {
                None => digest.update([0]),
                Some(value) => {
                    let folded = fold(value);
                    digest.update([1]);
                    digest.update((folded.len() as u64).to_le_bytes());
                    digest.update(&folded);
                }
            }
        }
        Key(digest.finalize().into())
    }
}

/// What is kept of one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) time_ms: i64,
    /// Which event, by order of arrival.
    event: u64,
    input: u32,
    measured: Measured,
}

#[derive(Clone, Copy, Debug)]
enum Measured {
    /// Nothing, where nothing is measured or the value is missing or no number.
    Nothing,
    Value(Key),
    Number(f64),
}

impl Entry {
    pub(super) fn new(
        kind: CorrelationKind,
        hit: &CorrelationHit,
        time_ms: i64,
        event: u64,
    ) -> Self {
        let measured = match (kind, &hit.measured) {
            (
                CorrelationKind::EventCount
                | CorrelationKind::Temporal
                | CorrelationKind::TemporalOrdered,
                _,
            )
            | (_, None) => Measured::Nothing,
            (CorrelationKind::ValueCount, Some(_)) => {
                Measured::Value(Key::of(std::slice::from_ref(&hit.measured)))
            }
            (
                CorrelationKind::ValueSum
                | CorrelationKind::ValueAvg
                | CorrelationKind::ValuePercentile
                | CorrelationKind::ValueMedian,
                Some(value),
            ) => {
                let number = str::from_utf8(value).ok().and_then(|text| text.parse::<f64>().ok());
                let number = number.filter(|number| number.is_finite());
                number.map_or(Measured::Nothing, Measured::Number)
            }
        };
        Entry { time_ms, event, input: hit.input, measured }
    }
}

/// The events of one group within its window, by time, and by arrival where times are equal.
#[derive(Debug)]
pub(super) struct Group {
    entries: VecDeque<Entry>,
    /// How often each value is among the entries.
    values: BTreeMap<Key, usize>,
    /// The numbers among the entries, sorted.
    numbers: Vec<f64>,
    pub(super) newest_ms: i64,
    /// Whether the condition held when it was looked at last.
    pub(super) holds: bool,
    /// When the group was added to last.
    pub(super) tick: u64,
    /// The group's values as they came first.
    pub(super) shown: Vec<Option<Vec<u8>>>,
}

impl Group {
    pub(super) fn new(time_ms: i64, shown: &[Option<Vec<u8>>]) -> Self {
        Group {
            entries: VecDeque::new(),
            values: BTreeMap::new(),
            numbers: Vec::new(),
            newest_ms: time_ms,
            holds: false,
            tick: 0,
            shown: shown.to_vec(),
        }
    }

    pub(super) fn n_entries(&self) -> usize {
        self.entries.len()
    }

    /// How many events there are: one may have several entries, next to each other.
    pub(super) fn n_events(&self) -> usize {
        let events = self.entries.iter().map(|entry| entry.event);
        let mut before = None;
        events.filter(|event| before.replace(*event) != Some(*event)).count()
    }

    pub(super) fn oldest_ms(&self) -> i64 {
        self.entries.front().map_or(self.newest_ms, |entry| entry.time_ms)
    }

    /// Adds an entry that is within the window, and drops what is out of it then. Tells how many
    /// entries were dropped because there was no room.
    pub(super) fn add(&mut self, entry: Entry, timespan_ms: i64) -> u64 {
        // Silent for a whole window: whatever held before, it begins anew.
        if entry.time_ms.saturating_sub(self.newest_ms) >= timespan_ms {
            self.holds = false;
        }
        self.newest_ms = self.newest_ms.max(entry.time_ms);
        let start = self.newest_ms.saturating_sub(timespan_ms);
        while self.entries.front().is_some_and(|oldest| oldest.time_ms <= start) {
            self.drop_oldest();
        }
        let place = self.entries.partition_point(|other| other.time_ms <= entry.time_ms);
        self.entries.insert(place, entry);
        match entry.measured {
            Measured::Nothing => {}
            Measured::Value(value) => *self.values.entry(value).or_default() += 1,
            Measured::Number(number) => {
                let place = self.numbers.partition_point(|other| other.total_cmp(&number).is_lt());
                self.numbers.insert(place, number);
            }
        }
        let mut n_dropped = 0;
        while self.entries.len() > MAX_GROUP_EVENTS {
            self.drop_oldest();
            n_dropped += 1;
        }
        n_dropped
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        match entry.measured {
            Measured::Nothing => {}
            Measured::Value(value) => {
                if let Some(n_times) = self.values.get_mut(&value) {
                    *n_times -= 1;
                    if *n_times == 0 {
                        self.values.remove(&value);
                    }
                }
            }
            Measured::Number(number) => {
                let place = self.numbers.partition_point(|other| other.total_cmp(&number).is_lt());
                if place < self.numbers.len() {
                    self.numbers.remove(place);
                }
            }
        }
    }

    /// What the correlation computes; `None` where there is no number to compute it of.
    /// Costs at most a look at each entry, of which there are at most [`MAX_GROUP_EVENTS`].
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn value(&self, of: &Correlation, n_inputs: usize) -> Option<f64> {
        match of.kind {
            CorrelationKind::EventCount => Some(self.entries.len() as f64),
            CorrelationKind::ValueCount => Some(self.values.len() as f64),
            CorrelationKind::Temporal => {
                Some(self.have_events(n_inputs).iter().filter(|has| **has).count() as f64)
            }
            CorrelationKind::TemporalOrdered => Some(self.n_in_order(0..n_inputs) as f64),
            CorrelationKind::ValueSum => {
                (!self.numbers.is_empty()).then(|| self.numbers.iter().sum())
            }
            CorrelationKind::ValueAvg => (!self.numbers.is_empty())
                .then(|| self.numbers.iter().sum::<f64>() / self.numbers.len() as f64),
            CorrelationKind::ValuePercentile => self.percentile(of.percentile),
            CorrelationKind::ValueMedian => self.percentile(50),
        }
    }

    /// Evaluates a condition over names of inputs: how many have an event, and whether it holds. Those of an
    /// ordered correlation that it does not only exclude have to be in their order.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn evaluate(&self, code: &[u32], inputs: &[CorrelationInput]) -> (f64, bool) {
        let have_events = self.have_events(inputs.len());
        let n_inputs = have_events.iter().filter(|has| **has).count();
        let ordered = || {
            let ordered = inputs.iter().zip(&have_events).enumerate();
            ordered.filter(|(_, (input, has))| input.is_ordered && **has).map(|(idx, _)| idx)
        };
        let holds = condition::holds(code, |idx| have_events.get(idx).copied().unwrap_or(false))
            && self.n_in_order(ordered()) == ordered().count();
        (n_inputs as f64, holds)
    }

    /// For each input whether it has an event.
    fn have_events(&self, n_inputs: usize) -> Vec<bool> {
        let mut have_events = vec![false; n_inputs];
        for entry in &self.entries {
            if let Some(has) = have_events.get_mut(entry.input as usize) {
                *has = true;
            }
        }
        have_events
    }

    /// How many of some inputs, from the first on, are there in their order, each by an event of its own.
    fn n_in_order(&self, mut inputs: impl Iterator<Item = usize>) -> usize {
        let (mut n_in_order, mut last) = (0, None);
        let mut wanted = inputs.next();
        for entry in &self.entries {
            if wanted == Some(entry.input as usize) && last != Some(entry.event) {
                n_in_order += 1;
                last = Some(entry.event);
                wanted = inputs.next();
            }
        }
        n_in_order
    }

    /// A percentile, interpolated between the two numbers around it as SQL's `percentile_cont` does.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rank is between 0 and the number of entries"
    )]
    fn percentile(&self, percentile: u8) -> Option<f64> {
        let rank = self.numbers.len().checked_sub(1)? as f64 * f64::from(percentile) / 100.0;
        let below = *self.numbers.get(rank.floor() as usize)?;
        let above = *self.numbers.get(rank.ceil() as usize)?;
        Some(below + (above - below) * rank.fract())
    }
}
