//! Bytes, eight at a time: the library's comparison and search go byte by byte in wasm, and where a text is
//! short, which most are.

/// Whether two texts are equal.
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

/// Whether a byte stands in `text`.
pub(crate) fn has_byte(text: &[u8], byte: u8) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    // A byte that is zero borrows, and so shows in its highest bit.
    let zeroes = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word) ^ (LOW * u64::from(byte));
        word.wrapping_sub(LOW) & !word & HIGH
    };
    let (words, rest) = text.as_chunks();
    match text.last_chunk() {
        Some(last) => words.iter().fold(zeroes(last), |seen, word| seen | zeroes(word)) != 0,
        None => rest.contains(&byte),
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
            assert!(!is_equal(&text, &[text.as_slice(), b"x"].concat()));
            for at in 0..n_bytes {
                let mut other = text.clone();
                other[at] = 200;
                assert!(!is_equal(&text, &other), "{n_bytes} bytes, another at {at}");
                assert!(has_byte(&other, 200), "{n_bytes} bytes, at {at}");
            }
        }
    }
}
