//! The JSON that the filter needs: reads a flat object of strings, writes an event.
//!
//! Own code because of size, as every worker of every gateway holds the module: reading and writing
//! take 7 kB here, and 41 kB with `serde_json` (wasm32-wasip1, `opt-level = "s"`, fat LTO), which is a
//! twelfth of the module. A pack of megabytes in base64 is also borrowed here, not copied. Tests compare
//! both directions with `serde_json`.

use std::borrow::Cow;

use inspect::Ratio;

/// The error of a text that is not a flat object of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// The problem.
    pub(crate) what: &'static str,
    /// Its place, in bytes from the start.
    pub(crate) at: usize,
}

/// A value of an object: a string's text, or `None` for another kind of value.
pub(crate) type Value<'j> = Option<Cow<'j, str>>;

/// Reads the keys and values of an object, in order; duplicate keys are listed twice. Values other than
/// strings may only be numbers, `true`, `false` and `null`.
pub(crate) fn read_object(text: &[u8]) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, JsonError> {
    let mut reader = Reader { text, at: 0 };
    let mut entries = Vec::new();
    reader.expect(b'{', "expected an object")?;
    if !reader.skip(b'}') {
        loop {
            let key = reader.string()?;
            reader.expect(b':', "expected a colon")?;
            entries.push((key, reader.value()?));
            if reader.skip(b'}') {
                break;
            }
            reader.expect(b',', "expected a comma or the end of the object")?;
        }
    }
    match reader.peek() {
        None => Ok(entries),
        Some(_) => Err(reader.error("trailing characters after the object")),
    }
}

struct Reader<'j> {
    text: &'j [u8],
    at: usize,
}

impl<'j> Reader<'j> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at }
    }

    fn rest(&self) -> &'j [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips white space, and returns the next byte.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(is_space).count();
        self.rest().first().copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.skip(byte) { Ok(()) } else { Err(self.error(what)) }
    }

    fn value(&mut self) -> Result<Value<'j>, JsonError> {
        if self.peek() == Some(b'"') {
            return self.string().map(Some);
        }
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let n_bytes = self.rest().iter().take_while(is_word).count();
        if n_bytes == 0 {
            return Err(self.error("expected a string"));
        }
        self.at += n_bytes;
        Ok(None)
    }

    fn string(&mut self) -> Result<Cow<'j, str>, JsonError> {
        self.expect(b'"', "expected a string")?;
        let mut text = Cow::Borrowed("");
        loop {
            let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let n_bytes = self.rest().iter().take_while(is_plain).count();
            let run = self.rest().get(..n_bytes).unwrap_or_default();
            let run = str::from_utf8(run).map_err(|_| self.error("invalid UTF-8"))?;
            // A text without escapes is not copied: a pack may be megabytes long.
            if text.is_empty() {
                text = Cow::Borrowed(run);
            } else {
                text.to_mut().push_str(run);
            }
            self.at += n_bytes;
            match self.rest().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.to_mut().push(self.escape()?),
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("unterminated string")),
            }
        }
    }

    /// Reads an escape sequence; a surrogate needs its other half.
    fn escape(&mut self) -> Result<char, JsonError> {
        let error = self.error("invalid escape sequence");
        let kind = *self.rest().get(1).ok_or(error)?;
        self.at += 2;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.unit().ok_or(error)?;
                if let 0xd800..0xdc00 = code {
                    let is_pair = self.rest().starts_with(b"\\u");
                    self.at += 2;
                    let low = self.unit().filter(|low| is_pair && (0xdc00..0xe000).contains(low));
                    code = 0x10000 + ((code - 0xd800) << 10) + (low.ok_or(error)? - 0xdc00);
                }
                char::from_u32(code).ok_or(error)?
            }
            _ => return Err(error),
        })
    }

    /// Reads four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    }
}

/// Returns the place of a byte in a text: line and column, from 1, the column in bytes.
pub(crate) fn place(text: &[u8], at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let lines = || before.split(|byte| *byte == b'\n');
    (lines().count(), lines().next_back().map_or(1, |line| line.len() + 1))
}

