//! The reports of pieces in order: records, counts per rule, correlations over time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::sync::Arc;

use inspect::pack::Level;
use inspect::{CorrelationHit, Correlator, Pack, ProxyField, RuleId, StrId};
use sigma::{AtProxy, MAPPINGS};

use traffic::{FieldMap, Format, Unreadable};

use crate::behaviour::candidates::Candidates;
use crate::behaviour::ledger::Ledger;
use crate::behaviour::request_store::Spill;
use crate::behaviour::values;
use crate::counts::{Counts, Missed};
use crate::given::Given;
use crate::hunter::{Hit, Judge, PieceReport};
use crate::limits::MAX_HELD_EVENTS;
use crate::output::{Output, Record};
use crate::page::{self, Alert, Alerts};
use crate::policy_replay::{Decided, PolicyFacts, PolicyReplay};
use crate::timestamp::timestamp;
use crate::uses::Uses;

mod over_time;
mod summary;

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
    /// The file and the line of the first line of each other format.
    first_of_others: BTreeMap<Format, (usize, u64)>,
    /// What was read of each file, in their order.
    read: Vec<ReadLog>,
    counts: Counts,
    given: Given,
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
    /// Why requests that were kept could not be read.
    lost: Option<io::Error>,
}

/// What was read of one log.
#[derive(Clone, Debug, Default)]
pub struct ReadLog {
    /// Lines that are events.
    pub n_events: u64,
    /// Lines that could not be read.
    pub n_unreadable: u64,
    /// The first of these, and why.
    pub first_unreadable: Option<(u64, Unreadable)>,
    /// Those of them that look like requests.
    pub missed: Option<Missed>,
}

impl ReadLog {
    /// Adds what a piece counted, in front of which there are `n_before` lines.
    fn add(&mut self, counts: &Counts, n_before: u64) {
        self.n_events += counts.n_events;
        self.n_unreadable += counts.n_unreadable();
        let first = counts.first_unreadable.iter().min_by_key(|(_, line)| **line);
        let first = first.map(|(reason, line)| (n_before + line, *reason));
        self.first_unreadable = self.first_unreadable.or(first);
        if let Some(missed) = counts.missed {
            let first = missed.first + n_before;
            let all = self.missed.get_or_insert(Missed { n_lines: 0, first, ..missed });
            all.n_lines += missed.n_lines;
        }
    }
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
            first_of_others: BTreeMap::new(),
            read: Vec::new(),
            counts: Counts::default(),
            given: Given::default(),
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
            lost: None,
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

    /// Returns the report that writes requests to a file that are too many to be kept in memory until the logs have
    /// ended.
    #[must_use]
    pub fn with_spill(mut self, spill: Box<dyn Spill>) -> Report {
        self.candidates.spill_to(spill);
        self
    }

    /// Returns why requests could not be read from the file of [`Report::with_spill`], so that rules over time may
    /// have missed something.
    pub fn lost(&self) -> Option<&io::Error> {
        self.lost.as_ref()
    }

    /// Lets the correlations see the events that follow in order of time, as those of several logs.
    pub fn hold(&mut self) {
        self.max_held = MAX_HELD_EVENTS;
    }

    /// Begins the next log.
    pub fn begin(&mut self, file: &Arc<str>) {
        self.files.push(Arc::clone(file));
        self.read.push(ReadLog::default());
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
            self.candidates.take(candidate, &self.ledger.names, file, self.n_lines_of_file);
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
        for (format, (_, line)) in &piece.counts.of_others {
            let place = (file, self.n_lines_of_file + line);
            self.first_of_others.entry(*format).or_insert(place);
        }
        if let Some(read) = self.read.last_mut() {
            read.add(&piece.counts, self.n_lines_of_file);
        }
        self.n_lines_of_file += piece.counts.n_lines;
        self.counts.add(&piece.counts);
        if let Some(uses) = &piece.uses {
            self.uses.add(uses);
        }
        self.given.add(piece.given);
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

    /// Returns what was read of each log, in their order.
    pub fn logs(&self) -> impl Iterator<Item = (&Arc<str>, &ReadLog)> {
        self.files.iter().zip(&self.read)
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
}

fn level(level: Level) -> &'static str {
    level.as_str()
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
