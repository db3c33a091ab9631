//! Address ranges.

use crate::ids::PatternId;
use crate::pack::wire::{Reader, Wire, write_length};

/// Disjoint address ranges in ascending order, each with the patterns that hold in it.
#[derive(Clone, Debug)]
pub struct Networks {
    /// First address of each range.
    pub starts: Vec<u128>,
    /// Last address of each range.
    pub ends: Vec<u128>,
    /// Where each range's patterns end in `patterns`.
    pub pattern_ends: Vec<u32>,
    /// The patterns of all ranges.
    pub patterns: Vec<PatternId>,
}

/// A range is how far it starts behind the one before, and how many addresses follow its first.
impl Wire for Networks {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.starts.len(), out);
        let mut before = 0;
        for (start, end) in self.starts.iter().zip(&self.ends) {
            start.wrapping_sub(before).write(out);
            end.wrapping_sub(*start).write(out);
            before = *end;
        }
        self.pattern_ends.write(out);
        self.patterns.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let n_ranges = reader.n_elements()?;
        reader.take_room(n_ranges.checked_mul(2 * size_of::<u128>())?)?;
        let (mut starts, mut ends) = (Vec::with_capacity(n_ranges), Vec::with_capacity(n_ranges));
        let mut before = 0_u128;
        for _ in 0..n_ranges {
            let start = before.wrapping_add(u128::read(reader)?);
            before = start.wrapping_add(u128::read(reader)?);
            starts.push(start);
            ends.push(before);
        }
        let pattern_ends = Wire::read(reader)?;
        let patterns = Wire::read(reader)?;
        Some(Networks { starts, ends, pattern_ends, patterns })
    }
}
