//! Why a rule matched or did not: its condition as a tree with truths, what was found for it, and the rules that came
//! near. Nothing here decides a verdict.

use super::{Inspector, Reading};
use crate::compare::test_truth;
use crate::distance::Distance;
use crate::evaluate::{Found, Scratch, ask_all, atom_truth, unindexed_found};
use crate::event::Event;
use crate::ids::{AtomId, FieldId, RuleId, StrId};
use crate::limits::{MAX_EVIDENCE, MAX_EVIDENCE_BYTES, MAX_SEEN};
use crate::pack::{KEYWORDS, Op, Tables};
use crate::truth::Truth;
use crate::verdict::{Condition, Evidence, Node};

impl Inspector {
    /// What holds in a rule on a reading, outside of any `not`.
    pub(super) fn evidence(&self, rule: RuleId, reading: &Reading) -> Vec<Evidence> {
        let tables = self.pack.tables();
        let Reading { event, scratch, .. } = reading;
        let code = tables.rule(rule).map(|rule| tables.rule_code(rule)).unwrap_or_default();
        let atoms = vouching(tables, code, event, scratch).into_iter();
        let found = atoms.filter_map(|atom| {
            scratch.found(atom).or_else(|| unindexed_found(tables, atom, event))
        });
        found.take(MAX_EVIDENCE).map(|found| self.quote(found, event)).collect()
    }

    /// A rule's condition on the event that was inspected last: the tree, each part with its truth.
    /// Of a request in the view in which the rule matched first, or raw.
    ///
    /// `None` where the pack has no such rule.
    pub fn condition(&self, rule: RuleId) -> Option<Condition> {
        let readings = self.readings.get(..self.n_readings)?;
        let matched = readings.iter().find(|reading| reading.scratch.matched().contains(&rule));
        let Reading { event, scratch, .. } = matched.or(readings.first())?;
        // A rule that did not run has asked for nothing.
        let mut scratch = scratch.clone();
        ask_all(self.pack.tables(), rule, event, &mut scratch);
        self.tree(rule, event, &scratch)
    }

    /// The rules that came nearest to matching the request or event that was inspected last, read as it came: at
    /// most `most`, those with the fewest searches that would have to be otherwise first.
    ///
    /// A rule counts if it asks for where the request goes to, and that is so. Rules that match, and those that
    /// wait for more than the request, are not among them.
    pub fn nearest(&self, most: usize) -> Vec<RuleId> {
        let tables = self.pack.tables();
        let readings = self.readings.get(..self.n_readings).unwrap_or_default();
        let Some(Reading { event, scratch, .. }) = readings.first() else { return Vec::new() };
        let mut scratch = scratch.clone();
        let mut near = Vec::new();
        for rule in (0..).map(RuleId).take(tables.rules.len()) {
            if readings.iter().any(|reading| reading.scratch.matched().contains(&rule)) {
                continue;
            }
            ask_all(tables, rule, event, &mut scratch);
            if let Some(distance) = Distance::of(tables, rule, event, &scratch) {
                near.push((distance, rule));
            }
        }
        near.sort();
        near.into_iter().take(most).map(|(_, rule)| rule).collect()
    }

    fn tree(&self, rule: RuleId, event: &Event, scratch: &Scratch) -> Option<Condition> {
        let tables = self.pack.tables();
        let mut stack: Vec<Condition> = Vec::new();
        for word in tables.rule_code(tables.rule(rule)?) {
            let condition = match Op::decode(*word)? {
                Op::Atom(atom) => self.item(atom, event, scratch),
                Op::Test(test) => {
                    let asked = tables.tests.get(test as usize)?;
                    let truth = test_truth(tables, test, event);
                    let node = Node::Item {
                        label: tables.str(asked.label).to_owned(),
                        patterns: vec![tables.str(asked.text).to_owned()],
                        evidence: None,
                        seen: seen(asked.field, event),
                    };
                    Condition { name: None, truth, node }
                }
                Op::All(n_values) => {
                    let parts = split_top(&mut stack, n_values)?;
                    let truth = parts.iter().map(|part| part.truth).min()?;
                    Condition { name: None, truth, node: Node::All(parts) }
                }
                Op::Any(n_values) => {
                    let parts = split_top(&mut stack, n_values)?;
                    let truth = parts.iter().map(|part| part.truth).max()?;
                    Condition { name: None, truth, node: Node::Any(parts) }
                }
                Op::Not => {
                    let part = stack.pop()?;
                    let truth = part.truth.opposite();
                    Condition { name: None, truth, node: Node::Not(Box::new(part)) }
                }
                Op::Name(name) => named(stack.pop()?, tables.str(name)),
            };
            stack.push(condition);
        }
        stack.pop()
    }

