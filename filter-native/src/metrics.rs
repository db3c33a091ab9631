//! Metrics: Envoy makes them while a configuration is made, and fills in labels later.
//!
//! The filter names series as the other host does, with labels in the name
//! (`tidegate_matches_total.rule=X.action=deny`). Here the name before the first dot is a metric of
//! [`METRICS`], and the rest become real labels.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use filter::metric_table::{METRICS, REFUSALS};
use filter::{MetricId, MetricKind};

use crate::envoy::{EnvoyConfig, EnvoyMetric, Scope};

/// The metrics of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Envoy's metrics, in the order of [`METRICS`].
    defined: Vec<(MetricKind, EnvoyMetric)>,
    labelled: Mutex<Labelled>,
}

/// The series with labels that were needed so far. Their numbers follow those of [`METRICS`].
#[derive(Debug, Default)]
struct Labelled {
    ids: BTreeMap<String, MetricId>,
    series: Vec<(usize, Arc<[String]>)>,
}

impl Metrics {
    /// Defines all metrics; `None` if Envoy refuses one.
    pub(crate) fn define(envoy: EnvoyConfig<'_>) -> Option<Metrics> {
        let define = |metric: &filter::metric_table::Metric| {
            let kind = match metric.kind {
                "gauge" => MetricKind::Gauge,
                "histogram" => MetricKind::Histogram,
                _ => MetricKind::Counter,
            };
            Some((kind, envoy.define(kind, metric.name.text, metric.name.labels)?))
        };
        let defined = METRICS.iter().map(define).collect::<Option<_>>()?;
        Some(Metrics { defined, labelled: Mutex::default() })
    }

    /// Adds nothing to the counters of refusals. Envoy drops a counter with the last configuration that
    /// has used it, so a refusal would be forgotten with the configuration that was refused.
    pub(crate) fn keep_refusals(&self, scope: Scope<'_>) {
        for kind in REFUSALS {
            if let Some(metric) = self.series(&format!("tidegate_refused_total.kind={kind}")) {
                self.record(scope, metric, 0);
            }
        }
    }

    /// Returns the number of a series; `None` if no metric has this name and these labels.
    pub(crate) fn series(&self, name: &str) -> Option<MetricId> {
        let (text, labels) = name.split_once('.').unwrap_or((name, ""));
        let idx = METRICS.iter().position(|metric| metric.name.text == text)?;
        let keys = METRICS.get(idx)?.name.labels;
        if keys.is_empty() {
            return Some(MetricId(u32::try_from(idx).ok()?));
        }
        let mut labelled = self.labelled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = labelled.ids.get(name) {
            return Some(*id);
        }
        let mut pairs = labels.split('.').map(|pair| pair.split_once('='));
        let values: Option<Vec<String>> = keys
            .iter()
            .map(|key| {
                pairs.next()?.filter(|(found, _)| found == key).map(|(_, value)| value.into())
            })
            .collect();
        let id = MetricId(u32::try_from(METRICS.len() + labelled.series.len()).ok()?);
        labelled.series.push((idx, values?.into()));
        labelled.ids.insert(name.to_owned(), id);
        Some(id)
    }

    /// Adds to a series that is a counter or a histogram, or sets a gauge; returns false if there is no
    /// such series, or Envoy refuses.
    pub(crate) fn record(&self, scope: Scope<'_>, MetricId(id): MetricId, value: u64) -> bool {
        let id = id as usize;
        let none: Arc<[String]> = Arc::default();
        let (idx, labels) = match id.checked_sub(METRICS.len()) {
            None => (id, none),
            Some(place) => {
                let labelled = self.labelled.lock().unwrap_or_else(PoisonError::into_inner);
                let Some((idx, labels)) = labelled.series.get(place) else { return false };
                (*idx, Arc::clone(labels))
            }
        };
        let Some((kind, metric)) = self.defined.get(idx) else { return false };
        scope.record(*kind, *metric, &labels, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_metric_of_the_table_and_its_labels() {
        let metrics = Metrics::default();
        assert_eq!(metrics.series("tidegate_requests_total"), Some(MetricId(0)));
        let first = metrics.series("tidegate_matches_total.rule=a.action=deny").unwrap();
        let second = metrics.series("tidegate_matches_total.rule=a.action=observe").unwrap();
        assert!(first.0 as usize == METRICS.len() && second.0 == first.0 + 1);
        assert_eq!(metrics.series("tidegate_matches_total.rule=a.action=deny"), Some(first));
        for name in
            ["", "tidegate_other", "tidegate_matches_total", "tidegate_matches_total.rule=a"]
        {
            assert_eq!(metrics.series(name), None, "{name}");
        }
        let labelled = metrics.labelled.lock().unwrap();
        assert_eq!(*labelled.series[0].1, ["a".to_owned(), "deny".to_owned()]);
    }
}
