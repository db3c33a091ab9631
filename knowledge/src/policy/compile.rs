//! A [`Policy`] to the tables of a pack.

mod allow;
mod credentials;
mod headers;

use std::collections::HashMap;

use diagnostics::{Finding, Findings, Span, closest};
use inspect::pack::{Level, Operation, PolicyTables, Range, SourceKind, SourcePattern, Tables};
use inspect::{IdentityKey, Operations, network, pack};

use super::index::Index;
use super::namespaces::{Namespaces, Unfit};
use super::pool::{end_of, string};
use super::{Policy, Scope, Word};
use crate::codes;
use crate::limits::MAX_POLICY_SOURCES;

impl Policy {
    /// Lays the policy down in the tables of a pack that has its rules and services already.
    /// The tables are as they were where a finding is an error.
    pub fn compile(&self, tables: &mut Tables, key: Option<IdentityKey>) -> Vec<Finding> {
        let compiled =
            PolicyTables { default: self.default, key_check: 0, ..PolicyTables::default() };
        let findings = Findings::new(&self.file);
        let index = Index::new(self, tables);
        let mut compiler = Compiler {
            policy: self,
            tables,
            index,
            compiled,
            findings,
            key,
            namespaces: HashMap::new(),
            sources: HashMap::new(),
        };
        compiler.allow_groups();
        compiler.statements();
        compiler.exceptions();
        compiler.sanctions();
        compiler.headers();
        compiler.credentials();
        let Compiler { tables, mut compiled, findings, .. } = compiler;
        if findings.n_errors() == 0 {
            if let (Some(key), false) = (key, compiled.identities.is_empty()) {
                compiled.key_check = key.check();
            }
            tables.policy = compiled;
        }
        findings.into_list()
    }
}

struct Compiler<'a> {
    policy: &'a Policy,
    tables: &'a mut Tables,
    index: Index,
    compiled: PolicyTables,
    findings: Findings,
    key: Option<IdentityKey>,
    /// Those of the services whose tenants the policy names.
    namespaces: HashMap<u32, Namespaces>,
    /// Lists of sources that are laid down already, by their texts: many entries are about one group.
    sources: HashMap<Vec<&'a str>, Range>,
}

impl<'a> Compiler<'a> {
    fn statements(&mut self) {
        let mut all: Option<&Word> = None;
        for statement in &self.policy.statements {
            if let Some(all) = all {
                let message = format!("`{}` is never asked", statement.name.text.escape_debug());
                let help = format!(
                    "`{}` before it is about everything: move that one to the end",
                    all.text.escape_debug()
                );
                self.findings.add(&codes::NO_EFFECT, statement.name.span, message, help);
            }
            let Some(scope) = self.scope(&statement.scope, &statement.name) else { continue };
            let is_open = scope.rules.is_any()
                && scope.services.is_any()
                && scope.sources.is_any()
                && scope.operations == 0;
            if is_open && statement.usages.is_empty() && statement.share == pack::WHOLE_SHARE {
                all = all.or(Some(&statement.name));
            }
            let name = string(self.tables, &statement.name.text);
            let usages = statement.usages.iter().fold(0, |bits, usage| bits | usage.bit());
            let (mode, share) = (statement.mode, statement.share);
            self.compiled.statements.push(pack::Statement { name, mode, usages, share, scope });
        }
    }

    fn exceptions(&mut self) {
        for exception in &self.policy.exceptions {
            let Some(scope) = self.scope(&exception.scope, &exception.id) else { continue };
            let identities = self.identities(&exception.scope, &exception.identities);
            let id = string(self.tables, &exception.id.text);
            let expires = exception.expires.0;
            self.compiled.exceptions.push(pack::Exception { id, expires, scope, identities });
        }
    }

    fn sanctions(&mut self) {
        for sanction in &self.policy.sanctions {
            let name = Word { text: "sanctioned".into(), span: sanction.span };
            let Some(scope) = self.scope(&sanction.scope, &name) else { continue };
            let identities = self.identities(&sanction.scope, &sanction.identities);
            self.compiled.sanctions.push(pack::Sanction { scope, identities });
        }
    }

    /// `None` where it selects nothing, which was reported.
    fn scope(&mut self, scope: &'a Scope, name: &Word) -> Option<pack::Scope> {
        let rules = self.rules(scope, name);
        let start = end_of(&self.compiled.services);
        for word in &scope.services {
            match self.index.service(&word.text) {
                Some(idx) => self.compiled.services.push(idx),
                None => self.unknown_service(word),
            }
        }
        let services = Range { start, end: end_of(&self.compiled.services) };
        let sources = self.sources(&scope.sources);
        let operations = self.operations(&scope.operations);
        Some(pack::Scope { rules: rules?, services, sources, operations })
    }

