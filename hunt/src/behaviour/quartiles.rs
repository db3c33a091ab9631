//! Medians and quartiles.

/// Returns the median and the quartiles around it, which are the medians of the lower and the upper half; the
/// value in the middle belongs to neither. `None` without values.
///
/// Source: the method of Moore and `McCabe`, which RITA uses too (`montanaflynn/stats`).
pub(crate) fn quartiles(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let lower = sorted.get(..half)?;
    let upper = sorted.get(sorted.len() - half..)?;
    let median = of_sorted(&sorted)?;
    Some([of_sorted(lower).unwrap_or(median), median, of_sorted(upper).unwrap_or(median)])
}

/// Returns the median; `None` without values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    of_sorted(&sorted)
}

fn of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_the_medians_of_the_halves() {
        for (values, expect) in [
            (&[1.0][..], Some([1.0; 3])),
            (&[1.0, 3.0], Some([1.0, 2.0, 3.0])),
            (&[5.0, 1.0, 3.0, 4.0, 2.0], Some([1.5, 3.0, 4.5])),
            (&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], Some([2.0, 3.5, 5.0])),
            (&[], None),
        ] {
            assert_eq!(quartiles(values), expect, "{values:?}");
        }
    }
}
