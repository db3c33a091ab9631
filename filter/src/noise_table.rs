//! What was told already, and how often it was left out since: windows in buckets, as the bytes that
//! workers share.
//!
//! A key belongs to one bucket, and a bucket holds [`MAX_WINDOWS`] of them. The policy where one is full
//! is **earliest end first**: the window that would end first is closed early, so that what was left
//! out in it is told and not lost.

use crate::limits::MAX_WINDOWS;

/// Buckets. Each is one value of the host's shared data.
pub(crate) const N_BUCKETS: u32 = 1024;

/// Most windows that are open at a time.
pub(crate) const MAX_OPEN: usize = N_BUCKETS as usize * MAX_WINDOWS;

/// Some time in which no more than so many events are told of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// What may not be told again.
    pub(crate) key: Vec<u8>,
    /// What is told of it when the window closes, as [`crate::noise`] writes it.
    pub(crate) facts: Vec<u8>,
    /// When it opened, in seconds since 1970.
    pub(crate) from: u64,
    /// When it closes.
    pub(crate) until: u64,
    /// Events that were told.
    pub(crate) n_told: u32,
    /// Events that were left out.
    pub(crate) n_suppressed: u32,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No window is open for it.
    Unknown,
    /// It may be told.
    Tell,
    /// It is left out, and counted.
    Suppress,
}

/// The windows that share a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    windows: Vec<Window>,
}

/// The bucket of a key, below [`N_BUCKETS`]: FNV-1a. Who finds keys that meet gets them closed early.
pub(crate) fn bucket_of(key: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = key.iter().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 16)) % N_BUCKETS
}

impl Bucket {
    /// Reads what [`Bucket::bytes`] wrote. Bytes that are something else are no windows.
    pub(crate) fn read(bytes: &[u8]) -> Bucket {
        let mut rest = bytes;
        let mut windows = Vec::new();
        while let Some(window) = Window::read(&mut rest) {
            windows.push(window);
        }
        Bucket { windows }
    }

    /// The windows as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.windows.iter().for_each(|window| window.write(&mut bytes));
        bytes
    }

    /// Takes out the windows that are over. One that opens in the future is over too: the clock was set
    /// back.
    pub(crate) fn close(&mut self, now: u64) -> Vec<Window> {
        let is_over = |window: &mut Window| !(window.from..window.until).contains(&now);
        self.windows.extract_if(.., is_over).collect()
    }

    /// Asks whether an event may be told, of which at most `most` may in one window, and counts it.
    pub(crate) fn ask(&mut self, key: &[u8], most: u32) -> Answer {
        let Some(window) = self.windows.iter_mut().find(|window| window.key == key) else {
            return Answer::Unknown;
        };
        let (count, answer) = if window.n_told < most {
            (&mut window.n_told, Answer::Tell)
        } else {
            (&mut window.n_suppressed, Answer::Suppress)
        };
        *count = count.saturating_add(1);
        answer
    }

    /// Adds a window; where the bucket is full, gives back the one that had to go for it.
    pub(crate) fn open(&mut self, window: Window) -> Option<Window> {
        let is_full = self.windows.len() >= MAX_WINDOWS;
        let first = self.windows.iter().enumerate().min_by_key(|(_, window)| window.until);
        let evicted = first.filter(|_| is_full).map(|(idx, _)| idx);
        let evicted = evicted.map(|idx| self.windows.swap_remove(idx));
        self.windows.push(window);
        evicted
    }
}

