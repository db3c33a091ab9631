//! The namespaces of a service's tenants, and which of them an identity in a policy means.

use inspect::OPEN_PLACES;
use inspect::pack::{Part, PartKind, Tables};

/// The namespaces of a service, each with the numbers of places that a tenant has there.
#[derive(Default)]
pub(super) struct Namespaces(Vec<(String, usize)>);

/// Why an identity means no tenant.
pub(super) enum Unfit<'n> {
    /// No namespace has as many places; these are the numbers that there are, ascending.
    Places(Vec<usize>),
    /// Several namespaces have.
    Several(Vec<&'n str>),
}

impl Namespaces {
    /// The namespaces of the service with an index. Takes steps in proportion to the pack's services.
    pub(super) fn of(tables: &Tables, service: u32) -> Namespaces {
        let services = &tables.services;
        let own = services.hosts.iter().filter(|host| host.service == service);
        let templates = own.flat_map(|host| host.templates.of(&services.templates));
        let namespace = |parts: &[Part]| match parts {
            [parts @ .., Part { kind: PartKind::Namespace, text }] => {
                let places = parts.iter().filter(|part| part.kind.is_identity());
                Some((tables.str(*text).to_owned(), places.count()))
            }
            _ => None,
        };
        let mut list: Vec<_> =
            templates.filter_map(|range| namespace(range.of(&services.parts))).collect();
        list.retain(|(_, n_places)| *n_places > 0);
        list.sort_unstable();
        list.dedup();
        Namespaces(list)
    }

    /// Returns the namespace and the places of an identity: `a/b@namespace`, or `a/b` where only one
    /// namespace has two places. `a/*` leaves the last places open.
    pub(super) fn find<'t>(&self, text: &'t str) -> Result<(&str, Vec<&'t str>), Unfit<'_>> {
        for (at, _) in text.match_indices('@') {
            let (places, behind) = text.split_at_checked(at).unwrap_or((text, ""));
            let places: Vec<_> = places.split('/').collect();
            let named = self.0.iter().find(|(name, n_places)| {
                behind.strip_prefix('@') == Some(name) && has_places(&places, *n_places)
            });
            if let Some((name, _)) = named {
                return Ok((name, places));
            }
        }
        let places: Vec<_> = text.split('/').collect();
        let fitting = self.0.iter().filter(|(_, n_places)| has_places(&places, *n_places));
        let mut names: Vec<_> = fitting.map(|(name, _)| name.as_str()).collect();
        names.dedup();
        match names.as_slice() {
            [] => {
                let mut numbers: Vec<_> = self.0.iter().map(|(_, n_places)| *n_places).collect();
                numbers.sort_unstable();
                numbers.dedup();
                Err(Unfit::Places(numbers))
            }
            [one] => Ok((one, places)),
            several => Err(Unfit::Several(several.to_vec())),
        }
    }
}

/// Returns true if an identity has a number of places, or leaves the last ones open: `acme/*`.
fn has_places(places: &[&str], n_places: usize) -> bool {
    let is_open = places.last().is_some_and(|last| last.as_bytes() == OPEN_PLACES);
    n_places == places.len() || is_open && n_places > places.len()
}
