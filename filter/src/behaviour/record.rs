//! Writes the requests of sources: into the entry of the pair, and once an epoch into the tables that other pairs
//! share.

use std::rc::Rc;

use inspect::behaviour_state::{
    CrowdState, NETWORK_WARM_UP_SECONDS, Newness, PairState, PairUse, SOURCE_WARM_UP_SECONDS,
    WatchState,
};
use inspect::{BehaviourField, Observed, Ratio, Scope};

use super::news::{News, host_newness};
use super::parties::Parties;
use super::shared::{Costs, Place, Slot, change, open};
use super::{Tracked, in_seconds};
use crate::host::{Host, Property};
use crate::limits::MAX_KEPT_BUCKETS;
use crate::plugin::Plugin;
use crate::report::read_number;

/// A bucket that is kept while a request runs, and the right to keep it: [`MAX_KEPT_BUCKETS`] are.
#[derive(Debug)]
pub(super) struct Kept {
    slot: Slot<PairState>,
    _right: Rc<()>,
}

impl Plugin {
    /// Writes a request that is over; what its bytes add to is known then.
    pub(crate) fn record(&self, host: &dyn Host, tracked: &mut Tracked) {
        let Some(ended) = host.milliseconds() else { return };
        let Some(now) = in_seconds(ended) else { return };
        let has_bytes = self.behaviour.contains(BehaviourField::UploadBytes)
            || self.behaviour.contains(BehaviourField::UploadRatio);
        let bytes = |property| if has_bytes { read_number(host, property) } else { None };
        let used = PairUse {
            sent: bytes(Property::RequestBytes).unwrap_or_default(),
            received: bytes(Property::ResponseBytes).unwrap_or_default(),
            seconds: in_seconds(ended.saturating_sub(tracked.since)).unwrap_or(u32::MAX),
            ..tracked.used(now)
        };
        let parties = &tracked.parties;
        let settled = tracked.is_written.then(|| self.settle_use(host, parties, &used)).flatten();
        let added = tracked.kept.take().and_then(|kept| add_use(host, kept.slot, parties, &used));
        let pair = settled.or(added).or_else(|| self.write_use(host, parties, &used, 1).0);
        let Some(pair) = pair else { return };
        let behaviour = &mut tracked.behaviour;
        let (sent, received) = pair.bytes();
        behaviour.upload_bytes = Observed::Value(sent);
        behaviour.upload_ratio = Observed::of(Ratio::balance(sent, received));
        behaviour.tunnel_seconds = Observed::Value(pair.tunnel_seconds());
    }

    /// Keeps a bucket for the end of a request, if nothing but the pair is to be written then, and not too many are
    /// kept: reading it again would cost as much as all that its rules ask for.
    pub(super) fn keep(&self, slot: Slot<PairState>, parties: &Parties, time: u32) -> Option<Kept> {
        let is_pair_enough = slot.entry.as_ref().is_some_and(|pair| parties.are_noted(pair, time))
            && !self.notes_read(parties);
        let has_room = Rc::strong_count(&self.kept_buckets) <= MAX_KEPT_BUCKETS;
        (is_pair_enough && has_room).then(|| Kept { slot, _right: Rc::clone(&self.kept_buckets) })
    }

    /// Returns true if a request reads a dead drop that a rule asks for.
    fn notes_read(&self, parties: &Parties) -> bool {
        parties.is_read && self.behaviour.contains(BehaviourField::AfterDeadDrop)
    }

    /// Adds what is known at the end of a request that was written before; `None` if its entry gave way.
    fn settle_use(&self, host: &dyn Host, parties: &Parties, used: &PairUse) -> Option<PairState> {
        let mut slot = open::<PairState>(host, parties.pair)?;
        let mut pair = slot.entry.take()?;
        pair.settle(used);
        let mut costs = Costs::default();
        slot.save(host, &pair, used.now, &mut costs);
        self.count_costs(host, &costs);
        Some(pair)
    }

