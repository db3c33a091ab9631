//! The requests of a pair in a few bytes each, in the order of the log.

/// A request of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Seconds since 1970.
    pub(crate) time: u32,
    /// Bytes that the source sent, where the log says.
    pub(crate) sent: Option<u64>,
    /// Bytes that it received, where the log says.
    pub(crate) received: Option<u64>,
    /// Whether it read from a service: perhaps a dead drop.
    pub(crate) is_read: bool,
}

/// Events, each as the difference of its time to the one before and its sizes: about six bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    bytes: Vec<u8>,
    n_events: u32,
    last: u32,
}

impl Series {
    /// Adds an event. Times need not be in order.
    pub(crate) fn push(&mut self, event: Event) {
        let difference = i64::from(event.time) - i64::from(self.last);
        let zigzag = (difference << 1 ^ difference >> 63).cast_unsigned();
        let numbers = [
            zigzag << 1 | u64::from(event.is_read),
            event.sent.map_or(0, |size| size.saturating_add(1)),
            event.received.map_or(0, |size| size.saturating_add(1)),
        ];
        let n_needed = self.bytes.len() + numbers.into_iter().map(length).sum::<usize>();
        if self.bytes.capacity() < n_needed {
            // An eighth more, not twice as much: there are many series, and most are short.
            self.bytes
                .reserve_exact((n_needed + n_needed / 8).next_multiple_of(8) - self.bytes.len());
        }
        for number in numbers {
            write(number, &mut self.bytes);
        }
        self.last = event.time;
        self.n_events = self.n_events.saturating_add(1);
    }

    /// Returns the number of events.
    pub(crate) fn len(&self) -> usize {
        self.n_events as usize
    }

    /// Returns the events in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> {
        let mut rest = self.bytes.as_slice();
        let mut last = 0_i64;
        std::iter::from_fn(move || {
            let word = read(&mut rest)?;
            let zigzag = word >> 1;
            let difference = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            last += difference;
            let size = |rest: &mut &[u8]| Some(read(rest)?.checked_sub(1));
            let sent = size(&mut rest)?;
            let received = size(&mut rest)?;
            let time = u32::try_from(last).unwrap_or_default();
            Some(Event { time, sent, received, is_read: word & 1 == 1 })
        })
    }
}

/// Returns how many bytes a number takes.
fn length(number: u64) -> usize {
    (u64::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// Writes a number in groups of seven bits, the lowest first.
fn write(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_gives_back_what_was_put_in() {
        let event = |time, sent, received, is_read| Event { time, sent, received, is_read };
        let events = [
            event(1_790_000_000, Some(0), None, false),
            event(1_790_000_060, Some(1200), Some(64_000), true),
            event(1_789_999_000, None, Some(u64::MAX - 1), false),
            event(u32::MAX, Some(5), Some(0), true),
            event(0, None, None, true),
        ];
        let mut series = Series::default();
        for event in events {
            series.push(event);
        }
        assert_eq!(series.iter().collect::<Vec<_>>(), events);
        assert_eq!(series.len(), events.len());
    }
}
