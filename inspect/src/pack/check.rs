//! Checks that tables are consistent: every index in range, every order kept, every program closed.
//!
//! Anybody may have written the bytes, so every check is linear in them: ranges whose elements are gone
//! through follow one another ([`Consecutive`]), as ranges that share elements would multiply the work.

use super::{
    Automaton, CheckKind, Correlation, CorrelationInput, CorrelationKind, GLOB_DASH, Grams,
    InputKind, KEYWORDS, NO_FIELD, Networks, Nfa, NfaKind, Op, Scan, Tables, Trie,
};
use crate::ids::RuleId;
use crate::limits::{MAX_STACK, MAX_TIMESPAN_MS};
use crate::steps;

/// Checks all tables; the error names the first that does not hold.
pub(super) fn tables(tables: &Tables) -> Result<(), &'static str> {
    let holds = |name, condition| if condition { Ok(()) } else { Err(name) };
    let n_strings = tables.string_ends.len();
    let string = |id: crate::ids::StrId| id.index() < n_strings;
    let rule_ids = |ids: &[RuleId]| ids.iter().all(|id| id.index() < tables.rules.len());
    let field = |id: crate::ids::FieldId| id.index() < tables.fields.len();

    holds("string table", {
        ascends(&tables.string_ends, tables.strings.len())
            && tables.string_ends.iter().all(|end| tables.strings.is_char_boundary(*end as usize))
    })?;
    holds("field table", tables.fields.iter().all(|name| string(*name)))?;
    holds("tag table", tables.tags.iter().all(|tag| string(*tag)))?;
    holds("rule table", {
        tables.rules.iter().all(|rule| {
            [rule.id, rule.title, rule.author, rule.status, rule.logsource].into_iter().all(string)
                && range(rule.tags_start, rule.tags_end, tables.tags.len())
        })
    })?;
    holds("rule programs", {
        let mut programs = Consecutive::default();
        tables.rules.iter().all(|rule| {
            programs.next(rule.code_start, rule.code_end, tables.code.len())
                && program(tables.rule_code(rule), |op| match op {
                    Op::Atom(atom) => atom.index() < tables.atoms.len(),
                    Op::Test(test) => (test as usize) < tables.tests.len(),
                    Op::Name(name) => string(name),
                    Op::All(_) | Op::Any(_) | Op::Not => true,
                })
        })
    })?;
    holds("list of unguarded rules", {
        rule_ids(&tables.unguarded)
            && tables.unguarded.is_sorted_by(|before, behind| before < behind)
    })?;
    holds("atom table", {
        rule_ids(&tables.atom_rules)
            && tables.atoms.iter().all(|atom| {
                (field(atom.field) || atom.field == KEYWORDS)
                    && string(atom.label)
                    && range(atom.rules_start, atom.rules_end, tables.atom_rules.len())
                    && range(atom.unindexed_start, atom.unindexed_end, tables.unindexed.len())
            })
    })?;
    holds("note on keywords", {
        tables.has_keywords() == tables.atoms.iter().any(|atom| atom.field == KEYWORDS)
    })?;
    holds("test table", {
        tables.tests.iter().all(|test| {
            field(test.field) && field(test.other) && string(test.label) && string(test.text)
        })
    })?;
    holds("pattern table", {
        tables.pattern_atoms.iter().all(|atom| atom.index() < tables.atoms.len())
            && tables.unindexed.iter().all(|pattern| pattern.index() < tables.patterns.len())
            && tables.patterns.iter().all(|pattern| {
                let n_checks = match pattern.check {
                    CheckKind::None => usize::MAX,
                    CheckKind::FoldedGlob | CheckKind::CasedGlob => tables.glob_ends.len(),
                    CheckKind::Regex => tables.regexes.len(),
                    CheckKind::Nfa => tables.nfas.len(),
                };
                (field(pattern.field) || pattern.field == KEYWORDS)
                    && string(pattern.text)
                    && (pattern.check_idx as usize) < n_checks
                    && range(pattern.atoms_start, pattern.atoms_end, tables.pattern_atoms.len())
            })
    })?;
    holds("glob table", {
        ascends(&tables.glob_ends, tables.glob_tokens.len())
            && tables.glob_tokens.iter().all(|token| *token <= GLOB_DASH)
    })?;
    holds("regex table", tables.regexes.iter().all(automaton))?;
    holds("table of large regexes", tables.nfas.iter().all(nfa))?;
    holds("scan table", {
        let keywords = [&tables.keywords, &tables.deferred_keywords];
        let mut scans = tables.scans.iter().chain(&tables.deferred).chain(keywords);
        tables.scans.len() == tables.fields.len()
            && tables.deferred.len() == tables.fields.len()
            && scans.all(|scanned| scan(scanned, tables.patterns.len()))
            && tables.shared.iter().all(|shared| grams(shared, tables.patterns.len()))
    })?;
    holds("correlation table", {
        tables.group_names.iter().all(|name| string(*name))
            && tables.thresholds.iter().all(|threshold| !f64::from_bits(threshold.number).is_nan())
            && correlations(tables)
    })?;
    holds("policy", super::policy::check(tables))
}

