//! What a source did with a host.

use super::super::Ratio;
use super::bucket::{Entry, HEAD_BYTES};
use super::bytes::Reader;
use super::gaps::Gaps;
use super::newness::Newness;
use super::{DEAD_DROP_SECONDS, HOUR, SLACK_SECONDS, WINDOW_SECONDS, epoch_of};

/// A third of a window: bytes and requests are summed in such steps.
const BLOCK_SECONDS: u32 = WINDOW_SECONDS / 3;

/// Blocks that are kept: a window ends in one and starts in the last.
const N_BLOCKS: usize = 4;

/// Events that are known to be reported.
const N_REPORTED: usize = 12;

/// A request of a source to a host, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairUse {
    /// When it started, in seconds since 1970.
    pub time: u32,
    /// The clock now, in seconds since 1970.
    pub now: u32,
    /// Bytes that the source sent.
    pub sent: u64,
    /// Bytes that it received.
    pub received: u64,
    /// How long it took.
    pub seconds: u32,
    /// The keyed hash of the identity that it used of a service.
    pub identity: Option<u64>,
}

/// What a pair used in an epoch, which the other tables have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Some bits of the service's hash; 0 where the host belongs to none.
    pub service: u16,
    /// The bits of the operations.
    pub operations: u32,
}

/// A source with a host: the last gaps, sums of a day, and what is known to be reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairState {
    first: u32,
    last: u32,
    gaps: Gaps,
    /// The current block, and the sums of it and of those before it.
    block: u32,
    blocks: [Block; N_BLOCKS],
    /// The current hour, and a bit for it and for each of those before it.
    hour: u32,
    hours: u32,
    longest: u32,
    longest_at: u32,
    epoch: u32,
    /// A bit for each identity, in this epoch and in the one before.
    identities: [u64; 2],
    used: Used,
    is_noted: bool,
    newness: Newness,
    dead_drop: Option<u16>,
    reported: [u32; N_REPORTED],
    reported_since: u32,
}

/// The sums of some hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    sent: u64,
    received: u64,
    requests: u32,
}

impl PairState {
    /// A pair whose first request starts at a time; `newness` says whether the host is new to the source, and
    /// `dead_drop` how many seconds after a dead drop that is.
    pub fn new(time: u32, newness: Newness, dead_drop: Option<u32>) -> PairState {
        PairState {
            first: time,
            last: time,
            gaps: Gaps::new(time),
            block: time / BLOCK_SECONDS,
            blocks: Default::default(),
            hour: time / HOUR,
            hours: 0,
            longest: 0,
            longest_at: time,
            epoch: epoch_of(time),
            identities: [0; 2],
            used: Used::default(),
            is_noted: false,
            newness,
            dead_drop: dead_drop.map(|seconds| seconds.min(DEAD_DROP_SECONDS) as u16),
            reported: [0; N_REPORTED],
            reported_since: time,
        }
    }

    /// Adds a request.
    ///
    /// Requests may end, and so come, in another order than they started: one that started earlier counts, and
    /// makes no gap. If the clock was set back, gaps start anew and sums stay; if it jumped ahead for more than a
    /// window, all of it is past.
    pub fn add(&mut self, used: &PairUse) {
        let time = used.time.min(used.now.saturating_add(SLACK_SECONDS));
        if self.last > used.now.saturating_add(SLACK_SECONDS) {
            self.last = time;
            self.first = self.first.min(time);
            self.longest_at = self.longest_at.min(time);
            self.reported_since = self.reported_since.min(time);
            self.gaps = Gaps::new(time);
            self.block = time / BLOCK_SECONDS;
            self.hour = time / HOUR;
            self.epoch = epoch_of(time);
        }
        if time > self.last {
            self.gaps.add(time, self.last);
            self.last = time;
        }
        self.advance();
        if let Some(block) = self.blocks.first_mut() {
            block.requests = block.requests.saturating_add(1);
        }
        self.hours |= 1_u32.checked_shl(self.hour.saturating_sub(time / HOUR)).unwrap_or_default();
        let [identities, _] = &mut self.identities;
        *identities |= used.identity.map_or(0, |identity| 1 << (identity % 64));
        self.settle(used);
    }

    /// Adds the bytes and the duration of a request that was added before they were known.
    pub fn settle(&mut self, used: &PairUse) {
        if let Some(block) = self.blocks.first_mut() {
            block.sent = block.sent.saturating_add(used.sent);
            block.received = block.received.saturating_add(used.received);
        }
        if used.seconds >= self.longest || used.now.saturating_sub(self.longest_at) > WINDOW_SECONDS
        {
            self.longest = used.seconds;
            self.longest_at = used.now;
        }
    }

