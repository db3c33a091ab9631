//! Counters and gauges; [`crate::metric_table`] is the table of their names.
//!
//! Metrics live as long as Envoy does, so names may contain only bounded sets: rules and kinds, never
//! hosts or paths. A rule's counters are defined when it first matches.

use std::collections::BTreeMap;

use inspect::{Action, Anomalies, Anomaly, CorrelationId, Pack, RuleId, RuleMatch, Ruling, StrId};

use crate::behaviour::shared::Table;
use crate::host::{Host, HostError, MetricId, MetricKind};
use crate::label::{rule_label, short_hash};
use crate::limits::{MAX_SUMMED, SAMPLED};
use crate::metric_table as table;

/// A failure between filter and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The header map was not returned, or is malformed: the request cannot be judged.
    HeaderMap,
    /// A property that the pack needs was not returned: rules on it cannot be judged.
    Property,
    /// The engine is in use: a callback inside a callback. The request cannot be judged.
    Busy,
    /// A header that the policy sets could not be set or removed.
    RequestHeader,
    /// Filter state could not be set: the access log misses the verdict.
    FilterState,
    /// An answer could not be sent.
    LocalResponse,
    /// An event could not be written.
    Event,
    /// A request was larger than the engine's bounds, so part of it was not inspected.
    Truncated,
    /// The header in which a trusted hop names the client is empty or repeated: the client is unknown.
    SourceHeader,
    /// A client has too many open connections: a further one was closed.
    Connections,
    /// Judging the request panicked, and the host caught it.
    Panic,
}

impl Failure {
    /// Returns the name in metrics and response code details.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Failure::HeaderMap => "header_map",
            Failure::Property => "property",
            Failure::Busy => "busy",
            Failure::RequestHeader => "request_header",
            Failure::FilterState => "filter_state",
            Failure::LocalResponse => "local_response",
            Failure::Event => "event",
            Failure::Truncated => "truncated",
            Failure::SourceHeader => "source_header",
            Failure::Connections => "connections",
            Failure::Panic => "panic",
        }
    }
}

/// Why a request does not name its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unauthenticated {
    /// It has no credentials, and its source has to have some.
    Missing,
    /// Its credentials are those of no client, or cannot be read.
    Wrong,
    /// The connection is in clear text and not on this machine: credentials are neither taken nor asked for.
    Insecure,
}

impl Unauthenticated {
    /// Returns the name in metrics and response code details.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Unauthenticated::Missing => "missing",
            Unauthenticated::Wrong => "wrong",
            Unauthenticated::Insecure => "insecure",
        }
    }
}

/// The reason why a configuration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is invalid, or its pack is damaged or of another format.
    Configuration,
    /// Its pack is not signed.
    Unsigned,
    /// Its pack's signature is of none of the keys.
    Signature,
    /// Its pack is older than the one in use.
    Older,
}

impl Refusal {
    /// Returns the name in metrics.
    fn as_str(self) -> &'static str {
        match self {
            Refusal::Configuration => "configuration",
            Refusal::Unsigned => "unsigned",
            Refusal::Signature => "signature",
            Refusal::Older => "older",
        }
    }
}

/// Counts a refused configuration, once for each virtual machine that refused it.
pub(crate) fn count_refusal(host: &dyn Host, refusal: Refusal) {
    let name = table::REFUSED.with(&[refusal.as_str()]);
    let metric = host.define_metric(MetricKind::Counter, &name);
    drop_error(metric.and_then(|metric| host.add(metric, 1)));
}

/// The reason why the collector does not get an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// The queue had no room.
    Full,
    /// The collector answered that it will never take the batch.
    Refused,
}