/// Returns true if ends ascend to exactly `n_elements`.
fn ascends(ends: &[u32], n_elements: usize) -> bool {
    ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == n_elements
}

fn range(start: u32, end: u32, n_elements: usize) -> bool {
    start <= end && end as usize <= n_elements
}

/// Ranges of one list, none of which shares an element with another: all of them together are no longer
/// than the list.
#[derive(Default)]
struct Consecutive {
    end: u32,
}

impl Consecutive {
    /// Returns true if the next range is in the list and starts where those before have ended, or later.
    fn next(&mut self, start: u32, end: u32, n_elements: usize) -> bool {
        let holds = self.end <= start && range(start, end, n_elements);
        self.end = end;
        holds
    }
}

/// Returns true if a program leaves exactly one value, never takes one that is not there, and names only what
/// is known.
fn program(code: &[u32], is_known: impl Fn(Op) -> bool) -> bool {
    let mut depth = 0usize;
    for word in code {
        steps::take(1);
        let Some(op) = Op::decode(*word) else { return false };
        let (taken, valid) = match op {
            Op::Atom(_) | Op::Test(_) => (0, true),
            Op::All(n_values) | Op::Any(n_values) => (n_values as usize, n_values > 0),
            Op::Not | Op::Name(_) => (1, true),
        };
        if !valid || taken > depth || !is_known(op) {
            return false;
        }
        depth = depth - taken + 1;
        if depth > MAX_STACK {
            return false;
        }
    }
    depth == 1
}

/// Returns true if an automaton is complete, so that a step can never leave it.
fn automaton(automaton: &Automaton) -> bool {
    let n_classes = automaton.n_classes as usize;
    let n_states = automaton.at_end.len();
    automaton.classes.len() == 256
        && n_classes > 0
        && automaton.classes.iter().all(|class| (*class as usize) < n_classes)
        && n_states.checked_mul(n_classes) == Some(automaton.transitions.len())
        && automaton.transitions.iter().all(|state| (*state as usize) < n_states)
        && (automaton.start as usize) < n_states
        && n_states > Automaton::FOUND as usize
}

/// Returns true if every edge leads to a state.
fn nfa(nfa: &Nfa) -> bool {
    let state = |number: &u32| (*number as usize) < nfa.states.len();
    let mut ranges = Consecutive::default();
    state(&nfa.start)
        && nfa.states.iter().all(|node| {
            if !ranges.next(node.edges_start, node.edges_end, nfa.edges.len()) {
                return false;
            }
            let edges = nfa.edges.get(node.edges_start as usize..node.edges_end as usize);
            let edges = edges.unwrap_or_default();
            steps::take(edges.len());
            match node.kind {
                NfaKind::Bytes => {
                    edges.len() % 2 == 0
                        && edges.as_chunks::<2>().0.iter().all(|[_, next]| state(next))
                }
                _ => edges.iter().all(state),
            }
        })
}

fn scan(scan: &Scan, n_patterns: usize) -> bool {
    trie(&scan.forward, n_patterns)
        && trie(&scan.backward, n_patterns)
        && scan.grams.iter().all(|index| grams(index, n_patterns))
        && [&scan.networks_v4, &scan.networks_v6]
            .into_iter()
            .all(|ranges| networks(ranges, n_patterns))
}

