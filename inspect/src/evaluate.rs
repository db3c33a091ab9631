//! Evaluation: an event against the rules of a pack.
//!
//! The fields are scanned once for what wakes rules: each pattern that is found makes its atoms true, and
//! each atom that becomes true wakes the rules that cannot match without it. Only those rules run, and the
//! few that no atom can vouch for. What else they ask for is looked for when they do, field by field,
//! which most events never need. Truth has three values (Kleene): what only the response has is not known yet.

mod gate;
mod outcomes;
mod plan;
mod program;
mod search;

use crate::behaviour::BehaviourFields;
use crate::bits::BitSet;
use crate::event::{Event, Slot, Text};
use crate::ids::{AtomId, FieldId, PatternId, RuleId};
use crate::pack::{Atom, KEYWORDS, Op, Tables};
use crate::truth::Truth;
pub(crate) use gate::{Numbers, narrow};
pub(crate) use outcomes::may_match;
pub(crate) use plan::Plan;
pub use plan::rules_needing;

/// What made an atom true: the first pattern that was found, and in which value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) atom: AtomId,
    pub(crate) pattern: PatternId,
    pub(crate) text: Text,
}

/// Working memory of an evaluation, reused so that nothing is allocated per event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    atoms: BitSet,
    found: Vec<Found>,
    /// Patterns that were checked on the value that is scanned.
    checked: BitSet,
    /// Patterns of [`Tables::shared`] that were decided for all values of their field.
    decided: BitSet,
    /// Fields that were scanned for the patterns of [`Tables::deferred`]; the last bit is for keywords.
    scanned: BitSet,
    /// Where a scan may find something.
    places: Vec<usize>,
    seen: BitSet,
    woken: Vec<RuleId>,
    matched: Vec<RuleId>,
    /// Whether a rule may match once what is still to come is known.
    is_pending: bool,
    /// The rules that may match once behaviour is known, each once, and what they ask of it.
    undecided: Vec<RuleId>,
    asks: BehaviourFields,
    /// The rule that was run and waits for behaviour, of the last event that has one.
    waiting: Option<RuleId>,
}

impl Scratch {
    /// Empties all but what waited last, and makes room for a pack.
    pub(crate) fn prepare(&mut self, tables: &Tables) {
        self.atoms.reset(tables.atoms.len());
        self.checked.reset(tables.patterns.len());
        self.decided.reset(tables.patterns.len());
        self.scanned.reset(tables.fields.len() + 1);
        self.seen.reset(tables.rules.len());
        self.found.clear();
        self.woken.clear();
        self.matched.clear();
        self.is_pending = false;
        self.undecided.clear();
        self.asks = BehaviourFields::default();
    }

    /// The rules that matched, in the pack's order.
    pub(crate) fn matched(&self) -> &[RuleId] {
        &self.matched
    }

    /// Returns true if a rule that does not match may match once what is still to come is known.
    pub(crate) fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// The fields of behaviour of the rules that are neither true nor false without them.
    pub(crate) fn asks(&self) -> BehaviourFields {
        self.asks
    }

    /// Those rules, in the order in which they ran.
    pub(crate) fn undecided(&self) -> &[RuleId] {
        &self.undecided
    }

    /// Lets a rule wait for what it asks of behaviour.
    fn wait(&mut self, rule: RuleId, fields: BehaviourFields) {
        self.undecided.push(rule);
        self.asks = self.asks.union(fields);
    }

    /// Lets a rule that waited before run first: most events leave the same rules waiting, and once one waits, others
    /// do so without being run.
    fn run_waiting_first(&mut self) {
        let place =
            self.waiting.and_then(|rule| self.woken.iter().position(|woken| *woken == rule));
        if let Some(place) = place {
            self.woken.swap(0, place);
        }
    }

    /// What made an atom true.
    pub(crate) fn found(&self, atom: AtomId) -> Option<Found> {
        self.found.iter().find(|found| found.atom == atom).copied()
    }
}

