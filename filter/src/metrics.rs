//! What is counted, and under which names.
//!
//! Labels stand in the name, each as `.key=value`, for Envoy's `stats_tags` to take out again; the
//! host puts `wasmcustom.` before every name.
//!
//! | name                                                   | kind    | counts |
//! | ------------------------------------------------------ | ------- | ------ |
//! | `tidegate_requests_total`                              | counter | requests that were judged |
//! | `tidegate_matches_total.rule=ID.action=observe`        | counter | matches of a rule that passed (`observe`) or were denied (`deny`) |
//! | `tidegate_would_deny_total.rule=ID`                    | counter | matches of a rule that mode `enforce` denies, in either mode |
//! | `tidegate_exceptions_total.exception=ID`               | counter | matches that an exception of the policy took out |
//! | `tidegate_expired_exceptions_total.exception=ID`       | counter | matches that an exception would have taken out if its time were not over |
//! | `tidegate_anomalies_total.name=NAME`                   | counter | requests with an anomaly, whether a rule matches or not; dots in the name are underscores |
//! | `tidegate_errors_total.kind=KIND`                      | counter | what went wrong, see [`Failure`] |
//! | `tidegate_refused_total.kind=KIND`                     | counter | configurations that were not taken, see [`Refusal`] |
//! | `tidegate_rules_loaded`                                | gauge   | rules in the pack |
//! | `tidegate_pack_hash`                                   | gauge   | first 64 bits of the pack's content hash |
//! | `tidegate_pack_info.hash=HASH`                         | gauge   | when that pack was loaded, in seconds since 1970: the newest is at work |
//!
//! Metrics live as long as Envoy does, so names may only hold what is bounded: rules and kinds, never
//! hosts or paths. A rule's counters are defined when it first matches.

use std::collections::BTreeMap;

use inspect::{Action, Anomalies, Anomaly, Pack, RuleId, RuleMatch, Ruling, StrId};

use crate::event::short_hash;
use crate::host::{self, MetricId, MetricKind};
use crate::label::rule_label;

/// What can go wrong between filter and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The header map was not handed over, or is none: the request cannot be judged.
    HeaderMap,
    /// A property that the pack needs was not handed over: rules that look at it cannot be judged.
    Property,
    /// The engine is at work already: a callback inside a callback. The request cannot be judged.
    Busy,
    /// Filter state could not be set: the access log misses the verdict.
    FilterState,
    /// An answer could not be sent.
    LocalResponse,
    /// An event could not be written.
    Event,
    /// A request was larger than the engine's bounds, so some of it was not inspected.
    Truncated,
}

impl Failure {
    /// The name in metrics and response code details.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Failure::HeaderMap => "header_map",
            Failure::Property => "property",
            Failure::Busy => "busy",
            Failure::FilterState => "filter_state",
            Failure::LocalResponse => "local_response",
            Failure::Event => "event",
            Failure::Truncated => "truncated",
        }
    }
}

/// Why a configuration was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not understood, or its pack is damaged or of another format.
    Configuration,
    /// Its pack is not signed.
    Unsigned,
    /// Its pack's signature is of none of the keys.
    Signature,
    /// Its pack is older than the one at work.
    Older,
}

impl Refusal {
    /// The name in metrics.
    fn as_str(self) -> &'static str {
        match self {
            Refusal::Configuration => "configuration",
            Refusal::Unsigned => "unsigned",
            Refusal::Signature => "signature",
            Refusal::Older => "older",
        }
    }
}

/// Counts a configuration that was not taken, once for each virtual machine that did not take it.
pub(crate) fn count_refusal(refusal: Refusal) {
    let name = format!("tidegate_refused_total.kind={}", refusal.as_str());
    let metric = host::define_metric(MetricKind::Counter, &name);
    drop_error(metric.and_then(host::increment));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Requests,
    Observed(RuleId),
    Denied(RuleId),
    WouldDeny(RuleId),
    Exception(StrId),
    Expired(StrId),
    Anomaly(Anomaly),
    Error(Failure),
}

impl Counter {
    /// The name; `rule` is the id of the rule or exception that the counter counts, if it counts one.
    fn name(self, rule: &str) -> String {
        let rule = rule_label(rule);
        match self {
            Counter::Requests => "tidegate_requests_total".to_owned(),
            Counter::Observed(_) => format!("tidegate_matches_total.rule={rule}.action=observe"),
            Counter::Denied(_) => format!("tidegate_matches_total.rule={rule}.action=deny"),
            Counter::WouldDeny(_) => format!("tidegate_would_deny_total.rule={rule}"),
            Counter::Exception(_) => format!("tidegate_exceptions_total.exception={rule}"),
            Counter::Expired(_) => format!("tidegate_expired_exceptions_total.exception={rule}"),
            // Dots part the segments of Envoy's names.
            Counter::Anomaly(anomaly) => {
                format!("tidegate_anomalies_total.name={}", anomaly.as_str().replace('.', "_"))
            }
            Counter::Error(failure) => format!("tidegate_errors_total.kind={}", failure.as_str()),
        }
    }
}

