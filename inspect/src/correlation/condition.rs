//! Conditions over names of rules: `a and not 1 of b_*`.

use crate::limits::MAX_STACK;
use crate::pack::Op;

/// Returns true if a program holds where `has_events` says which inputs have an event in the window.
///
/// Packs are checked when they are decoded, so that a program leaves one value; of anything else the answer is
/// false.
pub(super) fn holds(code: &[u32], has_events: impl Fn(usize) -> bool) -> bool {
    let mut stack: Vec<bool> = Vec::with_capacity(code.len().min(MAX_STACK));
    for word in code {
        let value = match Op::decode(*word) {
            Some(Op::Atom(input)) => has_events(input.index()),
            Some(Op::All(n_values)) => take(&mut stack, n_values).iter().all(|value| *value),
            Some(Op::Any(n_values)) => take(&mut stack, n_values).contains(&true),
            Some(Op::Not) => !stack.pop().unwrap_or(true),
            Some(Op::Test(_) | Op::Name(_)) | None => false,
        };
        stack.push(value);
    }
    stack.pop().unwrap_or(false)
}

fn take(stack: &mut Vec<bool>, n_values: u32) -> Vec<bool> {
    stack.split_off(stack.len().saturating_sub(n_values as usize))
}
