//! What is new, and to whom.

use std::collections::HashMap;

use inspect::behaviour_state::{NETWORK_WARM_UP_SECONDS, SOURCE_WARM_UP_SECONDS, group_of};
use inspect::{FirstUses, Observed, Operations, Scope};

use super::ledger::{Ledger, Subject, UNSEEN};

/// When everything was first used, by scope.
#[derive(Debug, Default)]
pub(crate) struct FirstUseIndex {
    /// By the number of a name.
    groups: Vec<u32>,
    /// When each group was seen first.
    seen_groups: Vec<u32>,
    seen: u32,
    hosts: Vec<u32>,
    /// Group, host and time, in order.
    hosts_of_groups: Vec<(u32, u32, u32)>,
    network: HashMap<Subject, u32>,
    of_groups: HashMap<(u32, Subject), u32>,
}

impl FirstUseIndex {
    /// Reads a ledger.
    pub(crate) fn new(ledger: &Ledger) -> FirstUseIndex {
        let mut index = FirstUseIndex {
            seen: ledger.seen.iter().copied().min().filter(|seen| *seen != UNSEEN).unwrap_or(0),
            hosts: vec![UNSEEN; ledger.names.len()],
            ..FirstUseIndex::default()
        };
        let mut names: HashMap<String, u32> = HashMap::new();
        for (source, seen) in (0..).zip(&ledger.seen) {
            if *seen == UNSEEN {
                index.groups.push(0);
                continue;
            }
            let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
            let group = *names.entry(group_of(ledger.names.text(source))).or_insert(next);
            index.groups.push(group);
            match index.seen_groups.get_mut(group as usize) {
                Some(first) => *first = (*first).min(*seen),
                None => index.seen_groups.push(*seen),
            }
        }
        // The least of all does not depend on their order.
        for ((source, host), pair) in ledger.pairs.iter() {
            if let Some(first) = index.hosts.get_mut(host as usize) {
                *first = (*first).min(pair.first);
            }
            index.hosts_of_groups.push((index.group(source), host, pair.first));
        }
        index.hosts_of_groups.sort_unstable();
        index.hosts_of_groups.dedup_by_key(|(group, host, _)| (*group, *host));
        #[expect(clippy::iter_over_hash_type, reason = "a minimum needs no order")]
        for ((source, subject), time) in &ledger.firsts {
            let first = index.network.entry(*subject).or_insert(*time);
            *first = (*first).min(*time);
            let first = index.of_groups.entry((index.group(*source), *subject)).or_insert(*time);
            *first = (*first).min(*time);
        }
        index
    }

    /// Returns when a group first used a host.
    fn host_of_group(&self, group: u32, host: u32) -> Option<u32> {
        let found = self.hosts_of_groups.binary_search_by_key(&(group, host), |of| (of.0, of.1));
        self.hosts_of_groups.get(found.ok()?).map(|(.., first)| *first)
    }

    fn group(&self, source: u32) -> u32 {
        self.groups.get(source as usize).copied().unwrap_or_default()
    }

    /// Returns what is new about a use of a host, by whom.
    pub(crate) fn first_uses(
        &self,
        ledger: &Ledger,
        source: u32,
        host: u32,
        service: Option<u32>,
        operations: Operations,
        identity: Option<u64>,
    ) -> Observed<FirstUses> {
        let group = self.group(source);
        let seen = |seen: &[u32], idx: u32| seen.get(idx as usize).copied().unwrap_or_default();
        let since = [
            (Scope::Source, seen(&ledger.seen, source).saturating_add(SOURCE_WARM_UP_SECONDS)),
            (Scope::Group, seen(&self.seen_groups, group).saturating_add(NETWORK_WARM_UP_SECONDS)),
            (Scope::Network, self.seen.saturating_add(NETWORK_WARM_UP_SECONDS)),
        ];
        let mut found = FirstUses::default();
        let mut is_unknown = false;
        let mut look = |subject, firsts: [Option<u32>; 3]| {
            for ((scope, since), first) in since.into_iter().zip(firsts) {
                match first {
                    // Known since ever, by a baseline.
                    None | Some(0) => {}
                    Some(first) if first >= since => found.insert(scope, subject),
                    Some(_) => is_unknown = true,
                }
            }
        };
        let of_pair = ledger.pairs.get(source, host).map(|pair| pair.first);
        let of_group = self.host_of_group(group, host);
        let of_network = self.hosts.get(host as usize).copied();
        look(inspect::Subject::Host, [of_pair, of_group, of_network]);
        let mut of_service = |kind, subject: Subject| {
            let firsts = [
                ledger.firsts.get(&(source, subject)).copied(),
                self.of_groups.get(&(group, subject)).copied(),
                self.network.get(&subject).copied(),
            ];
            look(kind, firsts);
        };
        if let Some(service) = service {
            of_service(inspect::Subject::Service, Subject::Service(service));
            for operation in operations.iter() {
                let subject = Subject::Operation(service, operation as u8);
                of_service(inspect::Subject::Operation, subject);
            }
            if let Some(identity) = identity {
                of_service(inspect::Subject::Identity, Subject::Identity(service, identity));
            }
        }
        if found.is_empty() && is_unknown { Observed::Unknown } else { Observed::Value(found) }
    }

    /// Returns true if a source was watched for long enough before a time.
    pub(crate) fn knows(ledger: &Ledger, source: u32, time: u32) -> bool {
        let seen = ledger.seen.get(source as usize).copied().unwrap_or_default();
        time >= seen.saturating_add(SOURCE_WARM_UP_SECONDS)
    }
}
