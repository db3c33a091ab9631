//! The end of a report, for people: what was read, what was not, and what cannot be found.

use std::cmp::Reverse;

use diagnostics::printable;
use inspect::ProxyField;

use super::Report;
use crate::given::{self, Asking};

impl Report {
    /// Returns lines for people: what was read, what was not, and how often each rule matched.
    pub fn summary(&self) -> String {
        let counts = &self.counts;
        let mut lines = vec![format!(
            "{} = {} + {} blank or comments + {} unreadable",
            counted(counts.n_lines, "line", "lines"),
            counted(counts.n_events, "event", "events"),
            counts.n_blank,
            counts.n_unreadable()
        )];
        self.list_unread(&mut lines);
        for (key, number) in &counts.left_out {
            let key = printable(key.as_bytes());
            let values = counted(*number, "value", "values");
            lines.push(format!("  {values} of `{key}` left out: of a wrong type"));
        }
        let lost = self.correlator.counts();
        for (number, one, many, what) in [
            (
                self.n_bad_times,
                "matching event",
                "matching events",
                "with a time that cannot be read",
            ),
            (
                self.n_without_time,
                "event",
                "events",
                "without a time, which correlations cannot use",
            ),
            (
                self.ledger.n_without_time,
                "request",
                "requests",
                "without a time, whose behaviour is not known",
            ),
            (
                self.n_repeated,
                "match",
                "matches",
                "of rules of behaviour in pairs that have a record",
            ),
            (lost.late_events, "event", "events", "too late for their correlation"),
            (lost.evicted_events, "event", "events", "dropped from full groups of correlations"),
            (lost.evicted_groups, "group", "groups", "of correlations dropped to make room"),
        ] {
            if number > 0 {
                lines.push(format!("  {} {what}", counted(number, one, many)));
            }
        }
        if !self.ledger.pairs.is_empty() {
            let n_sources = self.ledger.n_sources;
            let n_pairs = self.ledger.pairs.len();
            let sources = counted(n_sources as u64, "source", "sources");
            let pairs = counted(n_pairs as u64, "pair", "pairs");
            lines.push(format!("behaviour of {sources} in {pairs} with a host"));
        }
        lines.push(counted(self.n_records, "match", "matches"));
        let tables = self.judge.inspector.pack().tables();
        for (counts, what) in [
            (&self.excepted, "taken out by the exception"),
            (&self.expired, "that would have been taken out by the expired exception"),
        ] {
            for (exception, number) in counts {
                let matches = counted(*number, "match", "matches");
                lines.push(format!("  {matches} {what} {}", tables.str(*exception)));
            }
        }
        if self.n_off > 0 {
            let matches = counted(self.n_off, "match", "matches");
            lines.push(format!("  {matches} that the policy turns off"));
        }
        // The rules with most matches first.
        let mut per_rule: Vec<_> = self.per_rule.iter().collect();
        per_rule.sort_by_key(|(_, number)| Reverse(**number));
        for (rule, number) in per_rule {
            let title = tables.rule(*rule).map_or("", |rule| tables.str(rule.title));
            lines.push(format!("  {number} {}", printable(title.as_bytes())));
        }
        for (idx, number) in &self.per_correlation {
            let title = tables.correlations.get(*idx).map_or("", |of| tables.str(of.title));
            lines.push(format!("  {number} {} (correlation)", printable(title.as_bytes())));
        }
        self.list_unanswered(&mut lines);
        lines.join("\n") + "\n"
    }

    /// Lists the lines that were not read, and those of other formats.
    fn list_unread(&self, lines: &mut Vec<String>) {
        let counts = &self.counts;
        for (reason, number) in &counts.unreadable {
            let (file, line) = self.first_unreadable.get(reason).copied().unwrap_or_default();
            let file = printable(self.files.get(file).map_or("", |file| file).as_bytes());
            let reason = reason.as_str();
            lines.push(format!("  {number} unreadable: {reason}, first at {file}:{line}"));
        }
        for (file, read) in self.logs() {
            let Some(missed) = read.missed else { continue };
            let file = printable(file.as_bytes());
            lines.push(format!(
                "  {} at {file}:{}, which seems to be {}",
                counted(
                    missed.n_lines,
                    "unreadable line looks like a request:",
                    "unreadable lines look like requests, first"
                ),
                missed.first,
                missed.seems.as_str()
            ));
        }
        for (format, (number, _)) in &counts.of_others {
            let (file, line) = self.first_of_others.get(format).copied().unwrap_or_default();
            let file = printable(self.files.get(file).map_or("", |file| file).as_bytes());
            lines.push(format!(
                "  {} read as `{}`, another format than the first lines', first at {file}:{line}",
                counted(*number, "line", "lines"),
                format.as_str()
            ));
        }
    }

    /// Lists the rules that cannot find in these logs what they look for.
    fn list_unanswered(&self, lines: &mut Vec<String>) {
        let tables = self.judge.inspector.pack().tables();
        let n_without_path = self.counts.n_without_path;
        if n_without_path > 0 {
            lines.push(format!(
                "{n_without_path} requests have a template in place of their path, or none; rules that need whole paths: {}",
                listed(&given::of_paths(tables))
            ));
        }
        if let Some((fields, asking)) = given::foreign(tables, self.given) {
            let rules = listed(&asking);
            let fields = some_of(&fields, |field| format!("`{field}`"), ", ");
            lines.push(format!(
                "no request has {fields}, which other logs have; rules that cannot match without: {rules}"
            ));
        }
        for (field, asking) in given::unanswered(tables, self.given) {
            // Those that need paths are listed above.
            if n_without_path == 0 || !field.starts_with("c-uri") {
                let rules = listed(&asking);
                let guess = match ProxyField::from_name(field) {
                    Some(ProxyField::Method) => ", so each is judged as GET",
                    _ => "",
                };
                lines.push(format!(
                    "no request has `{field}`{guess}; rules that cannot match without it: {rules}"
                ));
            }
        }
    }
}

/// Most titles of rules that a line lists.
const MAX_TITLES: usize = 5;

/// Counts rules and lists the titles of those that need a field.
fn listed(asking: &Asking<'_>) -> String {
    let mut text = asking.needing.len().to_string();
    if !asking.needing.is_empty() {
        text.push_str(&format!(" ({})", some_of(&asking.needing, str::to_owned, "; ")));
    }
    if asking.n_others > 0 {
        text.push_str(&format!(", and {} ask for it beside others", asking.n_others));
    }
    text
}

/// Lists the first names, and how many more there are.
fn some_of(names: &[&str], show: impl Fn(&str) -> String, between: &str) -> String {
    let first = names.iter().take(MAX_TITLES);
    let mut shown: Vec<String> = first.map(|name| show(&printable(name.as_bytes()))).collect();
    if let Some(n_more @ 1..) = names.len().checked_sub(MAX_TITLES) {
        shown.push(format!("and {n_more} more"));
    }
    shown.join(between)
}

/// A number with its noun.
fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