    fn sources(&mut self, words: &'a [Word]) -> Range {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        if let Some(known) = self.sources.get(&texts) {
            return known.clone();
        }
        let n_errors = self.findings.n_errors();
        let start = end_of(&self.compiled.sources);
        for word in words {
            self.source(word);
        }
        let range = Range { start, end: end_of(&self.compiled.sources) };
        // What is wrong is reported wherever it is written.
        if self.findings.n_errors() == n_errors {
            self.sources.insert(texts, range.clone());
        }
        range
    }

    /// The operations of a list as a set of bits; 0 for an empty list.
    fn operations(&mut self, words: &[Word]) -> u32 {
        let mut operations = Operations::default();
        for word in words {
            match Operation::from_name(&word.text) {
                Some(operation) => operations.insert(operation),
                None => {
                    let names = Operation::ALL.iter().map(|operation| operation.as_str());
                    let near = closest(&word.text, names.clone()).map(str::to_owned);
                    let all =
                        format!("the operations are {}", names.collect::<Vec<_>>().join(", "));
                    self.unknown("operation", word, near, &all);
                }
            }
        }
        operations.bits()
    }

    /// Reports a name that nothing has; `help` is for one without a name near it.
    fn unknown(&mut self, what: &str, word: &Word, near: Option<String>, help: &str) {
        let message = format!("there is no {what} `{}`", word.text.escape_debug());
        let near = near.map(|near| format!("did you mean `{}`?", near.escape_debug()));
        let help = near.as_deref().unwrap_or(help);
        self.findings.add(&codes::UNKNOWN_NAME, word.span, message, help);
    }

    fn unknown_service(&mut self, word: &Word) {
        let near = self.index.closest_service(&word.text);
        self.unknown("service", word, near, "give the name in a service note");
    }

    /// The rules of all that is listed: one of `rules`, one of `techniques` and one of `levels`.
    fn rules(&mut self, scope: &Scope, name: &Word) -> Option<Range> {
        if [&scope.rules, &scope.techniques, &scope.levels].iter().all(|list| list.is_empty()) {
            return Some(Range::ANY);
        }
        let n_errors = self.findings.n_errors();
        for word in &scope.rules {
            if self.index.named(&word.text).is_empty() {
                let near = self.index.closest_rule(&word.text);
                let help = "give the `id` or the title of a rule of this pack";
                self.unknown("rule", word, near, help);
            }
        }
        for word in &scope.techniques {
            if !is_technique(&word.text) {
                self.unknown("technique", word, None, "write it as `T1102` or `T1102.002`");
            }
        }
        for word in &scope.levels {
            if word.text.is_empty() || !Level::ALL.iter().any(|level| level.as_str() == word.text) {
                let help = "write `informational`, `low`, `medium`, `high` or `critical`";
                let levels = Level::ALL.iter().map(|level| level.as_str());
                let near = closest(&word.text, levels.filter(|level| !level.is_empty()));
                self.unknown("level", word, near.map(str::to_owned), help);
            }
        }
        let Some(range) = self.range_of(scope) else {
            if self.findings.n_errors() > n_errors {
                return None;
            }
            let message = format!("`{}` is about no rule of this pack", name.text.escape_debug());
            let help = "no rule has this technique and level; correct them, or remove it";
            self.findings.add(&codes::NO_EFFECT, name.span, message, help);
            return None;
        };
        Some(range)
    }

    /// Lays the rules of a scope down, once for all scopes with the same lists; `None` for no rule.
    fn range_of(&mut self, scope: &Scope) -> Option<Range> {
        let lists = [&scope.rules, &scope.techniques, &scope.levels];
        let words =
            lists.map(|list| list.iter().map(|word| word.text.as_str()).collect::<Vec<_>>());
        let key = format!("{words:?}");
        if let Some(range) = self.index.ranges.get(&key) {
            return range.clone();
        }
        let ids = self.index.rules_of(self.tables, scope);
        let start = end_of(&self.compiled.rules);
        self.compiled.rules.extend(&ids);
        let range = Range { start, end: end_of(&self.compiled.rules) };
        let range = (!ids.is_empty()).then_some(range);
        self.index.ranges.insert(key, range.clone());
        range
    }

    /// A group's sources, or the one source that a word is.
    fn source(&mut self, word: &Word) {
        let group = self.index.group(&word.text).and_then(|idx| self.policy.groups.get(idx));
        let n_sources = group.map_or(1, |group| group.sources.len());
        if self.compiled.sources.len() + n_sources > MAX_POLICY_SOURCES {
            let message =
                format!("the lists of sources have more than {MAX_POLICY_SOURCES} entries");
            let help = "each list has all sources of its groups: give entries about the same sources the same list, or list networks";
            self.findings.add(&codes::BROKEN_POLICY, word.span, message, help);
            return;
        }
        match group {
            Some(group) => {
                for word in &group.sources {
                    self.single_source(word);
                }
            }
            // A name alone could be a group that was misspelt.
            None if word.text.contains("://")
                || network(&word.text).is_ok_and(|it| it.is_some()) =>
            {
                self.single_source(word);
            }
            None => {
                let help = "list the name in a group under `sources`; only SPIFFE ids, addresses and networks need no group";
                let near = self.index.closest_group(&word.text);
                self.unknown("group of sources", word, near, help);
            }
        }
    }

    fn single_source(&mut self, word: &Word) {
        let (kind, name, (first, last)) = match network(&word.text) {
            Ok(Some(range)) => (SourceKind::Network, "", range),
            Ok(None) => match word.text.strip_suffix('*') {
                Some(start) => (SourceKind::Prefix, start, (0, 0)),
                None => (SourceKind::Name, word.text.as_str(), (0, 0)),
            },
            Err(why) => {
                let message = format!("`{}` {why}", word.text.escape_debug());
                let help = "write an address and a prefix length, as `10.4.0.0/16`";
                self.findings.add(&codes::BROKEN_POLICY, word.span, message, help);
                return;
            }
        };
        let name = string(self.tables, name);
        self.compiled.sources.push(SourcePattern { kind, name, first, last });
    }

    fn identities(&mut self, scope: &Scope, words: &[Word]) -> Range {
        let mut hashes = Vec::new();
        for word in words {
            hashes.extend(self.identity(scope, word));
        }
        hashes.sort_unstable();
        hashes.dedup();
        let start = end_of(&self.compiled.identities);
        self.compiled.identities.extend(hashes);
        Range { start, end: end_of(&self.compiled.identities) }
    }

    fn identity(&mut self, scope: &Scope, word: &Word) -> Option<u64> {
        if let Some(hash) = word.text.strip_prefix('#') {
            let hash = u64::from_str_radix(hash, 16).ok().filter(|_| hash.len() == 16);
            if hash.is_none() {
                self.broken_identity(word.span, "the hash has not 16 hexadecimal digits");
            }
            return hash;
        }
        let [service] = scope.services.as_slice() else {
            self.broken_identity(word.span, "identities belong to one service");
            return None;
        };
        let Some(key) = self.key else {
            let message = "identities are hashed, and there is no key";
            let help = "give the plugin's key with `--identity-key FILE`: 32 hexadecimal digits";
            self.findings.add(&codes::NO_IDENTITY_KEY, word.span, message, help);
            return None;
        };
        // A service that no note has was reported.
        let idx = self.index.service(&service.text)?;
        let tables = &*self.tables;
        let namespaces = self.namespaces.entry(idx).or_insert_with(|| Namespaces::of(tables, idx));
        let found = namespaces.find(&word.text);
        match found {
            Ok((namespace, places)) => {
                let places = places.into_iter().map(str::as_bytes);
                return Some(key.identity(&service.text, Some(namespace), places));
            }
            Err(Unfit::Places(numbers)) => {
                let name = service.text.escape_debug();
                let message = format!("no URL of `{name}` has such an identity");
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                let help = match numbers.as_slice() {
                    [] => "the service note has no template with places for identities".to_owned(),
                    some => format!(
                        "write the places of a template of the service note with slashes between them: {} of them",
                        some.join(" or ")
                    ),
                };
                self.findings.add(&codes::NO_EFFECT, word.span, message, help);
                // The hash of no tenant: without any hash the scope would be about all of them.
                return Some(key.identity(&service.text, None, std::iter::empty()));
            }
            Err(Unfit::Several(names)) => {
                let text = word.text.escape_debug();
                let message =
                    format!("`{text}` may be several tenants of `{}`", service.text.escape_debug());
                let names = names.iter().map(|name| format!("`{text}@{}`", name.escape_debug()));
                let help = format!("write which: {}", names.collect::<Vec<_>>().join(", "));
                self.findings.add(&codes::BROKEN_POLICY, word.span, message, help);
            }
        }
        None
    }

    fn broken_identity(&mut self, span: Span, message: &str) {
        let help = "name one service under `services`, and write the places of its template with slashes between them, or the hash that an event shows as `#0123456789abcdef`";
        self.findings.add(&codes::BROKEN_POLICY, span, message, help);
    }
}

fn is_technique(word: &str) -> bool {
    let digits =
        |text: &str, n: usize| text.len() == n && text.bytes().all(|it| it.is_ascii_digit());
    let id = word.strip_prefix('T').unwrap_or_default();
    match id.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(id, 4),
    }
}
