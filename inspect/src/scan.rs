//! Finding patterns in one value. Every function here is linear in the value, with the pack's
//! constants as factor: a trie walk ends with the value, a gram index looks at each byte once and
//! compares at most one bucket's literals there, an automaton takes one step per byte.

use crate::ids::PatternId;
use crate::pack::{Automaton, GLOB_DASH, GLOB_MANY, GLOB_ONE, Gram, Grams, Networks, Trie};

/// Reports the patterns of a trie that start `value`, or are all of it.
pub(crate) fn starts(trie: &Trie, value: &[u8], found: impl FnMut(PatternId)) {
    walk(trie, value.len(), |depth| value.get(depth).copied(), found);
}

/// Reports the patterns of a trie that end `value`; the trie holds them in reverse.
pub(crate) fn ends(trie: &Trie, value: &[u8], found: impl FnMut(PatternId)) {
    let last = value.len().wrapping_sub(1);
    walk(trie, value.len(), |depth| value.get(last.wrapping_sub(depth)).copied(), found);
}

/// Follows `byte` from depth 0 down a trie.
#[inline]
fn walk(
    trie: &Trie,
    n_bytes: usize,
    byte: impl Fn(usize) -> Option<u8>,
    mut found: impl FnMut(PatternId),
) {
    let mut depth = 0;
    let mut next = trie.nodes.first();
    while let Some(node) = next {
        let outputs = node.output_start as usize..node.output_end as usize;
        for output in trie.outputs.get(outputs).unwrap_or_default() {
            if output & 1 == 0 || depth == n_bytes {
                found(PatternId(output >> 1));
            }
        }
        let Some(first) = byte(depth) else { return };
        let children = node.child_start as usize..node.child_end as usize;
        let children = trie.first_bytes.get(children).unwrap_or_default();
        let Ok(child) = children.binary_search(&first) else { return };
        next = trie.nodes.get(node.child_start as usize + child);
        let Some(node) = next else { return };
        let label = node.label_start as usize..node.label_end as usize;
        let label = trie.labels.get(label).unwrap_or_default();
        for (offset, wanted) in label.iter().enumerate().skip(1) {
            if byte(depth + offset) != Some(*wanted) {
                return;
            }
        }
        depth += label.len();
    }
}

/// The half-open range that ends at `ends[idx]` and starts where the one before ends.
fn range(ends: &[u32], idx: usize) -> std::ops::Range<usize> {
    let start = idx.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    start as usize..ends.get(idx).copied().unwrap_or_default() as usize
}

/// The multiplier of the hash that spreads grams over a bitmap (Knuth's multiplicative hashing).
pub const GRAM_HASH: u32 = 0x9E37_79B1;

/// How far a product with [`GRAM_HASH`] is shifted for a small index, which is probed faster than others:
/// its bitmap has 4096 bits.
pub const SMALL_GRAMS_SHIFT: u8 = 20;

/// Words in the bitmap of a small index.
const SMALL_WORDS: usize = 64;
const _: () = assert!(SMALL_WORDS * 64 == 1 << (32 - SMALL_GRAMS_SHIFT));

/// Positions that are probed before anything is decided: on most of them nothing stands, and a branch
/// for each would cost more than the probe.
const BATCH: usize = 8;

/// Reports the patterns of a gram index whose literals stand anywhere in `value`.
pub(crate) fn grams(grams: &Grams, value: &[u8], found: impl FnMut(PatternId)) {
    let small = grams.bitmap.as_array().filter(|_| grams.shift == SMALL_GRAMS_SHIFT);
    match (grams.width, small) {
        (4, Some(bitmap)) => {
            probe_all(grams, value, u32::from_le_bytes, |product| is_set(bitmap, product), found);
        }
        (4, None) => {
            probe_all(grams, value, u32::from_le_bytes, |product| is_in(grams, product), found);
        }
        (2, Some(bitmap)) => {
            probe_all(grams, value, short, |product| is_set(bitmap, product), found);
        }
        (2, None) => probe_all(grams, value, short, |product| is_in(grams, product), found),
        _ => single_bytes(grams, value, found),
    }
}

fn short(gram: [u8; 2]) -> u32 {
    u16::from_le_bytes(gram).into()
}

/// Whether the bit of a hash is set in a small bitmap: no step depends on what the pack says.
#[inline]
fn is_set(bitmap: &[u64; SMALL_WORDS], product: u32) -> bool {
    let hash = product >> SMALL_GRAMS_SHIFT;
    let word = bitmap.get((hash / 64) as usize).copied().unwrap_or_default();
    word >> (hash % 64) & 1 == 1
}

