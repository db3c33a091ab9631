//! A rule's condition as a postfix program, the atoms that vouch for it, and when it is decided.

use std::collections::HashSet;

use inspect::limits::MAX_STACK;
use inspect::pack::{Comparison, KEYWORDS, Op, Phase, Test, TestKind};
use inspect::{AtomId, FieldId, ProxyField};

use super::{AtomDraft, Compiler, end_of, frequency};
use crate::codes;
use crate::rule::{Condition, FieldPart, Item, Linking, Rule, Search, TimePart, Value, ValueTest};
use diagnostics::{Diagnostic, Place};

/// A condition with its atoms.
#[derive(Clone, Debug)]
pub(super) enum Draft {
    /// `unindexed` atoms have patterns that no scan looks for, so they vouch for nothing. Nor do those
    /// of behaviour: where nobody knows it yet, their rule has to run to say that it asks.
    Atom {
        atom: AtomId,
        frequency: f64,
        phase: Phase,
        keywords: bool,
        unindexed: bool,
        is_behaviour: bool,
    },
    Test {
        test: u32,
        phase: Phase,
    },
    All(Vec<Draft>),
    Any(Vec<Draft>),
    Not(Box<Draft>),
    Named(inspect::StrId, Box<Draft>),
}

/// Atoms of which one is true wherever the rule is.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    pub(super) atoms: Vec<AtomId>,
    /// How often one of them is true, roughly.
    frequency: f64,
}

impl Draft {
    /// The cheapest witness of the condition, if it has one; one with unindexed atoms, which then have
    /// to be scanned for, only where there is no other.
    pub(super) fn witness(&self) -> Option<Witness> {
        self.witness_of(true, false).or_else(|| self.witness_of(true, true))
    }

    fn witness_of(&self, holds: bool, with_unindexed: bool) -> Option<Witness> {
        match (self, holds) {
            (Draft::Atom { is_behaviour: true, .. }, _) => None,
            // Keywords share the scans of fields, which unindexed ones would keep them from.
            (Draft::Atom { atom, frequency, unindexed, keywords, .. }, true)
                if !unindexed || with_unindexed && !keywords =>
            {
                Some(Witness { atoms: vec![*atom], frequency: *frequency })
            }
            (Draft::Atom { .. } | Draft::Test { .. }, _) => None,
            (Draft::Not(part), holds) => part.witness_of(!holds, with_unindexed),
            (Draft::Named(_, part), holds) => part.witness_of(holds, with_unindexed),
            // One part that has to hold is enough to vouch for all.
            (Draft::All(parts), true) | (Draft::Any(parts), false) => parts
                .iter()
                .filter_map(|part| part.witness_of(holds, with_unindexed))
                .min_by(|left, right| left.frequency.total_cmp(&right.frequency)),
            (Draft::Any(parts), true) | (Draft::All(parts), false) => {
                let mut all = Witness { atoms: Vec::new(), frequency: 0.0 };
                for part in parts {
                    let witness = part.witness_of(holds, with_unindexed)?;
                    all.frequency += witness.frequency;
                    all.atoms.extend(witness.atoms);
                }
                all.atoms.sort_unstable();
                all.atoms.dedup();
                Some(all)
            }
        }
    }

    /// When the rule can be true: with the request where no unknown answer can be in the way.
    pub(super) fn phase(&self) -> Phase {
        if self.can_hold_on_request(true) { Phase::Request } else { Phase::Response }
    }

    fn can_hold_on_request(&self, holds: bool) -> bool {
        match (self, holds) {
            // A keyword that is not found yet may still be found in the response.
            (Draft::Atom { keywords: true, .. }, holds) => holds,
            (Draft::Atom { phase, .. } | Draft::Test { phase, .. }, _) => *phase == Phase::Request,
            (Draft::Not(part), holds) => part.can_hold_on_request(!holds),
            (Draft::Named(_, part), holds) => part.can_hold_on_request(holds),
            (Draft::All(parts), true) | (Draft::Any(parts), false) => {
                parts.iter().all(|part| part.can_hold_on_request(holds))
            }
            (Draft::Any(parts), true) | (Draft::All(parts), false) => {
                parts.iter().any(|part| part.can_hold_on_request(holds))
            }
        }
    }

