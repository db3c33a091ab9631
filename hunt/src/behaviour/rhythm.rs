//! How regular the times of a pair are.

use super::quartiles::quartiles;

/// Requests that follow another by at most so many seconds are of one contact.
pub(crate) const CONTACT_SECONDS: u32 = 3;

/// Fewest contacts of a rhythm.
const MIN_CONTACTS: usize = 4;

/// Fewest gaps of which the ratios are looked at.
const MIN_RATIO_GAPS: usize = 8;

/// The rhythm of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rhythm {
    /// From 0, as chance has it, to 1, as a clock.
    pub(crate) score: f64,
    /// The median gap in seconds.
    pub(crate) period: f64,
}

/// Returns the gaps between the contacts of requests, in seconds. `times` are in order.
pub(crate) fn gaps(times: &[u32]) -> Vec<f64> {
    let mut contacts = Vec::new();
    let mut last: Option<u32> = None;
    for time in times {
        if last.is_none_or(|last| time - last > CONTACT_SECONDS) {
            contacts.push(*time);
        }
        last = Some(*time);
    }
    contacts
        .windows(2)
        .map(|pair| f64::from(pair.iter().max().unwrap_or(&0) - pair.iter().min().unwrap_or(&0)))
        .collect()
}

/// Returns the rhythm of gaps; `None` where there are too few.
pub(crate) fn rhythm(gaps: &[f64]) -> Option<Rhythm> {
    if gaps.len() + 1 < MIN_CONTACTS {
        return None;
    }
    let (score, period) = evenness(gaps)?;
    let mut score = score;
    if gaps.len() >= MIN_RATIO_GAPS {
        let pairs = gaps.iter().zip(gaps.iter().skip(1));
        let ratios: Vec<f64> = pairs.map(|(gap, next)| next / gap).collect();
        score = score.max(evenness(&ratios).map_or(0.0, |(score, _)| score));
    }
    Some(Rhythm { score, period })
}

/// One less the spread of the middle half by the median, and the median.
fn evenness(values: &[f64]) -> Option<(f64, f64)> {
    let [low, median, high] = quartiles(values)?;
    (median > 0.0).then(|| ((1.0 - (high - low) / median).max(0.0), median))
}

/// Returns how much a series of counts repeats itself, from 0 to 1, and after how many bins: the largest
/// autocovariance over lags from 2 to a sixth of the series, each the mean over its multiples, as a share of
/// the variance.
pub(crate) fn autocovariance(times: &[u32]) -> Option<(f64, u32)> {
    const MAX_BINS: u32 = 1440;
    let (first, last) = (*times.first()?, *times.last()?);
    let width = ((last - first) / MAX_BINS + 1).max(10);
    // A period that is no whole number of bins drifts out of them: the median gap is a number of bins.
    let mut gaps: Vec<u32> =
        times.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?)).collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
    let (bins_each, seconds) = if median < width { (1, width) } else { (median / width, median) };
    let bin_of = |time: u32| {
        (u64::from(time.saturating_sub(first)) * u64::from(bins_each) / u64::from(seconds)) as usize
    };
    let n_bins = bin_of(last) + 1;
    let mut bins = vec![0.0_f64; n_bins];
    for time in times {
        if let Some(bin) = bins.get_mut(bin_of(*time)) {
            *bin += 1.0;
        }
    }
    let n = n_bins as f64;
    let mean = bins.iter().sum::<f64>() / n;
    for bin in &mut bins {
        *bin -= mean;
    }
    let variance = bins.iter().map(|bin| bin * bin).sum::<f64>() / n;
    if variance <= 0.0 {
        return None;
    }
    let at_lag = |lag: usize| {
        let products = bins.iter().zip(bins.iter().skip(lag));
        products.map(|(left, right)| left * right).sum::<f64>() / (n - lag as f64)
    };
    let n_lags = n_bins / 6;
    let all: Vec<f64> = (0..=n_lags).map(at_lag).collect();
    let mut shares = Vec::new();
    for lag in 2..=n_lags {
        let multiples: Vec<f64> = all.iter().skip(lag).step_by(lag).copied().collect();
        let mean = multiples.iter().sum::<f64>() / multiples.len() as f64 / variance;
        let seconds = lag as u64 * u64::from(seconds) / u64::from(bins_each);
        shares.push((mean.clamp(0.0, 1.0), u32::try_from(seconds).unwrap_or(u32::MAX)));
    }
    // Multiples of a period repeat as well as the period does: the shortest of about the largest.
    let largest = shares.iter().map(|(share, _)| *share).fold(0.0, f64::max);
    let mut best = shares.into_iter().filter(|(share, _)| *share >= 0.95 * largest);
    Some(best.next().filter(|_| largest > 0.0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(gaps: &[f64]) -> f64 {
        rhythm(gaps).unwrap().score
    }

    #[test]
    fn a_clock_scores_one_and_chance_nothing() {
        assert!((score(&[60.0; 20]) - 1.0).abs() < 1e-9);
        // A night between two days, and bursts that are contacts of their own.
        let mut gaps = vec![300.0; 20];
        gaps.extend([50_000.0, 4.0, 5.0]);
        assert!((score(&gaps) - 1.0).abs() < 1e-9);
        // The quantiles of chance, an exponential distribution, in an order without a trend.
        let place = |n: i32| f64::from(n * 37 % 99 + 1) / 100.0;
        let chance: Vec<f64> = (0..99).map(|n| -60.0 * (1.0 - place(n)).ln()).collect();
        assert!(score(&chance) < 1e-9);
        assert_eq!(rhythm(&[60.0, 60.0]), None);
    }

    #[test]
    fn jitter_lowers_the_score_and_growing_gaps_do_not() {
        let uniform = |low: f64, high: f64| -> Vec<f64> {
            (0..100).map(|n| low + (high - low) * f64::from(n * 37 % 100) / 99.0).collect()
        };
        assert!((score(&uniform(30.0, 60.0)) - 0.66).abs() < 0.02);
        assert!((score(&uniform(30.0, 90.0)) - 0.5).abs() < 0.02);
        let growing: Vec<f64> = (0..24).map(|n| 10.0 * 1.618_f64.powi(n % 8)).collect();
        assert!(score(&growing) > 0.9, "{}", score(&growing));
    }

    #[test]
    fn requests_of_one_page_are_one_contact() {
        assert_eq!(gaps(&[100, 100, 102, 105, 160, 161, 220]), [60.0, 60.0]);
        assert_eq!(gaps(&[]), [0.0; 0]);
    }

    #[test]
    fn the_period_is_found_again() {
        let times: Vec<u32> = (0..200).map(|n| n * 300).collect();
        let (share, period) = autocovariance(&times).unwrap();
        assert!(share > 0.9 && period.abs_diff(300) < 45, "{share} {period}");
        assert_eq!(autocovariance(&[5; 9]), None);
    }
}