impl Loss {
    /// Returns the name in metrics.
    fn as_str(self) -> &'static str {
        match self {
            Loss::Full => "full",
            Loss::Refused => "refused",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Requests,
    Observed(RuleId),
    Denied(RuleId),
    WouldDeny(RuleId),
    Fired(CorrelationId),
    Exception(StrId),
    Expired(StrId),
    Anomaly(Anomaly),
    Error(Failure),
    Unauthenticated(Unauthenticated),
    Suppressed,
    Evicted,
    Tracked,
    BehaviourEvicted(Table),
    LostSwaps,
    Exported,
    ExportFailure,
    Dropped(Loss),
}

impl Counter {
    /// Returns the name; `rule` is the id of the rule or exception that is counted, if one is.
    fn name(self, rule: &str) -> String {
        let rule = &rule_label(rule);
        match self {
            Counter::Requests => table::REQUESTS.with(&[]),
            Counter::Observed(_) | Counter::Fired(_) => table::MATCHES.with(&[rule, "observe"]),
            Counter::Denied(_) => table::MATCHES.with(&[rule, "deny"]),
            Counter::WouldDeny(_) => table::WOULD_DENY.with(&[rule]),
            Counter::Exception(_) => table::EXCEPTIONS.with(&[rule]),
            Counter::Expired(_) => table::EXPIRED_EXCEPTIONS.with(&[rule]),
            // Dots separate the segments of Envoy's names.
            Counter::Anomaly(anomaly) => {
                table::ANOMALIES.with(&[&anomaly.as_str().replace('.', "_")])
            }
            Counter::Suppressed => table::SUPPRESSED.with(&[]),
            Counter::Tracked => table::TRACKED.with(&[]),
            Counter::BehaviourEvicted(of) => table::BEHAVIOUR_EVICTIONS.with(&[of.as_str()]),
            Counter::LostSwaps => table::LOST_SWAPS.with(&[]),
            Counter::Exported => table::EXPORTED.with(&[]),
            Counter::ExportFailure => table::EXPORT_FAILURES.with(&[]),
            Counter::Dropped(loss) => table::EXPORT_DROPPED.with(&[loss.as_str()]),
            Counter::Evicted => table::EVICTIONS.with(&[]),
            Counter::Error(failure) => table::ERRORS.with(&[failure.as_str()]),
            Counter::Unauthenticated(why) => table::UNAUTHENTICATED.with(&[why.as_str()]),
        }
    }
}

/// The counters that were needed so far. At most three per rule, one per correlation, two per exception, one per [`Anomaly`],
/// [`Failure`], [`Unauthenticated`], [`Table`] and [`Loss`].
///
/// A host that refuses to count (a capability is not granted) changes no verdict: its errors are
/// dropped, as there is nowhere to count them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Whether ticks come.
    has_ticks: bool,
    requests: Summed,
    tracked: Summed,
    evaluation: Option<MetricId>,
    /// Requests since one was timed.
    n_untimed: u32,
    others: BTreeMap<Counter, MetricId>,
}

/// A counter that nearly every request increments. A call of the host for each would cost more than a third of what
/// judging an ordinary request takes, so where ticks come, it is written at them, and in between once it has much.
#[derive(Debug, Default)]
struct Summed {
    metric: Option<MetricId>,
    /// What is not written.
    count: u64,
}

impl Summed {
    fn increment(&mut self, host: &dyn Host, counter: Counter, has_ticks: bool) {
        if self.metric.is_none() {
            self.metric = define(host, counter, "");
        }
        self.count += 1;
        if !has_ticks || self.count >= MAX_SUMMED {
            self.write(host);
        }
    }

    fn write(&mut self, host: &dyn Host) {
        let count = std::mem::take(&mut self.count);
        if let Some(metric) = self.metric.filter(|_| count > 0) {
            drop_error(host.add(metric, count));
        }
    }
}

impl Counters {
    /// Counts a request that was judged.
    pub(crate) fn request(&mut self, host: &dyn Host) {
        self.requests.increment(host, Counter::Requests, self.has_ticks);
    }

    /// Lets counters of requests wait for ticks, if these come.
    pub(crate) fn wait_for_ticks(&mut self, has_ticks: bool) {
        self.has_ticks = has_ticks;
    }

    /// Writes what requests added up.
    pub(crate) fn write_sums(&mut self, host: &dyn Host) {
        self.requests.write(host);
        self.tracked.write(host);
    }

