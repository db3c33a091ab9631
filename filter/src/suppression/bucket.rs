//! The windows of suppression, as the bytes that workers share.
//!
//! A key belongs to one bucket, and a bucket holds [`MAX_WINDOWS`] of them. The policy for a full one is
//! **earliest end first**: the window that would end first is closed early, so that its count is
//! reported and not lost.

use inspect::pack::Phase;
use inspect::{Action, Operations, Usage, View};

use crate::limits::{MAX_NEW_USES, MAX_SEEN_USES, MAX_WINDOWS};

/// Buckets. Each is one value of the host's shared data.
pub(crate) const N_BUCKETS: u32 = 1024;

/// Most windows that are open at a time.
pub(crate) const MAX_OPEN: usize = N_BUCKETS as usize * MAX_WINDOWS;

/// A time in which at most so many events of one key are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The events that the window is about.
    pub(crate) key: Vec<u8>,
    pub(crate) limit: Limit,
    /// The first event, for the report when the window closes.
    pub(crate) facts: WindowFacts,
    /// When it opened, in seconds since 1970.
    pub(crate) from: u64,
    /// When it closes.
    pub(crate) until: u64,
    /// Events that were written.
    pub(crate) n_written: u32,
    /// Events that were suppressed.
    pub(crate) n_suppressed: u32,
    /// What the requests of suppressed events moved, as far as they are over.
    pub(crate) moved: Moved,
    /// Hashes of the uses that the window's events were about, if another use is no repetition; at most
    /// [`MAX_SEEN_USES`].
    pub(crate) seen: Vec<u64>,
}

/// What requests moved, and how long they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Bytes from clients, of all.
    pub(crate) request_bytes: u64,
    /// Bytes to clients, of all.
    pub(crate) response_bytes: u64,
    /// Seconds that the longest one took.
    pub(crate) seconds: u64,
}

impl Moved {
    fn add(&mut self, other: Moved) {
        self.request_bytes = self.request_bytes.saturating_add(other.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(other.response_bytes);
        self.seconds = self.seconds.max(other.seconds);
    }
}

/// Why events of a window are suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// They repeat an event: `suppress_seconds`.
    Repeat,
    /// They exceed a rate: `events_per_minute`.
    Rate,
}

/// The event that opened a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowFacts {
    /// The rule's id.
    pub(crate) rule: Vec<u8>,
    /// The request's authority.
    pub(crate) host: Vec<u8>,
    /// The source's address, without port; empty if it is not known.
    pub(crate) source_address: Vec<u8>,
    /// The source's identity, if it has one.
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) action: Action,
    /// The policy's knowledge of the use of the service.
    pub(crate) usage: Option<Usage>,
    /// The keyed hash of the tenant.
    pub(crate) tenant: Option<u64>,
    /// What the request does to the service.
    pub(crate) operations: Operations,
    pub(crate) would_deny: bool,
    pub(crate) phase: Phase,
    pub(crate) view: View,
}

/// A window that closed after events were suppressed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosedWindow {
    pub(crate) limit: Limit,
    pub(crate) facts: WindowFacts,
    /// When it opened, in seconds since 1970.
    pub(crate) from: u64,
    pub(crate) n_suppressed: u32,
    pub(crate) moved: Moved,
}

/// A window's answer about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No window is open for it.
    Unknown,
    /// It may be written.
    Write,
    /// It is suppressed, and counted.
    Suppress,
}

/// The windows that share a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    windows: Vec<Window>,
}

/// Returns the bucket of a key, below [`N_BUCKETS`]: FNV-1a. A client that finds keys which collide gets
/// its own windows closed early.
pub(crate) fn bucket_of(key: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = key.iter().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 16)) % N_BUCKETS
}

