//! What a group of sources may do: allow-lists.
//!
//! A pack's policy lists for groups of sources which services, hosts and networks they may use, and how. A
//! request that its source's group does not list has the field [`UNLISTED_FIELD`], and rules do the rest.

use super::usage::{User, names_agree};
use super::{Source, address_number};
use crate::anomaly::{Anomalies, Anomaly};
use crate::ids::StrId;
use crate::keyed_hash::IdentityKey;
use crate::name_filter::{NameFilter, hash_of};
use crate::pack::{
    ANY_SERVICE, AllowGroup, AllowTables, AllowTerms, HASH_START, HostReach, OTHER_OPERATION,
    Tables, hash_in, hash_step,
};
use crate::request::{Request, split_port};
use crate::service::{self, Operations, ServiceMatch, plain_host};
use crate::views::overrides;

/// What allow-lists say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// The source is in no group that has a list.
    NoGroup,
    /// Its group, by name, lists the request.
    Listed(StrId, AllowedBy),
    /// Its group, by name, does not list the request.
    Unlisted(StrId),
}

/// The entry that lists a request: an index into a table of [`AllowTables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AllowedBy {
    /// An index into [`AllowTables::services`].
    Service(usize),
    /// The name of the host and which names it means, as [`AllowTables::hosts`] have them.
    Host(StrId, HostReach),
    /// An index into [`AllowTables::networks`].
    Network(usize),
    /// The host belongs to no service, and the group may use all such hosts.
    Other,
}

impl User<'_> {
    /// What the allow-lists say of a request of this user. What is disguised is never listed: a request with
    /// an anomaly of its spelling.
    ///
    /// Takes steps in proportion to the number of groups, of their patterns of sources and networks, and of the
    /// labels of the host, but not to the number of hosts and services that are listed. `names` is [`listed_names`].
    pub(crate) fn allowance(
        &self,
        tables: &Tables,
        names: &NameFilter,
        request: &Request<'_>,
        anomalies: Anomalies,
    ) -> Allowance {
        let allow = &tables.policy.allow;
        let groups = (0..).zip(&allow.groups);
        let mut of_source = groups.filter(|(_, group)| is_in(tables, group, self.source));
        let Some((idx, group)) = of_source.next() else { return Allowance::NoGroup };
        let lists = List { tables, allow, names, group, idx, key: self.key };
        match is_plain(anomalies).then(|| lists.entry(request)).flatten() {
            Some(entry) => Allowance::Listed(group.name, entry),
            None => Allowance::Unlisted(group.name),
        }
    }
}

/// The names that groups list, each with its group: long lists and their texts are in no processor's cache, and most
/// names that are asked for are in no list.
pub(crate) fn listed_names(tables: &Tables) -> NameFilter {
    let hosts = tables.policy.allow.hosts.iter();
    NameFilter::of(hosts.map(|host| hash_in(hash_of(tables.str(host.name)), host.group)))
}

fn is_in(tables: &Tables, group: &AllowGroup, source: Source<'_>) -> bool {
    let sources = group.sources.of(&tables.policy.sources);
    sources.is_empty() || source.is_any_of(tables, sources)
}

/// Returns true if nothing is odd about a request: an address as host is none, and then TLS has no server name. Of a
/// request that overrides its method each is judged.
fn is_plain(anomalies: Anomalies) -> bool {
    let is_address = anomalies.contains(Anomaly::IpLiteral);
    anomalies.iter().all(|anomaly| match anomaly {
        Anomaly::IpLiteral | Anomaly::MethodOverride => true,
        Anomaly::SniMissing => is_address,
        _ => false,
    })
}

/// What one group may do.
struct List<'p> {
    tables: &'p Tables,
    allow: &'p AllowTables,
    names: &'p NameFilter,
    group: &'p AllowGroup,
    /// Its place in the groups.
    idx: u32,
    key: Option<IdentityKey>,
}

/// How a request uses a host.
#[derive(Clone, Copy)]
struct Use<'r> {
    method: &'r [u8],
    port: Option<u16>,
    is_tunnel: bool,
}

/// What the entries for hosts or networks say of a request.
#[derive(Clone, Copy)]
enum Reached {
    /// None is about its host.
    Not,
    /// The nearest ones are about its host and list other uses of it.
    OtherTerms,
    /// This one lists it.
    By(AllowedBy),
}

