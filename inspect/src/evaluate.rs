//! Evaluation: an event against the rules of a pack.
//!
//! The fields are scanned once, each pattern that is found makes its atoms true, and each atom that
//! becomes true wakes the rules that cannot match without it. Only those rules run, and the few that
//! no atom can vouch for. Truth has three values (Kleene): what a response will tell is not known yet.

use crate::bits::BitSet;
use crate::compare::test_truth;
use crate::event::{Event, Slot, Text};
use crate::ids::{AtomId, PatternId, RuleId};
use crate::limits::MAX_STACK;
use crate::nfa;
use crate::pack::{CheckKind, KEYWORDS, Op, Pack, Pattern, Scan, Tables};
use crate::scan;

/// True, false, or not known yet. The order is Kleene's: "and" is the minimum, "or" the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold, whatever is still to come.
    #[default]
    False,
    /// It depends on what is still to come.
    Unknown,
    /// It holds, whatever is still to come.
    True,
}

impl Truth {
    pub(crate) fn from_bool(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }

    pub(crate) fn opposite(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

/// What made an atom true: the first pattern that was found, and in which value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) atom: AtomId,
    pub(crate) pattern: PatternId,
    pub(crate) text: Text,
}

/// Working memory of an evaluation, reused so that nothing is allocated per event.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    atoms: BitSet,
    found: Vec<Found>,
    checked: BitSet,
    seen: BitSet,
    woken: Vec<RuleId>,
    matched: Vec<RuleId>,
}

impl Scratch {
    /// The rules that matched, in the pack's order.
    pub(crate) fn matched(&self) -> &[RuleId] {
        &self.matched
    }

    /// What made an atom true.
    pub(crate) fn found(&self, atom: AtomId) -> Option<Found> {
        self.found.iter().find(|found| found.atom == atom).copied()
    }
}

/// Evaluates every rule of `pack` on `event`.
pub(crate) fn evaluate(pack: &Pack, event: &Event, scratch: &mut Scratch) {
    let tables = pack.tables();
    scratch.atoms.reset(tables.atoms.len());
    scratch.checked.reset(tables.patterns.len());
    scratch.seen.reset(tables.rules.len());
    scratch.found.clear();
    scratch.woken.clear();
    scratch.matched.clear();

    let has_keywords = tables.has_keywords();
    for (field, text) in event.answers() {
        let Some(of_field) = tables.scans.get(field.index()) else { continue };
        scan_value(tables, of_field, event, text, scratch);
        if has_keywords && of_field.with_keywords == 0 && !Event::is_part(text) {
            scan_value(tables, &tables.keywords, event, text, scratch);
        }
    }
    if has_keywords {
        for text in event.loose() {
            scan_value(tables, &tables.keywords, event, *text, scratch);
        }
    }
    for rule in &tables.always {
        if scratch.seen.insert(rule.index()) {
            scratch.woken.push(*rule);
        }
    }
    // Lazy atoms wake nothing, so the list does not grow here.
    for idx in 0..scratch.woken.len() {
        let Some(rule) = scratch.woken.get(idx).copied() else { break };
        if truth_of(tables, rule, event, scratch) == Truth::True {
            scratch.matched.push(rule);
        }
    }
    scratch.matched.sort_unstable();
}

fn scan_value(tables: &Tables, of: &Scan, event: &Event, text: Text, scratch: &mut Scratch) {
    let (raw, folded) = (event.raw(text), event.folded(text));
    scratch.checked.clear();
    let mut found = |pattern| report(tables, pattern, raw, folded, text, scratch);
    if !of.forward.outputs.is_empty() {
        scan::starts(&of.forward, folded, &mut found);
    }
    if !of.backward.outputs.is_empty() {
        scan::ends(&of.backward, folded, &mut found);
    }
    for grams in &of.grams {
        scan::grams(grams, folded, &mut found);
    }
    if !of.networks_v4.starts.is_empty() || !of.networks_v6.starts.is_empty() {
        match str::from_utf8(raw).ok().and_then(|text| text.parse().ok()) {
            Some(std::net::IpAddr::V4(address)) => {
                scan::networks(&of.networks_v4, u128::from(address.to_bits()), found);
            }
            Some(std::net::IpAddr::V6(address)) => {
                scan::networks(&of.networks_v6, address.to_bits(), found);
            }
            None => {}
        }
    }
}

/// Takes note of a pattern whose literal was found: checks it, makes its atoms true, wakes their rules.
fn report(
    tables: &Tables,
    pattern_id: PatternId,
    raw: &[u8],
    folded: &[u8],
    text: Text,
    scratch: &mut Scratch,
) {
    let Some(pattern) = tables.patterns.get(pattern_id.index()) else { return };
    let holds = pattern.check == CheckKind::None
        || (scratch.checked.insert(pattern_id.index()) && check(tables, pattern, raw, folded));
    if !holds {
        return;
    }
    for atom_id in tables.pattern_atoms(pattern) {
        if !scratch.atoms.insert(atom_id.index()) {
            continue;
        }
        scratch.found.push(Found { atom: *atom_id, pattern: pattern_id, text });
        let Some(atom) = tables.atoms.get(atom_id.index()) else { continue };
        for rule in tables.atom_rules(atom) {
            if scratch.seen.insert(rule.index()) {
                scratch.woken.push(*rule);
            }
        }
    }
}

