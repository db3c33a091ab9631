//! JSON objects as logs write almost all of them, read in one pass.
//!
//! Plain is an object without a backslash and without control characters. Its texts end at the next
//! quote and stand for themselves, so that nothing has to be unescaped or copied. Whatever is not plain,
//! and whatever is not JSON, is left to the parser, which also says what is wrong.

/// Deepest nesting that is read here.
const MAX_DEPTH: usize = 16;

/// Calls `visit` with each entry of a plain object: the key, and its value as it is written, in order.
/// `None` where the line is not plain, or not an object; what was visited until then says nothing.
pub(crate) fn object<'l>(line: &'l str, visit: &mut dyn FnMut(&'l str, &'l str)) -> Option<()> {
    // Without an early end, so that it is done many bytes at a time.
    let odd = |byte: u8| u8::from(byte == b'\\') | u8::from(byte < b' ');
    if !line.starts_with('{') || line.bytes().fold(0, |found, byte| found | odd(byte)) != 0 {
        return None;
    }
    let mut scanner = Scanner { text: line, at: 0 };
    scanner.object(0, visit)?;
    (scanner.at == line.len()).then_some(())
}

struct Scanner<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Scanner<'l> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The only white space without control characters is the blank.
    fn blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The text of a string; the scanner stands at its first quote.
    fn string(&mut self) -> Option<&'l str> {
        self.expect(b'"')?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let end = start + memchr::memchr(b'"', rest)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn object(&mut self, depth: usize, visit: &mut dyn FnMut(&'l str, &'l str)) -> Option<()> {
        self.expect(b'{')?;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            self.blanks();
            let start = self.at;
            self.value(depth)?;
            visit(key, self.text.get(start..self.at)?);
            self.blanks();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' if depth < MAX_DEPTH => self.object(depth + 1, &mut |_, _| {}),
            b'[' if depth < MAX_DEPTH => self.list(depth + 1),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        self.blanks();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blanks();
            self.value(depth)?;
            self.blanks();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hunt::json;

    type Entries = Vec<(String, String)>;

    /// Keys and raw values by both readings.
    fn both(line: &str) -> (Option<Entries>, Option<Entries>) {
        let owned = |(key, raw): (&str, &str)| (key.to_owned(), raw.to_owned());
        let mut there = Vec::new();
        let parsed = json::parsed(line, &mut |key, raw| there.push(owned((key, raw))));
        let mut here = Vec::new();
        let is_plain = object(line, &mut |key, raw| here.push(owned((key, raw)))).is_some();
        let here = is_plain.then_some(here);
        (here, parsed.ok().map(|()| there))
    }

    #[test]
    fn plain_objects_are_read_and_others_left_to_the_parser() {
        for (line, is_plain) in [
            ("{}", true),
            (r#"{"a":"b","c":-1.5e+3,"d":null,"e":[1,{"f":[]}],"g":{}}"#, true),
            (r#"{ "ä" : "ö" , "a":0 }"#, true),
            (r#"{"a":"b"} "#, false),
            (" {}", false),
            (r#"{"a":01}"#, false),
            (r#"{"a":1.}"#, false),
            (r#"{"a":-}"#, false),
            (r#"{"a":1,}"#, false),
            (r#"{"a":[1,]}"#, false),
            (r#"{"a":nulll}"#, false),
            (r#"{"a":"\n"}"#, false),
            ("{\"a\":\t1}", false),
            (r#"{"a":"b"}{}"#, false),
            (r#"{"a""#, false),
            ("[]", false),
            ("", false),
        ] {
            let (here, there) = both(line);
            assert_eq!(here.is_some(), is_plain, "{line}");
            assert!(here.is_none() || here == there, "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Whatever is read here the parser reads in the same way.
        #[test]
        fn both_readings_agree(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"ä b\"", "\"", " ", "\t", "0", "1", "-", ".5", "e1", "E-2",
            "null", "true", "fals", "e", "\\", "\"b\":1", ",\"c\":\"d\"", "{\"a\":", "[1,2]", "\u{7f}",
        ]), 0..12)) {
            for line in [pieces.concat(), format!("{{\"k\":{}}}", pieces.concat())] {
                let (here, there) = both(&line);
                prop_assert!(here.is_none() || here == there, "{}: {:?} {:?}", line, here, there);
            }
        }
    }
}
