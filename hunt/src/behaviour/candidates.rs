//! Requests that rules of behaviour may match, kept until the log has ended.

use std::collections::HashSet;

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
    pub(crate) request: StoredRequest,
}

/// A candidate in its log.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) file: usize,
    /// The line in the log, from 1.
    pub(crate) line: u64,
    pub(crate) time_ms: Option<i64>,
    pub(crate) used: Use,
    pub(crate) request: StoredRequest,
}

/// The candidates of all pieces, in their order.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    known: HashSet<u64>,
    kept: Vec<Kept>,
}

impl Candidates {
    /// Takes a candidate, unless there is one of its kind; `n_lines` come before its piece.
    pub(crate) fn take(&mut self, candidate: Candidate, file: usize, n_lines: u64) {
        if !self.known.insert(candidate.key) {
            return;
        }
        let Candidate { line, time_ms, used, request, .. } = candidate;
        self.kept.push(Kept { file, line: n_lines + line, time_ms, used, request });
    }

    /// Returns the candidates, by pairs of source and host, and by agent.
    pub(crate) fn by_pair(&mut self) -> Vec<Kept> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by_key(|kept| (kept.used.source, kept.used.host, kept.used.agent));
        kept
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
        let of_use = (used.source, used.host, used.agent, used.service, used.identity);
        let key = hash_of(&(of_use, used.operations.bits(), undecided));
        self.0.insert(key).then_some(key)
    }
}
