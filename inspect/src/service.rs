//! What a URL says about a service's tenant: which part is an identity, which a credential.
//!
//! Services say in templates where those are (`hooks.slack.com/services/{tenant}/{app}/{secret}`).
//! A template fits if its host and its segments do; what follows in the path is open. Text and
//! places alternate. In a path each place ends where the text behind it first occurs, so that nothing is
//! tried twice. A host has to fit in one way only: whoever may choose its first labels could write
//! another tenant's name in front of their own. `*` is one label of a host.

use std::ops::Range;

use crate::ids::StrId;
use crate::keyed_hash::IdentityKey;
use crate::limits::MAX_NAME_BYTES;
use crate::pack::{Part, PartKind, Service, ServiceHost, Tables};
use crate::request::split_port;

/// Most parts of a template's host; a template with more fits no host.
const MAX_HOST_PARTS: usize = 16;

/// What is known of a request's service.
#[derive(Debug)]
pub struct ServiceMatch<'r, 'p> {
    /// The service: an index into [`crate::pack::ServiceTables::services`].
    pub service: u32,
    /// Its name.
    pub name: StrId,
    /// The template that fits, with the bytes in its places; empty where none does.
    pub(crate) places: Vec<(&'p Part, &'r [u8])>,
    /// The parts of that template.
    pub(crate) parts: &'p [Part],
}

impl<'r, 'p> ServiceMatch<'r, 'p> {
    /// Finds the service that a request goes to, and what its URL says; `host` is [`plain_host`]'s.
    pub fn of(tables: &'p Tables, host: &'r [u8], path: Option<&'r [u8]>) -> Option<Self> {
        let stem = path.unwrap_or_default().split(|byte| *byte == b'?').next().unwrap_or_default();
        let mut name = host;
        let mut whole: Option<ServiceMatch<'r, 'p>> = None;
        // From the longest name to the shortest: the first that fits a template, or else the first
        // that is a service as a whole.
        loop {
            for known in by_name(tables, name) {
                let Some(service) = tables.services.services.get(known.service as usize) else {
                    continue;
                };
                let matched_service = ServiceMatch {
                    service: known.service,
                    name: service.name,
                    places: Vec::new(),
                    parts: &[],
                };
                let mut fitting = templates(tables, service).filter_map(|parts| {
                    let mut places = Vec::new();
                    fits(tables, parts, host, stem, &mut places).then_some((parts, places))
                });
                if let Some((parts, places)) = fitting.next() {
                    // Templates that read another tenant in the same host leave both open.
                    let named = host_places(parts, &places);
                    let is_ambiguous =
                        fitting.any(|(parts, places)| host_places(parts, &places) != named);
                    if !is_ambiguous {
                        return Some(ServiceMatch { places, parts, ..matched_service });
                    }
                }
                if known.whole && whole.is_none() {
                    whole = Some(matched_service);
                }
            }
            match name.iter().position(|byte| *byte == b'.').and_then(|dot| name.get(dot + 1..)) {
                Some(parent) if whole.is_none() => name = parent,
                _ => return whole,
            }
        }
    }

    /// The keyed hash of the tenant: of all identity places, or of nothing where there are none.
    pub fn identity(&self, tables: &Tables, key: &IdentityKey) -> Option<u64> {
        self.hash(PartKind::Identity, tables, key)
    }

    /// The keyed hash of the credential, so that two requests with one key are known to belong
    /// together while nobody learns it.
    pub fn credential(&self, tables: &Tables, key: &IdentityKey) -> Option<u64> {
        self.hash(PartKind::Secret, tables, key)
    }

    fn hash(&self, kind: PartKind, tables: &Tables, key: &IdentityKey) -> Option<u64> {
        let places = || self.places.iter().filter(|(part, _)| part.kind == kind);
        places().next()?;
        let service = tables.str(self.name).as_bytes();
        Some(key.hash([service].into_iter().chain(places().map(|(_, text)| *text))))
    }

