//! Allow-lists to the tables of a pack.

use std::collections::HashMap;

use inspect::pack::{
    self, ANY_SERVICE, AllowTerms, AllowedHost, AllowedNetwork, AllowedService, HostReach,
    OTHER_OPERATION, PortRange, Range, Tables,
};
use inspect::{RuleId, UNLISTED_FIELD};

use super::super::pool::{end_of, string};
use super::super::{AllowEntry, AllowGroup, AllowTarget, Scope, Word};
use super::Compiler;
use crate::codes;

/// What requests do that no operation of their service describes, in a list of operations.
const OTHER: &str = "other";

/// Every service, in place of a name.
const ANY: &str = "*";

/// The methods, ports and kind of an entry: what [`AllowTerms`] have.
type TermsKey = (Vec<String>, Vec<(u16, u16)>, bool);

impl Compiler<'_> {
    /// Lays down the allow-lists, and a statement for each group that decides on what it may not do. They are
    /// asked before all other statements.
    pub(super) fn allow_groups(&mut self) {
        let policy = self.policy;
        if policy.allow.is_empty() {
            return;
        }
        let Some(rules) = self.unlisted_rule() else { return };
        let mut terms = HashMap::new();
        let mut names = HashMap::new();
        let mut everybody: Option<&Word> = None;
        for (idx, group) in (0..).zip(&policy.allow) {
            if let Some(everybody) = everybody {
                let message = format!("`{}` has no source", group.name.text.escape_debug());
                let help = format!(
                    "`{}` before it has every source: move that one to the end",
                    everybody.text.escape_debug()
                );
                self.findings.add(&codes::NO_EFFECT, group.name.span, message, help);
            }
            if group.sources.is_empty() {
                everybody = everybody.or(Some(&group.name));
            }
            let sources = self.sources(&group.sources);
            let name = string(self.tables, &group.name.text);
            let scope = pack::Scope {
                rules: rules.clone(),
                services: Range::ANY,
                sources: sources.clone(),
                operations: 0,
            };
            let (mode, share) = (group.default, group.share);
            self.compiled.statements.push(pack::Statement { name, mode, usages: 0, share, scope });
            let services = self.allowed_services(group, &mut terms);
            let networks = self.allowed_hosts(idx, group, &mut terms, &mut names);
            let others = self.others(group, &mut terms);
            let group = pack::AllowGroup { name, sources, services, networks, others };
            self.compiled.allow.groups.push(group);
        }
        let Tables { strings, string_ends, .. } = &*self.tables;
        let text = |id: inspect::StrId| {
            let place = |idx: usize| string_ends.get(idx).map_or(0, |end| *end as usize);
            let start = id.index().checked_sub(1).map_or(0, place);
            strings.get(start..place(id.index())).unwrap_or_default()
        };
        self.compiled.allow.sort_hosts(text);
    }

    /// The rule of what is not listed, as a scope has it.
    fn unlisted_rule(&mut self) -> Option<Range> {
        let ids: Vec<RuleId> = self.index.named(UNLISTED_FIELD).to_vec();
        let start = end_of(&self.compiled.rules);
        self.compiled.rules.extend(ids);
        let range = Range { start, end: end_of(&self.compiled.rules) };
        (!range.is_any()).then_some(range)
    }

    fn allowed_services(
        &mut self,
        group: &AllowGroup,
        terms: &mut HashMap<TermsKey, u32>,
    ) -> Range {
        let mut allowed = Vec::new();
        for entry in &group.entries {
            let AllowTarget::Service { service, operations, identities } = &entry.target else {
                continue;
            };
            let scope = Scope { services: vec![service.clone()], ..Scope::default() };
            let any = (service.text == ANY).then_some(ANY_SERVICE);
            let idx = any.or_else(|| self.index.service(&service.text));
            if any.is_some() && (operations.is_empty() || !identities.is_empty()) {
                let message =
                    "an entry for every service needs `operations` and has no `identities`";
                let help = "say what may be done everywhere, as `operations: [read, other]`";
                self.findings.add(&codes::BROKEN_POLICY, service.span, message, help);
                continue;
            }
            if idx.is_none() {
                self.unknown_service(service);
            }
            let operations = self.allowed_operations(operations);
            let identities = self.identities(&scope, identities);
            let terms = self.terms_of(group, entry, terms);
            let Some(service) = idx else { continue };
            allowed.push(AllowedService { service, operations, identities, terms });
        }
        // Entries of one service keep the order in which they were written.
        allowed.sort_by_key(|allowed| allowed.service);
        let start = end_of(&self.compiled.allow.services);
        self.compiled.allow.services.extend(allowed);
        Range { start, end: end_of(&self.compiled.allow.services) }
    }

    /// The operations of an entry, among them `other`.
    fn allowed_operations(&mut self, words: &[Word]) -> u32 {
        let is_other = |word: &&Word| word.text == OTHER;
        let known: Vec<_> = words.iter().filter(|word| !is_other(word)).cloned().collect();
        let other = if known.len() < words.len() { OTHER_OPERATION } else { 0 };
        self.operations(&known) | other
    }

    /// The terms under which a group may use hosts of no service, as a range of one.
    fn others(&mut self, group: &AllowGroup, known: &mut HashMap<TermsKey, u32>) -> Range {
        let Some(others) = &group.others else { return Range::ANY };
        let ports = if others.ports.is_empty() { &group.ports } else { &others.ports };
        let terms = self.terms(&others.methods, ports, false, known);
        Range { start: terms, end: terms + 1 }
    }

    /// Lays down the hosts of a group, and returns the range of its networks.
    fn allowed_hosts(
        &mut self,
        group_idx: u32,
        group: &AllowGroup,
        terms: &mut HashMap<TermsKey, u32>,
        names: &mut HashMap<String, inspect::StrId>,
    ) -> Range {
        let start = end_of(&self.compiled.allow.networks);
        for entry in &group.entries {
            match &entry.target {
                AllowTarget::Service { .. } => {}
                AllowTarget::Network(first, last) => {
                    let terms = self.terms_of(group, entry, terms);
                    let (first, last) = (*first, *last);
                    self.compiled.allow.networks.push(AllowedNetwork { first, last, terms });
                }
                AllowTarget::Host(host, reach) => {
                    self.check_reach(host, *reach, entry);
                    let terms = self.terms_of(group, entry, terms);
                    let name =
                        *names.entry(host.clone()).or_insert_with(|| string(self.tables, host));
                    let (group, reach) = (group_idx, *reach);
                    self.compiled.allow.hosts.push(AllowedHost { group, name, reach, terms });
                }
            }
        }
        Range { start, end: end_of(&self.compiled.allow.networks) }
    }

    /// Reports a wildcard with the names of a service below it, which it does not list.
    fn check_reach(&mut self, host: &str, reach: HostReach, entry: &AllowEntry) {
        if reach == HostReach::Itself {
            return;
        }
        let services = &self.tables.services;
        let is_in = |name: &str| {
            name == host || name.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'))
        };
        let mut found = services.hosts.iter().filter(|known| is_in(self.tables.str(known.name)));
        let Some(known) = found.next() else { return };
        let service = services.services.get(known.service as usize);
        let service = service.map_or("", |service| self.tables.str(service.name));
        let stars = if reach == HostReach::Below { "**" } else { "*" };
        let host = host.escape_debug();
        let message = format!("`{stars}.{host}` does not list the hosts of `{service}`");
        let help = "strangers have names there too: list the service under `services`, with its operations and identities, or a host by its whole name";
        self.findings.add(&codes::WIDE_WILDCARD, entry.target_span, message, help);
    }

    fn terms_of(
        &mut self,
        group: &AllowGroup,
        entry: &AllowEntry,
        known: &mut HashMap<TermsKey, u32>,
    ) -> u32 {
        // Ports of a group are for requests; a tunnel elsewhere than to 443 is written out.
        let is_of_group = entry.ports.is_empty() && !entry.tunnels_only;
        let ports = if is_of_group { &group.ports } else { &entry.ports };
        self.terms(&entry.methods, ports, entry.tunnels_only, known)
    }

    fn terms(
        &mut self,
        methods: &[Word],
        ports: &[(u16, u16)],
        tunnels_only: bool,
        known: &mut HashMap<TermsKey, u32>,
    ) -> u32 {
        for word in methods {
            if !is_method(&word.text) {
                let message = format!("`{}` is not a method", word.text.escape_debug());
                let help = "write methods in capitals, as `GET`";
                self.findings.add(&codes::BROKEN_POLICY, word.span, message, help);
            }
        }
        let methods: Vec<_> = methods.iter().map(|word| word.text.clone()).collect();
        let key = (methods, ports.to_vec(), tunnels_only);
        if let Some(terms) = known.get(&key) {
            return *terms;
        }
        let (methods, ports, tunnels_only) = &key;
        let ids: Vec<_> = methods.iter().map(|method| string(self.tables, method)).collect();
        let allow = &mut self.compiled.allow;
        let first = (end_of(&allow.methods), end_of(&allow.ports));
        allow.methods.extend(ids);
        allow
            .ports
            .extend(ports.iter().map(|(first, last)| PortRange { first: *first, last: *last }));
        let methods = Range { start: first.0, end: end_of(&allow.methods) };
        let ports = Range { start: first.1, end: end_of(&allow.ports) };
        let terms = end_of(&allow.terms);
        allow.terms.push(AllowTerms { methods, ports, tunnels_only: *tunnels_only });
        known.insert(key, terms);
        terms
    }
}

/// A token of HTTP (RFC 9110, section 5.6.2) in capitals.
fn is_method(text: &str) -> bool {
    let is_token = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    !text.is_empty() && text.bytes().all(is_token)
}
