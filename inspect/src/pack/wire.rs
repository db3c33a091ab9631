//! How tables are laid out in bytes.

/// A type with one layout in a pack.
pub(super) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    /// `None` where the bytes end too soon or are not such a value.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// What is left of the bytes.
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(super) fn skip(&mut self, n_bytes: usize) {
        self.rest = self.rest.get(n_bytes..).unwrap_or_default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, n_bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n_bytes)?;
        self.rest = rest;
        Some(taken)
    }

    /// The length of a list whose elements take at least `n_bytes` each.
    /// A length that cannot be there is refused before anything is allocated for it.
    fn n_elements(&mut self, n_bytes: usize) -> Option<usize> {
        let n_elements = u32::read(self)? as usize;
        (n_elements.checked_mul(n_bytes)? <= self.rest.len()).then_some(n_elements)
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Wire for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                let bytes = reader.take(size_of::<$number>())?;
                bytes.try_into().ok().map(<$number>::from_le_bytes)
            }
        }

        impl Wire for Vec<$number> {
            fn write(&self, out: &mut Vec<u8>) {
                u32::try_from(self.len()).unwrap_or(u32::MAX).write(out);
                for number in self {
                    number.write(out);
                }
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                const WIDTH: usize = size_of::<$number>();
                let n_elements = reader.n_elements(WIDTH)?;
                let bytes = reader.take(n_elements * WIDTH)?;
                let (elements, _) = bytes.as_chunks::<WIDTH>();
                Some(elements.iter().map(|element| <$number>::from_le_bytes(*element)).collect())
            }
        }
    )+};
}

numbers!(u8, u16, u32, u64, u128);

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
        u32::try_from(self.len()).unwrap_or(u32::MAX).write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        String::from_utf8(Vec::read(reader)?).ok()
    }
}

/// Writes and reads a list whose elements take at least one byte each.
pub(super) fn write_list<T: Wire>(list: &[T], out: &mut Vec<u8>) {
    u32::try_from(list.len()).unwrap_or(u32::MAX).write(out);
    for element in list {
        element.write(out);
    }
}

pub(super) fn read_list<T: Wire>(reader: &mut Reader<'_>) -> Option<Vec<T>> {
    let n_elements = reader.n_elements(1)?;
    let mut list = Vec::with_capacity(n_elements.min(1 << 16));
    for _ in 0..n_elements {
        list.push(T::read(reader)?);
    }
    Some(list)
}

/// A struct of wire types, laid out field by field.
macro_rules! wire {
    ($($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)+
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                Some($name { $($field: Wire::read(reader)?,)+ })
            }
        }

        impl Wire for Vec<$name> {
            fn write(&self, out: &mut Vec<u8>) {
                $crate::pack::wire::write_list(self, out);
            }

            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $crate::pack::wire::read_list(reader)
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

pub(super) use {wire, wire_enum};
