//! Automata as small as they can be: states and bytes that no value distinguishes become one.

use std::collections::HashMap;

use inspect::pack::Automaton;

/// Most steps that are spent on one automaton, about a tenth of a second. One for which they do not suffice
/// stays as it is: it is larger than it needs to be, and finds the same.
const MAX_STEPS: usize = 1 << 24;

/// The smallest automaton that finds what this one finds.
///
/// Moore's algorithm: states are alike until their next states differ, for as many rounds as that changes
/// anything.
pub(super) fn minimal(automaton: Automaton) -> Automaton {
    let automaton = with_merged_classes(automaton);
    let Some(kinds) = kinds(&automaton) else { return automaton };
    // Numbers in the order in which a walk from the start meets states, behind the two that have their own.
    let n_classes = automaton.n_classes as usize;
    let kind_of = |state: u32| kinds.get(state as usize).copied().unwrap_or_default();
    let mut numbers: HashMap<usize, u32> = HashMap::new();
    let mut states = vec![Automaton::DEAD, Automaton::FOUND];
    for state in &states {
        numbers.insert(kind_of(*state), *state);
    }
    let mut number = |state: u32, states: &mut Vec<u32>| {
        *numbers.entry(kind_of(state)).or_insert_with(|| {
            states.push(state);
            u32::try_from(states.len() - 1).unwrap_or(u32::MAX)
        })
    };
    let start = number(automaton.start, &mut states);
    let mut transitions = Vec::new();
    let mut at_end = Vec::new();
    let mut n_done = 0;
    while let Some(state) = states.get(n_done).copied() {
        for next in row(&automaton, state as usize) {
            transitions.push(number(*next, &mut states));
        }
        at_end.push(automaton.at_end.get(state as usize).copied().unwrap_or_default());
        n_done += 1;
    }
    debug_assert_eq!(transitions.len(), n_done * n_classes);
    with_merged_classes(Automaton { transitions, at_end, start, ..automaton })
}

fn row(automaton: &Automaton, state: usize) -> &[u32] {
    let n_classes = automaton.n_classes as usize;
    automaton.transitions.get(state * n_classes..(state + 1) * n_classes).unwrap_or_default()
}

/// For each state the number of its kind: states of a kind find the same in every rest of a value. `None`
/// where that takes too long.
fn kinds(automaton: &Automaton) -> Option<Vec<usize>> {
    let n_states = automaton.at_end.len();
    // The search ends in two of the states, whatever follows.
    let first = |state: usize| match u32::try_from(state) {
        Ok(Automaton::DEAD) => 0,
        Ok(Automaton::FOUND) => 1,
        _ => 2 + usize::from(automaton.at_end.get(state).copied().unwrap_or_default()),
    };
    let mut kinds: Vec<usize> = (0..n_states).map(first).collect();
    let mut n_kinds = 0;
    let mut n_steps = 0;
    loop {
        n_steps += automaton.transitions.len();
        if n_steps > MAX_STEPS {
            return None;
        }
        let mut by_next: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut next_kinds = Vec::with_capacity(n_states);
        for (state, kind) in kinds.iter().enumerate() {
            let next = row(automaton, state).iter();
            let next = next.map(|next| kinds.get(*next as usize).copied().unwrap_or_default());
            let key: Vec<usize> = std::iter::once(*kind).chain(next).collect();
            let n_known = by_next.len();
            next_kinds.push(*by_next.entry(key).or_insert(n_known));
        }
        let n_found = by_next.len();
        kinds = next_kinds;
        if n_found == n_kinds {
            return Some(kinds);
        }
        n_kinds = n_found;
    }
}

/// Makes one class of those whose bytes lead from each state to the same next state. Classes with similar
/// columns are neighbours, so that rows have long runs.
fn with_merged_classes(automaton: Automaton) -> Automaton {
    let n_classes = automaton.n_classes as usize;
    let n_states = automaton.at_end.len();
    let column = |class: usize| -> Vec<u32> {
        (0..n_states).filter_map(|state| row(&automaton, state).get(class).copied()).collect()
    };
    let columns: Vec<Vec<u32>> = (0..n_classes).map(column).collect();
    let mut sorted: Vec<&Vec<u32>> = columns.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let class_of = |class: &u8| {
        let column = columns.get(usize::from(*class));
        let found = column.and_then(|column| sorted.binary_search(&column).ok());
        found.and_then(|class| u8::try_from(class).ok()).unwrap_or_default()
    };
    let classes = automaton.classes.iter().map(class_of).collect();
    let at = |state: usize| sorted.iter().filter_map(move |column| column.get(state).copied());
    let transitions = (0..n_states).flat_map(at).collect();
    let n_classes = u32::try_from(sorted.len()).unwrap_or_default();
    Automaton { classes, transitions, n_classes, ..automaton }
}
