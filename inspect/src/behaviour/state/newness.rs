//! What is new: filters of what was used, by age.

use super::bytes::Reader;
use super::epoch_of;

/// Bits of a hash that are set for a thing.
const N_PROBES: u32 = 4;

/// Whether something is new to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newness {
    /// It was used before this window.
    Old,
    /// It was first used in this window.
    New,
    /// So much was new lately that nobody knows.
    Unknown,
}

/// What somebody used, as four Bloom filters of `N` bytes: what was new in this epoch and in the one before it,
/// and what was known before that, in two generations. What is known and used again moves to the younger one; when
/// that is full, the older one is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filters<const N: usize> {
    new: [[u8; N]; 2],
    known: [[u8; N]; 2],
}

impl<const N: usize> Filters<N> {
    /// Bytes of an entry that it takes.
    pub(super) const BYTES: usize = 4 * N;

    /// Nothing was used.
    pub(super) fn new() -> Filters<N> {
        Filters { new: [[0; N]; 2], known: [[0; N]; 2] }
    }

    /// Moves on to the epoch of a time, from that of `before`. A clock that is set back changes nothing.
    pub(super) fn advance(&mut self, before: u32, time: u32) {
        let n_epochs = epoch_of(time).saturating_sub(epoch_of(before));
        for _ in 0..n_epochs.min(2) {
            let [current, last] = self.new;
            self.know(|known| {
                known.iter_mut().zip(last).for_each(|(known, last)| *known |= last);
            });
            self.new = [[0; N], current];
        }
    }

    /// Notes a use of a thing, and returns what it was before; with the first use it is new.
    pub(super) fn note(&mut self, thing: u64) -> Newness {
        let is_in = |filter: &[u8; N]| has(filter, thing);
        let [young, old] = &self.known;
        if is_in(young) {
            return Newness::Old;
        }
        if is_in(old) {
            self.know(|known| set(known, thing));
            return Newness::Old;
        }
        let [current, last] = &self.new;
        if let Some(filter) = [current, last].into_iter().find(|filter| is_in(filter)) {
            return if is_full(filter) { Newness::Unknown } else { Newness::New };
        }
        let [current, _] = &mut self.new;
        set(current, thing);
        Newness::New
    }

    /// Notes a thing that may have been used before: it is not new later.
    pub(super) fn note_known(&mut self, thing: u64) {
        self.know(|known| set(known, thing));
    }

    /// Returns true if a thing was never used, as far as is known.
    pub(super) fn is_unused(&self, thing: u64) -> bool {
        self.known.iter().chain(&self.new).all(|filter| !has(filter, thing))
    }

    fn know(&mut self, change: impl FnOnce(&mut [u8; N])) {
        let [young, old] = &mut self.known;
        if is_full(young) {
            *old = std::mem::replace(young, [0; N]);
        }
        change(young);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Filters<N>> {
        Some(Filters {
            new: [reader.array()?, reader.array()?],
            known: [reader.array()?, reader.array()?],
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.new.iter().chain(&self.known).for_each(|filter| out.extend(filter));
    }
}

/// The places of a thing's bits: byte and mask.
fn places<const N: usize>(thing: u64) -> impl Iterator<Item = (usize, u8)> {
    let n_bits = 8 * N as u64;
    (0..N_PROBES).map(move |probe| {
        let bit = (thing >> (16 * probe) & 0xffff) % n_bits;
        ((bit / 8) as usize, 1 << (bit % 8))
    })
}

fn has<const N: usize>(filter: &[u8; N], thing: u64) -> bool {
    places::<N>(thing).all(|(byte, mask)| filter.get(byte).is_some_and(|byte| byte & mask != 0))
}

fn set<const N: usize>(filter: &mut [u8; N], thing: u64) {
    for (byte, mask) in places::<N>(thing) {
        if let Some(byte) = filter.get_mut(byte) {
            *byte |= mask;
        }
    }
}

/// Returns true if three bits in eight are set: one thing in fifty looks as if it were in.
fn is_full<const N: usize>(filter: &[u8; N]) -> bool {
    filter.iter().map(|byte| byte.count_ones()).sum::<u32>() as usize >= 3 * N
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::state::EPOCH_SECONDS;
    use crate::keyed_hash::IdentityKey;

    fn thing(number: u32) -> u64 {
        IdentityKey([0; 16]).hash([&number.to_le_bytes()[..]])
    }

    #[test]
    fn a_thing_is_new_for_about_a_window_after_its_first_use() {
        let mut filters = Filters::<64>::new();
        let start = 1_790_000_000 / EPOCH_SECONDS * EPOCH_SECONDS;
        let mut seen = Vec::new();
        for epoch in 0..4 {
            let time = start + epoch * EPOCH_SECONDS;
            filters.advance(time.saturating_sub(EPOCH_SECONDS).max(start), time);
            seen.push(filters.note(thing(1)));
        }
        assert_eq!(seen, [Newness::New, Newness::New, Newness::Old, Newness::Old]);
        assert!(filters.is_unused(thing(2)));
        assert_eq!(filters.note(thing(2)), Newness::New);
        assert!(!filters.is_unused(thing(2)));
        // After weeks without a request everything new is known.
        filters.advance(start, start + 99 * EPOCH_SECONDS);
        assert_eq!(filters.note(thing(2)), Newness::Old);
    }

    #[test]
    fn too_many_new_things_are_unknown_and_what_is_used_is_not_forgotten() {
        let mut filters = Filters::<64>::new();
        for number in 0..1000 {
            filters.note(thing(number));
        }
        assert_eq!(filters.note(thing(5000)), Newness::Unknown);
        let mut filters = Filters::<64>::new();
        let mut time = 1_790_000_000;
        for day in 0..40 {
            filters.note(thing(1));
            for number in 0..20 {
                filters.note(thing(1000 * day + number));
            }
            filters.advance(time, time + 2 * EPOCH_SECONDS);
            time += 2 * EPOCH_SECONDS;
            assert_eq!(filters.note(thing(1)), Newness::Old);
        }
        let n_new = (0..200).filter(|n| filters.is_unused(thing(900_000 + n))).count();
        assert!(n_new >= 180, "{n_new} of 200 things that were never used are new");
    }
}
