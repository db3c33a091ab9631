//! Rules to the tables of a pack: everything that costs time, done before a request comes.

mod correlations;
mod frequency;
mod grams;
mod minimal;
mod name_condition;
mod networks;
mod patterns;
mod program;
mod re2;
pub(crate) mod regex;
mod regex_class;
mod scans;
mod trie;

use std::collections::HashMap;

use inspect::pack::{self, Atom, HostMatching, KEYWORDS, Level, Op, Tables};
use inspect::{AtomId, FieldId, ProxyField, RuleId, StrId};

use crate::hosts;
use crate::rule::Rule;
use correlations::Correlations;
use diagnostics::Diagnostic;
use patterns::Patterns;

/// Collects rules and makes the tables of a pack of them.
///
/// The order of the rules is the order in the pack; the same rules in the same order give the same
/// bytes.
#[derive(Debug)]
pub struct Compiler {
    name: String,
    version: u64,
    hosts: HostMatching,
    strings: Strings,
    fields: Vec<StrId>,
    fields_by_name: HashMap<StrId, FieldId>,
    rules: Vec<pack::Rule>,
    tags: Vec<StrId>,
    code: Vec<u32>,
    unguarded: Vec<RuleId>,
    tests: Vec<pack::Test>,
    atoms: Vec<AtomDraft>,
    atoms_by_key: HashMap<AtomKey, AtomId>,
    patterns: Patterns,
    correlations: Correlations,
}

#[derive(Debug)]
struct AtomDraft {
    field: FieldId,
    label: StrId,
    /// The rules that the atom wakes.
    rules: Vec<RuleId>,
    /// The patterns that no scan looks for.
    unindexed: Vec<inspect::PatternId>,
    /// How often the atom will be true, roughly: the share of events.
    frequency: f64,
}

/// What makes two atoms the same: label, field, patterns.
type AtomKey = (StrId, FieldId, Vec<inspect::PatternId>);

impl Compiler {
    /// Starts a pack. `version` grows with each release of the pack.
    pub fn new(name: &str, version: u64) -> Self {
        Compiler {
            name: name.to_owned(),
            version,
            hosts: HostMatching::Text,
            strings: Strings::default(),
            fields: Vec::new(),
            fields_by_name: HashMap::new(),
            rules: Vec::new(),
            tags: Vec::new(),
            code: Vec::new(),
            unguarded: Vec::new(),
            tests: Vec::new(),
            atoms: Vec::new(),
            atoms_by_key: HashMap::new(),
            patterns: Patterns::default(),
            correlations: Correlations::default(),
        }
    }

