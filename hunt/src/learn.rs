//! A first allow-list from what sources did: groups of sources that behave alike, and what each may do.
//!
//! A person reads the result before it is put to work, so it has to be short: sources are grouped by their
//! names and networks and then by what they use, operations of a service are one entry, and hosts with a long
//! tail of names that are used once are `others`.

mod families;
mod merge;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::net::IpAddr;

use inspect::pack::{OTHER_OPERATION, Operation};

use crate::limits::{
    MAX_LISTED_IDENTITIES, MAX_SENDING_HOSTS, MIN_REQUESTS_PER_IDENTITY, MIN_TAIL_HOSTS,
    MIN_TAIL_SERVICES, MIN_USES_ANYWHERE, MIN_WILDCARD_HOSTS,
};
use crate::uses::{Manner, Use, UseCount, Uses};
pub use merge::{Merged, merge};

/// Sources that behave alike, and what they did.
#[derive(Clone, Debug)]
pub struct LearnedGroup {
    /// The name, unique among the groups.
    pub name: String,
    /// Patterns of sources, as a policy has them.
    pub sources: Vec<String>,
    /// How many sources were seen.
    pub n_sources: usize,
    /// What they did with many services: operations that are allowed for all of them.
    pub anywhere: Vec<&'static str>,
    /// The services that they used for more.
    pub services: Vec<LearnedService>,
    /// The hosts that they used and that belong to no service, with wildcards.
    pub hosts: Vec<(String, Count)>,
    /// The hosts of no service that are not listed, as there is a long tail of them.
    pub others: Option<LearnedOthers>,
    /// Requests that rules matched, by title.
    pub matched: BTreeMap<String, u64>,
}

/// The long tail of hosts of no service that a group used.
#[derive(Clone, Copy, Debug)]
pub struct LearnedOthers {
    /// How many hosts.
    pub n_hosts: usize,
    /// How often.
    pub count: Count,
    /// Whether they were only read from; hosts to which something was sent are listed then.
    pub is_reading: bool,
}

/// What a group did with a service.
#[derive(Clone, Debug)]
pub struct LearnedService {
    /// Its name.
    pub service: String,
    /// The names of operations; empty where tunnels hide them.
    pub operations: Vec<&'static str>,
    /// Whose parts of it; empty for anybody's.
    pub identities: Vec<String>,
    /// Whose parts were used, where the entry is for anybody's and these were few.
    pub seen: Vec<String>,
    /// The ports, where they are not the usual ones.
    pub ports: Vec<u16>,
    /// Whether it was used through tunnels.
    pub has_tunnels: bool,
    /// How often.
    pub count: Count,
}

/// How often something was used, and by how many sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Requests, and when.
    pub requests: UseCount,
    /// Sources.
    pub n_sources: usize,
}

/// Groups sources and lists what each group did, the group with the most requests first. At most `n_groups`
/// of them are made where sources are alike enough; unlike ones stay apart.
pub fn learn(uses: &Uses, n_groups: usize) -> Vec<LearnedGroup> {
    let families = families::families(uses, n_groups);
    let mut groups: Vec<_> = families.iter().map(|family| group(uses, family)).collect();
    let n_requests = |group: &LearnedGroup| {
        let services = group.services.iter().map(|service| service.count.requests.n_requests);
        let hosts = group.hosts.iter().map(|(_, count)| count.requests.n_requests);
        let others = group.others.iter().map(|others| others.count.requests.n_requests);
        services.chain(hosts).chain(others).sum::<u64>()
    };
    groups.sort_by_key(|group| (std::cmp::Reverse(n_requests(group)), group.name.clone()));
    groups
}

/// Writes a policy of what groups may do, which only reports what else they do.
pub fn to_policy(uses: &Uses, groups: &[LearnedGroup]) -> String {
    write::policy(uses, groups)
}

/// Returns true if a policy would take the name of a source for a pattern: for the start of names, or for a
/// network. Who may choose the name would choose whom an entry is for.
fn is_pattern(source: &str) -> bool {
    let network = source.split_once('/').map(|(address, _)| address.trim_matches(['[', ']']));
    source.ends_with('*') || network.is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

/// Returns true if a policy would take the identity of a use for something else: `*` for open places, `#` for
/// a hash. Without it the entry would be for all tenants.
fn is_of_pattern(used: &Use) -> bool {
    let is_pattern = |identity: &String| identity.starts_with('#') || identity.contains('*');
    matches!(used, Use::Service { identity: Some(identity), .. } if is_pattern(identity))
}

/// How many requests have a source or an identity that a policy would take for a pattern.
fn n_patterns(uses: &Uses) -> u64 {
    let all = uses.by_source.iter().flat_map(|(source, uses)| {
        uses.iter().filter(|(used, _)| is_pattern(source) || is_of_pattern(used))
    });
    all.map(|(_, count)| count.n_requests).sum()
}

/// Counts requests and the sources that they are from.
#[derive(Default)]
struct Tally<'u> {
    requests: UseCount,
    sources: BTreeSet<&'u str>,
}

