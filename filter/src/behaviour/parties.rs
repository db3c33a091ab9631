//! Who sends a request and where it goes, as keyed hashes.

use inspect::behaviour_state::{DropRead, PairState, Subjects, Used, group_of};
use inspect::pack::{Operation, Tables};
use inspect::{IdentityKey, Inspector, Operations, Request, ServiceMatch, pair_host, plain_host};

use super::scopes::Scopes;
use super::shared::Place;
use crate::source::Sender;

/// Pairs of one source are in so many buckets of [`SOURCE_BUCKETS`] each: whoever makes up hosts fills those of
/// his own source, a 64th of the table.
const SOURCE_BUCKETS: u64 = 32;

/// Source, host and service of a request.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    pub(super) source: u64,
    /// The group of the source, if rules ask what is new to it and [`Parties::complete`] was called.
    pub(super) group: Option<u64>,
    pub(super) host: u64,
    pub(super) pair: Place,
    /// The program that sends it, if [`Parties::complete`] was called.
    agent: Option<u32>,
    /// What it uses of a service, as hashes and as a few bits.
    pub(super) subjects: Subjects,
    pub(super) used: Used,
    /// Whether it reads from a service, as from a dead drop.
    pub(super) is_read: bool,
}

impl Parties {
    /// Reads them; `None` where the source or the host is not known, or the source is only claimed.
    pub(super) fn of(
        inspector: &Inspector,
        key: &IdentityKey,
        request: &Request<'_>,
        sender: &Sender,
    ) -> Option<Parties> {
        let [known_by, source] = sender.party();
        if sender.is_ambiguous && sender.shown().is_none() {
            return None;
        }
        let host = pair_host(request.authority);
        if source.is_empty() || host.is_empty() {
            return None;
        }
        let hash = |kind: &'static [u8], parts: &[&[u8]]| {
            key.hash([kind].into_iter().chain(parts.iter().copied()))
        };
        let tables = inspector.pack().tables();
        let found = if inspector.may_use_service(request) {
            ServiceMatch::of(tables, &host, request.path)
        } else {
            None
        };
        let operations = found.as_ref().map_or(Operations::default(), |found| {
            found.operations(tables, request.method, &host, request.path)
        });
        let name = found.as_ref().map(|found| tables.str(found.name).as_bytes());
        let identity = found.as_ref().and_then(|found| found.identity(tables, key));
        let service = name.map(|name| hash(b"service", &[name]));
        let of_operation = |operation: Operation| {
            hash(b"operation", &[name?, operation.as_str().as_bytes()]).into()
        };
        let subjects = Subjects {
            service,
            operations: operations.iter().filter_map(of_operation).collect(),
            identity,
        };
        let source_hash = hash(b"source", &[known_by, source]);
        let host_hash = hash(b"host", &[&host]);
        // Two hashes under one key: their sum is as even as they are.
        let pair = source_hash.wrapping_add(host_hash.rotate_left(32));
        Some(Parties {
            source: source_hash,
            group: None,
            host: host_hash,
            pair: Place {
                key: pair,
                bucket: source_hash.wrapping_mul(SOURCE_BUCKETS) + (pair >> 32) % SOURCE_BUCKETS,
            },
            agent: None,
            subjects,
            used: Used {
                // 0 is none.
                service: service.map_or(0, |service| ((service & 0xffff) as u16).max(1)),
                operations: operations.bits(),
            },
            is_read: reads(operations),
        })
    }

    /// Returns true if the other tables have all that this request is of in the epoch of a time, as its pair says.
    pub(super) fn are_noted(&self, pair: &PairState, time: u32) -> bool {
        let identity = self.subjects.identity;
        pair.is_noted(self.used, time) && identity.is_none_or(|id| pair.has_identity(id))
    }

    /// Adds the program and the group of the source. Nobody asks for them where the pair is known and all that is asked
    /// was found out a moment ago, as for most requests.
    pub(super) fn complete(
        &mut self,
        (key, scopes): (&IdentityKey, Scopes),
        request: &Request<'_>,
        sender: &Sender,
    ) {
        if self.agent.is_some() {
            return;
        }
        let agent = request.user_agent.unwrap_or_default();
        self.agent = Some(low(key.hash([&b"agent"[..], agent])));
        if scopes.group {
            let [known_by, source] = sender.party();
            let group = group_of(&String::from_utf8_lossy(source));
            self.group = Some(key.hash([&b"group"[..], known_by, group.as_bytes()]));
        }
    }

    /// The read of this request at a time; without its program, one that belongs to no other.
    pub(super) fn read(&self, time: u32) -> DropRead {
        DropRead { agent: self.agent.unwrap_or_default(), host: low(self.host), time }
    }
}

/// The key of the network of all sources.
pub(super) fn network_hash(key: &IdentityKey) -> u64 {
    key.hash([&b"network"[..]])
}

/// Returns true if a request reads from a service.
pub(super) fn reads_service(tables: &Tables, request: &Request<'_>) -> bool {
    let Some(host) = plain_host(request.authority) else { return false };
    let found = ServiceMatch::of(tables, &host, request.path);
    found.is_some_and(|found| reads(found.operations(tables, request.method, &host, request.path)))
}

/// Returns true if a request with these operations may read a dead drop.
fn reads(operations: Operations) -> bool {
    const READS: [Operation; 4] =
        [Operation::Read, Operation::Download, Operation::Poll, Operation::Query];
    READS.iter().any(|operation| operations.contains(*operation))
}

fn low(hash: u64) -> u32 {
    (hash & 0xffff_ffff) as u32
}