/// The counters that were needed so far. At most three per rule, two per exception, one per [`Anomaly`]
/// and one per [`Failure`].
///
/// A host that refuses to count (a capability is not granted) changes no verdict: its errors are
/// dropped, for where else could they be counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: Option<MetricId>,
    others: BTreeMap<Counter, MetricId>,
}

impl Counters {
    /// Counts a request that was judged.
    pub(crate) fn request(&mut self) {
        if self.requests.is_none() {
            self.requests = define(Counter::Requests, "");
        }
        if let Some(metric) = self.requests {
            drop_error(host::increment(metric));
        }
    }

    /// Counts the matches of a request that came to `action`, and what excused them; `rulings` are those
    /// of the matches, in their order.
    pub(crate) fn matches<'m>(
        &mut self,
        pack: &Pack,
        matches: impl IntoIterator<Item = &'m RuleMatch>,
        rulings: &[Ruling],
        action: Action,
    ) {
        let tables = pack.tables();
        for (RuleMatch { rule: rule_id, .. }, ruling) in matches.into_iter().zip(rulings) {
            if let Some(exception) = ruling.expired {
                self.increment(Counter::Expired(exception), tables.str(exception));
            }
            if let Some(exception) = ruling.exception {
                self.increment(Counter::Exception(exception), tables.str(exception));
                continue;
            }
            let Some(rule) = tables.rule(*rule_id) else { continue };
            let counter = match action {
                Action::Deny if ruling.action == Action::Deny => Counter::Denied(*rule_id),
                Action::Deny | Action::Observe | Action::Allow => Counter::Observed(*rule_id),
            };
            self.increment(counter, tables.str(rule.id));
            if ruling.would_deny {
                self.increment(Counter::WouldDeny(*rule_id), tables.str(rule.id));
            }
        }
    }

    /// Counts what is odd about a request.
    pub(crate) fn anomalies(&mut self, anomalies: Anomalies) {
        anomalies.iter().for_each(|anomaly| self.increment(Counter::Anomaly(anomaly), ""));
    }

    /// Counts something that went wrong.
    pub(crate) fn error(&mut self, failure: Failure) {
        self.increment(Counter::Error(failure), "");
    }

    fn increment(&mut self, counter: Counter, rule: &str) {
        let metric = self.others.get(&counter).copied().or_else(|| define(counter, rule));
        if let Some(metric) = metric {
            self.others.insert(counter, metric);
            drop_error(host::increment(metric));
        }
    }
}

/// Sets the gauges of a pack that was loaded.
pub(crate) fn record_pack(pack: &Pack) {
    let hash = format!("tidegate_pack_info.hash={}", short_hash(pack));
    let seconds = host::time().unwrap_or_default() / 1_000_000_000;
    for (name, value) in [
        ("tidegate_rules_loaded", pack.tables().rules.len() as u64),
        ("tidegate_pack_hash", pack.hash().short()),
        (hash.as_str(), seconds),
    ] {
        let metric = host::define_metric(MetricKind::Gauge, name);
        drop_error(metric.and_then(|metric| host::record(metric, value)));
    }
}

fn define(counter: Counter, rule: &str) -> Option<MetricId> {
    host::define_metric(MetricKind::Counter, &counter.name(rule)).ok()
}

fn drop_error(_: Result<(), host::HostError>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::decoded;

    #[test]
    fn labels_stand_in_the_names() {
        let (rule, id) = (RuleId(0), "6b3e1d1c-0000-4000-8000-000000000001");
        for (counter, expect) in [
            (Counter::Requests, "tidegate_requests_total".to_owned()),
            (Counter::Observed(rule), format!("tidegate_matches_total.rule={id}.action=observe")),
            (Counter::Denied(rule), format!("tidegate_matches_total.rule={id}.action=deny")),
            (Counter::WouldDeny(rule), format!("tidegate_would_deny_total.rule={id}")),
            (
                Counter::Error(Failure::HeaderMap),
                "tidegate_errors_total.kind=header_map".to_owned(),
            ),
        ] {
            assert_eq!(counter.name(id), expect);
        }
    }

    #[test]
    fn a_host_that_does_not_count_is_put_up_with() {
        let pack = decoded("cs-host: a.example");
        let mut counters = Counters::default();
        counters.request();
        counters.error(Failure::Busy);
        assert!(counters.requests.is_none() && counters.others.is_empty());
        record_pack(&pack);
    }
}
