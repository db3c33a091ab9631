//! How much was read, and why lines were not.

use std::collections::BTreeMap;

use traffic::{Format, Refused, Seeming, Unreadable};

/// Lines, events and the rest: `n_lines = n_events + n_blank + unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were read; for HAR entries.
    pub n_lines: u64,
    /// Lines that are events.
    pub n_events: u64,
    /// Empty lines, comments, and the parts of a line but the last.
    pub n_blank: u64,
    /// Lines that are not events, by reason.
    pub unreadable: BTreeMap<Unreadable, u64>,
    /// The first of them in a piece, by reason: the number of the line, from 1.
    pub first_unreadable: BTreeMap<Unreadable, u64>,
    /// Requests that a template of their path was logged of, or no path at all.
    pub n_without_path: u64,
    /// Lines of other formats than that of the log's first lines, and the first of them in a piece: they are
    /// read as what they are.
    pub of_others: BTreeMap<Format, (u64, u64)>,
    /// Lines that look like requests and were not read, and the first of them in a piece with what it seems to be.
    pub missed: Option<Missed>,
    /// Values of a wrong type, which were left out while the request was judged, by key.
    pub left_out: BTreeMap<String, u64>,
}

/// Lines that look like requests and were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub n_lines: u64,
    /// The number of the first, from 1.
    pub first: u64,
    /// What it seems to be.
    pub seems: Seeming,
}

impl Counts {
    /// Counts a line that is not an event.
    pub(crate) fn refuse(&mut self, line: u64, refused: Refused) {
        *self.unreadable.entry(refused.reason).or_default() += 1;
        self.first_unreadable.entry(refused.reason).or_insert(line);
        if let Some(seems) = refused.missed {
            let missed = self.missed.get_or_insert(Missed { n_lines: 0, first: line, seems });
            missed.n_lines += 1;
        }
    }

    /// Counts a line of another format than that of the log's first lines.
    pub(crate) fn of_other(&mut self, line: u64, format: Option<Format>) {
        if let Some(format) = format {
            self.of_others.entry(format).or_insert((0, line)).0 += 1;
        }
    }

    /// Counts a value that was left out.
    pub(crate) fn leave_out(&mut self, key: &str) {
        // The keys are those of a table or a map, so that they are few.
        *self.left_out.entry(key.to_owned()).or_default() += 1;
    }

    /// Returns the number of lines that are not events.
    pub fn n_unreadable(&self) -> u64 {
        self.unreadable.values().sum()
    }

    /// Adds what the next piece counted. Of the first lines of other formats, and of those that were missed, the
    /// numbers are those in their pieces.
    pub fn add(&mut self, other: &Counts) {
        self.n_lines += other.n_lines;
        self.n_events += other.n_events;
        self.n_blank += other.n_blank;
        self.n_without_path += other.n_without_path;
        for (reason, number) in &other.unreadable {
            *self.unreadable.entry(*reason).or_default() += number;
        }
        for (format, (number, first)) in &other.of_others {
            self.of_others.entry(*format).or_insert((0, *first)).0 += number;
        }
        if let Some(other) = other.missed {
            let missed = self.missed.get_or_insert(Missed { n_lines: 0, ..other });
            missed.n_lines += other.n_lines;
        }
        for (key, number) in &other.left_out {
            *self.left_out.entry(key.clone()).or_default() += number;
        }
    }
}
