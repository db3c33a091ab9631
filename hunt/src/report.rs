//! The reports of pieces in order: records, counts per rule, correlations over time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use inspect::pack::Level;
use inspect::{CorrelationHit, Correlator, Pack, ProxyField, RuleId, StrId};
use sigma::{AtProxy, MAPPINGS};

use diagnostics::printable;
use traffic::{FieldMap, Format, Unreadable};

use crate::behaviour::candidates::{Candidates, Kept};
use crate::behaviour::facts::Facts;
use crate::behaviour::ledger::Ledger;
use crate::behaviour::values;
use crate::counts::Counts;
use crate::given::{self, Asking, Given};
use crate::hunter::{Hit, Judge, PieceReport};
use crate::limits::MAX_HELD_EVENTS;
use crate::output::{Output, Record};
use crate::page::{self, Alert, Alerts};
use crate::policy_replay::{Decided, PolicyFacts, PolicyReplay};
use crate::uses::Uses;

/// Takes the reports of pieces in the order of the logs and writes records.
#[derive(Debug)]
pub struct Report {
    /// The pack, which judges again what behaviour decides.
    judge: Judge,
    ledger: Ledger,
    candidates: Candidates,
    /// Whether the log that is read is a baseline.
    is_baseline: bool,
    /// Requests of a pair that a rule of behaviour matched before.
    n_repeated: u64,
    /// What the page shows, if one is wanted.
    alerts: Option<Alerts>,
    correlator: Correlator,
    output: Output,
    show_values: bool,
    /// Events for the correlations that wait for earlier ones of other logs, oldest first.
    held: BinaryHeap<Reverse<Held>>,
    max_held: usize,
    files: Vec<Arc<str>>,
    n_lines_of_file: u64,
    /// The file and the line, by reason.
    first_unreadable: BTreeMap<Unreadable, (usize, u64)>,
    counts: Counts,
    given: Option<Given>,
    per_rule: BTreeMap<RuleId, u64>,
    per_correlation: BTreeMap<usize, u64>,
    n_without_time: u64,
    n_bad_times: u64,
    n_records: u64,
    has_head: bool,
    policy: Option<PolicyReplay>,
    excepted: BTreeMap<StrId, u64>,
    expired: BTreeMap<StrId, u64>,
    n_off: u64,
    uses: Uses,
}

#[derive(Debug)]
struct Held {
    /// Time, file and line: the order.
    at: (i64, usize, u64),
    hits: Vec<CorrelationHit>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Report {
    /// Starts a report. With several logs the correlations see their events in order of time, as far
    /// as [`MAX_HELD_EVENTS`] allow; with one in its own order.
    pub fn new(pack: Pack, output: Output, n_logs: usize, show_values: bool) -> Report {
        let correlator = Correlator::new(&pack);
        let judge = Judge::new(pack, Format::Envoy, &FieldMap::default(), show_values);
        // What behaviour decides comes when the logs have ended, and may be of their start.
        let is_late = !judge.inspector.asks_behaviour().is_empty();
        Report {
            correlator,
            max_held: if n_logs > 1 || is_late { MAX_HELD_EVENTS } else { 0 },
            judge,
            ledger: Ledger::default(),
            candidates: Candidates::default(),
            is_baseline: false,
            n_repeated: 0,
            alerts: None,
            output,
            show_values,
            held: BinaryHeap::new(),
            files: Vec::new(),
            n_lines_of_file: 0,
            first_unreadable: BTreeMap::new(),
            counts: Counts::default(),
            given: None,
            per_rule: BTreeMap::new(),
            per_correlation: BTreeMap::new(),
            n_without_time: 0,
            n_bad_times: 0,
            n_records: 0,
            has_head: false,
            policy: None,
            excepted: BTreeMap::new(),
            expired: BTreeMap::new(),
            n_off: 0,
            uses: Uses::default(),
        }
    }

    /// Returns the report for pieces that were judged with this policy
    /// ([`crate::Hunter::with_policy`]).
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyReplay) -> Report {
        self.judge.set_policy(policy);
        self.policy = Some(policy);
        self
    }

