//! Entries of allow-lists, as people read them.

use std::net::{IpAddr, Ipv6Addr};

use inspect::AllowedBy;
use inspect::pack::{ANY_SERVICE, HostReach, OTHER_OPERATION, Operation, Tables};

/// What an entry of an allow-list lists, in backticks where it is a name: ``service `GitHub` (clone)``.
pub fn entry_name(tables: &Tables, entry: AllowedBy) -> String {
    let allow = &tables.policy.allow;
    match entry {
        AllowedBy::Host(name, reach) => {
            format!("host `{}`", written_host(tables.str(name), reach).escape_debug())
        }
        AllowedBy::Network(idx) => allow.networks.get(idx).map_or_else(String::new, |network| {
            format!("network {}", written_network(network.first, network.last))
        }),
        AllowedBy::Other => "others: the host belongs to no service".to_owned(),
        AllowedBy::Service(idx) => {
            let Some(allowed) = allow.services.get(idx) else { return String::new() };
            let service = tables.services.services.get(allowed.service as usize);
            let name = service.map_or("", |service| tables.str(service.name));
            let is_listed = |operation: &&Operation| allowed.operations & operation.bit() != 0;
            let operations = Operation::ALL.iter().filter(is_listed);
            let other = (allowed.operations & OTHER_OPERATION != 0).then_some("other");
            let operations: Vec<_> =
                operations.map(|operation| operation.as_str()).chain(other).collect();
            let operations = match operations.as_slice() {
                [] => String::new(),
                some => format!(" ({})", some.join(", ")),
            };
            if allowed.service == ANY_SERVICE {
                return format!("any service{operations}");
            }
            format!("service `{}`{operations}", name.escape_debug())
        }
    }
}

/// A host as a policy has it.
pub fn written_host(name: &str, reach: HostReach) -> String {
    match reach {
        HostReach::Itself => name.to_owned(),
        HostReach::OneLabel => format!("*.{name}"),
        HostReach::Below => format!("**.{name}"),
    }
}

/// A range of addresses by its first and last; IPv4 as itself.
pub fn written_network(first: u128, last: u128) -> String {
    let address = |bits: u128| match Ipv6Addr::from_bits(bits) {
        address if let Some(address) = address.to_ipv4_mapped() => IpAddr::V4(address),
        address => IpAddr::V6(address),
    };
    if first == last {
        address(first).to_string()
    } else {
        format!("{}-{}", address(first), address(last))
    }
}
