//! What a URL says about a service's tenant: which part is an identity, which a credential.
//!
//! Services say in templates where those are (`hooks.slack.com/services/{tenant}/{app}/{secret}`).
//! A template fits if its host and its segments do; what follows in the path is open. Text and
//! places alternate, so each is found at its first occurrence and nothing is tried twice.

use crate::ids::StrId;
use crate::keyed_hash::IdentityKey;
use crate::pack::{Part, PartKind, Service, ServiceHost, Tables};
use crate::request::split_port;

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
                let mut matched_service = ServiceMatch {
                    service: known.service,
                    name: service.name,
                    places: Vec::new(),
                    parts: &[],
                };
                for parts in templates(tables, service) {
                    matched_service.places.clear();
                    if fits(tables, parts, host, stem, &mut matched_service.places) {
                        return Some(ServiceMatch { parts, ..matched_service });
                    }
                }
                matched_service.places.clear();
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
    let path = stem.strip_prefix(b"/").unwrap_or(stem).split(|byte| *byte == b'/');
    let mut texts = [host].into_iter().chain(path);
    segments(template)
        .all(|segment| texts.next().is_some_and(|text| fits_segment(tables, segment, text, places)))
}

/// A template's host and segments.
pub(crate) fn segments(template: &[Part]) -> impl Iterator<Item = &[Part]> {
    template.split(|part| part.kind == PartKind::Slash)
}

/// Returns true if the parts of one segment make up a text: each place takes at least a byte, and ends
/// where the text behind it first occurs. The last text has to be at the end.
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
            let Some(behind) = rest.strip_prefix(literal) else { return false };
            rest = behind;
            continue;
        };
        let is_last = idx + 1 == parts.len();
        let found = if is_last {
            rest.strip_suffix(literal).map(<[u8]>::len)
        } else {
            let mut later = rest.windows(literal.len().max(1)).skip(1);
            later.position(|at| at == literal).map(|at| at + 1)
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
