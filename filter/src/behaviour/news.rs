//! What is new to a source, its group and the network.

use inspect::behaviour_state::{Newness, PairState, SOURCE_WARM_UP_SECONDS, WatchState};
use inspect::{FirstUses, Observed, Scope, Subject};

use super::parties::Parties;

/// What is new, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct News {
    found: FirstUses,
    is_unknown: bool,
}

impl News {
    pub(super) fn add(&mut self, scope: Scope, subject: Subject, newness: Newness) {
        match newness {
            Newness::New => self.found.insert(scope, subject),
            Newness::Unknown => self.is_unknown = true,
            Newness::Old => {}
        }
    }

    /// Notes what a request uses of a service with somebody, and adds what is new of it.
    pub(super) fn add_subjects(
        &mut self,
        scope: Scope,
        watched: &mut WatchState,
        parties: &Parties,
        warm_up: u32,
    ) {
        let subjects = &parties.subjects;
        let service = subjects.service.map(|hash| (Subject::Service, hash));
        let operations = subjects.operations.iter().map(|hash| (Subject::Operation, *hash));
        let identity = subjects.identity.map(|hash| (Subject::Identity, hash));
        for (subject, hash) in service.into_iter().chain(operations).chain(identity) {
            self.add(scope, subject, watched.note_subject(hash, warm_up));
        }
    }

    pub(super) fn observed(&self) -> Observed<FirstUses> {
        if self.found.is_empty() && self.is_unknown {
            Observed::Unknown
        } else {
            Observed::Value(self.found)
        }
    }
}

/// Whether the host is new to the source; of a pair that is known its own entry says it.
pub(super) fn host_newness(
    source: &mut WatchState,
    parties: &Parties,
    known: Option<&PairState>,
    time: u32,
) -> Newness {
    let noted = source.note_host(parties.host, SOURCE_WARM_UP_SECONDS);
    known.map_or(noted, |pair| pair.newness(time))
}