    /// Returns the report that keeps what [`Report::page`] shows.
    #[must_use]
    pub fn with_page(self) -> Report {
        Report { alerts: Some(Alerts::default()), ..self }
    }

    /// Begins the next log.
    pub fn begin(&mut self, file: &Arc<str>) {
        self.files.push(Arc::clone(file));
        self.n_lines_of_file = 0;
        self.is_baseline = false;
    }

    /// Begins a log that only says what was known before; its pieces come from [`crate::Hunter::note`].
    pub fn begin_baseline(&mut self, file: &Arc<str>) {
        self.begin(file);
        self.is_baseline = true;
    }

    /// Takes the report of the next piece of the log; returns the records to write.
    pub fn take(&mut self, piece: PieceReport) -> String {
        let mut out = self.head();
        self.ledger.take(&piece.noted, self.is_baseline);
        let file = self.files.len().saturating_sub(1);
        for candidate in piece.candidates {
            self.candidates.take(candidate, file, self.n_lines_of_file);
        }
        for hit in &piece.hits {
            self.records(hit, None, file, self.n_lines_of_file + hit.line, &mut out);
            self.count(hit.decided.as_ref());
            self.n_bad_times += u64::from(hit.has_bad_time);
            if hit.hits.is_empty() {
                continue;
            }
            let Some(time_ms) = hit.time_ms else {
                self.n_without_time += 1;
                continue;
            };
            let at = (time_ms, self.files.len().saturating_sub(1), self.n_lines_of_file + hit.line);
            self.held.push(Reverse(Held { at, hits: hit.hits.clone() }));
            while self.held.len() > self.max_held {
                self.correlate(&mut out);
            }
        }
        for (reason, line) in &piece.counts.first_unreadable {
            let place = (self.files.len().saturating_sub(1), self.n_lines_of_file + line);
            self.first_unreadable.entry(*reason).or_insert(place);
        }
        self.n_lines_of_file += piece.counts.n_lines;
        self.counts.add(&piece.counts);
        if let Some(uses) = &piece.uses {
            self.uses.add(uses);
        }
        if let Some(given) = piece.given {
            self.given.get_or_insert_default().add(given);
        }
        out
    }

    /// Ends the report after the last log; returns the records that are left to write.
    pub fn finish(&mut self) -> String {
        let mut out = self.head();
        self.behaviour(&mut out);
        while !self.held.is_empty() {
            self.correlate(&mut out);
        }
        out
    }

    /// Judges the candidates of rules of behaviour. A pair has one record of a rule: of the first request.
    fn behaviour(&mut self, out: &mut String) {
        self.ledger.finish();
        let kept = self.candidates.by_pair();
        if kept.is_empty() {
            return;
        }
        let mut facts = Facts::new(&self.ledger);
        let mut hits: Vec<(Kept, (u32, u32), Hit)> = Vec::new();
        let mut of_pair = None;
        for candidate in kept {
            let used = &candidate.used;
            let Some(source) = self.ledger.sources.find(used.source) else { continue };
            let Some(host) = self.ledger.hosts.find(used.host) else { continue };
            let key = (source, host, used.agent);
            if of_pair.as_ref().is_none_or(|(known, _)| *known != key) {
                let Some(pair) = facts.of_pair(source, host, Some(used.agent)) else { continue };
                of_pair = Some((key, pair));
            }
            let Some((_, pair)) = &of_pair else { continue };
            let (service, operations, identity) = (used.service, used.operations, used.identity);
            let behaviour = facts.behaviour(source, host, pair, service, operations, identity);
            let hit = self.judge.candidate(&candidate.request, candidate.time_ms, &behaviour);
            hits.extend(hit.map(|hit| (candidate, (source, host), hit)));
        }
        hits.sort_by_key(|(kept, ..)| (kept.file, kept.line));
        let mut known: BTreeSet<((u32, u32), RuleId)> = BTreeSet::new();
        for (kept, pair, mut hit) in hits {
            let n_matches = hit.matches.len();
            hit.matches.retain(|matched| known.insert((pair, matched.rule)));
            self.n_repeated += (n_matches - hit.matches.len()) as u64;
            self.records(&hit, Some(pair), kept.file, kept.line, out);
            self.count(hit.decided.as_ref());
            if let Some(time_ms) = hit.time_ms.filter(|_| !hit.hits.is_empty()) {
                let at = (time_ms, kept.file, kept.line);
                self.held.push(Reverse(Held { at, hits: hit.hits }));
            }
        }
    }