/// Returns true if correlations take in only what is there and comes before them, and if each input
/// answers each of the group's names.
fn correlations(tables: &Tables) -> bool {
    let mut inputs = Consecutive::default();
    let mut fields = Consecutive::default();
    let mut programs = Consecutive::default();
    (0..).zip(&tables.correlations).all(|(idx, of)| {
        let strings = [of.id, of.title, of.author, of.status, of.condition];
        let n_names = of.group_end.saturating_sub(of.group_start);
        strings.into_iter().all(|id| id.index() < tables.string_ends.len())
            && of.percentile <= 100
            && (1..=MAX_TIMESPAN_MS).contains(&of.timespan_ms)
            && range(of.tags_start, of.tags_end, tables.tags.len())
            && range(of.group_start, of.group_end, tables.group_names.len())
            && inputs.next(of.inputs_start, of.inputs_end, tables.correlation_inputs.len())
            && range(of.thresholds_start, of.thresholds_end, tables.thresholds.len())
            && of.inputs_start < of.inputs_end
            && programs.next(of.code_start, of.code_end, tables.correlation_code.len())
            && condition(tables, of)
            && tables.correlation_inputs(of).iter().all(|input| {
                fields.next(input.fields_start, input.fields_end, tables.input_fields.len())
                    && input.fields_end - input.fields_start == n_names
                    && correlation_input(tables, idx, input)
            })
    })
}

/// Returns true if a correlation either compares numbers or, if it is temporal, has a program over its inputs.
fn condition(tables: &Tables, of: &Correlation) -> bool {
    let code = tables.correlation_code(of);
    if code.is_empty() {
        return of.thresholds_start < of.thresholds_end;
    }
    let n_inputs = tables.correlation_inputs(of).len();
    of.thresholds_start == of.thresholds_end
        && matches!(of.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
        && program(code, |op| match op {
            Op::Atom(input) => input.index() < n_inputs,
            Op::All(_) | Op::Any(_) | Op::Not => true,
            Op::Test(_) | Op::Name(_) => false,
        })
}

/// Returns true if an input of the correlation at `idx` names a rule, or a correlation before it, and only
/// fields that this has.
fn correlation_input(tables: &Tables, idx: u32, input: &CorrelationInput) -> bool {
    let (n_inputs, n_places) = match input.kind {
        InputKind::Rule => (tables.rules.len(), tables.fields.len()),
        InputKind::Correlation => {
            let taken = tables.correlations.get(input.of as usize);
            let n_places = taken.map_or(0, |taken| tables.correlation_group(taken).len());
            (idx as usize, n_places)
        }
    };
    let fields = tables.input_fields(input);
    steps::take(1 + fields.len());
    let place = |place: &u32| *place == NO_FIELD || (*place as usize) < n_places;
    (input.of as usize) < n_inputs && fields.iter().all(place) && place(&input.measured)
}

/// Returns true if every walk ends: children come after their parent, so no walk meets a node twice.
fn trie(trie: &Trie, n_patterns: usize) -> bool {
    let n_nodes = trie.nodes.len();
    trie.first_bytes.len() == n_nodes
        && trie.outputs.iter().all(|output| ((output >> 1) as usize) < n_patterns)
        && trie.nodes.iter().enumerate().all(|(idx, node)| {
            range(node.label_start, node.label_end, trie.labels.len())
                && range(node.output_start, node.output_end, trie.outputs.len())
                && range(node.child_start, node.child_end, n_nodes)
                && (node.child_start == node.child_end || node.child_start as usize > idx)
        })
}

fn grams(grams: &Grams, n_patterns: usize) -> bool {
    let n_bits = 64 * grams.bitmap.len() as u64;
    let mut n_set = 0;
    matches!((grams.width, grams.stride), (1..=4, 1) | (2..=4, 2))
        && grams.shift < 32
        && n_bits == 1 << (32 - grams.shift)
        && grams.ranks.len() == grams.bitmap.len()
        && grams.bitmap.iter().zip(&grams.ranks).all(|(word, rank)| {
            let before = n_set;
            n_set += word.count_ones();
            *rank == before
        })
        && grams.bucket_ends.len() == n_set as usize
        && ascends(&grams.bucket_ends, grams.entries.len())
        && grams.entries.iter().all(|entry| {
            range(entry.literal_start, entry.literal_end, grams.literals.len())
                && entry
                    .at
                    .checked_add(u32::from(grams.width))
                    .is_some_and(|end| end <= entry.literal_end - entry.literal_start)
                && entry.pattern.index() < n_patterns
        })
}

fn networks(networks: &Networks, n_patterns: usize) -> bool {
    let ranges = || networks.starts.iter().zip(&networks.ends);
    networks.starts.len() == networks.ends.len()
        && networks.starts.len() == networks.pattern_ends.len()
        && ranges().all(|(start, end)| start <= end)
        && ranges().zip(ranges().skip(1)).all(|((_, end), (start, _))| end < start)
        && ascends(&networks.pattern_ends, networks.patterns.len())
        && networks.patterns.iter().all(|id| id.index() < n_patterns)
}

#[cfg(test)]
mod tests;
