//! What a request says about a service: which service it is, whose part of it, and what is done with it.
//!
//! Services say in templates where identities and credentials are
//! (`hooks.slack.com/services/{tenant}/{app}/{secret}`), and in operations what their paths do.
//! A template fits if its host and its segments do; what follows in the path is open.

mod names;
mod operation;
mod template;
mod used;

use std::borrow::Cow;

use crate::ids::StrId;
use crate::keyed_hash::IdentityKey;
use crate::pack::{Part, PartKind, ServiceOperation, Tables};
use crate::request::{Request, split_port};
use crate::sorted::sort_and_dedup;
use crate::views::overrides;
use crate::words::has_byte;
use names::{KnownNames, names_of};
pub use operation::Operations;
pub(crate) use template::segments;
use template::{
    Places, Target, fits, fits_host, fits_path, host_of, host_places, is_at_or_below, is_host,
    names_host,
};
pub(crate) use used::UsedService;
pub use used::{OWN_CLIENT, ServiceUse};

/// Leaves the last places of an identity in a policy open: `acme/*`.
pub const OPEN_PLACES: &[u8] = b"*";

/// What is known of a request's service.
#[derive(Debug)]
pub struct ServiceMatch<'r, 'p> {
    /// The service: an index into [`crate::pack::ServiceTables::services`].
    pub service: u32,
    /// Its name.
    pub name: StrId,
    /// The template that fits, with the bytes in its places; empty where none does.
    pub(crate) places: Places<'r, 'p>,
    /// The namespace of the tenants that the template names.
    namespace: Option<StrId>,
    /// The parts of that template.
    pub(crate) parts: &'p [Part],
}

impl<'r, 'p> ServiceMatch<'r, 'p> {
    /// Finds the service that a request goes to, and what its URL says; `host` is [`plain_host`]'s.
    ///
    /// From the longest name of the host to the shortest: the template that fits with the most segments, the
    /// first of several, or else the first service that the name belongs to as a whole.
    pub fn of(tables: &'p Tables, host: &'r [u8], path: Option<&'r [u8]>) -> Option<Self> {
        ServiceMatch::of_names(tables, &KnownNames::of(tables, host), host, path)
    }

    /// The same where the host's names are looked up.
    fn of_names(
        tables: &'p Tables,
        names: &KnownNames<'p>,
        host: &'r [u8],
        path: Option<&'r [u8]>,
    ) -> Option<Self> {
        let target = Target::new(host, path);
        for name in names.iter() {
            let mut whole: Option<ServiceMatch<'r, 'p>> = None;
            let mut closest: Option<ServiceMatch<'r, 'p>> = None;
            for known in name {
                let Some(service) = tables.services.services.get(known.service as usize) else {
                    continue;
                };
                let found = ServiceMatch {
                    service: known.service,
                    name: service.name,
                    places: Vec::new(),
                    namespace: None,
                    parts: &[],
                };
                match Fit::of(tables, names, known.service, target) {
                    Fit::Template(Template { parts, namespace }, places) => {
                        let n_segments = segments(parts).count();
                        let n_before = closest.as_ref().map(|of| segments(of.parts).count());
                        if n_before.is_none_or(|n_before| n_before < n_segments) {
                            closest = Some(ServiceMatch { places, namespace, parts, ..found });
                        }
                    }
                    Fit::Host => whole = whole.or(Some(found)),
                    Fit::None if known.whole => whole = whole.or(Some(found)),
                    Fit::None => {}
                }
            }
            if closest.is_some() || whole.is_some() {
                return closest.or(whole);
            }
        }
        None
    }

