//! How much was read, and why not all of it.

use std::collections::BTreeMap;

use traffic::Unreadable;

/// Lines, events and the rest: `n_lines = n_events + n_blank + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were read; for HAR entries.
    pub n_lines: u64,
    /// Lines that are events.
    pub n_events: u64,
    /// Empty lines and comments.
    pub n_blank: u64,
    /// Lines that are no events, by reason.
    pub unreadable: BTreeMap<Unreadable, u64>,
    /// The first of them in a piece, by reason: the number of the line, from 1.
    pub first_unreadable: BTreeMap<Unreadable, u64>,
}

impl Counts {
    /// Counts the last line as no event.
    pub fn refuse(&mut self, reason: Unreadable) {
        *self.unreadable.entry(reason).or_default() += 1;
        self.first_unreadable.entry(reason).or_insert(self.n_lines);
    }

    /// Lines that are no events.
    pub fn n_unreadable(&self) -> u64 {
        self.unreadable.values().sum()
    }

    /// Adds what the next piece counted.
    pub fn add(&mut self, other: &Counts) {
        self.n_lines += other.n_lines;
        self.n_events += other.n_events;
        self.n_blank += other.n_blank;
        for (reason, number) in &other.unreadable {
            *self.unreadable.entry(*reason).or_default() += number;
        }
    }
}