impl Reached {
    /// This, or `other` if this is about another host.
    fn or(self, other: Reached) -> Reached {
        if matches!(self, Reached::Not) { other } else { self }
    }

    fn entry(self) -> Option<AllowedBy> {
        match self {
            Reached::By(entry) => Some(entry),
            Reached::Not | Reached::OtherTerms => None,
        }
    }
}

impl List<'_> {
    /// The entry that lists a request and the other names that it goes by, whichever of its methods a server takes.
    fn entry(&self, request: &Request<'_>) -> Option<AllowedBy> {
        let others = overrides(request);
        let mut others = others.iter().map(|method| Request { method, ..*request });
        let is_listed = others.all(|request| self.entry_of(&request).is_some());
        is_listed.then(|| self.entry_of(request)).flatten()
    }

    /// The entry that lists a request by its own method, if the server name and the target of its tunnel are its
    /// host, or are listed too: none of them smuggles in a host that is not.
    fn entry_of(&self, request: &Request<'_>) -> Option<AllowedBy> {
        let host = plain_host(request.authority);
        let (_, port) = split_port(request.authority);
        let lists_names = request.other_names().all(|name| {
            let other = plain_host(name);
            // A server name has no port: it is asked for where the request goes.
            let port = if split_port(name).1.is_empty() { port } else { b"" };
            other.is_some()
                && (other == host || self.entry_at(request, &[name, port].concat()).is_some())
        });
        lists_names.then(|| self.entry_at(request, request.authority)).flatten()
    }

    /// The entry that lists a request as if an authority were its only name: what it does to a service, and whose
    /// part of it that is, depends on the host.
    fn entry_at(&self, request: &Request<'_>, authority: &[u8]) -> Option<AllowedBy> {
        let (host, port) = split_port(authority);
        let is_tunnel = request.is_tunnel();
        let port = match port.strip_prefix(b":").unwrap_or_default() {
            [] => Some(if is_tunnel || request.scheme != b"http" { 443 } else { 80 }),
            digits => str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        };
        let used = Use { method: request.method, port, is_tunnel };
        let Some(name) = plain_host(authority) else {
            return self.network(host, used).entry();
        };
        if let Some(entry) = self.service(request, &name, used) {
            return Some(entry);
        }
        let host = self.host(&name, |terms| self.allows(terms, used));
        match host.or(self.network(&name, used)) {
            Reached::Not => self.other(&name, used),
            reached => reached.entry(),
        }
    }

    fn service(&self, request: &Request<'_>, host: &[u8], used: Use<'_>) -> Option<AllowedBy> {
        let found = ServiceMatch::of(self.tables, host, request.path)?;
        let listed = self.group.services.of(&self.allow.services);
        let entries = |service: u32| {
            let first = listed.partition_point(|allowed| allowed.service < service);
            let of_service = listed.get(first..).unwrap_or_default().iter();
            (first..).zip(of_service.take_while(move |allowed| allowed.service == service))
        };
        let operations = found.operations(self.tables, request.method, host, request.path);
        // The host of a tunnel may name a tenant, but nobody sees which one is asked for inside; and of two tenants that
        // a request names the server chooses one.
        let is_one_tenant = !used.is_tunnel && names_agree(self.tables, request, host);
        let key = self.key.filter(|_| is_one_tenant);
        let identities = key.map(|key| found.identities(self.tables, &key));
        let identities = identities.unwrap_or_default();
        for (at, allowed) in entries(found.service).chain(entries(ANY_SERVICE)) {
            let wanted = allowed.identities.of(&self.tables.policy.identities);
            let is_whose = wanted.is_empty()
                || identities.iter().any(|identity| wanted.binary_search(identity).is_ok());
            if is_whose
                && does_only(operations, allowed.operations, used)
                && self.allows(allowed.terms, used)
            {
                return Some(AllowedBy::Service(self.group.services.start as usize + at));
            }
        }
        None
    }

    /// The entry of a host, as far as its terms fit: of the entries that reach it those of the nearest name
    /// decide, and of several for that name one has to fit. So a wildcard lists nothing of what an entry for a
    /// nearer name leaves out. A wildcard lists no host of a service, where strangers have names too.
    fn host(&self, host: &[u8], fits: impl Fn(u32) -> bool) -> Reached {
        let mut nearest = Reached::Not;
        let mut hash = HASH_START;
        // From the last label to the whole name: a longer name replaces a shorter one.
        for (at, byte) in host.iter().enumerate().rev() {
            if *byte == b'.' {
                let name = host.get(at + 1..).unwrap_or_default();
                let n_more = host.get(..at).map_or(0, |more| more.split(|it| *it == b'.').count());
                nearest = self.named(name, hash, n_more, &fits).or(nearest);
            }
            hash = hash_step(hash, *byte);
        }
        if service::is_known(self.tables, host) {
            nearest = Reached::Not;
        }
        self.named(host, hash, 0, &fits).or(nearest)
    }

    /// The entry of a name for a host that has some labels more.
    fn named(&self, name: &[u8], hash: u64, n_more: usize, fits: impl Fn(u32) -> bool) -> Reached {
        let hash = hash_in(hash, self.idx);
        if !self.names.contains(hash) {
            return Reached::Not;
        }
        let reaching = self.allow.hosts_of(hash).iter().filter(|allowed| {
            let reaches = match allowed.reach {
                HostReach::Itself => n_more == 0,
                HostReach::OneLabel => n_more == 1,
                HostReach::Below => n_more > 0,
            };
            reaches && allowed.group == self.idx && self.tables.str(allowed.name).as_bytes() == name
        });
        let mut reached = Reached::Not;
        for allowed in reaching {
            if fits(allowed.terms) {
                return Reached::By(AllowedBy::Host(allowed.name, allowed.reach));
            }
            reached = Reached::OtherTerms;
        }
        reached
    }

    /// The entry of an address, as far as its terms fit: of the networks that contain it the smallest decides.
    fn network(&self, host: &[u8], used: Use<'_>) -> Reached {
        let Some(address) = address_number(host) else { return Reached::Not };
        let networks = (0..).zip(self.group.networks.of(&self.allow.networks));
        let containing =
            networks.filter(|(_, network)| (network.first..=network.last).contains(&address));
        let mut smallest = u128::MAX;
        let mut reached = Reached::Not;
        for (at, network) in containing {
            let size = network.last.saturating_sub(network.first);
            if size > smallest || size == smallest && matches!(reached, Reached::By(_)) {
                continue;
            }
            smallest = size;
            reached = if self.allows(network.terms, used) {
                Reached::By(AllowedBy::Network(self.group.networks.start as usize + at))
            } else {
                Reached::OtherTerms
            };
        }
        reached
    }

    fn other(&self, host: &[u8], used: Use<'_>) -> Option<AllowedBy> {
        let terms = self.group.others.of(&self.allow.terms).first()?;
        (self.is_other(host) && self.fits(terms, used)).then_some(AllowedBy::Other)
    }

    /// Returns true for a name that belongs to no service. Of an address nobody knows that: a service has them too.
    fn is_other(&self, host: &[u8]) -> bool {
        let is_address = address_number(host).is_some();
        !is_address && !service::is_known(self.tables, host)
    }

    fn allows(&self, terms: u32, used: Use<'_>) -> bool {
        self.allow.terms.get(terms as usize).is_some_and(|terms| self.fits(terms, used))
    }

    fn fits(&self, terms: &AllowTerms, used: Use<'_>) -> bool {
        let AllowTerms { methods, ports, tunnels_only } = terms;
        let methods = methods.of(&self.allow.methods);
        let ports = ports.of(&self.allow.ports);
        let is_method = |id: &StrId| self.tables.str(*id).as_bytes() == used.method;
        // Without a port the usual ones are meant. What a tunnel to port 80 carries is no TLS.
        let usual = if used.is_tunnel { &[443][..] } else { &[80, 443] };
        let is_port = |port| match ports {
            [] => usual.contains(&port),
            ports => ports.iter().any(|range| (range.first..=range.last).contains(&port)),
        };
        (used.is_tunnel || !tunnels_only)
            && (methods.is_empty() || methods.iter().any(is_method))
            && used.port.is_some_and(is_port)
    }
}

/// Returns true if all that a request does to a service is listed. Nobody knows what is done in a tunnel, whatever
/// an operation says of all that its host does.
fn does_only(operations: Operations, listed: u32, used: Use<'_>) -> bool {
    let is_other = listed & OTHER_OPERATION != 0 && operations.is_empty();
    listed == 0 || !used.is_tunnel && (is_other || operations.are_all_in(listed))
}
