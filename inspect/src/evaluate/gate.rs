//! What behaviour alone decides of a rule, without running its program.
//!
//! Rules over time are awake on most requests, and nearly all of them fail by a number: there is no rhythm, too few
//! requests, too few bytes. A gate is the part of a rule's condition that is about behaviour, with everything else
//! left open, and it is compared with the numbers as they are: no field is written as text and read again.

use std::mem;

use super::{Plan, Scratch, ask};
use crate::behaviour::{Behaviour, BehaviourField, BehaviourFields, FirstUse, FirstUses, Observed};
use crate::compare::compares;
use crate::event::Event;
use crate::ids::{AtomId, FieldId, RuleId};
use crate::limits::MAX_GATE_DEPTH;
use crate::pack::{Comparison, Op, Phase, Tables, TestKind};
use crate::proxy_field::ProxyField;
use crate::truth::Truth;

/// The largest [`Part::frequency`].
const MAX_FREQUENCY: u8 = 5;

/// The part of a rule that is about behaviour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    part: Part,
    /// Whether the rule may wait for behaviour on a request that has none of the other fields that it asks for, and
    /// holds on none without behaviour.
    is_open: bool,
}

/// A part of a condition; a `not` is in its leaves.
#[derive(Clone, Debug, Default)]
enum Part {
    /// Something else than behaviour: it may hold.
    #[default]
    Open,
    /// A number compares as a rule says, or does not where `holds` is false.
    Number {
        field: BehaviourField,
        comparison: Comparison,
        number: f64,
        holds: bool,
    },
    /// One of some first uses is there, or none is where `holds` is false.
    FirstUse {
        wanted: FirstUses,
        holds: bool,
    },
    All(Vec<Part>),
    Any(Vec<Part>),
}

impl Gate {
    /// Returns the gate of a rule.
    pub(super) fn of(tables: &Tables, rule: RuleId, scratch: &mut Scratch) -> Gate {
        let code = tables.rule(rule).map(|rule| tables.rule_code(rule)).unwrap_or_default();
        let mut stack: Vec<Draft> = Vec::new();
        for word in code {
            let draft = match Op::decode(*word) {
                Some(Op::Atom(atom)) => of_atom(tables, atom, scratch),
                Some(Op::Test(test)) => of_test(tables, test),
                Some(Op::All(n_values)) => Draft::all(split_top(&mut stack, n_values)),
                Some(Op::Any(n_values)) => {
                    let parts = split_top(&mut stack, n_values);
                    Draft::all(parts.into_iter().map(Draft::opposite).collect()).opposite()
                }
                Some(Op::Not) => stack.pop().unwrap_or_default().opposite(),
                Some(Op::Name(_)) | None => continue,
            };
            stack.push(draft);
        }
        let Draft { holds: part, waits: [waits, _], .. } = stack.pop().unwrap_or_default();
        let is_open = waits && part.truth(Numbers::of(&Behaviour::default(), false)) != Truth::True;
        Gate { part, is_open }
    }

    /// Returns what so much knowledge of behaviour leaves of the rule: false if it cannot match, whatever else the
    /// request is and whatever is still to become known; unknown if it does not match yet; true if it may.
    pub(crate) fn truth(&self, numbers: Numbers<'_>) -> Truth {
        self.part.truth(numbers)
    }

    /// Returns true if running the rule without behaviour says little: it may wait for that on most requests.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }
}

/// A behaviour, as gates compare it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'b> {
    behaviour: &'b Behaviour,
    has_response: bool,
}

impl<'b> Numbers<'b> {
    /// Takes one; sums of bytes and durations are known with a response.
    pub(crate) fn of(behaviour: &'b Behaviour, has_response: bool) -> Self {
        Numbers { behaviour, has_response }
    }

    fn get(self, field: BehaviourField) -> Observed<f64> {
        let is_known = self.has_response || field.phase() == Phase::Request;
        if is_known { self.behaviour.number(field) } else { Observed::Unknown }
    }
}

impl Part {
    /// How often it holds in requests, compared with others: a place in a row.
    fn frequency(&self) -> u8 {
        match self {
            Part::FirstUse { holds: true, .. } => 0,
            Part::Number { field, .. } => match field {
                BehaviourField::AfterDeadDrop
                | BehaviourField::Beacon
                | BehaviourField::BeaconPeriod
                | BehaviourField::NewHosts => 1,
                BehaviourField::ActiveHours
                | BehaviourField::Identities
                | BehaviourField::TunnelSeconds
                | BehaviourField::UploadBytes
                | BehaviourField::UploadRatio => 2,
                BehaviourField::FirstUse
                | BehaviourField::Prevalence
                | BehaviourField::Requests
                | BehaviourField::ServicePrevalence
                | BehaviourField::Sources => 3,
            },
            Part::All(_) | Part::Any(_) => 4,
            Part::FirstUse { holds: false, .. } | Part::Open => MAX_FREQUENCY,
        }
    }

    fn truth(&self, known: Numbers<'_>) -> Truth {
        let truth = |holds: bool, is: bool| Truth::from_bool(holds == is);
        match self {
            Part::Open => Truth::True,
            Part::Number { field, comparison, number, holds } => match known.get(*field) {
                Observed::Unknown => Truth::Unknown,
                Observed::Absent => truth(*holds, false),
                Observed::Value(value) => truth(*holds, compares(*comparison, value, *number)),
            },
            Part::FirstUse { wanted, holds } => match known.behaviour.first_use {
                Observed::Unknown => Truth::Unknown,
                Observed::Absent => truth(*holds, false),
                Observed::Value(found) => truth(*holds, found.has_any(*wanted)),
            },
            Part::All(parts) => {
                let mut all = Truth::True;
                for part in parts {
                    all = all.min(part.truth(known));
                    if all == Truth::False {
                        break;
                    }
                }
                all
            }
            Part::Any(parts) => {
                let mut any = Truth::False;
                for part in parts {
                    any = any.max(part.truth(known));
                    if any == Truth::True {
                        break;
                    }
                }
                any
            }
        }
    }
}

