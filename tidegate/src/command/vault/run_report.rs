//! The report of a build.

use std::fmt::Write;

use obsidian::build::Vault;
use obsidian::sources::Sources;
use serde::{Deserialize, Serialize};

use super::shown;
use super::writer::Summary;
use crate::command::{counted, one_line};

/// A path, and what is the matter with it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct What {
    path: String,
    what: String,
}

/// A file that was not read, and why.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotRead {
    path: String,
    why: String,
}

/// What a run did, as `--format json` prints it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    pages: usize,
    written: usize,
    unchanged: usize,
    tombstones: usize,
    doubtful: usize,
    kept_deleted: usize,
    conflicts: Vec<What>,
    gaps: usize,
    drift: usize,
    rules_read: usize,
    not_read: Vec<NotRead>,
    duplicates: Vec<What>,
    failures: Vec<String>,
}

impl Report {
    pub(super) fn new(summary: &Summary, sources: &Sources, vault: &Vault) -> Report {
        let what =
            |(path, what): &(String, String)| What { path: path.clone(), what: what.clone() };
        let not_read =
            |(path, why): &(String, String)| NotRead { path: path.clone(), why: why.clone() };
        Report {
            pages: vault.pages.len(),
            written: summary.written.len(),
            unchanged: summary.n_unchanged,
            tombstones: summary.n_tombstones,
            doubtful: summary.n_doubtful,
            kept_deleted: summary.n_kept_deleted,
            conflicts: summary.conflicts.iter().map(what).collect(),
            gaps: vault.n_gaps,
            drift: vault.n_drift,
            rules_read: sources.rules.len(),
            not_read: sources.broken.iter().chain(&sources.passed_over).map(not_read).collect(),
            duplicates: sources.duplicates.iter().map(what).collect(),
            failures: summary.failures.iter().map(one_line).collect(),
        }
    }

    /// What the next run reports, which finds so many files and writes none.
    pub(super) fn again(self, n_unchanged: usize) -> Report {
        Report { written: 0, unchanged: n_unchanged, ..self }
    }

    /// The report for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for What { path, what } in &self.conflicts {
            let _ = writeln!(text, "conflict: {}: {}", shown(path), shown(what));
        }
        for NotRead { path, why } in &self.not_read {
            let _ = writeln!(text, "not read: {}: {}", shown(path), shown(why));
        }
        for What { path, what } in &self.duplicates {
            let _ = writeln!(text, "duplicate: {}: {}", shown(path), shown(what));
        }
        if self.doubtful > 0 {
            let _ = writeln!(
                text,
                "{} without a source stay as they are: their source was not read whole, in this run or before",
                counted(self.doubtful, "page"),
            );
        }
        let _ = writeln!(
            text,
            "{}: {} written, {} unchanged, {} kept as a person left them, {}, {}, {}",
            counted(self.pages, "page"),
            counted(self.written, "file"),
            self.unchanged,
            self.conflicts.len() + self.kept_deleted,
            counted(self.tombstones, "tombstone"),
            counted(self.gaps, "gap"),
            counted(self.drift, "drift"),
        );
        text
    }
}
