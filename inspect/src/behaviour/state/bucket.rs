//! A bucket: a few entries of one kind, as the bytes that workers share.
//!
//! Each entry starts with its version, a byte that is 1 if it is established, its key and the time of its last
//! change. An entry of another version is empty, and so are bytes that are no entry: its place is used again.

use std::marker::PhantomData;

use super::bytes::Reader;
use super::{SLACK_SECONDS, WINDOW_SECONDS};

/// An entry of fixed size.
pub trait Entry: Sized {
    /// The layout; an entry of another one is empty.
    const VERSION: u8;
    /// Bytes of an entry, its head included.
    const BYTES: usize;
    /// Most entries of one bucket.
    const MOST: usize;

    /// When it was changed last, in seconds since 1970.
    fn last(&self) -> u32;

    /// Returns true if it has lasted: it gives way only after all that have not.
    fn is_established(&self) -> bool;

    /// Reads the bytes behind the head; `None` for values that are never written.
    fn read(bytes: &[u8], last: u32) -> Option<Self>;

    /// Appends the bytes behind the head.
    fn write(&self, out: &mut Vec<u8>);
}

/// Bytes before those that an entry reads and writes itself.
pub(super) const HEAD_BYTES: usize = 14;

/// What became of an entry that was put into a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It has its place.
    Kept,
    /// Another one, which was in use, gave way.
    Evicted,
}

/// The entries of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket<E> {
    bytes: Vec<u8>,
    entries: PhantomData<E>,
}

/// The head of an entry.
struct Head {
    version: u8,
    is_established: bool,
    key: u64,
    last: u32,
}

impl Head {
    fn read(entry: &[u8]) -> Option<Head> {
        let mut reader = Reader(entry);
        Some(Head {
            version: reader.u8()?,
            is_established: reader.u8()? == 1,
            key: reader.u64()?,
            last: reader.u32()?,
        })
    }
}

impl<E: Entry> Bucket<E> {
    /// Reads the output of [`Bucket::into_bytes`], or anything else: what is no entry is dropped.
    pub fn read(mut bytes: Vec<u8>) -> Bucket<E> {
        let n_entries = (bytes.len() / E::BYTES).min(E::MOST);
        bytes.truncate(n_entries * E::BYTES);
        Bucket { bytes, entries: PhantomData }
    }

    /// Returns the bytes, at most [`Entry::MOST`] times [`Entry::BYTES`].
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the entry of a key.
    pub fn find(&self, key: u64) -> Option<E> {
        let is_wanted = |head: &Head| head.version == E::VERSION && head.key == key;
        let entry = self.entries().find(|entry| Head::read(entry).as_ref().is_some_and(is_wanted));
        let entry = entry?;
        E::read(entry.get(HEAD_BYTES..)?, Head::read(entry)?.last)
    }

    /// Puts an entry in the place of its key, in a free one, or in that of an entry that gives way: first one
    /// that is past two windows or in the future (the clock was set back), then the least recently used of
    /// those that are not established, then the least recently used.
    pub fn put(&mut self, key: u64, entry: &E, now: u32) -> Put {
        let mut new = Vec::with_capacity(E::BYTES);
        new.extend([E::VERSION, u8::from(entry.is_established())]);
        new.extend(key.to_le_bytes());
        new.extend(entry.last().to_le_bytes());
        entry.write(&mut new);
        debug_assert_eq!(new.len(), E::BYTES);
        let mut place = None;
        for (idx, known) in self.entries().enumerate() {
            let Some(head) = Head::read(known) else { continue };
            let rank = match head.version == E::VERSION {
                true if head.key == key => Rank::Own,
                false => Rank::Free,
                true if is_over(head.last, now) => Rank::Over,
                true => Rank::InUse(head.is_established, head.last),
            };
            if place.as_ref().is_none_or(|(best, _)| rank < *best) {
                place = Some((rank, idx));
            }
        }
        let has_room = self.bytes.len() < E::MOST * E::BYTES;
        match place {
            Some((rank @ (Rank::Own | Rank::Free), idx)) => {
                self.replace(idx, &new);
                debug_assert!(rank <= Rank::Free);
                Put::Kept
            }
            _ if has_room => {
                self.bytes.extend(new);
                Put::Kept
            }
            Some((rank, idx)) => {
                self.replace(idx, &new);
                if rank == Rank::Over { Put::Kept } else { Put::Evicted }
            }
            None => Put::Kept,
        }
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(E::BYTES)
    }