/// Runs a rule's program.
fn truth_of(tables: &Tables, rule: RuleId, event: &Event, scratch: &mut Scratch) -> Truth {
    let Some(rule) = tables.rule(rule) else { return Truth::False };
    let mut stack = Stack::new();
    for word in tables.rule_code(rule) {
        match Op::decode(*word) {
            Some(Op::Atom(atom)) => stack.push(ask(tables, atom, event, scratch)),
            Some(Op::Test(test)) => stack.push(test_truth(tables, test, event)),
            Some(Op::All(n_values)) => stack.combine(n_values, Truth::True, Truth::min),
            Some(Op::Any(n_values)) => stack.combine(n_values, Truth::False, Truth::max),
            Some(Op::Not) => stack.combine(1, Truth::True, |_, value| value.opposite()),
            Some(Op::Name(_)) | None => {}
        }
    }
    stack.pop()
}

/// Whether a pattern's check holds on a value.
fn check(tables: &Tables, pattern: &Pattern, raw: &[u8], folded: &[u8]) -> bool {
    let idx = pattern.check_idx;
    match pattern.check {
        CheckKind::None => true,
        CheckKind::FoldedGlob => scan::glob(tables.glob(idx), folded),
        CheckKind::CasedGlob => scan::glob(tables.glob(idx), raw),
        CheckKind::Regex => {
            tables.regexes.get(idx as usize).is_some_and(|regex| scan::regex(regex, raw))
        }
        CheckKind::Nfa => tables.nfas.get(idx as usize).is_some_and(|nfa| nfa::found(nfa, raw)),
    }
}

/// Whether an atom holds; remembers what a lazy one was found by.
fn ask(tables: &Tables, atom_id: AtomId, event: &Event, scratch: &mut Scratch) -> Truth {
    let truth = atom_truth(tables, atom_id, event, scratch);
    if truth == Truth::True
        && !scratch.atoms.contains(atom_id.index())
        && let Some(found) = lazily_found(tables, atom_id, event)
    {
        scratch.atoms.insert(atom_id.index());
        scratch.found.push(found);
    }
    truth
}

/// Whether an atom holds: a pattern was found, or may still be found in a value that is to come.
pub(crate) fn atom_truth(
    tables: &Tables,
    atom_id: AtomId,
    event: &Event,
    scratch: &Scratch,
) -> Truth {
    if scratch.atoms.contains(atom_id.index()) || lazily_found(tables, atom_id, event).is_some() {
        return Truth::True;
    }
    let Some(atom) = tables.atoms.get(atom_id.index()) else { return Truth::False };
    let unknown = match atom.field {
        KEYWORDS => event.awaits_more(),
        field => event.slot(field) == Slot::Unknown,
    };
    if unknown { Truth::Unknown } else { Truth::False }
}

/// What makes an atom true that no scan looks for.
pub(crate) fn lazily_found(tables: &Tables, atom_id: AtomId, event: &Event) -> Option<Found> {
    let atom = tables.atoms.get(atom_id.index())?;
    let lazy = tables.atom_lazy(atom);
    if lazy.is_empty() {
        return None;
    }
    let values =
        event.answers().filter(|(field, _)| atom.field == KEYWORDS || *field == atom.field);
    let values = values.map(|(_, text)| text);
    let loose = if atom.field == KEYWORDS { event.loose() } else { &[] };
    values.chain(loose.iter().copied()).find_map(|text| {
        let pattern = lazy.iter().find(|pattern| {
            tables
                .patterns
                .get(pattern.index())
                .is_some_and(|pattern| check(tables, pattern, event.raw(text), event.folded(text)))
        });
        pattern.map(|pattern| Found { atom: atom_id, pattern: *pattern, text })
    })
}

/// The values of a program that runs. `Pack::decode` has seen that it is never too deep.
struct Stack {
    values: [Truth; MAX_STACK],
    len: usize,
}

impl Stack {
    fn new() -> Self {
        Stack { values: [Truth::False; MAX_STACK], len: 0 }
    }

    fn push(&mut self, value: Truth) {
        if let Some(place) = self.values.get_mut(self.len) {
            *place = value;
            self.len += 1;
        }
    }

    fn pop(&mut self) -> Truth {
        self.len = self.len.saturating_sub(1);
        self.values.get(self.len).copied().unwrap_or_default()
    }

    /// Replaces the top `n_values` by their combination.
    fn combine(&mut self, n_values: u32, start: Truth, with: impl Fn(Truth, Truth) -> Truth) {
        let mut result = start;
        for _ in 0..n_values {
            result = with(result, self.pop());
        }
        self.push(result);
    }
}