    /// Returns what every source did with every host, a JSON object a line, in the order of their names; for
    /// pieces of a hunter with [`crate::Hunter::with_behaviour`], after [`Report::finish`].
    pub fn pairs(&self) -> String {
        values::pairs(&self.ledger)
    }

    /// Returns the report as a page of HTML, after [`Report::finish`]; empty unless it was kept
    /// ([`Report::with_page`]).
    pub fn page(&self) -> String {
        let page = |alerts| page::page(alerts, &self.ledger, &self.summary());
        self.alerts.as_ref().map(page).unwrap_or_default()
    }

    fn head(&mut self) -> String {
        if std::mem::replace(&mut self.has_head, true) { String::new() } else { self.output.head() }
    }

    fn count(&mut self, decided: Option<&Decided>) {
        let Some(decided) = decided else { return };
        self.n_off += decided.n_off;
        for (counts, exceptions) in
            [(&mut self.excepted, &decided.excepted), (&mut self.expired, &decided.expired)]
        {
            for exception in exceptions {
                *counts.entry(*exception).or_default() += 1;
            }
        }
    }

    /// Writes the records of a hit; `pair` is that of the ledger, where behaviour decided.
    fn records(
        &mut self,
        hit: &Hit,
        pair: Option<(u32, u32)>,
        file: usize,
        line: u64,
        out: &mut String,
    ) {
        let tables = self.judge.inspector.pack().tables();
        let file = self.files.get(file).map_or("", |file| &**file);
        let summary = hit.request.clone().unwrap_or_default();
        for matched in &hit.matches {
            let Some(rule) = tables.rule(matched.rule) else { continue };
            *self.per_rule.entry(matched.rule).or_default() += 1;
            self.n_records += 1;
            let policy = match (&self.policy, &hit.decided, &matched.ruling) {
                (Some(policy), Some(decided), Some(ruling)) => {
                    let pack = self.judge.inspector.pack();
                    Some(PolicyFacts::new(pack, policy, decided, ruling))
                }
                _ => None,
            };
            let record = Record {
                kind: "rule",
                time: hit.time_ms.map(timestamp),
                file,
                line,
                level: level(rule.level),
                rule: tables.str(rule.id),
                title: tables.str(rule.title),
                author: tables.str(rule.author),
                method: &summary.method,
                host: &summary.host,
                path: &summary.path,
                source: &summary.source,
                why: matched.evidence.clone(),
                behaviour: hit.behaviour.map(|of| values::asked(tables, matched.rule, &of)),
                value: None,
                policy,
            };
            self.output.record(&record, out);
            if let Some(alerts) = &mut self.alerts {
                alerts.take(Alert {
                    time_ms: hit.time_ms,
                    n_matches: 1,
                    level: level(rule.level),
                    rule: record.rule.to_owned(),
                    title: record.title.to_owned(),
                    author: record.author.to_owned(),
                    tags: tables.rule_tags(rule).collect::<Vec<_>>().join(", "),
                    source: summary.source.clone(),
                    host: summary.host.clone(),
                    service: summary.service.clone(),
                    request: format!("{} {}{}", summary.method, summary.host, summary.path),
                    behaviour: values::to_text(record.behaviour.as_deref().unwrap_or_default()),
                    pair,
                });
            }
        }
    }