/// A part of a condition and its opposite.
#[derive(Default)]
struct Draft {
    holds: Part,
    fails: Part,
    depth: usize,
    /// Whether it, and its opposite, may wait for behaviour where no other field is there.
    waits: [bool; 2],
}

impl Draft {
    /// What is not about behaviour.
    fn other() -> Draft {
        Draft { waits: [false, true], ..Draft::default() }
    }

    fn of_behaviour(part: impl Fn(bool) -> Part) -> Draft {
        Draft { holds: part(true), fails: part(false), depth: 1, waits: [true; 2] }
    }

    fn opposite(self) -> Draft {
        let [waits, opposite_waits] = self.waits;
        let (holds, fails) = (self.fails, self.holds);
        Draft { holds, fails, waits: [opposite_waits, waits], ..self }
    }

    fn all(drafts: Vec<Draft>) -> Draft {
        let depth = drafts.iter().map(|draft| draft.depth).max().unwrap_or_default() + 1;
        let waits = [
            drafts.iter().all(|Draft { waits: [waits, _], .. }| *waits),
            drafts.iter().any(|Draft { waits: [_, waits], .. }| *waits),
        ];
        if depth > MAX_GATE_DEPTH {
            return Draft { waits, ..Draft::default() };
        }
        let (holds, fails): (Vec<_>, Vec<_>) =
            drafts.into_iter().map(|draft| (draft.holds, draft.fails)).unzip();
        let has_open = fails.iter().any(|part| matches!(part, Part::Open));
        let fails = if has_open { Part::Open } else { Part::Any(fails) };
        // A part of parts of which all have to hold is as many parts.
        let parts: Vec<Part> = holds
            .into_iter()
            .flat_map(|part| match part {
                Part::Open => Vec::new(),
                Part::All(parts) => parts,
                part => vec![part],
            })
            .collect();
        // The first that fails settles the others. A sort of the standard library takes more of the module.
        let with = |frequency| parts.iter().filter(move |part| part.frequency() == frequency);
        let mut parts: Vec<Part> = (0..=MAX_FREQUENCY).flat_map(with).cloned().collect();
        let holds = match parts.len() {
            0 => Part::Open,
            1 => parts.pop().unwrap_or_default(),
            _ => Part::All(parts),
        };
        Draft { holds, fails, depth, waits }
    }
}

/// A number of behaviour that is compared; anything else may hold.
fn of_test(tables: &Tables, test: u32) -> Draft {
    let Some(test) = tables.tests.get(test as usize) else { return Draft::other() };
    let Some(field) = behaviour_field(tables, test.field) else { return Draft::other() };
    if test.kind != TestKind::Number || test.other != test.field {
        return Draft { waits: [true; 2], ..Draft::default() };
    }
    let (comparison, number) = (test.comparison, f64::from_bits(test.number));
    Draft::of_behaviour(|holds| Part::Number { field, comparison, number, holds })
}

/// A text of first uses, tried on each of them; anything else may hold.
fn of_atom(tables: &Tables, id: AtomId, scratch: &mut Scratch) -> Draft {
    let Some(atom) = tables.atoms.get(id.index()) else { return Draft::other() };
    let Some(field) = behaviour_field(tables, atom.field) else { return Draft::other() };
    if field != BehaviourField::FirstUse {
        return Draft { waits: [true; 2], ..Draft::default() };
    }
    let mut event = Event::default();
    let mut wanted = FirstUses::default();
    for (FirstUse { scope, subject }, name) in FirstUse::ALL {
        event.clear(tables.fields.len());
        event.answer_bytes(atom.field, name.as_bytes());
        scratch.prepare(tables);
        if ask(tables, id, &event, scratch) == Truth::True {
            wanted.insert(scope, subject);
        }
    }
    Draft::of_behaviour(|holds| Part::FirstUse { wanted, holds })
}

fn behaviour_field(tables: &Tables, field: FieldId) -> Option<BehaviourField> {
    match ProxyField::from_name(tables.field_name(field)) {
        Some(ProxyField::Behaviour(field)) => Some(field),
        _ => None,
    }
}

fn split_top(stack: &mut Vec<Draft>, n_values: u32) -> Vec<Draft> {
    stack.split_off(stack.len().saturating_sub(n_values as usize))
}

/// Leaves out the rules that wait and cannot match any more, and returns those of the others that may match now.
pub(crate) fn narrow(plan: &Plan, behaviour: &Behaviour, scratch: &mut Scratch) -> Vec<RuleId> {
    let numbers = Numbers::of(behaviour, false);
    let mut may_match = Vec::new();
    scratch.asks = BehaviourFields::default();
    let mut undecided = mem::take(&mut scratch.undecided);
    undecided.retain(|rule| {
        let truth = plan.gate(*rule).truth(numbers);
        match truth {
            Truth::True => may_match.push(*rule),
            Truth::Unknown => scratch.asks = scratch.asks.union(plan.behaviour(*rule)),
            Truth::False => {}
        }
        truth != Truth::False
    });
    scratch.undecided = undecided;
    may_match
}