    fn replace(&mut self, idx: usize, new: &[u8]) {
        let start = idx * E::BYTES;
        if let Some(place) = self.bytes.get_mut(start..start + E::BYTES)
            && place.len() == new.len()
        {
            place.copy_from_slice(new);
        }
    }
}

/// In which order places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Own,
    Free,
    Over,
    InUse(bool, u32),
}

/// Returns true if an entry's last change is past two windows, or in the future.
pub(super) fn is_over(last: u32, now: u32) -> bool {
    last > now.saturating_add(SLACK_SECONDS) || now.saturating_sub(last) > 2 * WINDOW_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time, and whether it lasts.
    #[derive(Clone, Debug, PartialEq)]
    struct Note(u32, bool, u8);

    impl Entry for Note {
        const VERSION: u8 = 7;
        const BYTES: usize = HEAD_BYTES + 1;
        const MOST: usize = 3;

        fn last(&self) -> u32 {
            self.0
        }

        fn is_established(&self) -> bool {
            self.1
        }

        fn read(bytes: &[u8], last: u32) -> Option<Self> {
            let value = *bytes.first()?;
            (value < 200).then_some(Note(last, false, value))
        }

        fn write(&self, out: &mut Vec<u8>) {
            out.push(self.2);
        }
    }

    fn values(bucket: &Bucket<Note>, keys: std::ops::RangeInclusive<u64>) -> Vec<Option<u8>> {
        keys.map(|key| bucket.find(key).map(|Note(_, _, value)| value)).collect()
    }

    #[test]
    fn the_least_recently_used_gives_way_and_those_that_last_go_last() {
        let now = 1_790_000_000;
        let mut bucket = Bucket::read(Vec::new());
        assert_eq!(bucket.put(1, &Note(now, true, 1), now), Put::Kept);
        assert_eq!(bucket.put(2, &Note(now + 20, false, 2), now + 20), Put::Kept);
        assert_eq!(bucket.put(3, &Note(now + 10, false, 3), now + 20), Put::Kept);
        assert_eq!(bucket.put(2, &Note(now + 30, false, 22), now + 30), Put::Kept, "its own place");
        assert_eq!(bucket.put(4, &Note(now + 31, false, 4), now + 31), Put::Evicted);
        assert_eq!(values(&bucket, 1..=4), [Some(1), Some(22), None, Some(4)]);
        let later = now + 3 * WINDOW_SECONDS;
        assert_eq!(bucket.put(5, &Note(later, false, 5), later), Put::Kept, "1 was over");
        assert_eq!(values(&bucket, 1..=5), [None, Some(22), None, Some(4), Some(5)]);
        assert_eq!(bucket.clone().into_bytes().len(), 3 * Note::BYTES);
    }

    #[test]
    fn an_entry_from_the_future_gives_way_first() {
        let now = 1_790_000_000;
        let mut bucket = Bucket::read(Vec::new());
        for (key, last) in [(1, now + 100_000), (2, now), (3, now)] {
            bucket.put(key, &Note(last, true, 1), last);
        }
        assert_eq!(bucket.put(4, &Note(now, false, 4), now), Put::Kept);
        assert_eq!(values(&bucket, 1..=4), [None, Some(1), Some(1), Some(4)]);
    }

    #[test]
    fn what_is_no_entry_is_empty() {
        let now = 1_790_000_000;
        let mut bucket = Bucket::read(Vec::new());
        bucket.put(1, &Note(now, true, 1), now);
        bucket.put(2, &Note(now, true, 2), now);
        let bytes = bucket.clone().into_bytes();
        // Cut, another version, an impossible value, too many, and nothing like it.
        for length in 0..bytes.len() {
            let cut = Bucket::<Note>::read(bytes[..length].to_vec());
            assert_eq!(cut.find(2), None, "{length}");
        }
        let mut other = bytes.clone();
        other[0] = 8;
        let mut other = Bucket::<Note>::read(other);
        assert_eq!(values(&other, 1..=2), [None, Some(2)]);
        assert_eq!(other.put(3, &Note(now, false, 3), now), Put::Kept, "its place is free");
        assert_eq!(other.clone().into_bytes().len(), bytes.len());
        let mut wrong = bytes.clone();
        wrong[HEAD_BYTES] = 201;
        assert_eq!(values(&Bucket::read(wrong), 1..=2), [None, Some(2)]);
        assert_eq!(Bucket::<Note>::read(bytes.repeat(9)).into_bytes().len(), 3 * Note::BYTES);
        assert_eq!(Bucket::<Note>::read(vec![0xff; 99]).find(u64::MAX), None);
    }
}