    /// Moves on to the time of the last request.
    fn advance(&mut self) {
        let n_blocks = (self.last / BLOCK_SECONDS).saturating_sub(self.block) as usize;
        if n_blocks > 0 {
            self.blocks.rotate_right(n_blocks.min(N_BLOCKS) % N_BLOCKS);
            self.blocks.iter_mut().take(n_blocks).for_each(|block| *block = Block::default());
            self.block = self.last / BLOCK_SECONDS;
        }
        let n_hours = (self.last / HOUR).saturating_sub(self.hour);
        self.hours = self.hours.checked_shl(n_hours).unwrap_or_default();
        self.hour += n_hours;
        let n_epochs = epoch_of(self.last).saturating_sub(self.epoch);
        if n_epochs > 0 {
            let [current, _] = self.identities;
            self.identities = [0, if n_epochs == 1 { current } else { 0 }];
            self.epoch += n_epochs;
            self.is_noted = false;
        }
    }

    /// Returns how even the gaps between contacts are, and their median in seconds; `None` below four contacts.
    pub fn rhythm(&self) -> Option<(Ratio, u32)> {
        self.gaps.rhythm()
    }

    /// Returns the requests of the last 24 to 32 hours.
    pub fn requests(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.requests)).sum()
    }

    /// Returns in how many of the last 24 hours there was a request.
    pub fn active_hours(&self) -> u32 {
        (self.hours & 0x00ff_ffff).count_ones()
    }

    /// Returns the bytes that were sent and received in the last 24 to 32 hours.
    pub fn bytes(&self) -> (u64, u64) {
        self.blocks.iter().fold((0, 0), |(sent, received), block| {
            (sent.saturating_add(block.sent), received.saturating_add(block.received))
        })
    }

    /// Returns the seconds of the longest request of the window.
    pub fn tunnel_seconds(&self) -> u32 {
        self.longest
    }

    /// Estimates how many identities were used in the last 12 to 24 hours: exactly, but for those that share one
    /// of 64 bits.
    pub fn identities(&self) -> u32 {
        let [current, last] = self.identities;
        let n_empty = (current | last).count_zeros().max(1);
        let estimate = 64.0 * (64.0 / f64::from(n_empty)).ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 267"
        )]
        let rounded = estimate.round() as u32;
        rounded
    }

    /// Returns whether the host is new to the source at a time.
    pub fn newness(&self, time: u32) -> Newness {
        if self.newness == Newness::New && self.is_past(time) { Newness::Old } else { self.newness }
    }

    /// Returns the seconds from a dead drop to the first request, where that is in the window of a time.
    pub fn after_dead_drop(&self, time: u32) -> Option<u32> {
        self.dead_drop.filter(|_| !self.is_past(time)).map(u32::from)
    }

    /// Returns true if the first request is older than a window.
    fn is_past(&self, time: u32) -> bool {
        time.saturating_sub(self.first) >= WINDOW_SECONDS
    }

    /// Returns true if the other tables have this use of this epoch.
    pub fn is_noted(&self, used: Used, time: u32) -> bool {
        self.is_noted
            && self.epoch == epoch_of(time)
            && self.used.service == used.service
            && used.operations & !self.used.operations == 0
    }

    /// Returns true if an identity was used before, as far as 64 bits say.
    pub fn has_identity(&self, identity: u64) -> bool {
        let [current, last] = self.identities;
        (current | last) >> (identity % 64) & 1 == 1
    }

    /// Notes that the other tables have a use.
    pub fn note(&mut self, used: Used) {
        let before = if self.is_noted && self.used.service == used.service {
            self.used.operations
        } else {
            0
        };
        self.used = Used { operations: before | used.operations, ..used };
        self.is_noted = true;
    }

    /// Returns true if an event, by a hash that is not 0 of its rule and what it is about, was not reported in this
    /// window; notes that it is. Of more than twelve the first one is forgotten.
    pub fn report(&mut self, event: u32, now: u32) -> bool {
        if now.saturating_sub(self.reported_since) >= WINDOW_SECONDS {
            self.reported = [0; N_REPORTED];
        }
        if self.reported.contains(&event) {
            return false;
        }
        if self.reported.iter().all(|known| *known == 0) {
            self.reported_since = now;
        }
        self.reported.rotate_right(1);
        if let Some(first) = self.reported.first_mut() {
            *first = event;
        }
        true
    }
}

