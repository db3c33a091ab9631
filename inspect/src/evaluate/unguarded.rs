//! Rules that no text guards: their truth is known beforehand on events that tell nothing of their fields.

use super::{Scratch, Truth, truth_of};
use crate::event::{Event, Slot};
use crate::ids::{FieldId, RuleId};
use crate::pack::{KEYWORDS, Op, Tables};

/// The rules of [`Tables::always`].
#[derive(Debug, Default)]
pub(crate) struct Unguarded {
    rules: Vec<Rule>,
    /// The fields that they ask for; a rule names a range.
    fields: Vec<FieldId>,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    fields: std::ops::Range<usize>,
    /// Whether it matches where none of its fields is there.
    matches_nothing: bool,
}

impl Unguarded {
    /// Evaluates the rules on an event that has no field.
    pub(crate) fn new(tables: &Tables) -> Self {
        let mut unguarded = Unguarded::default();
        let mut event = Event::default();
        let mut scratch = Scratch::default();
        for id in &tables.always {
            event.clear(tables.fields.len());
            scratch.prepare(tables);
            let start = unguarded.fields.len();
            unguarded.fields.extend(fields(tables, *id));
            unguarded.rules.push(Rule {
                id: *id,
                fields: start..unguarded.fields.len(),
                matches_nothing: truth_of(tables, *id, &event, &mut scratch) == Truth::True,
            });
        }
        unguarded
    }

    /// Wakes the rules of whose fields the event tells something, and takes the others for what they are
    /// without.
    pub(super) fn wake(&self, event: &Event, scratch: &mut Scratch) {
        let is_told = |field: &FieldId| *field == KEYWORDS || event.slot(*field) != Slot::Missing;
        for rule in &self.rules {
            if !scratch.seen.insert(rule.id.index()) {
                continue;
            }
            let fields = self.fields.get(rule.fields.clone()).unwrap_or_default();
            if fields.iter().any(is_told) {
                scratch.woken.push(rule.id);
            } else if rule.matches_nothing {
                scratch.matched.push(rule.id);
            }
        }
    }
}

/// The fields that a rule asks for, each once.
fn fields(tables: &Tables, rule: RuleId) -> Vec<FieldId> {
    let code = tables.rule(rule).map(|rule| tables.rule_code(rule)).unwrap_or_default();
    let of_word = |word: &u32| match Op::decode(*word) {
        Some(Op::Atom(atom)) => tables.atoms.get(atom.index()).map(|atom| [atom.field; 2]),
        Some(Op::Test(test)) => {
            tables.tests.get(test as usize).map(|test| [test.field, test.other])
        }
        _ => None,
    };
    let mut fields: Vec<FieldId> = code.iter().filter_map(of_word).flatten().collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}
