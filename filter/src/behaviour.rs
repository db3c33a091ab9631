//! What sources did over time: kept for all workers in the host's shared data, and asked by rules.
//!
//! A request is tracked if a rule depends on behaviour and on nothing else any more: every other request pays
//! nothing. At its headers the tables are read and the rules are evaluated with it as the last request of its
//! pair, first with what its own entry and its host's answer, and with the rest only if that does not settle them.
//! What entries answer that pairs share is remembered for a moment, and the pair itself for a second ([`held`]). When
//! the request ends, and its bytes are final, it is added to the pair, which is written once a second, and it is judged
//! once more if a rule may match by them. A denied request is written too: a beacon
//! that is denied is still one. Where a rule that counts may deny, it is written at its headers ([`reservation`]).
//!
//! An event that only such rules match is written once a window of its pair and rule.

use inspect::behaviour_state::{
    CrowdState, NETWORK_WARM_UP_SECONDS, Newness, PairState, PairUse, SOURCE_WARM_UP_SECONDS,
    WINDOW_SECONDS, WatchState,
};
use inspect::{
    Action, Behaviour, BehaviourField, BehaviourFields, IdentityKey, Inspector, Observed, Ratio,
    Request, RuleMatch, Ruling, Scope, Subject, Verdict,
};

use crate::host::Host;
use crate::inspection::Inspection;
use crate::limits::MAX_CAS_TRIES;
use crate::plugin::Plugin;
use crate::source::Sender;
use crate::suppression::EventSubject;

pub(crate) mod held;
mod news;
mod parties;
pub(crate) mod recent;
mod record;
pub(crate) mod reservation;
pub(crate) mod scopes;
pub(crate) mod shared;
pub(crate) mod tracked;

use news::{News, host_newness};
use parties::{Parties, network_hash, reads_service};
use recent::SHARED;
use shared::find;
use shared::{Costs, Place, open};
use tracked::Tracked;

impl Plugin {
    /// Returns true if a request has to be tracked: a rule waits for its source's behaviour, or it may read a dead
    /// drop that a rule asks for.
    pub(crate) fn is_tracked(
        &self,
        inspector: &Inspector,
        request: &Request<'_>,
        verdict: &Verdict,
    ) -> bool {
        !verdict.asks.is_empty()
            || self.behaviour.contains(BehaviourField::AfterDeadDrop)
                && inspector.may_use_service(request)
                && reads_service(inspector.pack().tables(), request)
    }

    /// Reads what is known of a request's source, and evaluates the rules that ask for it; `None` where nothing
    /// is known of it, or nobody asks.
    pub(crate) fn look_up(
        &self,
        host: &dyn Host,
        inspector: &mut Inspector,
        request: &Request<'_>,
        sender: &Sender,
        verdict: &mut Verdict,
    ) -> Option<Tracked> {
        let since = host.milliseconds()?;
        let time = in_seconds(since)?;
        let key = self.behaviour_key();
        let asked = (&key, self.scopes);
        let mut parties = Parties::of(inspector, &key, request, sender)?;
        if parties.is_read || self.reserves {
            parties.complete(asked, request, sender);
        }
        let mut tracked = Tracked {
            parties,
            since,
            time,
            behaviour: Behaviour::default(),
            waiting: Vec::new(),
            is_written: false,
            has_body: true,
        };
        self.write_due(host, time);
        let mut written = None;
        if self.reserves {
            let used = tracked.used(time);
            (written, tracked.is_written) =
                self.write_use(host, &tracked.parties, &used, MAX_CAS_TRIES);
        }
        if verdict.asks.is_empty() {
            return Some(tracked);
        }
        self.count(|counters| counters.tracked(host));
        let known: Option<PairState> = match written.filter(|_| tracked.is_written) {
            Some(written) => Some(written),
            None => self.known_pair(host, &tracked.parties, time),
        };
        if !known.as_ref().is_some_and(|pair| tracked.parties.are_noted(pair, time)) {
            tracked.parties.complete(asked, request, sender);
        }
        let asks = verdict.asks;
        let used = (!tracked.is_written).then(|| tracked.used(time));
        tracked.behaviour = first_answers(known.as_ref(), used, asks, time);
        let Tracked { parties, behaviour, .. } = &mut tracked;
        let mut recent = self.recent.try_borrow_mut().ok()?;
        let answered = recent.answer(parties, time, behaviour);
        let sources = asks.only(BehaviourField::Sources);
        if !answered.contains_all(sources) {
            let n_sources = crowd(host, parties.host, parties.source, time).n_sources();
            behaviour.sources = Observed::Value(n_sources);
            recent.note(parties, time, sources, behaviour);
        }
        *verdict = inspector.resolve(verdict, behaviour);
        let asks = verdict.asks;
        let answered = answered.union(sources);
        if asks.iter().any(|field| SHARED.contains(&field) && !answered.contains(field)) {
            parties.complete(asked, request, sender);
            self.add_answers(host, parties, known.as_ref(), asks, time, behaviour);
            recent.note(parties, time, asks, behaviour);
            *verdict = inspector.resolve(verdict, behaviour);
        }
        if !verdict.asks.is_empty() {
            tracked.waiting = inspector.undecided_rules();
        }
        Some(tracked)
    }