/// Evaluates every rule of a pack on `event`; `plan` is of the same pack.
///
/// With `defers`, nothing is known of behaviour, and [`evaluate_undecided`] follows: once a rule waits for it, others
/// that would wait on most requests do so without being run.
pub(crate) fn evaluate(
    tables: &Tables,
    plan: &Plan,
    defers: bool,
    event: &Event,
    scratch: &mut Scratch,
) {
    scratch.prepare(tables);
    search::first(tables, plan, event, scratch);
    plan.wake_unguarded(event, scratch);
    if defers {
        scratch.run_waiting_first();
    }
    let mut n_run = 0;
    while let Some(rule) = scratch.woken.get(n_run).copied() {
        n_run += 1;
        if defers && !scratch.asks.is_empty() && plan.gate(rule).is_open() {
            scratch.wait(rule, plan.behaviour(rule));
            continue;
        }
        match program::truth_of(tables, &plan.shortcuts, rule, event, scratch) {
            Truth::True => {
                scratch.matched.push(rule);
                // What else holds in it is reported with the match.
                ask_all(tables, rule, event, scratch);
            }
            Truth::Unknown => match plan.behaviour(rule) {
                // Whoever knows the behaviour asks again anyway, with the response where there is one.
                fields if !fields.is_empty() => {
                    if scratch.asks.is_empty() {
                        scratch.waiting = Some(rule);
                    }
                    scratch.wait(rule, fields);
                }
                _ => scratch.is_pending = true,
            },
            Truth::False => {}
        }
    }
    // What is still to come may also wake rules.
    scratch.is_pending |= event.awaited().any(|field| plan.is_searched(field))
        || plan.is_searched(KEYWORDS) && event.awaits_more();
    scratch.matched.sort_unstable();
}

/// Evaluates some of the rules again that wait for behaviour, once the event has answers to some of its fields.
pub(crate) fn evaluate_undecided(
    tables: &Tables,
    plan: &Plan,
    rules: &[RuleId],
    answered: &[FieldId],
    event: &Event,
    scratch: &mut Scratch,
) {
    // What behaviour answers wakes no rule, so it is looked for where a rule asks.
    for field in answered {
        scratch.scanned.remove(field.index());
    }
    let mut undecided = std::mem::take(&mut scratch.undecided);
    undecided.retain(|rule| {
        if !rules.contains(rule) {
            return true;
        }
        let truth = program::truth_of(tables, &plan.shortcuts, *rule, event, scratch);
        match truth {
            Truth::True => {
                scratch.matched.push(*rule);
                ask_all(tables, *rule, event, scratch);
            }
            Truth::Unknown => scratch.asks = scratch.asks.union(plan.behaviour(*rule)),
            Truth::False => {}
        }
        truth == Truth::Unknown
    });
    scratch.undecided = undecided;
    scratch.matched.sort_unstable();
}

/// Asks for every atom of a rule, so that `scratch` has for all of them what was found.
pub(crate) fn ask_all(tables: &Tables, rule: RuleId, event: &Event, scratch: &mut Scratch) {
    let Some(rule) = tables.rule(rule) else { return };
    for word in tables.rule_code(rule) {
        if let Some(Op::Atom(atom)) = Op::decode(*word) {
            ask(tables, atom, event, scratch);
        }
    }
}

/// Whether an atom holds; looks for what no scan looked for yet, and remembers what was found.
pub(crate) fn ask(tables: &Tables, atom_id: AtomId, event: &Event, scratch: &mut Scratch) -> Truth {
    if scratch.atoms.contains(atom_id.index()) {
        return Truth::True;
    }
    let Some(atom) = tables.atoms.get(atom_id.index()) else { return Truth::False };
    if atom.is_deferred {
        search::deferred(tables, atom.field, event, scratch);
        if scratch.atoms.contains(atom_id.index()) {
            return Truth::True;
        }
    }
    if let Some(found) = unindexed_found(tables, atom_id, event) {
        scratch.atoms.insert(atom_id.index());
        scratch.found.push(found);
        return Truth::True;
    }
    without_text(atom, event)
}

/// Whether an atom holds: a pattern was found, or may still be found in a value that is to come.
pub(crate) fn atom_truth(
    tables: &Tables,
    atom_id: AtomId,
    event: &Event,
    scratch: &Scratch,
) -> Truth {
    if scratch.atoms.contains(atom_id.index()) || unindexed_found(tables, atom_id, event).is_some()
    {
        return Truth::True;
    }
    tables.atoms.get(atom_id.index()).map_or(Truth::False, |atom| without_text(atom, event))
}

/// Whether an atom of which nothing was found may still hold: its field is to come.
fn without_text(atom: &Atom, event: &Event) -> Truth {
    let unknown = match atom.field {
        KEYWORDS => event.awaits_more(),
        field => event.slot(field) == Slot::Unknown,
    };
    if unknown { Truth::Unknown } else { Truth::False }
}

/// What makes an atom true that no scan looks for.
pub(crate) fn unindexed_found(tables: &Tables, atom_id: AtomId, event: &Event) -> Option<Found> {
    let atom = tables.atoms.get(atom_id.index())?;
    let unindexed = tables.atom_unindexed(atom);
    if unindexed.is_empty() {
        return None;
    }
    let mut found = None;
    search::find_text(event, atom.field, |text| {
        let pattern = unindexed.iter().find(|pattern| {
            tables.patterns.get(pattern.index()).is_some_and(|pattern| {
                search::check(tables, pattern, event.raw(*text), event.folded(*text))
            })
        });
        found = pattern.map(|pattern| Found { atom: atom_id, pattern: *pattern, text: *text });
        found.is_some()
    });
    found
}
