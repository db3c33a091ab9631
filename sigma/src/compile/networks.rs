//! Builds disjoint address ranges of networks that may lie in one another.

use inspect::PatternId;
use inspect::pack::Networks;

use super::end_of;

/// Cuts networks (first address, last address, pattern) at every start and end.
pub(super) fn build(networks: &[(u128, u128, PatternId)]) -> Networks {
    let mut out = Networks {
        starts: Vec::new(),
        ends: Vec::new(),
        pattern_ends: Vec::new(),
        patterns: Vec::new(),
    };
    let mut cuts: Vec<u128> = networks.iter().map(|(first, _, _)| *first).collect();
    cuts.extend(networks.iter().filter_map(|(_, last, _)| last.checked_add(1)));
    cuts.sort_unstable();
    cuts.dedup();
    for (idx, start) in cuts.iter().enumerate() {
        let next = cuts.get(idx + 1).map(|next| next - 1);
        let end = next.unwrap_or(u128::MAX);
        let before = out.patterns.len();
        let within = networks.iter().filter(|(first, last, _)| first <= start && end <= *last);
        out.patterns.extend(within.map(|(_, _, pattern)| *pattern));
        if out.patterns.len() > before {
            out.starts.push(*start);
            out.ends.push(end);
            out.pattern_ends.push(end_of(&out.patterns));
        }
    }
    out
}
