//! Findings for people and machines.

mod json;
mod sarif;
mod text;

use crate::finding::Finding;

pub use json::to_json;
pub use sarif::{paragraph, to_sarif};
pub use text::to_text;

/// Sorts findings by place, code and message, so that reports do not depend on the order of work.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|left, right| {
        let (left, right) = (&left.diagnostic, &right.diagnostic);
        let of_place = left.place.cmp(&right.place);
        of_place.then_with(|| (left.code.id, &left.message).cmp(&(right.code.id, &right.message)))
    });
}

/// Counts errors and warnings.
pub fn count(findings: &[Finding]) -> (usize, usize) {
    let n_errors = findings.iter().filter(|finding| finding.is_error()).count();
    (n_errors, findings.len() - n_errors)
}
