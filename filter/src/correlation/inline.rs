//! Which correlations of a pack run here, and where their groups are kept.

use inspect::behaviour_state::group_key;
use inspect::pack::{Correlation, InputKind, Tables};
use inspect::{CorrelationId, IdentityKey, RuleId};

use crate::behaviour::shared::Place;

/// Groups by the source's address are in so many buckets for each address: whoever makes up values fills those of his
/// own, a 32nd of the table.
const SOURCE_BUCKETS: u64 = 32;

/// The field by which a group belongs to a source.
const SOURCE_FIELD: &str = "src_ip";

/// The correlations of a pack that run here.
#[derive(Debug)]
pub(crate) struct Correlations {
    pub(super) inline: Vec<Inline>,
}

#[derive(Debug)]
pub(super) struct Inline {
    pub(super) id: CorrelationId,
    /// What its groups depend on: a correlation that changes with a new pack starts anew.
    pub(super) definition: Vec<u8>,
    /// The place of the source's address in its group.
    pub(super) source: Option<usize>,
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
    pub(super) fn place(&self, key: &IdentityKey, group: &[Option<Vec<u8>>]) -> Place {
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
