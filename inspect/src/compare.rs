//! Questions about a field that are not about a fixed text: numbers, times, other fields.

use crate::event::{Event, Slot};
use crate::pack::{Comparison, Tables, Test, TestKind};
use crate::steps;
use crate::truth::Truth;

/// The answer to a test. A list holds where one of its values does.
pub(crate) fn test_truth(tables: &Tables, test: u32, event: &Event) -> Truth {
    let Some(test) = tables.tests.get(test as usize) else { return Truth::False };
    let (slot, other) = (event.slot(test.field), event.slot(test.other));
    if slot == Slot::Unknown || other == Slot::Unknown {
        return Truth::Unknown;
    }
    let mut values = event.values(test.field).map(|text| event.raw(text));
    let holds = |value: f64| compares(test.comparison, value, f64::from_bits(test.number));
    Truth::from_bool(match test.kind {
        TestKind::Null => matches!(slot, Slot::Missing | Slot::Null),
        TestKind::Exists => slot != Slot::Missing,
        TestKind::Number => values.any(|value| number(value).is_some_and(holds)),
        TestKind::FieldWhole | TestKind::FieldStart | TestKind::FieldEnd | TestKind::FieldAny => {
            other_field(test, event)
        }
        TestKind::Minute
        | TestKind::Hour
        | TestKind::Day
        | TestKind::Week
        | TestKind::Month
        | TestKind::Year => values.any(|value| {
            let part = Time::parse(value).and_then(|time| time.part(test.kind));
            part.is_some_and(|part| holds(part.into()))
        }),
    })
}

/// Returns true if a value compares with a rule's number as the rule says.
pub(crate) fn compares(comparison: Comparison, value: f64, number: f64) -> bool {
    match comparison {
        #[expect(clippy::float_cmp, reason = "equal means equal; both were written by people")]
        Comparison::Equal => value == number,
        Comparison::Less => value < number,
        Comparison::LessOrEqual => value <= number,
        Comparison::Greater => value > number,
        Comparison::GreaterOrEqual => value >= number,
    }
}

/// A text that is a number, as logs write it: `150`, `-1.5`, `1e3`.
fn number(value: &[u8]) -> Option<f64> {
    if let Some(number) = decimal(value) {
        return Some(number);
    }
    let number: f64 = str::from_utf8(value).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Most digits of a number that [`decimal`] reads: below 2^53, so that nothing is rounded but the quotient.
const MAX_DIGITS: usize = 15;

/// The powers of ten that are written without rounding, up to [`MAX_DIGITS`].
const POWERS: [f64; MAX_DIGITS] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// The same for what counts and shares look like, digits with perhaps a sign and a dot between two of them, in a
/// fraction of the time; `None` for anything else. Digits and power are exact, so that their quotient is the number
/// that the standard library reads (Clinger, 1990).
fn decimal(value: &[u8]) -> Option<f64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let (mut whole, mut n_digits, mut dot) = (0_u64, 0, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if dot.is_none() && n_digits > 0 => {
                dot = Some(n_digits);
                continue;
            }
            _ => return None,
        }
        n_digits += 1;
        if n_digits > MAX_DIGITS {
            return None;
        }
    }
    let n_places = n_digits - dot.unwrap_or(n_digits);
    if n_digits == 0 || dot.is_some() && n_places == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most fifteen digits")]
    let number = whole as f64 / POWERS.get(n_places)?;
    Some(if digits.len() < value.len() { -number } else { number })
}

fn other_field(test: &Test, event: &Event) -> bool {
    let text = |text| if test.cased { event.raw(text) } else { event.folded(text) };
    event.values(test.field).map(text).any(|value| {
        event.values(test.other).map(text).any(|other| match test.kind {
            TestKind::FieldStart => value.starts_with(other),
            TestKind::FieldEnd => value.ends_with(other),
            TestKind::FieldAny => contains(value, other),
            _ => value == other,
        })
    })
}

/// Returns true if `value` contains `part`, by Knuth, Morris and Pratt: both come from whoever sends
/// the request, so comparing at each place would let them choose work in proportion to the product of
/// their lengths. The crate `memchr` is linear too, and adds 37 kB of wasm for one call.
pub(crate) fn contains(value: &[u8], part: &[u8]) -> bool {
    if part.is_empty() || part.len() > value.len() {
        return part.is_empty();
    }
    let mut borders = Vec::with_capacity(part.len());
    borders.push(0);
    let mut n_matched = 0;
    for byte in part.iter().skip(1) {
        n_matched = matched_with(part, &borders, n_matched, *byte);
        borders.push(n_matched);
    }
    n_matched = 0;
    value.iter().any(|byte| {
        n_matched = matched_with(part, &borders, n_matched, *byte);
        n_matched == part.len()
    })
}

/// How much of `part` ends with `byte`, where `n_matched` of it ended before; `borders` has for each of
/// its starts how much of its own start it ends with.
fn matched_with(part: &[u8], borders: &[usize], mut n_matched: usize, byte: u8) -> usize {
    loop {
        steps::take(1);
        if part.get(n_matched) == Some(&byte) {
            return n_matched + 1;
        }
        let Some(last) = n_matched.checked_sub(1) else { return 0 };
        n_matched = borders.get(last).copied().unwrap_or_default();
    }
}

