//! Texts that are safe without escaping: metric names, response code details, access logs.

use inspect::Pack;

use crate::limits::{MAX_ID_BYTES, MAX_REQUEST_ID_BYTES, MAX_TEXT_BYTES};

/// Returns a rule's id as a label: letters, digits, `-` and `_`; every other character becomes `_`.
///
/// A UUID stays as it is. A rule without an id has its title for one; two titles that differ in
/// punctuation only share a label, and so their counters.
pub(crate) fn rule_label(id: &str) -> String {
    let safe = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char } else { '_' };
    id.chars().take(MAX_ID_BYTES).map(safe).collect()
}

/// Returns a request id that may be passed on; `None` if it contains other characters than an id has.
pub(crate) fn request_id(value: &[u8]) -> Option<&str> {
    let safe =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let fits = (1..=MAX_REQUEST_ID_BYTES).contains(&value.len()) && value.iter().all(safe);
    str::from_utf8(value).ok().filter(|_| fits)
}

/// Returns a `traceparent` of W3C Trace Context, version 00, that may be passed on; `None` for another
/// form. See: <https://www.w3.org/TR/trace-context/>
pub(crate) fn traceparent(value: &[u8]) -> Option<&str> {
    let value = str::from_utf8(value).ok()?;
    let lengths = [2, 32, 16, 2];
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = value.split('-').map(str::len).eq(lengths)
        && value.bytes().all(|byte| byte == b'-' || is_hex(byte));
    Some(value).filter(|_| fits)
}

/// Returns the first 16 hexadecimal digits of a pack's content hash: enough to distinguish packs by eye.
pub(crate) fn short_hash(pack: &Pack) -> String {
    format!("{:016x}", pack.hash().short())
}

/// Returns a rule's text, cut if it is too long for an event.
pub(crate) fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= MAX_TEXT_BYTES {
        return text.into();
    }
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    format!("{}…", text.get(..end).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_labels_have_no_punctuation() {
        for (id, expect) in [
            ("7c9bcb9e-94bb-4f5c-9a1b-3f6d1e6a2c11", "7c9bcb9e-94bb-4f5c-9a1b-3f6d1e6a2c11"),
            ("A title, with \"marks\" é", "A_title__with__marks___"),
            ("a.b=c", "a_b_c"),
            ("", ""),
        ] {
            assert_eq!(rule_label(id), expect);
        }
        assert_eq!(rule_label(&"x".repeat(1000)).len(), MAX_ID_BYTES);
    }

    #[test]
    fn request_ids_are_ids_or_nothing() {
        for (value, expect) in [
            (&b"2b3c-4d"[..], Some("2b3c-4d")),
            (b"a_b.c:d", Some("a_b.c:d")),
            (b"", None),
            (b"a b", None),
            (b"\"}", None),
            (b"a\r\nb", None),
            (b"\xff", None),
            (&[b'a'; MAX_REQUEST_ID_BYTES + 1], None),
        ] {
            assert_eq!(request_id(value), expect, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn traceparents_have_their_form_or_are_omitted() {
        let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(whole.as_bytes()), Some(whole));
        for other in [
            String::new(),
            whole.to_uppercase(),
            format!("{whole}-01"),
            whole.replace('0', "\""),
            whole.replacen("00-", "0-", 1),
            "-".repeat(55),
        ] {
            assert_eq!(traceparent(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(MAX_TEXT_BYTES);
        let expect = format!("{}…", "é".repeat(MAX_TEXT_BYTES / 2));
        assert_eq!(cut(&long), expect);
    }
}