    /// What a request with a method does to the service. Host and path are those of [`ServiceMatch::of`].
    ///
    /// Every operation that fits is in the set: what a client adds to a request takes none away.
    pub fn operations(
        &self,
        tables: &Tables,
        method: &[u8],
        host: &[u8],
        path: Option<&[u8]>,
    ) -> Operations {
        let target = Target::new(host, path);
        let all = tables.services.services.get(self.service as usize);
        let all = all.map_or(&[][..], |service| service.operations.of(&tables.services.operations));
        let fitting = all.iter().filter(|of| {
            let texts = &tables.services.texts;
            let methods = of.methods.of(texts);
            let hosts = of.hosts.of(texts);
            let paths = of.paths.of(&tables.services.templates);
            let is_method = |id: &StrId| tables.str(*id).as_bytes().eq_ignore_ascii_case(method);
            let is_host = |id: &StrId| is_below(host, tables.str(*id).as_bytes());
            (methods.is_empty() || methods.iter().any(is_method))
                && (hosts.is_empty() || hosts.iter().any(is_host))
                && (paths.is_empty()
                    || path.is_some()
                        && paths.iter().any(|template| {
                            let parts = template.of(&tables.services.parts);
                            fits_path(tables, parts, target, &mut Vec::new())
                        }))
        });
        fitting.map(|of: &ServiceOperation| of.operation).collect()
    }

    /// Returns true if a request does something to the service that is listed, and nothing else, whichever of its
    /// methods and names the server takes.
    pub(crate) fn does_only(&self, tables: &Tables, request: &Request<'_>, listed: u32) -> bool {
        self.each_reading(tables, request).iter().all(|operations| operations.are_all_in(listed))
    }

    /// What a request does to the service by each of its methods and names: its own, and those that servers may take
    /// in place of it. By another name that is the service's too it may do something else, or nothing that is known.
    /// Its host is that of [`ServiceMatch::of`].
    pub(crate) fn each_reading(&self, tables: &Tables, request: &Request<'_>) -> Vec<Operations> {
        let host = plain_host(request.authority).unwrap_or_default();
        let others = request.other_names().filter_map(plain_host).filter(|name| *name != host);
        let others: Vec<_> = others
            .filter(|name| owner(tables, name).is_some_and(|(service, _)| service == self.service))
            .collect();
        let mut readings = Vec::new();
        for method in std::iter::once(request.method).chain(overrides(request)) {
            readings.push(self.operations(tables, method, &host, request.path));
            let by_name =
                others.iter().map(|name| self.operations(tables, method, name, request.path));
            readings.extend(by_name.filter(|operations| !operations.is_empty()));
        }
        readings
    }

    /// Returns true if a user agent starts as those of the service's own clients do.
    pub fn is_own_client(&self, tables: &Tables, user_agent: &[u8]) -> bool {
        let service = tables.services.services.get(self.service as usize);
        let clients = service.map_or(&[][..], |service| service.clients.of(&tables.services.texts));
        clients.iter().any(|client| {
            let start = tables.str(*client).as_bytes();
            let agent = user_agent.get(..start.len());
            agent.is_some_and(|agent| agent.eq_ignore_ascii_case(start))
        })
    }