impl Bucket {
    /// Reads the output of [`Bucket::bytes`]. Reading ends at the first byte that is not part of a
    /// window.
    pub(crate) fn read(bytes: &[u8]) -> Bucket {
        let mut rest = bytes;
        let mut windows = Vec::new();
        while let Some(window) = Window::read(&mut rest) {
            windows.push(window);
        }
        Bucket { windows }
    }

    /// Returns the windows as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.windows.iter().for_each(|window| window.write(&mut bytes));
        bytes
    }

    /// Removes and returns the windows that are over. One that opens in the future is over too: the
    /// clock was set back.
    pub(crate) fn close(&mut self, now: u64) -> Vec<Window> {
        let is_over = |window: &mut Window| !(window.from..window.until).contains(&now);
        self.windows.extract_if(.., is_over).collect()
    }

    /// Answers whether an event may be written, and counts it. What its request moved is added if it is
    /// suppressed.
    ///
    /// A window admits at most `n_most` events, and of uses that it has not seen [`MAX_NEW_USES`] more.
    pub(crate) fn ask(&mut self, key: &[u8], n_most: u32, of: Option<u64>, moved: Moved) -> Answer {
        let Some(window) = self.windows.iter_mut().find(|window| window.key == key) else {
            return Answer::Unknown;
        };
        let unseen = of.filter(|hash| !window.seen.contains(hash));
        let n_new = unseen.map_or(0, |_| MAX_NEW_USES);
        let (count, answer) = if window.n_written < n_most.saturating_add(n_new) {
            window.seen.extend(unseen.filter(|_| window.seen.len() < MAX_SEEN_USES));
            (&mut window.n_written, Answer::Write)
        } else {
            window.moved.add(moved);
            (&mut window.n_suppressed, Answer::Suppress)
        };
        *count = count.saturating_add(1);
        answer
    }

    /// Adds what a request moved whose event was suppressed before; returns false if no window is open
    /// for it.
    pub(crate) fn add(&mut self, key: &[u8], moved: Moved) -> bool {
        let window = self.windows.iter_mut().find(|window| window.key == key);
        let window = window.filter(|window| window.n_suppressed > 0);
        window.map(|window| window.moved.add(moved)).is_some()
    }

    /// Adds a window; if the bucket is full, returns the one that had to go for it.
    pub(crate) fn open(&mut self, window: Window) -> Option<Window> {
        let is_full = self.windows.len() >= MAX_WINDOWS;
        let first = self.windows.iter().enumerate().min_by_key(|(_, window)| window.until);
        let evicted = first.filter(|_| is_full).map(|(idx, _)| idx);
        let evicted = evicted.map(|idx| self.windows.swap_remove(idx));
        self.windows.push(window);
        evicted
    }
}

impl Window {
    /// Returns what there is to report once the window is closed, if events were suppressed in it.
    pub(crate) fn closed(self) -> Option<ClosedWindow> {
        let Window { limit, facts, from, n_suppressed, moved, .. } = self;
        (n_suppressed > 0).then_some(ClosedWindow { limit, facts, from, n_suppressed, moved })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        for number in [self.from, self.until] {
            bytes.extend(number.to_le_bytes());
        }
        let facts = &self.facts;
        for number in [self.n_written, self.n_suppressed, facts.operations.bits()] {
            bytes.extend(number.to_le_bytes());
        }
        let Moved { request_bytes, response_bytes, seconds } = self.moved;
        for number in [request_bytes, response_bytes, seconds] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([
            self.limit.code(),
            facts.action.code(),
            facts.would_deny.code(),
            facts.phase.code(),
            facts.view.code(),
            facts.identity.is_some().code(),
            facts.usage.code(),
            facts.tenant.is_some().code(),
        ]);
        bytes.extend(facts.tenant.unwrap_or_default().to_le_bytes());
        let n_seen = self.seen.len().min(MAX_SEEN_USES);
        bytes.extend(u16::try_from(n_seen).unwrap_or_default().to_le_bytes());
        self.seen.iter().take(n_seen).for_each(|hash| bytes.extend(hash.to_le_bytes()));
        let identity = facts.identity.as_ref().map_or(&[][..], Vec::as_slice);
        for text in [&self.key, &facts.rule, &facts.host, &facts.source_address, identity] {
            // All are made of texts that were cut far below this.
            let text = text.get(..usize::from(u16::MAX)).unwrap_or(text);
            bytes.extend(u16::try_from(text.len()).unwrap_or_default().to_le_bytes());
            bytes.extend(text);
        }
    }