    /// Counts the matches of a request that ended as `action`, and their exceptions; `rulings` are those
    /// of the matches, in their order.
    pub(crate) fn matches<'m>(
        &mut self,
        host: &dyn Host,
        pack: &Pack,
        matches: impl IntoIterator<Item = &'m RuleMatch>,
        rulings: &[Ruling],
        action: Action,
    ) {
        let tables = pack.tables();
        for (RuleMatch { rule: rule_id, .. }, ruling) in matches.into_iter().zip(rulings) {
            if let Some(exception) = ruling.expired {
                self.increment(host, Counter::Expired(exception), tables.str(exception));
            }
            if let Some(exception) = ruling.exception {
                self.increment(host, Counter::Exception(exception), tables.str(exception));
                continue;
            }
            let Some(rule) = tables.rule(*rule_id) else { continue };
            let counter = match action {
                Action::Deny if ruling.action == Action::Deny => Counter::Denied(*rule_id),
                Action::Deny | Action::Observe | Action::Allow => Counter::Observed(*rule_id),
            };
            self.increment(host, counter, tables.str(rule.id));
            if ruling.would_deny {
                self.increment(host, Counter::WouldDeny(*rule_id), tables.str(rule.id));
            }
        }
    }

    /// Counts a correlation that fired, as a match of a rule that was observed.
    pub(crate) fn fired(&mut self, host: &dyn Host, pack: &Pack, fired: CorrelationId) {
        let tables = pack.tables();
        let id = tables.correlation(fired).map_or("", |of| tables.str(of.id));
        self.increment(host, Counter::Fired(fired), id);
    }

    /// Returns true if the next request is timed.
    pub(crate) fn is_timed(&mut self) -> bool {
        self.n_untimed = (self.n_untimed + 1) % SAMPLED;
        self.n_untimed == 0
    }

    /// Records the time that judging a request took.
    pub(crate) fn evaluation(&mut self, host: &dyn Host, microseconds: u64) {
        if self.evaluation.is_none() {
            let name = table::EVALUATION.with(&[]);
            self.evaluation = host.define_metric(MetricKind::Histogram, &name).ok();
        }
        if let Some(metric) = self.evaluation {
            drop_error(host.record(metric, microseconds));
        }
    }

    /// Counts the anomalies of a request.
    pub(crate) fn anomalies(&mut self, host: &dyn Host, anomalies: Anomalies) {
        anomalies.iter().for_each(|anomaly| self.increment(host, Counter::Anomaly(anomaly), ""));
    }

    /// Counts an event that was not written.
    pub(crate) fn suppressed(&mut self, host: &dyn Host) {
        self.increment(host, Counter::Suppressed, "");
    }

    /// Counts a window that was closed early.
    pub(crate) fn evicted(&mut self, host: &dyn Host) {
        self.increment(host, Counter::Evicted, "");
    }

    /// Counts a request whose source's behaviour a rule asks for.
    pub(crate) fn tracked(&mut self, host: &dyn Host) {
        self.tracked.increment(host, Counter::Tracked, self.has_ticks);
    }

    /// Counts an entry of behaviour that gave way.
    pub(crate) fn behaviour_evicted(&mut self, host: &dyn Host, table: Table) {
        self.increment(host, Counter::BehaviourEvicted(table), "");
    }

    /// Counts entries of behaviour that could not be written.
    pub(crate) fn lost_swaps(&mut self, host: &dyn Host, n_swaps: u64) {
        self.add(host, Counter::LostSwaps, "", n_swaps);
    }

    /// Counts a failure.
    pub(crate) fn error(&mut self, host: &dyn Host, failure: Failure) {
        self.increment(host, Counter::Error(failure), "");
    }

    /// Counts a request that does not name its client.
    pub(crate) fn unauthenticated(&mut self, host: &dyn Host, why: Unauthenticated) {
        self.increment(host, Counter::Unauthenticated(why), "");
    }

    /// Counts events that the collector took.
    pub(crate) fn exported(&mut self, host: &dyn Host, n_events: u64) {
        self.add(host, Counter::Exported, "", n_events);
    }

    /// Counts a call to the collector that failed.
    pub(crate) fn export_failed(&mut self, host: &dyn Host) {
        self.increment(host, Counter::ExportFailure, "");
    }

    /// Counts events that the collector will not get.
    pub(crate) fn export_dropped(&mut self, host: &dyn Host, loss: Loss, n_events: u64) {
        self.add(host, Counter::Dropped(loss), "", n_events);
    }

    fn increment(&mut self, host: &dyn Host, counter: Counter, rule: &str) {
        self.add(host, counter, rule, 1);
    }

    fn add(&mut self, host: &dyn Host, counter: Counter, rule: &str, count: u64) {
        let metric = self.others.get(&counter).copied().or_else(|| define(host, counter, rule));
        if let Some(metric) = metric {
            self.others.insert(counter, metric);
            drop_error(host.add(metric, count));
        }
    }
}

/// Sets the gauges of a pack that was loaded.
pub(crate) fn record_pack(host: &dyn Host, pack: &Pack) {
    let hash = short_hash(pack);
    let seconds = host.seconds().unwrap_or_default();
    for (name, value) in [
        (table::RULES_LOADED.with(&[]), pack.tables().rules.len() as u64),
        (table::PACK_HASH.with(&[]), pack.hash().short()),
        (table::PACK_INFO.with(&[&hash]), seconds),
    ] {
        let metric = host.define_metric(MetricKind::Gauge, &name);
        drop_error(metric.and_then(|metric| host.record(metric, value)));
    }
}

/// Defines the counter of lost swaps, so that it is served as 0 where behaviour is kept and none was lost.
pub(crate) fn define_lost_swaps(host: &dyn Host) {
    drop_error(host.define_metric(MetricKind::Counter, &Counter::LostSwaps.name("")).map(|_| ()));
}

fn define(host: &dyn Host, counter: Counter, rule: &str) -> Option<MetricId> {
    host.define_metric(MetricKind::Counter, &counter.name(rule)).ok()
}

fn drop_error(_: Result<(), HostError>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, decoded};

    #[test]
    fn one_request_of_many_is_timed() {
        let mut counters = Counters::default();
        let timed: Vec<_> = (1..=3 * SAMPLED).filter(|_| counters.is_timed()).collect();
        assert_eq!(timed, [SAMPLED, 2 * SAMPLED, 3 * SAMPLED]);
    }

    #[test]
    fn a_host_that_does_not_count_changes_nothing() {
        let pack = decoded("cs-host: a.example");
        let host = FakeHost::broken();
        let mut counters = Counters::default();
        counters.request(&host);
        counters.error(&host, Failure::Busy);
        assert!(counters.requests.metric.is_none() && counters.others.is_empty());
        record_pack(&host, &pack);
    }
}
