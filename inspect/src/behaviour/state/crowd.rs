//! How many sources use a host or a service.

use super::bucket::{Entry, HEAD_BYTES};
use super::bytes::Reader;
use super::{SLACK_SECONDS, SOURCE_WARM_UP_SECONDS, WINDOW_SECONDS};

/// Registers of a sketch; [`CrowdState::n_sources`] has the number once more.
const N_REGISTERS: usize = 128;

/// Bytes of a sketch: two registers each.
const SKETCH_BYTES: usize = N_REGISTERS / 2;

/// How many different sources used something, in this day and in the one before it: two sketches of 128 small
/// registers (`HyperLogLog`). Up to about ten sources the count is exact but for sources that share a register, one
/// in 128; of many it is within a tenth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdState {
    /// When it was used first, and last.
    pub first: u32,
    last: u32,
    day: u32,
    today: [u8; SKETCH_BYTES],
    yesterday: [u8; SKETCH_BYTES],
}

impl CrowdState {
    /// Nobody used it before this time.
    pub fn new(time: u32) -> CrowdState {
        CrowdState {
            first: time,
            last: time,
            day: time / WINDOW_SECONDS,
            today: [0; SKETCH_BYTES],
            yesterday: [0; SKETCH_BYTES],
        }
    }

    /// Adds a use by a source, a keyed hash.
    pub fn add(&mut self, source: u64, time: u32) {
        if self.last > time.saturating_add(SLACK_SECONDS) {
            // The clock was set back: what was counted stays, and ages from now on.
            self.last = time;
            self.first = self.first.min(time);
        }
        self.last = self.last.max(time);
        let day = self.last / WINDOW_SECONDS;
        match day.checked_sub(self.day) {
            Some(0) | None => {}
            Some(1) => self.yesterday = std::mem::replace(&mut self.today, [0; SKETCH_BYTES]),
            Some(_) => {
                self.today = [0; SKETCH_BYTES];
                self.yesterday = [0; SKETCH_BYTES];
            }
        }
        self.day = day;
        let register = (source & 0x7f) as usize % N_REGISTERS;
        // A register has the most zeros in front of a hash so far, and one more.
        let rank = ((source >> 7).leading_zeros() - 7 + 1).min(15) as u8;
        if let Some(byte) = self.today.get_mut(register / 2) {
            let shift = register % 2 * 4;
            if *byte >> shift & 15 < rank {
                *byte = *byte & !(15 << shift) | rank << shift;
            }
        }
    }

    /// Estimates how many sources there are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to some millions"
    )]
    pub fn n_sources(&self) -> u32 {
        let bytes = self.today.iter().zip(&self.yesterday);
        let registers = bytes.flat_map(|(today, yesterday)| {
            [(today & 15).max(yesterday & 15), (today >> 4).max(yesterday >> 4)]
        });
        let (mut n_empty, mut sum) = (0_u32, 0.0);
        for rank in registers {
            n_empty += u32::from(rank == 0);
            sum += 0.5_f64.powi(i32::from(rank));
        }
        let n = 128.0_f64;
        let alpha = 0.7213 / (1.0 + 1.079 / n);
        let estimate = alpha * n * n / sum;
        let is_small = estimate <= 2.5 * n && n_empty > 0;
        let estimate = if is_small { n * (n / f64::from(n_empty)).ln() } else { estimate };
        estimate.round() as u32
    }
}

impl Entry for CrowdState {
    const VERSION: u8 = 1;
    const BYTES: usize = HEAD_BYTES + 8 + 2 * SKETCH_BYTES;
    const MOST: usize = 8;

    fn last(&self) -> u32 {
        self.last
    }

    fn is_established(&self) -> bool {
        self.last.saturating_sub(self.first) >= SOURCE_WARM_UP_SECONDS
    }

    fn read(bytes: &[u8], last: u32) -> Option<CrowdState> {
        let mut reader = Reader(bytes);
        Some(CrowdState {
            first: reader.u32()?,
            last,
            day: reader.u32()?,
            today: reader.array()?,
            yesterday: reader.array()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.first.to_le_bytes());
        out.extend(self.day.to_le_bytes());
        out.extend(self.today);
        out.extend(self.yesterday);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed_hash::IdentityKey;

    const NOW: u32 = 1_790_000_000;

    fn source(number: u32) -> u64 {
        IdentityKey([0; 16]).hash([&number.to_le_bytes()[..]])
    }

    fn crowd(n_sources: u32) -> CrowdState {
        let mut crowd = CrowdState::new(NOW);
        for number in 0..n_sources {
            crowd.add(source(number), NOW);
            crowd.add(source(number), NOW);
        }
        crowd
    }

    #[test]
    fn few_sources_are_counted_and_many_estimated() {
        for n_sources in [0, 1, 2, 3, 5] {
            assert_eq!(crowd(n_sources).n_sources(), n_sources);
        }
        for n_sources in [50, 100, 1000, 100_000] {
            let estimate = f64::from(crowd(n_sources).n_sources()) / f64::from(n_sources);
            assert!((0.75..1.25).contains(&estimate), "{n_sources}: {estimate}");
        }
    }

    #[test]
    fn sources_are_forgotten_after_two_days() {
        let mut crowd = crowd(5);
        crowd.add(source(9), NOW + WINDOW_SECONDS);
        assert_eq!(crowd.n_sources(), 6);
        crowd.add(source(9), NOW + 2 * WINDOW_SECONDS);
        assert_eq!(crowd.n_sources(), 1);
        crowd.add(source(8), NOW + 99 * WINDOW_SECONDS);
        assert_eq!(crowd.n_sources(), 1);
        // A clock that is set back.
        crowd.add(source(7), NOW);
        assert_eq!((crowd.n_sources(), crowd.last), (2, NOW));
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let crowd = crowd(100);
        let mut bytes = Vec::new();
        crowd.write(&mut bytes);
        assert_eq!(bytes.len() + HEAD_BYTES, CrowdState::BYTES);
        assert_eq!(CrowdState::read(&bytes, NOW), Some(crowd));
    }
}
