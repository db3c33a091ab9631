//! Values that all workers share, by key, for as long as the process lives: a reload keeps them, a
//! restart does not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A value, and the number of its last change, which is never 0.
type Versioned = (Vec<u8>, u32);

static VALUES: Mutex<BTreeMap<String, Versioned>> = Mutex::new(BTreeMap::new());

/// Returns a value, and the number of its last change.
pub(crate) fn get(key: &str) -> Option<Versioned> {
    VALUES.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

/// Sets a value; returns false if there is one that changed since the number `cas` was read. With 0 it is set
/// in any case.
pub(crate) fn set(key: &str, value: &[u8], cas: u32) -> bool {
    let mut values = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = values.get_mut(key);
    if cas != 0 && known.as_ref().is_some_and(|(_, changed)| *changed != cas) {
        return false;
    }
    match known {
        Some((old, changed)) => {
            value.clone_into(old);
            *changed = changed.checked_add(1).unwrap_or(1);
        }
        None => {
            values.insert(key.to_owned(), (value.to_vec(), 1));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_unless_it_changed_meanwhile() {
        assert_eq!(get("test.a"), None);
        assert!(set("test.a", b"1", 0));
        let (value, cas) = get("test.a").unwrap();
        assert_eq!(value, b"1");
        assert!(set("test.a", b"2", cas));
        assert!(!set("test.a", b"3", cas));
        assert_eq!(get("test.a").unwrap().0, b"2");
        assert!(set("test.a", b"4", 0));
        // As in Envoy, a number other than 0 sets a value that is not there, and no other.
        assert!(set("test.b", b"1", u32::MAX));
        assert!(!set("test.b", b"2", u32::MAX));
        assert_eq!(get("test.b").unwrap().0, b"1");
    }
}
