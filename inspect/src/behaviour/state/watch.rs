//! What a source, a group of sources or all sources used, and what is new to them.

use super::bucket::{Entry, HEAD_BYTES};
use super::bytes::Reader;
use super::newness::{Filters, Newness};
use super::{DEAD_DROP_SECONDS, HOUR, SLACK_SECONDS};

/// Bytes of a filter of hosts: some 480 fit before one in fifty is mistaken.
const HOSTS: usize = 512;

/// Bytes of a filter of services, operations and identities.
const SUBJECTS: usize = 64;

/// Dead-drop reads that are known.
const N_READS: usize = 4;

/// A read of a service, which may be a dead drop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropRead {
    /// Some bits of the hash of the program.
    pub agent: u32,
    /// Some bits of the hash of the host.
    pub host: u32,
    /// When, in seconds since 1970; 0 for no read.
    pub time: u32,
}

/// What a request uses of a service, as keyed hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// The service.
    pub service: Option<u64>,
    /// What the request does, each on its service.
    pub operations: Vec<u64>,
    /// Whose part of it.
    pub identity: Option<u64>,
}

/// Somebody who is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchState {
    /// When it was seen first.
    first: u32,
    last: u32,
    hosts: Filters<HOSTS>,
    subjects: Filters<SUBJECTS>,
    hour: u32,
    n_new_hosts: u32,
    reads: [DropRead; N_READS],
}

impl WatchState {
    /// Somebody who is seen first at a time.
    pub fn new(time: u32) -> WatchState {
        WatchState {
            first: time,
            last: time,
            hosts: Filters::new(),
            subjects: Filters::new(),
            hour: time / HOUR,
            n_new_hosts: 0,
            reads: Default::default(),
        }
    }

    /// Moves on to a time. If the clock was set back, it is watched since then at the latest.
    pub fn advance(&mut self, time: u32) {
        if self.last > time.saturating_add(SLACK_SECONDS) {
            self.first = self.first.min(time);
            self.hour = time / HOUR;
            self.n_new_hosts = 0;
            self.reads = Default::default();
            self.last = time;
        }
        if time > self.last {
            self.hosts.advance(self.last, time);
            self.subjects.advance(self.last, time);
            self.last = time;
        }
        if self.last / HOUR != self.hour {
            self.hour = self.last / HOUR;
            self.n_new_hosts = 0;
        }
    }

    /// Returns true if it has been watched for so long.
    pub fn is_known(&self, warm_up: u32) -> bool {
        self.last.saturating_sub(self.first) >= warm_up
    }

    /// When it was seen first.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// Notes the use of a host at the time of the last [`WatchState::advance`]. Until it was watched for
    /// `warm_up` seconds, nobody knows whether a host is new, and none that is used by then is new later.
    pub fn note_host(&mut self, host: u64, warm_up: u32) -> Newness {
        let is_known = self.is_known(warm_up);
        if is_known && self.hosts.is_unused(host) {
            self.n_new_hosts = self.n_new_hosts.saturating_add(1);
        }
        note(&mut self.hosts, host, is_known)
    }

    /// Notes the use of something of a service in the same way.
    pub fn note_subject(&mut self, subject: u64, warm_up: u32) -> Newness {
        let is_known = self.is_known(warm_up);
        note(&mut self.subjects, subject, is_known)
    }

    /// Returns how many hosts were new to it in the clock hour of the last [`WatchState::advance`]; `None` if
    /// that is not known, as it was not watched for so long before the hour.
    pub fn new_hosts(&self, warm_up: u32) -> Option<u32> {
        let is_known = self.hour.saturating_mul(HOUR).saturating_sub(self.first) >= warm_up;
        is_known.then_some(self.n_new_hosts)
    }

    /// Notes a read of a service.
    pub fn note_read(&mut self, read: DropRead) {
        let own = |known: &DropRead| known.agent == read.agent && known.host == read.host;
        let place = self.reads.iter().position(own);
        let oldest = (0..N_READS).min_by_key(|idx| self.reads.get(*idx).map(|read| read.time));
        if let Some(place) = place.or(oldest).and_then(|idx| self.reads.get_mut(idx)) {
            *place = read;
        }
    }

    /// Returns the seconds from the last read by a program, of another host, to a time, if it is not long ago.
    pub fn after_read(&self, agent: u32, host: u32, time: u32) -> Option<u32> {
        let of_program = |read: &&DropRead| {
            read.time > 0 && read.agent == agent && read.host != host && read.time <= time
        };
        let last = self.reads.iter().filter(of_program).map(|read| read.time).max()?;
        Some(time - last).filter(|seconds| *seconds <= DEAD_DROP_SECONDS)
    }
}

/// Notes a thing, in the filter of what is known if nobody knows whether it is new.
fn note<const N: usize>(filters: &mut Filters<N>, thing: u64, is_known: bool) -> Newness {
    if is_known {
        return filters.note(thing);
    }
    filters.note_known(thing);
    Newness::Unknown
}

impl Entry for WatchState {
    const VERSION: u8 = 1;
    const BYTES: usize =
        HEAD_BYTES + 4 + Filters::<HOSTS>::BYTES + Filters::<SUBJECTS>::BYTES + 8 + 12 * N_READS;
    const MOST: usize = 4;

