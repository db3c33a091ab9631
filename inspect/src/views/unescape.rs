//! Undoing escapes until nothing is left to undo, in one pass.
//!
//! A byte is put at the end of the output; where it completes an escape there, the escape is replaced
//! by what it means, which may complete another. So the output never holds an escape, whatever
//! the depth (`%252562`), and unescaping it again changes nothing. Each replacement makes the output
//! shorter: the steps are at most four for each byte of the input.

use crate::anomaly::{Anomalies, Anomaly};

/// Which escapes are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// `%XX` of letters, digits and `-._~`, which mean the same either way (RFC 3986, 2.3).
    Unreserved,
    /// Those, and of slashes and backslashes; a backslash is a slash.
    Slashes,
    /// Every `%XX` and `%uXXXX`, overlong UTF-8, fullwidth forms; NUL is dropped.
    All,
    /// That, and a backslash is a slash.
    AllSlashes,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Unescaped {
    pub(super) bytes: Vec<u8>,
    pub(super) seen: Seen,
    /// The bytes before the first NUL, if there is one.
    pub(super) before_nul: Option<Vec<u8>>,
    pub(super) steps: usize,
}

/// What was undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent observation")]
pub(super) struct Seen {
    pub(super) letter: bool,
    pub(super) nested: bool,
    pub(super) unicode: bool,
    pub(super) overlong: bool,
    pub(super) fullwidth: bool,
    pub(super) backslash: bool,
    pub(super) encoded_backslash: bool,
    pub(super) encoded_query: bool,
    pub(super) nul: bool,
}

impl Seen {
    /// The anomalies of a path.
    pub(super) fn in_path(self, found: &mut Anomalies) {
        found.insert_if(self.letter, Anomaly::PathEncodedLetter);
        found.insert_if(self.nested, Anomaly::PathDoubleEncoded);
        found.insert_if(self.unicode, Anomaly::PathUEncoding);
        found.insert_if(self.overlong, Anomaly::PathOverlong);
        found.insert_if(self.fullwidth, Anomaly::PathFullwidth);
        found.insert_if(self.backslash, Anomaly::PathBackslash);
        found.insert_if(self.encoded_backslash, Anomaly::PathEncodedBackslash);
        found.insert_if(self.encoded_query, Anomaly::PathEncodedQuery);
        found.insert_if(self.nul, Anomaly::PathNul);
    }

    /// The anomalies of a query. Fullwidth forms are ordinary text there.
    pub(super) fn in_query(self, found: &mut Anomalies) {
        found.insert_if(self.letter, Anomaly::QueryEncodedLetter);
        found.insert_if(self.nested, Anomaly::QueryDoubleEncoded);
        found.insert_if(self.unicode, Anomaly::QueryUEncoding);
        found.insert_if(self.overlong, Anomaly::QueryOverlong);
        found.insert_if(self.nul, Anomaly::QueryNul);
    }
}

/// Undoes the escapes of `text`.
pub(super) fn unescape(text: &[u8], reach: Reach) -> Unescaped {
    let mut machine = Machine {
        reach,
        out: Unescaped { bytes: Vec::with_capacity(text.len()), ..Unescaped::default() },
        depths: Vec::with_capacity(text.len()),
    };
    for byte in text {
        machine.push(*byte, 0);
    }
    machine.out
}

struct Machine {
    reach: Reach,
    out: Unescaped,
    /// From how many escapes each byte of the output came.
    depths: Vec<u8>,
}

/// What the end of the output means.
enum Escape {
    Percent(u8),
    Unicode(char),
    Overlong(char),
    Fullwidth(char),
}

impl Machine {
    fn push(&mut self, mut byte: u8, mut depth: u8) {
        loop {
            self.out.steps += 1;
            if byte == 0 && self.reach.is_all() {
                self.out.seen.nul = true;
                self.out.before_nul.get_or_insert_with(|| self.out.bytes.clone());
                return;
            }
            if byte == b'\\' && self.reach.joins_slashes() {
                if depth == 0 {
                    self.out.seen.backslash = true;
                } else {
                    self.out.seen.encoded_backslash = true;
                }
                byte = b'/';
            }
            self.out.bytes.push(byte);
            self.depths.push(depth);
            let Some((n_bytes, escape)) = self.escape() else { return };
            let start = self.out.bytes.len().saturating_sub(n_bytes);
            let parts = self.depths.get(start..).unwrap_or_default();
            let inner = parts.iter().copied().max().unwrap_or_default();
            self.out.bytes.truncate(start);
            self.depths.truncate(start);
            // Overlong and fullwidth forms are bytes, not an escape of their own: their depth stays.
            depth = match escape {
                Escape::Percent(_) | Escape::Unicode(_) => inner.saturating_add(1),
                Escape::Overlong(_) | Escape::Fullwidth(_) => inner,
            };
            let seen = &mut self.out.seen;
            seen.nested |= depth > 1;
            let character = match escape {
                Escape::Percent(value) => {
                    seen.letter |= value.is_ascii_alphanumeric();
                    seen.encoded_query |= value == b'?';
                    byte = value;
                    continue;
                }
                Escape::Unicode(character) => {
                    seen.unicode = true;
                    narrow(character).unwrap_or(character)
                }
                Escape::Overlong(character) => {
                    seen.overlong = true;
                    narrow(character).unwrap_or(character)
                }
                Escape::Fullwidth(character) => {
                    seen.fullwidth = true;
                    character
                }
            };
            match u8::try_from(character) {
                Ok(ascii) if ascii.is_ascii() => byte = ascii,
                _ => {
                    let mut buffer = [0; 4];
                    let encoded = character.encode_utf8(&mut buffer).as_bytes();
                    self.out.bytes.extend_from_slice(encoded);
                    self.depths.resize(self.out.bytes.len(), depth);
                    return;
                }
            }
        }
    }