    /// What suffixes of host names mean in the rules that are added from now on; text unless set
    /// otherwise, as Sigma says.
    #[must_use]
    pub fn with_hosts(self, hosts: HostMatching) -> Self {
        Compiler { hosts, ..self }
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// What in the rule cannot be run exactly. The pack is as it was before, but for unused strings.
    pub fn add(&mut self, rule: &Rule) -> Result<RuleId, Vec<Diagnostic>> {
        let at_boundaries = match self.hosts {
            HostMatching::Text => None,
            HostMatching::Labels => hosts::at_boundaries(rule),
        };
        let rule = at_boundaries.as_ref().unwrap_or(rule);
        self.patterns.prepare(rule)?;
        let id = RuleId(u32::try_from(self.rules.len()).unwrap_or(u32::MAX));
        let code_start = end_of(&self.code);
        let draft = program::draft(self, rule)?;
        program::emit(self, &draft);
        match draft.witness() {
            Some(witness) => {
                for atom in witness.atoms {
                    if let Some(atom) = self.atoms.get_mut(atom.index()) {
                        atom.rules.push(id);
                        self.patterns.scan_for(&atom.unindexed);
                    }
                }
            }
            None => self.unguarded.push(id),
        }
        let tags_start = end_of(&self.tags);
        for tag in &rule.metadata.tags {
            let tag = self.strings.id(tag);
            self.tags.push(tag);
        }
        let logsource =
            [&rule.logsource.category, &rule.logsource.product, &rule.logsource.service];
        let logsource = logsource.map(|part| part.as_deref().unwrap_or_default()).join("/");
        let compiled = pack::Rule {
            id: self.strings.id(rule.id_or_title()),
            title: self.strings.id(&rule.metadata.title),
            author: self.strings.id(rule.metadata.author.as_deref().unwrap_or_default()),
            status: self.strings.id(rule.metadata.status.as_deref().unwrap_or_default()),
            logsource: self.strings.id(&logsource),
            level: rule.metadata.level.unwrap_or(Level::Unset),
            phase: draft.phase(),
            alerts: true,
            tags_start,
            tags_end: end_of(&self.tags),
            code_start,
            code_end: end_of(&self.code),
        };
        self.rules.push(compiled);
        self.correlations.name_rule(rule, id);
        Ok(id)
    }

    /// The tables of a pack of the rules that were added.
    pub fn finish(self) -> Tables {
        let mut atoms = Vec::with_capacity(self.atoms.len());
        let mut atom_rules = Vec::new();
        let mut unindexed = Vec::new();
        for atom in self.atoms {
            let rules_start = end_of(&atom_rules);
            atom_rules.extend(atom.rules);
            let unindexed_start = end_of(&unindexed);
            unindexed.extend(self.patterns.unindexed(&atom.unindexed));
            atoms.push(Atom {
                field: atom.field,
                label: atom.label,
                rules_start,
                rules_end: end_of(&atom_rules),
                unindexed_start,
                unindexed_end: end_of(&unindexed),
                is_deferred: false,
            });
        }
        let has_keywords = atoms.iter().any(|atom| atom.field == KEYWORDS);
        let wakes: Vec<bool> = atoms.iter().map(|atom| atom.rules_start < atom.rules_end).collect();
        // A proxy has one URL under many names.
        let is_of_proxy = |name: &StrId| ProxyField::from_name(self.strings.get(*name)).is_some();
        let shares: Vec<bool> = self.fields.iter().map(is_of_proxy).collect();
        let patterns = self.patterns.finish(&wakes, &shares);
        for (atom, is_deferred) in atoms.iter_mut().zip(&patterns.deferred_atoms) {
            atom.is_deferred = *is_deferred;
        }
        Tables {
            name: self.name,
            version: self.version,
            hosts: self.hosts,
            strings: self.strings.text,
            string_ends: self.strings.ends,
            fields: self.fields,
            rules: self.rules,
            tags: self.tags,
            code: self.code,
            unguarded: self.unguarded,
            atoms,
            atom_rules,
            unindexed,
            tests: self.tests,
            patterns: patterns.patterns,
            pattern_atoms: patterns.pattern_atoms,
            glob_tokens: patterns.glob_tokens,
            glob_ends: patterns.glob_ends,
            regexes: patterns.regexes,
            nfas: patterns.nfas,
            scans: patterns.scans,
            keywords: patterns.keywords,
            shared: patterns.shared,
            deferred: patterns.deferred,
            deferred_keywords: patterns.deferred_keywords,
            has_keywords,
            correlations: self.correlations.compiled,
            correlation_inputs: self.correlations.inputs,
            thresholds: self.correlations.thresholds,
            correlation_code: self.correlations.code,
            group_names: self.correlations.group_names,
            input_fields: self.correlations.input_fields,
            // Services and policy are not the rule language's; who has them adds them.
            policy: pack::PolicyTables::default(),
            services: pack::ServiceTables::default(),
        }
    }

    /// Returns true if no text has to be found for one of the rules to run: it does on every event, or
    /// on every one that has a field.
    pub(crate) fn is_unguarded(&self) -> bool {
        !self.unguarded.is_empty() || self.patterns.check_every_value()
    }

    /// Returns the id of a field; `None` means keywords.
    fn field(&mut self, name: Option<&str>) -> FieldId {
        let Some(name) = name else { return KEYWORDS };
        let name = self.strings.id(name);
        *self.fields_by_name.entry(name).or_insert_with(|| {
            self.fields.push(name);
            FieldId(end_of(&self.fields) - 1)
        })
    }

    fn push(&mut self, op: Op) {
        self.code.push(op.encode());
    }
}

fn end_of<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// Strings, each once.
#[derive(Debug, Default)]
struct Strings {
    text: String,
    ends: Vec<u32>,
    ids: HashMap<String, StrId>,
}

impl Strings {
    fn id(&mut self, text: &str) -> StrId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = StrId(end_of(&self.ends));
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.ids.insert(text.to_owned(), id);
        id
    }

    fn get(&self, id: StrId) -> &str {
        let end = self.ends.get(id.index()).copied().unwrap_or_default();
        let before = id.index().checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or_default();
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}
