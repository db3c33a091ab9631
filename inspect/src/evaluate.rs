//! Evaluation: an event against the rules of a pack.
//!
//! The fields are scanned once for what wakes rules: each pattern that is found makes its atoms true, and
//! each atom that becomes true wakes the rules that cannot match without it. Only those rules run, and the
//! few that no atom can vouch for. What else they ask for is looked for when they do, field by field,
//! which most events never need. Truth has three values (Kleene): what a response will tell is not known yet.

use std::ops::Range;

use crate::bits::BitSet;
use crate::compare::{contains, test_truth};
use crate::event::{Event, Slot, Text};
use crate::ids::{AtomId, FieldId, PatternId, RuleId};
use crate::limits::MAX_STACK;
use crate::nfa;
use crate::pack::{CheckKind, KEYWORDS, Op, Pack, Pattern, Scan, Tables};
use crate::{scan, steps};

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
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    atoms: BitSet,
    found: Vec<Found>,
    /// Patterns that were checked on the value that is scanned.
    checked: BitSet,
    /// Patterns of [`Tables::shared`] that were decided for all values of their field.
    decided: BitSet,
    /// Fields that were scanned for what stands in [`Tables::later`]; the last bit is for keywords.
    scanned: BitSet,
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
    scratch.decided.reset(tables.patterns.len());
    scratch.scanned.reset(tables.fields.len() + 1);
    scratch.seen.reset(tables.rules.len());
    scratch.found.clear();
    scratch.woken.clear();
    scratch.matched.clear();

    scan_shared(tables, event, scratch);
    for (field, text) in event.answers() {
        let Some(of_field) = tables.scans.get(field.index()) else { continue };
        scan_value(tables, of_field, event, text, scratch);
    }
    if !tables.keywords.is_empty() {
        for text in event.wholes() {
            scan_value(tables, &tables.keywords, event, text, scratch);
        }
    }
    for rule in &tables.always {
        if scratch.seen.insert(rule.index()) {
            scratch.woken.push(*rule);
        }
    }
    let mut n_run = 0;
    while let Some(rule) = scratch.woken.get(n_run).copied() {
        n_run += 1;
        if truth_of(tables, rule, event, scratch) == Truth::True {
            scratch.matched.push(rule);
            // What else holds in it is told with the match.
            ask_all(tables, rule, event, scratch);
        }
    }
    scratch.matched.sort_unstable();
}

/// Looks for the literals that fields share, once in all text that may hold one.
fn scan_shared(tables: &Tables, event: &Event, scratch: &mut Scratch) {
    if tables.shared.is_empty() {
        return;
    }
    let all = event.all_folded();
    let range = if tables.keywords.is_shared == 1 {
        0..all.len()
    } else {
        let is_shared = |field: FieldId| {
            tables.scans.get(field.index()).is_some_and(|scan| scan.is_shared == 1)
        };
        let spans = event.answers().filter(|(field, _)| is_shared(*field));
        let spans = spans.map(|(_, text)| text.span());
        let joined = spans.reduce(|all, span| all.start.min(span.start)..all.end.max(span.end));
        let Some(joined) = joined else { return };
        joined
    };
    let Some(text) = all.get(range.clone()) else { return };
    for grams in &tables.shared {
        scan::grams(grams, text, |pattern, at| {
            let literal = range.start + at.start..range.start + at.end;
            report_shared(tables, pattern, literal, event, scratch);
        });
    }
}

/// Up to so many values of a field are asked whether they hold a literal that was found.
const FEW_VALUES: usize = 16;

/// Takes note of a literal that stands at `at` in an event's text, if a value of its pattern's field
/// holds it. However often a literal stands there, a field of many values is gone through once.
fn report_shared(
    tables: &Tables,
    pattern_id: PatternId,
    at: Range<usize>,
    event: &Event,
    scratch: &mut Scratch,
) {
    let Some(pattern) = tables.patterns.get(pattern_id.index()) else { return };
    let text = if pattern.check == CheckKind::None {
        let mut n_values = 0;
        let near = find_text(event, pattern.field, |text| {
            steps::take(1);
            n_values += 1;
            let span = text.span();
            n_values > FEW_VALUES || span.start <= at.start && at.end <= span.end
        });
        if n_values <= FEW_VALUES {
            near
        } else if scratch.decided.insert(pattern_id.index()) {
            let literal = event.all_folded().get(at).unwrap_or_default();
            find_text(event, pattern.field, |text| contains(event.folded(*text), literal))
        } else {
            None
        }
    } else if scratch.decided.insert(pattern_id.index()) {
        find_text(event, pattern.field, |text| {
            check(tables, pattern, event.raw(*text), event.folded(*text))
        })
    } else {
        None
    };
    if let Some(text) = text {
        hold(tables, pattern_id, pattern, text, scratch);
    }
}

