//! What a gateway keeps of a correlation counts as the correlator of a hunt does.

use std::collections::BTreeMap;

use inspect::behaviour_state::{Bucket, CorrelationState, group_key};
use inspect::{CorrelationHit, Correlator, IdentityKey, Inspector};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::event;

/// 2026-11-29, in milliseconds.
const START: u64 = 1_795_910_400_000;

/// The groups of one correlation, each in a bucket of bytes of its own.
struct Gateway {
    groups: BTreeMap<u64, Vec<u8>>,
}

impl Gateway {
    /// Adds the hits of an event; returns the values of the groups that fire.
    fn observe(
        &mut self,
        inspector: &Inspector,
        hits: &[CorrelationHit],
        time_ms: u64,
    ) -> Vec<f64> {
        let tables = inspector.pack().tables();
        let key = IdentityKey([3; 16]);
        let mut groups: BTreeMap<u64, Vec<&CorrelationHit>> = BTreeMap::new();
        for hit in hits {
            groups.entry(group_key(&key, b"t", &hit.group)).or_default().push(hit);
        }
        let mut fired = Vec::new();
        for (group, hits) in groups {
            let bytes = self.groups.remove(&group).unwrap_or_default();
            let mut bucket = Bucket::<CorrelationState>::read(bytes);
            let mut state = bucket.find(group).unwrap_or_else(|| CorrelationState::new(time_ms));
            let of = &tables.correlations[0];
            fired.extend(state.observe(tables, of, &hits, &key, time_ms).map(f64::from));
            bucket.put(group, &state, u32::try_from(time_ms / 1000).unwrap());
            assert_eq!(bucket.find(group), Some(state));
            self.groups.insert(group, bucket.into_bytes());
        }
        fired
    }
}

fn timed_event() -> impl Strategy<Value = (u64, Json)> {
    let select = |values: &'static [&'static str]| proptest::sample::select(values);
    let kind = select(&["a", "b", "c", "ab", "bc", "abc", "x"]);
    let user = select(&["u", "U", "v", "-"]);
    let value = select(&["1", "2", "x", "X", "y", "-"]);
    (0..6_000_u64, kind, user, value).prop_map(|(step, kind, user, value)| {
        let mut fields = json!({"kind": kind});
        for (name, value) in [("user", user), ("value", value)] {
            if value != "-" {
                fields[name] = json!(value);
            }
        }
        (step, fields)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn a_gateway_fires_where_a_hunt_does(
        (kind, condition) in proptest::sample::select(&[
            ("event_count", "{gte: 3}"),
            ("event_count", "{gt: 1, lte: 3}"),
            ("event_count", "{neq: 2}"),
            ("event_count", "{lt: 3}"),
            ("event_count", "{eq: 2}"),
            ("value_count", "{field: value, gte: 2}"),
            ("value_count", "{field: value, eq: 2}"),
            ("temporal", "{gte: 2}"),
            ("temporal", "{gte: 3}"),
            ("temporal", "a and not b or c"),
            ("temporal", "1 of them and not (b and c)"),
            ("temporal_ordered", "{gte: 2}"),
            ("temporal_ordered", "{gte: 3}"),
            ("temporal_ordered", "{eq: 1}"),
        ][..]),
        order in proptest::sample::select(&["a, b, c", "c, a, b"][..]),
        steps in proptest::collection::vec(timed_event(), 1..60),
    ) {
        let rule = |name| format!("title: {name}\nname: {name}\nlogsource: {{category: test}}\ndetection: {{s: {{kind|contains: {name}}}, condition: s}}\n---\n");
        let rules = ["a", "b", "c"].map(rule).concat();
        let text = format!("{rules}title: t\ncorrelation: {{type: {kind}, rules: [{order}], group-by: [user], timespan: 10s, condition: {condition}}}\n");
        let mut inspector = Inspector::new(event::pack(&text).unwrap());
        let mut correlator = Correlator::new(inspector.pack());
        let mut gateway = Gateway { groups: BTreeMap::new() };
        let mut now = START;
        for (step, fields) in &steps {
            now += step;
            let verdict = event::inspect(&mut inspector, fields);
            let hits = inspector.correlation_hits(&verdict);
            let firings = correlator.observe(inspector.pack(), &hits, i64::try_from(now).unwrap());
            let expect: Vec<f64> = firings.iter().map(|firing| firing.value).collect();
            let fired = gateway.observe(&inspector, &hits, now);
            prop_assert_eq!(fired, expect, "{} {} {} at {}: {:?}", kind, order, condition, now, steps);
        }
    }
}

#[test]
fn counts_are_exact_up_to_their_bound_and_full_beyond_it() {
    let text = "title: a\nname: a\nlogsource: {category: test}\ndetection: {s: {kind: a}, condition: s}\n---\ntitle: t\ncorrelation: {type: value_count, rules: [a], timespan: 1h, condition: {field: value, eq: 127}}\n";
    let mut inspector = Inspector::new(event::pack(text).unwrap());
    let mut gateway = Gateway { groups: BTreeMap::new() };
    let mut fired = Vec::new();
    for value in 0..400 {
        let fields = json!({"kind": "a", "value": format!("v{value}")});
        let verdict = event::inspect(&mut inspector, &fields);
        let hits = inspector.correlation_hits(&verdict);
        for _ in gateway.observe(&inspector, &hits, START + value) {
            fired.push(value);
        }
    }
    assert_eq!(fired, [126]);
}

proptest! {
    #[test]
    fn an_entry_of_any_bytes_is_used_or_empty(
        bytes in proptest::collection::vec(any::<u8>(), 1100),
        holds in 0_u8..3,
        n_marks in 0_u8..=200,
        now in any::<u64>(),
    ) {
        use inspect::behaviour_state::Entry;

        let text = "title: a\nname: a\nlogsource: {category: test}\ndetection: {s: {kind: a}, condition: s}\n---\ntitle: t\ncorrelation: {type: temporal_ordered, rules: [a, a], timespan: 1h}\n";
        let mut inspector = Inspector::new(event::pack(text).unwrap());
        let verdict = event::inspect(&mut inspector, &json!({"kind": "a"}));
        let hits = inspector.correlation_hits(&verdict);
        let hits: Vec<&CorrelationHit> = hits.iter().collect();
        let mut bytes = bytes.clone();
        (bytes[8], bytes[9]) = (holds, n_marks);
        if let Some(mut state) = CorrelationState::read(&bytes, 0) {
            let tables = inspector.pack().tables();
            state.observe(tables, &tables.correlations[0], &hits, &IdentityKey([0; 16]), now);
            let mut written = Vec::new();
            state.write(&mut written);
            prop_assert_eq!(written.len(), CorrelationState::BYTES - 14);
        }
    }
}
