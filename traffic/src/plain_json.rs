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
    Scanner::of(line)?.whole(|scanner| scanner.key().map(Some), &mut visit)
}

/// The same for one line of many: with each value comes what `find` said of its key, on this line or on
/// one before. Values of which it said nothing are not visited.
pub(crate) fn object_like<'l, P: Copy>(
    line: &'l str,
    shape: &mut Shape<P>,
    find: impl Fn(&str) -> Option<P>,
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
    keys: Vec<(String, Option<P>)>,
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

    fn learn(&mut self, idx: usize, written: &str, found: Option<P>) {
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

/// Bytes that are looked at together.
const WORD: usize = 16;

/// A byte in each place of a word.
const fn splat(byte: u8) -> u128 {
    u128::from_le_bytes([byte; WORD])
}

/// How many words of a text are looked at before a search begins that takes longer to begin.
const FIRST_WORDS: usize = 6;

/// Finds the first quote. Most texts are a few words long, for which a call of the library's search would
/// take longer than searching.
fn place_of_quote(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<WORD>();
    let first = words.get(..FIRST_WORDS).unwrap_or(words);
    let mut at = 0;
    for word in first {
        // Of the bytes that are marked the lowest is a quote; what is above it may be marked by a borrow.
        let differs = u128::from_le_bytes(*word) ^ splat(b'"');
        let marked = differs.wrapping_sub(splat(1)) & !differs & splat(0x80);
        if marked != 0 {
            return Some(at + marked.trailing_zeros() as usize / 8);
        }
        at += WORD;
    }
    far_quote(text, at)
}

/// Finds the first quote of a long text, from `at` on.
#[cold]
fn far_quote(text: &[u8], at: usize) -> Option<usize> {
    memchr::memchr(b'"', text.get(at..)?).map(|behind| at + behind)
}

/// Returns what is behind `start` in a text that starts so. Keys are short: a call of the library's comparison would
/// take longer than comparing.
#[inline]
fn behind<'l>(text: &'l [u8], start: &[u8]) -> Option<&'l [u8]> {
    let (here, behind) = text.split_at_checked(start.len())?;
    let is_equal = match (here.last_chunk::<WORD>(), start.last_chunk::<WORD>()) {
        // The last word lies over the one before it.
        (Some(last), Some(known)) => {
            let words = here.as_chunks::<WORD>().0.iter().zip(start.as_chunks::<WORD>().0);
            last == known && words.into_iter().all(|(word, known)| word == known)
        }
        _ => match (here.split_first_chunk::<8>(), start.split_first_chunk::<8>()) {
            (Some((first, _)), Some((known, _))) => {
                first == known && here.last_chunk::<8>() == start.last_chunk::<8>()
            }
            _ => here == start,
        },
    };
    is_equal.then_some(behind)
}

/// What a key is found to be; `None` where its value is not visited.
type Found<K> = Option<K>;

struct Scanner<'l> {
    text: &'l str,
    /// What is not read yet.
    rest: &'l [u8],
}

impl<'l> Scanner<'l> {
    /// A scanner of a line that may be plain.
    fn of(line: &'l str) -> Option<Self> {
        let bytes = line.as_bytes();
        // The least byte without an early end, so that many are compared at a time.
        let is_odd = bytes.iter().copied().fold(u8::MAX, u8::min) < b' '
            || memchr::memchr(b'\\', bytes).is_some();
        (!is_odd).then_some(Scanner { text: line, rest: bytes })
    }

