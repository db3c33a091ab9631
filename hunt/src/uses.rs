//! What sources did: which services and hosts each one used, and how often.

use std::collections::BTreeMap;

use inspect::pack::{Service, Tables};
use inspect::{
    Allowance, AllowedBy, Inspector, Request, ServiceMatch, StrId, User, Verdict, plain_host,
    split_port,
};

use crate::limits::MAX_USES;

/// What the sources of logs did, bounded by [`MAX_USES`].
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// By source and by what was used.
    pub by_source: BTreeMap<String, BTreeMap<Use, UseCount>>,
    /// Requests that a rule matched, by source and the title of the rule: nothing is learned from them.
    pub matched: BTreeMap<(String, String), u64>,
    /// How many requests each entry of the allow-lists of the pack's policy listed, by the group's name.
    pub listed: BTreeMap<(StrId, AllowedBy), u64>,
    /// The groups of the allow-lists of the pack's policy, by the sources in them that did something else.
    pub groups: BTreeMap<String, String>,
    /// What can be done to the services that were used, by their names: bits of [`inspect::Operations`].
    pub operations: BTreeMap<String, u32>,
    /// How many requests there were.
    pub n_requests: u64,
    /// How many of them a rule matched.
    pub n_matched: u64,
    /// How many had an anomaly or names that disagree, or were tunnels to port 80, and no match: nobody knows what they
    /// used.
    pub n_odd: u64,
    /// How many had no source.
    pub n_without_source: u64,
    /// How many were left out, as there were too many uses to keep.
    pub n_left_out: u64,
    n_kept: usize,
}

/// What a request uses, in the order of services and hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A service.
    Service {
        /// Its name.
        service: String,
        /// What is done, as [`inspect::Operations::bits`]; 0 for what no operation describes.
        operations: u32,
        /// Whose part of it.
        identity: Option<String>,
        /// The port.
        port: u16,
        /// How.
        manner: Manner,
    },
    /// A host that belongs to no service.
    Host {
        /// In lower case, without port.
        host: String,
        /// The port.
        port: u16,
        /// How.
        manner: Manner,
    },
}

/// How a service or a host is used, as far as the method says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// By GET, HEAD or OPTIONS.
    Reads,
    /// By another method, which may send something.
    Sends,
    /// Through a tunnel, so that nobody knows what is done.
    Tunnel,
}

/// The methods that only get something (RFC 9110, section 9.2.1).
pub(crate) const READING_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// How often something was used, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UseCount {
    /// How many requests.
    pub n_requests: u64,
    /// The first, in milliseconds since 1970, if times are known.
    pub first: Option<i64>,
    /// The last.
    pub last: Option<i64>,
}

impl UseCount {
    /// Adds other requests.
    pub fn add(&mut self, other: UseCount) {
        self.n_requests += other.n_requests;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
    }
}

impl Uses {
    /// Adds a request with its verdict. What the allow-lists of the pack's policy have already is only counted.
    pub(crate) fn record(
        &mut self,
        inspector: &Inspector,
        request: &Request<'_>,
        user: &User<'_>,
        verdict: &Verdict,
        time_ms: Option<i64>,
    ) {
        let tables = inspector.pack().tables();
        self.n_requests += 1;
        let Some(name) = user.source.name().map(|name| String::from_utf8_lossy(name).into_owned())
        else {
            self.n_without_source += 1;
            return;
        };
        let listed = match inspector.allowance(request, user) {
            Allowance::Listed(group, entry) => Some((group, entry)),
            Allowance::Unlisted(group) => {
                if !self.groups.contains_key(&name) && self.groups.len() < MAX_USES {
                    self.groups.insert(name.clone(), tables.str(group).to_owned());
                }
                None
            }
            Allowance::NoGroup => None,
        };
        if let Some(listed) = listed {
            *self.listed.entry(listed).or_default() += 1;
        }
        let is_unlisted = |title: &str| title == inspect::UNLISTED_FIELD;
        let rules = verdict.alerts().filter_map(|matched| tables.rule(matched.rule));
        let mut rules = rules.filter(|rule| !is_unlisted(tables.str(rule.id))).peekable();
        if rules.peek().is_some() {
            self.n_matched += 1;
            for rule in rules {
                let title = tables.str(rule.title).to_owned();
                *self.matched.entry((name.clone(), title)).or_default() += 1;
            }
            return;
        }
        let used = if verdict.anomalies.is_empty() { Use::of(tables, request) } else { None };
        let Some(used) = used else {
            self.n_odd += 1;
            return;
        };
        if let Use::Service { service, .. } = &used
            && !self.operations.contains_key(service)
        {
            self.operations.insert(service.clone(), operations_of(tables, service));
        }
        if listed.is_none() {
            let count = UseCount { n_requests: 1, first: time_ms, last: time_ms };
            self.insert(&name, used, count);
        }
    }

