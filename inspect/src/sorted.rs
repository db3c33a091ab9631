//! Sorting where few values are sorted, by little code.

use std::collections::BinaryHeap;
use std::mem;

/// Sorts values and leaves out repetitions, in a number of steps in proportion to their number times its logarithm,
/// whoever chose them.
///
/// By a heap: the standard library's sort takes 5 kB of the filter's module for each type of values.
pub(crate) fn sort_and_dedup<T: Ord>(values: &mut Vec<T>) {
    *values = BinaryHeap::from(mem::take(values)).into_sorted_vec();
    values.dedup();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_standard_librarys_order(mut values: Vec<(u8, Vec<bool>)>) {
            let mut expect = values.clone();
            expect.sort();
            expect.dedup();
            sort_and_dedup(&mut values);
            prop_assert_eq!(values, expect);
        }
    }
}