impl<'u> Tally<'u> {
    fn add(&mut self, source: &'u str, count: UseCount) {
        self.requests.add(count);
        self.sources.insert(source);
    }

    fn count(&self) -> Count {
        Count { requests: self.requests, n_sources: self.sources.len() }
    }
}

#[derive(Default)]
struct ServiceTally<'u> {
    /// By what one request did, as bits.
    by_operations: BTreeMap<u32, OperationsTally<'u>>,
    ports: BTreeSet<u16>,
    has_tunnels: bool,
}

impl ServiceTally<'_> {
    /// All that was done, as bits.
    fn operations(&self) -> u32 {
        self.by_operations.keys().fold(0, |all, operations| all | operations)
    }
}

/// Requests to a service that did the same.
#[derive(Default)]
struct OperationsTally<'u> {
    tally: Tally<'u>,
    /// `None` for a use that names nobody.
    identities: BTreeSet<Option<&'u str>>,
    /// Whether something was sent by requests that no operation describes.
    sends_other: bool,
}

impl<'u> OperationsTally<'u> {
    fn join(&mut self, other: OperationsTally<'u>) {
        join(&mut self.tally, other.tally);
        self.identities.extend(other.identities);
        self.sends_other |= other.sends_other;
    }
}

#[derive(Default)]
struct HostTally<'u> {
    tally: Tally<'u>,
    has_tunnels: bool,
    sends: bool,
}

fn group(uses: &Uses, family: &families::Family) -> LearnedGroup {
    let mut services: BTreeMap<&str, ServiceTally<'_>> = BTreeMap::new();
    let mut hosts: BTreeMap<(&str, u16), HostTally<'_>> = BTreeMap::new();
    let mut matched: BTreeMap<String, u64> = BTreeMap::new();
    for ((source, title), number) in &uses.matched {
        if family.members.contains(source) {
            *matched.entry(title.clone()).or_default() += number;
        }
    }
    for source in &family.members {
        let uses = uses.by_source.get(source).into_iter().flatten();
        for (used, count) in uses.filter(|(used, _)| !is_of_pattern(used)) {
            match used {
                Use::Host { host, port, manner } => {
                    let of_host = hosts.entry((host, *port)).or_default();
                    of_host.tally.add(source, *count);
                    of_host.has_tunnels |= *manner == Manner::Tunnel;
                    of_host.sends |= *manner == Manner::Sends;
                }
                Use::Service { service, operations, identity, port, manner } => {
                    let of_service = services.entry(service).or_default();
                    of_service.has_tunnels |= *manner == Manner::Tunnel;
                    of_service.ports.insert(*port);
                    let bits = if *operations == 0 { OTHER_OPERATION } else { *operations };
                    let of_operations = of_service.by_operations.entry(bits).or_default();
                    of_operations.tally.add(source, *count);
                    of_operations.sends_other |= *operations == 0 && *manner == Manner::Sends;
                    of_operations.identities.insert(identity.as_deref());
                }
            }
        }
    }
    for (name, tally) in &mut services {
        // Who gets something from a service gets the next thing in another way: it is the same direction, and the
        // same part of the service.
        let reads_of_service = reads() & uses.operations.get(*name).copied().unwrap_or_default();
        for (bits, of) in mem::take(&mut tally.by_operations) {
            let bits = if bits & reads() == 0 { bits } else { bits | reads_of_service };
            tally.by_operations.entry(bits).or_default().join(of);
        }
    }
    let anywhere = anywhere(&services);
    for tally in services.values_mut().filter(|tally| !tally.has_tunnels) {
        tally.by_operations.retain(|bits, of| of.sends_other || bits & !anywhere != 0);
    }
    let (hosts, others) = listed_hosts(hosts);
    LearnedGroup {
        name: family.name.clone(),
        sources: family.patterns.iter().cloned().collect(),
        n_sources: family.members.len(),
        anywhere: operation_names(anywhere),
        services: services.into_iter().flat_map(|(name, tally)| listed(name, tally)).collect(),
        hosts,
        others,
        matched,
    }
}

