//! Requests that are kept until the logs have ended: in memory up to a bound, then in a file that the caller gives.

use std::fmt::Debug;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::stored_request::StoredRequest;
use crate::limits::MAX_KEPT_REQUEST_BYTES;

/// What a report may write to, and read again: a file of its own that nobody else uses.
pub trait Spill: Read + Write + Seek + Debug {}

impl<T: Read + Write + Seek + Debug> Spill for T {}

/// Where a request is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stored(u64);

/// A request with its place in the logs.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) file: usize,
    /// The line in the log, from 1.
    pub(crate) line: u64,
    pub(crate) time_ms: Option<i64>,
    pub(crate) request: StoredRequest,
}

/// Requests in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct RequestStore {
    spill: Option<Box<dyn Spill>>,
    /// How many bytes are in the file.
    n_spilled: u64,
    /// Whether no more can be written to it.
    is_full: bool,
    /// What follows them.
    tail: Vec<u8>,
}

impl RequestStore {
    /// Sets where requests go that are too many to be kept in memory.
    pub(crate) fn spill_to(&mut self, spill: Box<dyn Spill>) {
        self.spill = Some(spill);
    }

    /// Keeps a request.
    pub(crate) fn put(&mut self, kept: &Kept) -> Stored {
        if self.tail.len() >= MAX_KEPT_REQUEST_BYTES
            && !self.is_full
            && let Some(spill) = &mut self.spill
        {
            let written = spill.seek(SeekFrom::Start(self.n_spilled));
            match written.and_then(|_| spill.write_all(&self.tail)) {
                Ok(()) => {
                    self.n_spilled += self.tail.len() as u64;
                    self.tail.clear();
                }
                // Where there is no room, memory has to do: what is in the file already stays readable.
                Err(_) => self.is_full = true,
            }
        }
        let stored = Stored(self.n_spilled + self.tail.len() as u64);
        let head = self.tail.len();
        self.tail.extend_from_slice(&[0; N_HEAD]);
        for number in [kept.file as u64, kept.line] {
            self.tail.extend_from_slice(&number.to_le_bytes());
        }
        self.tail.push(u8::from(kept.time_ms.is_some()));
        self.tail.extend_from_slice(&kept.time_ms.unwrap_or_default().to_le_bytes());
        kept.request.write(&mut self.tail);
        let n_bytes = u32::try_from(self.tail.len() - head - N_HEAD).unwrap_or(u32::MAX);
        if let Some(place) = self.tail.get_mut(head..head + N_HEAD) {
            place.copy_from_slice(&n_bytes.to_le_bytes());
        }
        stored
    }

    /// Returns a request that was kept.
    ///
    /// # Errors
    /// The file cannot be read, or is not what was written.
    pub(crate) fn get(&mut self, stored: Stored) -> io::Result<Kept> {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        if let Some(at) = stored.0.checked_sub(self.n_spilled) {
            let at = usize::try_from(at).map_err(io::Error::other)?;
            return read(self.tail.get(at..).ok_or_else(cut)?).ok_or_else(cut);
        }
        let spill = self.spill.as_mut().ok_or_else(cut)?;
        spill.seek(SeekFrom::Start(stored.0))?;
        let mut head = [0; N_HEAD];
        spill.read_exact(&mut head)?;
        let n_bytes = u32::from_le_bytes(head);
        let mut bytes = head.to_vec();
        spill.take(n_bytes.into()).read_to_end(&mut bytes)?;
        read(&bytes).ok_or_else(cut)
    }
}

/// The bytes of the length of an entry.
const N_HEAD: usize = 4;

/// Reads what [`RequestStore::put`] wrote.
fn read(bytes: &[u8]) -> Option<Kept> {
    let (head, bytes) = bytes.split_first_chunk::<N_HEAD>()?;
    let mut bytes = bytes.get(..u32::from_le_bytes(*head) as usize)?;
    let mut number = || {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        bytes = rest;
        Some(u64::from_le_bytes(*number))
    };
    let (file, line) = (number()?, number()?);
    let (has_time, bytes) = bytes.split_first()?;
    let (time_ms, bytes) = bytes.split_first_chunk::<8>()?;
    Some(Kept {
        file: usize::try_from(file).ok()?,
        line,
        time_ms: (*has_time == 1).then(|| i64::from_le_bytes(*time_ms)),
        request: StoredRequest::read(bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use inspect::{Request, Source};

    use super::*;

    fn kept(number: u64) -> Kept {
        let path = format!("/{number}{}", "x".repeat(500));
        let request = Request {
            method: b"GET",
            authority: b"a.example",
            path: Some(path.as_bytes()),
            ..Request::default()
        };
        let request = StoredRequest::new(&request, Source::default());
        Kept {
            file: 1,
            line: number,
            time_ms: Some(-5).filter(|_| number.is_multiple_of(2)),
            request,
        }
    }

    /// A file with room for so many bytes.
    #[derive(Debug)]
    struct Small(io::Cursor<Vec<u8>>, usize);

    impl Read for Small {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0.read(room)
        }
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.position() as usize + bytes.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn requests_come_back_from_memory_and_from_a_file() {
        let n_requests = 3 * MAX_KEPT_REQUEST_BYTES as u64 / 512;
        for room in [0, MAX_KEPT_REQUEST_BYTES * 3 / 2, usize::MAX] {
            let mut store = RequestStore::default();
            store.spill_to(Box::new(Small(io::Cursor::default(), room)));
            let stored: Vec<Stored> = (0..n_requests).map(|of| store.put(&kept(of))).collect();
            assert_eq!(store.n_spilled > 0, room > 0);
            assert_eq!(room == usize::MAX, store.tail.len() <= 2 * MAX_KEPT_REQUEST_BYTES);
            for (number, stored) in (0..).zip(&stored).step_by(997) {
                let found = store.get(*stored).unwrap();
                assert_eq!(format!("{found:?}"), format!("{:?}", kept(number)), "{room}");
            }
            assert!(store.get(Stored(u64::MAX / 2)).is_err());
        }
    }
}
