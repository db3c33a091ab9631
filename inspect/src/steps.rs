//! Counts what the matchers do, so that tests can hold them to linear work (DESIGN.md, invariant 7).
//! A build without tests contains none of it.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Takes note of some steps.
#[inline]
pub(crate) fn take(n_steps: usize) {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + n_steps as u64));
    #[cfg(not(test))]
    let _ = n_steps;
}

/// The steps of some work.
#[cfg(test)]
pub(crate) fn counted(work: impl FnOnce()) -> u64 {
    STEPS.set(0);
    work();
    STEPS.get()
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::contains;
    use crate::ids::PatternId;
    use crate::pack::{
        Automaton, GLOB_MANY, GLOB_ONE, Gram, Grams, Networks, Nfa, NfaKind, NfaState, Trie,
        TrieNode,
    };
    use crate::{GRAM_HASH, SMALL_GRAMS_SHIFT, nfa, scan};

    /// A matcher by its name, and what it does with a value: whether it finds something.
    type Matcher = (&'static str, Box<dyn Fn(&[u8]) -> bool>);

    /// One literal below the root.
    fn trie(literal: &[u8]) -> Trie {
        let n_bytes = u32::try_from(literal.len()).unwrap();
        let root = TrieNode {
            label_start: 0,
            label_end: 0,
            child_start: 1,
            child_end: 2,
            output_start: 0,
            output_end: 0,
        };
        let leaf = TrieNode { label_end: n_bytes, child_start: 2, output_end: 1, ..root.clone() };
        let nodes = vec![root, leaf];
        Trie { labels: literal.to_vec(), nodes, first_bytes: vec![0, literal[0]], outputs: vec![0] }
    }

    /// Literals that all share their last gram, the worst that a compiler could choose.
    fn grams(width: u8, literals: &[&[u8]]) -> Grams {
        strided_grams(width, 1, literals)
    }

    /// The same, with as many entries for each literal as it has grams before the last that are the same.
    pub(crate) fn strided_grams(width: u8, stride: u8, literals: &[&[u8]]) -> Grams {
        let n_entries = literals.len() * usize::from(stride);
        let mut index = Grams {
            width,
            stride,
            shift: SMALL_GRAMS_SHIFT,
            bitmap: vec![0; 64],
            ranks: vec![0; 64],
            bucket_ends: vec![u32::try_from(n_entries).unwrap()],
            entries: Vec::new(),
            literals: Vec::new(),
        };
        for literal in literals {
            let at = literal.len() - usize::from(width);
            let gram =
                literal[at..].iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte));
            let hash = (gram.wrapping_mul(GRAM_HASH) >> SMALL_GRAMS_SHIFT) as usize;
            index.bitmap[hash / 64] = 1 << (hash % 64);
            index.ranks.iter_mut().skip(hash / 64 + 1).for_each(|rank| *rank = 1);
            let literal_start = u32::try_from(index.literals.len()).unwrap();
            index.literals.extend_from_slice(literal);
            let literal_end = u32::try_from(index.literals.len()).unwrap();
            for before in 0..u32::from(stride) {
                let at = u32::try_from(at).unwrap() - before;
                let pattern = PatternId(0);
                index.entries.push(Gram { gram, at, literal_start, literal_end, pattern });
            }
        }
        index
    }

    /// `(a|aa|aaa)*b`: many ways to read the same text.
    fn ambiguous() -> Nfa {
        let a = u32::from(b'a') | u32::from(b'a') << 8;
        let b = u32::from(b'b') | u32::from(b'b') << 8;
        // The states: a choice, an `a` for each length that is left, `b`, the end.
        let edges: [&[u32]; 6] = [&[1, 2, 3, 4], &[a, 0], &[a, 1], &[a, 2], &[b, 5], &[]];
        let mut nfa = Nfa { states: Vec::new(), edges: Vec::new(), start: 0 };
        for (idx, of) in edges.into_iter().enumerate() {
            let kind = match idx {
                0 => NfaKind::Split,
                5 => NfaKind::Match,
                _ => NfaKind::Bytes,
            };
            let edges_start = u32::try_from(nfa.edges.len()).unwrap();
            nfa.edges.extend_from_slice(of);
            let edges_end = u32::try_from(nfa.edges.len()).unwrap();
            nfa.states.push(NfaState { kind, edges_start, edges_end });
        }
        nfa
    }

    /// Never finds anything, and reads everything.
    fn patient() -> Automaton {
        let (transitions, at_end) = (vec![0, 1, 2], vec![0, 1, 0]);
        Automaton { classes: vec![0; 256], transitions, at_end, n_classes: 1, start: 2 }
    }

    fn finds(index: &Grams, value: &[u8]) -> bool {
        let mut any = false;
        scan::grams(index, value, &mut Vec::new(), &mut |_, _| any = true);
        any
    }

    fn matchers() -> Vec<Matcher> {
        let (forward, backward) = (trie(&[b'a'; 64]), trie(&[b'a'; 64]));
        let wide = grams(4, &[&[b'a'; 32], b"baaaa", b"aaaa", b"bbbaaaaaaaa"]);
        let strided = strided_grams(3, 2, &[&[b'a'; 32], b"aaaa", b"bbbaaaaaaaa"]);
        let narrow = grams(2, &[b"aa", b"baa"]);
        let single = grams(1, &[b"x", b"xay"]);
        let (automaton, ambiguous) = (patient(), ambiguous());
        let (many, one) = (GLOB_MANY, GLOB_ONE);
        let [a, b] = [u16::from(b'a'), u16::from(b'b')];
        let glob = vec![many, a, a, a, b, many, one, a, b, many, a, a, one, b];
        vec![
            (
                "prefixes",
                Box::new(move |value| {
                    let mut any = false;
                    scan::starts(&forward, value, &mut |_| any = true);
                    any
                }),
            ),
            (
                "suffixes",
                Box::new(move |value| {
                    let mut any = false;
                    scan::ends(&backward, value, &mut |_| any = true);
                    any
                }),
            ),
            ("grams of four", Box::new(move |value| finds(&wide, value))),
            ("grams at every second place", Box::new(move |value| finds(&strided, value))),
            ("grams of two", Box::new(move |value| finds(&narrow, value))),
            ("single bytes", Box::new(move |value| finds(&single, value))),
            ("automaton", Box::new(move |value| scan::regex(&automaton, value))),
            ("large expression", Box::new(move |value| nfa::found(&ambiguous, value))),
            ("glob", Box::new(move |value| scan::glob(&glob, value))),
            (
                "another field",
                Box::new(|value| {
                    let (half, _) = value.split_at(value.len() / 2);
                    contains(value, &[half, b"\x01"].concat())
                }),
            ),
        ]
    }

    fn steps(matcher: &Matcher, value: &[u8]) -> u64 {
        counted(|| {
            matcher.1(value);
        })
    }

    fn hold(matcher: &Matcher, value: &[u8]) {
        // Of even length, so that what looks at every second place sees the same in each copy.
        let value = value.repeat(2);
        let once = steps(matcher, &value);
        let twice = steps(matcher, &value.repeat(2));
        // Where the copies meet something may be found that is in none of them.
        let bound = 2 * once + 512;
        assert!(twice <= bound, "{}: {once}, then {twice} steps", matcher.0);
    }

    #[test]
    fn each_matcher_takes_steps() {
        for matcher in matchers() {
            assert!(steps(&matcher, &[b'a'; 100]) > 0, "{} is not counted", matcher.0);
        }
    }

    #[test]
    fn twice_the_value_takes_at_most_twice_the_steps() {
        let parts: [&[u8]; 8] =
            [b"a", b"ab", b"aab", b"aaab", b"ba", b"aaaaaaaab", b"\xc3\xa9a", b"x"];
        for matcher in matchers() {
            for part in parts {
                for n_bytes in [1_000, 10_000] {
                    hold(&matcher, &part.repeat(n_bytes / part.len()));
                }
            }
        }
    }

    #[test]
    fn a_network_is_found_in_steps_that_grow_with_the_logarithm_of_their_number() {
        for n_bits in 0..16 {
            let starts: Vec<u128> = (0..1 << n_bits).map(|idx| idx * 4).collect();
            let networks = Networks {
                ends: starts.iter().map(|start| start + 1).collect(),
                pattern_ends: (0..).zip(&starts).map(|(idx, _)| idx + 1).collect(),
                patterns: starts.iter().map(|_| PatternId(0)).collect(),
                starts,
            };
            for (address, expect) in [(0, true), (2, false), ((4 << n_bits) - 3, true)] {
                let mut is_found = false;
                let n_steps =
                    counted(|| scan::networks(&networks, address, &mut |_| is_found = true));
                assert_eq!(is_found, expect, "{address} of {n_bits}");
                assert!((1..=n_bits + 2).contains(&n_steps), "{n_steps} steps, {n_bits} bits");
            }
        }
    }

    proptest! {
        #[test]
        fn twice_any_value_takes_at_most_twice_the_steps(
            part in proptest::collection::vec(proptest::sample::select(&b"aab"[..]), 1..40),
            n_times in 1..60usize,
        ) {
            for matcher in matchers() {
                hold(&matcher, &part.repeat(n_times));
            }
        }
    }
}
