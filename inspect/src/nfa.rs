//! Runs regular expressions whose deterministic automaton would not fit: all states at once (Thompson).
//!
//! Each byte costs at most one visit of each state, so the time is linear in the value; the compiler
//! bounds the states (`limits.rs` of crate `sigma`), and a required literal keeps most values away.

use crate::pack::{Nfa, NfaKind};
use crate::steps;

/// Returns true if the expression is found in `value`.
pub(crate) fn found(nfa: &Nfa, value: &[u8]) -> bool {
    let mut now = States::new(nfa.states.len());
    let mut next = States::new(nfa.states.len());
    let mut pending = Vec::new();
    if now.enter(nfa, nfa.start, value, 0, &mut pending) {
        return true;
    }
    for (at, byte) in value.iter().enumerate() {
        next.clear();
        for state in &now.members {
            for [bytes, to] in edges(nfa, *state).as_chunks::<2>().0 {
                steps::take(1);
                let (low, high) = (bytes & 0xFF, bytes >> 8);
                let byte = u32::from(*byte);
                if low <= byte && byte <= high && next.enter(nfa, *to, value, at + 1, &mut pending)
                {
                    return true;
                }
            }
        }
        std::mem::swap(&mut now, &mut next);
        if now.members.is_empty() {
            return false;
        }
    }
    false
}

fn edges(nfa: &Nfa, state: u32) -> &[u32] {
    let Some(state) = nfa.states.get(state as usize) else { return &[] };
    nfa.edges.get(state.edges_start as usize..state.edges_end as usize).unwrap_or_default()
}

/// The states that read the next byte.
struct States {
    members: Vec<u32>,
    /// The round in which each state was visited last.
    visited: Vec<u32>,
    round: u32,
}

impl States {
    fn new(n_states: usize) -> Self {
        States { members: Vec::new(), visited: vec![0; n_states], round: 1 }
    }

    fn clear(&mut self) {
        self.members.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.visited.fill(0);
            self.round = 1;
        }
    }

    /// Adds a state and all that it leads to without reading; whether that is a match.
    fn enter(
        &mut self,
        nfa: &Nfa,
        state: u32,
        value: &[u8],
        at: usize,
        pending: &mut Vec<u32>,
    ) -> bool {
        pending.clear();
        pending.push(state);
        while let Some(state) = pending.pop() {
            steps::take(1);
            let Some(visited) = self.visited.get_mut(state as usize) else { continue };
            if std::mem::replace(visited, self.round) == self.round {
                continue;
            }
            let Some(kind) = nfa.states.get(state as usize).map(|state| state.kind) else {
                continue;
            };
            let goes_on = match kind {
                NfaKind::Bytes => {
                    self.members.push(state);
                    false
                }
                NfaKind::Match => return true,
                NfaKind::Split => true,
                NfaKind::Start => at == 0,
                NfaKind::End => at == value.len(),
                NfaKind::StartLine => at == 0 || value.get(at - 1) == Some(&b'\n'),
                NfaKind::EndLine => value.get(at).is_none_or(|byte| *byte == b'\n'),
                NfaKind::Word => is_boundary(value, at),
                NfaKind::NotWord => !is_boundary(value, at),
            };
            if goes_on {
                pending.extend_from_slice(edges(nfa, state));
            }
        }
        false
    }
}

fn is_boundary(value: &[u8], at: usize) -> bool {
    let word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = at.checked_sub(1).and_then(|before| value.get(before));
    word(before) != word(value.get(at))
}
