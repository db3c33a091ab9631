//! What Dataview takes for a date or a duration although it is text to Obsidian.
//!
//! As Dataview 0.5.68 does it, in `src/expression/parse.ts`.

/// Units of durations.
const UNITS: [&str; 28] = [
    "year", "years", "yr", "yrs", "month", "months", "mo", "mos", "week", "weeks", "wk", "wks",
    "w", "day", "days", "d", "hour", "hours", "hr", "hrs", "h", "minute", "minutes", "min", "mins",
    "m", "s", "sec",
];
const MORE_UNITS: [&str; 3] = ["secs", "second", "seconds"];

/// Returns true if a text is a duration: `14d30m`, `2 hours, 3 min`, and so `076d35d` too.
pub fn is_duration(text: &str) -> bool {
    let mut rest = text;
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let Some(behind) = part(rest) else { return false };
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        // Nothing may be behind the last part, not even a blank.
        if rest.is_empty() && !behind.is_empty() {
            return false;
        }
    }
    true
}

/// The text behind the number and the unit that a text begins with.
fn part(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let behind = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let has_digits = behind.len() < digits.len();
    let behind = match behind.strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => behind,
    };
    let unit = behind.trim_start();
    let rest = unit.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let unit = unit.get(..unit.len() - rest.len())?;
    let is_unit = UNITS.contains(&unit) || MORE_UNITS.contains(&unit);
    (has_digits && is_unit).then_some(rest)
}

/// Returns true if a text is a month, as `2026-11`, or a day, which may have a time.
pub fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let month = digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7);
    let day = bytes.len() >= 10
        && bytes.get(7) == Some(&b'-')
        && digits(8, 10)
        && bytes.get(10).is_none_or(|byte| *byte == b'T');
    month && (bytes.len() == 7 || day) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_those_of_dataview() {
        for (text, expect) in [
            ("076d35d", true),
            ("14d30m", true),
            ("1h2m3s", true),
            ("2d", true),
            ("30 days", true),
            ("2 hours, 3 min", true),
            ("-1.5 hr", true),
            ("076d35e", false),
            ("2 days ago", false),
            ("d", false),
            ("3", false),
            ("", false),
            ("14.03.2020", false),
            ("2d,", false),
            ("5 minutes\u{200a}", false),
        ] {
            assert_eq!(is_duration(text), expect, "{text}");
        }
        for (text, expect) in [
            ("2026-11", true),
            ("2026-11-30", true),
            ("2026-11-30T10:00", true),
            ("2026-1", false),
            ("2026-11-30 x", false),
            ("2026", false),
        ] {
            assert_eq!(is_date(text), expect, "{text}");
        }
    }
}
