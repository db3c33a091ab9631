//! Literals that may be anywhere in a value.

use crate::ids::PatternId;
use crate::limits::{MAX_GRAM_BITS_PER_ENTRY, MAX_SMALL_GRAM_BITS};
use crate::pack::wire::{Reader, Row, Wire, plain_rows, wire};

/// The multiplier of the hash that spreads grams over a bitmap (Knuth's multiplicative hashing).
pub const GRAM_HASH: u32 = 0x9E37_79B1;

/// How far a product with [`GRAM_HASH`] is shifted for a small index, which is probed faster than others:
/// its bitmap has 4096 bits.
pub const SMALL_GRAMS_SHIFT: u8 = 20;

/// Literals found by grams, runs of `width` bytes of them that the compiler chose to be rare.
///
/// Only every `stride`th place of a value is looked at. So each literal has `stride` entries, with
/// grams that follow one another: wherever the literal is, one of them is met. A bit of `bitmap` is
/// set for the hash of each gram; a bucket of entries belongs to each set bit, in order, found by
/// counting the set bits before it.
#[derive(Clone, Debug)]
pub struct Grams {
    /// Bytes in a gram: 4, 3, 2 or 1.
    pub width: u8,
    /// From one place that is looked at to the next: 1 or 2.
    pub stride: u8,
    /// How far a 32-bit hash is shifted to index `bitmap`.
    pub shift: u8,
    /// One bit per hash.
    pub bitmap: Vec<u64>,
    /// Set bits before each word of `bitmap`.
    pub ranks: Vec<u32>,
    /// Where each bucket ends in `entries`.
    pub bucket_ends: Vec<u32>,
    /// The literals, by bucket.
    pub entries: Vec<Gram>,
    /// The bytes of the literals, folded.
    pub literals: Vec<u8>,
}

/// A literal in a gram index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gram {
    /// The gram, little endian.
    pub gram: u32,
    /// The place of the gram in the literal.
    pub at: u32,
    /// The literal: a range of [`Grams::literals`].
    pub literal_start: u32,
    /// The end of that range.
    pub literal_end: u32,
    /// The pattern to which the literal belongs.
    pub pattern: PatternId,
}

wire! {
    /// A literal of which an index is made.
    pub struct GramLiteral {
        /// The pattern to which it belongs.
        pub pattern: PatternId => near,
        /// The place of its first gram; those of a stride of more than 1 follow.
        pub at: u32,
        /// The literal: a range of [`Grams::literals`].
        pub literal_start: u32 => start,
        /// The end of that range.
        pub literal_end: u32 => end(literal_start),
    }
}

plain_rows!(Grams);

impl Grams {
    /// Makes the index of literals, in time linear in them and the bitmap. `None` if a gram is outside of
    /// its literal, or a number of the index out of range.
    pub fn new(
        [width, stride, shift]: [u8; 3],
        literals: &[GramLiteral],
        bytes: Vec<u8>,
    ) -> Option<Grams> {
        if !matches!((width, stride), (1..=4, 1) | (2..=4, 2)) || !(10..=26).contains(&shift) {
            return None;
        }
        let mut unsorted = Vec::with_capacity(literals.len() * usize::from(stride));
        for literal in literals {
            let GramLiteral { pattern, at, literal_start, literal_end } = *literal;
            let text = bytes.get(literal_start as usize..literal_end as usize)?;
            for at in at..at.checked_add(u32::from(stride))? {
                let gram = text.get(at as usize..)?.get(..usize::from(width))?;
                let gram = gram.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte));
                unsorted.push(Gram { gram, at, literal_start, literal_end, pattern });
            }
        }
        let hash = |entry: &Gram| (entry.gram.wrapping_mul(GRAM_HASH) >> shift) as usize;
        let mut bitmap = vec![0_u64; 1 << (26 - shift)];
        for entry in &unsorted {
            *bitmap.get_mut(hash(entry) / 64)? |= 1 << (hash(entry) % 64);
        }
        let mut n_set = 0;
        let mut ranks = Vec::with_capacity(bitmap.len());
        for word in &bitmap {
            ranks.push(n_set);
            n_set += word.count_ones();
        }
        let bucket = |entry: &Gram| {
            let before = bitmap.get(hash(entry) / 64)? & ((1 << (hash(entry) % 64)) - 1);
            Some((ranks.get(hash(entry) / 64)? + before.count_ones()) as usize)
        };
        // Sorts by bucket: counts, adds up, then puts each where its bucket has got to.
        let mut bucket_ends = vec![0_u32; n_set as usize];
        for entry in &unsorted {
            *bucket_ends.get_mut(bucket(entry)?)? += 1;
        }
        let mut n_before = 0;
        for end in &mut bucket_ends {
            n_before += std::mem::replace(end, n_before);
        }
        let mut entries = unsorted.clone();
        for entry in unsorted {
            let place = bucket_ends.get_mut(bucket(&entry)?)?;
            *entries.get_mut(*place as usize)? = entry;
            *place += 1;
        }
        Some(Grams { width, stride, shift, bitmap, ranks, bucket_ends, entries, literals: bytes })
    }

    /// The literals of which the index was made, in the order of their bytes.
    fn of(&self) -> Vec<GramLiteral> {
        let mut entries: Vec<&Gram> = self.entries.iter().collect();
        entries.sort_by_key(|entry| (entry.literal_start, entry.at));
        let literal = |entry: &&Gram| GramLiteral {
            pattern: entry.pattern,
            at: entry.at,
            literal_start: entry.literal_start,
            literal_end: entry.literal_end,
        };
        entries.iter().step_by(usize::from(self.stride.max(1))).map(literal).collect()
    }
}

/// Only the literals and the places of their grams: the index is built from them.
impl Wire for Grams {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.width, self.stride, self.shift]);
        self.of().write(out);
        self.literals.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let [width, stride, shift] = *reader.take(3)?.first_chunk()?;
        let literals: Vec<GramLiteral> = Wire::read(reader)?;
        let bytes = Wire::read(reader)?;
        let n_bits = 1_usize << 32_u8.checked_sub(shift).filter(|bits| *bits <= 22)?;
        let n_entries = literals.len() * usize::from(stride);
        if n_bits > MAX_SMALL_GRAM_BITS.max(MAX_GRAM_BITS_PER_ENTRY.checked_mul(n_entries)?) {
            return None;
        }
        reader.take_room(n_bits / 4)?;
        Grams::new([width, stride, shift], &literals, bytes)
    }
}