    fn item(&self, atom_id: AtomId, event: &Event, scratch: &Scratch) -> Condition {
        let tables = self.pack.tables();
        let truth = atom_truth(tables, atom_id, event, scratch);
        let atom = tables.atoms.get(atom_id.index());
        let label = atom.map_or(StrId(u32::MAX), |atom| atom.label);
        // Packs point from patterns to atoms; the way back is only needed here.
        let of_atom = tables
            .patterns
            .iter()
            .filter(|pattern| tables.pattern_atoms(pattern).contains(&atom_id));
        let patterns = of_atom.map(|pattern| tables.str(pattern.text).to_owned()).collect();
        let found = scratch.found(atom_id);
        let evidence = found
            .or_else(|| unindexed_found(tables, atom_id, event))
            .map(|found| self.quote(found, event));
        let seen = atom.map(|atom| seen(atom.field, event)).unwrap_or_default();
        let node = Node::Item { label: tables.str(label).to_owned(), patterns, evidence, seen };
        Condition { name: None, truth, node }
    }

    fn quote(&self, found: Found, event: &Event) -> Evidence {
        let tables = self.pack.tables();
        let atom = tables.atoms.get(found.atom.index());
        let pattern = tables.patterns.get(found.pattern.index());
        let value = event.raw(found.text);
        Evidence {
            atom: found.atom,
            label: atom.map_or("", |atom| tables.str(atom.label)).to_owned(),
            field: atom
                .map_or("", |atom| match atom.field {
                    KEYWORDS => "keywords",
                    field => tables.field_name(field),
                })
                .to_owned(),
            pattern: pattern.map_or("", |pattern| tables.str(pattern.text)).to_owned(),
            value: value.get(..MAX_EVIDENCE_BYTES).unwrap_or(value).to_owned(),
        }
    }
}

/// The first values of a field.
fn seen(field: FieldId, event: &Event) -> Vec<Vec<u8>> {
    if field == KEYWORDS {
        return Vec::new();
    }
    let values = event.values(field).take(MAX_SEEN).map(|text| event.raw(text));
    values.map(|value| value.get(..MAX_EVIDENCE_BYTES).unwrap_or(value).to_owned()).collect()
}

fn split_top(stack: &mut Vec<Condition>, n_values: u32) -> Option<Vec<Condition>> {
    let start = stack.len().checked_sub(n_values as usize)?;
    Some(stack.split_off(start))
}

/// Names a condition; one that has a name already keeps it and gets a parent of that name.
fn named(condition: Condition, name: &str) -> Condition {
    let name = Some(name.to_owned());
    if condition.name.is_none() {
        return Condition { name, ..condition };
    }
    Condition { name, truth: condition.truth, node: Node::All(vec![condition]) }
}

/// The atoms by which a rule's program holds, in order: those that are true and part of nothing that is
/// not, and under no `not`.
fn vouching(tables: &Tables, code: &[u32], event: &Event, scratch: &Scratch) -> Vec<AtomId> {
    // For each operation its truth, and where its operands start.
    let mut parts: Vec<(Truth, usize)> = Vec::with_capacity(code.len());
    let mut stack: Vec<(Truth, usize)> = Vec::new();
    for (idx, word) in code.iter().enumerate() {
        let mut join = |n_values: u32, start: Truth, with: fn(Truth, Truth) -> Truth| {
            let operands = stack.split_off(stack.len().saturating_sub(n_values as usize));
            let truth = operands.iter().fold(start, |all, (truth, _)| with(all, *truth));
            (truth, operands.first().map_or(idx, |(_, start)| *start))
        };
        let part = match Op::decode(*word) {
            Some(Op::Atom(atom)) => (atom_truth(tables, atom, event, scratch), idx),
            Some(Op::Test(test)) => (test_truth(tables, test, event), idx),
            Some(Op::All(n_values)) => join(n_values, Truth::True, Truth::min),
            Some(Op::Any(n_values)) => join(n_values, Truth::False, Truth::max),
            Some(Op::Not) => join(1, Truth::True, |_, truth| truth.opposite()),
            Some(Op::Name(_)) | None => join(1, Truth::True, Truth::min),
        };
        parts.push(part);
        stack.push(part);
    }
    // From the last operation, which is the whole, to the first: what does not hold is left out with all
    // of its operands.
    let mut atoms = Vec::new();
    let mut end = parts.len();
    while let Some(idx) = end.checked_sub(1)
        && let (Some((truth, start)), Some(word)) = (parts.get(idx), code.get(idx))
    {
        let op = Op::decode(*word);
        end = if *truth == Truth::True && op != Some(Op::Not) { idx } else { *start };
        if let (Truth::True, Some(Op::Atom(atom))) = (truth, op) {
            atoms.push(atom);
        }
    }
    atoms.reverse();
    atoms
}
