//! Text that is safe on a terminal.

/// Escapes what a terminal would obey or hide: control characters, characters that change the direction
/// of text or are invisible, and bytes that are not UTF-8.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char.is_control() || is_invisible(char) {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}

/// Returns true for characters that change the direction of text or are invisible.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        for (bytes, expect) in [
            (&b"a b\x1b[31m"[..], "a b\\u{1b}[31m"),
            (b"\xff\xc3\xa4", "\\xff\u{e4}"),
            ("\u{202e}x".as_bytes(), "\\u{202e}x"),
            (b"\n", "\\n"),
        ] {
            assert_eq!(printable(bytes), expect);
        }
    }
}