/// A time stamp as ISO 8601 writes it, in whatever zone it was written.
struct Time {
    year: u32,
    month: u32,
    day: u32,
    /// Hour and minute; a date alone has none.
    clock: Option<(u32, u32)>,
}

impl Time {
    /// Reads `2025-01-02`, and `2025-01-02T13:04:05Z` with what may follow; a space may replace `T`.
    fn parse(value: &[u8]) -> Option<Time> {
        let digits = |start: usize, end: usize| {
            value.get(start..end)?.iter().try_fold(0, |number: u32, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
            })
        };
        let sign = |at: usize, signs: &[u8]| value.get(at).is_some_and(|byte| signs.contains(byte));
        if !sign(4, b"-") || !sign(7, b"-") {
            return None;
        }
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let clock = match value.get(10) {
            None => None,
            Some(b'T' | b't' | b' ') if sign(13, b":") => Some((digits(11, 13)?, digits(14, 16)?)),
            Some(_) => return None,
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let n_days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u32::from(leap),
            _ => 31,
        };
        let clock_fits = clock.is_none_or(|(hour, minute)| hour < 24 && minute < 60);
        ((1..=12).contains(&month) && (1..=n_days).contains(&day) && clock_fits).then_some(Time {
            year,
            month,
            day,
            clock,
        })
    }

    fn part(&self, kind: TestKind) -> Option<u32> {
        Some(match kind {
            TestKind::Minute => self.clock?.1,
            TestKind::Hour => self.clock?.0,
            TestKind::Day => self.day,
            TestKind::Month => self.month,
            TestKind::Year => self.year,
            TestKind::Week => self.iso_week(),
            _ => return None,
        })
    }

    /// The week that holds the year's first Thursday is the first (ISO 8601).
    fn iso_week(&self) -> u32 {
        let start = days_before(self.year);
        let day = start + self.day_of_year();
        // Monday is 0; day 1 of year 1 was a Monday.
        let weekday = (day - 1) % 7;
        let thursday = day + 3 - weekday;
        let year = if thursday <= start {
            self.year - 1
        } else if thursday > days_before(self.year + 1) {
            self.year + 1
        } else {
            self.year
        };
        (thursday - days_before(year) - 1) / 7 + 1
    }

    fn day_of_year(&self) -> u32 {
        const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let before = BEFORE.get(self.month as usize - 1).copied().unwrap_or_default();
        before + self.day + u32::from(leap && self.month > 2)
    }
}

/// Days from the start of year 1 to the start of a year. Year 0 counts like year 1.
fn days_before(year: u32) -> u32 {
    let years = year.max(1) - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_the_standard_library_reads_them(
            text in "-?[0-9]{0,17}([.][0-9]{0,17})?(e[0-9])?",
        ) {
            let expect = text.parse().ok();
            prop_assert_eq!(number(text.as_bytes()), expect);
            if let Some(read) = decimal(text.as_bytes()) {
                prop_assert_eq!(Some(read), expect);
            }
        }
    }

    #[test]
    fn a_count_and_a_share_are_read_without_the_library() {
        for (text, expect) in
            [("0", Some(0.0)), ("12", Some(12.0)), ("-0.250001", Some(-0.250_001)), ("1.", None)]
        {
            assert_eq!(decimal(text.as_bytes()), expect, "{text}");
        }
    }

    #[test]
    fn parts_are_found_wherever_they_stand() {
        let texts = ["", "a", "b", "ab", "aab", "abab", "ababc", "aabaab", "abaababab", "aaaaab"];
        for value in texts {
            for part in texts {
                let found = contains(value.as_bytes(), part.as_bytes());
                assert_eq!(found, value.contains(part), "{part} in {value}");
            }
        }
    }

    #[test]
    fn weeks_follow_iso_8601() {
        for (date, week) in [
            ("2025-01-02", Some(1)),
            ("2024-12-30", Some(1)),
            ("2021-01-03", Some(53)),
            ("2020-12-31", Some(53)),
            ("2016-01-03", Some(53)),
            ("2026-11-21", Some(47)),
            ("0001-01-01", Some(1)),
            ("0000-01-01", Some(1)),
            ("2025-02-29", None),
            ("2025-13-01", None),
            ("20250101", None),
        ] {
            let time = Time::parse(date.as_bytes());
            assert_eq!(time.and_then(|time| time.part(TestKind::Week)), week, "{date}");
        }
    }

    #[test]
    fn clocks_are_read_where_they_stand() {
        for (stamp, hour) in [
            ("2025-01-02T13:04:05Z", Some(13)),
            ("2025-01-02 07:04:05.123+02:00", Some(7)),
            ("2025-01-02", None),
            ("2025-01-02T25:00", None),
            ("2025-01-02x13:04", None),
        ] {
            let time = Time::parse(stamp.as_bytes());
            assert_eq!(time.and_then(|time| time.part(TestKind::Hour)), hour, "{stamp}");
        }
    }
}
