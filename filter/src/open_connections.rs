//! The open connections of each client, on this worker.
//!
//! Envoy limits connections for all clients together; what one of them takes is missing to the others. Each
//! worker counts for itself, so a client has as many times the limit as there are workers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// The network of an IPv6 host: within its 64 bits it chooses its addresses itself (RFC 4291, 2.5.1).
const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

thread_local! {
    // An entry for each client with an open connection: Envoy's limit of connections bounds it.
    static OPEN: RefCell<BTreeMap<Client, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// What has one limit: an IPv4 address, an IPv6 network of 64 bits, or all that have no address.
type Client = Option<IpAddr>;

/// The client of an address without a port, as Envoy writes it.
fn client(address: &[u8]) -> Client {
    // An address of one link has its zone at the end (RFC 4007, 11).
    let address = address.split(|byte| *byte == b'%').next()?;
    Some(match str::from_utf8(address).ok()?.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(address & NETWORK),
        address @ IpAddr::V4(_) => address,
    })
}

/// One open connection of a client; it is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    client: Client,
}

impl Slot {
    /// Counts a connection from an address without a port; `None` if its client has `most` open connections
    /// already. The addresses of an IPv6 network of 64 bits are one client.
    pub(crate) fn take(address: &[u8], most: u32) -> Option<Slot> {
        let client = client(address);
        OPEN.with_borrow_mut(|open| {
            let n_open = open.entry(client).or_default();
            if *n_open >= most {
                return None;
            }
            *n_open += 1;
            Some(Slot { client })
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| match open.get_mut(&self.client) {
            Some(n_open) if *n_open > 1 => *n_open -= 1,
            _ => {
                open.remove(&self.client);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_slots_of_its_own_and_gives_them_back() {
        let slots: Vec<_> = (0..3).map(|_| Slot::take(b"192.0.2.1", 3)).collect();
        assert!(slots.iter().all(Option::is_some));
        assert!(Slot::take(b"192.0.2.1", 3).is_none());
        assert!(Slot::take(b"192.0.2.2", 3).is_some());
        drop(slots);
        OPEN.with_borrow(|open| assert!(open.is_empty(), "{open:?}"));
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        for (address, other) in [
            ("2001:db8::1", "2001:db8::ffff:2"),
            ("fe80::1%eth0", "fe80::2"),
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("", "no address"),
        ] {
            let slot = Slot::take(address.as_bytes(), 1);
            assert!(slot.is_some(), "{address}");
            assert!(Slot::take(other.as_bytes(), 1).is_none(), "{address} and {other}");
            assert!(Slot::take(b"2001:db8:0:1::1", 1).is_some());
            assert!(Slot::take(b"192.0.2.2", 1).is_some());
        }
    }
}