    /// Adds what the entries of the source, its group, the network and the service answer.
    fn add_answers(
        &self,
        host: &dyn Host,
        parties: &Parties,
        known: Option<&PairState>,
        asks: BehaviourFields,
        time: u32,
        behaviour: &mut Behaviour,
    ) {
        let asks_any = |fields: &[BehaviourField]| fields.iter().any(|field| asks.contains(*field));
        let asks_first_use = asks.contains(BehaviourField::FirstUse);
        if asks_any(&[
            BehaviourField::FirstUse,
            BehaviourField::NewHosts,
            BehaviourField::AfterDeadDrop,
        ]) {
            let mut source = watch(host, parties.source, time);
            let of_host = host_newness(&mut source, parties, known, time);
            behaviour.new_hosts =
                source.new_hosts(SOURCE_WARM_UP_SECONDS).map_or(Observed::Unknown, Observed::Value);
            behaviour.after_dead_drop = match (known, of_host) {
                (Some(known), Newness::New) => Observed::of(known.after_dead_drop(time)),
                (None, Newness::New) => {
                    let read = parties.read(time);
                    Observed::of(source.after_read(read.agent, read.host, time))
                }
                (_, Newness::Old) => Observed::Absent,
                (_, Newness::Unknown) => Observed::Unknown,
            };
            if asks_first_use {
                let mut news = News::default();
                news.add(Scope::Source, Subject::Host, of_host);
                news.add_subjects(Scope::Source, &mut source, parties, SOURCE_WARM_UP_SECONDS);
                self.add_news(host, parties, time, &mut news);
                behaviour.first_use = news.observed();
            }
        }
        if asks_any(&[BehaviourField::Prevalence, BehaviourField::ServicePrevalence]) {
            let network = network_hash(&self.behaviour_key());
            let all = crowd(host, network, parties.source, time).n_sources();
            let share = |n_sources: u32| Ratio::of(n_sources.min(all).into(), all.into());
            if asks.contains(BehaviourField::Prevalence) {
                let of_host = crowd(host, parties.host, parties.source, time);
                behaviour.prevalence = Observed::Value(share(of_host.n_sources()));
            }
            if asks.contains(BehaviourField::ServicePrevalence) {
                let of_service = parties
                    .subjects
                    .service
                    .map(|service| share(crowd(host, service, parties.source, time).n_sources()));
                behaviour.service_prevalence = Observed::of(of_service);
            }
        }
    }

    /// Adds what is new to the group and to the network, if a rule asks for that.
    fn add_news(&self, host: &dyn Host, parties: &Parties, time: u32, news: &mut News) {
        if let Some(group) = parties.group {
            let mut group = watch(host, group, time);
            let of_host = group.note_host(parties.host, NETWORK_WARM_UP_SECONDS);
            news.add(Scope::Group, Subject::Host, of_host);
            news.add_subjects(Scope::Group, &mut group, parties, NETWORK_WARM_UP_SECONDS);
        }
        if self.scopes.network {
            let mut network = watch(host, network_hash(&self.behaviour_key()), time);
            // A network has too many hosts for a filter, so their own entries say since when they are used.
            let first = find(host, Place::of(parties.host)).map_or(time, |of: CrowdState| of.first);
            let is_watched = first.saturating_sub(network.first()) >= NETWORK_WARM_UP_SECONDS;
            let of_host = match (time.saturating_sub(first) >= WINDOW_SECONDS, is_watched) {
                (true, _) => Newness::Old,
                (false, true) => Newness::New,
                (false, false) => Newness::Unknown,
            };
            news.add(Scope::Network, Subject::Host, of_host);
            news.add_subjects(Scope::Network, &mut network, parties, NETWORK_WARM_UP_SECONDS);
        }
    }

