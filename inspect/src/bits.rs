//! A set of small numbers that is emptied by what was put in, not by its size.

/// Numbers below a bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
    /// The words that are not zero.
    used: Vec<u32>,
}

impl BitSet {
    /// Empties the set and makes room for numbers below `n_bits`.
    pub(crate) fn reset(&mut self, n_bits: usize) {
        self.clear();
        let n_words = n_bits.div_ceil(64);
        if self.words.len() < n_words {
            self.words.resize(n_words, 0);
        }
    }

    pub(crate) fn clear(&mut self) {
        for word in self.used.drain(..) {
            if let Some(word) = self.words.get_mut(word as usize) {
                *word = 0;
            }
        }
    }

    /// Puts `bit` in; whether it was not there yet. A number past the bound is not put in.
    pub(crate) fn insert(&mut self, bit: usize) -> bool {
        let Some(word) = self.words.get_mut(bit / 64) else { return false };
        let mask = 1 << (bit % 64);
        if *word & mask != 0 {
            return false;
        }
        if *word == 0 {
            self.used.push(u32::try_from(bit / 64).unwrap_or_default());
        }
        *word |= mask;
        true
    }

    /// Takes `bit` out.
    pub(crate) fn remove(&mut self, bit: usize) {
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word &= !(1 << (bit % 64));
        }
    }

    pub(crate) fn contains(&self, bit: usize) -> bool {
        self.words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_remembers_until_it_is_cleared() {
        let mut set = BitSet::default();
        set.reset(130);
        assert!(set.insert(0) && set.insert(63) && set.insert(129));
        assert!(!set.insert(129), "it is there already");
        assert!(!set.insert(1000), "past the bound");
        assert!(set.contains(63) && !set.contains(64) && !set.contains(1000));
        set.clear();
        assert!(!set.contains(0) && !set.contains(63) && !set.contains(129));
    }
}
