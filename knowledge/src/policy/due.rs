//! Exceptions whose time is over, or soon will be.

use jiff::Timestamp;

use super::Policy;
use crate::codes;
use crate::finding::{Finding, Findings};

/// A span of time in seconds: a whole number and `h`, `d` or `w`.
pub fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let of_unit = match unit {
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return None,
    };
    number.checked_mul(of_unit)
}

/// A point in time as `--now` gives it: a day or a time, in seconds since 1970.
pub fn moment(text: &str) -> Option<u64> {
    super::read::time(text)
}

impl Policy {
    /// Tells of each exception that no longer applies at `now`, or not `within` seconds later.
    pub fn due(&self, now: u64, within: u64) -> Vec<Finding> {
        let mut findings = Findings::new(&self.file);
        for exception in &self.exceptions {
            let (expires, span) = exception.expires;
            if expires > now.saturating_add(within) {
                continue;
            }
            let id = exception.id.text.escape_debug();
            let at = i64::try_from(expires).ok().and_then(|it| Timestamp::from_second(it).ok());
            let at = at.map_or_else(|| expires.to_string(), |at| at.to_string());
            let message = if expires <= now {
                format!("the exception `{id}` no longer applies since {at}")
            } else {
                format!("the exception `{id}` applies until {at}")
            };
            let help = format!(
                "ask {} ({}) whether it is still needed; if not, remove it",
                exception.owner.escape_debug(),
                exception.ticket.escape_debug(),
            );
            findings.add(&codes::DUE_EXCEPTION, span, message, help);
        }
        findings.into_list()
    }
}
