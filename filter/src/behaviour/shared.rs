//! The tables of behaviour in the host's shared data: fixed numbers of buckets, changed by compare-and-swap.
//!
//! A swap is tried once, unless its caller tries again. A lost one costs what it would have noted, is counted, and
//! nothing waits for it.

use inspect::behaviour_state::{
    Bucket, CorrelationState, CrowdState, Entry, PairState, Put, WatchState,
};

use crate::host::Host;

/// The prefix of all keys; it names the layout, so that two versions of the filter in one gateway do not read
/// each other's buckets.
const KEY: &str = "tidegate.behaviour.1";

/// Most digits of the number of a bucket.
const MAX_BUCKET_DIGITS: usize = 4;

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// What sources did with hosts.
    Pairs,
    /// What sources, groups and all sources used.
    Sources,
    /// How many sources use a host or a service.
    Hosts,
    /// What was counted in the groups of correlations.
    Groups,
}

impl Table {
    /// Returns the name in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Table::Pairs => "pairs",
            Table::Sources => "sources",
            Table::Hosts => "hosts",
            Table::Groups => "groups",
        }
    }
}

/// An entry that has a table.
pub(crate) trait Stored: Entry {
    const TABLE: Table;
    /// Buckets, each one value of the host's shared data: a power of two.
    const N_BUCKETS: u64;
}

impl Stored for PairState {
    const TABLE: Table = Table::Pairs;
    const N_BUCKETS: u64 = 2048;
}

impl Stored for WatchState {
    const TABLE: Table = Table::Sources;
    const N_BUCKETS: u64 = 512;
}

impl Stored for CrowdState {
    const TABLE: Table = Table::Hosts;
    const N_BUCKETS: u64 = 1024;
}

impl Stored for CorrelationState {
    const TABLE: Table = Table::Groups;
    const N_BUCKETS: u64 = 1024;
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The keyed hash of what it is about.
    pub(crate) key: u64,
    /// The bucket, modulo the table's number of buckets.
    pub(crate) bucket: u64,
}

impl Place {
    /// A place that depends on a key alone.
    pub(crate) fn of(key: u64) -> Place {
        Place { key, bucket: key >> 32 }
    }
}

/// A bucket as it was read, with the entry of a place.
#[derive(Debug)]
pub(crate) struct Slot<E> {
    name: String,
    place: Place,
    bucket: Bucket<E>,
    cas: u32,
    pub(crate) entry: Option<E>,
}

/// What writing cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Costs {
    /// The tables of entries that gave way.
    pub(crate) evicted: Vec<Table>,
    /// Swaps that another worker won, or that the host refused.
    pub(crate) n_lost: u64,
}

/// Reads the bucket of a place; `None` if the host does not return it.
pub(crate) fn open<E: Stored>(host: &dyn Host, place: Place) -> Option<Slot<E>> {
    let name = name(E::TABLE, place.bucket % E::N_BUCKETS);
    let (bytes, cas) = host.shared_data_or_new(&name).ok()?;
    let bucket = Bucket::read(bytes.unwrap_or_default());
    let entry = bucket.find(place.key);
    Some(Slot { name, place, bucket, cas, entry })
}

/// The key of a bucket: written digit by digit, as every request that is tracked names some.
fn name(table: Table, bucket: u64) -> String {
    let table = table.as_str();
    let mut name = String::with_capacity(KEY.len() + table.len() + 2 + MAX_BUCKET_DIGITS);
    for part in [KEY, ".", table, "."] {
        name.push_str(part);
    }
    let mut power = 1;
    while bucket / power >= 10 {
        power *= 10;
    }
    while power > 0 {
        let digit = (bucket / power % 10) as u8;
        name.push(char::from(b'0' + digit));
        power /= 10;
    }
    name
}

/// Reads the entry of a place.
pub(crate) fn find<E: Stored>(host: &dyn Host, place: Place) -> Option<E> {
    open(host, place)?.entry
}

impl<E> Slot<E> {
    /// Where the entry is.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

impl<E: Stored> Slot<E> {
    /// Writes the entry of the place; returns false if the swap was lost.
    pub(crate) fn save(mut self, host: &dyn Host, entry: &E, now: u32, costs: &mut Costs) -> bool {
        let put = self.bucket.put(self.place.key, entry, now);
        let is_saved =
            host.set_shared_data(&self.name, &self.bucket.into_bytes(), self.cas).is_ok();
        match (is_saved, put) {
            (false, _) => costs.n_lost += 1,
            (true, Put::Evicted) => costs.evicted.push(E::TABLE),
            (true, Put::Kept) => {}
        }
        is_saved
    }
}

/// Changes the entry of a place; returns false if that could not be written.
pub(crate) fn change<E: Stored>(
    host: &dyn Host,
    place: Place,
    now: u32,
    costs: &mut Costs,
    change: impl FnOnce(Option<E>) -> E,
) -> bool {
    let Some(mut slot) = open(host, place) else {
        costs.n_lost += 1;
        return false;
    };
    let entry = change(slot.entry.take());
    slot.save(host, &entry, now, costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_by_its_number() {
        for bucket in [0, 7, 10, 99, 100, 1023, 2047] {
            let expect = format!("tidegate.behaviour.1.hosts.{bucket}");
            assert_eq!(name(Table::Hosts, bucket), expect);
        }
    }
}
