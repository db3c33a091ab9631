//! How tables are laid out in bytes.
//!
//! Most numbers are small or near the one before: they take as few bytes as they need ([`Reader::number`]),
//! and rows of a table are laid out by what differs from the row before ([`Row`]). Every value has one
//! layout, so the same tables have the same bytes, and reading is linear in the bytes.

/// A type with one layout in a pack.
pub(super) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    /// `None` where the bytes end too soon or are not such a value.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Adds the bytes that each part takes, by the part's name below `name`.
    fn sizes(&self, name: &str, sizes: &mut Vec<(String, usize)>) {
        let mut out = Vec::new();
        self.write(&mut out);
        sizes.push((name.to_owned(), out.len()));
    }
}

/// A row of a table, laid out by what differs from the row before it.
pub(super) trait Row: Sized {
    fn write_row(&self, before: Option<&Self>, out: &mut Vec<u8>);
    fn read_row(before: Option<&Self>, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A number of 32 bits, or what is one: an index.
pub(super) trait Number: Copy {
    fn to_number(self) -> u32;
    fn from_number(number: u32) -> Self;
}

impl Number for u32 {
    fn to_number(self) -> u32 {
        self
    }

    fn from_number(number: u32) -> Self {
        number
    }
}

/// What is left of the bytes.
pub(super) struct Reader<'b> {
    rest: &'b [u8],
    /// The bytes that tables may still take beyond those that they are read from.
    room: usize,
}

impl<'b> Reader<'b> {
    /// `room` is how many bytes the tables may take beyond those that they are read from.
    pub(super) fn new(bytes: &'b [u8], room: usize) -> Self {
        Reader { rest: bytes, room }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, n_bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n_bytes)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next bytes, which stay; `None` if there are fewer.
    #[inline]
    pub(super) fn peek_chunk<const N: usize>(&self) -> Option<&'b [u8; N]> {
        self.rest.first_chunk()
    }

    /// Takes room for a table that is larger than the bytes that describe it.
    pub(super) fn take_room(&mut self, n_bytes: usize) -> Option<()> {
        self.room = self.room.checked_sub(n_bytes)?;
        Some(())
    }

    /// A number: seven bits a byte, the lowest first, the highest bit set where another byte follows. No
    /// number has more bytes than it needs.
    #[expect(clippy::inline_always, reason = "a pack has 150,000 numbers, most of one byte or two")]
    #[inline(always)]
    pub(super) fn number(&mut self) -> Option<u64> {
        match *self.rest {
            [first @ 0..0x80, ref rest @ ..] => {
                self.rest = rest;
                Some(u64::from(first))
            }
            [first, second @ 1..0x80, ref rest @ ..] => {
                self.rest = rest;
                Some(u64::from(first & 0x7F) | u64::from(second) << 7)
            }
            _ => self.long_number(),
        }
    }

    #[inline(never)]
    fn long_number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = u8::read(self)?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return (byte != 0).then_some(number);
            }
        }
        None
    }

    /// A number near `before`.
    pub(super) fn near<T: Number>(&mut self, before: Option<T>) -> Option<T> {
        let before = before.map_or(0, Number::to_number);
        Some(T::from_number(moved(before, u32::read(self)?)))
    }

    /// A range that starts where the one before ended, or says where.
    pub(super) fn range(&mut self, before_end: u32) -> Option<(u32, u32)> {
        let code = self.number()?;
        let start = if code & 1 == 0 { before_end } else { self.near(Some(before_end))? };
        if code & 1 == 1 && start == before_end {
            return None;
        }
        let n_elements = u32::try_from(code >> 1).ok()?;
        Some((start, start.wrapping_add(n_elements)))
    }

    /// Operations of programs, whose kind is in the top four bits.
    pub(super) fn operations(&mut self) -> Option<Vec<u32>> {
        (0..self.n_elements()?).map(|_| Some(u32::read(self)?.rotate_right(4))).collect()
    }

    /// The length of a list whose elements take at least one byte each.
    /// A length that cannot be there is refused before anything is allocated for it.
    pub(super) fn n_elements(&mut self) -> Option<usize> {
        let n_elements = u32::read(self)? as usize;
        (n_elements <= self.rest.len()).then_some(n_elements)
    }
}