    /// Takes back what a source did with the service or the host of a request in which a rule over time found
    /// something: it counts as matched by the rule.
    pub(crate) fn take_back(
        &mut self,
        tables: &Tables,
        source: &str,
        request: &Request<'_>,
        title: &str,
    ) {
        let Some(found) = Use::of(tables, request) else { return };
        let Some(uses) = self.by_source.get_mut(source) else { return };
        // Those of one service or host are next to one another. A source may have many, and each may be taken back.
        let of_target = uses.range(found.first_of_target()..);
        let of_target: Vec<Use> = of_target
            .map(|(used, _)| used)
            .take_while(|used| used.is_of_target(&found))
            .cloned()
            .collect();
        let counts = of_target.iter().filter_map(|used| uses.remove(used));
        let n_requests: u64 = counts.map(|count| count.n_requests).sum();
        self.n_kept -= of_target.len();
        if uses.is_empty() {
            self.by_source.remove(source);
        }
        if n_requests > 0 {
            self.n_matched += n_requests;
            *self.matched.entry((source.to_owned(), title.to_owned())).or_default() += n_requests;
        }
    }

    /// The sources that are in a group of the allow-lists, and did something else than it lists.
    pub(crate) fn of_group<'u>(&'u self, group: &'u str) -> impl Iterator<Item = &'u str> {
        let of_group = self.groups.iter().filter(move |(_, of)| *of == group);
        let sources = of_group.map(|(source, _)| source.as_str());
        sources.filter(|source| self.by_source.contains_key(*source))
    }

    /// What the sources did that are in no group of the allow-lists.
    pub(crate) fn without_groups(&self) -> Uses {
        let mut uses = self.clone();
        uses.by_source.retain(|source, _| !self.groups.contains_key(source));
        uses.matched.retain(|(source, _), _| !self.groups.contains_key(source));
        uses
    }

    fn insert(&mut self, source: &str, used: Use, count: UseCount) {
        let known = self.by_source.get(source).is_some_and(|uses| uses.contains_key(&used));
        if !known && self.n_kept >= MAX_USES {
            self.n_left_out += count.n_requests;
            return;
        }
        self.n_kept += usize::from(!known);
        let uses = self.by_source.entry(source.to_owned()).or_default();
        uses.entry(used).or_default().add(count);
    }

    /// Adds what other pieces of logs have.
    pub(crate) fn add(&mut self, other: &Uses) {
        self.n_requests += other.n_requests;
        self.n_matched += other.n_matched;
        self.n_odd += other.n_odd;
        self.n_without_source += other.n_without_source;
        self.n_left_out += other.n_left_out;
        for (source, group) in &other.groups {
            self.groups.entry(source.clone()).or_insert_with(|| group.clone());
        }
        for (key, number) in &other.matched {
            *self.matched.entry(key.clone()).or_default() += number;
        }
        for (service, operations) in &other.operations {
            self.operations.entry(service.clone()).or_insert(*operations);
        }
        for (entry, number) in &other.listed {
            *self.listed.entry(*entry).or_default() += number;
        }
        for (source, uses) in &other.by_source {
            for (used, count) in uses {
                self.insert(source, used.clone(), *count);
            }
        }
    }
}

/// What can be done to a service, as far as its note says.
fn operations_of(tables: &Tables, name: &str) -> u32 {
    let named = |service: &&Service| tables.str(service.name) == name;
    let service = tables.services.services.iter().find(named);
    let operations = service.map_or(&[][..], |of| of.operations.of(&tables.services.operations));
    operations.iter().fold(0, |bits, of| bits | of.operation.bit())
}

impl Use {
    /// The least use of the same service or host, in the order of uses.
    fn first_of_target(&self) -> Use {
        match self {
            Use::Service { service, .. } => Use::Service {
                service: service.clone(),
                operations: 0,
                identity: None,
                port: 0,
                manner: Manner::Reads,
            },
            Use::Host { host, .. } => {
                Use::Host { host: host.clone(), port: 0, manner: Manner::Reads }
            }
        }
    }

    /// Returns true if another use is of the same service or host.
    fn is_of_target(&self, other: &Use) -> bool {
        match (self, other) {
            (Use::Service { service, .. }, Use::Service { service: of, .. }) => service == of,
            (Use::Host { host, .. }, Use::Host { host: of, .. }) => host == of,
            _ => false,
        }
    }

    /// What a request uses; `None` if its host is no plain name, or it is a tunnel to the port of HTTP, in which
    /// nobody expects TLS.
    fn of(tables: &Tables, request: &Request<'_>) -> Option<Use> {
        let host = plain_host(request.authority)?;
        let is_tunnel = request.path.is_none();
        let port = match split_port(request.authority).1.strip_prefix(b":").unwrap_or_default() {
            [] if is_tunnel || request.scheme != b"http" => 443,
            [] => 80,
            digits => str::from_utf8(digits).ok()?.parse().ok()?,
        };
        if is_tunnel && port == 80 {
            return None;
        }
        let reads = READING_METHODS.iter().any(|method| method.as_bytes() == request.method);
        let manner = match (is_tunnel, reads) {
            (true, _) => Manner::Tunnel,
            (false, true) => Manner::Reads,
            (false, false) => Manner::Sends,
        };
        let Some(found) = ServiceMatch::of(tables, &host, request.path) else {
            let host = String::from_utf8_lossy(&host).into_owned();
            return Some(Use::Host { host, port, manner });
        };
        let operations = found.operations(tables, request.method, &host, request.path);
        Some(Use::Service {
            service: tables.str(found.name).to_owned(),
            operations: operations.bits(),
            identity: found.identity_text(tables),
            port,
            manner,
        })
    }
}
