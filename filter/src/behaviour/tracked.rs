//! What is known of the behaviour of a request's source, from its headers to its end.

use inspect::behaviour_state::PairUse;
use inspect::{Behaviour, BehaviourField, BehaviourFields, FieldValue, RuleId};

use super::parties::Parties;

/// A request whose source's behaviour rules ask for.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(super) parties: Parties,
    /// When it was judged, in milliseconds since 1970.
    pub(crate) since: u64,
    /// The same in seconds.
    pub(super) time: u32,
    /// What was known at its headers, itself included.
    pub(crate) behaviour: Behaviour,
    /// The rules that wait for what is known when it ends.
    pub(crate) waiting: Vec<RuleId>,
    /// Whether it was written at its headers.
    pub(super) is_written: bool,
    /// Whether it may have a body.
    pub(crate) has_body: bool,
}

impl Tracked {
    /// Returns what is known of the fields that rules ask for.
    pub(crate) fn answers(
        &self,
        asked: impl Iterator<Item = BehaviourFields>,
    ) -> Vec<(BehaviourField, FieldValue)> {
        let asked = asked.fold(BehaviourFields::default(), BehaviourFields::union);
        asked.iter().filter_map(|field| Some((field, self.behaviour.value(field)?))).collect()
    }

    /// The use of the pair, without bytes and duration; `now` is the clock.
    pub(super) fn used(&self, now: u32) -> PairUse {
        let identity = self.parties.subjects.identity;
        PairUse { time: self.time, now, identity, ..PairUse::default() }
    }
}
