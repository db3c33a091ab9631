//! The fields of rules that services answer: service, category, operation, client and use.

use crate::event::Event;
use crate::ids::FieldId;
use crate::name_filter::{NameFilter, hash_of};
use crate::pack::{HASH_START, Tables, hash_step};
use crate::policy::Usage;
use crate::request::{ProxyField, Request, split_port};
use crate::service::{Operations, ServiceMatch, plain_host};
use crate::words::has_byte;

/// The field under which rules find the service that a request goes to, by the name of its note.
pub const SERVICE_FIELD: &str = "tidegate.service";

/// The value of `tidegate.client` if the user agent starts as those of the service's own clients.
pub const OWN_CLIENT: &str = "own";

/// The service that a request uses in one reading.
#[derive(Debug)]
pub(crate) struct UsedService<'r, 'p> {
    /// The host, as [`plain_host`] has it.
    pub(crate) host: &'r [u8],
    pub(crate) found: ServiceMatch<'r, 'p>,
}

impl<'r, 'p> UsedService<'r, 'p> {
    /// Finds it; `host` is that of the request, as [`plain_host`] has it.
    pub(crate) fn of(tables: &'p Tables, host: &'r [u8], request: &Request<'r>) -> Option<Self> {
        let found = ServiceMatch::of(tables, host, request.path)?;
        Some(UsedService { host, found })
    }
}

/// Which of a pack's fields services answer, computed once per pack.
#[derive(Debug, Default)]
pub(crate) struct ServiceFields {
    fields: Vec<(ProxyField, FieldId)>,
    names: NameFilter,
}

impl ServiceFields {
    /// Takes the fields that services answer out of those that a pack names.
    pub(crate) fn take(named: &mut Vec<(ProxyField, FieldId)>, tables: &Tables) -> ServiceFields {
        let is_of_service = |field: ProxyField| field.is_of_service();
        let fields: Vec<_> =
            named.iter().filter(|(field, _)| is_of_service(*field)).copied().collect();
        named.retain(|(field, _)| !is_of_service(*field));
        let hosts = tables.services.hosts.iter();
        let names = NameFilter::of(hosts.map(|host| hash_of(tables.str(host.name))));
        ServiceFields { fields, names }
    }

    /// Returns false if the host of an authority belongs to no service.
    pub(crate) fn may_have(&self, authority: &[u8]) -> bool {
        may_have(&self.names, authority)
    }

    /// Returns true if a rule asks what the policy knows of a use.
    pub(crate) fn asks_usage(&self) -> bool {
        self.fields.iter().any(|(field, _)| *field == ProxyField::Usage)
    }

    /// The host of a request in one reading, as [`UsedService::of`] takes it; `None` where it is no service's, or
    /// no rule asks.
    ///
    /// Most hosts belong to no service, which takes one pass over their bytes.
    pub(crate) fn host(&self, request: &Request<'_>) -> Option<Vec<u8>> {
        let is_asked = !self.fields.is_empty() && may_have(&self.names, request.authority);
        is_asked.then(|| plain_host(request.authority)).flatten()
    }

    /// Answers the fields of a request in one reading, in which it uses a service. `methods` are further values
    /// of the method; `usage` is that of the request as a whole.
    pub(crate) fn answer(
        &self,
        tables: &Tables,
        request: &Request<'_>,
        service: &UsedService<'_, '_>,
        methods: &[&[u8]],
        usage: Option<Usage>,
        event: &mut Event,
    ) {
        let UsedService { host, found } = service;
        for (field, id) in &self.fields {
            let mut answer = |value: &str| {
                if !value.is_empty() {
                    // What we call it is no text of the request: keywords do not see it.
                    let text = event.text(value.as_bytes()).part();
                    event.answer(*id, text);
                }
            };
            match field {
                ProxyField::Service => answer(tables.str(found.name)),
                ProxyField::Category => answer(found.category(tables)),
                ProxyField::Operation => {
                    let mut operations = Operations::default();
                    for method in std::iter::once(&request.method).chain(methods) {
                        let of_method = found.operations(tables, method, host, request.path);
                        operations.extend(of_method.iter());
                    }
                    operations.iter().for_each(|operation| answer(operation.as_str()));
                }
                ProxyField::Client => {
                    let agent = request.user_agent.unwrap_or_default();
                    if found.is_own_client(tables, agent) {
                        answer(OWN_CLIENT);
                    }
                }
                // Where only this reading goes to a service, nobody listed the use.
                ProxyField::Usage => answer(usage.unwrap_or(Usage::New).as_str()),
                _ => {}
            }
        }
    }
}

/// Returns false if no service has the host of an authority, or a name above it.
fn may_have(names: &NameFilter, authority: &[u8]) -> bool {
    if names.is_empty() {
        return false;
    }
    let (host, _) = split_port(authority);
    let mut host = host;
    if has_byte(host, b'@') {
        host = host.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    }
    while let Some(rest) = host.strip_suffix(b".") {
        host = rest;
    }
    let mut hash = HASH_START;
    for byte in host.iter().rev() {
        if *byte == b'.' && names.contains(hash) {
            return true;
        }
        hash = hash_step(hash, byte.to_ascii_lowercase());
    }
    names.contains(hash)
}
