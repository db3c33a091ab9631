//! Which rules find what is done to which service.
//!
//! Every operation of a service has example requests, and every rule has some. A rule covers an operation of
//! a service if it matches one of them: as its note has it, or sent by a scripting client.

mod page;
mod picture;

use std::collections::{BTreeMap, BTreeSet};

use inspect::pack::Operation;
use inspect::{Inspector, Request, RuleId, ServiceMatch, plain_host};

use crate::library::Library;
use crate::note::{Expectation, Runbook};

/// User agents with which examples of services are sent besides their own: the clients that tools and
/// attackers use most.
const CLIENTS: [&str; 3] = ["curl/8.5.0", "python-requests/2.32.3", "Go-http-client/2.0"];

/// What the rules of a library find, by service and operation.
#[derive(Clone, Debug)]
pub struct Coverage<'l> {
    /// The services, by category and name.
    pub services: Vec<CoveredService<'l>>,
    /// The rules, in the order of the library.
    pub rules: Vec<CoveringRule<'l>>,
}

/// A service, and what rules find of what is done to it.
#[derive(Clone, Debug)]
pub struct CoveredService<'l> {
    /// Its name.
    pub name: &'l str,
    /// What kind of service it is; empty where its note does not say.
    pub category: &'l str,
    /// The techniques that its note names.
    pub techniques: &'l [String],
    /// The rules that find each of its operations: indices into [`Coverage::rules`].
    pub operations: BTreeMap<Operation, BTreeSet<usize>>,
}

/// A rule that finds something.
#[derive(Clone, Debug)]
pub struct CoveringRule<'l> {
    /// Sigma `id`, or the title.
    pub id: &'l str,
    /// Sigma `title`.
    pub title: &'l str,
    /// The techniques of its tags, as `T1102.002`.
    pub techniques: BTreeSet<String>,
    /// How it is tested; `None` where it has no runbook.
    pub runbook: Option<&'l Runbook>,
}

/// Services or hosts that somebody else lists as abused: what the notes are counted against.
#[derive(Clone, Debug)]
pub struct Denominator {
    /// What lists them.
    pub title: String,
    /// Each entry with hosts of it.
    pub entries: Vec<(String, Vec<String>)>,
}

impl Denominator {
    /// The entries that no service has: none of their hosts belongs to one, nor does a name below it.
    pub fn missing(&self, inspector: &Inspector) -> Vec<&str> {
        let tables = inspector.pack().tables();
        let is_known = |host: &String| {
            let below = format!("x.{host}");
            [host.as_bytes(), below.as_bytes()]
                .into_iter()
                .any(|host| ServiceMatch::of(tables, host, Some(b"/x/x/x")).is_some())
        };
        let missing = self.entries.iter().filter(|(_, hosts)| !hosts.iter().any(is_known));
        missing.map(|(name, _)| name.as_str()).collect()
    }
}

impl<'l> Coverage<'l> {
    /// Runs the examples of a library: `rule_ids` are those that its compilation gave the rules, and the
    /// inspector has its pack.
    pub fn of(
        library: &'l Library,
        rule_ids: &[Option<RuleId>],
        mut inspector: Inspector,
    ) -> Coverage<'l> {
        let mut rules = Vec::new();
        let mut indices = BTreeMap::new();
        for (entry, rule_id) in library.rules.iter().zip(rule_ids) {
            let Some(rule_id) = *rule_id else { continue };
            let id = entry.rule.id_or_title();
            let techniques = entry.rule.metadata.tags.iter().filter_map(|tag| technique(tag));
            indices.insert(rule_id, rules.len());
            rules.push(CoveringRule {
                id,
                title: &entry.rule.metadata.title,
                techniques: techniques.collect(),
                runbook: library.runbooks.iter().find(|runbook| runbook.rule == id),
            });
        }
        let mut services: Vec<CoveredService<'l>> = Vec::new();
        for service in &library.services {
            let operations = service.operations.iter().map(|of| (of.operation, BTreeSet::new()));
            services.push(CoveredService {
                name: &service.name,
                category: &service.category,
                techniques: &service.techniques,
                operations: operations.collect(),
            });
        }
        let mut run = |request: &Request<'_>| {
            let found = operations(&inspector, request);
            let verdict = inspector.inspect(request);
            let matched = verdict.matches.iter().filter_map(|of| indices.get(&of.rule));
            let matched: Vec<usize> = matched.copied().collect();
            let Some((service, operations)) = found else { return };
            let Some(service) = services.get_mut(service) else { return };
            for operation in operations {
                if let Some(rules) = service.operations.get_mut(&operation) {
                    rules.extend(&matched);
                }
            }
        };
        let is_match = |expectation| expectation == Expectation::Match;
        for note in &library.notes {
            for example in note.examples.iter().filter(|of| is_match(of.expectation)) {
                run(&example.request.lend());
            }
        }
        for operation in library.services.iter().flat_map(|service| &service.operations) {
            for example in operation.examples.iter().filter(|of| is_match(of.expectation)) {
                let request = example.request.lend();
                run(&request);
                for client in CLIENTS {
                    run(&Request { user_agent: Some(client.as_bytes()), ..request });
                }
            }
        }
        services.sort_by_key(|service| (service.category, service.name));
        Coverage { services, rules }
    }

    /// Returns the number of operations of all services, and how many of them a rule finds.
    pub fn n_operations(&self) -> (usize, usize) {
        let operations = || self.services.iter().flat_map(|service| service.operations.values());
        (operations().count(), operations().filter(|rules| !rules.is_empty()).count())
    }

    /// Renders the page in Markdown, without what is counted against others' lists.
    pub fn page(&self) -> String {
        page::page(self)
    }

    /// Renders the matrix of services and operations as SVG.
    pub fn picture(&self) -> String {
        picture::svg(self)
    }
}

/// The service of a request, and what the request does to it.
fn operations(inspector: &Inspector, request: &Request<'_>) -> Option<(usize, Vec<Operation>)> {
    let tables = inspector.pack().tables();
    let host = plain_host(request.authority)?;
    let found = ServiceMatch::of(tables, &host, request.path)?;
    let operations = found.operations(tables, request.method, &host, request.path);
    Some((found.service as usize, operations.iter().collect()))
}

/// The technique of a tag, as `T1102.002`.
fn technique(tag: &str) -> Option<String> {
    let id = tag.strip_prefix("attack.t")?;
    Some(format!("T{id}"))
}
