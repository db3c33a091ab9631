//! The fields of behaviour of each pair, once the log has ended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use inspect::{Behaviour, Observed, Operations, Ratio};

use super::first_uses::FirstUseIndex;
use super::ledger::Ledger;
use super::rhythm::{self, Rhythm};
use super::rita::{RitaScore, rita_score};
use super::series::Event;

const DAY: u32 = 24 * 3600;
const HOUR: u32 = 3600;

/// Longest time from a dead drop to the host that it named.
const DEAD_DROP_SECONDS: u32 = 3600;

/// What a ledger says, with indices over all of it.
#[derive(Debug)]
pub(crate) struct Facts<'l> {
    pub(crate) ledger: &'l Ledger,
    first_uses: FirstUseIndex,
    n_sources: u32,
    sources_of_host: Vec<u32>,
    sources_of_service: HashMap<u32, u32>,
    /// Source and host of the pairs that have requests, in order.
    pairs: Vec<(u32, u32)>,
    identities: HashMap<(u32, u32), u32>,
    /// The last source that was asked about, and what it read and found.
    of_source: Option<(u32, SourceFacts)>,
}

/// What one source did.
#[derive(Debug, Default)]
struct SourceFacts {
    /// Reads of services: User-Agent, time and host.
    reads: BTreeMap<u64, Vec<(u32, u32)>>,
    /// How many hosts were new to it, by hour.
    new_hosts: BTreeMap<u32, u32>,
}

/// What a pair did.
#[derive(Clone, Debug)]
pub(crate) struct PairFacts {
    /// In order of time.
    pub(crate) events: Vec<Event>,
    pub(crate) rhythm: Option<Rhythm>,
    pub(crate) requests: u64,
    pub(crate) active_hours: u32,
    pub(crate) sent: Option<u64>,
    pub(crate) balance: Option<Ratio>,
    pub(crate) tunnel_seconds: Option<u32>,
    pub(crate) n_sources: u32,
    pub(crate) prevalence: Ratio,
    first: u32,
    first_agent: u64,
}

