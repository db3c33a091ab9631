//! The open connections of the page's server, so that slow ones make room for new ones.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most connections at a time: a new one closes the oldest.
pub(super) const MAX_CONNECTIONS: usize = 32;

/// The open connections by their number, which grows with time.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    streams: BTreeMap<u64, TcpStream>,
}

impl Connections {
    /// Adds a connection and returns its number. If there are too many, the oldest is closed: a browser
    /// that still wants something opens another one.
    pub(super) fn add(&self, stream: &TcpStream) -> io::Result<u64> {
        let stream = stream.try_clone()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.streams.len() >= MAX_CONNECTIONS
            && let Some((_, oldest)) = open.streams.pop_first()
        {
            // A connection that the other side has closed already cannot be shut down, and need not be.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, stream);
        Ok(number)
    }

    /// Removes a connection that has ended.
    pub(super) fn remove(&self, number: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).streams.remove(&number);
    }
}

/// A connection with one deadline for all that is read or written, however slowly the bytes come.
#[derive(Debug)]
pub(super) struct Deadline<'s> {
    stream: &'s TcpStream,
    until: Instant,
}

#[expect(clippy::disallowed_methods, reason = "the deadline of a connection is real time")]
impl<'s> Deadline<'s> {
    /// Sets the deadline to a time from now.
    pub(super) fn new(stream: &'s TcpStream, within: Duration) -> Deadline<'s> {
        Deadline { stream, until: Instant::now() + within }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Deadline<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(bytes)
    }
}

impl Write for Deadline<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
