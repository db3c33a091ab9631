//! Writes the requests of sources: into the entry of the pair, and once an epoch into the tables that other pairs
//! share.

use inspect::behaviour_state::{
    CrowdState, NETWORK_WARM_UP_SECONDS, Newness, PairState, PairUse, SOURCE_WARM_UP_SECONDS,
    WatchState,
};
use inspect::{BehaviourField, Observed, Ratio, Scope};

use super::held::HeldPair;
use super::in_seconds;
use super::news::{News, host_newness};
use super::parties::{Parties, network_hash};
use super::shared::{Costs, Place, change, open};
use super::tracked::Tracked;
use crate::host::{Host, Property};
use crate::plugin::Plugin;
use crate::report::read_number;

impl Plugin {
    /// Writes a request that is over; what its bytes add to is known then.
    pub(crate) fn record(&self, host: &dyn Host, tracked: &mut Tracked) {
        let Some(ended) = self.ended(host, tracked.since) else { return };
        let Some(now) = in_seconds(ended) else { return };
        let has_bytes = self.behaviour.contains(BehaviourField::UploadBytes)
            || self.behaviour.contains(BehaviourField::UploadRatio);
        let bytes = |wanted: bool, property| {
            let number = wanted.then(|| read_number(host, property)).flatten();
            number.unwrap_or_default()
        };
        let used = PairUse {
            sent: bytes(has_bytes && tracked.has_body, Property::RequestBytes),
            received: bytes(has_bytes, Property::ResponseBytes),
            seconds: in_seconds(ended.saturating_sub(tracked.since)).unwrap_or(u32::MAX),
            ..tracked.used(now)
        };
        let parties = &tracked.parties;
        let settled = tracked.is_written.then(|| self.settle_use(host, parties, &used)).flatten();
        let added = settled.or_else(|| self.add_to_held(host, parties, &used));
        let pair = added.or_else(|| self.write_use(host, parties, &used, 1).0);
        self.write_due(host, now);
        let Some(pair) = pair else { return };
        let behaviour = &mut tracked.behaviour;
        let (sent, received) = pair.bytes();
        behaviour.upload_bytes = Observed::Value(sent);
        behaviour.upload_ratio = Observed::of(Ratio::balance(sent, received));
        behaviour.tunnel_seconds = Observed::Value(pair.tunnel_seconds());
    }

    /// Returns when a request that was judged at a time is over, now, in milliseconds since 1970. One that is over
    /// before the next tick took no time that counts, and the clock need not be asked.
    fn ended(&self, host: &dyn Host, since: u64) -> Option<u64> {
        match self.ticked.get() {
            Some(ticked) if ticked <= since => Some(since),
            _ => host.milliseconds(),
        }
    }

    /// Returns what is known of the pair of a request, and holds it for those that follow in this second and for the
    /// end of the request, if nothing but the pair is to be written then.
    pub(super) fn known_pair(
        &self,
        host: &dyn Host,
        parties: &Parties,
        time: u32,
    ) -> Option<PairState> {
        let mut held = self.held.try_borrow_mut().ok()?;
        if let Some(pair) = held.find(parties.pair, time) {
            return Some(pair.clone());
        }
        // What is not written of a second before is part of what is known.
        let unwritten = held.release(parties.pair);
        self.write_pairs(host, unwritten);
        let slot = open::<PairState>(host, parties.pair)?;
        let known = slot.entry.clone();
        let is_pair_enough = known.as_ref().is_some_and(|pair| parties.are_noted(pair, time))
            && !self.notes_read(parties);
        if is_pair_enough {
            let replaced = held.hold(slot, time);
            self.write_pairs(host, replaced);
        }
        known
    }

    /// Adds a use to its pair, if that is held and all that is to be written.
    fn add_to_held(&self, host: &dyn Host, parties: &Parties, used: &PairUse) -> Option<PairState> {
        if self.notes_read(parties) {
            return None;
        }
        let mut held = self.held.try_borrow_mut().ok()?;
        let is_noted = |pair: &PairState| parties.are_noted(pair, used.time);
        let (pair, due) = held.add(parties.pair, used, is_noted)?;
        self.write_pairs(host, due);
        Some(pair)
    }

    /// Writes what requests of earlier seconds added to their pairs.
    pub(super) fn write_due(&self, host: &dyn Host, time: u32) {
        if let Ok(mut held) = self.held.try_borrow_mut() {
            self.write_pairs(host, held.take_due(time));
        }
    }

    /// Writes all that requests added to their pairs.
    pub(crate) fn write_held(&self, host: &dyn Host) {
        if let Ok(mut held) = self.held.try_borrow_mut() {
            self.write_pairs(host, held.take_all());
        }
    }

    fn write_pairs(&self, host: &dyn Host, pairs: impl IntoIterator<Item = HeldPair>) {
        let mut costs = Costs::default();
        for pair in pairs {
            pair.write(host, &mut costs);
        }
        self.count_costs(host, &costs);
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
        let unwritten =
            self.held.try_borrow_mut().ok().and_then(|mut held| held.release(parties.pair));
        self.write_pairs(host, unwritten);
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
        let network = network_hash(&self.behaviour_key());
        let crowds = [
            Some(parties.host)
                .filter(|_| asks_share || asks(BehaviourField::Sources) || self.scopes.network),
            parties.subjects.service.filter(|_| asks(BehaviourField::ServicePrevalence)),
            Some(network).filter(|_| asks_share),
        ];
        for key in crowds.into_iter().flatten() {
            is_saved &= change(host, Place::of(key), now, costs, |crowd| {
                let mut crowd = crowd.unwrap_or_else(|| CrowdState::new(time));
                crowd.add(parties.source, time);
                crowd
            });
        }
        let watches = [parties.group, self.scopes.network.then_some(network)];
        for key in watches.into_iter().flatten() {
            is_saved &= change(host, Place::of(key), now, costs, |watched| {
                let mut watched = watched.unwrap_or_else(|| WatchState::new(time));
                watched.advance(time);
                if Some(key) == parties.group {
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
