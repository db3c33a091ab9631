//! Correlations: what matches of rules amount to over time.
//!
//! The caller gives the time of each event, in milliseconds; nothing here reads a clock. Per group a
//! correlation keeps the events of one window, which ends at the group's newest event and is open at
//! its start: `newest - timespan < time <= newest`. An event that comes late, but within the window, is
//! sorted in and counts as if it had come in time. One that comes later still is counted and left out.
//!
//! A correlation fires on the event with which its condition begins to hold. It is quiet while the
//! condition holds at each following event of the group, and fires again only after the condition did
//! not hold at an event, or after the group was silent for a whole window. A condition that wants few
//! events (`lt`, `lte`) can only hold where there is an event at all: silence fires nothing.
//!
//! An event that several rules of a correlation match counts once, except where the rules themselves
//! are counted (`temporal`). A condition over names of rules is over which of them have an event in the
//! window, so `not` means until now: what comes later takes no firing back. Values are compared as Sigma compares text, without regard to case. A
//! field that an event lacks is a group value of its own, as in SQL's `GROUP BY`; a value that is to be
//! counted or summed and is missing, or no number, is left out.

mod condition;
mod group;
mod hit;
mod inline;

use std::collections::BTreeMap;

use crate::ids::CorrelationId;
use crate::limits::{MAX_CORRELATION_EVENTS, MAX_GROUPS};
use crate::pack::{Comparison, Correlation, CorrelationKind, InputKind, NO_FIELD, Pack, Tables};
use group::{Entry, Group, Key};
pub use hit::CorrelationHit;
pub(crate) use hit::Watched;
pub use inline::HuntOnly;

/// The state of a pack's correlations. What it keeps is bounded: see [`crate::limits`].
#[derive(Debug)]
pub struct Correlator {
    states: Vec<State>,
    /// The number of events that were observed, which sets the hits of one event apart from those of
    /// the next.
    n_events: u64,
    counts: CorrelatorCounts,
}

/// What did not fit or came too late; all of it can make a correlation miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CorrelatorCounts {
    /// Groups that were dropped while events could still have been added to their window.
    pub evicted_groups: u64,
    /// Events that were dropped from a full group while they were in its window.
    pub evicted_events: u64,
    /// Events that came more than a window later than the newest of their group.
    pub late_events: u64,
}

/// A correlation whose condition began to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// Which one.
    pub correlation: CorrelationId,
    /// The newest time of the group's window, in milliseconds.
    pub time_ms: i64,
    /// The oldest event of the window.
    pub first_ms: i64,
    /// How many events the window holds.
    pub n_events: usize,
    /// The value that was checked against the condition; for one over names of rules how many of them there are.
    pub value: f64,
    /// The group, in the order of [`Tables::correlation_group`]; `None` for a field that events lack.
    /// As it came: it may hold a secret.
    pub group: Vec<Option<Vec<u8>>>,
}

/// The groups of one correlation.
#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<Key, Group>,
    /// The groups by when they were added to last.
    by_age: BTreeMap<u64, Key>,
    n_entries: usize,
    newest_ms: i64,
    tick: u64,
}

impl Correlator {
    /// Starts without any event. The correlator belongs to this pack.
    pub fn new(pack: &Pack) -> Self {
        let states = pack.tables().correlations.iter().map(|_| State::default());
        Correlator { states: states.collect(), n_events: 0, counts: CorrelatorCounts::default() }
    }

    /// What was lost so far.
    pub fn counts(&self) -> CorrelatorCounts {
        self.counts
    }

    /// How many groups are kept, of all correlations.
    pub fn n_groups(&self) -> usize {
        self.states.iter().map(|state| state.groups.len()).sum()
    }

    /// Takes the hits of one event ([`crate::Inspector::correlation_hits`]) and the event's time; gives the
    /// correlations that fire, those that others take in first.
    pub fn observe(&mut self, pack: &Pack, hits: &[CorrelationHit], time_ms: i64) -> Vec<Firing> {
        let tables = pack.tables();
        let mut firings = Vec::new();
        if hits.is_empty() {
            return firings;
        }
        self.n_events += 1;
        let mut hits = hits.to_vec();
        // Correlations come after those that they take in, so one pass in their order sees everything.
        for (id, of) in (0..).map(CorrelationId).zip(&tables.correlations) {
            let own: Vec<_> = hits.iter().filter(|hit| hit.correlation == id).collect();
            if own.is_empty() {
                continue;
            }
            let Some(state) = self.states.get_mut(id.index()) else { continue };
            let arrival = Arrival { time_ms, event: self.n_events };
            let fired = state.observe(tables, id, of, &own, arrival, &mut self.counts);
            for firing in fired {
                pass_on(tables, &firing, &mut hits);
                firings.push(firing);
            }
        }
        firings
    }
}

