//! What the sources of one log did over time, beside any request of it: for a page that explains requests.

use std::collections::HashMap;

use inspect::{
    Behaviour, BehaviourField, IdentityKey, Operations, Pack, Request, ServiceMatch, ServiceUse,
    pair_host, plain_host,
};
use serde_json::Value;
use traffic::json::Time;
use traffic::{Duration, Entry, FieldMap, Layout, LogReader};

use crate::behaviour::facts::{Facts, PairFacts};
use crate::behaviour::ledger::Ledger;
use crate::behaviour::uses::{self, Names, Noted, Sent, hash_of};
use crate::behaviour::values;

/// A log whose requests are known by source and host.
#[derive(Debug)]
pub struct ObservedLog {
    pack: Pack,
    ledger: Ledger,
}

/// What a source did with a host, over the whole log.
#[derive(Clone, Debug)]
pub struct ObservedPair {
    /// The source, as the log names it.
    pub source: String,
    /// The host.
    pub host: String,
    /// The fields that rules ask for, of a request of the pair.
    pub behaviour: Behaviour,
    /// The fields with a value, and the values as text.
    pub fields: Vec<(&'static str, String)>,
    /// When the requests were, in seconds since 1970 and in order.
    pub times: Vec<u32>,
}

/// Asks a log about its requests. Pairs are computed once.
#[derive(Debug)]
pub struct LogObserver<'l> {
    log: &'l ObservedLog,
    facts: Facts<'l>,
    pairs: HashMap<(u32, u32, Option<u64>), Option<PairFacts>>,
}

/// Within one log any key serves: nobody sees the hashes.
const KEY: IdentityKey = IdentityKey([0; 16]);

impl ObservedLog {
    /// Reads a log of any format that a hunt knows by its lines. The services are those of the pack. Requests
    /// without a time, a source or a host say nothing, and lines that cannot be read are left out.
    pub fn read(pack: Pack, log: &[u8]) -> ObservedLog {
        let (mut names, mut noted) = (Names::default(), Noted::default());
        if let Some(layout) = Layout::detect(log) {
            LogReader::new(layout, &FieldMap::default()).read(log, &mut |_, entry| {
                let Ok(Entry::Request(logged)) = entry else { return };
                let request = logged.line.lend();
                let sent = Sent {
                    source: request.source_address.unwrap_or_default(),
                    time_ms: logged.time.and_then(Time::milliseconds),
                    duration_ms: logged.duration.as_ref().and_then(Duration::milliseconds),
                    connection: None,
                };
                let host = pair_host(request.authority);
                let find = || ServiceUse::of(pack.tables(), &KEY, &host, &request);
                uses::note(&request, &host, find, &sent, &mut names, &mut noted);
            });
        }
        let mut ledger = Ledger::default();
        ledger.take(&noted, false);
        ledger.finish();
        ObservedLog { pack, ledger }
    }

    /// Returns true if no request has a time, a source and a host.
    pub fn is_empty(&self) -> bool {
        self.ledger.pairs.is_empty()
    }

    /// Returns an observer of the log.
    pub fn observer(&self) -> LogObserver<'_> {
        LogObserver { log: self, facts: Facts::new(&self.ledger), pairs: HashMap::new() }
    }
}

impl LogObserver<'_> {
    /// Returns the fields of behaviour of a request of the log; `None` where its source did nothing in it.
    pub fn behaviour(&mut self, request: &Request<'_>) -> Option<Behaviour> {
        let host = pair_host(request.authority);
        let source = self.log.ledger.names.find(hash_of(request.source_address?))?;
        let host_id = self.log.ledger.names.find(hash_of(&*host))?;
        let agent = hash_of(request.user_agent.unwrap_or_default());
        let agent = self.facts.kept_agent(source, host_id, agent);
        let key = (source, host_id, agent);
        if !self.pairs.contains_key(&key) {
            let pair = self.facts.of_pair(source, host_id, agent);
            self.pairs.insert(key, pair);
        }
        let pair = self.pairs.get(&key)?.as_ref()?;
        let tables = self.log.pack.tables();
        let plain = plain_host(request.authority);
        let found = plain.as_ref().and_then(|host| ServiceMatch::of(tables, host, request.path));
        let operations =
            found.as_ref().zip(plain.as_ref()).map_or_else(Operations::default, |(found, host)| {
                found.operations(tables, request.method, host, request.path)
            });
        let identity = found.as_ref().and_then(|found| found.identity(tables, &KEY));
        let service = found.as_ref().map(|found| found.service);
        Some(self.facts.behaviour(source, host_id, pair, service, operations, identity))
    }

    /// Returns what the source of a request did with its host.
    pub fn pair(&mut self, request: &Request<'_>) -> Option<ObservedPair> {
        let behaviour = self.behaviour(request)?;
        let ledger = &self.log.ledger;
        let source = ledger.names.find(hash_of(request.source_address?))?;
        let host = ledger.names.find(hash_of(&*pair_host(request.authority)))?;
        let facts = self.facts.of_pair(source, host, None)?;
        let text = |value: Value| match value {
            Value::Array(list) => {
                list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            value => value.to_string(),
        };
        let fields = BehaviourField::ALL.into_iter();
        let fields = fields
            .filter_map(|field| Some((field.as_str(), text(values::value_of(&behaviour, field)?))));
        Some(ObservedPair {
            source: ledger.names.text(source).to_owned(),
            host: ledger.names.text(host).to_owned(),
            behaviour,
            fields: fields.collect(),
            times: facts.events.iter().map(|event| event.time).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_a_log_is_seen_beside_those_of_its_source() {
        let pack = || Pack::decode(&sigma::Compiler::new("none", 0).finish().encode()).unwrap();
        let line = |minute: u32, host: &str| {
            format!(
                "{{\"start_time\":\"2026-11-21T07:{minute:02}:00Z\",\"method\":\"GET\",\"authority\":\"{host}\",\"path\":\"/poll\",\"user_agent\":\"a\",\"downstream_remote_address\":\"10.0.0.7:4242\"}}\n"
            )
        };
        let mut log: String = (0..50).map(|minute| line(minute, "beacon.example")).collect();
        log += &line(3, "other.example");
        let observed = ObservedLog::read(pack(), log.as_bytes());
        assert!(!observed.is_empty());
        let mut observer = observed.observer();
        let request = |host: &'static str| Request {
            method: b"GET",
            authority: host.as_bytes(),
            path: Some(b"/poll"),
            user_agent: Some(b"a"),
            source_address: Some(b"10.0.0.7"),
            ..Request::default()
        };
        let pair = observer.pair(&request("beacon.example")).unwrap();
        assert_eq!((pair.host.as_str(), pair.times.len()), ("beacon.example", 50));
        assert_eq!(pair.behaviour.beacon_period.value(), Some(60));
        assert!(
            pair.fields.iter().any(|(name, _)| *name == "tidegate.beacon"),
            "{:?}",
            pair.fields
        );
        assert_eq!(observer.pair(&request("other.example")).unwrap().times.len(), 1);
        assert!(observer.pair(&request("nobody.example")).is_none());
        assert!(ObservedLog::read(pack(), b"not a log\n").is_empty());
    }
}
