//! Case folding: what "case-insensitive" means here.
//!
//! Sigma says that values are compared without regard to case and leaves the alphabet open.
//! tidegate folds by Unicode's simple case folding (one character to one character): the lower case of
//! the upper case, each only where it is a single character. The standard library's tables for that
//! take 40 kB of a module of some 480, so the result is here as runs of characters.
//! So `Ä` equals `ä`, the Kelvin sign equals `k`, `ſ` equals `s`; `ß` differs from `SS` and `İ` from `i`.
//! Bytes that are not UTF-8 are left as they are.

mod runs;

use crate::words::between;
use runs::RUNS;

/// Appends the folded form of `text` to `out`.
///
/// The length may change: the Kelvin sign takes three bytes, `k` one.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.iter().map(u8::to_ascii_lowercase));
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

/// A word of ASCII in lower case; other bytes stay.
pub(crate) fn lower(word: u64) -> u64 {
    word | between(word, b'A', b'Z') >> 2
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
    let code = u32::from(character);
    let n_before = RUNS.partition_point(|run| run.first <= code);
    let run = n_before.checked_sub(1).and_then(|last| RUNS.get(last));
    let folded = run.and_then(|run| run.fold(code)).and_then(char::from_u32);
    folded.unwrap_or(character)
}

/// Characters that all fold by the same distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// 1, or 2 where every second character is an upper case.
    step: u32,
    /// What to add.
    distance: i32,
}

impl Run {
    fn fold(self, code: u32) -> Option<u32> {
        let is_in = code <= self.last && code.checked_sub(self.first)? % self.step == 0;
        is_in.then(|| code.wrapping_add_signed(self.distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// By the standard library's tables.
    fn fold_by_std(character: char) -> char {
        fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
            let first = characters.next()?;
            characters.next().is_none().then_some(first)
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

    fn runs_by_std() -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for character in ('\u{80}'..=char::MAX).filter(|char| fold_by_std(*char) != *char) {
            let first = u32::from(character);
            let folded = u32::from(fold_by_std(character));
            let distance = i32::try_from(i64::from(folded) - i64::from(first)).unwrap();
            match runs.last_mut() {
                Some(run)
                    if run.distance == distance
                        && (first - run.last == run.step
                            || run.first == run.last && first - run.last == 2) =>
                {
                    run.step = first - run.last;
                    run.last = first;
                }
                _ => runs.push(Run { first, last: first, step: 1, distance }),
            }
        }
        runs
    }

    /// A new version of Unicode may come with a new compiler; the message then contains the table.
    #[test]
    fn the_runs_are_what_the_standard_library_folds() {
        let runs = runs_by_std();
        let lines = runs.iter().map(|run| format!("    {run:#x?},\n").replace("\n    ", " "));
        assert!(RUNS == runs, "fold/runs.rs has to hold:\n{}", lines.collect::<String>());
        for character in '\0'..=char::MAX {
            assert_eq!(fold_char(character), fold_by_std(character), "{character:?}");
        }
    }

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
