//! A set of names by their hashes that may contain others too: what is not in it needs no look-up.

use crate::pack::{HASH_START, hash_step};

/// Fewest bits for each name, so that one name in sixteen that is not in the set is looked up in vain.
const BITS_PER_NAME: usize = 16;

/// The set. It is small enough to stay in a processor's cache where the names and their table are not.
#[derive(Debug, Default)]
pub(crate) struct NameFilter {
    /// Bits by the hash of a name; their number is a power of two. None without names.
    bits: Vec<u64>,
}

impl NameFilter {
    /// Makes the set of some hashes, whose high bits depend on all that they are of.
    pub(crate) fn of(hashes: impl ExactSizeIterator<Item = u64>) -> NameFilter {
        if hashes.len() == 0 {
            return NameFilter::default();
        }
        let n_bits = (hashes.len() * BITS_PER_NAME).next_power_of_two().max(64);
        let mut filter = NameFilter { bits: vec![0; n_bits / 64] };
        for hash in hashes {
            let at = filter.place(hash);
            if let Some(word) = filter.bits.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        filter
    }

    /// Returns true if nothing is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Returns false if a hash is not in the set.
    pub(crate) fn contains(&self, hash: u64) -> bool {
        let at = self.place(hash);
        self.bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.bits.len() * 64).wrapping_sub(1)
    }
}

/// The hash of a name, from its last byte to its first.
pub(crate) fn hash_of(name: &str) -> u64 {
    name.bytes().rev().fold(HASH_START, hash_step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_set_is_found_and_little_else() {
        let names: Vec<String> = (0..5000).map(|idx| format!("host-{idx}.example")).collect();
        let (inside, outside) = names.split_at(2500);
        let filter = NameFilter::of(inside.iter().map(|name| hash_of(name)));
        assert!(inside.iter().all(|name| filter.contains(hash_of(name))));
        let n_others = outside.iter().filter(|name| filter.contains(hash_of(name))).count();
        assert!(n_others < 2500 / 10, "{n_others}");
        let nothing = NameFilter::of(std::iter::empty());
        assert!(nothing.is_empty() && !nothing.contains(HASH_START));
    }
}