    /// Passes the oldest event that is held to the correlations.
    fn correlate(&mut self, out: &mut String) {
        let Some(Reverse(held)) = self.held.pop() else { return };
        let (time_ms, file_idx, line) = held.at;
        let tables = self.judge.inspector.pack().tables();
        for firing in self.correlator.observe(self.judge.inspector.pack(), &held.hits, time_ms) {
            let correlation = tables.correlation(firing.correlation);
            let Some(correlation) = correlation.filter(|correlation| correlation.alerts) else {
                continue;
            };
            *self.per_correlation.entry(firing.correlation.index()).or_default() += 1;
            self.n_records += 1;
            let names = tables.correlation_group(correlation).iter().map(|name| tables.str(*name));
            let why = names.zip(&firing.group).map(|(name, value)| {
                let shown = match value {
                    None => "(none)".to_owned(),
                    Some(value) if self.show_values => String::from_utf8_lossy(value).into_owned(),
                    Some(value) if is_plain(name) => inspect::redact::host(value),
                    Some(_) => inspect::redact::REDACTED.to_owned(),
                };
                (name.to_owned(), shown, None)
            });
            let record = Record {
                kind: "correlation",
                time: Some(timestamp(firing.time_ms)),
                file: self.files.get(file_idx).map_or("", |file| &**file),
                line,
                level: level(correlation.level),
                rule: tables.str(correlation.id),
                title: tables.str(correlation.title),
                author: tables.str(correlation.author),
                why: why.collect(),
                value: Some((firing.value, firing.n_events)),
                ..Record::default()
            };
            self.output.record(&record, out);
        }
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns file and number of the first line that is not an event, and the reason.
    pub fn first_unreadable(&self) -> Option<(&Arc<str>, u64, Unreadable)> {
        let (reason, (file, line)) = self.first_unreadable.iter().min_by_key(|(_, at)| **at)?;
        Some((self.files.get(*file)?, *line, *reason))
    }

    /// Returns what sources did, if the pieces have it ([`crate::Hunter::with_uses`]).
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// Returns the rules that matched.
    pub fn matching_rules(&self) -> Vec<RuleId> {
        self.per_rule.keys().copied().collect()
    }

    /// Returns how many records were written.
    pub fn n_records(&self) -> u64 {
        self.n_records
    }

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
        for (reason, number) in &counts.unreadable {
            let (file, line) = self.first_unreadable.get(reason).copied().unwrap_or_default();
            let file = printable(self.files.get(file).map_or("", |file| file).as_bytes());
            let reason = reason.as_str();
            lines.push(format!("  {number} unreadable: {reason}, first at {file}:{line}"));
        }
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
            let n_sources = self.ledger.seen.len();
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
        let Some(given) = self.given else { return };
        for (field, asking) in given::unanswered(tables, given) {
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
    let titles = asking.needing.iter().take(MAX_TITLES);
    let mut shown: Vec<String> = titles.map(|title| printable(title.as_bytes())).collect();
    if let Some(n_more @ 1..) = asking.needing.len().checked_sub(MAX_TITLES) {
        shown.push(format!("and {n_more} more"));
    }
    let mut text = asking.needing.len().to_string();
    if !shown.is_empty() {
        text.push_str(&format!(" ({})", shown.join("; ")));
    }
    if asking.n_others > 0 {
        text.push_str(&format!(", and {} ask for it beside others", asking.n_others));
    }
    text
}

fn level(level: Level) -> &'static str {
    level.as_str()
}

pub(crate) fn timestamp(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| milliseconds.to_string(), |time| time.to_string())
}

/// Returns true if a field contains no secrets: who talks to whom, not what is said.
fn is_plain(field: &str) -> bool {
    let is_ours = |name: &str| ProxyField::from_name(name).is_some_and(ProxyField::is_ours);
    let plain = |name: &str| {
        is_ours(name)
            || matches!(
                ProxyField::from_name(name),
                Some(
                    ProxyField::Host
                        | ProxyField::Method
                        | ProxyField::SourceAddress
                        | ProxyField::DestinationAddress
                        | ProxyField::ServerName
                        | ProxyField::Status
                        | ProxyField::UriExtension
                        | ProxyField::Version
                )
            )
    };
    let mut mapped = MAPPINGS.iter().flat_map(|mapping| mapping.fields);
    plain(field)
        || mapped.any(|(name, at_proxy)| match at_proxy {
            AtProxy::Field(at_proxy) => *name == field && plain(at_proxy),
            AtProxy::Always(_) => false,
        })
}

/// A number with its noun.
fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