/// Whether the bit of a hash is set in any bitmap.
#[inline]
fn is_in(grams: &Grams, product: u32) -> bool {
    let hash = product >> grams.shift;
    let word = grams.bitmap.get((hash / 64) as usize).copied().unwrap_or_default();
    word >> (hash % 64) & 1 == 1
}

/// Reports the patterns whose literal is one byte that stands in `value`. Bytes are so frequent that each
/// is looked for once, instead of opening a bucket wherever it stands.
fn single_bytes(grams: &Grams, value: &[u8], mut found: impl FnMut(PatternId)) {
    for entry in &grams.entries {
        let byte = grams.literals.get(entry.literal_start as usize);
        if byte.is_some_and(|byte| has_byte(value, *byte)) {
            found(entry.pattern);
        }
    }
}

/// Whether a byte stands in `value`, by words of eight: the library's search goes byte by byte where a
/// value is short, and most are.
fn has_byte(value: &[u8], byte: u8) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    // A byte that is zero borrows, and so shows in its highest bit.
    let zeroes = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word) ^ (LOW * u64::from(byte));
        word.wrapping_sub(LOW) & !word & HIGH
    };
    let (words, rest) = value.as_chunks();
    match value.last_chunk() {
        Some(last) => words.iter().fold(zeroes(last), |seen, word| seen | zeroes(word)) != 0,
        None => rest.contains(&byte),
    }
}

/// Probes every position of a value. Each gram is loaded on its own: no step waits for the one before.
#[inline]
fn probe_all<const WIDTH: usize>(
    grams: &Grams,
    value: &[u8],
    number: impl Fn([u8; WIDTH]) -> u32,
    is_hit: impl Fn(u32) -> bool,
    mut found: impl FnMut(PatternId),
) {
    let mut start = 0;
    let mut rest = value;
    while let Some(block) = rest.get(..BATCH + WIDTH - 1) {
        let mut hits = 0u32;
        for (at, gram) in (0..BATCH).zip(block.array_windows()) {
            hits |= u32::from(is_hit(number(*gram).wrapping_mul(GRAM_HASH))) << at;
        }
        while hits != 0 {
            let at = start + hits.trailing_zeros() as usize;
            hits &= hits - 1;
            open_bucket(grams, value, at, &number, &mut found);
        }
        start += BATCH;
        rest = rest.get(BATCH..).unwrap_or_default();
    }
    for (at, gram) in (start..).zip(rest.array_windows()) {
        if is_hit(number(*gram).wrapping_mul(GRAM_HASH)) {
            open_bucket(grams, value, at, &number, &mut found);
        }
    }
}

/// Compares the literals whose gram hashes like the one at `at`.
#[cold]
fn open_bucket<const WIDTH: usize>(
    grams: &Grams,
    value: &[u8],
    at: usize,
    number: impl Fn([u8; WIDTH]) -> u32,
    found: &mut impl FnMut(PatternId),
) {
    let Some(gram) = value.get(at..).and_then(<[u8]>::first_chunk) else { return };
    let gram = number(*gram);
    let hash = (gram.wrapping_mul(GRAM_HASH) >> grams.shift) as usize;
    let word = grams.bitmap.get(hash / 64).copied().unwrap_or_default();
    let below = word & ((1 << (hash % 64)) - 1);
    let rank = grams.ranks.get(hash / 64).copied().unwrap_or_default();
    let bucket = range(&grams.bucket_ends, (rank + below.count_ones()) as usize);
    for entry in grams.entries.get(bucket).unwrap_or_default() {
        if entry.gram == gram && literal_stands(grams, entry, value, at) {
            found(entry.pattern);
        }
    }
}

fn literal_stands(grams: &Grams, entry: &Gram, value: &[u8], gram_at: usize) -> bool {
    let literal = entry.literal_start as usize..entry.literal_end as usize;
    let literal = grams.literals.get(literal).unwrap_or_default();
    let Some(start) = gram_at.checked_sub(entry.at as usize) else { return false };
    value.get(start..start + literal.len()) == Some(literal)
}