impl Window {
    fn write(&self, bytes: &mut Vec<u8>) {
        for number in [self.from, self.until] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.n_told, self.n_suppressed] {
            bytes.extend(number.to_le_bytes());
        }
        for text in [&self.key, &self.facts] {
            // Both are made of texts that were cut far below this.
            let text = text.get(..usize::from(u16::MAX)).unwrap_or(text);
            bytes.extend(u16::try_from(text.len()).unwrap_or_default().to_le_bytes());
            bytes.extend(text);
        }
    }

    fn read(rest: &mut &[u8]) -> Option<Window> {
        let (from, until) = (number(rest)?, number(rest)?);
        let (n_told, n_suppressed) = (short(rest)?, short(rest)?);
        let mut texts = [Vec::new(), Vec::new()];
        for text in &mut texts {
            let length = rest.split_off(..2)?.try_into().ok().map(u16::from_le_bytes)?;
            *text = rest.split_off(..usize::from(length))?.to_vec();
        }
        let [key, facts] = texts;
        Some(Window { key, facts, from, until, n_told, n_suppressed })
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    rest.split_off(..8)?.try_into().ok().map(u64::from_le_bytes)
}

fn short(rest: &mut &[u8]) -> Option<u32> {
    rest.split_off(..4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(key: &str, from: u64, until: u64) -> Window {
        let (key, facts) = (key.as_bytes().to_vec(), b"facts".to_vec());
        Window { key, facts, from, until, n_told: 1, n_suppressed: 0 }
    }

    #[test]
    fn one_event_of_a_key_is_told_in_a_window_and_the_rest_is_counted() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.ask(b"a", 1), Answer::Unknown);
        assert_eq!(bucket.open(window("a", 100, 160)), None);
        for _ in 0..3 {
            assert_eq!(bucket.close(159), []);
            assert_eq!(bucket.ask(b"a", 1), Answer::Suppress);
            assert_eq!(bucket.ask(b"b", 1), Answer::Unknown);
            bucket = Bucket::read(&bucket.bytes());
        }
        let expect = Window { n_suppressed: 3, ..window("a", 100, 160) };
        assert_eq!(bucket.close(160), [expect]);
        assert_eq!(bucket, Bucket::default());
    }

    #[test]
    fn a_rate_lets_some_events_pass_and_counts_the_rest() {
        let mut bucket = Bucket::default();
        bucket.open(window("a", 100, 160));
        let answers: Vec<_> = (0..4).map(|_| bucket.ask(b"a", 3)).collect();
        assert_eq!(answers, [Answer::Tell, Answer::Tell, Answer::Suppress, Answer::Suppress]);
        let expect = Window { n_told: 3, n_suppressed: 2, ..window("a", 100, 160) };
        assert_eq!(bucket.close(1000), [expect]);
    }

    #[test]
    fn a_clock_that_is_set_back_closes_windows_that_would_last_for_ever() {
        let mut bucket = Bucket::default();
        bucket.open(window("a", 1_000_000, 1_000_060));
        assert_eq!(bucket.close(5).len(), 1);
    }

    #[test]
    fn a_full_bucket_closes_the_window_that_ends_first() {
        let mut bucket = Bucket::default();
        for idx in 0..MAX_WINDOWS as u64 {
            let until = if idx == 3 { 150 } else { 200 + idx };
            assert_eq!(bucket.open(window(&idx.to_string(), 100, until)), None);
        }
        assert_eq!(bucket.open(window("new", 100, 300)), Some(window("3", 100, 150)));
        assert_eq!(bucket.windows.len(), MAX_WINDOWS);
        assert_eq!(bucket.ask(b"new", 1), Answer::Suppress);
    }

    #[test]
    fn bytes_that_are_no_windows_are_none() {
        let mut bucket = Bucket::default();
        bucket.open(window("a", 1, 2));
        let bytes = bucket.bytes();
        for length in 0..bytes.len() {
            assert_eq!(Bucket::read(&bytes[..length]), Bucket::default(), "{length}");
        }
        assert_eq!(Bucket::read(&bytes), bucket);
    }

    #[test]
    fn keys_are_spread_over_all_buckets() {
        let mut n_keys = vec![0; N_BUCKETS as usize];
        for source in 0..10_000 {
            let key = format!("rule\010.0.{}.{}\0service", source / 256, source % 256);
            n_keys[bucket_of(key.as_bytes()) as usize] += 1;
        }
        assert!(n_keys.iter().max() <= Some(&40), "{:?}", n_keys.iter().max());
    }
}
