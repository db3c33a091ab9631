//! A text of a request as it may be read: its escapes undone, and what is encoded in it.

use std::borrow::Cow;

use crate::words::{has_byte, place_of};

/// Most rounds of escapes that are undone.
const MAX_ROUNDS: usize = 4;
/// Fewest characters of a text in base64, which takes four for three.
const MIN_BASE64: usize = 24;
/// Fewest characters of a text in hexadecimal digits.
const MIN_HEX: usize = 2 * MIN_RUN;

/// Fewest characters in a row of what can be a secret: as many as the shortest key has.
pub(super) const MIN_RUN: usize = 20;

/// Fewest capitals of a text without digits that may be a secret: the key of AWS.
const MIN_CAPITALS: usize = 16;
/// Fewest dashes of one: the lines around a key in PEM start with five.
const MIN_DASHES: usize = 5;

/// A byte that a key or an encoded one consists of.
const PART: u8 = 1;
/// One that it consists of in a query, as base64 has a slash.
const QUERY_PART: u8 = 2;
/// One of text in hexadecimal digits, or between two pairs of them.
const HEX_PART: u8 = 4;
/// A digit of base64, of either alphabet.
const BASE64_PART: u8 = 8;

/// What may be between two pairs of hexadecimal digits.
const DELIMITERS: &[u8] = b"-:_.,+ ";

/// The classes of bytes.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut rest: &mut [u8] = &mut classes;
    let mut byte = 0_u8;
    while let Some((class, others)) = rest.split_first_mut() {
        *class = match byte {
            b'/' => QUERY_PART | BASE64_PART,
            b'%' | b'=' => PART | QUERY_PART,
            b'.' | b',' | b':' => PART | QUERY_PART | HEX_PART,
            b'-' | b'_' | b'+' => PART | QUERY_PART | HEX_PART | BASE64_PART,
            b' ' => HEX_PART,
            _ if byte.is_ascii_hexdigit() => PART | QUERY_PART | HEX_PART | BASE64_PART,
            _ if byte.is_ascii_alphanumeric() => PART | QUERY_PART | BASE64_PART,
            _ if !byte.is_ascii() => PART | QUERY_PART,
            _ => 0,
        };
        rest = others;
        byte = byte.wrapping_add(1);
    }
    classes
};

/// Returns true if a text may contain a secret: it has many characters in a row that a key or an encoded one
/// consists of, with a digit or many capitals among them, or dashes as PEM has. A slash ends a row but in a query, as base64 has it.
pub(super) fn has_long_run(text: &[u8]) -> bool {
    let n_path = place_of(text, b'?').unwrap_or(text.len());
    let (path, query) = text.split_at_checked(n_path).unwrap_or((text, &[]));
    Rows::of(path, PART, MIN_RUN).any(may_be_random)
        || Rows::of(query, QUERY_PART, MIN_RUN).any(may_be_random)
}

/// The rows of a text in which a key may be, encoded or not.
pub(super) fn key_rows(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    Rows::of(text, PART, MIN_RUN)
}

/// The rows of so many bytes of a class, or more. Looks at few bytes of a text without long rows: the last one in such
/// a row is looked at first.
struct Rows<'t> {
    rest: &'t [u8],
    class: u8,
    n_least: usize,
}

impl<'t> Rows<'t> {
    fn of(text: &'t [u8], class: u8, n_least: usize) -> Self {
        Rows { rest: text, class, n_least }
    }
}

impl<'t> Iterator for Rows<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let is_other = |byte: &u8| {
            CLASSES.get(usize::from(*byte)).is_none_or(|classes| classes & self.class == 0)
        };
        while let Some(first) = self.rest.get(..self.n_least) {
            if let Some(place) = first.iter().rposition(is_other) {
                self.rest = self.rest.get(place + 1..).unwrap_or_default();
                continue;
            }
            let n_bytes = self.rest.iter().position(is_other).unwrap_or(self.rest.len());
            let (row, rest) = self.rest.split_at_checked(n_bytes)?;
            self.rest = rest;
            return Some(row);
        }
        None
    }
}

/// Returns true for a row with a digit, with many capitals, or with dashes as PEM has them.
fn may_be_random(row: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| row.iter().filter(|byte| is(byte)).count();
    row.iter().any(u8::is_ascii_digit)
        || count(|byte| *byte == b'-') >= MIN_DASHES
        || count(u8::is_ascii_uppercase) >= MIN_CAPITALS
}

