//! What is found out about a pack before the first event.

use super::Scratch;
use super::gate::Gate;
use super::program::{Shortcuts, is_search, truth_of};
use crate::behaviour::BehaviourFields;
use crate::event::{Event, Slot};
use crate::ids::{FieldId, RuleId};
use crate::pack::{KEYWORDS, Scan, Tables};
use crate::proxy_field::{ProxyField, proxy_fields};
use crate::truth::Truth;

/// What a scan has, so that nothing is asked of the parts that are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts(u8);

impl Parts {
    pub(super) const FORWARD: Parts = Parts(1);
    pub(super) const BACKWARD: Parts = Parts(2);
    pub(super) const GRAMS: Parts = Parts(4);
    pub(super) const NETWORKS: Parts = Parts(8);
    /// Literals that all fields share.
    pub(super) const SHARED: Parts = Parts(16);

    pub(super) fn of(scan: &Scan) -> Parts {
        let networks = [&scan.networks_v4, &scan.networks_v6];
        let parts = [
            (Parts::FORWARD, !scan.forward.outputs.is_empty()),
            (Parts::BACKWARD, !scan.backward.outputs.is_empty()),
            (Parts::GRAMS, !scan.grams.is_empty()),
            (Parts::NETWORKS, networks.iter().any(|networks| !networks.starts.is_empty())),
            (Parts::SHARED, scan.is_shared),
        ];
        let present = parts.iter().filter(|(_, is_present)| *is_present);
        Parts(present.fold(0, |all, (part, _)| all | part.0))
    }

    pub(super) fn has(self, part: Parts) -> bool {
        self.0 & part.0 != 0
    }

    /// Returns true if a value is scanned on its own.
    pub(super) fn is_scanned(self) -> bool {
        self.0 & !Parts::SHARED.0 != 0
    }
}

/// How a pack is evaluated.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What [`Tables::scans`] have, and [`Tables::keywords`] has.
    fields: Vec<Parts>,
    pub(super) keywords: Parts,
    pub(super) shortcuts: Shortcuts,
    unguarded: Vec<Unguarded>,
    /// The fields that unguarded rules ask for; a rule names a range.
    asked: Vec<FieldId>,
    /// What each rule asks of behaviour; empty where none does.
    behaviour: Vec<BehaviourFields>,
    /// The parts of rules that are about behaviour; empty where none asks.
    gates: Vec<Gate>,
    /// The gate of a rule that asks for none.
    no_gate: Gate,
}

/// A rule that no text guards. Its truth is known beforehand for events that have none of its fields.
#[derive(Debug)]
struct Unguarded {
    rule: RuleId,
    fields: std::ops::Range<usize>,
    /// Whether it matches where none of its fields is there.
    matches_nothing: bool,
}

impl Plan {
    /// Looks at all scans, and evaluates unguarded rules on an event that has no field.
    pub(crate) fn new(tables: &Tables) -> Self {
        let mut plan = Plan {
            fields: tables.scans.iter().map(Parts::of).collect(),
            keywords: Parts::of(&tables.keywords),
            shortcuts: Shortcuts::new(tables),
            behaviour: behaviour_of_rules(tables),
            ..Plan::default()
        };
        let mut event = Event::default();
        let mut scratch = Scratch::default();
        for (rule, fields) in (0..).map(RuleId).zip(&plan.behaviour) {
            let has_gate = !fields.is_empty();
            let gate = has_gate.then(|| Gate::of(tables, rule, &mut scratch));
            plan.gates.push(gate.unwrap_or_default());
        }
        let mut unguarded = tables.unguarded.clone();
        // Once a rule waits for behaviour, others wait without being run: the cheapest is the one to run.
        unguarded.sort_by_key(|rule| cost(tables, *rule));
        for rule in &unguarded {
            event.clear(tables.fields.len());
            scratch.prepare(tables);
            let start = plan.asked.len();
            plan.asked.extend(tables.fields_of(*rule));
            let on_nothing = truth_of(tables, &plan.shortcuts, *rule, &event, &mut scratch);
            plan.unguarded.push(Unguarded {
                rule: *rule,
                fields: start..plan.asked.len(),
                matches_nothing: on_nothing == Truth::True,
            });
        }
        plan
    }

    /// What a rule asks of behaviour.
    pub(crate) fn behaviour(&self, rule: RuleId) -> BehaviourFields {
        self.behaviour.get(rule.index()).copied().unwrap_or_default()
    }

    /// The part of a rule that is about behaviour.
    pub(crate) fn gate(&self, rule: RuleId) -> &Gate {
        self.gates.get(rule.index()).unwrap_or(&self.no_gate)
    }

    /// What the scan of a field has.
    pub(super) fn parts(&self, field: FieldId) -> Parts {
        self.fields.get(field.index()).copied().unwrap_or_default()
    }

    /// Returns true if something in a field may wake a rule; in any, where it is [`KEYWORDS`].
    pub(super) fn is_searched(&self, field: FieldId) -> bool {
        let parts = if field == KEYWORDS { self.keywords } else { self.parts(field) };
        parts != Parts::default()
    }

    /// Wakes the unguarded rules that the event has a field of, and takes for the others the truth that
    /// they have without.
    pub(super) fn wake_unguarded(&self, event: &Event, scratch: &mut Scratch) {
        let is_given = |field: &FieldId| *field == KEYWORDS || event.slot(*field) != Slot::Missing;
        for Unguarded { rule, fields, matches_nothing } in &self.unguarded {
            if !scratch.seen.insert(rule.index()) {
                continue;
            }
            let fields = self.asked.get(fields.clone()).unwrap_or_default();
            if fields.iter().any(is_given) {
                scratch.woken.push(*rule);
            } else if *matches_nothing {
                scratch.matched.push(*rule);
            }
        }
    }
}

/// What running a rule takes: its operations, and far more for each search that no scan has made.
fn cost(tables: &Tables, rule: RuleId) -> usize {
    const OF_SEARCH: usize = 32;
    let code = tables.rule(rule).map(|rule| tables.rule_code(rule)).unwrap_or_default();
    code.iter().map(|word| if is_search(tables, *word) { OF_SEARCH } else { 1 }).sum()
}

/// What each rule asks of behaviour; nothing where none asks.
fn behaviour_of_rules(tables: &Tables) -> Vec<BehaviourFields> {
    let fields = proxy_fields(tables);
    if !fields.iter().any(|field| matches!(field, Some(ProxyField::Behaviour(_)))) {
        return Vec::new();
    }
    let of_field = |field: FieldId| match fields.get(field.index()) {
        Some(Some(ProxyField::Behaviour(field))) => Some(*field),
        _ => None,
    };
    let rules = (0..).map(RuleId).take(tables.rules.len());
    rules.map(|rule| tables.fields_of(rule).into_iter().filter_map(of_field).collect()).collect()
}

/// The rules that match no event that lacks some fields, whatever its other fields are.
pub fn rules_needing(tables: &Tables, lacks: impl Fn(FieldId) -> bool) -> Vec<RuleId> {
    let shortcuts = Shortcuts::new(tables);
    let mut event = Event::default();
    event.clear(tables.fields.len());
    event.await_unnamed();
    let fields = (0..).map(FieldId).take(tables.fields.len());
    fields.filter(|field| !lacks(*field)).for_each(|field| event.await_answer(field));
    let mut scratch = Scratch::default();
    let rules = (0..).map(RuleId).take(tables.rules.len());
    let needing = rules.filter(|rule| {
        scratch.prepare(tables);
        truth_of(tables, &shortcuts, *rule, &event, &mut scratch) == Truth::False
    });
    needing.collect()
}
