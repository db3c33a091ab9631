//! Builds gram indices: for each literal, a run of its bytes that is rare elsewhere.

use std::collections::HashMap;

use inspect::pack::{GramLiteral, Grams};
use inspect::{PatternId, SMALL_GRAMS_SHIFT};

use super::{end_of, frequency};

/// Bits of the bitmap of a small index, which the run-time probes faster than others.
const SMALL_BITS: usize = 1 << (32 - SMALL_GRAMS_SHIFT);

/// Bits of two larger bitmaps that it probes as fast, as long as they stay in a core's nearest caches.
const MIDDLE_BITS: usize = 1 << 15;
const LARGE_BITS: usize = 1 << 17;

/// Up to so many entries get [`SPARSE`] bits each: the bitmap stays in a core's nearest cache.
const FEW_ENTRIES: usize = 2048;

/// Bits per entry where they are few. The more, the fewer positions are looked at for nothing.
const SPARSE: usize = 64;

/// Bits per entry where they are many.
const DENSE: usize = 16;

/// From how many bytes on a literal is known by grams at every second place of a text.
pub(super) const LONG: usize = 4;

/// Up to so many literals of two and three bytes are each known by their rarest byte.
const FEW_SHORT: usize = 4;

/// At which places of a text grams are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// At all.
    Every,
    /// At every second one, for literals of [`LONG`] bytes and more: half the work on each text for
    /// twice the entries.
    EverySecond,
}

/// Builds one index per gram width that is needed, the widest first.
pub(super) fn build(literals: Vec<(Vec<u8>, PatternId)>, places: Places) -> Vec<Grams> {
    if places == Places::EverySecond {
        return if literals.is_empty() {
            Vec::new()
        } else {
            Vec::from_iter(index(3, 2, &literals))
        };
    }
    let mut by_width: [Vec<(Vec<u8>, PatternId)>; 3] = Default::default();
    let [four, two, one] = &mut by_width;
    for literal in literals {
        match literal.0.len() {
            0 => {}
            1 => one.push(literal),
            2 | 3 => two.push(literal),
            _ => four.push(literal),
        }
    }
    // A byte is searched many places at a time.
    if two.len() <= FEW_SHORT {
        one.append(two);
    }
    let widths = [4, 2, 1].into_iter().zip(by_width);
    widths
        .filter(|(_, literals)| !literals.is_empty())
        .filter_map(|(width, of)| index(width, 1, &of))
        .collect()
}

fn index(width: u8, stride: u8, literals: &[(Vec<u8>, PatternId)]) -> Option<Grams> {
    let n_width = usize::from(width);
    let n_stride = usize::from(stride);
    // How many literals hold each gram: a gram of few makes a short bucket.
    let mut holders: HashMap<u32, u32> = HashMap::new();
    for (literal, _) in literals {
        literal.windows(n_width).for_each(|bytes| *holders.entry(gram(bytes)).or_default() += 1);
    }
    let common = frequency::COMMON.windows(n_width).map(gram);
    let common: std::collections::HashSet<u32> = common.collect();
    let cost = |bytes: &[u8]| {
        let rarity: usize = bytes.iter().map(|byte| frequency::rarity(*byte)).sum();
        let n_holders_log = holders.get(&gram(bytes)).map_or(0, |n_holders| n_holders.ilog2());
        let common = if common.contains(&gram(bytes)) { 1000 } else { 0 };
        common + 24 * i64::from(n_holders_log) - i64::try_from(rarity).unwrap_or_default()
    };

    let n_entries = n_stride * literals.len();
    let bits = if n_entries <= FEW_ENTRIES {
        let (least, most) = match stride {
            1 => (SMALL_BITS, MIDDLE_BITS),
            _ => (MIDDLE_BITS, LARGE_BITS),
        };
        if SPARSE * n_entries <= least { least } else { most }
    } else {
        (DENSE * n_entries).next_power_of_two().min(1 << 22)
    };
    let shift = 32 - u8::try_from(bits.ilog2()).unwrap_or(10);
    let mut indexed = Vec::with_capacity(literals.len());
    let mut bytes = Vec::new();
    for (literal, pattern) in literals {
        // One after the other, as many as there are places between two that are looked at.
        let runs = literal.windows(n_width + n_stride - 1).enumerate();
        let of_run = |run: &[u8]| run.windows(n_width).map(cost).sum::<i64>();
        let Some((at, _)) = runs.min_by_key(|(_, run)| of_run(run)) else { continue };
        let literal_start = end_of(&bytes);
        bytes.extend_from_slice(literal);
        indexed.push(GramLiteral {
            pattern: *pattern,
            at: u32::try_from(at).unwrap_or_default(),
            literal_start,
            literal_end: end_of(&bytes),
        });
    }
    Grams::new([width, stride, shift], &indexed, bytes)
}

/// The bytes as a number, the first in the lowest place.
fn gram(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte))
}
