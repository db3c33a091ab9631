//! The part of a pack that says what groups of sources may do.

use super::policy::{PolicyTables, Range};
use super::tables::Tables;
use super::wire::{Reader, Row, Wire, wire, wire_enum};
use crate::ids::StrId;

wire_enum! {
    /// Which names an allowed host means.
    pub enum HostReach {
        /// The name itself.
        Itself = 0,
        /// The names that have one label more: `*.example.org`.
        OneLabel = 1,
        /// All names below it: `**.example.org`.
        Below = 2,
    }
}

wire! {
    /// What groups of sources may do. Without groups nothing is asked.
    pub struct AllowTables {
        /// The groups; the first one that a source is in decides.
        pub groups: Vec<AllowGroup>,
        /// What the groups may do to services; each range ascending by service.
        pub services: Vec<AllowedService>,
        /// The hosts that groups may reach, by their buckets.
        pub hosts: Vec<AllowedHost>,
        /// For each bucket the place of its first host in `hosts`, and at the end the number of hosts. The
        /// number of buckets is a power of two. Empty without hosts.
        pub buckets: Vec<u32>,
        /// The networks that groups may reach by address.
        pub networks: Vec<AllowedNetwork>,
        /// What entries have in common.
        pub terms: Vec<AllowTerms>,
        /// The methods that terms list.
        pub methods: Vec<StrId>,
        /// The ports that terms list: pairs of first and last.
        pub ports: Vec<PortRange>,
    }

    /// A group of sources.
    pub struct AllowGroup {
        /// What events call it.
        pub name: StrId => near,
        /// Who is in it: a range of [`PolicyTables::sources`]; an empty one is everybody.
        pub sources: Range => row,
        /// A range of [`AllowTables::services`].
        pub services: Range => row,
        /// A range of [`AllowTables::networks`].
        pub networks: Range => row,
        /// How hosts that belong to no service may be used: a range of [`AllowTables::terms`] of one; an empty
        /// one lists none of them.
        pub others: Range => row,
    }

    /// A service that a group may use. All that is listed has to fit.
    pub struct AllowedService {
        /// An index into [`super::ServiceTables::services`], or [`ANY_SERVICE`].
        pub service: u32 => near,
        /// What may be done: [`crate::Operations::bits`], which have to include all that a request does, and
        /// [`OTHER_OPERATION`]. 0 is anything.
        pub operations: u32,
        /// Whose part of the service: a range of [`PolicyTables::identities`]; an empty one is anybody's.
        pub identities: Range => row,
        /// An index into [`AllowTables::terms`].
        pub terms: u32 => near,
    }

    /// A host that a group may reach.
    pub struct AllowedHost {
        /// An index into [`AllowTables::groups`].
        pub group: u32 => near,
        /// In lower case.
        pub name: StrId => near,
        /// Which names it means.
        pub reach: HostReach,
        /// An index into [`AllowTables::terms`].
        pub terms: u32 => near,
    }

    /// A network that a group may reach.
    pub struct AllowedNetwork {
        /// The first address, as an IPv6 address; IPv4 is mapped.
        pub first: u128,
        /// The last address.
        pub last: u128,
        /// An index into [`AllowTables::terms`].
        pub terms: u32 => near,
    }

    /// How a service or host may be used.
    pub struct AllowTerms {
        /// With which methods: a range of [`AllowTables::methods`]; an empty one is any.
        pub methods: Range => row,
        /// At which ports: a range of [`AllowTables::ports`]; an empty one is 80 and 443, and 443 alone for tunnels.
        pub ports: Range => row,
        /// Whether only tunnels are allowed (CONNECT, and TLS that passes through), of which the gateway sees
        /// nothing inside. An entry without it allows them as far as its methods do.
        pub tunnels_only: bool,
    }

    /// Ports from the first to the last.
    pub struct PortRange {
        /// The first.
        pub first: u16,
        /// The last.
        pub last: u16,
    }
}

/// Every service, in [`AllowedService::service`].
pub const ANY_SERVICE: u32 = u32::MAX;

/// The bit in [`AllowedService::operations`] of requests that no operation of the service describes.
pub const OTHER_OPERATION: u32 = 1 << 31;