    /// Writes a use; returns its pair with it, and whether that was saved in one of some tries.
    pub(super) fn write_use(
        &self,
        host: &dyn Host,
        parties: &Parties,
        used: &PairUse,
        n_tries: usize,
    ) -> (Option<PairState>, bool) {
        let PairUse { time, now, .. } = *used;
        let mut costs = Costs::default();
        let Some(mut slot) = open::<PairState>(host, parties.pair) else { return (None, false) };
        let mut known = slot.entry.take();
        let is_noted = known.as_ref().is_some_and(|pair| parties.are_noted(pair, time));
        let mut first = (Newness::Unknown, None);
        let is_read = self.notes_read(parties);
        let mut is_saved = true;
        if !is_noted || is_read {
            is_saved &= change(host, Place::of(parties.source), now, &mut costs, |source| {
                let mut source = source.unwrap_or_else(|| WatchState::new(time));
                source.advance(time);
                let newness = host_newness(&mut source, parties, known.as_ref(), time);
                News::default().add_subjects(
                    Scope::Source,
                    &mut source,
                    parties,
                    SOURCE_WARM_UP_SECONDS,
                );
                let read = parties.read(time);
                first = (newness, source.after_read(read.agent, read.host, time));
                if parties.is_read {
                    source.note_read(read);
                }
                source
            });
        }
        if !is_noted {
            is_saved &= self.note(host, parties, time, now, &mut costs);
        }
        let (newness, dead_drop) = first;
        let n_lost = costs.n_lost;
        let mut n_left = n_tries;
        let written = loop {
            let mut pair = known.unwrap_or_else(|| PairState::new(time, newness, dead_drop));
            pair.add(used);
            if is_saved {
                pair.note(parties.used);
            }
            let is_written = slot.save(host, &pair, now, &mut costs);
            n_left = n_left.saturating_sub(1);
            if is_written || n_left == 0 {
                break (Some(pair), is_written);
            }
            let Some(again) = open::<PairState>(host, parties.pair) else {
                break (Some(pair), false);
            };
            // Another worker was faster, and nothing is lost yet.
            costs.n_lost = n_lost;
            slot = again;
            known = slot.entry.take();
        };
        self.count_costs(host, &costs);
        written
    }

    /// Notes a use with those who are asked beside the source.
    fn note(
        &self,
        host: &dyn Host,
        parties: &Parties,
        time: u32,
        now: u32,
        costs: &mut Costs,
    ) -> bool {
        let mut is_saved = true;
        let asks = |field| self.behaviour.contains(field);
        let asks_share =
            asks(BehaviourField::Prevalence) || asks(BehaviourField::ServicePrevalence);
        let crowds = [
            Some(parties.host)
                .filter(|_| asks_share || asks(BehaviourField::Sources) || self.scopes.network),
            parties.subjects.service.filter(|_| asks(BehaviourField::ServicePrevalence)),
            Some(parties.network).filter(|_| asks_share),
        ];
        for key in crowds.into_iter().flatten() {
            is_saved &= change(host, Place::of(key), now, costs, |crowd| {
                let mut crowd = crowd.unwrap_or_else(|| CrowdState::new(time));
                crowd.add(parties.source, time);
                crowd
            });
        }
        let watches = [(self.scopes.group, parties.group), (self.scopes.network, parties.network)];
        for (_, key) in watches.into_iter().filter(|(is_asked, _)| *is_asked) {
            is_saved &= change(host, Place::of(key), now, costs, |watched| {
                let mut watched = watched.unwrap_or_else(|| WatchState::new(time));
                watched.advance(time);
                if key == parties.group {
                    watched.note_host(parties.host, NETWORK_WARM_UP_SECONDS);
                }
                let warm_up = NETWORK_WARM_UP_SECONDS;
                News::default().add_subjects(Scope::Network, &mut watched, parties, warm_up);
                watched
            });
        }
        is_saved
    }
}

/// Adds a use to the pair in a bucket that was read before; `None` if another request has changed the bucket since,
/// or the epoch has ended in which other tables have the use.
fn add_use(
    host: &dyn Host,
    mut slot: Slot<PairState>,
    parties: &Parties,
    used: &PairUse,
) -> Option<PairState> {
    let mut pair = slot.entry.take().filter(|pair| parties.are_noted(pair, used.time))?;
    pair.add(used);
    pair.note(parties.used);
    // Its place in the bucket is its own, so that no other gives way, and what is lost here is written again.
    slot.save(host, &pair, used.now, &mut Costs::default()).then_some(pair)
}
