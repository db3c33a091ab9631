//! The pairs that are in use in this second of the clock, for one worker.
//!
//! A page loads its parts by dozens of requests of one pair, a client sends its chunks. The first request of a pair in
//! a second reads the bucket; others of that second find the pair here. What they add when they end is written once:
//! before the first tracked request of a later second, or at a tick. Until then other workers do not see it, and a
//! machine that dies takes it along. Of a request that runs for longer the bucket is kept for its end.

use inspect::behaviour_state::{PairState, PairUse};

use super::shared::{Costs, Place, Slot, open};
use crate::host::Host;
use crate::limits::{MAX_HELD_PAIRS, MAX_HELD_USES};

/// The pairs of a worker.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// By their key; each has one place, in which it replaces another.
    places: Vec<Option<HeldPair>>,
    /// The places with uses that are not written, each once.
    unwritten: Vec<usize>,
    /// The second of these uses.
    second: u32,
}

/// A pair as it was read, with what requests added since.
#[derive(Debug)]
pub(super) struct HeldPair {
    slot: Slot<PairState>,
    /// When it was read, in seconds since 1970.
    since: u32,
    /// What was added, to add it again to what another worker wrote meanwhile.
    uses: Vec<PairUse>,
}

impl Held {
    /// Returns the pair if it was read in this second.
    pub(super) fn find(&self, pair: Place, time: u32) -> Option<&PairState> {
        let held = self.places.get(place(pair)).and_then(Option::as_ref);
        held.filter(|held| held.slot.place() == pair && held.since == time)?.slot.entry.as_ref()
    }

    /// Holds a pair that was read; returns another one that has to be written.
    pub(super) fn hold(&mut self, slot: Slot<PairState>, time: u32) -> Option<HeldPair> {
        if self.places.is_empty() {
            self.places.resize_with(MAX_HELD_PAIRS, || None);
        }
        let idx = place(slot.place());
        let before = self.take(idx).filter(|held| !held.uses.is_empty());
        *self.places.get_mut(idx)? = Some(HeldPair { slot, since: time, uses: Vec::new() });
        before
    }

    /// Takes a pair out.
    pub(super) fn release(&mut self, pair: Place) -> Option<HeldPair> {
        let idx = place(pair);
        let is_held = |held: &HeldPair| held.slot.place() == pair;
        if !self.places.get(idx)?.as_ref().is_some_and(is_held) {
            return None;
        }
        self.take(idx)
    }

    /// Adds a use to a pair that has what `is_noted` asks for; returns the pair with it, and what has to be written
    /// at once: a use of a later second, or one of many. `None` if the pair is not held.
    pub(super) fn add(
        &mut self,
        pair: Place,
        used: &PairUse,
        is_noted: impl FnOnce(&PairState) -> bool,
    ) -> Option<(PairState, Option<HeldPair>)> {
        let idx = place(pair);
        let held = self.places.get_mut(idx)?.as_mut().filter(|held| held.slot.place() == pair)?;
        let entry = held.slot.entry.as_mut().filter(|entry| is_noted(entry))?;
        entry.add(used);
        held.uses.push(*used);
        let with_use = entry.clone();
        if held.since != used.now || held.uses.len() >= MAX_HELD_USES {
            return Some((with_use, self.take(idx)));
        }
        if held.uses.len() == 1 {
            self.unwritten.push(idx);
            self.second = used.now;
        }
        Some((with_use, None))
    }

    /// Takes the pairs out that have uses of another second than this one.
    pub(super) fn take_due(&mut self, time: u32) -> Vec<HeldPair> {
        if self.unwritten.is_empty() || self.second == time { Vec::new() } else { self.take_all() }
    }

    /// Takes all pairs out that have uses which are not written.
    pub(super) fn take_all(&mut self) -> Vec<HeldPair> {
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.into_iter().filter_map(|idx| self.places.get_mut(idx)?.take()).collect()
    }

    fn take(&mut self, idx: usize) -> Option<HeldPair> {
        self.unwritten.retain(|unwritten| *unwritten != idx);
        self.places.get_mut(idx)?.take()
    }
}

impl HeldPair {
    /// Writes what was added, in the bucket as it was read, or again if that has changed since. What cannot be written
    /// then is lost, and counted.
    pub(super) fn write(self, host: &dyn Host, costs: &mut Costs) {
        let HeldPair { mut slot, uses, .. } = self;
        let (Some(pair), Some(PairUse { now, .. })) = (slot.entry.take(), uses.last()) else {
            return;
        };
        let place = slot.place();
        // Its place in the bucket is its own, so that no other gives way.
        if slot.save(host, &pair, *now, &mut Costs::default()) {
            return;
        }
        let again = open::<PairState>(host, place);
        let again = again.and_then(|mut slot| Some((slot.entry.take()?, slot)));
        let Some((mut pair, slot)) = again else {
            costs.n_lost += 1;
            return;
        };
        for used in &uses {
            pair.add(used);
        }
        slot.save(host, &pair, *now, costs);
    }
}

fn place(pair: Place) -> usize {
    usize::try_from(pair.key % MAX_HELD_PAIRS as u64).unwrap_or_default()
}
