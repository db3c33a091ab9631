//! Every use of a host, by source and host.

use std::collections::{HashMap, HashSet};

use super::pairs::{Pair, Pairs};
use super::series::Event;
use super::uses::{Connection, Noted, Use};

/// The uses of a whole log.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Sources and hosts.
    pub(crate) names: Names,
    pub(crate) pairs: Pairs,
    /// When a source first used a service, or did something with it.
    pub(crate) firsts: HashMap<(u32, Subject), u32>,
    /// The hours in which a source used an identity of a service.
    pub(crate) identities: HashSet<(u32, u32, u64, u32)>,
    /// When each name was first seen as that of a source; [`UNSEEN`] for those that are hosts only.
    pub(crate) seen: Vec<u32>,
    pub(crate) n_sources: usize,
    pub(crate) first: Option<u32>,
    pub(crate) last: u32,
    pub(crate) n_without_time: u64,
    /// Uses whose bytes another log has.
    open: Vec<Use>,
    connections: HashMap<u64, Connection>,
}

/// In the place of the time of what was not seen.
pub(crate) const UNSEEN: u32 = u32::MAX;

/// What is new or known, beside hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Service(u32),
    Operation(u32, u8),
    Identity(u32, u64),
}

/// Names with a number each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    ids: HashMap<u64, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// Returns the number of a name, if it has one.
    pub(crate) fn find(&self, hash: u64) -> Option<u32> {
        self.ids.get(&hash).copied()
    }

    /// Returns the name of a number.
    pub(crate) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Adds a name by its hash, unless it is known; returns its number.
    fn add(&mut self, hash: u64, text: &str) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        *self.ids.entry(hash).or_insert_with(|| {
            self.texts.push(text.into());
            next
        })
    }
}

impl Ledger {
    /// Takes what was noted in a piece, in the order of the log. Of a baseline it is only known what was used.
    pub(crate) fn take(&mut self, noted: &Noted, is_baseline: bool) {
        self.n_without_time += noted.n_without_time;
        for (hash, text) in &noted.names {
            self.names.add(*hash, text);
        }
        for connection in &noted.connections {
            self.connections.insert(connection.name, *connection);
        }
        for used in &noted.uses {
            if is_baseline {
                self.know(used);
            } else if used.connection.is_some() {
                self.open.push(*used);
            } else {
                self.add(used);
            }
        }
    }

    /// Ends the log: joins uses with the connections of Zeek's `conn.log`. A connection of which `http.log` has
    /// requests is not counted by its server name too.
    pub(crate) fn finish(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        let requests: HashSet<Option<u64>> =
            open.iter().filter(|used| !used.is_tls).map(|used| used.connection).collect();
        open.retain(|used| !used.is_tls || !requests.contains(&used.connection));
        open.sort_by_key(|used| used.time);
        for mut used in open {
            if let Some(known) = used.connection.and_then(|name| self.connections.get(&name)) {
                used.sent = known.sent.or(used.sent);
                used.received = known.received.or(used.received);
                used.duration_ms = known.duration_ms.or(used.duration_ms);
            }
            self.add(&used);
        }
    }

    fn add(&mut self, used: &Use) {
        self.first = Some(self.first.map_or(used.time, |first| first.min(used.time)));
        self.last = self.last.max(used.time);
        let Some((source, pair)) = self.find_pair(used, used.time) else { return };
        let event = Event {
            time: used.time,
            sent: used.sent,
            received: used.received,
            is_read: used.is_read(),
        };
        pair.add(used.agent, event, used.duration_ms, used.service);
        if let (Some(service), Some(identity)) = (used.service, used.identity) {
            self.identities.insert((source, service, identity, used.time / 3600));
        }
    }

    /// Remembers what a use of the baseline knew, as if it had always been known.
    fn know(&mut self, used: &Use) {
        self.find_pair(used, 0);
    }

    /// Returns the number of a use's source, and its pair, which is used at a time.
    fn find_pair(&mut self, used: &Use, time: u32) -> Option<(u32, &mut Pair)> {
        // Names come before the uses that have them.
        let [source, host] = [used.source, used.host].map(|hash| self.names.add(hash, ""));
        if self.seen.len() < self.names.len() {
            self.seen.resize(self.names.len(), UNSEEN);
        }
        let seen = self.seen.get_mut(source as usize)?;
        self.n_sources += usize::from(*seen == UNSEEN);
        *seen = (*seen).min(time).min(UNSEEN - 1);
        if let Some(service) = used.service {
            let mut subjects = vec![Subject::Service(service)];
            let operations = used.operations.iter();
            subjects
                .extend(operations.map(|operation| Subject::Operation(service, operation as u8)));
            subjects.extend(used.identity.map(|identity| Subject::Identity(service, identity)));
            for subject in subjects {
                let first = self.firsts.entry((source, subject)).or_insert(time);
                *first = (*first).min(time);
            }
        }
        Some((source, self.pairs.used(source, host, time)?))
    }
}
