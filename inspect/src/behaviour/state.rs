//! What a gateway keeps of behaviour: fixed entries in buckets of bytes, which workers share.
//!
//! Three tables answer the fields of [`super::Behaviour`]. Each entry has a fixed size, a version and a keyed
//! hash of what it is about: no host, source or identity in clear text.
//!
//! | entry | of | answers |
//! | --- | --- | --- |
//! | [`PairState`] | a source with a host | rhythm, requests, hours, bytes, tunnels, identities |
//! | [`WatchState`] | a source, a group of sources, all sources | first uses, new hosts, dead drops |
//! | [`CrowdState`] | a host, a service, all hosts | how many sources use it |
//!
//! A fourth has the groups of correlations, [`CorrelationState`].
//!
//! Everything here is pure: bytes and times go in, bytes and estimates come out. Times are seconds since 1970 of
//! the gateway's clock, which may jump: see [`PairState::add`].

mod bucket;
mod bytes;
mod correlation;
mod crowd;
mod gaps;
mod group;
mod newness;
mod pair;
mod watch;

pub use bucket::{Bucket, Entry, Put};
pub use correlation::{CorrelationState, group_key};
pub use crowd::CrowdState;
pub use group::group_of;
pub use newness::Newness;
pub use pair::{PairState, PairUse, Used};
pub use watch::{DropRead, Subjects, WatchState};

/// The window of the fields, in seconds.
pub const WINDOW_SECONDS: u32 = 24 * HOUR;

/// How long a source has to be watched before something is new to it: what a machine needs all the time it
/// has used by then.
pub const SOURCE_WARM_UP_SECONDS: u32 = HOUR;

/// The same for groups and the network: many of their sources sleep at night.
pub const NETWORK_WARM_UP_SECONDS: u32 = 24 * HOUR;

/// Longest time from a dead drop to the host that it named, in seconds.
pub const DEAD_DROP_SECONDS: u32 = HOUR;

/// How far a time in an entry may be ahead of the clock before the clock is taken for set back, in seconds:
/// a request that started earlier may end, and be counted, later.
const SLACK_SECONDS: u32 = 60;

const HOUR: u32 = 3600;

/// Half a window: what is new moves on in such steps.
const EPOCH_SECONDS: u32 = WINDOW_SECONDS / 2;

/// Returns the number of the epoch of a time. What an entry notes once an epoch need not be noted again in it.
pub fn epoch_of(time: u32) -> u32 {
    time / EPOCH_SECONDS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Uses an entry of any bytes as a gateway does.
    fn use_pair(mut pair: PairState, now: u32) {
        let used =
            PairUse { time: now, now, sent: u64::MAX, identity: Some(3), ..PairUse::default() };
        pair.add(&used);
        pair.add(&PairUse { time: now.saturating_add(60), now: now.saturating_add(60), ..used });
        let _ = (pair.rhythm(), pair.requests(), pair.active_hours(), pair.bytes());
        let _ = (pair.identities(), pair.newness(now), pair.after_dead_drop(now));
        pair.report(7, now);
        let mut bucket = Bucket::read(Vec::new());
        bucket.put(1, &pair, now);
        assert_eq!(bucket.find(1), Some(pair));
    }

    fn use_watch(mut watch: WatchState, now: u32) {
        watch.advance(now);
        watch.note_host(5, SOURCE_WARM_UP_SECONDS);
        watch.note_subject(6, NETWORK_WARM_UP_SECONDS);
        let _ = (watch.new_hosts(60), watch.after_read(1, 2, now));
        watch.note_read(DropRead { agent: 1, host: 3, time: now });
        let mut bucket = Bucket::read(Vec::new());
        bucket.put(1, &watch, now);
        assert_eq!(bucket.find(1), Some(watch));
    }

    fn use_crowd(mut crowd: CrowdState, now: u32) {
        crowd.add(u64::from(now) << 32, now);
        let _ = crowd.n_sources();
        let mut bucket = Bucket::read(Vec::new());
        bucket.put(1, &crowd, now);
        assert_eq!(bucket.find(1), Some(crowd));
    }

    proptest! {
        #[test]
        fn an_entry_of_any_bytes_is_used_or_empty(
            bytes in proptest::collection::vec(any::<u8>(), 3000),
            now in any::<u32>(),
            n_gaps in 0_u8..=32,
        ) {
            let mut pair = bytes.clone();
            // So that some are taken: a ring that is not full, and the bytes that have few values.
            let gaps = 4 + 64;
            (pair[gaps], pair[gaps + 1]) = (n_gaps, n_gaps % 32);
            let flags = PairState::BYTES - bucket::HEAD_BYTES - 4 - 48 - 2 - 2;
            (pair[flags], pair[flags + 1]) = ((now % 2) as u8, n_gaps % 3);
            use_pair(PairState::read(&pair, now / 2).unwrap(), now);
            for last in [0, now, u32::MAX] {
                if let Some(pair) = PairState::read(&bytes, last) {
                    use_pair(pair, now);
                }
                use_watch(WatchState::read(&bytes, last).unwrap(), now);
                use_crowd(CrowdState::read(&bytes, last).unwrap(), now);
            }
        }
    }
}