    /// The text of the identity, as policies write it: its places, with slashes between them.
    /// For people who write policies; it never leaves a gateway.
    pub fn identity_text(&self) -> Option<String> {
        let places = self.places.iter().filter(|(part, _)| part.kind == PartKind::Identity);
        let texts: Vec<_> = places.map(|(_, text)| String::from_utf8_lossy(text)).collect();
        (!texts.is_empty()).then(|| texts.join("/"))
    }
}

/// The host of an authority in lower case, without user, port and dots at its end; `None` where it is
/// no plain name, and so belongs to no service.
pub fn plain_host(authority: &[u8]) -> Option<Vec<u8>> {
    let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let (host, _) = split_port(host);
    let mut host = host.to_ascii_lowercase();
    while host.last() == Some(&b'.') {
        host.pop();
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && host.iter().all(plain)).then_some(host)
}

/// The services that have a host of this name.
fn by_name<'p>(tables: &'p Tables, name: &[u8]) -> &'p [ServiceHost] {
    let hosts = &tables.services.hosts;
    let text = |host: &ServiceHost| tables.str(host.name).as_bytes();
    let start = hosts.partition_point(|host| text(host) < name);
    let rest = hosts.get(start..).unwrap_or_default();
    let n_same = rest.iter().take_while(|host| text(host) == name).count();
    rest.get(..n_same).unwrap_or_default()
}

fn templates<'p>(tables: &'p Tables, service: &Service) -> impl Iterator<Item = &'p [Part]> {
    let services = &tables.services;
    service.templates.of(&services.templates).iter().map(|range| range.of(&services.parts))
}

/// Returns true if a template fits, and fills in what is in its places.
fn fits<'r, 'p>(
    tables: &Tables,
    template: &'p [Part],
    host: &'r [u8],
    stem: &'r [u8],
    places: &mut Vec<(&'p Part, &'r [u8])>,
) -> bool {
    let mut segments = segments(template);
    let of_host = segments.next().unwrap_or_default();
    let mut path = stem.strip_prefix(b"/").unwrap_or(stem).split(|byte| *byte == b'/');
    fits_host(tables, of_host, host, places)
        && segments.all(|segment| {
            path.next().is_some_and(|text| fits_segment(tables, segment, text, places))
        })
}

/// What is in the places of a template's host, of all that is in its places.
fn host_places<'r>(template: &[Part], places: &[(&Part, &'r [u8])]) -> Vec<&'r [u8]> {
    let of_host = segments(template).next().unwrap_or_default();
    let is_place = |part: &&Part| part.kind != PartKind::Text;
    let n_places = of_host.iter().filter(is_place).count();
    let own = places.iter().take(n_places).filter(|(part, _)| part.kind != PartKind::Any);
    own.map(|(_, text)| *text).collect()
}

/// The service of a host and the tenant that the host alone names, whatever the path: what two names of
/// one request have to share.
pub(crate) fn owner<'r>(tables: &Tables, host: &'r [u8]) -> Option<(u32, Vec<Vec<&'r [u8]>>)> {
    let mut name = host;
    loop {
        if let Some(known) = by_name(tables, name).first()
            && let Some(service) = tables.services.services.get(known.service as usize)
        {
            let tenants = templates(tables, service).filter_map(|parts| {
                let of_host = segments(parts).next().unwrap_or_default();
                let mut places = Vec::new();
                let fits = fits_host(tables, of_host, host, &mut places);
                fits.then(|| host_places(parts, &places)).filter(|tenant| !tenant.is_empty())
            });
            return Some((known.service, tenants.collect()));
        }
        let dot = name.iter().position(|byte| *byte == b'.')?;
        name = name.get(dot + 1..)?;
    }
}