    /// Returns true if all matches of a request that are alerts ask for behaviour and were reported for its pair in
    /// this window; notes those that are reported now.
    pub(crate) fn is_repeated(
        &self,
        host: &dyn Host,
        inspector: &Inspector,
        inspection: &Inspection,
        subject: &EventSubject<'_>,
        (matches, rulings): (&[&RuleMatch], &[Ruling]),
    ) -> bool {
        let Some(tracked) = &inspection.tracked else { return false };
        let alerts = matches.iter().zip(rulings).filter(|(_, of)| of.action != Action::Allow);
        let (behaving, others): (Vec<_>, Vec<_>) = alerts
            .map(|(matched, _)| matched.rule)
            .partition(|rule| !inspector.behaviour_of(*rule).is_empty());
        let (Some(now), false) = (seconds(host), behaving.is_empty()) else { return false };
        let Some(mut slot) = open::<PairState>(host, tracked.parties.pair) else { return false };
        let Some(mut pair) = slot.entry.take() else { return false };
        let tables = inspector.pack().tables();
        let distinct = subject.distinct();
        let mut is_new = false;
        for rule in behaving {
            let id = tables.rule(rule).map(|rule| tables.str(rule.id).as_bytes());
            let parts = [id.unwrap_or_default(), &distinct];
            let hash = self.behaviour_key().hash(parts) & u64::from(u32::MAX);
            is_new |= pair.report(u32::try_from(hash).unwrap_or_default().max(1), now);
        }
        if is_new {
            let mut costs = Costs::default();
            slot.save(host, &pair, now, &mut costs);
            self.count_costs(host, &costs);
        }
        !is_new && others.is_empty()
    }

    pub(crate) fn count_costs(&self, host: &dyn Host, costs: &Costs) {
        if *costs == Costs::default() {
            return;
        }
        self.count(|counters| {
            costs.evicted.iter().for_each(|table| counters.behaviour_evicted(host, *table));
            if costs.n_lost > 0 {
                counters.lost_swaps(host, costs.n_lost);
            }
        });
    }

    /// The key of hashes in the tables: the operator's, if there is one.
    pub(crate) fn behaviour_key(&self) -> IdentityKey {
        self.settings.identity_key.unwrap_or(IdentityKey([0; 16]))
    }
}

/// What the pair answers, with this request: `used`, unless the pair has it already.
fn first_answers(
    known: Option<&PairState>,
    used: Option<PairUse>,
    asks: BehaviourFields,
    time: u32,
) -> Behaviour {
    let mut pair = known.cloned().unwrap_or_else(|| PairState::new(time, Newness::Unknown, None));
    if let Some(used) = used {
        pair.add(&used);
    }
    let asks_rhythm =
        asks.contains(BehaviourField::Beacon) || asks.contains(BehaviourField::BeaconPeriod);
    let rhythm = if asks_rhythm { pair.rhythm() } else { None };
    let identities = Some(pair.identities()).filter(|count| *count > 0);
    Behaviour {
        active_hours: Observed::Value(pair.active_hours()),
        beacon: Observed::of(rhythm.map(|(score, _)| score)),
        beacon_period: Observed::of(rhythm.map(|(_, period)| period)),
        identities: Observed::of(identities),
        requests: Observed::Value(pair.requests()),
        ..Behaviour::default()
    }
}

fn watch(host: &dyn Host, key: u64, time: u32) -> WatchState {
    let mut watched = find(host, Place::of(key)).unwrap_or_else(|| WatchState::new(time));
    watched.advance(time);
    watched
}

fn crowd(host: &dyn Host, key: u64, source: u64, time: u32) -> CrowdState {
    let mut crowd = find(host, Place::of(key)).unwrap_or_else(|| CrowdState::new(time));
    crowd.add(source, time);
    crowd
}

fn seconds(host: &dyn Host) -> Option<u32> {
    in_seconds(host.milliseconds()?)
}

fn in_seconds(milliseconds: u64) -> Option<u32> {
    u32::try_from(milliseconds / 1000).ok()
}

#[cfg(test)]
mod tests;
