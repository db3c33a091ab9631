//! Finding patterns in one value. Every function here is linear in the value, with the pack's
//! constants as factor: a trie walk ends with the value, a gram index looks at each byte once and
//! compares at most one bucket's literals there, an automaton takes one step per byte.

use std::ops::Range;

use crate::ids::PatternId;
use crate::pack::{
    Automaton, GLOB_DASH, GLOB_MANY, GLOB_ONE, GRAM_HASH, Gram, Grams, Networks, SMALL_GRAMS_SHIFT,
    Trie, TrieNode,
};
use crate::steps;
use crate::words::{equal, is_equal, last_word, place_of};

/// Reports the patterns of a trie that start `value`, or are all of it.
pub(crate) fn starts(trie: &Trie, value: &[u8], found: &mut dyn FnMut(PatternId)) {
    let next = |rest: &[u8]| match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(rest, rest.len()),
    };
    walk(trie, value, found, next, |rest, n_bytes| rest.get(n_bytes..));
}

/// Reports the patterns of a trie that end `value`; the trie holds them in reverse.
pub(crate) fn ends(trie: &Trie, value: &[u8], found: &mut dyn FnMut(PatternId)) {
    let next = |rest: &[u8]| match rest.last_chunk() {
        Some(word) => u64::from_be_bytes(*word),
        None => last_word(rest, rest.len()).swap_bytes() >> ((64 - 8 * rest.len()) % 64),
    };
    walk(trie, value, found, next, |rest, n_bytes| rest.get(..rest.len().checked_sub(n_bytes)?));
}

/// Follows a value down a trie, a label at once: `next` gives the next eight bytes of what is left, the
/// first in the lowest place and 0 for those that are not there; `pass` goes on behind so many.
#[inline]
fn walk(
    trie: &Trie,
    value: &[u8],
    found: &mut dyn FnMut(PatternId),
    next: impl Fn(&[u8]) -> u64,
    pass: impl Fn(&[u8], usize) -> Option<&[u8]>,
) {
    let mut rest = value;
    let mut at = trie.nodes.first();
    while let Some(node) = at {
        steps::take(1);
        let outputs = node.output_start as usize..node.output_end as usize;
        for output in trie.outputs.get(outputs).unwrap_or_default() {
            if output & 1 == 0 || rest.is_empty() {
                found(PatternId(output >> 1));
            }
        }
        if rest.is_empty() {
            return;
        }
        let Some(child) = child(trie, node, next(rest).to_le_bytes()[0]) else { return };
        at = trie.nodes.get(child);
        let Some(node) = at else { return };
        let label = node.label_start as usize..node.label_end as usize;
        let mut label = trie.labels.get(label).unwrap_or_default();
        steps::take(label.len());
        while !label.is_empty() {
            let n_bytes = label.len().min(8);
            let expected = match label.first_chunk() {
                Some(word) => u64::from_le_bytes(*word),
                None => last_word(label, n_bytes),
            };
            let differs = (next(rest) ^ expected) << (64 - 8 * n_bytes);
            let Some(behind) = pass(rest, n_bytes).filter(|_| differs == 0) else { return };
            rest = behind;
            label = label.get(n_bytes..).unwrap_or_default();
        }
    }
}

/// The child of a node whose label starts with `first`. Eight are compared at once: few nodes have more.
#[inline]
fn child(trie: &Trie, node: &TrieNode, first: u8) -> Option<usize> {
    let end = node.child_end as usize;
    let mut start = node.child_start as usize;
    while start < end {
        let bytes = trie.first_bytes.get(start..)?;
        let word = match bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(bytes, bytes.len()),
        };
        let found = equal(word, first);
        if found != 0 {
            let child = start + found.trailing_zeros() as usize / 8;
            return (child < end).then_some(child);
        }
        start += 8;
    }
    None
}

/// The half-open range that ends at `ends[idx]` and starts where the one before ends.
fn range(ends: &[u32], idx: usize) -> Range<usize> {
    let start = idx.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    start as usize..ends.get(idx).copied().unwrap_or_default() as usize
}

/// Words in the bitmap of a small index.
const SMALL_WORDS: usize = 64;
const _: () = assert!(SMALL_WORDS * 64 == 1 << (32 - SMALL_GRAMS_SHIFT));

