//! The pairs of source and host of a log, in little memory: a large network has millions of them, and most have few
//! requests.

use std::collections::HashMap;

use super::series::{Event, Series};

/// Pairs by the numbers of source and host.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// Where each pair is in the blocks. A table of places is moved when it grows, and pairs are not.
    places: HashMap<(u32, u32), u32>,
    blocks: Vec<Vec<Pair>>,
}

/// How many pairs one block has.
const BLOCK_PAIRS: usize = 1024;

/// The requests of a source to a host.
#[derive(Debug)]
pub(crate) struct Pair {
    /// When the first was, also in the baseline.
    pub(crate) first: u32,
    longest_seconds: u32,
    service: u32,
    agents: Agents,
}

/// In the place of a number that is not known.
const UNKNOWN: u32 = u32::MAX;

/// Most User-Agents of a pair that are kept apart; further ones are counted with the last.
const MAX_AGENTS: usize = 16;

/// The requests of a pair by the hash of the User-Agent. Almost all pairs have one.
#[derive(Debug, Default)]
enum Agents {
    /// Only the baseline has the pair.
    #[default]
    None,
    One((u64, Series)),
    Several(Vec<(u64, Series)>),
}

impl Pairs {
    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns true if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns a pair, if the log has it.
    pub(crate) fn get(&self, source: u32, host: u32) -> Option<&Pair> {
        self.at(*self.places.get(&(source, host))?)
    }

    /// Returns all pairs with the numbers of source and host, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u32), &Pair)> {
        self.places.iter().filter_map(|(key, place)| Some((*key, self.at(*place)?)))
    }

    fn at(&self, place: u32) -> Option<&Pair> {
        let place = place as usize;
        self.blocks.get(place / BLOCK_PAIRS)?.get(place % BLOCK_PAIRS)
    }

    /// Returns a pair that is used at a time; a new one if the log had none. `None` beyond four billion pairs.
    pub(crate) fn used(&mut self, source: u32, host: u32, time: u32) -> Option<&mut Pair> {
        let next = u32::try_from(self.places.len()).ok()?;
        let place = *self.places.entry((source, host)).or_insert(next) as usize;
        if place / BLOCK_PAIRS >= self.blocks.len() {
            self.blocks.push(Vec::with_capacity(BLOCK_PAIRS));
        }
        let block = self.blocks.get_mut(place / BLOCK_PAIRS)?;
        if place % BLOCK_PAIRS >= block.len() {
            block.push(Pair::new(time));
        }
        let pair = block.get_mut(place % BLOCK_PAIRS)?;
        pair.first = pair.first.min(time);
        Some(pair)
    }
}

impl Pair {
    fn new(first: u32) -> Pair {
        Pair { first, longest_seconds: UNKNOWN, service: UNKNOWN, agents: Agents::None }
    }

    /// Adds a request with a User-Agent.
    pub(crate) fn add(
        &mut self,
        agent: u64,
        event: Event,
        duration_ms: Option<u64>,
        service: Option<u32>,
    ) {
        if let Some(duration_ms) = duration_ms {
            let seconds = u32::try_from(duration_ms / 1000).unwrap_or(UNKNOWN).min(UNKNOWN - 1);
            self.longest_seconds = self.tunnel_seconds().map_or(seconds, |old| old.max(seconds));
        }
        if let Some(service) = service.filter(|_| self.service == UNKNOWN) {
            self.service = service;
        }
        self.agents.add(agent, event);
    }

    /// Returns the seconds that the longest request took.
    pub(crate) fn tunnel_seconds(&self) -> Option<u32> {
        (self.longest_seconds != UNKNOWN).then_some(self.longest_seconds)
    }

    /// Returns the service of the host.
    pub(crate) fn service(&self) -> Option<u32> {
        (self.service != UNKNOWN).then_some(self.service)
    }

    /// Returns the requests by User-Agent; none if only the baseline has the pair.
    pub(crate) fn agents(&self) -> &[(u64, Series)] {
        match &self.agents {
            Agents::None => &[],
            Agents::One(one) => std::slice::from_ref(one),
            Agents::Several(several) => several,
        }
    }

    /// Returns the number of requests.
    pub(crate) fn n_requests(&self) -> usize {
        self.agents().iter().map(|(_, series)| series.len()).sum()
    }
}

impl Agents {
    fn add(&mut self, agent: u64, event: Event) {
        match self {
            Agents::None => {
                let mut series = Series::default();
                series.push(event);
                *self = Agents::One((agent, series));
            }
            Agents::One((known, series)) if *known == agent => series.push(event),
            Agents::One((known, series)) => {
                let first = (*known, std::mem::take(series));
                let mut series = Series::default();
                series.push(event);
                *self = Agents::Several(vec![first, (agent, series)]);
            }
            Agents::Several(several) => {
                let known = several.iter().position(|(known, _)| *known == agent);
                if known.is_none() && several.len() < MAX_AGENTS {
                    several.push((agent, Series::default()));
                }
                // A source that makes up an agent for each request gains nothing but a larger last one.
                let idx = known.unwrap_or(several.len().saturating_sub(1));
                if let Some((_, series)) = several.get_mut(idx) {
                    series.push(event);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_kept_apart_and_so_are_agents() {
        let mut pairs = Pairs::default();
        let n_pairs = 3 * u32::try_from(BLOCK_PAIRS).unwrap();
        for round in 0..3_u32 {
            for number in 0..n_pairs {
                let pair = pairs.used(number % 7, number, 1000 - round).unwrap();
                let agent = u64::from(number % 2 * round);
                let event = Event { time: 1000 + round, ..Event::default() };
                pair.add(agent, event, Some(1500), (round > 0).then_some(round));
            }
        }
        assert_eq!(pairs.len(), n_pairs as usize);
        assert_eq!(pairs.iter().count(), n_pairs as usize);
        let agents =
            |pair: &Pair| -> Vec<u64> { pair.agents().iter().map(|(of, _)| *of).collect() };
        let even = pairs.get(4, 4).unwrap();
        assert_eq!((even.first, even.n_requests(), agents(even)), (998, 3, vec![0]));
        let odd = pairs.get(5, 5).unwrap();
        assert_eq!((odd.first, odd.n_requests(), agents(odd)), (998, 3, vec![0, 1, 2]));
        assert_eq!((odd.tunnel_seconds(), odd.service()), (Some(1), Some(1)));
        assert!(pairs.get(4, 5).is_none());
        let pair = pairs.used(9, 9, 0).unwrap();
        assert_eq!((pair.n_requests(), pair.tunnel_seconds(), pair.service()), (0, None, None));
        for agent in 0..40 {
            pair.add(agent, Event::default(), None, None);
        }
        assert_eq!((pair.agents().len(), pair.n_requests()), (MAX_AGENTS, 40));
    }

    #[test]
    fn a_pair_is_small() {
        assert!(size_of::<Pair>() <= 56, "{}", size_of::<Pair>());
    }
}