/// A text, unescaped, and the texts that are encoded in it.
#[derive(Debug)]
pub(super) struct Text<'t> {
    unescaped: Cow<'t, [u8]>,
    /// Texts in hexadecimal digits, one behind the other.
    from_hex: Vec<u8>,
    /// Texts in base64, one behind the other.
    from_base64: Vec<u8>,
}

impl<'t> Text<'t> {
    /// Reads a text. Takes steps in proportion to it.
    pub(super) fn of(text: &'t [u8]) -> Self {
        let mut unescaped = without_hidden(text);
        for _ in 0..MAX_ROUNDS {
            let Some(undone) = unescape(&unescaped) else { break };
            unescaped = without_hidden(&undone).into_owned().into();
        }
        let (from_hex, from_base64) = (from_hex(&unescaped), from_base64(&unescaped));
        Text { unescaped, from_hex, from_base64 }
    }

    /// The text with its escapes undone.
    pub(super) fn unescaped(&self) -> &[u8] {
        &self.unescaped
    }

    /// The text and what is encoded in it.
    pub(super) fn readings(&self) -> [&[u8]; 3] {
        [&self.unescaped, &self.from_hex, &self.from_base64]
    }
}

/// Undoes one round of percent-encoding; `None` if there is none.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    if !has_byte(text, b'%') {
        return None;
    }
    let mut undone = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, behind) {
            (b'%', [high, low, behind @ ..]) if let Some(decoded) = hex_pair(*high, *low) => {
                undone.push(decoded);
                rest = behind;
                is_changed = true;
            }
            _ => undone.push(*byte),
        }
    }
    is_changed.then_some(undone)
}

/// Leaves out characters that nobody sees and that would break a key into pieces: U+200B to U+200D, U+2060, U+FEFF,
/// U+00AD.
fn without_hidden(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.into();
    }
    let hidden: [&[u8]; 6] = [
        b"\xe2\x80\x8b",
        b"\xe2\x80\x8c",
        b"\xe2\x80\x8d",
        b"\xe2\x81\xa0",
        b"\xef\xbb\xbf",
        b"\xc2\xad",
    ];
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        let found = hidden.iter().find_map(|hidden| rest.strip_prefix(*hidden));
        if found.is_none() {
            shown.push(*byte);
        }
        rest = found.unwrap_or(behind);
    }
    shown.into()
}

/// Decodes each text of pairs of hexadecimal digits, with or without one character between two pairs.
fn from_hex(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    Rows::of(text, HEX_PART, MIN_HEX).for_each(|row| decode_hex(row, &mut decoded));
    decoded
}

/// Appends what is in hexadecimal digits in a row, each text with a space behind it.
fn decode_hex(row: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = row;
    while rest.len() >= MIN_HEX {
        let start = decoded.len();
        // What is between the first two pairs is between all.
        let mut between = None;
        while let [high, low, behind @ ..] = rest
            && let Some(byte) = hex_pair(*high, *low)
        {
            decoded.push(byte);
            rest = behind;
            let delimiter = rest.first().copied().filter(|byte| DELIMITERS.contains(byte));
            if delimiter.is_some() && *between.get_or_insert(delimiter) == delimiter {
                rest = rest.get(1..).unwrap_or_default();
            }
            between.get_or_insert(delimiter);
        }
        if decoded.len() - start < MIN_RUN {
            decoded.truncate(start);
            rest = rest.get(1..).unwrap_or_default();
        } else {
            decoded.push(b' ');
        }
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let high = HEX_DIGITS.get(usize::from(high))?;
    let low = HEX_DIGITS.get(usize::from(low))?;
    (high | low != NO_DIGIT).then_some(high << 4 | low)
}

/// What is in [`HEX_DIGITS`] and [`BASE64_DIGITS`] for other bytes; the digits have other bits.
const NO_DIGIT: u8 = 0xff;

/// The values of hexadecimal digits.
const HEX_DIGITS: [u8; 256] = digits(&[(b'0', b'9', 0), (b'A', b'F', 10), (b'a', b'f', 10)]);

/// The values of the digits of base64, of either alphabet.
const BASE64_DIGITS: [u8; 256] = digits(&[
    (b'A', b'Z', 0),
    (b'a', b'z', 26),
    (b'0', b'9', 52),
    (b'+', b'+', 62),
    (b'-', b'-', 62),
    (b'/', b'/', 63),
    (b'_', b'_', 63),
]);

/// Lays out a table of digits, from ranges of bytes and the value of their first.
const fn digits(ranges: &[(u8, u8, u8)]) -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut ranges = ranges;
    while let [(first, last, value), others @ ..] = ranges {
        let mut rest: &mut [u8] = &mut table;
        let mut byte = 0_u8;
        while let Some((place, behind)) = rest.split_first_mut() {
            if *first <= byte && byte <= *last {
                *place = *value + (byte - *first);
            }
            rest = behind;
            byte = byte.wrapping_add(1);
        }
        ranges = others;
    }
    table
}

