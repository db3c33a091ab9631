//! The packs that a worker has decoded.
//!
//! Each configuration has a root of its own, and Envoy keeps a virtual machine while configurations with its `vm_id`
//! come and go. So one that has the pack of another, for another listener or with other settings, takes that pack as it
//! is: decoding takes most of the time in which a worker of Envoy judges nothing.

use std::sync::{Arc, Weak};

use inspect::Pack;
use inspect::pack::{Envelope, PackError};

use crate::memory::Part;

// Of packs that a configuration uses; the others leave the list with the next one.
const PACKS: Part<Vec<Weak<Pack>>> = Part(|memory| &memory.packs);

/// Returns the pack in an envelope, whose body's hash was checked: decoded, or shared if a configuration on this
/// worker uses it.
///
/// # Errors
/// The pack cannot be decoded.
pub(crate) fn decoded(envelope: Envelope<'_>) -> Result<Arc<Pack>, PackError> {
    let known = PACKS.with_borrow_mut(|packs| {
        packs.retain(|pack| pack.strong_count() > 0);
        packs.iter().filter_map(Weak::upgrade).find(|pack| envelope.is_of(pack))
    });
    if let Some(pack) = known {
        return Ok(pack);
    }
    let pack = Arc::new(envelope.decode()?);
    PACKS.with_borrow_mut(|packs| packs.push(Arc::downgrade(&pack)));
    Ok(pack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pack_of, pack_of_version, signed_by};

    fn decode(bytes: &[u8]) -> Arc<Pack> {
        decoded(Envelope::read(bytes).unwrap()).unwrap()
    }

    #[test]
    fn a_pack_that_is_in_use_is_shared() {
        let bytes = pack_of("cs-host: a.example");
        let first = decode(&bytes);
        assert!(Arc::ptr_eq(&first, &decode(&bytes)));
        for other in [
            pack_of("cs-host: b.example"),
            pack_of_version(8, &["cs-host: a.example"]),
            signed_by(1, bytes.clone()),
        ] {
            let other = decode(&other);
            assert!(!Arc::ptr_eq(&first, &other));
            assert_ne!((first.hash(), first.is_signed()), (other.hash(), other.is_signed()));
        }
        assert!(Arc::ptr_eq(&first, &decode(&bytes)), "others came and went");
    }

    #[test]
    fn a_pack_that_no_configuration_uses_is_dropped() {
        let bytes = pack_of("cs-host: a.example");
        let first = Arc::downgrade(&decode(&bytes));
        assert_eq!(first.strong_count(), 0);
        let second = decode(&bytes);
        assert_eq!(PACKS.with_borrow(Vec::len), 1);
        drop(second);
    }
}