/// Words in bitmaps of 32,768 bits and of 131,072.
const MIDDLE_WORDS: usize = 512;
const LARGE_WORDS: usize = 2048;

/// Places that are probed before anything is decided: most of them have nothing, and a branch
/// for each would cost more than the probe.
const BATCH: usize = 8;

/// Receives a pattern whose literal was found, and the place of the literal.
pub(crate) type Note<'n> = &'n mut dyn FnMut(PatternId, Range<usize>);

/// Reports the patterns of a gram index whose literals occur anywhere in `value`, and where. `places` is
/// working memory.
pub(crate) fn grams(grams: &Grams, value: &[u8], places: &mut Vec<usize>, found: Note<'_>) {
    if grams.width == 1 {
        return single_bytes(grams, value, found);
    }
    places.clear();
    match grams.stride {
        1 => probe::<1, 11, SMALL_WORDS, MIDDLE_WORDS>(grams, value, places),
        _ => probe::<2, 18, MIDDLE_WORDS, LARGE_WORDS>(grams, value, places),
    }
    for at in places {
        open_bucket(grams, value, *at, found);
    }
}

/// Collects the places at which the gram's bit is set. `WORDS` and `MORE_WORDS` are lengths of bitmaps that
/// are probed without asking for the length; `BLOCK` is how many bytes a batch of places takes: the last
/// one is read as four bytes.
///
/// What is the same at every place is settled before the first, so that a probe is a few instructions.
fn probe<const STRIDE: usize, const BLOCK: usize, const WORDS: usize, const MORE_WORDS: usize>(
    grams: &Grams,
    value: &[u8],
    places: &mut Vec<usize>,
) {
    const { assert!(BLOCK == (BATCH - 1) * STRIDE + 4) };
    let bitmap = grams.bitmap.as_slice();
    let shift = |n_words: usize| 26 - n_words.ilog2();
    if let Some(words) = bitmap.as_array::<WORDS>() {
        let is_hit = |product| is_set(words, product, shift(WORDS));
        probe_all::<STRIDE, BLOCK>(grams.width, value, is_hit, places);
    } else if let Some(words) = bitmap.as_array::<MORE_WORDS>() {
        let is_hit = |product| is_set(words, product, shift(MORE_WORDS));
        probe_all::<STRIDE, BLOCK>(grams.width, value, is_hit, places);
    } else {
        let is_hit = |product| is_set(bitmap, product, u32::from(grams.shift));
        probe_all::<STRIDE, BLOCK>(grams.width, value, is_hit, places);
    }
}

/// Returns true if the bit of a hash is set: in a bitmap of known length no step depends on what the
/// pack says.
#[inline]
fn is_set(bitmap: &[u64], product: u32, shift: u32) -> bool {
    let hash = product >> shift;
    let word = bitmap.get((hash / 64) as usize).copied().unwrap_or_default();
    word >> (hash % 64) & 1 == 1
}

/// Reports the patterns whose literals are known by one byte. Bytes are so frequent that each is looked for
/// in all of the value, instead of opening a bucket wherever it occurs.
fn single_bytes(grams: &Grams, value: &[u8], found: Note<'_>) {
    for entry in &grams.entries {
        steps::take(value.len());
        let byte = entry.gram.to_le_bytes()[0];
        let mut start = 0;
        while let Some(behind) = value.get(start..).and_then(|rest| place_of(rest, byte)) {
            let at = start + behind;
            if let Some(place) = literal_place(grams, entry, value, at) {
                found(entry.pattern, place);
                break;
            }
            start = at + 1;
        }
    }
}

