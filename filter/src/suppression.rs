//! Suppression: which events are not written, as they repeat an earlier one or exceed a rule's rate.
//! They are counted, and the count is reported when their window closes.
//!
//! The first event opens a window of `suppress_seconds`; later ones of the same rule, source, action,
//! usage, service, host, tunnel, server name, tenant, credential, operations and kind of method are suppressed in it.
//! A rule's rate has windows of a minute for each source and action, in which `events_per_minute` events are
//! written, and some more about what the minute has no event of. So a denial is never suppressed because
//! of an observation, an upload never because of a download, and no client can use up the windows of
//! another. An event is written, whole, if any of its rules admits it.
//!
//! A window sums up what the requests of its suppressed events moved. A stream whose first event was
//! suppressed has an event at its end if it outlived the window ([`settle`]).
//!
//! Windows are kept in the host's shared data, so that all workers know what each has written, and are
//! changed by compare-and-swap. A worker whose swaps keep failing writes the event: one too many is
//! better than one too few. The worker that opened a window closes it at a tick, and any worker that
//! uses its bucket before then closes it too. Counters and the access log are not affected.

use std::mem;

use inspect::pack::PackHash;
use inspect::{Action, Decision, Pack, RuleMatch, Ruling, Usage};

use crate::config::Suppression;
use crate::host::Host;
use crate::limits::{MAX_CAS_TRIES, MAX_NAME_BYTES};
use crate::memory::{Opened, Part};
use crate::snapshot::without_port;
use crate::source::Sender;

mod bucket;

use bucket::{Answer, Bucket, MAX_OPEN, Window, bucket_of};
pub(crate) use bucket::{ClosedWindow, Limit, Moved, WindowFacts};

/// The prefix of a bucket's number in the host's shared data. It names the layout of the windows, so
/// that two versions of the filter in one gateway never read each other's.
const KEY: &str = "tidegate.suppression.2.";
/// The window of a rule's rate, in seconds.
const RATE_SECONDS: u64 = 60;

// The windows that this worker opened. A new configuration takes over those of the one before.
const OPENED: Part<Vec<Opened>> = Part(|memory| &memory.opened);

/// What an event is about, apart from the rules that matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventSubject<'s> {
    pub(crate) pack: &'s Pack,
    pub(crate) decision: &'s Decision,
    pub(crate) sender: &'s Sender,
    pub(crate) authority: &'s [u8],
    pub(crate) method: &'s [u8],
    /// Where the tunnel goes in which the request came, and the server name, as far as they are known.
    pub(crate) names: [Option<&'s [u8]>; 2],
    pub(crate) action: Action,
    /// What the request moved until now.
    pub(crate) moved: Moved,
}

impl EventSubject<'_> {
    /// Returns a hash of what makes an event of a rule and a sender another one: what becomes of the request, what it
    /// does to which service and tenant, and every name that it goes by.
    pub(crate) fn distinct(&self) -> Vec<u8> {
        let EventSubject { decision, authority, method, names: [tunnel, server_name], .. } = *self;
        let usage = decision.usage.map_or("", Usage::as_str).as_bytes();
        let tables = self.pack.tables();
        let service = decision.service.map(|name| tables.str(name).as_bytes()).unwrap_or_default();
        let tenant = decision.identity.map(u64::to_le_bytes);
        let tenant = tenant.as_ref().map_or(&[][..], |tenant| tenant);
        let [tunnel, server_name] = [tunnel, server_name].map(Option::unwrap_or_default);
        let action = self.action.as_str().as_bytes();
        let (kind, distinct) = (kind_of(method), &decision.distinct);
        key(&[action, usage, service, authority, tunnel, server_name, tenant, kind, distinct])
    }
}

/// The windows that a look at the shared buckets closed.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Those in which events were suppressed, to be reported.
    pub(crate) windows: Vec<ClosedWindow>,
    /// How many windows were closed early.
    pub(crate) n_evicted: u32,
}

