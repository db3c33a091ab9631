//! Correlations of what the rules of a pack match, in the tables that all workers share.
//!
//! Those run here whose rules the request alone decides, and whose bounds the state keeps
//! ([`inspect::pack::Tables::inline_correlations`]); the others are for `tidegate hunt`. A request that no rule of a
//! correlation matches costs nothing here. One that a rule matches is added to its group at its headers: an entry is read,
//! changed and swapped back for each correlation. A correlation that fires makes an event of the request; it denies
//! nothing.

use inspect::behaviour_state::CorrelationState;
use inspect::{CorrelationHit, IdentityKey, Inspector, Ruling, Verdict};

use crate::behaviour::shared::{Costs, Place, open};
use crate::host::Host;
use crate::limits::MAX_CAS_TRIES;
use crate::plugin::Plugin;

pub(crate) mod inline;

use inline::{Fired, Inline};

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
