//! What a rule may still become where only its fields of behaviour are known.

use super::{Scratch, ask};
use crate::compare::test_truth;
use crate::event::Event;
use crate::ids::{FieldId, RuleId};
use crate::limits::MAX_STACK;
use crate::pack::{Op, Tables};
use crate::truth::Truth;

/// Whether a part of a condition may hold, and whether it may fail: both where nothing is known of it, neither
/// where nobody will ever know.
#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    can_hold: bool,
    can_fail: bool,
}

impl Outcomes {
    const ANY: Outcomes = Outcomes { can_hold: true, can_fail: true };

    fn of(truth: Truth) -> Outcomes {
        Outcomes { can_hold: truth == Truth::True, can_fail: truth == Truth::False }
    }

    fn opposite(self) -> Outcomes {
        Outcomes { can_hold: self.can_fail, can_fail: self.can_hold }
    }
}

/// Returns true if a rule may match some event whose fields for which `is_known` is true are those of `event`. It
/// never returns false for a rule that matches one.
pub(crate) fn may_match(
    tables: &Tables,
    rule_id: RuleId,
    is_known: impl Fn(FieldId) -> bool,
    event: &Event,
    scratch: &mut Scratch,
) -> bool {
    let code = tables.rule(rule_id).map(|rule| tables.rule_code(rule)).unwrap_or_default();
    let mut values = [Outcomes::default(); MAX_STACK];
    let mut len = 0_usize;
    for word in code {
        let (n_values, outcomes) = match Op::decode(*word) {
            Some(Op::Atom(id)) => {
                let atom = tables.atoms.get(id.index());
                let is_known = atom.is_some_and(|atom| is_known(atom.field));
                let truth = is_known.then(|| ask(tables, id, event, scratch));
                (0, truth.map_or(Outcomes::ANY, Outcomes::of))
            }
            Some(Op::Test(id)) => {
                let test = tables.tests.get(id as usize);
                let knows = test.is_some_and(|test| is_known(test.field) && is_known(test.other));
                let truth = knows.then(|| test_truth(tables, id, event));
                (0, truth.map_or(Outcomes::ANY, Outcomes::of))
            }
            Some(Op::All(n_values)) => {
                let all = last(&values, len, n_values);
                let can_hold = all.iter().all(|of| of.can_hold);
                (n_values, Outcomes { can_hold, can_fail: all.iter().any(|of| of.can_fail) })
            }
            Some(Op::Any(n_values)) => {
                let any = last(&values, len, n_values);
                let can_hold = any.iter().any(|of| of.can_hold);
                (n_values, Outcomes { can_hold, can_fail: any.iter().all(|of| of.can_fail) })
            }
            Some(Op::Not) => {
                let value = last(&values, len, 1).first().copied().unwrap_or_default();
                (1, value.opposite())
            }
            Some(Op::Name(_)) | None => continue,
        };
        len = len.saturating_sub(n_values as usize);
        if let Some(place) = values.get_mut(len) {
            *place = outcomes;
            len += 1;
        }
    }
    last(&values, len, 1).first().is_some_and(|of| of.can_hold)
}

/// The values on top of a stack of `len` values.
fn last(values: &[Outcomes], len: usize, n_values: u32) -> &[Outcomes] {
    values.get(len.saturating_sub(n_values as usize)..len).unwrap_or_default()
}
