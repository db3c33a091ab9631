//! Regular expressions as deterministic automata.

use crate::limits::MAX_AUTOMATON_CLASSES;
use crate::pack::wire::{
    Reader, Row, Wire, difference, moved, plain_rows, write_length, write_number,
};

/// A complete deterministic automaton over bytes that finds out whether a regular expression occurs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Automaton {
    /// The class of each of the 256 bytes.
    pub classes: Vec<u8>,
    /// Transitions: `state * n_classes + class` gives the next state.
    pub transitions: Vec<u32>,
    /// Whether the expression is found if the value ends in this state; one byte per state, 0 or 1.
    pub at_end: Vec<u8>,
    /// The number of classes.
    pub n_classes: u32,
    /// The state at the start of a value.
    pub start: u32,
}

impl Automaton {
    /// The state from which nothing is found any more.
    pub const DEAD: u32 = 0;
    /// The state in which the expression has been found.
    pub const FOUND: u32 = 1;
}

plain_rows!(Automaton);

/// Classes and each state's transitions are laid out in runs of equal ones, as most rows have few next
/// states. A next state is laid out by its distance, so that alike rows of different states have the same
/// bytes; [`Automaton::DEAD`] and [`Automaton::FOUND`] by their numbers.
impl Wire for Automaton {
    fn write(&self, out: &mut Vec<u8>) {
        write_number(self.n_classes, out);
        for run in self.classes.chunk_by(|left, right| left == right) {
            run.first().into_iter().for_each(|class| class.write(out));
            write_length(run.len() - 1, out);
        }
        write_length(self.at_end.len(), out);
        self.start.write(out);
        let n_classes = (self.n_classes as usize).max(1);
        let rows = self.transitions.chunks(n_classes);
        for ((state, row), at_end) in (0_u32..).zip(rows).zip(&self.at_end) {
            // The first run's length has room for a bit.
            let mut bit = u64::from(*at_end);
            let mut n_bits = 1;
            for run in row.chunk_by(|left, right| left == right) {
                let n_more = u64::try_from(run.len() - 1).unwrap_or(u64::MAX);
                write_number(n_more << n_bits | bit, out);
                (bit, n_bits) = (0, 0);
                match run.first() {
                    Some(next @ (&Automaton::DEAD | &Automaton::FOUND)) => next.write(out),
                    // Behind the numbers of the two.
                    Some(next) => write_number(u64::from(difference(*next, state)) + 2, out),
                    None => {}
                }
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let n_classes = u32::read(reader)?;
        if !(1..=MAX_AUTOMATON_CLASSES).contains(&n_classes) {
            return None;
        }
        let mut classes = Vec::with_capacity(256);
        while classes.len() < 256 {
            let class = u8::read(reader)?;
            let n_more = u32::read(reader)? as usize;
            classes.extend(std::iter::repeat_n(class, (n_more + 1).min(257)));
        }
        let n_states = reader.n_elements()?;
        let start = Wire::read(reader)?;
        let n_transitions = n_states.checked_mul(n_classes as usize)?;
        reader.take_room(n_transitions.checked_mul(size_of::<u32>())?)?;
        let mut transitions = Vec::with_capacity(n_transitions);
        let mut at_end = Vec::with_capacity(n_states);
        for state in 0..u32::try_from(n_states).ok()? {
            let row_end = transitions.len() + n_classes as usize;
            let code = reader.number()?;
            at_end.push(u8::from(code & 1 == 1));
            let mut n_more = usize::try_from(code >> 1).ok()?;
            loop {
                let end = transitions.len().checked_add(n_more)?.checked_add(1)?;
                let next = match reader.number()? {
                    0 => Automaton::DEAD,
                    1 => Automaton::FOUND,
                    code => moved(state, u32::try_from(code - 2).ok()?),
                };
                if end > row_end {
                    return None;
                }
                transitions.resize(end, next);
                if end == row_end {
                    break;
                }
                n_more = u32::read(reader)? as usize;
            }
        }
        (classes.len() == 256).then_some(Automaton {
            classes,
            transitions,
            at_end,
            n_classes,
            start,
        })
    }
}
