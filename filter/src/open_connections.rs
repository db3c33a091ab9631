//! The open connections of each client, on this worker.
//!
//! Envoy limits connections for all clients together; what one of them takes is missing to the others. Each
//! worker counts for itself, so a client has as many times the limit as there are workers.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    // An entry for each address with an open connection: Envoy's limit of connections bounds it.
    static OPEN: RefCell<BTreeMap<Vec<u8>, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// One open connection of a client; it is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    source: Vec<u8>,
}

impl Slot {
    /// Counts a connection from an address; `None` if the address has `most` open connections already.
    pub(crate) fn take(source: &[u8], most: u32) -> Option<Slot> {
        OPEN.with_borrow_mut(|open| {
            let n_open = open.get(source).copied().unwrap_or_default();
            if n_open >= most {
                return None;
            }
            open.insert(source.to_vec(), n_open + 1);
            Some(Slot { source: source.to_vec() })
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| match open.get_mut(&self.source) {
            Some(n_open) if *n_open > 1 => *n_open -= 1,
            _ => {
                open.remove(&self.source);
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
}
