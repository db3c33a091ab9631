//! Recognises bytes that are not text, so that they are refused in one line instead of one for each.

/// Most bytes that are looked at.
const SAMPLE: usize = 8 * 1024;

/// Fewer bytes are read as text, whatever they are: what is wrong with them is said line by line.
const MIN_BYTES: usize = 32;

/// First bytes of kinds of files that people drop.
const KINDS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd4\xc3\xb2\xa1", "a capture of packets"),
    (b"\xa1\xb2\xc3\xd4", "a capture of packets"),
    (b"\x0a\x0d\x0d\x0a", "a capture of packets"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
];

/// What bytes are that are not text; `None` for text, also for text with bytes that are not UTF-8 in it.
pub(crate) fn binary(bytes: &[u8]) -> Option<&'static str> {
    let sample = bytes.get(..bytes.len().min(SAMPLE)).unwrap_or_default();
    if sample.len() < MIN_BYTES {
        return None;
    }
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~');
    let n_other = match str::from_utf8(sample) {
        // Control characters only: any script is text.
        Ok(text) => text.bytes().filter(|byte| byte.is_ascii() && !is_text(byte)).count(),
        Err(_) => sample.iter().filter(|byte| !is_text(byte)).count(),
    };
    // A log with a few odd bytes is text.
    if n_other * 10 < sample.len() {
        return None;
    }
    let kind = KINDS.iter().find(|(start, _)| sample.starts_with(start));
    Some(kind.map_or("a binary file", |(_, kind)| kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_any_script_and_archives_are_named() {
        let long = |bytes: &[u8]| bytes.repeat(20);
        for (bytes, expect) in [
            (long(b"https://a.example/\n"), None),
            (long("https://b\u{fc}cher.example/\u{43c}\n".as_bytes()), None),
            (long("\u{65e5}\u{672c}\u{8a9e}\n".as_bytes()), None),
            (long(b"https://a.example/with-one-odd-byte/\xff/in-a-line\n"), None),
            (b"\0\0\0".to_vec(), None),
            ([b"PK\x03\x04".to_vec(), long(b"\0\x01\xff\xfe")].concat(), Some("a ZIP archive")),
            ([b"\x1f\x8b".to_vec(), long(b"\0\x01\xff\xfe")].concat(), Some("a gzip archive")),
            ([b"\xff\xfe".to_vec(), long(b"a\0b\0")].concat(), Some("text in UTF-16")),
            (long(b"\0\x01\x02\x03"), Some("a binary file")),
        ] {
            assert_eq!(binary(&bytes), expect, "{bytes:?}");
        }
    }
}
