//! The fields of rules that services answer: service, category, operation, client and use.

use crate::event::Event;
use crate::ids::FieldId;
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
        ServiceFields { fields, names: NameFilter::of(tables) }
    }

    /// Returns false if the host of an authority belongs to no service.
    pub(crate) fn may_have(&self, authority: &[u8]) -> bool {
        self.names.may_have(authority)
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
        let is_asked = !self.fields.is_empty() && self.names.may_have(request.authority);
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

/// Fewest bits for each name, so that one host in sixteen that is no service's is looked up in vain.
const BITS_PER_NAME: usize = 16;

/// A set of the names of all services' hosts that may contain others too: what is not in it needs no
/// look-up.
#[derive(Debug, Default)]
struct NameFilter {
    /// Bits by the hash of a name; their number is a power of two. None without names.
    bits: Vec<u64>,
}

impl NameFilter {
    fn of(tables: &Tables) -> NameFilter {
        let hosts = &tables.services.hosts;
        if hosts.is_empty() {
            return NameFilter::default();
        }
        let n_bits = (hosts.len() * BITS_PER_NAME).next_power_of_two().max(64);
        let mut filter = NameFilter { bits: vec![0; n_bits / 64] };
        for host in hosts {
            let hash = tables.str(host.name).bytes().rev().fold(HASH_START, hash_step);
            let at = filter.place(hash);
            if let Some(word) = filter.bits.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        filter
    }

    /// Returns false if no service has the host of an authority, or a name above it.
    fn may_have(&self, authority: &[u8]) -> bool {
        if self.bits.is_empty() {
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
            if *byte == b'.' && self.contains(hash) {
                return true;
            }
            hash = hash_step(hash, byte.to_ascii_lowercase());
        }
        self.contains(hash)
    }

    fn contains(&self, hash: u64) -> bool {
        let at = self.place(hash);
        self.bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn place(&self, hash: u64) -> usize {
        // The high bits are those that all bytes have changed.
        (hash >> 32) as usize & (self.bits.len() * 64 - 1)
    }
}
