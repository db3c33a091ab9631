//! Bytes, eight at a time: the library's comparison and search go byte by byte in wasm, and where a text is
//! short, which most are.

/// Returns true if two texts are equal.
pub(crate) fn is_equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (Some(left_last), Some(right_last)) = (left.last_chunk(), right.last_chunk()) else {
        return left.iter().zip(right).all(|(left, right)| left == right);
    };
    let is_equal =
        |left: &[u8; 8], right: &[u8; 8]| u64::from_le_bytes(*left) == u64::from_le_bytes(*right);
    let words = left.as_chunks().0.iter().zip(right.as_chunks().0);
    // The last word lies over the one before it.
    is_equal(left_last, right_last) && words.into_iter().all(|(left, right)| is_equal(left, right))
}

/// The highest bit of each byte of a word.
pub(crate) const HIGH: u64 = splat(0x80);

/// A word of one byte, again and again.
const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The bytes of a word that are `byte`, each by its highest bit.
pub(crate) fn equal(word: u64, byte: u8) -> u64 {
    // Adding to seven bits carries into the eighth, and no further, unless all seven are zero.
    let differs = word ^ splat(byte);
    !(((differs & !HIGH) + !HIGH) | differs) & HIGH
}

/// The bytes of a word that are from `first` to `last`, which are ASCII, each by its highest bit.
pub(crate) fn between(word: u64, first: u8, last: u8) -> u64 {
    let low = word & !HIGH;
    let from_first = low + splat(0x80 - first);
    let past_last = low + splat(0x7F - last);
    from_first & !past_last & !word & HIGH
}

/// The words of a text; the last one is filled up with `fill`.
pub(crate) fn words(text: &[u8], fill: u8) -> impl Iterator<Item = u64> {
    let (words, rest) = text.as_chunks();
    let last = last_word(text, rest.len());
    let filled = (!rest.is_empty()).then(|| last | splat(fill) << (8 * rest.len()));
    words.iter().map(|word| u64::from_le_bytes(*word)).chain(filled)
}

/// The last `n_bytes` of `text`, fewer than a word, as a number. By loads that overlap: a loop over bytes
/// would take longer than all the rest.
pub(crate) fn last_word(text: &[u8], n_bytes: usize) -> u64 {
    let shift = |n_loaded: usize| 8 * (n_loaded - n_bytes.min(n_loaded));
    if let Some(last) = text.last_chunk() {
        return if n_bytes == 0 { 0 } else { u64::from_le_bytes(*last) >> shift(8) };
    }
    let last = text.last_chunk().map_or(0, |last| u64::from(u32::from_le_bytes(*last)));
    match text.first_chunk() {
        Some(first) => u64::from(u32::from_le_bytes(*first)) | last << (8 * (n_bytes - 4)),
        None => {
            let byte = |at: usize| u64::from(text.get(at).copied().unwrap_or_default());
            byte(0) | byte(1) << 8 | byte(2) << 16
        }
    }
}

/// Returns true if `text` contains a byte.
pub(crate) fn has_byte(text: &[u8], byte: u8) -> bool {
    let (words, rest) = text.as_chunks();
    // The last word lies over the one before it.
    match text.last_chunk() {
        Some(last) => {
            let found = |word: &[u8; 8]| equal(u64::from_le_bytes(*word), byte);
            words.iter().fold(found(last), |seen, word| seen | found(word)) != 0
        }
        None => rest.contains(&byte),
    }
}

/// Finds the first place of a byte in `text`.
pub(crate) fn place_of(text: &[u8], byte: u8) -> Option<usize> {
    let first = |word: &[u8; 8]| {
        // Of the bytes that are marked the lowest is `byte`; what is above it may be marked by a borrow.
        let differs = u64::from_le_bytes(*word) ^ splat(byte);
        let marked = differs.wrapping_sub(splat(1)) & !differs & HIGH;
        (marked != 0).then(|| marked.trailing_zeros() as usize / 8)
    };
    let (words, rest) = text.as_chunks();
    let mut at = 0;
    for word in words {
        if let Some(place) = first(word) {
            return Some(at + place);
        }
        at += 8;
    }
    if rest.is_empty() {
        return None;
    }
    // The last word lies over the one before it, in which the byte is not.
    match text.last_chunk() {
        Some(last) => first(last).map(|place| text.len() - 8 + place),
        None => rest.iter().position(|other| *other == byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_see_each_byte() {
        for n_bytes in 0..40 {
            let text: Vec<u8> = (0..40).take(n_bytes).collect();
            assert!(is_equal(&text, &text.clone()) && !has_byte(&text, 200));
            assert_eq!(place_of(&text, 200), None);
            assert!(!is_equal(&text, &[text.as_slice(), b"x"].concat()));
            for at in 0..n_bytes {
                let mut other = text.clone();
                other[at] = 200;
                assert!(!is_equal(&text, &other), "{n_bytes} bytes, another at {at}");
                assert!(has_byte(&other, 200), "{n_bytes} bytes, at {at}");
                assert_eq!(place_of(&other, 200), Some(at));
                other[at..].fill(200);
                assert_eq!(place_of(&other, 200), Some(at), "the first of many");
            }
        }
    }

    #[test]
    fn a_words_bytes_are_told_apart_whatever_stands_beside_them() {
        let marks = |holds: &dyn Fn(u8) -> bool, word: [u8; 8]| {
            u64::from_le_bytes(word.map(|byte| if holds(byte) { 0x80 } else { 0 }))
        };
        let (first, last) = (b'a', b'z');
        for byte in 0..=255_u8 {
            for beside in [0, 1, byte, byte.wrapping_add(1), byte.wrapping_sub(1), 0x7F, 0x80, 0xFF]
            {
                let bytes = [beside, byte, beside, byte, byte, beside, beside, byte];
                let word = u64::from_le_bytes(bytes);
                assert_eq!(equal(word, byte), marks(&|other| other == byte, bytes), "{bytes:?}");
                assert_eq!(equal(word, b'/'), marks(&|other| other == b'/', bytes), "{bytes:?}");
                let in_range = |byte: u8| (first..=last).contains(&byte);
                assert_eq!(between(word, first, last), marks(&in_range, bytes), "{bytes:?}");
            }
        }
    }

    #[test]
    fn the_words_of_a_text_are_its_bytes_and_what_fills_the_last() {
        for n_bytes in 0..40 {
            let text: Vec<u8> = (1..).take(n_bytes).collect();
            let mut bytes: Vec<u8> = words(&text, 0xEE).flat_map(u64::to_le_bytes).collect();
            assert_eq!(bytes.len(), n_bytes.next_multiple_of(8));
            assert!(bytes.split_off(n_bytes).iter().all(|byte| *byte == 0xEE));
            assert_eq!(bytes, text);
        }
    }
}
