//! What a request says of its source's behaviour.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use inspect::pack::{Operation, Tables};
use inspect::{Operations, Request, ServiceMatch, ServiceUse, pair_host};
use traffic::json::{self, Time};

use crate::limits::MAX_KNOWN_NAMES;

/// The use of a host by a source. Names are hashes; see [`Names`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    pub(crate) source: u64,
    pub(crate) host: u64,
    pub(crate) agent: u64,
    /// Seconds since 1970.
    pub(crate) time: u32,
    pub(crate) sent: Option<u64>,
    pub(crate) received: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) service: Option<u32>,
    pub(crate) operations: Operations,
    pub(crate) identity: Option<u64>,
    /// Zeek's connection, whose bytes and duration another log has.
    pub(crate) connection: Option<u64>,
    /// Whether only the server name of TLS says where it went.
    pub(crate) is_tls: bool,
}

impl Use {
    /// Returns true if the request read from a service, as from a dead drop.
    pub(crate) fn is_read(&self) -> bool {
        const READS: [Operation; 4] =
            [Operation::Read, Operation::Download, Operation::Poll, Operation::Query];
        READS.iter().any(|operation| self.operations.contains(*operation))
    }
}

/// What Zeek's `conn.log` says of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) name: u64,
    pub(crate) sent: Option<u64>,
    pub(crate) received: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
}

/// What was noted in a piece of a log.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) uses: Vec<Use>,
    pub(crate) connections: Vec<Connection>,
    /// Names of sources and hosts that were not noted before, by their hashes.
    pub(crate) names: Vec<(u64, Box<str>)>,
    pub(crate) n_without_time: u64,
}

/// The names that a worker has passed on.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<u64>);

impl Names {
    /// Returns the hash of a name; passes the name on where it is new.
    fn note(&mut self, name: &[u8], noted: &mut Noted) -> u64 {
        let hash = hash_of(name);
        if self.0.len() >= MAX_KNOWN_NAMES {
            self.0.clear();
        }
        if self.0.insert(hash) {
            noted.names.push((hash, String::from_utf8_lossy(name).into()));
        }
        hash
    }
}

/// Returns a hash by which names are known while a log is read: the same in every thread.
pub(crate) fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Who and when, beside a request.
pub(crate) struct Sent<'l> {
    pub(crate) source: &'l [u8],
    pub(crate) time_ms: Option<i64>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) connection: Option<&'l str>,
}

/// Notes a request to a host, which is [`pair_host`]'s; returns its use, unless it has no source, no host or no time.
/// `find` finds what it uses of a service.
pub(crate) fn note(
    request: &Request<'_>,
    host: &[u8],
    find: impl FnOnce() -> Option<ServiceUse>,
    sent: &Sent<'_>,
    names: &mut Names,
    noted: &mut Noted,
) -> Option<Use> {
    if sent.source.is_empty() || host.is_empty() {
        return None;
    }
    let Some(time) = seconds(sent.time_ms) else {
        noted.n_without_time += 1;
        return None;
    };
    let found = find();
    let response = request.response.unwrap_or_default();
    let used = Use {
        source: names.note(sent.source, noted),
        host: names.note(host, noted),
        agent: hash_of(request.user_agent.unwrap_or_default()),
        time,
        sent: response.request_bytes,
        received: response.response_bytes,
        duration_ms: sent.duration_ms,
        service: found.map(|found| found.service),
        operations: found.map(|found| found.operations).unwrap_or_default(),
        identity: found.and_then(|found| found.identity),
        connection: sent.connection.map(hash_of),
        is_tls: false,
    };
    noted.uses.push(used);
    Some(used)
}

/// Notes a line of Zeek's `ssl.log` or `conn.log`.
pub(crate) fn note_zeek(tables: &Tables, line: &[u8], names: &mut Names, noted: &mut Noted) {
    let mut values: [Option<&str>; ZEEK_KEYS.len()] = Default::default();
    // A line that is not JSON was refused where it was judged.
    let _ = json::object(line, |key, raw| {
        let place = ZEEK_KEYS.iter().position(|known| *known == key);
        if let Some(value) = place.and_then(|idx| values.get_mut(idx)) {
            *value = Some(raw);
        }
    });
    let text = |idx: usize| values.get(idx).copied().flatten().and_then(|raw| json::text(raw).ok());
    let number = |idx: usize| text(idx)?.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let Some(name) = text(0) else { return };
    let name = hash_of(&*name);
    let (Some(server_name), Some(source)) = (text(1), text(2)) else {
        let bytes = |ip: usize, payload: usize| number(ip).or(number(payload)).map(|n| n as u64);
        let duration_ms = number(8).map(|seconds| (seconds * 1000.0) as u64);
        let (sent, received) = (bytes(4, 5), bytes(6, 7));
        noted.connections.push(Connection { name, sent, received, duration_ms });
        return;
    };
    let time_ms = values.get(3).copied().flatten().and_then(|raw| Time(raw).milliseconds());
    let host = pair_host(server_name.as_bytes());
    let Some(time) = seconds(time_ms).filter(|_| !host.is_empty()) else {
        noted.n_without_time += 1;
        return;
    };
    let (source, host_name) = (names.note(source.as_bytes(), noted), names.note(&host, noted));
    noted.uses.push(Use {
        source,
        host: host_name,
        agent: hash_of(&b""[..]),
        time,
        service: ServiceMatch::of(tables, &host, None).map(|found| found.service),
        connection: Some(name),
        is_tls: true,
        ..Use::default()
    });
}

const ZEEK_KEYS: [&str; 9] = [
    "uid",
    "server_name",
    "id.orig_h",
    "ts",
    "orig_ip_bytes",
    "orig_bytes",
    "resp_ip_bytes",
    "resp_bytes",
    "duration",
];

fn seconds(time_ms: Option<i64>) -> Option<u32> {
    u32::try_from(time_ms?.div_euclid(1000)).ok()
}
