//! Which events are left out: those that say again what was said, and those of a rule that says too
//! much. What was left out is counted, and told when its window closes.
//!
//! The first event of a rule, from a source, to a service opens a window of `suppress_seconds`; further
//! ones in it are left out. A rule's rate has windows of a minute, in which `events_per_minute` events
//! pass. An event is written, whole, if any of its rules may be told.
//!
//! Windows stand in the host's shared data, so that all workers know what each has told, and are changed
//! by compare-and-swap. A worker that cannot get its turn tells: an event too many is better than one
//! too few. The worker that opened a window looks after it at every tick, and whoever comes to its
//! bucket before closes it too. Counters and the access log are as they would be without.

use std::cell::RefCell;
use std::mem;

use inspect::pack::Phase;
use inspect::{Action, Anomalies, Decision, Pack, RuleId, RuleMatch, Ruling, View};

use crate::event::{Suppressed, Told};
use crate::headers::Headers;
use crate::host;
use crate::limits::{MAX_CAS_TRIES, MAX_NAME_BYTES};
use crate::metrics::Counters;
use crate::noise_table::{Answer, Bucket, MAX_OPEN, Window, bucket_of};
use crate::plugin::Plugin;
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, Snapshot, without_port};
use crate::source::Sender;

/// What stands before a bucket's number in the host's shared data.
const KEY: &str = "tidegate.noise.";
/// The window of a rule's rate, in seconds.
const RATE_SECONDS: u64 = 60;

/// How much is told; nothing is left out by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noise {
    /// How long one event stands for those like it, in seconds; 0: each is told.
    pub(crate) suppress_seconds: u32,
    /// Events of one rule in a minute; 0: any number.
    pub(crate) events_per_minute: u32,
}

impl Noise {
    pub(crate) fn is_on(self) -> bool {
        self != Noise::default()
    }
}

thread_local! {
    // The windows that this machine opened, with their bucket: a configuration has them from the one
    // before.
    static OPENED: RefCell<Vec<(u64, u32)>> = const { RefCell::new(Vec::new()) };
}

/// What an event would tell of, beside its rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'s> {
    pub(crate) pack: &'s Pack,
    pub(crate) decision: &'s Decision,
    pub(crate) sender: &'s Sender,
    pub(crate) authority: &'s [u8],
    pub(crate) action: Action,
}

impl Plugin {
    /// Whether an event may be written; if not, it is counted.
    pub(crate) fn may_tell(
        &self,
        subject: &Subject<'_>,
        matches: &[&RuleMatch],
        rulings: &[Ruling],
    ) -> bool {
        if !self.noise.is_on() {
            return true;
        }
        let Some(now) = host::seconds() else { return true };
        let mut may = false;
        for (matched, ruling) in matches.iter().zip(rulings) {
            if ruling.action != Action::Allow {
                may |= self.may_tell_of(now, subject, matched, ruling);
            }
        }
        if !may {
            self.count(Counters::suppressed);
        }
        may
    }

    fn may_tell_of(
        &self,
        now: u64,
        subject: &Subject<'_>,
        matched: &RuleMatch,
        ruling: &Ruling,
    ) -> bool {
        let tables = subject.pack.tables();
        let Some(rule) = tables.rule(matched.rule) else { return true };
        let id = tables.str(rule.id).as_bytes();
        let address = subject.sender.source_address.as_deref().map_or(&b""[..], without_port);
        let who = subject.sender.shown().unwrap_or(address);
        let service = subject.decision.service.map(|name| tables.str(name).as_bytes());
        let host = cut(subject.authority);
        let pair = join(&[id, cut(who), service.unwrap_or(host)]);
        let flags = [
            u8::from(subject.action == Action::Deny),
            u8::from(ruling.would_deny),
            u8::from(matched.phase == Phase::Response),
            matched.view as u8,
        ];
        let shown = subject.sender.shown().unwrap_or_default();
        let facts = [&flags[..], &join(&[id, host, cut(address), cut(shown)])].concat();
        let window = |key: &[u8], seconds: u64| Window {
            key: key.to_vec(),
            facts: facts.clone(),
            from: now,
            until: now.saturating_add(seconds),
            n_told: 1,
            n_suppressed: 0,
        };
        let Noise { suppress_seconds, events_per_minute } = self.noise;
        let repeats = |open: bool| {
            let window = || window(&pair, u64::from(suppress_seconds));
            suppress_seconds > 0 && !self.admits(subject.pack, &pair, 1, open.then_some(&window))
        };
        if repeats(false) {
            return false;
        }
        let is_full = events_per_minute > 0 && {
            let window = || window(id, RATE_SECONDS);
            !self.admits(subject.pack, id, events_per_minute, Some(&window))
        };
        // Only what is told opens a window.
        !is_full && !repeats(true)
    }

