//! JSON objects as logs write almost all of them, read in one pass.
//!
//! Plain is an object without a backslash and without control characters. Its texts end at the next
//! quote and contain no escapes, so that nothing has to be unescaped or copied. Whatever is not plain,
//! and whatever is not JSON, is left to the parser, which also says what is wrong.

/// Deepest nesting that is read here.
const MAX_DEPTH: usize = 16;

/// Calls `visit` with each entry of a plain object: the key, and its value as it is written, in order.
/// `None` where the line is not plain, or not an object; what was visited until then says nothing.
pub(crate) fn object<'l>(line: &'l str, mut visit: impl FnMut(&'l str, &'l str)) -> Option<()> {
    Scanner::of(line)?.whole(Scanner::key, &mut visit)
}

/// The same for one line of many: with each value comes what `find` said of its key, on this line or on
/// one before.
pub(crate) fn object_like<'l, P: Copy>(
    line: &'l str,
    shape: &mut Shape<P>,
    find: impl Fn(&str) -> P,
    mut visit: impl FnMut(P, &'l str),
) -> Option<()> {
    let mut idx = 0;
    let key = |scanner: &mut Scanner<'l>| {
        let found = scanner.known_key(shape, idx, &find);
        idx += 1;
        found
    };
    Scanner::of(line)?.whole(key, &mut visit)
}

/// The keys of the lines before: a log writes the same ones in the same order, so that most are known by
/// one comparison.
#[derive(Debug)]
pub(crate) struct Shape<P> {
    /// A key as it is written, with all that is between the values of two entries, and what it is found to be.
    keys: Vec<(String, P)>,
}

impl<P> Default for Shape<P> {
    fn default() -> Self {
        Shape { keys: Vec::new() }
    }
}

impl<P> Shape<P> {
    /// Most keys that are remembered, and how long one may be.
    const MAX_KEYS: usize = 64;
    const MAX_KEY_BYTES: usize = 64;

    fn learn(&mut self, idx: usize, written: &str, found: P) {
        if written.len() > Self::MAX_KEY_BYTES || idx >= Self::MAX_KEYS {
            return;
        }
        if let Some(known) = self.keys.get_mut(idx) {
            *known = (written.to_owned(), found);
        } else if idx == self.keys.len() {
            self.keys.push((written.to_owned(), found));
        }
    }
}

struct Scanner<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Scanner<'l> {
    /// A scanner of a line that may be plain.
    fn of(line: &'l str) -> Option<Self> {
        let bytes = line.as_bytes();
        // The least byte without an early end, so that many are compared at a time.
        let is_odd = bytes.iter().copied().fold(u8::MAX, u8::min) < b' '
            || memchr::memchr(b'\\', bytes).is_some();
        (!is_odd).then_some(Scanner { text: line, at: 0 })
    }

    /// Reads all of the line as one object.
    fn whole<K>(
        mut self,
        key: impl FnMut(&mut Self) -> Option<K>,
        visit: &mut impl FnMut(K, &'l str),
    ) -> Option<()> {
        self.object(0, key, visit)?;
        (self.at == self.text.len()).then_some(())
    }

    fn rest(&self) -> &'l [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Returns true if a text is here. Compares eight bytes at a time: most keys are too short for more.
    fn is_at(&self, text: &[u8]) -> bool {
        let Some(here) = self.rest().get(..text.len()) else { return false };
        let (words, rest) = text.as_chunks::<8>();
        let (words_here, rest_here) = here.as_chunks::<8>();
        let is_equal = |(left, right): (&[u8; 8], &[u8; 8])| left == right;
        words.iter().zip(words_here).all(is_equal)
            && match (text.last_chunk::<8>(), here.last_chunk::<8>()) {
                (Some(last), Some(last_here)) => last == last_here,
                _ => rest == rest_here,
            }
    }

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
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Reads a string, at its first quote; returns its text.
    fn string(&mut self) -> Option<&'l str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = start + memchr::memchr(b'"', self.rest())?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<&'l str> {
        self.blanks();
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        Some(key)
    }

    /// What the key of the entry `idx` is found to be.
    fn known_key<P: Copy>(
        &mut self,
        shape: &mut Shape<P>,
        idx: usize,
        find: &impl Fn(&str) -> P,
    ) -> Option<P> {
        if let Some((written, found)) = shape.keys.get(idx)
            && self.is_at(written.as_bytes())
        {
            self.at += written.len();
            return Some(*found);
        }
        let start = self.at;
        let found = find(self.key()?);
        shape.learn(idx, self.text.get(start..self.at)?, found);
        Some(found)
    }

    /// Reads an object: `key` reads each key and what is behind it, up to the value.
    fn object<K>(
        &mut self,
        depth: usize,
        mut key: impl FnMut(&mut Self) -> Option<K>,
        visit: &mut impl FnMut(K, &'l str),
    ) -> Option<()> {
        self.expect(b'{')?;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = key(self)?;
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
            b'{' if depth < MAX_DEPTH => self.object(depth + 1, Scanner::key, &mut |_, _| {}),
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
    use crate::json;

    type Entries = Vec<(String, String)>;

    /// Keys and raw values by both readings.
    fn both(line: &str) -> (Option<Entries>, Option<Entries>) {
        let owned = |(key, raw): (&str, &str)| (key.to_owned(), raw.to_owned());
        let mut there = Vec::new();
        let parsed = json::parsed(line, &mut |key, raw| there.push(owned((key, raw))));
        let mut here = Vec::new();
        let is_plain = object(line, |key, raw| here.push(owned((key, raw)))).is_some();
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

        /// What was learnt of other lines changes nothing.
        #[test]
        fn the_lines_before_change_nothing(lines in prop::collection::vec(
            prop::collection::vec((prop::sample::select(vec![
                "\"a\":", "\"ab\":", "\"ab\" : ", " \"ab\":", "\"a key of many bytes\":", "\"a key of many byteß\":",
                "\"a\"", "a:", "",
            ]), prop::sample::select(vec!["1", "\"b\"", " \"\"", "{\"a\":[]}", "", "\"a"])), 0..5),
            1..6,
        )) {
            let mut shape = Shape::default();
            for entries in lines {
                let entries: Vec<String> =
                    entries.into_iter().map(|(key, value)| format!("{key}{value}")).collect();
                let line = format!("{{{}}}", entries.join(","));
                let (mut alone, mut after) = (Vec::new(), Vec::new());
                let is_plain = object(&line, |key, raw| alone.push((hash(key), raw)));
                let is_plain_after =
                    object_like(&line, &mut shape, hash, |key, raw| after.push((key, raw)));
                prop_assert_eq!(is_plain_after, is_plain, "{}", &line);
                prop_assert_eq!(after, alone, "{}", &line);
            }
        }
    }

    fn hash(key: &str) -> u64 {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::new().hash_one(key)
    }
}
