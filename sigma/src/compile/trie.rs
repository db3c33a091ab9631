//! Builds radix tries.

use inspect::PatternId;
use inspect::pack::{Trie, TrieNode};

use super::end_of;

/// What a trie finds.
pub(super) struct Entry {
    /// In the order in which the trie reads.
    pub(super) bytes: Vec<u8>,
    pub(super) pattern: PatternId,
    /// Whether the value has to end behind the bytes.
    pub(super) whole: bool,
}

/// A node that is not laid out yet: its entries, and how many bytes of them lie above it.
struct Pending {
    entries: std::ops::Range<usize>,
    depth: usize,
    label: std::ops::Range<usize>,
}

/// Builds the trie breadth first, so that children are consecutive and come after their parent.
pub(super) fn build(mut entries: Vec<Entry>) -> Trie {
    entries.sort_by(|left, right| (&left.bytes, left.pattern).cmp(&(&right.bytes, right.pattern)));
    let mut trie = Trie {
        labels: Vec::new(),
        nodes: Vec::new(),
        first_bytes: Vec::new(),
        outputs: Vec::new(),
    };
    let mut nodes = vec![Pending { entries: 0..entries.len(), depth: 0, label: 0..0 }];
    let mut laid_out = 0;
    while let Some(node) = nodes.get(laid_out) {
        let (range, depth) = (node.entries.clone(), node.depth);
        let own = entries.get(range.clone()).unwrap_or_default();
        let label = own.first().and_then(|first| first.bytes.get(node.label.clone()));
        let label = label.unwrap_or_default();
        trie.first_bytes.push(label.first().copied().unwrap_or_default());
        let label_start = end_of(&trie.labels);
        trie.labels.extend_from_slice(label);

        let here = own.iter().take_while(|entry| entry.bytes.len() == depth).count();
        let output_start = end_of(&trie.outputs);
        for entry in own.iter().take(here) {
            trie.outputs.push(entry.pattern.0 << 1 | u32::from(entry.whole));
        }

        let child_start = end_of(&nodes);
        let mut start = range.start + here;
        while start < range.end {
            let rest = entries.get(start..range.end).unwrap_or_default();
            let first = rest.first().and_then(|entry| entry.bytes.get(depth));
            let same = rest.iter().take_while(|entry| entry.bytes.get(depth) == first).count();
            let group = rest.get(..same).unwrap_or_default();
            let shared = shared_prefix(group, depth);
            nodes.push(Pending {
                entries: start..start + same,
                depth: shared,
                label: depth..shared,
            });
            start += same.max(1);
        }
        trie.nodes.push(TrieNode {
            label_start,
            label_end: end_of(&trie.labels),
            child_start,
            child_end: end_of(&nodes),
            output_start,
            output_end: end_of(&trie.outputs),
        });
        laid_out += 1;
    }
    trie
}

/// How many bytes all entries share; they are sorted, so the first and the last are enough.
fn shared_prefix(entries: &[Entry], depth: usize) -> usize {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return depth };
    first.bytes.iter().zip(&last.bytes).take_while(|(left, right)| left == right).count()
}
