//! The body of a pack as it is carried: what it repeats is laid out once (LZ77).
//!
//! ```text
//! the length of the tables, a number
//! again and again:
//!   a byte: the number of literal bytes in the upper four bits, that of copied bytes less 4 in the lower
//!   where one of them is 15: a number is added, the literals' first
//!   the literal bytes
//!   how far back the copied bytes start, a number; not behind the last literal bytes
//! ```
//!
//! There is no entropy coding: it would take a decoder of some ten kilobytes in the module, and tables that
//! are laid out tightly have little left for it. What a copy takes in may reach into what it writes.

use super::tables::GRAM_HASH;
use super::wire::{Reader, write_length, write_number};
use crate::limits::{MAX_COPY_BYTES, MAX_EXPANSION};
use crate::steps;

/// The fewest bytes that are copied.
const MIN_COPY: usize = 4;

/// The largest length that its half of a byte says alone.
const MAX_SHORT: usize = 14;

/// What is copied at a time: a length that is known beforehand takes no call to copy memory.
const CHUNK: usize = 16;

/// Restores tables of at most `max_bytes`; `None` if the bytes are not such tables. Takes steps in proportion
/// to `bytes`.
pub(super) fn expand(bytes: &[u8], max_bytes: usize) -> Option<Vec<u8>> {
    let mut reader = Reader::new(bytes, 0);
    let n_bytes = usize::try_from(reader.number()?).ok()?;
    if n_bytes > max_bytes.min(bytes.len().saturating_mul(MAX_EXPANSION)) {
        return None;
    }
    // The last chunk may reach behind what it is copied for. What a chunk writes too much is written again.
    let mut out = vec![0; n_bytes.checked_add(CHUNK)?];
    let mut at = 0_usize;
    loop {
        let lengths = usize::from(*reader.take(1)?.first()?);
        let n_literal = length(lengths >> 4, &mut reader)?;
        let n_copied = length(lengths & 15, &mut reader)?.checked_add(MIN_COPY)?;
        let literal_end = at.checked_add(n_literal).filter(|end| *end <= n_bytes)?;
        match reader.peek_chunk::<CHUNK>() {
            Some(chunk) if n_literal <= CHUNK => {
                *out.get_mut(at..)?.first_chunk_mut()? = *chunk;
                reader.take(n_literal)?;
            }
            _ => out.get_mut(at..literal_end)?.copy_from_slice(reader.take(n_literal)?),
        }
        at = literal_end;
        if reader.is_empty() {
            steps::take(n_bytes);
            out.truncate(n_bytes);
            return (at == n_bytes && n_copied == MIN_COPY).then_some(out);
        }
        let distance = usize::try_from(reader.number()?).ok()?;
        let end = at.checked_add(n_copied).filter(|end| *end <= n_bytes)?;
        repeat(&mut out, at, distance, end)?;
        at = end;
    }
}

/// Fills `at..end` with what is `distance` bytes before; `None` if that is nothing or before the start. Behind
/// `end` there is room for a chunk.
#[inline]
fn repeat(out: &mut [u8], mut at: usize, mut distance: usize, end: usize) -> Option<()> {
    if distance == 0 || distance > at {
        return None;
    }
    // Twice as much is there to copy each time.
    while distance < CHUNK && at < end {
        for place in at..at + distance {
            *out.get_mut(place)? = *out.get(place - distance)?;
        }
        at += distance;
        distance *= 2;
    }
    while at < end {
        let chunk: [u8; CHUNK] = *out.get(at - distance..)?.first_chunk()?;
        *out.get_mut(at..)?.first_chunk_mut()? = chunk;
        at += CHUNK;
    }
    Some(())
}

fn length(short: usize, reader: &mut Reader<'_>) -> Option<usize> {
    if short <= MAX_SHORT {
        return Some(short);
    }
    short.checked_add(usize::try_from(reader.number()?).ok()?)
}

/// Lays tables out for [`expand`].
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_length(bytes.len(), &mut out);
    let mut finder = Finder::new(bytes);
    let mut literal_start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let found = finder.longest(at);
        finder.enter(at);
        let Some(found) = found else {
            at += 1;
            continue;
        };
        // A longer one may start at the next byte.
        if finder.longest(at + 1).is_some_and(|next| next.gain() > found.gain() + 1) {
            at += 1;
            continue;
        }
        let literal = bytes.get(literal_start..at).unwrap_or_default();
        write_step(literal, found.n_bytes, &mut out);
        write_length(found.distance, &mut out);
        for entered in at + 1..at + found.n_bytes {
            finder.enter(entered);
        }
        at += found.n_bytes;
        literal_start = at;
    }
    write_step(bytes.get(literal_start..).unwrap_or_default(), MIN_COPY, &mut out);
    out
}

fn write_step(literal: &[u8], n_copied: usize, out: &mut Vec<u8>) {
    let lengths = [literal.len(), n_copied - MIN_COPY];
    let [n_literal, n_copied] = lengths.map(|length| length.min(MAX_SHORT + 1));
    out.extend(u8::try_from(n_literal << 4 | n_copied));
    for length in lengths {
        if let Some(rest) = length.checked_sub(MAX_SHORT + 1) {
            write_length(rest, out);
        }
    }
    out.extend_from_slice(literal);
}

