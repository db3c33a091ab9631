//! The table of all metrics of the filter: `docs/metrics.md` is generated from it, and tests compare it
//! with the metrics of a real gateway.

/// The name of a metric, and its labels.
///
/// The host has names only, so labels are part of the name, each as `.key=value`, and Envoy's
/// `stats_tags` extract them again; the host puts `wasmcustom.` before it.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// The name in Prometheus.
    pub text: &'static str,
    /// The keys of the labels, in their order in the host's name.
    pub labels: &'static [&'static str],
}

const fn name(text: &'static str, labels: &'static [&'static str]) -> Name {
    Name { text, labels }
}

pub(crate) const REQUESTS: Name = name("tidegate_requests_total", &[]);
pub(crate) const MATCHES: Name = name("tidegate_matches_total", &["rule", "action"]);
pub(crate) const WOULD_DENY: Name = name("tidegate_would_deny_total", &["rule"]);
pub(crate) const EXCEPTIONS: Name = name("tidegate_exceptions_total", &["exception"]);
pub(crate) const EXPIRED_EXCEPTIONS: Name =
    name("tidegate_expired_exceptions_total", &["exception"]);
pub(crate) const ANOMALIES: Name = name("tidegate_anomalies_total", &["name"]);
pub(crate) const ERRORS: Name = name("tidegate_errors_total", &["kind"]);
pub(crate) const UNAUTHENTICATED: Name = name("tidegate_unauthenticated_total", &["kind"]);
pub(crate) const REFUSED: Name = name("tidegate_refused_total", &["kind"]);
pub(crate) const SUPPRESSED: Name = name("tidegate_suppressed_total", &[]);
pub(crate) const EVICTIONS: Name = name("tidegate_suppression_evictions_total", &[]);
pub(crate) const TRACKED: Name = name("tidegate_behaviour_requests_total", &[]);
pub(crate) const BEHAVIOUR_EVICTIONS: Name = name("tidegate_behaviour_evictions_total", &["kind"]);
pub(crate) const LOST_SWAPS: Name = name("tidegate_behaviour_lost_swaps_total", &[]);
pub(crate) const EXPORTED: Name = name("tidegate_exported_total", &[]);
pub(crate) const EXPORT_FAILURES: Name = name("tidegate_export_failures_total", &[]);
pub(crate) const EXPORT_DROPPED: Name = name("tidegate_export_dropped_total", &["kind"]);
pub(crate) const EVALUATION: Name = name("tidegate_evaluation_microseconds", &[]);
pub(crate) const RULES_LOADED: Name = name("tidegate_rules_loaded", &[]);
pub(crate) const PACK_HASH: Name = name("tidegate_pack_hash", &[]);
pub(crate) const PACK_INFO: Name = name("tidegate_pack_info", &["hash"]);

/// The kinds of `tidegate_refused_total`.
pub const REFUSALS: [&str; 4] = ["configuration", "unsigned", "signature", "older"];

impl Name {
    /// Returns the host's name of the series with these values, in the labels' order.
    pub(crate) fn with(self, values: &[&str]) -> String {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.text);
        let mut text = self.text.to_owned();
        for (label, value) in self.labels.iter().zip(values) {
            for part in [".", label, "=", value] {
                text.push_str(part);
            }
        }
        text
    }
}

/// A metric, for people.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: Name,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its meaning.
    pub means: &'static str,
    /// Most series of it in one Envoy.
    pub series: &'static str,
}

const fn metric(
    name: Name,
    kind: &'static str,
    means: &'static str,
    series: &'static str,
) -> Metric {
    Metric { name, kind, means, series }
}

