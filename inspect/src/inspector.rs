//! A pack that is at work.

use crate::compare::test_truth;
use crate::evaluate::{Found, Scratch, Truth, atom_truth, evaluate, lazily_found};
use crate::event::Event;
use crate::ids::{AtomId, RuleId, StrId};
use crate::limits::{MAX_EVIDENCE, MAX_EVIDENCE_BYTES};
use crate::pack::{KEYWORDS, Op, Pack, Tables};
use crate::request::{Binding, Request};
use crate::verdict::{Condition, Evidence, Node, RuleMatch, Verdict, View};

/// Holds requests and other events against a pack, one after the other, without allocating for those
/// that match nothing.
#[derive(Debug)]
pub struct Inspector {
    pack: Pack,
    binding: Binding,
    event: Event,
    scratch: Scratch,
}

impl Inspector {
    /// Puts a pack to work.
    pub fn new(pack: Pack) -> Self {
        let binding = Binding::new(pack.tables());
        Inspector { pack, binding, event: Event::default(), scratch: Scratch::default() }
    }

    /// The pack.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// The verdict on a request, as far as it is known: without a response, rules that need one do
    /// not match yet.
    pub fn inspect(&mut self, request: &Request<'_>) -> Verdict {
        self.event.clear(self.pack.tables().fields.len());
        self.binding.answer(request, &mut self.event);
        self.verdict()
    }

    /// The verdict on any event; `answer` answers the pack's fields.
    pub fn inspect_event(&mut self, answer: impl FnOnce(&Tables, &mut Event)) -> Verdict {
        self.event.clear(self.pack.tables().fields.len());
        answer(self.pack.tables(), &mut self.event);
        self.verdict()
    }

    fn verdict(&mut self) -> Verdict {
        evaluate(&self.pack, &self.event, &mut self.scratch);
        let matches = self.scratch.matched().iter().map(|rule| RuleMatch {
            rule: *rule,
            view: View::Raw,
            evidence: self.evidence(*rule),
        });
        Verdict { matches: matches.collect(), truncated: self.event.truncated() }
    }

    /// What holds in a rule on the event that was inspected last, outside of any `not`.
    fn evidence(&self, rule: RuleId) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        if let Some(condition) = self.tree(rule, Detail::Found) {
            collect_evidence(condition, &mut evidence);
        }
        evidence
    }

    /// A rule's condition on the event that was inspected last: the tree, each part with its truth.
    ///
    /// `None` where the pack has no such rule.
    pub fn condition(&self, rule: RuleId) -> Option<Condition> {
        self.tree(rule, Detail::All)
    }

    fn tree(&self, rule: RuleId, detail: Detail) -> Option<Condition> {
        let tables = self.pack.tables();
        let mut stack: Vec<Condition> = Vec::new();
        for word in tables.rule_code(tables.rule(rule)?) {
            let condition = match Op::decode(*word)? {
                Op::Atom(atom) => self.item(atom, detail),
                Op::Test(test) => {
                    let asked = tables.tests.get(test as usize)?;
                    let truth = test_truth(tables, test, &self.event);
                    let text = tables.str(asked.text).to_owned();
                    item(truth, tables.str(asked.label).to_owned(), vec![text], None)
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

    fn item(&self, atom_id: AtomId, detail: Detail) -> Condition {
        let tables = self.pack.tables();
        let truth = atom_truth(tables, atom_id, &self.event, &self.scratch);
        let label = tables.atoms.get(atom_id.index()).map_or(StrId(u32::MAX), |atom| atom.label);
        let patterns = match detail {
            Detail::Found => Vec::new(),
            // Packs point from patterns to atoms; the way back is only needed here.
            Detail::All => {
                let of_atom = tables
                    .patterns
                    .iter()
                    .filter(|pattern| tables.pattern_atoms(pattern).contains(&atom_id));
                of_atom.map(|pattern| tables.str(pattern.text).to_owned()).collect()
            }
        };
        let evidence = self
            .scratch
            .found(atom_id)
            .or_else(|| lazily_found(tables, atom_id, &self.event))
            .map(|found| self.quote(found));
        item(truth, tables.str(label).to_owned(), patterns, evidence)
    }

    fn quote(&self, found: Found) -> Evidence {
        let tables = self.pack.tables();
        let atom = tables.atoms.get(found.atom.index());
        let pattern = tables.patterns.get(found.pattern.index());
        let value = self.event.raw(found.text);
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

/// How much of a condition is told.
#[derive(Clone, Copy)]
enum Detail {
    /// What was found.
    Found,
    /// Also the values that were looked for.
    All,
}

fn item(
    truth: Truth,
    label: String,
    patterns: Vec<String>,
    evidence: Option<Evidence>,
) -> Condition {
    Condition { name: None, truth, node: Node::Item { label, patterns, evidence } }
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

fn collect_evidence(condition: Condition, evidence: &mut Vec<Evidence>) {
    if condition.truth != Truth::True || evidence.len() >= MAX_EVIDENCE {
        return;
    }
    match condition.node {
        Node::All(parts) | Node::Any(parts) => {
            for part in parts {
                collect_evidence(part, evidence);
            }
        }
        Node::Not(_) => {}
        Node::Item { evidence: found, .. } => {
            evidence.extend(found);
        }
    }
}