/// Bytes that were there before.
struct Copy {
    n_bytes: usize,
    distance: usize,
}

impl Copy {
    /// The bytes that it saves.
    fn gain(&self) -> usize {
        let mut distance = Vec::new();
        write_number(u64::try_from(self.distance).unwrap_or(u64::MAX), &mut distance);
        self.n_bytes.saturating_sub(1 + distance.len())
    }
}

/// Finds what was there before, by its first bytes.
struct Finder<'b> {
    bytes: &'b [u8],
    /// For each hash of four bytes the last place of such; as long as a power of two.
    last: Vec<Option<u32>>,
    /// For each place the one before with the same hash.
    before: Vec<Option<u32>>,
}

/// The most hashes of four bytes.
const MAX_HASHES: usize = 1 << 16;

/// Most places that are compared for one.
const MAX_PLACES: usize = 64;

impl<'b> Finder<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        let n_hashes = bytes.len().next_power_of_two().min(MAX_HASHES);
        Finder { bytes, last: vec![None; n_hashes], before: vec![None; bytes.len()] }
    }

    fn hash(&self, at: usize) -> Option<usize> {
        let first: &[u8; MIN_COPY] = self.bytes.get(at..)?.first_chunk()?;
        let product = u32::from_le_bytes(*first).wrapping_mul(GRAM_HASH);
        // The upper bits are those that depend on all four.
        Some((product >> 16) as usize & (self.last.len() - 1))
    }

    /// Makes the bytes at a place known. Places are entered in order.
    fn enter(&mut self, at: usize) {
        let Some(last) = self.hash(at).and_then(|hash| self.last.get_mut(hash)) else { return };
        if let Some(before) = self.before.get_mut(at) {
            *before = std::mem::replace(last, u32::try_from(at).ok());
        }
    }

    /// The bytes that save most at a place, if any do.
    fn longest(&self, at: usize) -> Option<Copy> {
        let rest = self.bytes.get(at..)?;
        let mut place = self.last.get(self.hash(at)?).copied().flatten();
        let mut best: Option<Copy> = None;
        for _ in 0..MAX_PLACES {
            let Some(start) = place else { break };
            let there = self.bytes.get(start as usize..).unwrap_or_default().iter();
            let n_bytes = there.zip(rest).take(MAX_COPY_BYTES).take_while(|(a, b)| a == b).count();
            let found = Copy { n_bytes, distance: at - start as usize };
            let least = best.as_ref().map_or(1, |best| best.gain() + 1);
            if n_bytes >= MIN_COPY && found.gain() >= least {
                best = Some(found);
            }
            place = self.before.get(start as usize).copied().flatten();
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(bytes: &[u8]) -> usize {
        let small = compress(bytes);
        assert_eq!(expand(&small, bytes.len()).as_deref(), Some(bytes));
        small.len()
    }

    #[test]
    fn what_repeats_is_laid_out_once() {
        assert_eq!(round(b""), 2);
        assert_eq!(round(b"abc"), 5);
        assert!(round(&b"cdn.example.net.".repeat(1000)) < 200);
        assert!(round(&vec![0; 100_000]) <= 100_000 / MAX_COPY_BYTES * 6 + 32);
    }

    #[test]
    fn a_copy_may_reach_into_what_it_writes() {
        for distance in 1..40 {
            let start: Vec<u8> = (0..distance).collect();
            for n_bytes in 0..100 {
                let bytes: Vec<u8> = start.iter().cycle().take(n_bytes).copied().collect();
                round(&bytes);
                round(&[&bytes[..], b"end", &bytes].concat());
            }
        }
    }

    #[test]
    fn what_is_no_tables_is_refused() {
        let small = compress(b"abcabcabcabcabcabc");
        for n_bytes in 0..small.len() {
            assert_eq!(expand(&small[..n_bytes], 100), None, "{n_bytes} bytes");
        }
        assert_eq!(expand(&small, 17), None, "larger than they may be");
        assert_eq!(expand(&[&small[..], b"x"].concat(), 100), None, "something follows");
        for (what, bytes) in [
            ("a copy of nothing", &[4, 0x00, 0, 0x00][..]),
            ("from before the start", &[5, 0x10, b'a', 2, 0x00]),
            ("longer than said", &[4, 0x10, b'a', 1, 0x00]),
            ("shorter than said", &[6, 0x10, b'a', 1, 0x00]),
            ("a number that is cut", &[0x80]),
        ] {
            assert_eq!(expand(bytes, 100), None, "{what}");
        }
        assert_eq!(expand(&[5, 0x10, b'a', 1, 0x00], 100).as_deref(), Some(&b"aaaaa"[..]));
    }

    #[test]
    fn steps_are_in_proportion_to_the_bytes() {
        let bomb = [&[0xFF, 0xFF, 0xFF, 0x7F, 0x1F, b'a'][..], &[0xFF; 8], &[0x7F, 1, 0]].concat();
        assert_eq!(expand(&bomb, usize::MAX), None);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>, few in proptest::collection::vec(0..3_u8, 0..2000)) {
            round(&bytes);
            round(&few);
            round(&[bytes.clone(), few, bytes].concat());
        }

        #[test]
        fn any_bytes_are_expanded_or_refused(bytes: Vec<u8>) {
            let _ = expand(&bytes, 1 << 20);
        }
    }
}