    /// The category of the service; empty where its note does not say.
    pub fn category(&self, tables: &'p Tables) -> &'p str {
        let service = tables.services.services.get(self.service as usize);
        service.map_or("", |service| tables.str(service.category))
    }

    /// The keyed hash of the tenant: of its namespace and all identity places, or of nothing where there are
    /// none.
    pub fn identity(&self, tables: &Tables, key: &IdentityKey) -> Option<u64> {
        let namespace = self.namespace.map(|namespace| tables.str(namespace));
        self.hash(PartKind::is_identity, tables, namespace, key)
    }

    /// The keyed hashes under which a policy may list the tenant: that of all identity places, and those that
    /// leave the last ones open (`acme/*`). Empty where the URL names no tenant.
    pub fn identities(&self, tables: &Tables, key: &IdentityKey) -> Vec<u64> {
        let places = self.places.iter().filter(|(part, _)| part.kind.is_identity());
        let places: Vec<&[u8]> = places.map(|(_, text)| *text).collect();
        let namespace = self.namespace.map(|namespace| tables.str(namespace));
        let whole = self.identity(tables, key);
        let open = (1..places.len()).filter_map(|n_places| {
            let first = places.get(..n_places)?.iter().copied();
            Some(key.identity(tables.str(self.name), namespace, first.chain([OPEN_PLACES])))
        });
        whole.into_iter().chain(open).collect()
    }

    /// The keyed hash of the credential, so that two requests with one key are known to belong
    /// together while nobody learns it.
    pub fn credential(&self, tables: &Tables, key: &IdentityKey) -> Option<u64> {
        self.hash(|kind| kind == PartKind::Secret, tables, None, key)
    }

    fn hash(
        &self,
        is_of: impl Fn(PartKind) -> bool,
        tables: &Tables,
        namespace: Option<&str>,
        key: &IdentityKey,
    ) -> Option<u64> {
        let places = || self.places.iter().filter(|(part, _)| is_of(part.kind));
        places().next()?;
        let places = places().map(|(_, text)| *text);
        Some(key.identity(tables.str(self.name), namespace, places))
    }

    /// Adds the tenant and the credential that the URL names, each with its length.
    pub(crate) fn add_names(&self, names: &mut Vec<u8>) {
        let is_name = |kind: PartKind| kind.is_identity() || kind == PartKind::Secret;
        for (_, text) in self.places.iter().filter(|(part, _)| is_name(part.kind)) {
            names.extend((text.len() as u64).to_le_bytes());
            names.extend_from_slice(text);
        }
    }

    /// The text of the identity, as policies write it: its places, with slashes between them, and behind
    /// `@` its namespace. For people who write policies; it never leaves a gateway.
    pub fn identity_text(&self, tables: &Tables) -> Option<String> {
        let places = self.places.iter().filter(|(part, _)| part.kind.is_identity());
        let texts: Vec<_> = places.map(|(_, text)| String::from_utf8_lossy(text)).collect();
        let namespace = self.namespace.map(|namespace| format!("@{}", tables.str(namespace)));
        let text = texts.join("/") + &namespace.unwrap_or_default();
        (!texts.is_empty()).then_some(text)
    }
}

/// The host of an authority in lower case, without user, port and dots at its end; `None` where it is
/// no plain name or IPv6 address in brackets, and so belongs to no service. Most hosts are so as they come.
pub fn plain_host(authority: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut host = authority;
    if has_byte(host, b'@') {
        host = host.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    }
    let (mut host, _) = split_port(host);
    while let Some(rest) = host.strip_suffix(b".") {
        host = rest;
    }
    let is_plain = if let [b'[', address @ .., b']'] = host {
        address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
    } else {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        !host.is_empty() && host.iter().all(plain)
    };
    let is_lower = !host.iter().any(u8::is_ascii_uppercase);
    let in_lower_case = || if is_lower { host.into() } else { host.to_ascii_lowercase().into() };
    is_plain.then(in_lower_case)
}

/// The host of an authority by which sources and hosts are paired: [`plain_host`]'s; of one that is no plain name, the
/// authority in lower case.
pub fn pair_host(authority: &[u8]) -> Cow<'_, [u8]> {
    plain_host(authority).unwrap_or_else(|| authority.to_ascii_lowercase().into())
}

/// Returns true if a host is `name` or below it.
pub(crate) fn is_below(host: &[u8], name: &[u8]) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."))
}

/// A template without the part that names its namespace.
#[derive(Clone, Copy, Debug)]
struct Template<'p> {
    parts: &'p [Part],
    /// The namespace of its tenants.
    namespace: Option<StrId>,
}

impl<'p> Template<'p> {
    fn new(parts: &'p [Part]) -> Template<'p> {
        match parts {
            [parts @ .., Part { kind: PartKind::Namespace, text }] => {
                Template { parts, namespace: Some(*text) }
            }
            parts => Template { parts, namespace: None },
        }
    }

    /// Returns true if anybody may put something where it fits.
    fn is_public(&self, tables: &Tables) -> bool {
        self.namespace.is_some_and(|namespace| tables.str(namespace).is_empty())
    }
}

/// The templates of a service whose host may fit: those of the longest name first.
fn templates<'p>(
    tables: &'p Tables,
    names: &KnownNames<'p>,
    service: u32,
) -> impl Iterator<Item = Template<'p>> {
    let services = &tables.services;
    let own = names.hosts().filter(move |known| known.service == service);
    own.flat_map(|known| known.templates.of(&services.templates))
        .map(|range| Template::new(range.of(&services.parts)))
}