    /// Whether the window of a key lets an event pass. Where none is open, it does, and `window`, if
    /// there is one, is opened.
    fn admits(
        &self,
        pack: &Pack,
        key: &[u8],
        most: u32,
        window: Option<&dyn Fn() -> Window>,
    ) -> bool {
        let place = bucket_of(key);
        let answer = self.change(pack, place, |bucket| {
            let answer = bucket.ask(key, most);
            let opened = window.filter(|_| answer == Answer::Unknown).map(|window| window());
            let until = opened.as_ref().map(|window| window.until);
            (answer, until, opened.and_then(|window| bucket.open(window)))
        });
        let Some((answer, until)) = answer else { return true };
        if let Some(until) = until {
            OPENED.with_borrow_mut(|opened| {
                // What finds no room is closed by who comes to its bucket next.
                if opened.len() < MAX_OPEN {
                    opened.push((until, place));
                }
            });
        }
        answer != Answer::Suppress
    }

    /// Changes a bucket when it is this worker's turn, and tells of the windows that were closed.
    fn change<T>(
        &self,
        pack: &Pack,
        place: u32,
        mut change: impl FnMut(&mut Bucket) -> (T, Option<u64>, Option<Window>),
    ) -> Option<(T, Option<u64>)> {
        let mut key = KEY.to_owned();
        key.push_str(&place.to_string());
        let now = host::seconds()?;
        for _ in 0..MAX_CAS_TRIES {
            let (bytes, cas) = host::shared_data(&key).ok()?.unwrap_or_default();
            let mut bucket = Bucket::read(&bytes);
            let mut closed = bucket.close(now);
            let (result, until, evicted) = change(&mut bucket);
            let is_evicted = evicted.is_some();
            closed.extend(evicted);
            let new = bucket.bytes();
            if new == bytes || host::set_shared_data(&key, &new, cas).is_ok() {
                if is_evicted {
                    self.count(Counters::evicted);
                }
                for window in &closed {
                    self.tell_closed(pack, window);
                }
                return Some((result, until));
            }
        }
        None
    }

    /// Closes the windows that this machine opened and that are over.
    pub(crate) fn close_windows(&self) {
        let (Some(now), Ok(inspector)) = (host::seconds(), self.inspector.try_borrow()) else {
            return;
        };
        let mut places = Vec::new();
        OPENED.with_borrow_mut(|opened| {
            let all = mem::take(opened);
            for (until, place) in all {
                if until > now {
                    opened.push((until, place));
                } else if !places.contains(&place) {
                    places.push(place);
                }
            }
        });
        for place in places {
            self.change(inspector.pack(), place, |_| ((), None, None));
        }
    }

    /// Tells how much was left out in a window that is closed.
    fn tell_closed(&self, pack: &Pack, window: &Window) {
        if window.n_suppressed == 0 {
            return;
        }
        let Some((flags, texts)) = window.facts.split_at_checked(4) else { return };
        let mut texts = texts.split(|byte| *byte == 0);
        let mut next = || texts.next().unwrap_or_default();
        let (id, host, address, shown) = (next(), next(), next(), next());
        let tables = pack.tables();
        let is_it = |rule: &inspect::pack::Rule| tables.str(rule.id).as_bytes() == id;
        // A rule that an update took away has nothing to tell any more.
        let Some(idx) = tables.rules.iter().position(is_it) else { return };
        let &[is_denied, would_deny, is_late, view] = flags else { return };
        let matched = RuleMatch {
            rule: RuleId(u32::try_from(idx).unwrap_or(u32::MAX)),
            view: read_view(view),
            phase: if is_late == 1 { Phase::Response } else { Phase::Request },
            alerts: true,
            evidence: Vec::new(),
        };
        let snapshot = Snapshot {
            header_map: host::serialise(&[(":authority", host)]),
            source_address: Some(address.to_vec()).filter(|address| !address.is_empty()),
            ..Snapshot::default()
        };
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return };
        let told = Told {
            pack,
            mode: self.mode,
            action: if is_denied == 1 { Action::Deny } else { Action::Observe },
            would_deny: would_deny == 1,
            decision: &Decision::default(),
            rulings: &[],
            truncated: false,
            matches: &[&matched],
            anomalies: Anomalies::default(),
            snapshot: &snapshot,
            headers: &headers,
            identity: Some(shown).filter(|shown| !shown.is_empty()),
            response: &ResponseSnapshot::default(),
            gateway: &GatewaySnapshot::default(),
            time: host::time().ok().map(|nanoseconds| nanoseconds / 1_000_000),
            suppressed: Some(Suppressed {
                count: window.n_suppressed,
                since: window.from.saturating_mul(1000),
                by: if window.key == id { "rate" } else { "window" },
            }),
        };
        self.write(&told);
    }
}

/// What `view as u8` wrote.
fn read_view(view: u8) -> View {
    match view {
        1 => View::Canonical,
        2 => View::Decoded,
        3 => View::ServerName,
        4 => View::Tunnel,
        _ => View::Raw,
    }
}

fn cut(text: &[u8]) -> &[u8] {
    text.get(..MAX_NAME_BYTES).unwrap_or(text)
}

/// Texts with a NUL between, which none of them holds.
fn join(texts: &[&[u8]]) -> Vec<u8> {
    texts.join(&0)
}