    /// The escape with which the output ends, and its length.
    fn escape(&self) -> Option<(usize, Escape)> {
        let out = self.out.bytes.as_slice();
        if let [.., b'%', high, low] = out
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            let value = high << 4 | low;
            return self.reach.takes(value).then_some((3, Escape::Percent(value)));
        }
        if !self.reach.is_all() {
            return None;
        }
        if let [.., b'%', b'u' | b'U', a, b, c, d] = out
            && let (Some(a), Some(b), Some(c), Some(d)) = (hex(*a), hex(*b), hex(*c), hex(*d))
        {
            let unit = u32::from(a) << 12 | u32::from(b) << 8 | u32::from(c) << 4 | u32::from(d);
            let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some((6, Escape::Unicode(character)));
        }
        let overlong = |n_bytes, value: u32| {
            char::from_u32(value).map(|character| (n_bytes, Escape::Overlong(character)))
        };
        let low = |byte: u8| u32::from(byte & 0x3f);
        match out {
            [.., 0xf0, a @ 0x80..=0x8f, b @ 0x80..=0xbf, c @ 0x80..=0xbf] => {
                overlong(4, low(*a) << 12 | low(*b) << 6 | low(*c))
            }
            [.., 0xe0, a @ 0x80..=0x9f, b @ 0x80..=0xbf] => overlong(3, low(*a) << 6 | low(*b)),
            [.., lead @ 0xc0..=0xc1, a @ 0x80..=0xbf] => {
                overlong(2, u32::from(lead & 1) << 6 | low(*a))
            }
            [.., 0xef, 0xbc..=0xbd, 0x80..=0xbf] => {
                let start = out.len().checked_sub(3)?;
                let character = str::from_utf8(out.get(start..)?).ok()?.chars().next()?;
                narrow(character).map(|narrow| (3, Escape::Fullwidth(narrow)))
            }
            _ => None,
        }
    }
}

impl Reach {
    fn is_all(self) -> bool {
        matches!(self, Reach::All | Reach::AllSlashes)
    }

    fn joins_slashes(self) -> bool {
        matches!(self, Reach::Slashes | Reach::AllSlashes)
    }

    fn takes(self, value: u8) -> bool {
        let unreserved =
            value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~');
        match self {
            Reach::Unreserved => unreserved,
            Reach::Slashes => unreserved || matches!(value, b'/' | b'\\'),
            Reach::All | Reach::AllSlashes => true,
        }
    }
}

/// The ASCII character of a fullwidth form.
pub(super) fn narrow(character: char) -> Option<char> {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0),
        _ => None,
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Returns true if a percent sign in `text` starts no escape.
pub(super) fn has_broken_escape(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let digits = match rest {
            [b'u' | b'U', digits @ ..] => digits.get(..4),
            digits => digits.get(..2),
        };
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, reach: Reach, expect: &str) {
        let unescaped = unescape(text.as_bytes(), reach);
        assert_eq!(unescaped.bytes.escape_ascii().to_string(), expect, "{text}");
        assert!(unescaped.steps <= 4 * text.len(), "{text}: {} steps", unescaped.steps);
        assert_eq!(unescape(&unescaped.bytes, reach).bytes, unescaped.bytes, "{text} again");
    }

    #[test]
    fn escapes_are_undone_at_any_depth() {
        for (text, expect) in [
            ("%62ot", "bot"),
            ("%2562ot", "bot"),
            ("%25252525252562ot", "bot"),
            ("%%36%32ot", "bot"),
            ("%u0062ot", "bot"),
            ("%25u0062ot", "bot"),
            ("%c0%af%e0%80%af%f0%80%80%af", "///"),
            ("%ef%bd%82ot", "bot"),
            ("%uff42ot", "bot"),
            ("%ef%bc%8562ot", "bot"),
            ("a%00b", "ab"),
            ("%6%002ot", "bot"),
            ("%zz%", "%zz%"),
            ("%ff", "\\xff"),
            ("%c3%b6", "\\xc3\\xb6"),
            ("a\\b", "a\\\\b"),
            ("", ""),
        ] {
            check(text, Reach::All, expect);
        }
        check("a\\b%5cc%255cd", Reach::AllSlashes, "a/b/c/d");
    }

    #[test]
    fn the_safe_reach_leaves_what_has_a_meaning_of_its_own() {
        check("%62%2f%3f%2562%20", Reach::Unreserved, "b%2f%3f%2562%20");
        check("%62%2f%5c\\%3f%2562%20", Reach::Slashes, "b///%3f%2562%20");
        check("%%36%32", Reach::Unreserved, "b");
    }

    #[test]
    fn chains_of_escapes_take_steps_in_proportion() {
        for text in ["%3".repeat(2000) + &"4".repeat(2000), "%25".repeat(3000) + "62"] {
            let n_steps = unescape(text.as_bytes(), Reach::All).steps;
            assert!(n_steps <= 4 * text.len(), "{n_steps}");
        }
    }

    #[test]
    fn broken_escapes_are_seen() {
        for (text, broken) in [
            ("%zz", true),
            ("a%", true),
            ("%4", true),
            ("%41", false),
            ("%u00e4", false),
            ("%u0", true),
        ] {
            assert_eq!(has_broken_escape(text.as_bytes()), broken, "{text}");
        }
    }
}
