//! Radix tries: whole values, prefixes and suffixes.

use crate::pack::wire::{Reader, Wire, write_length, write_number};

/// A radix trie; node 0 is the root. Labels of folded bytes.
#[derive(Clone, Debug)]
pub struct Trie {
    /// All labels, end to end.
    pub labels: Vec<u8>,
    /// The nodes, breadth first: a node's children are consecutive and come after it.
    pub nodes: Vec<TrieNode>,
    /// The first byte of each node's label; the children of a node are sorted by it.
    pub first_bytes: Vec<u8>,
    /// What is found at a node: `pattern << 1`, and 1 added where the value must end there.
    pub outputs: Vec<u32>,
}

/// A node of a [`Trie`]. All that a walk asks of it lies together, as most walks end at the first.
#[derive(Clone, Debug)]
pub struct TrieNode {
    /// The label: a range of [`Trie::labels`].
    pub label_start: u32,
    /// The end of that range.
    pub label_end: u32,
    /// The children: a range of [`Trie::nodes`].
    pub child_start: u32,
    /// The end of that range.
    pub child_end: u32,
    /// What is found here: a range of [`Trie::outputs`].
    pub output_start: u32,
    /// The end of that range.
    pub output_end: u32,
}

/// What a node's numbers of children and outputs are, in the two lowest bits beside the label's length.
mod shape {
    /// One output, no child.
    pub(super) const LEAF: u64 = 0;
    /// No output; the number of children follows.
    pub(super) const INNER: u64 = 1;
    /// Both numbers follow, the children's first.
    pub(super) const BOTH: u64 = 2;
}

/// A node is its label's length and the numbers of its children and outputs: all of its ranges start where
/// those of the node before end. Labels, then outputs, follow the nodes.
impl Wire for Trie {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.nodes.len(), out);
        for node in &self.nodes {
            let n_label = u64::from(node.label_end.saturating_sub(node.label_start));
            let n_children = node.child_end.saturating_sub(node.child_start);
            let n_outputs = node.output_end.saturating_sub(node.output_start);
            match (n_children, n_outputs) {
                (0, 1) => write_number(n_label << 2 | shape::LEAF, out),
                (_, 0) => {
                    write_number(n_label << 2 | shape::INNER, out);
                    write_number(n_children, out);
                }
                _ => {
                    write_number(n_label << 2 | shape::BOTH, out);
                    write_number(n_children, out);
                    write_number(n_outputs, out);
                }
            }
        }
        self.labels.write(out);
        self.outputs.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let n_nodes = reader.n_elements()?;
        reader.take_room(n_nodes.checked_mul(size_of::<TrieNode>() + 1)?)?;
        let mut nodes = Vec::with_capacity(n_nodes);
        let (mut label, mut child, mut output) = (0_u32, 1_u32, 0_u32);
        for _ in 0..n_nodes {
            let code = reader.number()?;
            let (n_children, n_outputs) = match code & 3 {
                shape::LEAF => (0, 1),
                shape::INNER => (u32::read(reader)?, 0),
                shape::BOTH => (u32::read(reader)?, u32::read(reader)?),
                _ => return None,
            };
            let (label_start, child_start, output_start) = (label, child, output);
            label = label.checked_add(u32::try_from(code >> 2).ok()?)?;
            child = child.checked_add(n_children)?;
            output = output.checked_add(n_outputs)?;
            nodes.push(TrieNode {
                label_start,
                label_end: label,
                child_start,
                child_end: child,
                output_start,
                output_end: output,
            });
        }
        let labels: Vec<u8> = Wire::read(reader)?;
        let outputs: Vec<u32> = Wire::read(reader)?;
        let is_whole = label as usize == labels.len() && output as usize == outputs.len();
        let first = |node: &TrieNode| {
            let label = labels.get(node.label_start as usize..node.label_end as usize);
            label.and_then(|label| label.first()).copied().unwrap_or_default()
        };
        let first_bytes = nodes.iter().map(first).collect();
        is_whole.then_some(Trie { labels, nodes, first_bytes, outputs })
    }
}