/// Reports the patterns of the networks that contain `address`.
pub(crate) fn networks(networks: &Networks, address: u128, mut found: impl FnMut(PatternId)) {
    let after = networks.starts.partition_point(|start| *start <= address);
    let Some(idx) = after.checked_sub(1) else { return };
    if networks.ends.get(idx).is_some_and(|end| address <= *end) {
        let patterns = networks.patterns.get(range(&networks.pattern_ends, idx));
        patterns.unwrap_or_default().iter().copied().for_each(&mut found);
    }
}

/// Whether a regular expression is found in `value`.
pub(crate) fn regex(automaton: &Automaton, value: &[u8]) -> bool {
    let mut state = automaton.start;
    for byte in value {
        if state <= Automaton::FOUND {
            break;
        }
        let class = automaton.classes.get(usize::from(*byte)).copied().unwrap_or_default();
        let transition = state as usize * automaton.n_classes as usize + usize::from(class);
        state = automaton.transitions.get(transition).copied().unwrap_or_default();
    }
    state == Automaton::FOUND
        || automaton.at_end.get(state as usize).is_some_and(|found| *found != 0)
}

/// Whether a glob matches all of `value`.
///
/// Between two stars the leftmost place is always as good as a later one, so each piece is searched
/// once: the work is at most the value's length times the longest piece.
pub(crate) fn glob(tokens: &[u16], value: &[u8]) -> bool {
    let mut pieces = tokens.split(|token| *token == GLOB_MANY);
    let first = pieces.next().unwrap_or_default();
    let Some(mut at) = piece_at(first, value, 0) else { return false };
    let Some(mut piece) = pieces.next() else { return at == value.len() };
    for next in pieces {
        let Some(end) = (at..=value.len()).find_map(|start| piece_at(piece, value, start)) else {
            return false;
        };
        (at, piece) = (end, next);
    }
    // The last piece ends the value. Pieces with `?` may have several lengths in bytes.
    (at..=value.len()).rev().any(|start| piece_at(piece, value, start) == Some(value.len()))
}

/// Where a piece without stars ends if it stands at `start`.
fn piece_at(piece: &[u16], value: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if piece.first() == Some(&GLOB_ONE) && is_inside_char(value, start) {
        return None;
    }
    for token in piece {
        at += match *token {
            GLOB_ONE => char_len(value.get(at..)?)?,
            GLOB_DASH => dash_len(value.get(at..)?)?,
            byte => (u16::from(*value.get(at)?) == byte).then_some(1)?,
        };
    }
    Some(at)
}

/// The length of the character that starts `text`; a byte that starts none counts as one.
fn char_len(text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    let n_bytes = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some(1),
    };
    Some(if text.get(..n_bytes).is_some_and(|text| str::from_utf8(text).is_ok()) {
        n_bytes
    } else {
        1
    })
}

/// Whether a character started before `at` and ends behind it.
fn is_inside_char(value: &[u8], at: usize) -> bool {
    (1..4).any(|n_before| {
        let start = at.checked_sub(n_before).and_then(|start| value.get(start..));
        start.and_then(char_len).is_some_and(|n_bytes| n_bytes > n_before)
    })
}

/// The length of the dash that starts `text`: one of those that Sigma's `windash` lists.
fn dash_len(text: &[u8]) -> Option<usize> {
    ["-", "/", "–", "—", "―"]
        .iter()
        .find(|dash| text.starts_with(dash.as_bytes()))
        .map(|dash| dash.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(glob: &str) -> Vec<u16> {
        let mut tokens = Vec::new();
        for byte in glob.bytes() {
            tokens.push(match byte {
                b'*' => GLOB_MANY,
                b'?' => GLOB_ONE,
                b'~' => GLOB_DASH,
                byte => u16::from(byte),
            });
        }
        tokens
    }

    #[test]
    fn globs_match_whole_values() {
        for (pattern, value, expect) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "x\ny", true),
            ("a*c", "ac", true),
            ("a*c", "abbc", true),
            ("a*c", "acd", false),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("a?", "a\u{10348}", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("*ab", "abab", true),
            ("ab*ab", "ab", false),
            ("ab*ab", "abab", true),
            ("*?", "", false),
            ("*?", "é", true),
            ("?*?", "é", false),
            ("*??", "€", false),
            ("*?€", "x€€", true),
            ("~x", "–x", true),
            ("~x", "_x", false),
        ] {
            assert_eq!(glob(&tokens(pattern), value.as_bytes()), expect, "{pattern} on {value}");
        }
        assert!(glob(&tokens("a?c"), b"a\xffc"), "a byte that is no character counts as one");
    }
}
