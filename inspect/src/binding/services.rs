//! The fields of rules that services answer: service, category, operation, client and use.

use std::borrow::Cow;

use crate::event::Event;
use crate::ids::FieldId;
use crate::name_filter::{NameFilter, hash_of};
use crate::pack::{HASH_START, Tables, hash_step};
use crate::policy::Usage;
use crate::proxy_field::ProxyField;
use crate::request::{Request, split_port};
use crate::service::{OWN_CLIENT, UsedService, plain_host};
use crate::words::has_byte;

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

    /// Returns true if a rule asks for something that services answer.
    pub(crate) fn are_asked(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The host of a request in one reading, as [`ServiceFields::used`] takes it; `None` where it is no service's.
    ///
    /// Most hosts belong to no service, which takes one pass over their bytes.
    pub(crate) fn host<'r>(&self, request: &Request<'r>) -> Option<Cow<'r, [u8]>> {
        may_have(&self.names, request.authority).then(|| plain_host(request.authority)).flatten()
    }

    /// Finds the service that a request uses; `host` is its host, as [`plain_host`] has it.
    pub(crate) fn used<'r, 'p>(
        &self,
        tables: &'p Tables,
        host: &'r [u8],
        request: &Request<'r>,
    ) -> Option<UsedService<'r, 'p>> {
        UsedService::of(tables, &self.names, host, request)
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
        let UsedService { host, found, .. } = service;
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
                    let mut operations = service.operations(tables, request);
                    for method in methods {
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
