//! What was found out of pairs a moment ago, for one worker: a page loads its parts by dozens of requests of one
//! pair, and all of them would read the same entries.

use inspect::behaviour_state::Used;
use inspect::{Behaviour, BehaviourField, BehaviourFields};

use super::parties::Parties;

/// The fields that other entries than the pair's own answer.
pub(super) const SHARED: [BehaviourField; 6] = [
    BehaviourField::AfterDeadDrop,
    BehaviourField::FirstUse,
    BehaviourField::NewHosts,
    BehaviourField::Prevalence,
    BehaviourField::ServicePrevalence,
    BehaviourField::Sources,
];

/// How old an answer may be, in seconds.
pub(super) const RECENT_SECONDS: u32 = 10;

/// Pairs that are remembered; each has one place, in which it replaces another.
const N_PLACES: u8 = 255;

/// What is known of the pairs of this worker.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    places: Vec<Option<Known>>,
}

/// What is known of a pair that uses one thing of a service.
#[derive(Clone, Copy, Debug)]
struct Known {
    pair: u64,
    used: Used,
    identity: Option<u64>,
    since: u32,
    fields: BehaviourFields,
    behaviour: Behaviour,
}

impl Recent {
    /// Adds what is known of the shared fields to a behaviour, and returns which these are.
    pub(super) fn answer(
        &self,
        parties: &Parties,
        time: u32,
        behaviour: &mut Behaviour,
    ) -> BehaviourFields {
        let known = self.places.get(place(parties)).and_then(Option::as_ref);
        let Some(known) = known.filter(|known| known.is_of(parties, time)) else {
            return BehaviourFields::default();
        };
        known.fields.iter().for_each(|field| copy(field, &known.behaviour, behaviour));
        known.fields
    }

    /// Remembers the shared ones of some fields that were found out at a time.
    pub(super) fn note(
        &mut self,
        parties: &Parties,
        time: u32,
        fields: BehaviourFields,
        behaviour: &Behaviour,
    ) {
        self.places.resize(N_PLACES.into(), None);
        let Some(place) = self.places.get_mut(place(parties)) else { return };
        let known = match place {
            Some(known) if known.is_of(parties, time) => known,
            place => place.insert(Known {
                pair: parties.pair.key,
                used: parties.used,
                identity: parties.subjects.identity,
                since: time,
                fields: BehaviourFields::default(),
                behaviour: Behaviour::default(),
            }),
        };
        for field in fields.iter().filter(|field| SHARED.contains(field)) {
            copy(field, behaviour, &mut known.behaviour);
            known.fields = known.fields.union([field].into_iter().collect());
        }
    }
}

impl Known {
    /// Returns true if this is known of a request, and was not long ago.
    fn is_of(&self, parties: &Parties, time: u32) -> bool {
        // A clock that was set back makes nothing last longer.
        let is_recent = (self.since..self.since.saturating_add(RECENT_SECONDS)).contains(&time);
        is_recent
            && self.pair == parties.pair.key
            && self.used == parties.used
            && self.identity == parties.subjects.identity
    }
}

fn place(parties: &Parties) -> usize {
    let place = parties.pair.key % u64::from(N_PLACES);
    usize::try_from(place).unwrap_or_default()
}

fn copy(field: BehaviourField, from: &Behaviour, to: &mut Behaviour) {
    match field {
        BehaviourField::AfterDeadDrop => to.after_dead_drop = from.after_dead_drop,
        BehaviourField::FirstUse => to.first_use = from.first_use,
        BehaviourField::NewHosts => to.new_hosts = from.new_hosts,
        BehaviourField::Prevalence => to.prevalence = from.prevalence,
        BehaviourField::ServicePrevalence => to.service_prevalence = from.service_prevalence,
        BehaviourField::Sources => to.sources = from.sources,
        BehaviourField::ActiveHours
        | BehaviourField::Beacon
        | BehaviourField::BeaconPeriod
        | BehaviourField::Identities
        | BehaviourField::Requests
        | BehaviourField::TunnelSeconds
        | BehaviourField::UploadBytes
        | BehaviourField::UploadRatio => {}
    }
}
