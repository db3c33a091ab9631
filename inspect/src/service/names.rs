//! What the services of a pack have of a host and the names above it.

use crate::name_filter::NameFilter;
use crate::pack::{HASH_START, ServiceHost, Tables, hash_step};

/// The entries of a host and of the names above it, from the longest name to the shortest: each name is looked
/// up once for a request, whatever many services and templates share it.
#[derive(Debug)]
pub(super) struct KnownNames<'p>(Vec<&'p [ServiceHost]>);

impl<'p> KnownNames<'p> {
    pub(super) fn of(tables: &'p Tables, host: &[u8]) -> KnownNames<'p> {
        KnownNames(names_of(tables, host).collect())
    }

    /// The same where a filter has all names of services: names that it has not are not looked up.
    pub(super) fn of_filtered(
        tables: &'p Tables,
        host: &[u8],
        filter: &NameFilter,
    ) -> KnownNames<'p> {
        let mut hosts = Vec::new();
        let mut add = |name: &[u8], hash| {
            if filter.contains(hash) {
                hosts.push(by_name(tables, name));
            }
        };
        let mut hash = HASH_START;
        for (at, byte) in host.iter().enumerate().rev() {
            if *byte == b'.' {
                add(host.get(at + 1..).unwrap_or_default(), hash);
            }
            hash = hash_step(hash, *byte);
        }
        add(host, hash);
        hosts.retain(|hosts| !hosts.is_empty());
        hosts.reverse();
        KnownNames(hosts)
    }

    /// The entries of each name that has any.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'p [ServiceHost]> {
        self.0.iter().copied()
    }

    /// The entries of all names.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &'p ServiceHost> {
        self.iter().flatten()
    }
}

/// The entries of a host and of the names above it, from the longest name to the shortest; names that no service
/// has are left out.
pub(super) fn names_of<'p>(
    tables: &'p Tables,
    host: &[u8],
) -> impl Iterator<Item = &'p [ServiceHost]> {
    suffixes(host).map(|name| by_name(tables, name)).filter(|hosts| !hosts.is_empty())
}

/// A host and the names above it, from the longest to the shortest.
fn suffixes(host: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(host), |name: &&[u8]| {
        let name: &[u8] = name;
        let dot = name.iter().position(|byte| *byte == b'.')?;
        name.get(dot + 1..)
    })
}

/// The services that have a host of this name.
fn by_name<'p>(tables: &'p Tables, name: &[u8]) -> &'p [ServiceHost] {
    let hosts = &tables.services.hosts;
    let text = |host: &ServiceHost| tables.str(host.name).as_bytes();
    let start = hosts.partition_point(|host| text(host) < name);
    let rest = hosts.get(start..).unwrap_or_default();
    let n_same = rest.iter().take_while(|host| text(host) == name).count();
    rest.get(..n_same).unwrap_or_default()
}
