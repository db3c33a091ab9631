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
//! Everything here is pure: bytes and times go in, bytes and estimates come out. Times are seconds since 1970 of
//! the gateway's clock, which may jump: see [`PairState::add`].

mod bucket;
mod bytes;
mod crowd;
mod gaps;
mod group;
mod newness;
mod pair;
mod watch;

pub use bucket::{Bucket, Entry, Put};
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