/// The operations by which what is at a service is got, as bits: once, as a file, again and again, or on a connection
/// that stays open. A group that does one of them with a service may do the others that the service has.
fn reads() -> u32 {
    [Operation::Read, Operation::Download, Operation::Poll, Operation::Stream]
        .into_iter()
        .fold(0, |bits, operation| bits | operation.bit())
}

/// The operations that only get something, as bits.
fn gets() -> u32 {
    [Operation::Clone, Operation::Query, Operation::Redirect]
        .into_iter()
        .fold(reads(), |bits, operation| bits | operation.bit())
}

/// The operations that only get something, where the group does them with a long tail of services: the next one
/// will be a service that was not seen.
fn anywhere(services: &BTreeMap<&str, ServiceTally<'_>>) -> u32 {
    if services.len() < MIN_TAIL_SERVICES {
        return 0;
    }
    let getting = Operation::ALL.iter().filter(|operation| gets() & operation.bit() != 0);
    // A repository or a package is got from few services, which are listed.
    let getting = getting.filter(|operation| **operation != Operation::Clone);
    let bits = getting.map(|operation| operation.bit()).chain([OTHER_OPERATION]);
    let is_usual = |bit: &u32| {
        let n_services = services.values().filter(|tally| tally.operations() & bit != 0).count();
        n_services >= MIN_USES_ANYWHERE
    };
    let usual = bits.filter(is_usual).fold(0, |all, bit| all | bit);
    if usual & reads() == 0 { usual } else { usual | reads() }
}

/// What a policy calls that no operation describes.
const OTHER: &str = "other";

/// The names of operations, and `other` for what none describes.
fn operation_names(bits: u32) -> Vec<&'static str> {
    let known = Operation::ALL.iter().filter(|operation| bits & operation.bit() != 0);
    let other = (bits & OTHER_OPERATION != 0).then_some(OTHER);
    known.map(|operation| operation.as_str()).chain(other).collect()
}

