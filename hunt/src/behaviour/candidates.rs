//! Requests that rules of behaviour may match, kept until the log has ended.

use std::collections::{HashMap, HashSet};
use std::io;

use inspect::{Operations, RuleId};

use super::ledger::Names;
use super::request_store::{Kept, RequestStore, Spill, Stored};
use super::stored_request::StoredRequest;
use super::uses::{Use, hash_of};
use crate::limits::MAX_KNOWN_CANDIDATES;

/// A request that behaviour decides about: the first of its kind in a piece.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// What it has in common with requests that match the same rules.
    pub(crate) key: u64,
    /// The line in the piece, from 1.
    pub(crate) line: u64,
    pub(crate) time_ms: Option<i64>,
    pub(crate) used: Use,
    /// The rules that wait for behaviour.
    pub(crate) rules: Vec<RuleId>,
    pub(crate) request: StoredRequest,
}

/// What of a candidate is needed to find whether a rule may match it. There may be one for each pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) source: u32,
    pub(crate) host: u32,
    pub(crate) agent: u64,
    kind: u32,
    stored: Stored,
}

/// What candidates have in common, of which a log has few.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) service: Option<u32>,
    pub(crate) operations: Operations,
    pub(crate) identity: Option<u64>,
    /// The rules that wait for behaviour.
    pub(crate) rules: Vec<RuleId>,
}

/// The candidates of all pieces, in their order.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    known: HashSet<u64>,
    waiting: Vec<Waiting>,
    numbers: HashMap<Kind, u32>,
    kinds: Vec<Kind>,
    store: RequestStore,
}

impl Candidates {
    /// Sets where requests go that are too many to be kept in memory.
    pub(crate) fn spill_to(&mut self, spill: Box<dyn Spill>) {
        self.store.spill_to(spill);
    }

    /// Takes a candidate, unless there is one of its kind; `n_lines` come before its piece. Its source and its host
    /// have names.
    pub(crate) fn take(&mut self, candidate: Candidate, names: &Names, file: usize, n_lines: u64) {
        if !self.known.insert(candidate.key) {
            return;
        }
        let Candidate { line, time_ms, used, rules, request, .. } = candidate;
        let (Some(source), Some(host)) = (names.find(used.source), names.find(used.host)) else {
            return;
        };
        let Use { service, operations, identity, agent, .. } = used;
        let kind = Kind { service, operations, identity, rules };
        let next = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
        let kind = match self.numbers.get(&kind) {
            Some(number) => *number,
            None => {
                self.kinds.push(kind.clone());
                self.numbers.insert(kind, next);
                next
            }
        };
        let kept = Kept { file, line: n_lines + line, time_ms, request };
        let stored = self.store.put(&kept);
        self.waiting.push(Waiting { source, host, agent, kind, stored });
    }

    /// Returns the candidates, by pairs of source and host, and by agent.
    pub(crate) fn by_pair(&mut self) -> Vec<Waiting> {
        self.known = HashSet::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_unstable_by_key(|of| (of.source, of.host, of.agent, of.stored));
        waiting
    }

    /// Returns what a candidate has in common with others.
    pub(crate) fn kind(&self, waiting: &Waiting) -> Option<&Kind> {
        self.kinds.get(waiting.kind as usize)
    }

    /// Returns the request of a candidate.
    ///
    /// # Errors
    /// The file that has it cannot be read.
    pub(crate) fn request(&mut self, waiting: &Waiting) -> io::Result<Kept> {
        self.store.get(waiting.stored)
    }
}

/// The candidates that a thread has passed on.
#[derive(Debug, Default)]
pub(crate) struct PassedOn(HashSet<u64>);

impl PassedOn {
    /// Returns the key of a request of a use, if it is the first of its kind; `undecided` is
    /// [`inspect::Inspector::undecided`].
    pub(crate) fn key(&mut self, used: &Use, undecided: u64) -> Option<u64> {
        if self.0.len() >= MAX_KNOWN_CANDIDATES {
            self.0.clear();
        }
        // As one text, which is hashed faster than its parts.
        let is_given = u64::from(used.service.is_some()) | u64::from(used.identity.is_some()) << 1;
        let key = hash_of(&[
            used.source,
            used.host,
            used.agent,
            used.service.unwrap_or_default().into(),
            used.identity.unwrap_or_default(),
            u64::from(used.operations.bits()) << 2 | is_given,
            undecided,
        ]);
        self.0.insert(key).then_some(key)
    }
}