impl Default for AllowTables {
    /// No groups.
    fn default() -> AllowTables {
        AllowTables {
            groups: Vec::new(),
            services: Vec::new(),
            hosts: Vec::new(),
            buckets: Vec::new(),
            networks: Vec::new(),
            terms: Vec::new(),
            methods: Vec::new(),
            ports: Vec::new(),
        }
    }
}

impl AllowTables {
    /// Sorts hosts into buckets; `name` returns the text of a host.
    pub fn sort_hosts<'t>(&mut self, name: impl Fn(StrId) -> &'t str) {
        self.buckets.clear();
        if self.hosts.is_empty() {
            return;
        }
        let n_buckets = self.hosts.len().next_power_of_two();
        let bucket = |host: &AllowedHost| {
            let hash = name(host.name).bytes().rev().fold(HASH_START, hash_step);
            bucket_of(hash_in(hash, host.group), n_buckets)
        };
        // Equal names keep the order in which they were written.
        self.hosts.sort_by_cached_key(bucket);
        let mut start = 0_u32;
        for wanted in 0..n_buckets {
            self.buckets.push(start);
            let rest = self.hosts.get(start as usize..).unwrap_or_default();
            let n_hosts = rest.iter().take_while(|host| bucket(host) == wanted).count();
            start = start.saturating_add(u32::try_from(n_hosts).unwrap_or(u32::MAX));
        }
        self.buckets.push(start);
    }

    /// The hosts of a bucket: those that a group may have under a name; `hash` is that of [`hash_in`].
    pub(crate) fn hosts_of(&self, hash: u64) -> &[AllowedHost] {
        let Some(n_buckets) = self.buckets.len().checked_sub(1).filter(|n| *n > 0) else {
            return &[];
        };
        let at = bucket_of(hash, n_buckets);
        let place = |at: usize| self.buckets.get(at).map_or(0, |place| *place as usize);
        self.hosts.get(place(at)..place(at + 1)).unwrap_or_default()
    }

    /// Returns true if every index is in range, and what is searched is in order. Takes steps in proportion
    /// to the tables.
    pub(super) fn check(&self, tables: &Tables, policy: &PolicyTables) -> bool {
        let string = |id: &StrId| id.index() < tables.string_ends.len();
        let is_index = |idx: u32, n_elements: usize| (idx as usize) < n_elements;
        let terms = |idx: u32| is_index(idx, self.terms.len());
        let n_buckets = self.buckets.len().saturating_sub(1);
        let identities_ascend = super::policy::Ascents::of(&policy.identities);
        let services: Vec<u32> = self.services.iter().map(|allowed| allowed.service).collect();
        let services_ascend = super::policy::Ascents::of(&services);
        self.groups.iter().all(|group| {
            string(&group.name)
                && group.sources.holds(policy.sources.len())
                && services_ascend.hold_in(&group.services)
                && group.networks.holds(self.networks.len())
                && group.others.holds(self.terms.len())
        }) && self.services.iter().all(|allowed| {
            (is_index(allowed.service, tables.services.services.len())
                || allowed.service == ANY_SERVICE)
                && identities_ascend.hold_in(&allowed.identities)
                && terms(allowed.terms)
        }) && self.hosts.iter().all(|host| {
            is_index(host.group, self.groups.len()) && string(&host.name) && terms(host.terms)
        }) && self.networks.iter().all(|network| terms(network.terms))
            && self.terms.iter().all(|terms| {
                terms.methods.holds(self.methods.len()) && terms.ports.holds(self.ports.len())
            })
            && self.methods.iter().all(string)
            && self.buckets.is_sorted()
            && (self.hosts.is_empty() || n_buckets.is_power_of_two())
            && self.buckets.last().map_or(0, |end| *end as usize) == self.hosts.len()
    }
}

/// The start of a hash of a name, from its last byte to its first, so that one pass over a host gives those
/// of all names above it: FNV-1a. Names are compared too, so nobody gains by collisions.
pub(crate) const HASH_START: u64 = 0xCBF2_9CE4_8422_2325;

/// Takes one more byte into a hash.
pub(crate) fn hash_step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
}

/// The hash of a name in a group, of which the high bits depend on both.
pub(crate) fn hash_in(hash: u64, group: u32) -> u64 {
    (hash ^ u64::from(group)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The bucket of a name in a group by its hash; `n_buckets` is a power of two.
fn bucket_of(hash: u64, n_buckets: usize) -> usize {
    (hash >> 32) as usize & n_buckets.wrapping_sub(1)
}