/// The entries of a service: one for what was got, and others for what was sent to other tenants. Each has all that one of its requests
/// did, as an entry of a policy has to.
fn listed(name: &str, tally: ServiceTally<'_>) -> Vec<LearnedService> {
    let usual: BTreeSet<u16> = [80, 443].into();
    let is_usual = tally.ports.is_subset(&usual);
    let ports = if is_usual { Vec::new() } else { tally.ports.iter().copied().collect() };
    // Who gets something from a tenant may get other things from it; what is sent has to be seen itself.
    let mut by_direction: BTreeMap<u32, (u32, OperationsTally<'_>)> = BTreeMap::new();
    for (bits, of) in tally.by_operations {
        let is_sent = of.sends_other || bits & !(gets() | OTHER_OPERATION) != 0;
        let (all_bits, all) = by_direction.entry(if is_sent { bits } else { 0 }).or_default();
        *all_bits |= bits;
        all.join(of);
    }
    let mut by_identities: BTreeMap<Vec<String>, (u32, OperationsTally<'_>)> = BTreeMap::new();
    for (bits, of) in by_direction.into_values() {
        // An entry by tenant lists no tunnel, in which another tenant may be asked for.
        let identities = if tally.has_tunnels {
            Vec::new()
        } else {
            listed_identities(&of.identities, of.tally.requests.n_requests, bits)
        };
        let (all_bits, all) = by_identities.entry(identities).or_default();
        *all_bits |= bits;
        all.join(of);
    }
    let entry = |(identities, (bits, of)): (Vec<String>, (u32, OperationsTally<'_>))| {
        let operations = if tally.has_tunnels { Vec::new() } else { operation_names(bits) };
        let is_few = identities.is_empty() && of.identities.len() <= MAX_LISTED_IDENTITIES;
        let seen = of.identities.iter().flatten().filter(|_| is_few);
        let seen = seen.map(|identity| (*identity).to_owned()).collect();
        LearnedService {
            service: name.to_owned(),
            operations,
            identities,
            seen,
            ports: ports.clone(),
            has_tunnels: tally.has_tunnels,
            count: of.tally.count(),
        }
    };
    by_identities.into_iter().map(entry).collect()
}

/// What one request is no habit of: what changes code, access or what is there. As bits.
fn changes() -> u32 {
    [Operation::Push, Operation::Run, Operation::Share, Operation::Delete]
        .into_iter()
        .fold(0, |bits, operation| bits | operation.bit())
}

/// The identities to list: each, or the first place of each, where these are few and come again and again. If
/// every request names another one, or one names nobody, the next one will not be in a list. What changes something
/// of one tenant alone is listed for that one, however seldom.
fn listed_identities(seen: &BTreeSet<Option<&str>>, n_requests: u64, bits: u32) -> Vec<String> {
    let Some(all) = seen.iter().copied().collect::<Option<BTreeSet<&str>>>() else {
        return Vec::new();
    };
    let is_short = |n_identities: usize| {
        n_identities <= MAX_LISTED_IDENTITIES
            && n_requests >= MIN_REQUESTS_PER_IDENTITY * n_identities as u64
    };
    if is_short(all.len()) || all.len() == 1 && bits & changes() != 0 {
        return all.into_iter().map(str::to_owned).collect();
    }
    let first = |identity: &str| {
        // Behind the places is the namespace.
        let (places, namespace) = identity.rsplit_once('@').unwrap_or((identity, ""));
        let (first, _) = places.split_once('/')?;
        let at = if namespace.is_empty() { "" } else { "@" };
        Some(format!("{first}/*{at}{namespace}"))
    };
    match all.into_iter().map(first).collect::<Option<BTreeSet<_>>>() {
        Some(open) if is_short(open.len()) => open.into_iter().collect(),
        _ => Vec::new(),
    }
}

type Listed = (Vec<(String, Count)>, Option<LearnedOthers>);

/// The hosts to list, and those that are not, if they are a long tail. Of a tail from which is mostly read, the hosts
/// to which something is sent are listed: the next host may be anybody's.
fn listed_hosts(hosts: BTreeMap<(&str, u16), HostTally<'_>>) -> Listed {
    let is_usual = |port: u16| matches!(port, 80 | 443);
    let n_once = hosts.values().filter(|host| host.tally.requests.n_requests == 1).count();
    let is_tail = hosts.len() >= MIN_TAIL_HOSTS && n_once * 2 >= hosts.len();
    let usual = hosts.iter().filter(|((_, port), _)| is_usual(*port));
    let has_tunnels = usual.clone().any(|(_, host)| host.has_tunnels);
    let n_sending = usual.filter(|(_, host)| host.sends).count();
    let is_reading = !has_tunnels && n_sending <= MAX_SENDING_HOSTS;
    let mut tail = (0, Tally::default());
    let mut by_parent: BTreeMap<(&str, u16), Vec<(&str, Tally<'_>)>> = BTreeMap::new();
    for ((host, port), HostTally { tally, sends, .. }) in hosts {
        if is_tail && is_usual(port) && !(is_reading && sends) {
            tail.0 += 1;
            join(&mut tail.1, tally);
        } else {
            // Both usual ports are allowed for a name.
            let port = if is_usual(port) { 443 } else { port };
            by_parent.entry((parent(host), port)).or_default().push((host, tally));
        }
    }
    let mut listed: BTreeMap<String, Tally<'_>> = BTreeMap::new();
    for ((parent, port), hosts) in by_parent {
        let port = if is_usual(port) { String::new() } else { format!(":{port}") };
        let names: BTreeSet<_> = hosts.iter().map(|(host, _)| *host).collect();
        let is_wide = !parent.is_empty() && names.len() >= MIN_WILDCARD_HOSTS;
        for (host, tally) in hosts {
            let name = if is_wide { format!("*.{parent}{port}") } else { format!("{host}{port}") };
            join(listed.entry(name).or_default(), tally);
        }
    }
    let listed = listed.into_iter().map(|(name, tally)| (name, tally.count())).collect();
    let others = LearnedOthers { n_hosts: tail.0, count: tail.1.count(), is_reading };
    (listed, is_tail.then_some(others))
}

fn join<'u>(into: &mut Tally<'u>, tally: Tally<'u>) {
    into.requests.add(tally.requests);
    into.sources.extend(tally.sources);
}

/// The name above a host, where a wildcard below it would not take in strangers' names: not a suffix as `com` or
/// `co.uk`. Empty where there is none, or for an address.
fn parent(host: &str) -> &str {
    let Some((_, parent)) = host.split_once('.') else { return "" };
    let mut labels = parent.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let is_address = top.bytes().all(|byte| byte.is_ascii_digit());
    let is_suffix = second.is_empty() || labels.next().is_none() && second.len() <= 3;
    if is_address || is_suffix { "" } else { parent }
}

#[cfg(test)]
mod tests;
