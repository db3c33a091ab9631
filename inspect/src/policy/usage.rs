//! What a policy knows of a use of a service.

use super::Source;
use crate::keyed_hash::IdentityKey;
use crate::pack::{Sanction, Scope, Tables};
use crate::request::Request;
use crate::service::{self, ServiceMatch, plain_host};

/// Whether the policy knows a use of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usage {
    /// Listed for this source.
    Sanctioned,
    /// Listed, but for another source.
    Known,
    /// Listed for nobody.
    New,
}

impl Usage {
    /// Every kind of use.
    pub const ALL: &[Usage] = &[Usage::Sanctioned, Usage::Known, Usage::New];

    /// The name in policies, rules and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Usage::Sanctioned => "sanctioned",
            Usage::Known => "known",
            Usage::New => "new",
        }
    }

    /// The bit in [`crate::pack::Statement::usages`].
    pub fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Who uses a service, for rules that ask what the policy knows of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct User<'r> {
    /// Who sent the request.
    pub source: Source<'r>,
    /// The key of the identities; without one none is recognised.
    pub key: Option<IdentityKey>,
}

impl<'r> User<'r> {
    /// The user of a request of which nothing is known but what is in it.
    pub fn of(request: &Request<'r>) -> User<'r> {
        let source = Source {
            identity: request.source_identity,
            named: None,
            address: request.source_address,
        };
        User { source, key: None }
    }

    /// What the policy knows of this use; `None` if the request goes to no service. `is_plain` is false for
    /// a request that is not what it seems to be.
    ///
    /// The host of a tunnel may name a tenant, but inside it another name may be asked for, which nobody sees:
    /// so no tunnel is used as a tenant.
    pub(crate) fn usage(
        &self,
        tables: &Tables,
        request: &Request<'_>,
        found: Option<&ServiceMatch<'_, '_>>,
        is_plain: bool,
    ) -> Option<Usage> {
        let found = found?;
        // Of a disguised request nobody can say whose use it is.
        if !is_plain {
            return Some(Usage::New);
        }
        let policy = &tables.policy;
        let key = self.key.filter(|_| !request.is_tunnel());
        let known = key.map(|key| found.identities(tables, &key)).unwrap_or_default();
        let mut usage = Usage::New;
        for Sanction { scope, identities } in &policy.sanctions {
            let identities = identities.of(&policy.identities);
            let services = scope.services.of(&policy.services);
            let is_listed = known.iter().any(|identity| identities.binary_search(identity).is_ok());
            if !services.contains(&found.service) || !identities.is_empty() && !is_listed {
                continue;
            }
            let does_more =
                scope.operations != 0 && !found.does_only(tables, request, scope.operations);
            if !does_more && self.is_in(tables, scope) {
                return Some(Usage::Sanctioned);
            }
            if !identities.is_empty() {
                usage = Usage::Known;
            }
        }
        Some(usage)
    }

    /// Returns true if the source is one of those of a scope.
    fn is_in(&self, tables: &Tables, scope: &Scope) -> bool {
        let sources = scope.sources.of(&tables.policy.sources);
        sources.is_empty() || self.source.is_any_of(tables, sources)
    }
}

/// Returns true if the other names of a request belong to the service and tenant of its host, or neither
/// belongs to any. Clients use one connection for several names of a service.
pub(crate) fn names_agree(tables: &Tables, request: &Request<'_>, host: &[u8]) -> bool {
    request.other_names().all(|name| {
        plain_host(name).is_some_and(|name| {
            name == host || service::owner(tables, &name) == service::owner(tables, host)
        })
    })
}
