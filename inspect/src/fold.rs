//! Case folding: what "case-insensitive" means here.
//!
//! Sigma says that values are compared without regard to case and leaves the alphabet open.
//! tidegate folds by Unicode's simple case folding (one character to one character), computed as the
//! lower case of the upper case, each only where it is a single character.
//! So `Ä` equals `ä`, the Kelvin sign equals `k`, `ſ` equals `s`; `ß` differs from `SS` and `İ` from `i`.
//! Bytes that are not UTF-8 are left as they are.

/// Appends the folded form of `text` to `out`.
///
/// The length may change: the Kelvin sign takes three bytes, `k` one.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        let start = out.len();
        out.extend_from_slice(text);
        if let Some(copied) = out.get_mut(start..) {
            copied.make_ascii_lowercase();
        }
        return;
    }
    let mut buffer = [0; 4];
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            out.extend_from_slice(fold_char(character).encode_utf8(&mut buffer).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// The folded form of `text`.
pub fn fold(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// The folded form of one character.
pub fn fold_char(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    // Three pairs that Unicode calls equal although neither is the other's upper or lower case.
    let character = match character {
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        other => other,
    };
    let upper = single(character.to_uppercase()).unwrap_or(character);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fold_as_documented() {
        for (left, right, equal) in [
            ("FooBar", "foobar", true),
            ("ÄPFEL", "äpfel", true),
            ("\u{212a}", "k", true),
            ("ſ", "s", true),
            ("ς", "Σ", true),
            ("straße", "STRASSE", false),
            ("İ", "i", false),
        ] {
            assert_eq!(fold(left.as_bytes()) == fold(right.as_bytes()), equal, "{left} ~ {right}");
        }
        assert_eq!(fold(b"A\xffB"), b"a\xffb");
    }

    /// Unicode's own table, as `regex-syntax` carries it, is the reference for which characters are equal.
    #[test]
    fn folding_agrees_with_the_simple_case_folding_of_unicode() {
        use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
        for character in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
            class.case_fold_simple();
            for range in class.ranges() {
                for equal in range.start()..=range.end() {
                    assert_eq!(
                        fold_char(equal),
                        fold_char(character),
                        "{equal:?} and {character:?} are equal"
                    );
                }
            }
        }
    }

    #[test]
    fn folding_is_idempotent() {
        for character in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let once = fold_char(character);
            assert_eq!(fold_char(once), once, "{character:?}");
        }
    }
}
