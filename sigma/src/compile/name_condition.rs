//! Conditions over names of rules as programs over the inputs of a correlation.

use std::collections::BTreeSet;

use inspect::AtomId;
use inspect::limits::MAX_STACK;
use inspect::pack::Op;

use crate::rule::Condition;

/// The program of a condition; `None` where it needs a deeper stack than programs have.
pub(super) fn program(condition: &Condition) -> Option<Vec<u32>> {
    let mut code = Vec::new();
    emit(condition, &mut code);
    (depth(condition) <= MAX_STACK).then_some(code)
}

/// The inputs that a condition names outside of `not`: those that have to have an event.
pub(super) fn wanted(condition: &Condition) -> BTreeSet<usize> {
    let mut wanted = BTreeSet::new();
    collect(condition, true, &mut wanted);
    wanted
}

fn collect(condition: &Condition, is_wanted: bool, wanted: &mut BTreeSet<usize>) {
    match condition {
        Condition::Selection(idx) if is_wanted => {
            wanted.insert(*idx);
        }
        Condition::Selection(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                collect(part, is_wanted, wanted);
            }
        }
        Condition::Not(part) => collect(part, !is_wanted, wanted),
    }
}

fn emit(condition: &Condition, code: &mut Vec<u32>) {
    match condition {
        Condition::Selection(idx) => {
            let input = AtomId(u32::try_from(*idx).unwrap_or(u32::MAX));
            code.push(Op::Atom(input).encode());
        }
        Condition::All(parts) => emit_parts(parts, Op::All(2), code),
        Condition::Any(parts) => emit_parts(parts, Op::Any(2), code),
        Condition::Not(part) => {
            emit(part, code);
            code.push(Op::Not.encode());
        }
    }
}

/// Two at a time, so that long lists need no deep stack.
fn emit_parts(parts: &[Condition], op: Op, code: &mut Vec<u32>) {
    for (idx, part) in parts.iter().enumerate() {
        emit(part, code);
        if idx > 0 {
            code.push(op.encode());
        }
    }
}

fn depth(condition: &Condition) -> usize {
    match condition {
        Condition::Selection(_) => 1,
        Condition::Not(part) => depth(part),
        Condition::All(parts) | Condition::Any(parts) => parts
            .iter()
            .enumerate()
            .map(|(idx, part)| usize::from(idx > 0) + depth(part))
            .max()
            .unwrap_or(0),
    }
}