/// All metrics, in the order of the page.
pub const METRICS: &[Metric] = &[
    metric(
        REQUESTS,
        "counter",
        "Requests, or connections with `protocol: tls`, that were judged: the heartbeat. Requests that only the listener counts passed unjudged.",
        "1",
    ),
    metric(
        MATCHES,
        "counter",
        "Matches of a rule, by what happened to the request: `observe` or `deny`. A correlation that fired in the gateway counts under its id, as `observe`.",
        "2 for each rule that has matched, 1 for each correlation",
    ),
    metric(
        WOULD_DENY,
        "counter",
        "Matches for which mode `enforce` denies, in either mode.",
        "1 for each rule that has matched",
    ),
    metric(
        EXCEPTIONS,
        "counter",
        "Matches that an exception of the policy excused.",
        "1 for each exception",
    ),
    metric(
        EXPIRED_EXCEPTIONS,
        "counter",
        "Matches that an expired exception would have excused.",
        "1 for each exception",
    ),
    metric(
        ANOMALIES,
        "counter",
        "Requests with an anomaly, whether a rule matched or not; the names are those of [evasions.md](evasions.md), with `_` for each dot.",
        "1 for each anomaly",
    ),
    metric(
        ERRORS,
        "counter",
        "Failures between filter and Envoy: `header_map`, `property`, `busy`, `request_header` (a header of the policy could not be set), `filter_state`, `local_response`, `event`; `truncated` is a request larger than the engine's bounds, `source_header` one whose trusted hop names its client with an empty or a repeated header, `connections` a connection that was closed as its client has too many (`connections_per_source`), `panic` a request whose inspection panicked, which only the native host counts.",
        "11",
    ),
    metric(
        UNAUTHENTICATED,
        "counter",
        "Requests that do not name their client as the policy requires: `missing` and `wrong` credentials, answered with 407, and `insecure` connections over which none are taken, answered with 403; in mode `monitor` they pass.",
        "3",
    ),
    metric(
        REFUSED,
        "counter",
        "Configurations that were refused, once for each virtual machine that refused: `configuration`, `unsigned`, `signature`, `older`.",
        "4",
    ),
    metric(
        SUPPRESSED,
        "counter",
        "Events that were not written because of `suppress_seconds` or `events_per_minute`, or as behaviour that was reported for a source and a host in this window.",
        "1",
    ),
    metric(
        EVICTIONS,
        "counter",
        "Windows of suppression that were closed early because their bucket was full.",
        "1",
    ),
    metric(TRACKED, "counter", "Requests whose source's behaviour a rule asked for.", "1"),
    metric(
        BEHAVIOUR_EVICTIONS,
        "counter",
        "Entries of behaviour that gave way to others while they were in use, by their table: `pairs`, `sources`, `hosts`, and `groups` of correlations.",
        "4",
    ),
    metric(
        LOST_SWAPS,
        "counter",
        "Entries of behaviour that were not written, as another worker changed their bucket at the same time: one request more or less.",
        "1",
    ),
    metric(EXPORTED, "counter", "Events that the collector took.", "1"),
    metric(EXPORT_FAILURES, "counter", "Calls to the collector that failed.", "1"),
    metric(
        EXPORT_DROPPED,
        "counter",
        "Events that the collector will not get; the log has them. `full`: the queue had no room; `refused`: the collector answered that it will never take them.",
        "2",
    ),
    metric(
        EVALUATION,
        "histogram",
        "Time to judge a request, including calls to Envoy; every 64th request of a worker is timed.",
        "1",
    ),
    metric(RULES_LOADED, "gauge", "Rules in the pack.", "1"),
    metric(PACK_HASH, "gauge", "The first 64 bits of the pack's content hash, as a number.", "1"),
    metric(
        PACK_INFO,
        "gauge",
        "When the pack with this hash was loaded, in seconds since 1970: the newest is in use.",
        "1 for each pack since Envoy started",
    ),
];

/// Returns the table as Markdown.
pub fn markdown() -> String {
    let mut text =
        "| metric | labels | kind | means | series |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for Metric { name, kind, means, series } in METRICS {
        let labels: Vec<_> = name.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        let cells = ["| `", name.text, "` | ", &labels, " | ", kind, " | ", means, " | ", series];
        text.push_str(&cells.concat());
        text.push_str(" |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_part_of_names() {
        let id = "6b3e1d1c-0000-4000-8000-000000000001";
        assert_eq!(REQUESTS.with(&[]), "tidegate_requests_total");
        assert_eq!(
            MATCHES.with(&[id, "deny"]),
            format!("tidegate_matches_total.rule={id}.action=deny")
        );
    }
}