    /// Reads all of the line as one object.
    fn whole<K>(
        mut self,
        key: impl FnMut(&mut Self) -> Option<Found<K>>,
        visit: &mut impl FnMut(K, &'l str),
    ) -> Option<()> {
        self.object(0, key, visit)?;
        self.rest.is_empty().then_some(())
    }

    /// How many bytes are read.
    fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// The only white space without control characters is the blank.
    fn blanks(&mut self) {
        while let [b' ', behind @ ..] = self.rest {
            self.rest = behind;
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, behind) = self.rest.split_first()?;
        self.rest = behind;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Reads a string behind its first quote.
    #[inline]
    fn string(&mut self) -> Option<()> {
        let end = place_of_quote(self.rest)?;
        self.rest = self.rest.get(end + 1..)?;
        Some(())
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<&'l str> {
        self.blanks();
        self.expect(b'"')?;
        let start = self.at();
        self.string()?;
        let key = self.text.get(start..self.at() - 1)?;
        self.blanks();
        self.expect(b':')?;
        Some(key)
    }

    /// What the key of the entry `idx` is found to be.
    fn known_key<P: Copy>(
        &mut self,
        shape: &mut Shape<P>,
        idx: usize,
        find: &impl Fn(&str) -> Option<P>,
    ) -> Option<Found<P>> {
        if let Some((written, found)) = shape.keys.get(idx)
            && let Some(behind) = behind(self.rest, written.as_bytes())
        {
            self.rest = behind;
            return Some(*found);
        }
        let start = self.at();
        let found = find(self.key()?);
        shape.learn(idx, self.text.get(start..self.at())?, found);
        Some(found)
    }

    /// Reads an object: `key` reads each key and what is behind it, up to the value, and returns what to visit the
    /// value with, if that is to be visited.
    fn object<K>(
        &mut self,
        depth: usize,
        mut key: impl FnMut(&mut Self) -> Option<Found<K>>,
        visit: &mut impl FnMut(K, &'l str),
    ) -> Option<()> {
        self.expect(b'{')?;
        self.blanks();
        if let [b'}', behind @ ..] = self.rest {
            self.rest = behind;
            return Some(());
        }
        loop {
            let key = key(self)?;
            self.blanks();
            let start = self.at();
            // Most values are strings.
            match self.rest {
                [b'"', behind @ ..] => {
                    self.rest = behind;
                    self.string()?;
                }
                _ => self.value(depth)?,
            }
            if let Some(key) = key {
                visit(key, self.text.get(start..self.at())?);
            }
            self.blanks();
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest {
            [b'"', behind @ ..] => {
                self.rest = behind;
                self.string()
            }
            [b'n', b'u', b'l', b'l', behind @ ..] => {
                self.rest = behind;
                Some(())
            }
            [b'{' | b'[' | b't' | b'f', ..] => self.rare(depth),
            _ => self.number(),
        }
    }

    /// Reads a value of a kind that few lines of logs have.
    fn rare(&mut self, depth: usize) -> Option<()> {
        match self.rest {
            [b'{', ..] if depth < MAX_DEPTH => {
                let key = |scanner: &mut Self| scanner.key().map(|_| None::<()>);
                self.object(depth + 1, key, &mut |(), _| {})
            }
            [b'[', ..] if depth < MAX_DEPTH => self.list(depth + 1),
            [b't', b'r', b'u', b'e', behind @ ..] | [b'f', b'a', b'l', b's', b'e', behind @ ..] => {
                self.rest = behind;
                Some(())
            }
            _ => None,
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        self.blanks();
        if let [b']', behind @ ..] = self.rest {
            self.rest = behind;
            return Some(());
        }
        loop {
            self.blanks();
            self.value(depth)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        if let [b'-', behind @ ..] = self.rest {
            self.rest = behind;
        }
        match self.rest {
            [b'0', behind @ ..] => self.rest = behind,
            _ => self.digits()?,
        }
        if let [b'.', behind @ ..] = self.rest {
            self.rest = behind;
            self.digits()?;
        }
        if let [b'e' | b'E', behind @ ..] = self.rest {
            self.rest = behind;
            if let [b'+' | b'-', behind @ ..] = self.rest {
                self.rest = behind;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let n_before = self.rest.len();
        while let [b'0'..=b'9', behind @ ..] = self.rest {
            self.rest = behind;
        }
        (self.rest.len() < n_before).then_some(())
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
        let long = "ä".repeat(200);
        let long = format!(r#"{{"a":"{long}","{long}":"b"}}"#);
        for (line, is_plain) in [
            (long.as_str(), true),
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
                let is_plain = object(&line, |key, raw| alone.extend(hash(key).map(|hash| (hash, raw))));
                let is_plain_after =
                    object_like(&line, &mut shape, hash, |key, raw| after.push((key, raw)));
                prop_assert_eq!(is_plain_after, is_plain, "{}", &line);
                prop_assert_eq!(after, alone, "{}", &line);
            }
        }
    }

    /// A number for most keys.
    fn hash(key: &str) -> Option<u64> {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        (key != "a").then(|| BuildHasherDefault::<DefaultHasher>::new().hash_one(key))
    }
}
