//! The last gaps of a pair, and how even they are, in whole numbers.

use super::super::Ratio;
use super::WINDOW_SECONDS;
use super::bytes::Reader;

/// Requests that follow another by at most so many seconds are of one contact.
const CONTACT_SECONDS: u32 = 3;

/// Gaps that are kept.
const N_GAPS: usize = 32;
/// The same as a byte.
const N_GAPS_BYTE: u8 = 32;

/// Fewest gaps of a rhythm: those between four contacts.
const MIN_GAPS: usize = 3;

/// Fewest gaps of which the ratios are looked at.
const MIN_RATIO_GAPS: usize = 8;

/// The gaps between the contacts of a pair, the last 32 of them, in seconds. One of more than 18 hours is
/// taken for as long, and one of more than a window starts anew: the clock jumped, or the rhythm is not one of
/// this window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    ring: [u16; N_GAPS],
    /// How many there are.
    count: u8,
    /// Where the next one goes.
    next: u8,
    /// When the last contact began.
    contact: u32,
}

impl Gaps {
    /// Bytes of an entry that it takes.
    pub(super) const BYTES: usize = 2 * N_GAPS + 6;

    /// The first contact.
    pub(super) fn new(time: u32) -> Gaps {
        Gaps { ring: [0; N_GAPS], count: 0, next: 0, contact: time }
    }

    /// Adds a request at a time that is not before that of the request before it, `last`.
    pub(super) fn add(&mut self, time: u32, last: u32) {
        if time.saturating_sub(last) <= CONTACT_SECONDS {
            return;
        }
        let gap = time.saturating_sub(self.contact);
        if gap > WINDOW_SECONDS {
            *self = Gaps::new(time);
            return;
        }
        if let Some(place) = self.ring.get_mut(usize::from(self.next)) {
            *place = u16::try_from(gap).unwrap_or(u16::MAX);
        }
        self.next = (self.next + 1) % N_GAPS_BYTE;
        self.count = (self.count + 1).min(N_GAPS_BYTE);
        self.contact = time;
    }

    /// Returns the number of gaps.
    pub(super) fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Returns how even the gaps are, and their median in seconds; `None` below four contacts.
    ///
    /// As over logs: one less the spread of the middle half by the median, of the gaps or of the ratios of
    /// neighbouring ones, whichever is more.
    pub(super) fn rhythm(&self) -> Option<(Ratio, u32)> {
        if self.len() < MIN_GAPS {
            return None;
        }
        let start = if self.len() < N_GAPS { 0 } else { usize::from(self.next) };
        let in_order = self.ring.iter().cycle().skip(start).take(self.len());
        let gaps: Vec<u64> = in_order.map(|gap| u64::from(*gap)).collect();
        let (mut score, period) = evenness(&gaps)?;
        if gaps.len() >= MIN_RATIO_GAPS {
            let pairs = gaps.iter().zip(gaps.iter().skip(1));
            let ratios: Vec<u64> = pairs.map(|(gap, next)| (next << 16) / gap.max(&1)).collect();
            score = score.max(evenness(&ratios).map_or(Ratio::default(), |(score, _)| score));
        }
        Some((score, u32::try_from(period).unwrap_or(u32::MAX)))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Gaps> {
        let mut ring = [0; N_GAPS];
        for gap in &mut ring {
            *gap = reader.u16()?;
        }
        let (n_gaps, next, contact) = (reader.u8()?, reader.u8()?, reader.u32()?);
        let is_written = usize::from(n_gaps) <= N_GAPS
            && usize::from(next) < N_GAPS
            && (usize::from(n_gaps) == N_GAPS || next == n_gaps);
        is_written.then_some(Gaps { ring, count: n_gaps, next, contact })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.ring.iter().for_each(|gap| out.extend(gap.to_le_bytes()));
        out.extend([self.count, self.next]);
        out.extend(self.contact.to_le_bytes());
    }
}

/// One less the spread of the middle half by the median, and the median; quartiles are the medians of the two
/// halves. `None` where the median is nothing.
fn evenness(values: &[u64]) -> Option<(Ratio, u64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let half = sorted.len() / 2;
    let low = twice_median(sorted.get(..half)?)?;
    let median = twice_median(&sorted)?;
    let high = twice_median(sorted.get(sorted.len() - half..)?)?;
    let spread = high.saturating_sub(low);
    (median > 0).then(|| (Ratio::of(median.saturating_sub(spread), median), median / 2))
}

fn twice_median(sorted: &[u64]) -> Option<u64> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(lower + upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rhythm(gaps: impl IntoIterator<Item = u32>) -> Option<(Ratio, u32)> {
        let mut time = 1_790_000_000;
        let mut all = Gaps::new(time);
        for gap in gaps {
            all.add(time + gap, time);
            time += gap;
        }
        let mut bytes = Vec::new();
        all.write(&mut bytes);
        assert_eq!(bytes.len(), Gaps::BYTES);
        assert_eq!(Gaps::read(&mut Reader(&bytes)), Some(all));
        all.rhythm()
    }

    #[test]
    fn a_clock_scores_one_and_jitter_less() {
        let clock = Some((Ratio::from_millionths(1_000_000), 60));
        assert_eq!(rhythm([60; 20]), clock);
        assert_eq!(rhythm([60; 3]), clock);
        assert_eq!(rhythm([60; 2]), None, "three contacts");
        assert_eq!(rhythm([60, 2, 60, 1, 1, 60, 60]).map(|(_, period)| period), Some(61), "pages");
        let half = |n: u32| 30 + n * 37 % 100 * 30 / 99;
        let (score, _) = rhythm((0..32).map(half)).unwrap();
        assert!((score.to_f64() - 0.66).abs() < 0.06, "{score:?}");
        let growing = (0..32).map(|n: u32| [20, 32, 52, 85, 137, 222, 359, 581][n as usize % 8]);
        assert!(rhythm(growing).unwrap().0.to_f64() > 0.9);
        // A night is one gap of many, and so is one past 18 hours; a clock that jumped starts anew.
        assert_eq!(rhythm([60; 9].into_iter().chain([50_000, 70_000]).chain([60; 9])), clock);
        assert_eq!(rhythm([60; 20].into_iter().chain([1_000_000])), None);
        // Of many gaps the last ones count.
        assert_eq!(rhythm((0..99).map(|n| n * 61 % 997 + 4).chain([60; 32])), clock);
    }

    #[test]
    fn bytes_that_are_never_written_are_no_gaps() {
        let mut bytes = Vec::new();
        Gaps::new(5).write(&mut bytes);
        for (place, value) in [(2 * N_GAPS, 33), (2 * N_GAPS, 7), (2 * N_GAPS + 1, 32)] {
            let mut wrong = bytes.clone();
            wrong[place] = value;
            assert_eq!(Gaps::read(&mut Reader(&wrong)), None);
        }
        assert_eq!(Gaps::read(&mut Reader(&bytes[1..])), None);
    }
}