    /// Values on the stack while the program runs.
    fn depth(&self) -> usize {
        match self {
            Draft::Atom { .. } | Draft::Test { .. } => 1,
            Draft::Not(part) | Draft::Named(_, part) => part.depth(),
            Draft::All(parts) | Draft::Any(parts) => {
                let behind_first = parts.iter().skip(1).map(|part| 1 + part.depth()).max();
                behind_first.unwrap_or(0).max(parts.first().map_or(0, Draft::depth))
            }
        }
    }
}

/// Finds the atoms of a rule's condition.
pub(super) fn draft(compiler: &mut Compiler, rule: &Rule) -> Result<Draft, Vec<Diagnostic>> {
    let mut named = vec![None; rule.selections.len()];
    let draft = condition(compiler, rule, &rule.condition, &mut named);
    if draft.depth() > MAX_STACK {
        return Err(vec![Diagnostic {
            code: &codes::BROKEN_CONDITION,
            message: "the condition and its searches are nested too deeply".into(),
            help: "split the rule".into(),
            place: Place { file: rule.file.clone(), span: rule.span },
            fix: None,
        }]);
    }
    Ok(draft)
}

/// Appends a condition's program to the code.
pub(super) fn emit(compiler: &mut Compiler, draft: &Draft) {
    match draft {
        Draft::Atom { atom, .. } => compiler.push(Op::Atom(*atom)),
        Draft::Test { test, .. } => compiler.push(Op::Test(*test)),
        Draft::All(parts) => emit_parts(compiler, parts, Op::All(2)),
        Draft::Any(parts) => emit_parts(compiler, parts, Op::Any(2)),
        Draft::Not(part) => {
            emit(compiler, part);
            compiler.push(Op::Not);
        }
        Draft::Named(name, part) => {
            emit(compiler, part);
            compiler.push(Op::Name(*name));
        }
    }
}

/// Two at a time, so that long lists need no deep stack.
fn emit_parts(compiler: &mut Compiler, parts: &[Draft], op: Op) {
    for (idx, part) in parts.iter().enumerate() {
        emit(compiler, part);
        if idx > 0 {
            compiler.push(op);
        }
    }
}

/// `named` has the selections that were compiled already.
fn condition(
    compiler: &mut Compiler,
    rule: &Rule,
    of: &Condition,
    named: &mut [Option<Draft>],
) -> Draft {
    match of {
        Condition::All(parts) => Draft::All(conditions(compiler, rule, parts, named)),
        Condition::Any(parts) => Draft::Any(conditions(compiler, rule, parts, named)),
        Condition::Not(part) => Draft::Not(Box::new(condition(compiler, rule, part, named))),
        Condition::Selection(idx) => {
            let (Some(selection), Some(known)) = (rule.selections.get(*idx), named.get_mut(*idx))
            else {
                return Draft::Any(Vec::new());
            };
            let compile = || {
                let draft = search(compiler, &selection.search);
                Draft::Named(compiler.strings.id(&selection.name), Box::new(draft))
            };
            known.get_or_insert_with(compile).clone()
        }
    }
}

fn conditions(
    compiler: &mut Compiler,
    rule: &Rule,
    parts: &[Condition],
    named: &mut [Option<Draft>],
) -> Vec<Draft> {
    parts.iter().map(|part| condition(compiler, rule, part, named)).collect()
}

fn search(compiler: &mut Compiler, of: &Search) -> Draft {
    let single = |mut parts: Vec<Draft>, many: fn(Vec<Draft>) -> Draft| {
        if parts.len() == 1 { parts.remove(0) } else { many(parts) }
    };
    match of {
        Search::All(parts) => {
            single(parts.iter().map(|part| search(compiler, part)).collect(), Draft::All)
        }
        Search::Any(parts) => {
            single(parts.iter().map(|part| search(compiler, part)).collect(), Draft::Any)
        }
        Search::Item(of) => item(compiler, of),
    }
}

fn item(compiler: &mut Compiler, item: &Item) -> Draft {
    let field = compiler.field(item.field.as_deref());
    let mut parts = Vec::new();
    match item.linking {
        Linking::All => {
            for value in &item.values {
                parts.extend(values(compiler, item, field, std::slice::from_ref(value)));
            }
        }
        Linking::Any => parts = values(compiler, item, field, &item.values),
    }
    let draft = match (parts.len(), item.linking) {
        (1, _) => parts.remove(0),
        (_, Linking::All) => Draft::All(parts),
        (_, Linking::Any) => Draft::Any(parts),
    };
    if item.negated { Draft::Not(Box::new(draft)) } else { draft }
}