/// The name of a part of what is called `name`.
pub(super) fn path(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

/// Writes what [`Reader::number`] reads.
pub(super) fn write_number(number: impl Into<u64>, out: &mut Vec<u8>) {
    let mut rest = number.into();
    loop {
        let bits = rest.to_le_bytes().first().map_or(0, |byte| byte & 0x7F);
        rest >>= 7;
        if rest == 0 {
            return out.push(bits);
        }
        out.push(bits | 0x80);
    }
}

/// Writes what [`Reader::near`] reads.
pub(super) fn write_near<T: Number>(number: T, before: Option<T>, out: &mut Vec<u8>) {
    write_number(difference(number.to_number(), before.map_or(0, Number::to_number)), out);
}

/// How far `number` is from `from`, its sign in the lowest bit.
pub(super) fn difference(number: u32, from: u32) -> u32 {
    let difference = number.wrapping_sub(from);
    difference << 1 ^ (difference >> 31).wrapping_neg()
}

/// The number at a [`difference`] from `from`.
pub(super) fn moved(from: u32, difference: u32) -> u32 {
    from.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}

/// Writes what [`Reader::range`] reads.
pub(super) fn write_range(start: u32, end: u32, before_end: u32, out: &mut Vec<u8>) {
    let n_elements = u64::from(end.wrapping_sub(start));
    write_number(n_elements << 1 | u64::from(start != before_end), out);
    if start != before_end {
        write_near(start, Some(before_end), out);
    }
}

/// Writes what [`Reader::operations`] reads.
pub(super) fn write_operations(code: &[u32], out: &mut Vec<u8>) {
    write_length(code.len(), out);
    for word in code {
        word.rotate_left(4).write(out);
    }
}

/// Writes the length of a list.
pub(super) fn write_length(n_elements: usize, out: &mut Vec<u8>) {
    write_number(u32::try_from(n_elements).unwrap_or(u32::MAX), out);
}

impl Wire for u8 {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.take(1)?.first().copied()
    }
}

impl Wire for Vec<u8> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        out.extend_from_slice(self);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let n_bytes = reader.n_elements()?;
        Some(reader.take(n_bytes)?.to_vec())
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Wire for $number {
            fn write(&self, out: &mut Vec<u8>) {
                write_number(*self, out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                reader.number()?.try_into().ok()
            }
        }
    )+};
}

numbers!(u16, u32);

/// The upper half, then the lower one.
impl Wire for u128 {
    fn write(&self, out: &mut Vec<u8>) {
        let (low, high) = (self & u128::from(u64::MAX), self >> 64);
        for half in [high, low] {
            write_number(u64::try_from(half).unwrap_or(u64::MAX), out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(u128::from(reader.number()?) << 64 | u128::from(reader.number()?))
    }
}

impl Wire for Vec<u16> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        for number in self {
            number.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        (0..reader.n_elements()?).map(|_| u16::read(reader)).collect()
    }
}

/// Numbers that are as long as they may be: hashes, and floats as bits.
impl Wire for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.take(size_of::<u64>())?.try_into().ok().map(u64::from_le_bytes)
    }
}

impl Wire for Vec<u64> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        for number in self {
            number.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        (0..reader.n_elements()?).map(|_| u64::read(reader)).collect()
    }
}

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    /// One byte, 0 or 1; `None` for any other, so that a table has one encoding.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        match u8::read(reader)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        String::from_utf8(Vec::read(reader)?).ok()
    }
}

impl<T: Number> Row for T {
    fn write_row(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        write_near(*self, before.copied(), out);
    }

    fn read_row(before: Option<&Self>, reader: &mut Reader<'_>) -> Option<Self> {
        reader.near(before.copied())
    }
}

impl<T: Row> Wire for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        let mut before = None;
        for row in self {
            row.write_row(before, out);
            before = Some(row);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let n_rows = reader.n_elements()?;
        reader.take_room(n_rows.checked_mul(size_of::<T>())?)?;
        let mut rows: Vec<T> = Vec::with_capacity(n_rows);
        for _ in 0..n_rows {
            let row = T::read_row(rows.last(), reader)?;
            rows.push(row);
        }
        Some(rows)
    }
}