    fn read(rest: &mut &[u8]) -> Option<Window> {
        let from = u64::from_le_bytes(array(rest)?);
        let until = u64::from_le_bytes(array(rest)?);
        let n_written = u32::from_le_bytes(array(rest)?);
        let n_suppressed = u32::from_le_bytes(array(rest)?);
        let operations = Operations::from_bits(u32::from_le_bytes(array(rest)?));
        let moved = Moved {
            request_bytes: u64::from_le_bytes(array(rest)?),
            response_bytes: u64::from_le_bytes(array(rest)?),
            seconds: u64::from_le_bytes(array(rest)?),
        };
        let [limit, action, would_deny, phase, view, is_identified, usage, has_tenant] =
            array(rest)?;
        let tenant = u64::from_le_bytes(array(rest)?);
        let limit = Limit::decode(limit)?;
        let is_identified = bool::decode(is_identified)?;
        let n_seen = u16::from_le_bytes(array(rest)?);
        let seen = (0..n_seen).map(|_| array(rest).map(u64::from_le_bytes));
        let seen = seen.collect::<Option<Vec<u64>>>()?;
        let mut texts: [Vec<u8>; 5] = Default::default();
        for text in &mut texts {
            let length = u16::from_le_bytes(array(rest)?);
            *text = rest.split_off(..usize::from(length))?.to_vec();
        }
        let [key, rule, host, source_address, identity] = texts;
        let facts = WindowFacts {
            rule,
            host,
            source_address,
            identity: is_identified.then_some(identity),
            action: Action::decode(action)?,
            usage: Option::decode(usage)?,
            tenant: bool::decode(has_tenant)?.then_some(tenant),
            operations,
            would_deny: bool::decode(would_deny)?,
            phase: Phase::decode(phase)?,
            view: View::decode(view)?,
        };
        Some(Window { key, limit, facts, from, until, n_written, n_suppressed, moved, seen })
    }
}

/// A value that is one byte in a window; other bytes are not part of a window.
trait Coded: Sized {
    fn code(self) -> u8;
    fn decode(code: u8) -> Option<Self>;
}

/// Implements both directions from one list, which has to name every variant.
macro_rules! coded {
    ($type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Coded for $type {
            fn code(self) -> u8 {
                match self {
                    $($type::$variant => $code,)+
                }
            }

            fn decode(code: u8) -> Option<Self> {
                match code {
                    $($code => Some($type::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

coded! { Limit { Repeat = 0, Rate = 1 } }
coded! { Action { Allow = 0, Observe = 1, Deny = 2 } }
coded! { Phase { Request = 0, Response = 1 } }
coded! { View { Raw = 0, Canonical = 1, Decoded = 2, ServerName = 3, Tunnel = 4 } }

coded! { Usage { Sanctioned = 0, Known = 1, New = 2 } }

impl Coded for Option<Usage> {
    fn code(self) -> u8 {
        self.map_or(NO_USAGE, Usage::code)
    }

    fn decode(code: u8) -> Option<Self> {
        if code == NO_USAGE { Some(None) } else { Usage::decode(code).map(Some) }
    }
}

/// The code of an event without a use of a service.
const NO_USAGE: u8 = 3;

impl Coded for bool {
    fn code(self) -> u8 {
        u8::from(self)
    }

    fn decode(code: u8) -> Option<Self> {
        match code {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}

#[cfg(test)]
mod tests;
