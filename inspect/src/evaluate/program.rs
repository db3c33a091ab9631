//! The programs of rules: an operation after its operands, run on a stack of truths.

use super::{Scratch, ask};
use crate::compare::test_truth;
use crate::event::Event;
use crate::ids::RuleId;
use crate::limits::MAX_STACK;
use crate::pack::{Op, Tables};
use crate::truth::Truth;

/// Runs a rule's program. What an operand settles needs no other: most rules that wake are settled before
/// anything is looked for that no scan has looked for yet.
pub(super) fn truth_of(
    tables: &Tables,
    shortcuts: &Shortcuts,
    rule_id: RuleId,
    event: &Event,
    scratch: &mut Scratch,
) -> Truth {
    let Some(rule) = tables.rule(rule_id) else { return Truth::False };
    let code = tables.rule_code(rule);
    let shortcuts = shortcuts.of(rule_id);
    let mut stack = Stack::new();
    let mut at = 0;
    while let Some(word) = code.get(at) {
        match Op::decode(*word) {
            Some(Op::Atom(atom)) => stack.push(ask(tables, atom, event, scratch)),
            Some(Op::Test(test)) => stack.push(test_truth(tables, test, event)),
            Some(Op::All(n_values)) => stack.combine(n_values, Truth::True, Truth::min),
            Some(Op::Any(n_values)) => stack.combine(n_values, Truth::False, Truth::max),
            Some(Op::Not) => stack.combine(1, Truth::True, |_, value| value.opposite()),
            Some(Op::Name(_)) | None => {}
        }
        while let Some(shortcut) = shortcuts.get(at)
            && shortcut.settled_by.is_some()
            && shortcut.settled_by == stack.top()
        {
            stack.len = shortcut.depth as usize;
            stack.push(shortcut.settled_by.unwrap_or_default());
            at = shortcut.to as usize;
        }
        at += 1;
    }
    stack.top().unwrap_or_default()
}

/// Fewest operations without a search that are worth leaving out.
const MIN_SAVED: usize = 4;

/// For each operation of a rule's program, what its value may settle; for none where nothing would be
/// saved.
#[derive(Debug, Default)]
pub(crate) struct Shortcuts {
    all: Vec<Shortcut>,
    /// Where those of each rule end.
    ends: Vec<usize>,
}

/// What the value of an operation settles.
#[derive(Clone, Copy, Debug, Default)]
struct Shortcut {
    /// The value that settles the operation whose operand this is: it then has this value too.
    settled_by: Option<Truth>,
    /// The place of that operation in the program, and how many values lie under its operands.
    to: u32,
    depth: u32,
}

impl Shortcuts {
    /// Looks at the programs of a pack.
    pub(super) fn new(tables: &Tables) -> Shortcuts {
        let mut shortcuts = Shortcuts::default();
        for rule in &tables.rules {
            shortcuts.add(tables, tables.rule_code(rule));
        }
        shortcuts
    }

    fn add(&mut self, tables: &Tables, code: &[u32]) {
        let start = self.all.len();
        self.all.resize(start + code.len(), Shortcut::default());
        let all = self.all.get_mut(start..).unwrap_or_default();
        let mut saves_any = false;
        let mut last_search = 0;
        // For each value on the stack, the operation that leaves it there.
        let mut values: Vec<usize> = Vec::new();
        for (to, word) in code.iter().enumerate() {
            let (n_values, settled_by) = match Op::decode(*word) {
                Some(Op::Atom(_) | Op::Test(_)) => (0, None),
                Some(Op::All(n_values)) => (n_values as usize, Some(Truth::False)),
                Some(Op::Any(n_values)) => (n_values as usize, Some(Truth::True)),
                Some(Op::Not | Op::Name(_)) | None => (1, None),
            };
            if is_search(tables, *word) {
                last_search = to;
            }
            let depth = values.len().saturating_sub(n_values);
            for operand in values.drain(depth..) {
                if settled_by.is_some()
                    && (last_search > operand || to - operand >= MIN_SAVED)
                    && let Some(shortcut) = all.get_mut(operand)
                    && let (Ok(to), Ok(depth)) = (to.try_into(), depth.try_into())
                {
                    *shortcut = Shortcut { settled_by, to, depth };
                    saves_any = true;
                }
            }
            values.push(to);
        }
        if !saves_any {
            self.all.truncate(start);
        }
        self.ends.push(self.all.len());
    }

    /// Those of a rule.
    fn of(&self, rule: RuleId) -> &[Shortcut] {
        let end_of = |idx: usize| self.ends.get(idx).copied();
        let start = rule.index().checked_sub(1).and_then(end_of).unwrap_or_default();
        let end = end_of(rule.index()).unwrap_or_default();
        self.all.get(start..end).unwrap_or_default()
    }
}

/// Returns true if an operation may look for something that no scan has looked for.
pub(super) fn is_search(tables: &Tables, word: u32) -> bool {
    let Some(Op::Atom(atom)) = Op::decode(word) else { return false };
    let atom = tables.atoms.get(atom.index());
    atom.is_some_and(|atom| atom.is_deferred || !tables.atom_unindexed(atom).is_empty())
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

    fn top(&self) -> Option<Truth> {
        self.values.get(self.len.checked_sub(1)?).copied()
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
