//! Reads a `google.protobuf.Struct`, which Envoy passes on serialised and not as JSON.
//!
//! Envoy unwraps `StringValue` and `BytesValue` and passes every other message on as it is. Control
//! planes write settings as a `Struct`, so the two levels that a flat object needs are read here:
//!
//! ```text
//! Struct { 1: repeated Entry }    Entry { 1: key, 2: Value }    Value { 3: string_value, ... }
//! ```
//!
//! Own code, as it is two nested loops: 2.4 kB, where `prost` with `prost-types` takes 13.6 kB
//! (wasm32-wasip1, `opt-level = "s"`, fat LTO) and copies the pack.

/// A key and its value: `None` for anything but a string, as a number, a list, null.
type Entry<'s> = (&'s str, Option<&'s str>);

/// Reads the keys and values of a `Struct`; `None` if the bytes are not one.
pub(crate) fn read(bytes: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    let mut message = Message { rest: bytes };
    while let Some(field) = message.field()? {
        let Field::Bytes(1, entry) = field else { return None };
        entries.push(read_entry(entry)?);
    }
    Some(entries)
}

fn read_entry(entry: &[u8]) -> Option<Entry<'_>> {
    let (mut key, mut value) = ("", None);
    let mut message = Message { rest: entry };
    while let Some(field) = message.field()? {
        match field {
            Field::Bytes(1, text) => key = str::from_utf8(text).ok()?,
            Field::Bytes(2, bytes) => value = read_value(bytes)?,
            Field::Bytes(..) | Field::Scalar => return None,
        }
    }
    Some((key, value))
}

#[expect(clippy::option_option, reason = "no message at all, and a message without a string")]
fn read_value(bytes: &[u8]) -> Option<Option<&str>> {
    let mut value = None;
    let mut message = Message { rest: bytes };
    while let Some(field) = message.field()? {
        value = match field {
            Field::Bytes(3, text) => Some(str::from_utf8(text).ok()?),
            Field::Bytes(..) | Field::Scalar => None,
        };
    }
    Some(value)
}

/// A field of a message.
enum Field<'m> {
    /// Its number and its bytes.
    Bytes(u64, &'m [u8]),
    /// A number.
    Scalar,
}

/// The rest of a message.
struct Message<'m> {
    rest: &'m [u8],
}

impl<'m> Message<'m> {
    /// Reads the next field: `Some(None)` at the end, `None` if the bytes are not a message.
    #[expect(
        clippy::option_option,
        reason = "the end and an error differ, and `?` passes on the error"
    )]
    fn field(&mut self) -> Option<Option<Field<'m>>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => {
                self.varint()?;
                Field::Scalar
            }
            1 => {
                self.take(8)?;
                Field::Scalar
            }
            2 => {
                let n_bytes = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(tag >> 3, self.take(n_bytes)?)
            }
            _ => return None,
        };
        Some(Some(field))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, n_bytes: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n_bytes)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Returns the bytes of a `Struct` with these strings.
#[cfg(test)]
pub(crate) fn serialised(entries: &[(&str, &str)]) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2];
        let mut n_bytes = bytes.len();
        while n_bytes >= 0x80 {
            field.push(u8::try_from(n_bytes & 0x7f).unwrap() | 0x80);
            n_bytes >>= 7;
        }
        field.push(u8::try_from(n_bytes).unwrap());
        field.extend(bytes);
        field
    };
    let entry = |(key, value): &(&str, &str)| {
        let value = field(2, &field(3, value.as_bytes()));
        field(1, &[field(1, key.as_bytes()), value].concat())
    };
    entries.iter().flat_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read() {
        let long = "x".repeat(300);
        let bytes = serialised(&[("mode", "enforce"), ("pack", &long), ("", "")]);
        let expect = vec![("mode", Some("enforce")), ("pack", Some(long.as_str())), ("", Some(""))];
        assert_eq!(read(&bytes), Some(expect));
        assert_eq!(read(b""), Some(Vec::new()));
    }

    #[test]
    fn values_other_than_strings_are_none() {
        for (value, what) in [
            (&b"\x08\x00"[..], "null"),
            (b"\x11\x00\x00\x00\x00\x00\x00\xf0\x3f", "a number"),
            (b"\x20\x01", "a bool"),
            (b"\x2a\x00", "a struct"),
            (b"", "nothing"),
        ] {
            let n_value = u8::try_from(value.len()).unwrap();
            let entry = [b"\x0a\x01k\x12", &[n_value][..], value].concat();
            let bytes = [&[0x0a, u8::try_from(entry.len()).unwrap()][..], &entry].concat();
            assert_eq!(read(&bytes), Some(vec![("k", None)]), "{what}");
        }
    }

    #[test]
    fn other_bytes_are_not_a_struct() {
        let bytes = serialised(&[("mode", "enforce")]);
        for n_bytes in 1..bytes.len() {
            assert_eq!(read(&bytes[..n_bytes]), None, "{n_bytes} bytes");
        }
        for bytes in
            [&b"\n{\"pack\": \"\"}"[..], b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"{}"]
        {
            assert_eq!(read(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