/// Probes every `STRIDE`th place of a value. Each gram is loaded on its own: no step waits for the one
/// before.
#[inline]
fn probe_all<const STRIDE: usize, const BLOCK: usize>(
    width: u8,
    value: &[u8],
    is_hit: impl Fn(u32) -> bool,
    places: &mut Vec<usize>,
) {
    let of_width = gram_bits(width);
    let is_hit = |gram: u32| is_hit((gram & of_width).wrapping_mul(GRAM_HASH));
    let mut start = 0;
    let mut rest = value;
    while let Some(block) = rest.first_chunk::<BLOCK>() {
        steps::take(BATCH);
        let mut hits = 0u32;
        for (at, gram) in block.array_windows().step_by(STRIDE).enumerate() {
            hits |= u32::from(is_hit(u32::from_le_bytes(*gram))) << at;
        }
        while hits != 0 {
            places.push(start + hits.trailing_zeros() as usize * STRIDE);
            hits &= hits - 1;
        }
        start += BATCH * STRIDE;
        rest = rest.get(BATCH * STRIDE..).unwrap_or_default();
    }
    while rest.len() >= usize::from(width) {
        steps::take(1);
        if is_hit(first_four(rest)) {
            places.push(start);
        }
        start += STRIDE;
        rest = rest.get(STRIDE..).unwrap_or_default();
    }
}

/// The bits of a number that belong to a gram.
fn gram_bits(width: u8) -> u32 {
    u32::MAX >> (32 - 8 * u32::from(width.clamp(1, 4)))
}

/// The first four bytes as a number, the first in the lowest place; 0 for those that are not there.
#[inline]
fn first_four(bytes: &[u8]) -> u32 {
    match bytes.first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => bytes.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte)),
    }
}

/// Compares the literals whose gram hashes like the one at `at`.
fn open_bucket(grams: &Grams, value: &[u8], at: usize, found: Note<'_>) {
    let gram = value.get(at..).map_or(0, first_four) & gram_bits(grams.width);
    let hash = (gram.wrapping_mul(GRAM_HASH) >> grams.shift) as usize;
    let word = grams.bitmap.get(hash / 64).copied().unwrap_or_default();
    let below = word & ((1 << (hash % 64)) - 1);
    let rank = grams.ranks.get(hash / 64).copied().unwrap_or_default();
    let bucket = range(&grams.bucket_ends, (rank + below.count_ones()) as usize);
    for entry in grams.entries.get(bucket).unwrap_or_default() {
        if entry.gram == gram
            && let Some(place) = literal_place(grams, entry, value, at)
        {
            found(entry.pattern, place);
        }
    }
}

/// Returns the place of a literal whose gram is at `gram_at`, if it is there.
fn literal_place(
    grams: &Grams,
    entry: &Gram,
    value: &[u8],
    gram_at: usize,
) -> Option<Range<usize>> {
    let literal = entry.literal_start as usize..entry.literal_end as usize;
    let literal = grams.literals.get(literal).unwrap_or_default();
    steps::take(literal.len());
    let start = gram_at.checked_sub(entry.at as usize)?;
    let place = start..start + literal.len();
    is_equal(value.get(place.clone())?, literal).then_some(place)
}

/// Reports the patterns of the networks that contain `address`.
pub(crate) fn networks(networks: &Networks, address: u128, found: &mut dyn FnMut(PatternId)) {
    let after = networks.starts.partition_point(|start| {
        steps::take(1);
        *start <= address
    });
    let Some(idx) = after.checked_sub(1) else { return };
    if networks.ends.get(idx).is_some_and(|end| address <= *end) {
        let patterns = networks.patterns.get(range(&networks.pattern_ends, idx));
        patterns.unwrap_or_default().iter().copied().for_each(found);
    }
}

/// Returns true if a regular expression is found in `value`.
pub(crate) fn regex(automaton: &Automaton, value: &[u8]) -> bool {
    let mut state = automaton.start;
    for byte in value {
        if state <= Automaton::FOUND {
            break;
        }
        steps::take(1);
        let class = automaton.classes.get(usize::from(*byte)).copied().unwrap_or_default();
        let transition = state as usize * automaton.n_classes as usize + usize::from(class);
        state = automaton.transitions.get(transition).copied().unwrap_or_default();
    }
    state == Automaton::FOUND
        || automaton.at_end.get(state as usize).is_some_and(|found| *found != 0)
}

/// Returns true if a glob matches all of `value`.
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

/// Returns where a piece without stars ends if it matches at `start`.
fn piece_at(piece: &[u16], value: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if piece.first() == Some(&GLOB_ONE) && is_inside_char(value, start) {
        return None;
    }
    for token in piece {
        steps::take(1);
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

/// Returns true if a character started before `at` and ends behind it.
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
        assert!(glob(&tokens("a?c"), b"a\xffc"), "a byte that is not a character counts as one");
    }
}