impl<'l> Facts<'l> {
    /// Reads a ledger.
    pub(crate) fn new(ledger: &'l Ledger) -> Facts<'l> {
        let mut facts = Facts {
            ledger,
            first_uses: FirstUseIndex::new(ledger),
            n_sources: 0,
            sources_of_host: vec![0; ledger.names.len()],
            sources_of_service: HashMap::new(),
            pairs: Vec::with_capacity(ledger.pairs.len()),
            identities: HashMap::new(),
            of_source: None,
        };
        let mut of_services: HashSet<(u32, u32)> = HashSet::new();
        for ((source, host), pair) in ledger.pairs.iter() {
            if pair.agents().is_empty() {
                continue;
            }
            facts.pairs.push((source, host));
            if let Some(count) = facts.sources_of_host.get_mut(host as usize) {
                *count += 1;
            }
            if let Some(service) = pair.service()
                && of_services.insert((source, service))
            {
                *facts.sources_of_service.entry(service).or_default() += 1;
            }
        }
        facts.pairs.sort_unstable();
        let sources = facts.pairs.chunk_by(|(left, _), (right, _)| left == right).count();
        facts.n_sources = u32::try_from(sources).unwrap_or(u32::MAX);
        let mut identities: HashMap<(u32, u32), Vec<(u32, u64)>> = HashMap::new();
        let mut hours: Vec<_> = ledger.identities.iter().copied().collect();
        hours.sort_unstable();
        for (source, service, identity, hour) in hours {
            identities.entry((source, service)).or_default().push((hour, identity));
        }
        facts.identities =
            identities.into_iter().map(|(key, hours)| (key, most_in_a_day(hours))).collect();
        facts
    }

    /// Returns the pairs that have requests in the log, by names of source and host.
    pub(crate) fn pairs(&self) -> Vec<(u32, u32)> {
        let mut pairs = self.pairs.clone();
        let name = |id: u32| self.ledger.names.text(id);
        let names = |(source, host): &(u32, u32)| (name(*source), name(*host));
        pairs.sort_by(|left, right| names(left).cmp(&names(right)));
        pairs
    }

    /// Returns the hosts of a source.
    fn hosts(&self, source: u32) -> impl Iterator<Item = u32> {
        let start = self.pairs.partition_point(|(of, _)| *of < source);
        let pairs = self.pairs.get(start..).unwrap_or_default().iter();
        pairs.take_while(move |(of, _)| *of == source).map(|(_, host)| *host)
    }

    /// Returns the User-Agent under which a pair's requests of one are kept: itself, or the last where the pair has
    /// too many to keep them apart.
    pub(crate) fn kept_agent(&self, source: u32, host: u32, agent: u64) -> Option<u64> {
        let agents = self.ledger.pairs.get(source, host)?.agents();
        let kept = agents.iter().find(|(kept, _)| *kept == agent).or(agents.last());
        kept.map(|(kept, _)| *kept)
    }

    /// Returns what a pair did; with an agent, its rhythm where that is steadier than that of the pair.
    pub(crate) fn of_pair(&self, source: u32, host: u32, agent: Option<u64>) -> Option<PairFacts> {
        let pair = self.ledger.pairs.get(source, host)?;
        let mut events: Vec<Event> = Vec::with_capacity(pair.n_requests());
        let mut first: Option<(u32, u64)> = None;
        let mut rhythm: Option<Rhythm> = None;
        for (of, series) in pair.agents() {
            let start = events.len();
            events.extend(series.iter());
            let own = events.get_mut(start..).unwrap_or_default();
            own.sort_by_key(|event| event.time);
            if let Some(event) = own.first()
                && first.is_none_or(|(time, _)| event.time < time)
            {
                first = Some((event.time, *of));
            }
            if pair.agents().len() > 1 && agent.is_none_or(|agent| agent == *of) {
                rhythm = steadier(rhythm, rhythm_of(own));
            }
        }
        events.sort_by_key(|event| event.time);
        rhythm = steadier(rhythm, rhythm_of(&events));
        let (first, first_agent) = first?;
        let n_sources = self.sources_of_host.get(host as usize).copied().unwrap_or_default();
        let (sent, balance) = busiest_day(&events);
        let hours: Vec<(u32, u64)> =
            events.iter().map(|event| (event.time / HOUR, u64::from(event.time / HOUR))).collect();
        let most_requests = sliding(&events).map(|day| day.len() as u64).max();
        Some(PairFacts {
            rhythm,
            requests: most_requests.unwrap_or_default(),
            active_hours: most_in_a_day(hours),
            sent,
            balance,
            tunnel_seconds: pair.tunnel_seconds(),
            n_sources,
            prevalence: Ratio::of(n_sources.into(), self.n_sources.into()),
            first,
            first_agent,
            events,
        })
    }

    /// Returns RITA's score of a pair, if it has one.
    pub(crate) fn rita(&self, pair: &PairFacts) -> Option<RitaScore> {
        rita_score(&pair.events, self.ledger.last)
    }

    /// Returns the fields of a request of a pair.
    pub(crate) fn behaviour(
        &mut self,
        source: u32,
        host: u32,
        pair: &PairFacts,
        service: Option<u32>,
        operations: Operations,
        identity: Option<u64>,
    ) -> Behaviour {
        let ledger = self.ledger;
        let knows = FirstUseIndex::knows(ledger, source, pair.first);
        let of_source = self.of_source(source);
        let hour = pair.first / HOUR;
        let new_hosts = if FirstUseIndex::knows(ledger, source, hour * HOUR) {
            Observed::Value(of_source.new_hosts.get(&hour).copied().unwrap_or_default())
        } else {
            Observed::Unknown
        };
        let is_in_baseline = ledger.pairs.get(source, host).is_none_or(|pair| pair.first == 0);
        let after_dead_drop = if is_in_baseline {
            Observed::Absent
        } else if knows {
            Observed::of(of_source.after_dead_drop(pair, host))
        } else {
            Observed::Unknown
        };
        let of_service = |counts: &HashMap<u32, u32>| {
            service.map(|service| counts.get(&service).copied().unwrap_or_default())
        };
        let n_of_service = of_service(&self.sources_of_service);
        let prevalence = n_of_service.map(|count| Ratio::of(count.into(), self.n_sources.into()));
        let identities =
            service.and_then(|service| self.identities.get(&(source, service)).copied());
        Behaviour {
            active_hours: Observed::Value(pair.active_hours),
            after_dead_drop,
            beacon: Observed::of(pair.rhythm.map(|rhythm| Ratio::from_f64(rhythm.score))),
            beacon_period: Observed::of(pair.rhythm.map(|rhythm| rhythm.period as u32)),
            first_use: self
                .first_uses
                .first_uses(ledger, source, host, service, operations, identity),
            identities: Observed::of(identities),
            new_hosts,
            prevalence: Observed::Value(pair.prevalence),
            requests: Observed::Value(pair.requests),
            service_prevalence: Observed::of(prevalence),
            sources: Observed::Value(pair.n_sources),
            tunnel_seconds: Observed::of(pair.tunnel_seconds),
            upload_bytes: Observed::of(pair.sent),
            upload_ratio: Observed::of(pair.balance),
        }
    }

    fn of_source(&mut self, source: u32) -> &SourceFacts {
        static NONE: SourceFacts =
            SourceFacts { reads: BTreeMap::new(), new_hosts: BTreeMap::new() };
        if self.of_source.as_ref().is_none_or(|(known, _)| *known != source) {
            let facts = self.read_source(source);
            self.of_source = Some((source, facts));
        }
        self.of_source.as_ref().map_or(&NONE, |(_, facts)| facts)
    }

    fn read_source(&self, source: u32) -> SourceFacts {
        let mut facts = SourceFacts::default();
        for host in self.hosts(source) {
            let Some(pair) = self.ledger.pairs.get(source, host) else { continue };
            if pair.first > 0 {
                *facts.new_hosts.entry(pair.first / HOUR).or_default() += 1;
            }
            for (agent, series) in pair.agents() {
                let reads = series.iter().filter(|event| event.is_read);
                let reads: Vec<(u32, u32)> = reads.map(|event| (event.time, host)).collect();
                if !reads.is_empty() {
                    facts.reads.entry(*agent).or_default().extend(reads);
                }
            }
        }
        facts.reads.values_mut().for_each(|reads| reads.sort_unstable());
        facts
    }
}

impl SourceFacts {
    /// Returns the seconds from the last read by the program that called a host first to that call.
    fn after_dead_drop(&self, pair: &PairFacts, host: u32) -> Option<u32> {
        let reads = self.reads.get(&pair.first_agent)?;
        let end = reads.partition_point(|(time, _)| *time <= pair.first);
        let mut before = reads.get(..end)?.iter().rev();
        let (time, _) = before.find(|(_, of)| *of != host)?;
        Some(pair.first - time).filter(|seconds| *seconds <= DEAD_DROP_SECONDS)
    }
}

fn rhythm_of(events: &[Event]) -> Option<Rhythm> {
    let times: Vec<u32> = events.iter().map(|event| event.time).collect();
    rhythm::rhythm(&rhythm::gaps(&times))
}

fn steadier(left: Option<Rhythm>, right: Option<Rhythm>) -> Option<Rhythm> {
    match (left, right) {
        (Some(left), Some(right)) if right.score > left.score => Some(right),
        (Some(left), _) => Some(left),
        (None, right) => right,
    }
}

/// For each event those of the day that ends with it.
fn sliding(events: &[Event]) -> impl Iterator<Item = &[Event]> {
    let mut start = 0;
    (1..=events.len()).filter_map(move |end| {
        let last = events.get(end - 1)?.time;
        while events.get(start).is_some_and(|event| event.time + DAY <= last) {
            start += 1;
        }
        events.get(start..end)
    })
}

/// Returns the bytes that were sent in the day in which they were most, and their balance with what was
/// received in it.
fn busiest_day(events: &[Event]) -> (Option<u64>, Option<Ratio>) {
    let has_sent = events.iter().any(|event| event.sent.is_some());
    if !has_sent {
        return (None, None);
    }
    let (mut start, mut sent, mut received) = (0, 0_u64, 0_u64);
    let mut best = (0, 0);
    for event in events {
        sent = sent.saturating_add(event.sent.unwrap_or_default());
        received = received.saturating_add(event.received.unwrap_or_default());
        while let Some(old) = events.get(start)
            && old.time + DAY <= event.time
        {
            sent = sent.saturating_sub(old.sent.unwrap_or_default());
            received = received.saturating_sub(old.received.unwrap_or_default());
            start += 1;
        }
        if sent >= best.0 {
            best = (sent, received);
        }
    }
    let has_received = events.iter().any(|event| event.received.is_some());
    (Some(best.0), has_received.then(|| Ratio::balance(best.0, best.1)).flatten())
}

/// Returns the most different things in 24 hours that follow one another; each thing with its hour, in order of
/// hours.
fn most_in_a_day(mut things: Vec<(u32, u64)>) -> u32 {
    things.sort_unstable();
    things.dedup();
    let mut most = 0;
    let mut last: Option<u32> = None;
    for (idx, (hour, _)) in things.iter().enumerate() {
        if last == Some(*hour) {
            continue;
        }
        last = Some(*hour);
        let day = things.iter().skip(idx).take_while(|(other, _)| *other < hour + 24);
        most = most.max(day.map(|(_, thing)| thing).collect::<BTreeSet<_>>().len());
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}