/// The first value of a field, or of all where it is [`KEYWORDS`], of which something holds.
fn find_text(event: &Event, field: FieldId, holds: impl FnMut(&Text) -> bool) -> Option<Text> {
    match field {
        KEYWORDS => event.wholes().find(holds),
        field => event.values(field).find(holds),
    }
}

fn scan_value(tables: &Tables, of: &Scan, event: &Event, text: Text, scratch: &mut Scratch) {
    let (raw, folded) = (event.raw(text), event.folded(text));
    scratch.checked.clear();
    let mut found = |pattern| report(tables, pattern, event, text, scratch);
    if !of.forward.outputs.is_empty() {
        scan::starts(&of.forward, folded, &mut found);
    }
    if !of.backward.outputs.is_empty() {
        scan::ends(&of.backward, folded, &mut found);
    }
    for grams in &of.grams {
        scan::grams(grams, folded, |pattern, _| found(pattern));
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

/// Takes note of a pattern whose literal was found in a value: checks it there.
fn report(
    tables: &Tables,
    pattern_id: PatternId,
    event: &Event,
    text: Text,
    scratch: &mut Scratch,
) {
    let Some(pattern) = tables.patterns.get(pattern_id.index()) else { return };
    let holds = pattern.check == CheckKind::None
        || (scratch.checked.insert(pattern_id.index())
            && check(tables, pattern, event.raw(text), event.folded(text)));
    if holds {
        hold(tables, pattern_id, pattern, text, scratch);
    }
}

/// Makes a pattern's atoms true and wakes their rules.
fn hold(
    tables: &Tables,
    pattern_id: PatternId,
    pattern: &Pattern,
    text: Text,
    scratch: &mut Scratch,
) {
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

/// Asks for every atom of a rule, so that `scratch` tells of all of them what was found.
pub(crate) fn ask_all(tables: &Tables, rule: RuleId, event: &Event, scratch: &mut Scratch) {
    let Some(rule) = tables.rule(rule) else { return };
    for word in tables.rule_code(rule) {
        if let Some(Op::Atom(atom)) = Op::decode(*word) {
            ask(tables, atom, event, scratch);
        }
    }
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

/// Whether an atom holds; looks for what no scan looked for yet, and remembers what was found.
fn ask(tables: &Tables, atom_id: AtomId, event: &Event, scratch: &mut Scratch) -> Truth {
    if scratch.atoms.contains(atom_id.index()) {
        return Truth::True;
    }
    if let Some(atom) = tables.atoms.get(atom_id.index())
        && atom.is_later == 1
    {
        scan_later(tables, atom.field, event, scratch);
    }
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

/// Scans the values of a field for the patterns that wake no rule, once per event.
fn scan_later(tables: &Tables, field: FieldId, event: &Event, scratch: &mut Scratch) {
    let place = if field == KEYWORDS { tables.fields.len() } else { field.index() };
    if !scratch.scanned.insert(place) {
        return;
    }
    if field == KEYWORDS {
        for text in event.wholes() {
            scan_value(tables, &tables.later_keywords, event, text, scratch);
        }
    } else if let Some(of_field) = tables.later.get(field.index()) {
        for text in event.values(field) {
            scan_value(tables, of_field, event, text, scratch);
        }
    }
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
    let mut found = None;
    find_text(event, atom.field, |text| {
        let pattern = lazy.iter().find(|pattern| {
            tables
                .patterns
                .get(pattern.index())
                .is_some_and(|of| check(tables, of, event.raw(*text), event.folded(*text)))
        });
        found = pattern.map(|pattern| Found { atom: atom_id, pattern: *pattern, text: *text });
        found.is_some()
    });
    found
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