/// A struct of wire types, laid out field by field. What follows `=>` says how a field of a row is laid out:
/// `near` by its difference from the row before, `row` as a row itself, `start` and `end(start)` as the two
/// ends of one range.
macro_rules! wire {
    ($($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* pub $field:ident: $type:ty $(=> $how:ident $(($other:ident))?)?,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Row for $name {
            fn write_row(&self, before: Option<&Self>, out: &mut Vec<u8>) {
                // Not every table has a column that depends on it.
                let _ = before;
                $($crate::pack::wire::write_field!(self, before, out, $field $($how $($other)?)?);)+
            }

            fn read_row(before: Option<&Self>, reader: &mut Reader<'_>) -> Option<Self> {
                let _ = before;
                $($crate::pack::wire::read_field!(before, reader, $field $($how $($other)?)?);)+
                Some($name { $($field,)+ })
            }
        }

        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.write_row(None, out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                Self::read_row(None, reader)
            }

            fn sizes(&self, name: &str, sizes: &mut Vec<(String, usize)>) {
                $($crate::pack::wire::sizes_of_field!(self, name, sizes, $field $($how $($other)?)?);)+
            }
        }
    )+};
}

macro_rules! write_field {
    ($row:ident, $before:ident, $out:ident, $field:ident) => {
        $crate::pack::wire::Wire::write(&$row.$field, $out)
    };
    ($row:ident, $before:ident, $out:ident, $field:ident near) => {
        $crate::pack::wire::write_near($row.$field, $before.map(|before| before.$field), $out)
    };
    ($row:ident, $before:ident, $out:ident, $field:ident row) => {
        $row.$field.write_row($before.map(|before| &before.$field), $out)
    };
    ($row:ident, $before:ident, $out:ident, $field:ident operations) => {
        $crate::pack::wire::write_operations(&$row.$field, $out)
    };
    ($row:ident, $before:ident, $out:ident, $field:ident start) => {};
    ($row:ident, $before:ident, $out:ident, $field:ident end $start:ident) => {
        $crate::pack::wire::write_range(
            $row.$start,
            $row.$field,
            $before.map_or(0, |before| before.$field),
            $out,
        )
    };
}

macro_rules! read_field {
    ($before:ident, $reader:ident, $field:ident) => {
        let $field = $crate::pack::wire::Wire::read($reader)?;
    };
    ($before:ident, $reader:ident, $field:ident near) => {
        let $field = $reader.near($before.map(|before| before.$field))?;
    };
    ($before:ident, $reader:ident, $field:ident row) => {
        let $field =
            $crate::pack::wire::Row::read_row($before.map(|before| &before.$field), $reader)?;
    };
    ($before:ident, $reader:ident, $field:ident operations) => {
        let $field = $reader.operations()?;
    };
    ($before:ident, $reader:ident, $field:ident start) => {};
    ($before:ident, $reader:ident, $field:ident end $start:ident) => {
        let ($start, $field) = $reader.range($before.map_or(0, |before| before.$field))?;
    };
}

macro_rules! sizes_of_field {
    ($row:ident, $name:ident, $sizes:ident, $field:ident) => {
        let path = $crate::pack::wire::path($name, stringify!($field));
        $crate::pack::wire::Wire::sizes(&$row.$field, &path, $sizes)
    };
    ($row:ident, $name:ident, $sizes:ident, $field:ident operations) => {
        let path = $crate::pack::wire::path($name, stringify!($field));
        let mut out = Vec::new();
        $crate::pack::wire::write_operations(&$row.$field, &mut out);
        $sizes.push((path, out.len()))
    };
    // A column of a row: the list is counted as a whole.
    ($row:ident, $name:ident, $sizes:ident, $field:ident $($how:ident)+) => {
        let _ = ($name, &$sizes);
    };
}

/// What is laid out alike wherever it is in a list.
macro_rules! plain_rows {
    ($($name:ty),+) => {$(
        impl Row for $name {
            fn write_row(&self, _: Option<&Self>, out: &mut Vec<u8>) {
                self.write(out);
            }

            fn read_row(_: Option<&Self>, reader: &mut Reader<'_>) -> Option<Self> {
                Self::read(reader)
            }
        }
    )+};
}

/// A fieldless enum, laid out as one byte.
macro_rules! wire_enum {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant = $number,)+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];
        }

        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                match u8::read(reader)? {
                    $($number => Some($name::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

pub(super) use {plain_rows, read_field, sizes_of_field, wire, wire_enum, write_field};
