//! Verdicts for the table: numbers for all requests at once, text for those that are looked at.
//!
//! A hundred thousand verdicts as JSON take longer to write and read than to reach.

use diagnostics::printable;
use inspect::Action;
use serde::Serialize;
use traffic::RecordedRequest;

/// The verdict on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The rules that match, as indices into the pack's.
    pub rules: Vec<u32>,
    /// The rules of the other pack that match; empty if there is none to compare with.
    pub others: Vec<u32>,
    /// The action in monitor mode.
    pub monitor: Action,
    /// The action in enforce mode.
    pub enforce: Action,
    /// True if the other pack matches other rules, by id.
    pub is_changed: bool,
    /// True if canonicalisation changed the request.
    pub is_odd: bool,
}

impl Default for Row {
    /// The verdict without a pack: nothing matches.
    fn default() -> Row {
        Row {
            rules: Vec::new(),
            others: Vec::new(),
            monitor: Action::Allow,
            enforce: Action::Allow,
            is_changed: false,
            is_odd: false,
        }
    }
}

impl Row {
    /// Appends the row as numbers: one that holds the lengths of both lists in bytes, the actions in
    /// two bits each and what is and is not in one each; then the lists. A list has at most 255.
    pub fn pack(&self, words: &mut Vec<u32>) {
        let rules = self.rules.iter().take(255);
        let others = self.others.iter().take(255);
        let number = |n: usize| u32::try_from(n).unwrap_or_default();
        words.push(
            number(rules.len())
                | number(others.len()) << 8
                | action(self.monitor) << 16
                | action(self.enforce) << 18
                | u32::from(self.is_changed) << 20
                | u32::from(self.is_odd) << 21,
        );
        words.extend(rules.chain(others));
    }
}

fn action(action: Action) -> u32 {
    match action {
        Action::Allow => 0,
        Action::Observe => 1,
        Action::Deny => 2,
    }
}

/// The printable columns of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowText {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
}

impl RowText {
    /// Of a request.
    pub(crate) fn of(request: &RecordedRequest) -> RowText {
        RowText { method: printable(&request.method), url: printable(&request.url()) }
    }
}