/// The templates of a host's services that say something about paths, for the host or names above it.
pub(crate) fn path_templates<'p>(
    tables: &'p Tables,
    host: &[u8],
) -> impl Iterator<Item = &'p [Part]> {
    let services = &tables.services;
    names_of(tables, host)
        .flatten()
        .flat_map(|known| known.templates.of(&services.templates))
        .map(|range| Template::new(range.of(&services.parts)).parts)
        .filter(|parts| segments(parts).next().is_some())
}

/// How a service's templates fit a request.
enum Fit<'r, 'p> {
    /// None does.
    None,
    /// The host is the service's; nothing is known of whose.
    Host,
    /// One does.
    Template(Template<'p>, Places<'r, 'p>),
}

impl<'r, 'p> Fit<'r, 'p> {
    /// The template that fits with the most segments, the first of several; one whose host is one name
    /// before one that reads a tenant in the host.
    fn of(
        tables: &'p Tables,
        names: &KnownNames<'p>,
        service: u32,
        target: Target<'r>,
    ) -> Fit<'r, 'p> {
        let mut closest: Option<(Template<'p>, Places<'r, 'p>)> = None;
        let mut is_host_of_service = false;
        for template in templates(tables, names, service) {
            let parts = template.parts;
            if is_host(parts) {
                is_host_of_service |= is_at_or_below(tables, parts, target.host);
                continue;
            }
            let mut places = Vec::new();
            if !fits(tables, parts, target, &mut places) {
                continue;
            }
            if template.is_public(tables) {
                return Fit::Host;
            }
            let Some((known, of_known)) = &closest else {
                closest = Some((template, places));
                continue;
            };
            // A host that a template spells out is the service's own, and no tenant's.
            match (names_host(known.parts), names_host(parts)) {
                (false, true) => {
                    closest = Some((template, places));
                    continue;
                }
                (true, false) => continue,
                _ => {}
            }
            // Templates that read another tenant in the same host leave both open.
            if host_places(known.parts, of_known) != host_places(parts, &places) {
                return Fit::Host;
            }
            if segments(known.parts).count() < segments(parts).count() {
                closest = Some((template, places));
            }
        }
        match closest {
            Some((template, places)) => Fit::Template(template, places),
            None if is_host_of_service => Fit::Host,
            None => Fit::None,
        }
    }
}

/// The tenants that a host alone names: the namespace of each, and what is in the places of its template.
type Tenants<'r> = Vec<(Option<StrId>, Vec<&'r [u8]>)>;

/// Returns true if a host belongs to a service; it is [`plain_host`]'s.
pub(crate) fn is_known(tables: &Tables, host: &[u8]) -> bool {
    names_of(tables, host).next().is_some()
}

/// The service of a host and the tenants that the host alone names, whatever the path: what two names of
/// one request have to share.
pub(crate) fn owner<'r>(tables: &Tables, host: &'r [u8]) -> Option<(u32, Tenants<'r>)> {
    let names = KnownNames::of(tables, host);
    let known = names.hosts().next()?;
    let tenants = templates(tables, &names, known.service).filter_map(|template| {
        let mut places = Vec::new();
        let fits = !template.is_public(tables)
            && fits_host(tables, host_of(template.parts), host, &mut places);
        let tenant = fits.then(|| host_places(template.parts, &places))?;
        (!tenant.is_empty()).then_some((template.namespace, tenant))
    });
    let mut tenants: Tenants<'_> = tenants.collect();
    // A name is one string of the pack.
    sort_and_dedup(&mut tenants);
    Some((known.service, tenants))
}
