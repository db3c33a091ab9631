//! The beacon scores of RITA, version 5, written from their description.
//!
//! Source: activecm/rita, `analysis/beacons.go` and its default configuration; the facts are in
//! `docs/behaviour.md`. RITA looks at the last 24 hours of a data set, from the start of an hour.

use super::quartiles::{median, quartiles};
use super::series::Event;

/// Fewest different seconds of a score.
const MIN_SECONDS: usize = 4;

/// As many different seconds a day are a strobe, which is not scored.
const STROBE_SECONDS: usize = 86_400;

const HOUR: u32 = 3600;
const N_BINS: usize = 24;

/// The scores of a pair, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RitaScore {
    /// The mean of the four.
    pub score: f64,
    /// How regular the times are.
    pub timestamps: f64,
    /// How regular the sizes of what the source sent are.
    pub data_sizes: f64,
    /// How even the requests lie over the day.
    pub histogram: f64,
    /// How much of the day they cover.
    pub duration: f64,
    /// Requests in the last 24 hours.
    pub n_requests: usize,
}

/// Returns the first second of the last 24 hours of a data set that ends at `last`.
pub(crate) fn start(last: u32) -> u32 {
    last.saturating_sub(24 * HOUR) / HOUR * HOUR
}

/// Scores the requests of a pair, which are in order of time, in a data set that ends at `last`; `None` where
/// they are too few, or too many.
pub(crate) fn rita_score(events: &[Event], last: u32) -> Option<RitaScore> {
    let start = start(last);
    let events = events.get(events.partition_point(|event| event.time < start)..)?;
    let mut seconds: Vec<u32> = events.iter().map(|event| event.time).collect();
    seconds.dedup();
    if seconds.len() < MIN_SECONDS || seconds.len() >= STROBE_SECONDS {
        return None;
    }
    let gaps: Vec<f64> = seconds
        .windows(2)
        .filter_map(|pair| Some(f64::from(pair.last()? - pair.first()?)))
        .collect();
    let sizes = events.iter().map(|event| event.sent.unwrap_or_default() as f64);
    let timestamps = regularity(&gaps, 1.0)?;
    let data_sizes = regularity(&sizes.collect::<Vec<_>>(), 0.0)?;
    let span = f64::from(last - start).max(1.0);
    let mut bins = [0_u32; N_BINS];
    for event in events {
        let place = f64::from(event.time - start) / span * N_BINS as f64;
        if let Some(bin) = bins.get_mut((place as usize).min(N_BINS - 1)) {
            *bin += 1;
        }
    }
    let histogram = coefficient_of_variation(&bins).max(bimodal(&bins));
    let coverage = match (seconds.first(), seconds.last()) {
        (Some(first), Some(last)) => f64::from(last - first) / span,
        _ => 0.0,
    };
    let duration = duration(&bins, coverage);
    let score = (timestamps + data_sizes + histogram + duration) / 4.0;
    Some(RitaScore { score, timestamps, data_sizes, histogram, duration, n_requests: events.len() })
}

/// The mean of what Bowley's skew and the median deviation say; `small` is the latter where the median is
/// below one.
fn regularity(values: &[f64], small: f64) -> Option<f64> {
    let [low, middle, high] = quartiles(values)?;
    // Ordered values are equal where neither is the smaller one.
    let is_flat = high - low < 10.0 || middle <= low || middle >= high;
    let skew = if is_flat { 0.0 } else { (low + high - 2.0 * middle) / (high - low) };
    let deviation = if middle < 1.0 {
        small
    } else {
        let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        ((middle - median(&deviations)?) / middle).max(0.0)
    };
    Some(f64::midpoint(1.0 - skew.abs(), deviation))
}

fn coefficient_of_variation(bins: &[u32]) -> f64 {
    let n_bins = bins.len() as f64;
    let mean = f64::from(bins.iter().sum::<u32>()) / n_bins;
    let squares = bins.iter().map(|bin| (f64::from(*bin) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / n_bins).sqrt();
    if mean > 0.0 { (1.0 - deviation / mean).max(0.0) } else { 0.0 }
}

/// How many hours have one of two heights, where at least eleven have any.
fn bimodal(bins: &[u32]) -> f64 {
    let filled: Vec<u32> = bins.iter().copied().filter(|bin| *bin > 0).collect();
    if filled.len() < 11 {
        return 0.0;
    }
    let width = filled.iter().max().map_or(1, |max| max.div_ceil(20)).max(1);
    let mut groups = std::collections::BTreeMap::<u32, usize>::new();
    for height in &filled {
        *groups.entry(height / width).or_default() += 1;
    }
    let mut counts: Vec<usize> = groups.into_values().collect();
    counts.sort_unstable();
    let two: usize = counts.iter().rev().take(2).sum();
    (two as f64 / (filled.len() - 1) as f64).min(1.0)
}

fn duration(bins: &[u32], coverage: f64) -> f64 {
    let n_hours = bins.iter().filter(|bin| **bin > 0).count();
    if n_hours < 6 {
        return 0.0;
    }
    let runs = bins.split(|bin| *bin == 0).map(<[u32]>::len);
    let longest = runs.max().unwrap_or_default() as f64;
    coverage.max(longest / 12.0).min(1.0)
}