/// Decides whether an event may be written, and opens windows for it; also returns the windows that
/// were closed on the way.
pub(crate) fn admit(
    host: &dyn Host,
    settings: Suppression,
    subject: &EventSubject<'_>,
    matches: &[&RuleMatch],
    rulings: &[Ruling],
) -> (bool, Closed) {
    let mut closed = Closed::default();
    let Some(now) = host.seconds() else { return (true, closed) };
    if !settings.is_on() {
        return (true, closed);
    }
    let mut gate = Gate { host, settings, now, closed: &mut closed };
    let mut is_admitted = false;
    for (matched, ruling) in matches.iter().zip(rulings) {
        if ruling.action != Action::Allow {
            is_admitted |= gate.admits_match(subject, matched, *ruling);
        }
    }
    (is_admitted, closed)
}

/// Adds what a stream moved whose first event was suppressed to its windows; returns true if that is not
/// enough, and its end has to be reported: it ran for as long as a window does, or a window is closed.
pub(crate) fn settle(
    host: &dyn Host,
    settings: Suppression,
    subject: &EventSubject<'_>,
    matches: &[RuleMatch],
    rulings: &[Ruling],
) -> (bool, Closed) {
    let mut closed = Closed::default();
    let seconds = match settings.suppress_seconds {
        0 => RATE_SECONDS,
        seconds => u64::from(seconds),
    };
    let now = host.seconds().filter(|_| subject.moved.seconds < seconds);
    let Some(now) = now else { return (true, closed) };
    let mut is_due = false;
    for (matched, _) in
        matches.iter().zip(rulings).filter(|(_, ruling)| ruling.action != Action::Allow)
    {
        let Some(keys) = Keys::of(subject, matched) else { continue };
        let is_added = [keys.repeated, keys.rate].iter().any(|key| {
            let add = |bucket: &mut Bucket| {
                let result = bucket.add(key, subject.moved);
                Changed { result, evicted: None }
            };
            change(host, now, &mut closed, bucket_of(key), add).unwrap_or(false)
        });
        is_due |= !is_added;
    }
    (is_due, closed)
}

/// Closes the windows that this worker opened and that are over.
pub(crate) fn close_due(host: &dyn Host) -> Closed {
    let mut closed = Closed::default();
    let Some(now) = host.seconds() else { return closed };
    let mut places = Vec::new();
    OPENED.with_borrow_mut(|opened| {
        for window in mem::take(opened) {
            // A clock that was set back closes what it has not reached yet.
            if (window.from..window.until).contains(&now) {
                opened.push(window);
            } else if !places.contains(&window.place) {
                places.push(window.place);
            }
        }
    });
    for place in places {
        change(host, now, &mut closed, place, |_| Changed { result: (), evicted: None });
    }
    closed
}

/// One event at the shared windows.
struct Gate<'g> {
    host: &'g dyn Host,
    settings: Suppression,
    now: u64,
    closed: &'g mut Closed,
}

impl Gate<'_> {
    fn admits_match(
        &mut self,
        subject: &EventSubject<'_>,
        matched: &RuleMatch,
        ruling: Ruling,
    ) -> bool {
        let tables = subject.pack.tables();
        let Some(rule) = tables.rule(matched.rule) else { return true };
        let Some(keys) = Keys::of(subject, matched) else { return true };
        let EventSubject { decision, sender, authority, action, moved, .. } = *subject;
        let address = sender.source_address.as_deref().map_or(&b""[..], without_port);
        let facts = WindowFacts {
            rule: tables.str(rule.id).as_bytes().to_vec(),
            host: cut(authority).to_vec(),
            source_address: cut(address).to_vec(),
            identity: sender.shown().map(|identity| cut(identity).to_vec()),
            action,
            usage: decision.usage,
            tenant: decision.identity,
            operations: decision.operations,
            would_deny: ruling.would_deny,
            phase: matched.phase,
            view: matched.view,
        };
        let Suppression { suppress_seconds, events_per_minute } = self.settings;
        let of = keys.repeated.first_chunk().map(|chunk| u64::from_le_bytes(*chunk));
        let repeated = Kind {
            key: keys.repeated,
            limit: Limit::Repeat,
            n_most: 1,
            of: None,
            seconds: u64::from(suppress_seconds),
            moved,
        };
        let rate = Kind {
            key: keys.rate,
            limit: Limit::Rate,
            n_most: events_per_minute,
            of,
            seconds: RATE_SECONDS,
            moved,
        };
        if suppress_seconds > 0 && !self.admits(&repeated, None) {
            return false;
        }
        if events_per_minute > 0 && !self.admits(&rate, Some(&facts)) {
            return false;
        }
        // Only an event that is written opens a window.
        suppress_seconds == 0 || self.admits(&repeated, Some(&facts))
    }

    /// Returns true if the window of a kind admits an event. Without an open window it does, and one is
    /// opened if there are facts for it.
    fn admits(&mut self, kind: &Kind, facts: Option<&WindowFacts>) -> bool {
        let place = bucket_of(&kind.key);
        let until = self.now.saturating_add(kind.seconds);
        let changed = change(self.host, self.now, self.closed, place, |bucket| {
            let answer = bucket.ask(&kind.key, kind.n_most, kind.of, kind.moved);
            let facts = facts.filter(|_| answer == Answer::Unknown);
            let evicted = facts.and_then(|facts| {
                bucket.open(Window {
                    key: kind.key.clone(),
                    limit: kind.limit,
                    facts: facts.clone(),
                    from: self.now,
                    until,
                    n_written: 1,
                    n_suppressed: 0,
                    moved: Moved::default(),
                    seen: kind.of.into_iter().collect(),
                })
            });
            Changed { result: (answer, facts.is_some()), evicted }
        });
        let Some((answer, is_opened)) = changed else { return true };
        if is_opened {
            OPENED.with_borrow_mut(|opened| {
                // Beyond the bound, windows are closed by the next event of their bucket.
                if opened.len() < MAX_OPEN {
                    opened.push(Opened { from: self.now, until, place });
                }
            });
        }
        answer != Answer::Suppress
    }
}

