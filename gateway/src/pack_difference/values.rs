//! What each pattern of a pack looks for. Its text is what the author wrote, for a placeholder its name;
//! the values themselves are in the scans, the globs and the automata.

use std::collections::BTreeSet;

use inspect::pack::{CheckKind, Grams, Networks, PackHash, Pattern, Scan, Tables, Trie};

/// The literals and networks by which one pattern is found.
#[derive(Clone, Default)]
struct Found {
    literals: BTreeSet<Vec<u8>>,
    networks: Vec<(u128, u128)>,
}

/// What every pattern looks for, written out, in their order.
pub(super) fn values(tables: &Tables) -> Vec<String> {
    let mut found = vec![Found::default(); tables.patterns.len()];
    let scans = tables.scans.iter().chain(&tables.deferred);
    for scan in scans.chain([&tables.keywords, &tables.deferred_keywords]) {
        of_scan(scan, &mut found);
    }
    for grams in &tables.shared {
        of_grams(grams, &mut found);
    }
    let patterns = tables.patterns.iter().zip(found);
    patterns.map(|(pattern, found)| value(tables, pattern, found)).collect()
}

fn value(tables: &Tables, pattern: &Pattern, found: Found) -> String {
    let idx = pattern.check_idx as usize;
    // Where something else decides, the literals are only what is rare among other rules of the pack.
    let looked_for = match pattern.check {
        CheckKind::None => format!("{:?} {:x?}", found.literals, joined(found.networks)),
        CheckKind::FoldedGlob | CheckKind::CasedGlob => {
            format!("{:?}", tables.glob(pattern.check_idx))
        }
        CheckKind::Regex => hash(&tables.regexes.get(idx)),
        CheckKind::Nfa => hash(&tables.nfas.get(idx)),
    };
    format!("{:?} {} {:?} {looked_for}", pattern.kind, tables.str(pattern.text), pattern.check)
}

/// Automata are large and only compared, so a hash represents them.
fn hash(automaton: &impl std::fmt::Debug) -> String {
    PackHash::of(format!("{automaton:?}").as_bytes()).to_string()
}

/// Ranges that follow one another are one network, which others of the pack lie in.
fn joined(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u128, u128)> = Vec::new();
    for (start, end) in ranges {
        match joined.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(start) => *last = end,
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn of_scan(scan: &Scan, found: &mut [Found]) {
    of_trie(&scan.forward, found, |literal| literal);
    of_trie(&scan.backward, found, |mut literal| {
        literal.reverse();
        literal
    });
    for grams in &scan.grams {
        of_grams(grams, found);
    }
    of_networks(&scan.networks_v4, found);
    of_networks(&scan.networks_v6, found);
}

fn of_trie(trie: &Trie, found: &mut [Found], written: fn(Vec<u8>) -> Vec<u8>) {
    // A pack that was decoded has children behind their parents, so that this ends.
    let mut waiting = vec![(0_usize, Vec::new())];
    while let Some((idx, mut literal)) = waiting.pop() {
        let Some(node) = trie.nodes.get(idx) else { continue };
        let label = node.label_start as usize..node.label_end as usize;
        literal.extend_from_slice(trie.labels.get(label).unwrap_or_default());
        let outputs = node.output_start as usize..node.output_end as usize;
        for output in trie.outputs.get(outputs).unwrap_or_default() {
            if let Some(found) = found.get_mut((output >> 1) as usize) {
                found.literals.insert(written(literal.clone()));
            }
        }
        let children = node.child_start as usize..node.child_end as usize;
        waiting.extend(children.map(|child| (child, literal.clone())));
    }
}

fn of_grams(grams: &Grams, found: &mut [Found]) {
    for entry in &grams.entries {
        let literal = entry.literal_start as usize..entry.literal_end as usize;
        let literal = grams.literals.get(literal).unwrap_or_default();
        if let Some(found) = found.get_mut(entry.pattern.index()) {
            found.literals.insert(literal.to_vec());
        }
    }
}

fn of_networks(networks: &Networks, found: &mut [Found]) {
    let ranges = networks.starts.iter().zip(&networks.ends).zip(&networks.pattern_ends);
    let mut first = 0;
    for ((start, end), last) in ranges {
        let last = *last as usize;
        for pattern in networks.patterns.get(first..last).unwrap_or_default() {
            if let Some(found) = found.get_mut(pattern.index()) {
                found.networks.push((*start, *end));
            }
        }
        first = last;
    }
}