impl Entry for PairState {
    const VERSION: u8 = 2;
    const BYTES: usize = HEAD_BYTES
        + 4
        + Gaps::BYTES
        + 4
        + 20 * N_BLOCKS
        + 8
        + 8
        + 4
        + 16
        + 6
        + 4
        + 4 * N_REPORTED
        + 4;
    const MOST: usize = 8;

    fn last(&self) -> u32 {
        self.last
    }

    /// Four contacts: it has a rhythm.
    fn is_established(&self) -> bool {
        self.gaps.len() >= 3
    }

    fn read(bytes: &[u8], last: u32) -> Option<PairState> {
        let reader = &mut Reader(bytes);
        let first = reader.u32()?;
        let gaps = Gaps::read(reader)?;
        let block = reader.u32()?;
        let mut blocks: [Block; N_BLOCKS] = Default::default();
        for of in &mut blocks {
            *of = Block { sent: reader.u64()?, received: reader.u64()?, requests: reader.u32()? };
        }
        let (hour, hours) = (reader.u32()?, reader.u32()?);
        let (longest, longest_at) = (reader.u32()?, reader.u32()?);
        let epoch = reader.u32()?;
        let identities = [reader.u64()?, reader.u64()?];
        let used = Used { service: reader.u16()?, operations: reader.u32()? };
        let is_noted = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let newness = match reader.u8()? {
            0 => Newness::Old,
            1 => Newness::New,
            2 => Newness::Unknown,
            _ => return None,
        };
        let dead_drop = reader.u16()?.checked_sub(1);
        let mut reported = [0; N_REPORTED];
        for rule in &mut reported {
            *rule = reader.u32()?;
        }
        let reported_since = reader.u32()?;
        Some(PairState {
            first,
            last,
            gaps,
            block,
            blocks,
            hour,
            hours,
            longest,
            longest_at,
            epoch,
            identities,
            used,
            is_noted,
            newness,
            dead_drop,
            reported,
            reported_since,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut number = |number: u32| out.extend(number.to_le_bytes());
        number(self.first);
        self.gaps.write(out);
        out.extend(self.block.to_le_bytes());
        for block in &self.blocks {
            out.extend(block.sent.to_le_bytes());
            out.extend(block.received.to_le_bytes());
            out.extend(block.requests.to_le_bytes());
        }
        for number in [self.hour, self.hours, self.longest, self.longest_at, self.epoch] {
            out.extend(number.to_le_bytes());
        }
        self.identities.iter().for_each(|identities| out.extend(identities.to_le_bytes()));
        out.extend(self.used.service.to_le_bytes());
        out.extend(self.used.operations.to_le_bytes());
        out.push(u8::from(self.is_noted));
        out.push(match self.newness {
            Newness::Old => 0,
            Newness::New => 1,
            Newness::Unknown => 2,
        });
        out.extend(self.dead_drop.map_or(0, |seconds| seconds + 1).to_le_bytes());
        self.reported.iter().for_each(|rule| out.extend(rule.to_le_bytes()));
        out.extend(self.reported_since.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_790_000_000;

    fn at(time: u32) -> PairUse {
        PairUse { time, now: time, sent: 100, received: 300, ..PairUse::default() }
    }

    fn pair(times: impl IntoIterator<Item = u32>) -> PairState {
        let mut times = times.into_iter().peekable();
        let mut pair = PairState::new(*times.peek().unwrap(), Newness::New, Some(7));
        for time in times {
            pair.add(&at(time));
            let mut bytes = Vec::new();
            pair.write(&mut bytes);
            assert_eq!(bytes.len() + HEAD_BYTES, PairState::BYTES);
            assert_eq!(PairState::read(&bytes, pair.last), Some(pair.clone()));
        }
        pair
    }

    #[test]
    fn requests_are_summed_over_a_day() {
        let one = pair((0..30).map(|hour| NOW + hour * HOUR));
        assert_eq!(one.active_hours(), 24);
        assert!((24..=32).contains(&one.requests()), "{}", one.requests());
        assert_eq!(one.bytes(), (100 * one.requests(), 300 * one.requests()));
        assert_eq!(one.rhythm(), Some((Ratio::from_millionths(1_000_000), HOUR)));
        assert_eq!((one.newness(one.last), one.after_dead_drop(one.last)), (Newness::Old, None));
        let two = pair([NOW, NOW + 5 * 24 * HOUR]);
        assert_eq!((two.requests(), two.active_hours(), two.bytes()), (1, 1, (100, 300)));
        let new = pair([NOW, NOW + 10]);
        assert_eq!((new.newness(new.last), new.after_dead_drop(new.last)), (Newness::New, Some(7)));
        assert_eq!(new.newness(NOW + WINDOW_SECONDS), Newness::Old);
    }

    #[test]
    fn a_request_that_is_settled_later_counts_once() {
        let whole = PairUse { seconds: 90, ..at(NOW) };
        let mut one = PairState::new(NOW, Newness::New, None);
        one.add(&whole);
        let mut two = PairState::new(NOW, Newness::New, None);
        two.add(&PairUse { sent: 0, received: 0, seconds: 0, ..whole });
        two.settle(&whole);
        assert_eq!(one, two);
    }

    #[test]
    fn a_request_that_ends_late_counts_and_makes_no_gap() {
        let mut one = pair((0..20).map(|n| NOW + n * 60));
        let before = one.rhythm();
        let late = PairUse { time: NOW + 30, now: NOW + 1200, seconds: 1170, ..at(0) };
        one.add(&late);
        assert_eq!((one.rhythm(), one.requests(), one.tunnel_seconds()), (before, 21, 1170));
        let much_later = NOW + 1200 + 2 * WINDOW_SECONDS;
        one.add(&at(much_later));
        assert_eq!(one.tunnel_seconds(), 0, "the long one is past");
    }

    #[test]
    fn a_clock_that_jumps_starts_the_rhythm_anew_and_poisons_nothing() {
        let mut one = pair((0..20).map(|n| NOW + n * 60));
        // Ahead by a year, back, and on from there.
        let year = 365 * WINDOW_SECONDS;
        one.add(&at(NOW + year));
        assert_eq!((one.rhythm(), one.requests()), (None, 1));
        one.add(&at(NOW + 1300));
        assert_eq!((one.rhythm(), one.last()), (None, NOW + 1300));
        for n in 0..20 {
            one.add(&at(NOW + 1300 + n * 30));
        }
        assert_eq!(one.rhythm(), Some((Ratio::from_millionths(1_000_000), 30)));
        assert_eq!(one.requests(), 22);
        // A request that started before the clock was set back does not come from the future.
        one.add(&PairUse { time: NOW + year, now: NOW + 2000, ..at(0) });
        assert!(one.last() <= NOW + 2000 + SLACK_SECONDS);
    }

    #[test]
    fn identities_are_counted() {
        let mut one = pair([NOW]);
        for identity in 0..8 {
            one.add(&PairUse { identity: Some(identity * 7919), ..at(NOW + 1) });
        }
        assert!((7..=9).contains(&one.identities()), "{}", one.identities());
        assert!(one.has_identity(7919) && !one.has_identity(1));
        one.add(&at(NOW + 2 * WINDOW_SECONDS));
        assert_eq!(one.identities(), 0);
    }

    #[test]
    fn a_use_is_noted_once_an_epoch_and_a_rule_reported_once_a_window() {
        let mut one = pair([NOW]);
        let used = Used { service: 7, operations: 0b101 };
        assert!(!one.is_noted(used, NOW));
        one.note(used);
        assert!(one.is_noted(Used { operations: 0b100, ..used }, NOW));
        assert!(!one.is_noted(Used { operations: 0b10, ..used }, NOW));
        assert!(!one.is_noted(Used { service: 8, ..used }, NOW));
        assert!(!one.is_noted(used, NOW + WINDOW_SECONDS));
        for (event, now, expect) in [
            (1, NOW, true),
            (1, NOW + 9, false),
            (2, NOW + 10, true),
            (1, NOW + WINDOW_SECONDS - 1, false),
            (1, NOW + WINDOW_SECONDS, true),
            (2, NOW + WINDOW_SECONDS, true),
        ] {
            assert_eq!(one.report(event, now), expect, "{event} {now}");
        }
        let late = NOW + WINDOW_SECONDS;
        assert!((3..13).all(|event| one.report(event, late)));
        assert!(!one.report(2, late), "twelve are known");
        assert!(one.report(13, late) && one.report(1, late), "the first gives way");
    }

    #[test]
    fn bytes_that_are_never_written_are_no_pair() {
        let mut bytes = Vec::new();
        pair([NOW]).write(&mut bytes);
        assert_eq!(PairState::read(&bytes[1..], NOW), None);
        assert_eq!(PairState::read(&vec![0xff; bytes.len()], NOW), None);
    }
}