/// A kind of window, for one event.
struct Kind {
    key: Vec<u8>,
    limit: Limit,
    n_most: u32,
    /// The hash of the event's use, if a use that the window has not seen is no repetition.
    of: Option<u64>,
    seconds: u64,
    moved: Moved,
}

/// The keys of the windows that a match of an event belongs to.
struct Keys {
    repeated: Vec<u8>,
    rate: Vec<u8>,
}

impl Keys {
    /// Returns the keys; `None` without such a rule.
    fn of(subject: &EventSubject<'_>, matched: &RuleMatch) -> Option<Keys> {
        let tables = subject.pack.tables();
        let id = tables.str(tables.rule(matched.rule)?.id).as_bytes();
        let [known_by, sender] = subject.sender.party();
        let action = subject.action.as_str().as_bytes();
        let repeated = key(&[id, known_by, sender, &subject.distinct()]);
        Some(Keys { repeated, rate: key(&[id, known_by, sender, action]) })
    }
}

/// Returns what a method does, for there are as many methods as a client likes.
fn kind_of(method: &[u8]) -> &'static [u8] {
    match method {
        b"GET" | b"HEAD" | b"OPTIONS" => b"read",
        b"" | b"CONNECT" => b"tunnel",
        _ => b"write",
    }
}

/// The result of a change to a bucket, and the window that had to go for it.
struct Changed<T> {
    result: T,
    evicted: Option<Window>,
}

/// Changes a bucket, and adds the windows that this closed; `None` if swaps keep failing or there is no
/// shared data.
fn change<T>(
    host: &dyn Host,
    now: u64,
    closed: &mut Closed,
    place: u32,
    mut change: impl FnMut(&mut Bucket) -> Changed<T>,
) -> Option<T> {
    let key = [KEY, &place.to_string()].concat();
    for _ in 0..MAX_CAS_TRIES {
        let (bytes, cas) = host.shared_data_or_new(&key).ok()?;
        let bytes = bytes.unwrap_or_default();
        let mut bucket = Bucket::read(&bytes);
        let mut over = bucket.close(now);
        let Changed { result, evicted } = change(&mut bucket);
        let is_evicted = evicted.is_some();
        over.extend(evicted);
        let new = bucket.bytes();
        if new == bytes || host.set_shared_data(&key, &new, cas).is_ok() {
            closed.n_evicted += u32::from(is_evicted);
            closed.windows.extend(over.into_iter().filter_map(Window::closed));
            return Some(result);
        }
    }
    None
}

fn cut(text: &[u8]) -> &[u8] {
    text.get(..MAX_NAME_BYTES).unwrap_or(text)
}

/// Returns the key of a window: a hash of texts, so that none has to be cut and no client can find two
/// events with one key.
fn key(texts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text);
    }
    PackHash::of(&bytes).0.to_vec()
}

#[cfg(test)]
mod tests;
