//! Groups of sources: by their names and networks first, then by what they use.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::is_pattern;
use crate::limits::{MAX_COMPARED_FAMILIES, MAX_NOVELTY_OF, MIN_SIMILARITY};
use crate::uses::{Use, Uses};

/// Sources that are alike.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// The name.
    pub(super) name: String,
    /// Patterns of sources, as a policy has them.
    pub(super) patterns: BTreeSet<String>,
    /// The sources that were seen.
    pub(super) members: BTreeSet<String>,
}

/// Groups all sources but those whose names are patterns. Families that use the same things are joined, those that
/// are most alike first, until there are `n_families` or the rest is unlike; and families of which little was seen.
pub(super) fn families(uses: &Uses, n_families: usize) -> Vec<Family> {
    let matched = uses.matched.keys().map(|(source, _)| source);
    let sources = uses.by_source.keys().chain(matched).filter(|source| !is_pattern(source));
    let sources: BTreeSet<&String> = sources.collect();
    let mut by_stem: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        by_stem.entry(stem(source)).or_default().insert(source.clone());
    }
    let mut families: Vec<Family> = by_stem
        .into_iter()
        .map(|((name, pattern), members)| {
            // A pattern that one source fits is not needed.
            let pattern = match members.first() {
                Some(only) if members.len() == 1 && only.parse::<IpAddr>().is_err() => only.clone(),
                _ => pattern,
            };
            Family { name, patterns: BTreeSet::from([pattern]), members }
        })
        .collect();
    join(uses, &mut families, n_families);
    name(&mut families);
    families
}

/// A name and a pattern that a source shares with others of its kind.
fn stem(source: &str) -> (String, String) {
    match source.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let network = Ipv4Addr::from_bits(address.to_bits() & !0xFF);
            return (format!("{network}-24"), format!("{network}/24"));
        }
        Ok(IpAddr::V6(address)) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            return (format!("{network}-64"), format!("{network}/64"));
        }
        Err(_) => {}
    }
    // What distinguishes one of many from the others comes last: a number, or the hash of a pod's name.
    let mut stem = source;
    while let Some((rest, last)) = stem.rsplit_once(['-', '_', '.', '/']) {
        let is_counter = last.is_empty() || last.bytes().any(|byte| byte.is_ascii_digit());
        if !is_counter || rest.is_empty() || rest.ends_with('/') {
            break;
        }
        stem = rest;
    }
    let separator = source.get(stem.len()..stem.len() + 1).unwrap_or_default();
    let pattern =
        if separator.is_empty() { source.to_owned() } else { format!("{stem}{separator}*") };
    (stem.rsplit('/').next().unwrap_or(stem).to_owned(), pattern)
}

/// What a family uses: its services and hosts.
fn profile<'u>(uses: &'u Uses, family: &Family) -> BTreeSet<&'u str> {
    let of = |source: &String| uses.by_source.get(source).into_iter().flatten();
    family.members.iter().flat_map(of).map(|(used, _)| name_of(used)).collect()
}

/// Joins the two families that are most alike, again and again: until there are few, and then those of which too
/// little was seen to learn from them alone.
fn join(uses: &Uses, families: &mut Vec<Family>, n_families: usize) {
    let mut profiles: Vec<BTreeSet<&str>> =
        families.iter().map(|family| profile(uses, family)).collect();
    // Comparing takes steps by the square of their number.
    while families.len() > 1 && families.len() <= MAX_COMPARED_FAMILIES {
        let are_many = families.len() > n_families.max(1);
        let is_thin: Vec<bool> =
            families.iter().map(|family| !are_many && is_thin(uses, family)).collect();
        let is_joined = |first: usize, second: usize| {
            are_many || [first, second].iter().any(|idx| is_thin.get(*idx) == Some(&true))
        };
        let pairs =
            (0..families.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
        let pairs = pairs.filter(|(first, second)| is_joined(*first, *second));
        let alike = pairs.filter_map(|(first, second)| {
            let alike = similarity(profiles.get(first)?, profiles.get(second)?);
            let is_kin = first_word(families.get(first)?) == first_word(families.get(second)?);
            Some((alike + if is_kin { KINSHIP } else { 0.0 }, first, second))
        });
        let Some((similarity, first, second)) =
            alike.max_by(|one, other| one.0.total_cmp(&other.0))
        else {
            return;
        };
        if similarity < MIN_SIMILARITY {
            return;
        }
        let (joined, profile) = (families.remove(second), profiles.remove(second));
        if let (Some(family), Some(of_family)) = (families.get_mut(first), profiles.get_mut(first))
        {
            family.patterns.extend(joined.patterns);
            family.members.extend(joined.members);
            of_family.extend(profile);
        }
    }
}

/// Returns true if the next request of a family will often be to something that it was not seen to use. The share of
/// such requests is about that of what was seen once (Good and Turing: I. J. Good, "The population frequencies of
/// species and the estimation of population parameters", 1953), so that it is known without another log.
fn is_thin(uses: &Uses, family: &Family) -> bool {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (used, count) in
        family.members.iter().flat_map(|source| uses.by_source.get(source).into_iter().flatten())
    {
        *counts.entry(name_of(used)).or_default() += count.n_requests;
    }
    let n_once = counts.values().filter(|count| **count == 1).count() as u64;
    let n_requests: u64 = counts.values().sum();
    n_once * MAX_NOVELTY_OF > n_requests
}

/// The service or the host that is used.
fn name_of(used: &Use) -> &str {
    match used {
        Use::Service { service, .. } => service,
        Use::Host { host, .. } => host,
    }
}

/// What a shared first word of their names (`svc-orders`, `svc-search`) adds to the similarity of two families.
const KINSHIP: f64 = 0.2;

fn first_word(family: &Family) -> &str {
    family.name.split(['-', '_', '.', ' ']).next().unwrap_or_default()
}

/// The share of what two profiles have together that both have, from 0 to 1.
fn similarity(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> f64 {
    let n_shared = one.intersection(other).count();
    let n_all = one.len() + other.len() - n_shared;
    #[expect(clippy::cast_precision_loss, reason = "numbers of hosts")]
    let share = n_shared as f64 / n_all.max(1) as f64;
    share
}

/// Gives each family a name of its own.
fn name(families: &mut [Family]) {
    let mut taken = BTreeSet::new();
    for family in families {
        let name = family.name.clone();
        let names =
            std::iter::once(name.clone()).chain((2_u32..).map(|number| format!("{name} {number}")));
        for name in names {
            if taken.insert(name.clone()) {
                family.name = name;
                break;
            }
        }
    }
}
