//! The service that a request uses, and what it uses of it.

use std::cell::OnceCell;

use crate::keyed_hash::IdentityKey;
use crate::name_filter::NameFilter;
use crate::pack::Tables;
use crate::request::Request;
use crate::service::names::KnownNames;
use crate::service::{Operations, ServiceMatch};

/// The value of `tidegate.client` if the user agent starts as those of the service's own clients.
pub const OWN_CLIENT: &str = "own";

/// The service that a request uses in one reading.
#[derive(Debug)]
pub(crate) struct UsedService<'r, 'p> {
    /// The host, as [`plain_host`] has it.
    pub(crate) host: &'r [u8],
    pub(crate) found: ServiceMatch<'r, 'p>,
    /// What the request does by its own method, once that was asked.
    operations: OnceCell<Operations>,
}

impl<'r, 'p> UsedService<'r, 'p> {
    /// Finds it; `names` are those of the services' hosts.
    pub(crate) fn of(
        tables: &'p Tables,
        names: &NameFilter,
        host: &'r [u8],
        request: &Request<'r>,
    ) -> Option<Self> {
        let names = KnownNames::of_filtered(tables, host, names);
        let found = ServiceMatch::of_names(tables, &names, host, request.path)?;
        Some(UsedService::new(host, found))
    }

    fn new(host: &'r [u8], found: ServiceMatch<'r, 'p>) -> Self {
        UsedService { host, found, operations: OnceCell::new() }
    }

    /// What the request, which is that of the reading, does by its own method.
    pub(crate) fn operations(&self, tables: &Tables, request: &Request<'_>) -> Operations {
        let find = || self.found.operations(tables, request.method, self.host, request.path);
        *self.operations.get_or_init(find)
    }

    /// What the request, which is that of the reading, uses; the tenant under a key.
    pub(crate) fn to_use(
        &self,
        tables: &Tables,
        key: &IdentityKey,
        request: &Request<'_>,
    ) -> ServiceUse {
        ServiceUse {
            service: self.found.service,
            operations: self.operations(tables, request),
            identity: self.found.identity(tables, key),
        }
    }
}

/// What a request uses of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceUse {
    /// The service: an index into [`crate::pack::ServiceTables::services`].
    pub service: u32,
    /// What is done with it by the request's own method.
    pub operations: Operations,
    /// The keyed hash of the tenant, if the URL names one.
    pub identity: Option<u64>,
}

impl ServiceUse {
    /// Finds what a request uses; `host` is its host in lower case.
    pub fn of(
        tables: &Tables,
        key: &IdentityKey,
        host: &[u8],
        request: &Request<'_>,
    ) -> Option<ServiceUse> {
        let found = ServiceMatch::of(tables, host, request.path)?;
        Some(UsedService::new(host, found).to_use(tables, key, request))
    }
}