/// Values of which any has to hold: one atom for those that are scanned for, a test for each other.
fn values(compiler: &mut Compiler, item: &Item, field: FieldId, values: &[Value]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut patterns = Vec::new();
    let mut known = HashSet::new();
    let mut frequency = 0.0;
    for value in values {
        let text = compiler.strings.id(&value.text);
        for (pattern, of_pattern) in compiler.patterns.of_value(field, value, text) {
            if known.insert(pattern) {
                frequency += of_pattern;
                patterns.push(pattern);
            }
        }
        drafts.extend(test(compiler, item, field, value));
    }
    if !patterns.is_empty() {
        let proxy_field = item.field.as_deref().and_then(ProxyField::from_name);
        frequency = frequency::of_values(proxy_field, frequency, patterns.len());
        let label = compiler.strings.id(&item.label);
        let key = (label, field, patterns);
        let atom = if let Some(atom) = compiler.atoms_by_key.get(&key) {
            *atom
        } else {
            let atom = AtomId(end_of(&compiler.atoms));
            let unindexed = compiler.patterns.unindexed(&key.2);
            compiler.atoms.push(AtomDraft {
                field,
                label,
                rules: Vec::new(),
                unindexed,
                frequency,
            });
            compiler.patterns.feed(&key.2, atom);
            compiler.atoms_by_key.insert(key, atom);
            atom
        };
        let known = compiler.atoms.get(atom.index());
        let frequency = known.map_or(1.0, |atom| atom.frequency);
        let unindexed = known.is_none_or(|atom| !atom.unindexed.is_empty());
        let keywords = field == KEYWORDS;
        let phase = phase_of(item.field.as_deref());
        let is_behaviour = matches!(proxy_field, Some(ProxyField::Behaviour(_)));
        let draft = Draft::Atom { atom, frequency, phase, keywords, unindexed, is_behaviour };
        drafts.insert(0, draft);
    }
    drafts
}

/// The question that a value asks, if no scan answers it.
fn test(compiler: &mut Compiler, item: &Item, field: FieldId, value: &Value) -> Option<Draft> {
    let mut test = Test {
        kind: TestKind::Null,
        field,
        other: field,
        comparison: Comparison::Equal,
        number: 0,
        cased: false,
        label: compiler.strings.id(&item.label),
        text: compiler.strings.id(&value.text),
    };
    let mut phase = phase_of(item.field.as_deref());
    let mut holds = true;
    match &value.test {
        ValueTest::Text { .. } | ValueTest::Regex(_) | ValueTest::Network(_) => return None,
        ValueTest::Null => {}
        ValueTest::Exists(exists) => {
            test.kind = TestKind::Exists;
            holds = *exists;
        }
        ValueTest::Number(comparison, number) => {
            test.kind = TestKind::Number;
            (test.comparison, test.number) = (*comparison, number.to_bits());
        }
        ValueTest::Time(part, comparison, number) => {
            test.kind = match part {
                TimePart::Minute => TestKind::Minute,
                TimePart::Hour => TestKind::Hour,
                TimePart::Day => TestKind::Day,
                TimePart::Week => TestKind::Week,
                TimePart::Month => TestKind::Month,
                TimePart::Year => TestKind::Year,
            };
            (test.comparison, test.number) = (*comparison, number.to_bits());
        }
        ValueTest::Field { field: other, part, cased } => {
            test.kind = match part {
                FieldPart::Whole => TestKind::FieldWhole,
                FieldPart::Start => TestKind::FieldStart,
                FieldPart::End => TestKind::FieldEnd,
                FieldPart::Any => TestKind::FieldAny,
            };
            phase = phase.max(phase_of(Some(other)));
            test.other = compiler.field(Some(other));
            test.cased = *cased;
        }
    }
    let idx = end_of(&compiler.tests);
    compiler.tests.push(test);
    let draft = Draft::Test { test: idx, phase };
    Some(if holds { draft } else { Draft::Not(Box::new(draft)) })
}

/// When a field is known. Fields that requests do not have are never answered, so they are known.
fn phase_of(field: Option<&str>) -> Phase {
    field.and_then(ProxyField::from_name).map_or(Phase::Request, ProxyField::phase)
}