/// Tells a firing to the correlations that take it in.
fn pass_on(tables: &Tables, firing: &Firing, hits: &mut Vec<CorrelationHit>) {
    for (id, of) in (0..).map(CorrelationId).zip(&tables.correlations) {
        for (position, input) in (0..).zip(tables.correlation_inputs(of)) {
            if input.kind != InputKind::Correlation || input.of != firing.correlation.0 {
                continue;
            }
            let answer = |place: u32| match place {
                NO_FIELD => None,
                place => firing.group.get(place as usize).cloned().flatten(),
            };
            let group = tables.input_fields(input).iter().map(|place| answer(*place)).collect();
            let measured = answer(input.measured);
            hits.push(CorrelationHit { correlation: id, input: position, group, measured });
        }
    }
}

/// When an event came: by its own time, and its place in the order of arrival.
#[derive(Clone, Copy)]
struct Arrival {
    time_ms: i64,
    event: u64,
}

impl State {
    /// Adds the hits of one event to their groups, and returns those that fire.
    fn observe(
        &mut self,
        tables: &Tables,
        id: CorrelationId,
        of: &Correlation,
        hits: &[&CorrelationHit],
        arrival: Arrival,
        counts: &mut CorrelatorCounts,
    ) -> Vec<Firing> {
        let counts_inputs =
            matches!(of.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
        let timespan_ms = i64::try_from(of.timespan_ms).unwrap_or(i64::MAX);
        let mut touched: Vec<(Key, bool)> = Vec::new();
        for hit in hits {
            let key = Key::of(&hit.group);
            let seen = touched.iter().any(|(touched, _)| *touched == key);
            if seen && !counts_inputs {
                continue;
            }
            let entry = Entry::new(of.kind, hit, arrival.time_ms, arrival.event);
            let kept = self.add(key, entry, hit, timespan_ms, counts);
            if !seen {
                touched.push((key, kept));
            }
        }
        let mut firings = Vec::new();
        for (key, kept) in touched {
            let Some(group) = self.groups.get_mut(&key).filter(|_| kept) else { continue };
            let (value, holds) = match tables.correlation_code(of) {
                [] => {
                    let value = group.value(of, tables.correlation_inputs(of).len());
                    (value, value.is_some_and(|value| holds(tables, of, value)))
                }
                code => {
                    let (n_inputs, holds) = group.evaluate(code, tables.correlation_inputs(of));
                    (Some(n_inputs), holds)
                }
            };
            if let Some(value) = value
                && holds
                && !group.holds
            {
                firings.push(Firing {
                    correlation: id,
                    time_ms: group.newest_ms,
                    first_ms: group.oldest_ms(),
                    n_events: group.n_events(),
                    value,
                    group: group.shown.clone(),
                });
            }
            group.holds = holds;
        }
        firings
    }

    /// Adds an entry to its group; returns true if it was in time.
    fn add(
        &mut self,
        key: Key,
        entry: Entry,
        hit: &CorrelationHit,
        timespan_ms: i64,
        counts: &mut CorrelatorCounts,
    ) -> bool {
        self.tick += 1;
        let tick = self.tick;
        self.newest_ms =
            if self.groups.is_empty() { entry.time_ms } else { self.newest_ms.max(entry.time_ms) };
        let group = self.groups.entry(key).or_insert_with(|| Group::new(entry.time_ms, &hit.group));
        if entry.time_ms <= group.newest_ms.saturating_sub(timespan_ms) {
            counts.late_events += 1;
            return false;
        }
        let n_before = group.n_entries();
        counts.evicted_events += group.add(entry, timespan_ms);
        self.n_entries = (self.n_entries + group.n_entries()).saturating_sub(n_before);
        self.by_age.remove(&group.tick);
        group.tick = tick;
        self.by_age.insert(tick, key);
        while self.groups.len() > MAX_GROUPS
            || self.n_entries > MAX_CORRELATION_EVENTS && self.groups.len() > 1
        {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            let Some(group) = self.groups.remove(&oldest) else { break };
            self.n_entries = self.n_entries.saturating_sub(group.n_entries());
            let is_open = group.newest_ms > self.newest_ms.saturating_sub(timespan_ms);
            counts.evicted_groups += u64::from(is_open);
        }
        true
    }
}

/// Returns true if the condition of a correlation holds: on a value, or, over names, on which inputs have events.
pub(crate) fn condition_holds(
    tables: &Tables,
    of: &Correlation,
    value: f64,
    has_events: impl Fn(usize) -> bool,
) -> bool {
    match tables.correlation_code(of) {
        [] => holds(tables, of, value),
        code => condition::holds(code, has_events),
    }
}

/// Returns true if a value is within all thresholds of a correlation.
fn holds(tables: &Tables, of: &Correlation, value: f64) -> bool {
    tables.correlation_thresholds(of).iter().all(|threshold| {
        let number = f64::from_bits(threshold.number);
        let compares = match threshold.comparison {
            // Not by `total_cmp`, for which an empty sum is less than zero.
            Comparison::Equal => value.partial_cmp(&number).is_some_and(std::cmp::Ordering::is_eq),
            Comparison::Less => value < number,
            Comparison::LessOrEqual => value <= number,
            Comparison::Greater => value > number,
            Comparison::GreaterOrEqual => value >= number,
        };
        compares != threshold.negated
    })
}
