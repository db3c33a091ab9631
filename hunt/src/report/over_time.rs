//! Rules over time, once the logs have ended: what they match, and what is not learned for it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use inspect::{BehaviourField, RuleId};

use super::{Held, Report};
use crate::behaviour::facts::Facts;
use crate::behaviour::request_store::Kept;
use crate::hunter::Hit;

/// The fields that say how new something is.
const OF_NEWS: [BehaviourField; 4] = [
    BehaviourField::FirstUse,
    BehaviourField::NewHosts,
    BehaviourField::Prevalence,
    BehaviourField::ServicePrevalence,
];

impl Report {
    /// Judges the candidates of rules of behaviour. A pair has one record of a rule: of the first request.
    pub(super) fn behaviour(&mut self, out: &mut String) {
        self.ledger.finish();
        let waiting = self.candidates.by_pair();
        if waiting.is_empty() {
            return;
        }
        let mut facts = Facts::new(&self.ledger);
        let mut hits: Vec<(Kept, (u32, u32), Hit)> = Vec::new();
        let mut of_pair = None;
        for candidate in waiting {
            let (source, host) = (candidate.source, candidate.host);
            // Whoever varies its agent has few that are kept apart, and so few facts to compute.
            let agent = facts.kept_agent(source, host, candidate.agent);
            let key = (source, host, agent);
            if of_pair.as_ref().is_none_or(|(known, _)| *known != key) {
                let Some(pair) = facts.of_pair(source, host, agent) else { continue };
                of_pair = Some((key, pair));
            }
            let Some((_, pair)) = &of_pair else { continue };
            let Some(kind) = self.candidates.kind(&candidate) else { continue };
            let (service, operations, identity) = (kind.service, kind.operations, kind.identity);
            let behaviour = facts.behaviour(source, host, pair, service, operations, identity);
            // Most can match no more, and their requests need not be read.
            if !self.judge.inspector.may_match(&kind.rules, &behaviour) {
                continue;
            }
            let kept = match self.candidates.request(&candidate) {
                Ok(kept) => kept,
                Err(error) => {
                    self.lost = Some(error);
                    continue;
                }
            };
            let hit = self.judge.candidate(&kept.request, kept.time_ms, &behaviour);
            hits.extend(hit.map(|hit| (kept, (source, host), hit)));
        }
        hits.sort_by_key(|(kept, ..)| (kept.file, kept.line));
        let mut known: BTreeSet<((u32, u32), RuleId)> = BTreeSet::new();
        for (kept, pair, mut hit) in hits {
            let n_matches = hit.matches.len();
            hit.matches.retain(|matched| known.insert((pair, matched.rule)));
            self.n_repeated += (n_matches - hit.matches.len()) as u64;
            self.take_back(&kept, &hit);
            self.records(&hit, Some(pair), kept.file, kept.line, out);
            self.count(hit.decided.as_ref());
            if let Some(time_ms) = hit.time_ms.filter(|_| !hit.hits.is_empty()) {
                let at = (time_ms, kept.file, kept.line);
                self.held.push(Reverse(Held { at, hits: hit.hits }));
            }
        }
    }

    /// Takes back from what is learned where a rule over time found something. A rule that asks for nothing but
    /// what is new takes nothing back: in the log that is learned from, everything is used for the first time.
    fn take_back(&mut self, kept: &Kept, hit: &Hit) {
        if self.uses.n_requests == 0 {
            return;
        }
        let inspector = &self.judge.inspector;
        let tables = inspector.pack().tables();
        let asks_more = |rule: RuleId| {
            inspector.behaviour_of(rule).iter().any(|field| !OF_NEWS.contains(&field))
        };
        let Some(found) = hit.matches.iter().find(|matched| asks_more(matched.rule)) else {
            return;
        };
        let Some(rule) = tables.rule(found.rule) else { return };
        let request = kept.request.lend();
        let address = request.source_address.map(String::from_utf8_lossy).unwrap_or_default();
        let source = kept.request.sender().unwrap_or(&address);
        self.uses.take_back(tables, source, &request, tables.str(rule.title));
    }
}