/// Writes one JSON text, without white space. The caller opens and closes objects and lists; commas are
/// added between values.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// Returns the text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Opens an object or a list: `{` or `[`.
    pub(crate) fn open(&mut self, bracket: char) {
        self.comma();
        self.text.push(bracket);
    }

    /// Closes it.
    pub(crate) fn close(&mut self, bracket: char) {
        self.text.push(bracket);
    }

    /// Writes a key, whose value follows; keys are plain words.
    pub(crate) fn key(&mut self, key: &str) {
        self.string(key);
        self.text.push(':');
    }

    /// Writes a string.
    pub(crate) fn string(&mut self, value: &str) {
        self.comma();
        self.text.push('"');
        let mut rest = value;
        let is_special = |char: char| matches!(char, '"' | '\\' | '\0'..='\x1f');
        while let Some((plain, special, after)) = split_at_char(rest, is_special) {
            self.text.push_str(plain);
            match special {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                control => {
                    self.text.push_str("\\u00");
                    for shift in [4, 0] {
                        let digit = char::from_digit(u32::from(control) >> shift & 15, 16);
                        self.text.extend(digit);
                    }
                }
            }
            rest = after;
        }
        self.text.push_str(rest);
        self.text.push('"');
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, value: u64) {
        self.comma();
        self.text.push_str(&value.to_string());
    }

    /// Writes a number from -1 to 1.
    pub(crate) fn ratio(&mut self, value: Ratio) {
        self.comma();
        self.text.push_str(&value.to_string());
    }

    /// Writes `true` or `false`.
    pub(crate) fn flag(&mut self, value: bool) {
        self.comma();
        self.text.push_str(if value { "true" } else { "false" });
    }

    /// Writes a comma if a value precedes; these are the last characters of values.
    fn comma(&mut self) {
        if self.text.ends_with(|last: char| matches!(last, '"' | '}' | ']' | 'e' | '0'..='9')) {
            self.text.push(',');
        }
    }
}

fn split_at_char(text: &str, is: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let at = text.find(is)?;
    let (before, rest) = text.split_at_checked(at)?;
    let mut chars = rest.chars();
    Some((before, chars.next()?, chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        for text in [
            r"{}",
            r#" { "a" : "b" , "c":"" } "#,
            r#"{"a":"\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00","b":1,"c":-0.5e+3,"d":null,"e":true}"#,
            r#"{"a":"1","a":"2"}"#,
        ] {
            let expect: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(text).unwrap();
            let read = read_object(text.as_bytes()).unwrap();
            for (key, value) in read.iter().rev().take(expect.len()) {
                assert_eq!(expect[key.as_ref()].as_str(), value.as_deref(), "{key} of {text}");
            }
        }
        // Borrowed: a pack of megabytes is not copied.
        let read = read_object(br#"{"pack":"AAAA"}"#).unwrap();
        assert!(matches!(read.as_slice(), [(_, Some(Cow::Borrowed("AAAA")))]));
    }

    #[test]
    fn other_texts_are_refused_with_a_place() {
        for (text, what, at) in [
            (&b"["[..], "expected an object", 0),
            (b"{", "expected a string", 1),
            (b"{a:1}", "expected a string", 1),
            (br#"{"a" 1}"#, "expected a colon", 5),
            (br#"{"a":}"#, "expected a string", 5),
            (br#"{"a":[]}"#, "expected a string", 5),
            (br#"{"a":"b" "c"}"#, "expected a comma or the end of the object", 9),
            (br#"{"a":"b",}"#, "expected a string", 9),
            (br#"{"a":"b"#, "unterminated string", 7),
            (b"{\"a\":\"b\n\"}", "control character in a string", 7),
            (b"{\"a\":\"\xff\"}", "invalid UTF-8", 6),
            (br#"{"a":"\x"}"#, "invalid escape sequence", 6),
            (br#"{"a":"\u12"}"#, "invalid escape sequence", 6),
            (br#"{"a":"\ud800"}"#, "invalid escape sequence", 6),
            (br#"{"a":"\ud800\u0041"}"#, "invalid escape sequence", 6),
            (br#"{"a":"\udc00"}"#, "invalid escape sequence", 6),
            (br#"{"a":"\"#, "invalid escape sequence", 6),
            (b"{} x", "trailing characters after the object", 3),
        ] {
            let shown = text.escape_ascii();
            assert_eq!(read_object(text), Err(JsonError { what, at }), "{shown}");
            assert!(serde_json::from_slice::<serde_json::Value>(text).is_err() || text[5] == b'[');
        }
        assert_eq!(place(b"{\n \"a\"", 4), (2, 3));
    }

    #[test]
    fn serde_json_reads_what_is_written() {
        let strange: String = ('\0'..='\u{ff}').chain("\u{2028}😀e".chars()).collect();
        let mut writer = Writer::default();
        writer.open('{');
        writer.key("text");
        writer.string(&strange);
        writer.key("list");
        writer.open('[');
        writer.close(']');
        writer.key("numbers");
        writer.open('[');
        writer.number(0);
        writer.number(u64::MAX);
        writer.flag(true);
        writer.flag(false);
        writer.open('{');
        writer.close('}');
        writer.string("");
        writer.close(']');
        writer.close('}');
        let read: serde_json::Value = serde_json::from_str(&writer.into_text()).unwrap();
        let expect = serde_json::json!({
            "text": strange, "list": [], "numbers": [0, u64::MAX, true, false, {}, ""],
        });
        assert_eq!(read, expect);
    }
}
