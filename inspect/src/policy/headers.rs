//! Headers by which vendors restrict the tenants that a network may use, as a policy sets them.
//!
//! A vendor trusts such a header because a client cannot reach it past the gateway. So of a header that the
//! policy sets for anybody every copy is removed that a client sends, whoever the client is.

use std::borrow::Cow;

use super::Source;
use crate::pack::{HeaderValue, Pack, ServiceHeader, Tables};
use crate::request::Request;
use crate::service::{is_below, owner, plain_host};

/// What has to happen to one header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderChange<'p> {
    /// Its name, in lower case.
    pub name: &'p str,
    /// The value that the policy has for the source; `None` if it has none. Copies of the client's are removed
    /// in either case.
    pub value: Option<&'p str>,
}

impl Pack {
    /// Returns true if the policy sets any header.
    pub fn sets_headers(&self) -> bool {
        !self.tables().policy.headers.is_empty()
    }

    /// Returns what has to happen to the headers of a request to a host that reads headers which the policy
    /// sets; each header once, by its place in the pack.
    ///
    /// `source` is asked only if there is such a header. The server name and the target of the tunnel count as
    /// hosts too: which of the names decides where a request goes is up to the gateway. A CONNECT has no
    /// header for a vendor. Takes steps in proportion to the hosts of the headers that the policy sets.
    pub fn header_changes<'p, 's>(
        &'p self,
        request: &Request<'_>,
        source: impl FnOnce() -> Source<'s>,
    ) -> Vec<HeaderChange<'p>> {
        let tables = self.tables();
        let values = tables.policy.headers.as_slice();
        if values.is_empty() || request.path.is_none() {
            return Vec::new();
        }
        let names = [Some(request.authority), request.server_name, request.connect_target];
        let names: Vec<_> = names.into_iter().flatten().filter_map(plain_host).collect();
        let of_header = values.chunk_by(|one, other| one.header == other.header);
        let wanted = of_header.filter_map(|values| {
            let header = values.first().map(|value| value.header as usize)?;
            let header = tables.services.headers.get(header)?;
            if names.iter().any(|name| is_read_at(tables, header, name)) {
                return Some((header, values));
            }
            // What other hosts of the service do with a client's copy nobody knows: it is removed there too.
            let is_of_service = |name: &Cow<'_, [u8]>| {
                owner(tables, name).is_some_and(|(service, _)| service == header.service)
            };
            names.iter().any(is_of_service).then_some((header, &[][..]))
        });
        let wanted: Vec<(&ServiceHeader, &[HeaderValue])> = wanted.collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let source = source();
        let change = |(header, values): (&ServiceHeader, &'p [HeaderValue])| HeaderChange {
            name: tables.str(header.name),
            value: values
                .iter()
                .find(|value| is_for(tables, value, source))
                .map(|value| tables.str(value.value)),
        };
        wanted.into_iter().map(change).collect()
    }
}

/// Returns true if a host reads a header.
fn is_read_at(tables: &Tables, header: &ServiceHeader, host: &[u8]) -> bool {
    header.hosts.of(&tables.services.texts).iter().any(|text| {
        let name = tables.str(*text);
        match name.strip_prefix("**.") {
            Some(name) => host.len() > name.len() && is_below(host, name.as_bytes()),
            None => host == name.as_bytes(),
        }
    })
}

/// Returns true if the policy has a value for a source.
fn is_for(tables: &Tables, value: &HeaderValue, source: Source<'_>) -> bool {
    let sources = value.sources.of(&tables.policy.sources);
    sources.is_empty() || source.is_any_of(tables, sources)
}
