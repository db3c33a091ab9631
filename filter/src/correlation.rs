//! Correlations of what the rules of a pack match, in the tables that all workers share.
//!
//! Those run here whose rules the request alone decides, and whose bounds the state keeps
//! ([`inspect::pack::Tables::inline_correlations`]); the others are for `tidegate hunt`. A request that no rule of a
//! correlation matches costs nothing here. One that a rule matches is added to its group at its headers: an entry is read,
//! changed and swapped back for each correlation. A correlation that fires makes an event of the request; it denies
//! nothing.

use inspect::behaviour_state::{CorrelationState, group_key};
use inspect::pack::{Correlation, InputKind, Tables};
use inspect::{CorrelationHit, CorrelationId, IdentityKey, Inspector, RuleId, Ruling, Verdict};

use crate::behaviour::{Costs, Place, open};
use crate::host::Host;
use crate::limits::MAX_CAS_TRIES;
use crate::plugin::Plugin;

/// Groups by the source's address are in so many buckets for each address: whoever makes up values fills those of his
/// own, a 32nd of the table.
const SOURCE_BUCKETS: u64 = 32;

/// The field by which a group belongs to a source.
const SOURCE_FIELD: &str = "src_ip";

/// The correlations of a pack that run here.
#[derive(Debug)]
pub(crate) struct Correlations {
    inline: Vec<Inline>,
}

#[derive(Debug)]
struct Inline {
    id: CorrelationId,
    /// What its groups depend on: a correlation that changes with a new pack starts anew.
    definition: Vec<u8>,
    /// The place of the source's address in its group.
    source: Option<usize>,
}

/// A correlation that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) correlation: CorrelationId,
    /// What was counted.
    pub(crate) value: u32,
}

impl Correlations {
    /// Finds those of a pack.
    pub(crate) fn of(tables: &Tables) -> Correlations {
        let all = tables.inline_correlations().into_iter();
        let inline = all.filter(|(_, reason)| reason.is_none()).filter_map(|(id, _)| {
            let of = tables.correlation(id)?;
            let mut group = tables.correlation_group(of).iter();
            let source = group.position(|name| tables.str(*name) == SOURCE_FIELD);
            Some(Inline { id, definition: definition(tables, of), source })
        });
        Correlations { inline: inline.collect() }
    }

    /// Returns true if none runs here.
    pub(crate) fn is_empty(&self) -> bool {
        self.inline.is_empty()
    }
}

impl Inline {
    /// Where a group is kept.
    fn place(&self, key: &IdentityKey, group: &[Option<Vec<u8>>]) -> Place {
        let hash = group_key(key, &self.definition, group);
        let source = self.source.and_then(|place| group.get(place)?.as_deref());
        match source {
            None => Place::of(hash),
            Some(source) => {
                let source = key.hash([&b"source"[..], source]);
                let bucket = source.wrapping_mul(SOURCE_BUCKETS) + (hash >> 32) % SOURCE_BUCKETS;
                Place { key: hash, bucket }
            }
        }
    }
}

/// Id, kind, rules and fields of a correlation, apart from one another.
fn definition(tables: &Tables, of: &Correlation) -> Vec<u8> {
    let rules = tables.correlation_inputs(of).iter().map(|input| match input.kind {
        InputKind::Rule => tables.rule(RuleId(input.of)).map_or("", |rule| tables.str(rule.id)),
        InputKind::Correlation => "",
    });
    let fields = tables.correlation_group(of).iter().map(|name| tables.str(*name));
    let mut bytes = vec![of.kind as u8];
    for text in [tables.str(of.id)].into_iter().chain(rules).chain(["by"]).chain(fields) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

impl Plugin {
    /// Adds the request that was inspected last to the correlations of the rules that matched it, and returns those
    /// that fire. Matches that are turned off or excepted do not count, as in a hunt; nothing does without a clock.
    pub(crate) fn correlate(
        &self,
        host: &dyn Host,
        inspector: &Inspector,
        verdict: &Verdict,
        rulings: &[Ruling],
    ) -> Vec<Fired> {
        let mut fired = Vec::new();
        if self.correlations.is_empty() || verdict.matches.is_empty() {
            return fired;
        }
        let counted = verdict.matches.iter().zip(rulings);
        let counted = counted.filter(|(_, ruling)| ruling.exception.is_none());
        let hits = inspector.hits_of(counted.map(|(matched, _)| matched.rule));
        let Some(time_ms) = host.milliseconds().filter(|_| !hits.is_empty()) else { return fired };
        let tables = inspector.pack().tables();
        let key = self.behaviour_key();
        let mut costs = Costs::default();
        for inline in &self.correlations.inline {
            let Some(of) = tables.correlation(inline.id) else { continue };
            for (place, hits) in groups(inline, &key, &hits) {
                let observe =
                    |state: &mut CorrelationState| state.observe(tables, of, &hits, &key, time_ms);
                let value = add(host, place, time_ms, &mut costs, observe);
                fired.extend(value.map(|value| Fired { correlation: inline.id, value }));
            }
        }
        self.count_costs(host, &costs);
        self.count(|counters| {
            for Fired { correlation, .. } in &fired {
                counters.fired(host, inspector.pack(), *correlation);
            }
        });
        fired
    }
}

/// The hits of one event in a correlation, by their groups: rules may call the fields of a group differently.
fn groups<'h>(
    inline: &Inline,
    key: &IdentityKey,
    hits: &'h [CorrelationHit],
) -> Vec<(Place, Vec<&'h CorrelationHit>)> {
    let mut groups: Vec<(Place, Vec<&CorrelationHit>)> = Vec::new();
    for hit in hits.iter().filter(|hit| hit.correlation == inline.id) {
        let place = inline.place(key, &hit.group);
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, own)) => own.push(hit),
            None => groups.push((place, vec![hit])),
        }
    }
    groups
}

/// Adds an event to a group. A swap that another worker wins is tried again, as a count that misses events at a high
/// rate misses what it is for; one that is lost in the end is counted, and nothing fires by it.
fn add(
    host: &dyn Host,
    place: Place,
    time_ms: u64,
    costs: &mut Costs,
    observe: impl Fn(&mut CorrelationState) -> Option<u32>,
) -> Option<u32> {
    let now = u32::try_from(time_ms / 1000).ok()?;
    for _ in 0..MAX_CAS_TRIES {
        let Some(mut slot) = open::<CorrelationState>(host, place) else { break };
        let mut state = slot.entry.take().unwrap_or_else(|| CorrelationState::new(time_ms));
        let value = observe(&mut state);
        let mut cost = Costs::default();
        if slot.save(host, &state, now, &mut cost) {
            costs.evicted.append(&mut cost.evicted);
            return value;
        }
    }
    costs.n_lost += 1;
    None
}

#[cfg(test)]
mod tests;