    fn last(&self) -> u32 {
        self.last
    }

    fn is_established(&self) -> bool {
        self.is_known(super::SOURCE_WARM_UP_SECONDS)
    }

    fn read(bytes: &[u8], last: u32) -> Option<WatchState> {
        let reader = &mut Reader(bytes);
        let first = reader.u32()?;
        let hosts = Filters::read(reader)?;
        let subjects = Filters::read(reader)?;
        let (hour, n_new_hosts) = (reader.u32()?, reader.u32()?);
        let mut reads: [DropRead; N_READS] = Default::default();
        for read in &mut reads {
            *read = DropRead { agent: reader.u32()?, host: reader.u32()?, time: reader.u32()? };
        }
        Some(WatchState { first, last, hosts, subjects, hour, n_new_hosts, reads })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.first.to_le_bytes());
        self.hosts.write(out);
        self.subjects.write(out);
        out.extend(self.hour.to_le_bytes());
        out.extend(self.n_new_hosts.to_le_bytes());
        for read in &self.reads {
            for number in [read.agent, read.host, read.time] {
                out.extend(number.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::state::{SOURCE_WARM_UP_SECONDS, WINDOW_SECONDS};

    const NOW: u32 = 1_790_000_000 / HOUR * HOUR;
    const WARM_UP: u32 = SOURCE_WARM_UP_SECONDS;

    /// What hosts are to a source that uses them at these times.
    fn noted(uses: &[(u32, u64)]) -> (WatchState, Vec<Newness>) {
        let mut watch = WatchState::new(uses[0].0);
        let mut seen = Vec::new();
        for (time, host) in uses {
            watch.advance(*time);
            seen.push(watch.note_host(host.wrapping_mul(0x9E37_79B9_7F4A_7C15), WARM_UP));
            let mut bytes = Vec::new();
            watch.write(&mut bytes);
            assert_eq!(bytes.len() + HEAD_BYTES, WatchState::BYTES);
            watch = WatchState::read(&bytes, watch.last).unwrap();
        }
        (watch, seen)
    }

    #[test]
    fn nothing_is_new_until_a_source_was_watched() {
        use Newness::{New, Old, Unknown};
        let later = NOW + WARM_UP;
        let (watch, seen) = noted(&[
            (NOW, 1),
            (NOW + 60, 2),
            (later, 1),
            (later, 3),
            (later + 60, 3),
            (later + WINDOW_SECONDS, 2),
            (later + 2 * WINDOW_SECONDS, 3),
        ]);
        assert_eq!(seen, [Unknown, Unknown, Old, New, New, Old, Old]);
        assert_eq!(watch.new_hosts(WARM_UP), Some(0));
    }

    #[test]
    fn new_hosts_are_counted_by_the_hour() {
        let hour = NOW + 2 * HOUR;
        let uses: Vec<_> =
            [(NOW, 1)].into_iter().chain((0..30).map(|n| (hour + n, 2 + u64::from(n)))).collect();
        let (mut watch, _) = noted(&uses);
        assert_eq!(watch.new_hosts(WARM_UP), Some(30));
        watch.advance(hour + HOUR);
        assert_eq!(watch.new_hosts(WARM_UP), Some(0));
        let (watch, _) = noted(&[(NOW + 1, 1), (hour, 2)]);
        assert_eq!(watch.new_hosts(2 * WARM_UP), None, "a second too few");
    }

    #[test]
    fn a_new_host_after_a_dead_drop_is_of_the_program_that_read_it() {
        let mut watch = WatchState::new(NOW);
        for (agent, host, time) in [(1, 7, NOW), (1, 7, NOW + 50), (2, 8, NOW + 60)] {
            watch.note_read(DropRead { agent, host, time });
        }
        assert_eq!(watch.after_read(1, 9, NOW + 100), Some(50));
        assert_eq!(watch.after_read(2, 9, NOW + 100), Some(40));
        assert_eq!(watch.after_read(2, 8, NOW + 100), None, "the host itself");
        assert_eq!(watch.after_read(3, 9, NOW + 100), None, "another program");
        assert_eq!(watch.after_read(1, 9, NOW + 51 + DEAD_DROP_SECONDS), None, "long ago");
        assert_eq!(watch.after_read(1, 9, NOW + 10), None, "not read yet");
        for host in 20..24 {
            watch.note_read(DropRead { agent: 4, host, time: NOW + 200 });
        }
        assert_eq!(watch.after_read(1, 9, NOW + 201), None, "too many reads");
    }

    #[test]
    fn a_clock_that_is_set_back_starts_the_watch_no_later() {
        let (mut watch, _) = noted(&[(NOW, 1), (NOW + 5 * HOUR, 2)]);
        watch.note_read(DropRead { agent: 1, host: 1, time: NOW + 5 * HOUR });
        watch.advance(NOW - 9 * HOUR);
        assert_eq!((watch.first(), watch.last()), (NOW - 9 * HOUR, NOW - 9 * HOUR));
        assert!(!watch.is_known(WARM_UP));
        assert_eq!(watch.after_read(1, 2, NOW + 5 * HOUR), None);
    }
}