/// Returns true if the parts of a template's host make up a host in exactly one way, and fills in what is
/// in its places. `*` is one label; what belongs to the tenant may have dots, as names of buckets do.
fn fits_host<'r, 'p>(
    tables: &Tables,
    parts: &'p [Part],
    host: &'r [u8],
    places: &mut Vec<(&'p Part, &'r [u8])>,
) -> bool {
    if host.len() > MAX_NAME_BYTES || parts.len() > MAX_HOST_PARTS {
        return false;
    }
    // For each part, and each place where it may start, in how many ways the rest fits: 0, 1 or more.
    let width = host.len() + 1;
    let mut ways = vec![vec![0u8; width]; parts.len() + 1];
    if let Some(end) = ways.last_mut().and_then(|row| row.last_mut()) {
        *end = 1;
    }
    for (idx, part) in parts.iter().enumerate().rev() {
        let behind = ways.get(idx + 1).cloned().unwrap_or_default();
        let n_ways = |at: usize| behind.get(at).copied().unwrap_or_default();
        let row = (0..width).map(|start| {
            ends(tables, part, host, start).map(n_ways).fold(0, |all: u8, n| (all + n).min(2))
        });
        let row = row.collect();
        if let Some(place) = ways.get_mut(idx) {
            *place = row;
        }
    }
    if ways.first().and_then(|row| row.first()) != Some(&1) {
        return false;
    }
    let mut start = 0;
    for (idx, part) in parts.iter().enumerate() {
        let is_way = |end: &usize| ways.get(idx + 1).and_then(|row| row.get(*end)) == Some(&1);
        let Some(end) = ends(tables, part, host, start).find(is_way) else { return false };
        if part.kind != PartKind::Text {
            places.push((part, host.get(start..end).unwrap_or_default()));
        }
        start = end;
    }
    true
}

/// Where a part of a host that starts at a place may end.
fn ends(tables: &Tables, part: &Part, host: &[u8], start: usize) -> Range<usize> {
    const NOWHERE: Range<usize> = 0..0;
    let rest = host.get(start..).unwrap_or_default();
    match part.kind {
        PartKind::Text => {
            let literal = tables.str(part.text).as_bytes();
            let end = start + literal.len();
            if rest.starts_with(literal) { end..end + 1 } else { NOWHERE }
        }
        PartKind::Any => {
            let n_bytes = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
            start + 1..start + n_bytes + 1
        }
        PartKind::Identity | PartKind::Secret => start + 1..host.len() + 1,
        PartKind::Slash => NOWHERE,
    }
}

/// A template's host and segments.
pub(crate) fn segments(template: &[Part]) -> impl Iterator<Item = &[Part]> {
    template.split(|part| part.kind == PartKind::Slash)
}

/// Returns true if the parts of one segment of a path make up a text: each place takes at least a byte,
/// and ends where the text behind it first occurs. The last text has to be at the end. Text fits in any
/// case, as services take their own paths.
pub(crate) fn fits_segment<'r, 'p>(
    tables: &Tables,
    parts: &'p [Part],
    text: &'r [u8],
    places: &mut Vec<(&'p Part, &'r [u8])>,
) -> bool {
    let mut rest = text;
    let mut open: Option<&Part> = None;
    for (idx, part) in parts.iter().enumerate() {
        if part.kind != PartKind::Text {
            open = Some(part);
            continue;
        }
        let literal = tables.str(part.text).as_bytes();
        let Some(place) = open.take() else {
            let Some((text, behind)) = rest.split_at_checked(literal.len()) else { return false };
            if !text.eq_ignore_ascii_case(literal) {
                return false;
            }
            rest = behind;
            continue;
        };
        let is_last = idx + 1 == parts.len();
        let found = if is_last {
            let start = rest.len().checked_sub(literal.len());
            start.filter(|start| {
                rest.get(*start..).is_some_and(|end| end.eq_ignore_ascii_case(literal))
            })
        } else {
            let mut windows = rest.windows(literal.len().max(1)).skip(1);
            windows.position(|window| window.eq_ignore_ascii_case(literal)).map(|at| at + 1)
        };
        let Some((taken, behind)) = found.and_then(|at| rest.split_at_checked(at)) else {
            return false;
        };
        if taken.is_empty() {
            return false;
        }
        places.push((place, taken));
        rest = behind.get(literal.len()..).unwrap_or_default();
    }
    match open {
        Some(place) if !rest.is_empty() => places.push((place, rest)),
        Some(_) => return false,
        None => {}
    }
    open.is_some() || rest.is_empty()
}
