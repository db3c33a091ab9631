//! Numbers from -1 to 1 without floating point.

use std::fmt;

/// A number from -1 to 1, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(i32);

const ONE: i32 = 1_000_000;

impl Ratio {
    /// The number of that many millionths; those past 1 and -1 are 1 and -1.
    pub fn from_millionths(millionths: i32) -> Ratio {
        Ratio(millionths.clamp(-ONE, ONE))
    }

    /// Returns the number closest to a floating-point number; not a number is 0.
    pub fn from_f64(number: f64) -> Ratio {
        let millionths = (number * f64::from(ONE)).round();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast saturates, and the range is clamped"
        )]
        Ratio::from_millionths(millionths as i32)
    }

    /// Returns `part / whole`, rounded down; nothing of nothing is 0.
    pub fn of(part: u64, whole: u64) -> Ratio {
        let millionths = u128::from(part) * ONE as u128 / u128::from(whole.max(1));
        Ratio::from_millionths(i32::try_from(millionths).unwrap_or(ONE))
    }

    /// Returns `(sent - received) / (sent + received)`, rounded towards 0; `None` for nothing at all.
    pub fn balance(sent: u64, received: u64) -> Option<Ratio> {
        let whole = i128::from(sent) + i128::from(received);
        let difference = i128::from(sent) - i128::from(received);
        let millionths = (difference * i128::from(ONE)).checked_div(whole)?;
        Some(Ratio::from_millionths(i32::try_from(millionths).unwrap_or_default()))
    }

    /// The number in millionths.
    pub fn millionths(self) -> i32 {
        self.0
    }

    /// The number.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(ONE)
    }

    /// Writes the number in decimal, as `-0.25`, and returns the bytes that it takes.
    pub(crate) fn write(self, buffer: &mut [u8; 9]) -> &[u8] {
        let mut rest = self.0.unsigned_abs();
        *buffer = *b"-0.000000";
        for digit in buffer.iter_mut().skip(3).rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        if let Some(whole) = buffer.get_mut(1) {
            *whole = b'0' + (rest % 10) as u8;
        }
        let n_zeros = buffer.iter().rev().take(7).take_while(|byte| **byte == b'0').count();
        // The dot goes with the last of its zeros.
        let end = buffer.len() - if n_zeros == 6 { 7 } else { n_zeros };
        buffer.get(usize::from(self.0 >= 0)..end).unwrap_or_default()
    }
}

/// In decimal with at most six places, as rules compare it.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; 9];
        f.write_str(str::from_utf8(self.write(&mut buffer)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_written_in_decimal() {
        for (millionths, expect) in [
            (0, "0"),
            (1, "0.000001"),
            (921_000, "0.921"),
            (-250_000, "-0.25"),
            (1_000_000, "1"),
            (-1_000_000, "-1"),
            (2_000_000, "1"),
            (100_000, "0.1"),
        ] {
            let mut buffer = [0; 9];
            let written = Ratio::from_millionths(millionths).write(&mut buffer).to_vec();
            assert_eq!(String::from_utf8(written).unwrap(), expect);
            assert_eq!(Ratio::from_millionths(millionths).to_string(), expect);
        }
    }

    #[test]
    fn a_ratio_is_of_its_parts() {
        assert_eq!(Ratio::of(1, 104).millionths(), 9615);
        assert_eq!(Ratio::of(0, 0).millionths(), 0);
        assert_eq!(Ratio::of(u64::MAX, u64::MAX).millionths(), 1_000_000);
        assert_eq!(Ratio::balance(30, 70).map(Ratio::millionths), Some(-400_000));
        assert_eq!(Ratio::balance(u64::MAX, 0).map(Ratio::millionths), Some(1_000_000));
        assert_eq!(Ratio::balance(0, 0), None);
        assert_eq!(Ratio::from_f64(f64::NAN).millionths(), 0);
        assert_eq!(Ratio::from_f64(-0.5).millionths(), -500_000);
    }
}