/// Decodes each text of base64, of either alphabet, that is text.
fn from_base64(text: &[u8]) -> Vec<u8> {
    let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let mut decoded = Vec::new();
    for token in Rows::of(text, BASE64_PART, MIN_BASE64) {
        // Most tokens are no text from their first bytes on.
        if base64(token).all(is_text) {
            decoded.extend(base64(token));
            decoded.push(b' ');
        }
    }
    decoded
}

/// Decodes base64 without padding; a rest of fewer than eight bits, and what is no digit, is left out.
pub(super) fn base64(token: &[u8]) -> impl Iterator<Item = u8> {
    let (mut bits, mut n_bits) = (0_u32, 0);
    token.iter().filter_map(|byte| base64_digit(*byte)).filter_map(move |digit| {
        bits = (bits << 6 | u32::from(digit)) & 0xFFFF;
        n_bits += 6;
        if n_bits < 8 {
            return None;
        }
        n_bits -= 8;
        Some((bits >> n_bits & 0xFF) as u8)
    })
}

fn base64_digit(byte: u8) -> Option<u8> {
    BASE64_DIGITS.get(usize::from(byte)).copied().filter(|digit| *digit != NO_DIGIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same byte by byte.
    fn has_long_run_plainly(text: &[u8]) -> bool {
        let (mut row, mut is_query) = (Vec::new(), false);
        let mut is_found = false;
        for byte in text {
            is_query |= *byte == b'?';
            let is_part = byte.is_ascii_alphanumeric()
                || b"-_%+=.,:".contains(byte)
                || *byte > 0x7f
                || is_query && *byte == b'/';
            if is_part {
                row.push(*byte);
            } else {
                row.clear();
            }
            let n_dashes = row.iter().filter(|byte| **byte == b'-').count();
            let n_capitals = row.iter().filter(|byte| byte.is_ascii_uppercase()).count();
            let is_random = row.iter().any(u8::is_ascii_digit) || n_dashes >= 5 || n_capitals >= 16;
            is_found |= row.len() >= 20 && is_random;
        }
        is_found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn long_rows_are_found_wherever_they_are(
            parts in proptest::collection::vec(("[a-zA-Z-]{0,30}", "[ /?;=0-9\u{e9}]{0,2}"), 0..6),
        ) {
            let text: String = parts.into_iter().map(|(word, other)| word + &other).collect();
            let expect = has_long_run_plainly(text.as_bytes());
            prop_assert_eq!(has_long_run(text.as_bytes()), expect, "{}", text);
        }

        #[test]
        fn rows_are_what_other_bytes_leave(
            text in "[0-9A-Fg/=+ ;.-]{0,120}",
            class in prop_oneof![Just(PART), Just(QUERY_PART), Just(HEX_PART), Just(BASE64_PART)],
            n_least in 1_usize..30,
        ) {
            let is_other = |byte: &u8| CLASSES[usize::from(*byte)] & class == 0;
            let rows = text.as_bytes().split(is_other).filter(|row| row.len() >= n_least);
            let found = Rows::of(text.as_bytes(), class, n_least);
            prop_assert_eq!(found.collect::<Vec<_>>(), rows.collect::<Vec<_>>());
        }

        #[test]
        fn what_is_encoded_is_decoded_wherever_it_is(
            secret in "[A-Za-z0-9_-]{20,40}",
            before in "[;&/ g-z]{0,9}",
            delimiter in "[:, ]{0,1}",
        ) {
            let pairs: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let hex = format!("{before};{};", pairs.join(&delimiter));
            let decoded = String::from_utf8(from_hex(hex.as_bytes())).unwrap();
            prop_assert!(decoded.contains(&secret), "{} in {}", secret, hex);
        }
    }

    #[test]
    fn a_row_counts_from_twenty_characters_on() {
        for (text, expect) in [
            ("a123456789012345678", false),
            ("a1234567890123456789", true),
            ("/a123456789/12345678901", false),
            ("/?a123456789/12345678901", true),
            ("abcdefghijklmnopqrstuvwxyz", false),
            ("abcd ABCDEFGHIJKLMNOPabcd", true),
            ("-----BEGIN-OPENSSH-KEY", true),
            ("", false),
        ] {
            assert_eq!(has_long_run(text.as_bytes()), expect, "{text}");
            assert_eq!(has_long_run_plainly(text.as_bytes()), expect, "{text}");
        }
    }
}
