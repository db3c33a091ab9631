//! Text that is safe on a terminal.

/// Escapes what a terminal would obey or hide: control characters, characters that change the direction
/// of text or are invisible, and bytes that are not UTF-8.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if is_printable(char) {
                text.push(char);
            } else {
                text.extend(char.escape_default());
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}

/// Returns false for what a terminal or a reader would obey or not see: control characters, also those beyond ASCII,
/// line separators, marks of the direction of writing and characters without width.
pub fn is_printable(char: char) -> bool {
    let is_hidden = matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !char.is_control() && !is_hidden
}

/// Escapes in JSON what is not printable: JSON itself has to escape control characters of ASCII only. Line breaks
/// between its parts stay.
///
/// The same text is a string of YAML 1.2 if it is one of JSON.
pub fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for char in json.chars() {
        // All of these are in strings, and in the basic plane.
        if is_printable(char) || char == '\n' {
            text.push(char);
        } else {
            text.push_str(&format!("\\u{:04x}", u32::from(char)));
        }
    }
    text
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

    #[test]
    fn json_has_the_same_meaning_and_nothing_hidden() {
        let text = "a\u{9b}31m\u{202e}b\u{61c}\n\u{e4}\u{1f600}\u{7f}";
        let json = printable_json(&serde_json::json!({"k": text}).to_string());
        assert_eq!(json, "{\"k\":\"a\\u009b31m\\u202eb\\u061c\\n\u{e4}\u{1f600}\\u007f\"}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["k"], text);
        assert_eq!(printable_json("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
    }
}
