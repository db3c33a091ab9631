//! The rules, services and groups of sources that a policy names, by their names.

use std::collections::HashMap;

use diagnostics::closest;
use inspect::RuleId;
use inspect::pack::{Range, Tables};

use super::{Policy, Scope};
use crate::limits::MAX_NAMES_COMPARED;

/// What a policy's names mean in a pack. Each lookup takes steps in proportion to what it finds.
#[derive(Default)]
pub(super) struct Index {
    /// Rules by id and by title, in order.
    rules: HashMap<String, Vec<RuleId>>,
    /// Rules by technique: those of `t1102.002` are those of `t1102`, too.
    techniques: HashMap<String, Vec<RuleId>>,
    services: HashMap<String, u32>,
    /// Indices into [`Policy::groups`].
    groups: HashMap<String, usize>,
    /// How many names were compared with all others.
    n_compared: usize,
    /// The ranges of rules that were laid down for the lists of a scope; `None` for no rule.
    pub(super) ranges: HashMap<String, Option<Range>>,
}

impl Index {
    pub(super) fn new(policy: &Policy, tables: &Tables) -> Index {
        let mut index = Index::default();
        for (id, rule) in (0..).map(RuleId).zip(&tables.rules) {
            let names = [tables.str(rule.id), tables.str(rule.title)];
            for name in names.iter().take(1 + usize::from(names.first() != names.last())) {
                index.rules.entry((*name).to_owned()).or_default().push(id);
            }
            for tag in tables.rule_tags(rule) {
                let Some(technique) = tag.strip_prefix("attack.") else { continue };
                let ends = technique.match_indices('.').map(|(at, _)| at).chain([technique.len()]);
                for name in ends.filter_map(|end| technique.get(..end)) {
                    let ids = index.techniques.entry(name.to_owned()).or_default();
                    if ids.last() != Some(&id) {
                        ids.push(id);
                    }
                }
            }
        }
        for (idx, service) in (0..).zip(&tables.services.services) {
            index.services.entry(tables.str(service.name).to_owned()).or_insert(idx);
        }
        for (idx, group) in policy.groups.iter().enumerate() {
            index.groups.entry(group.name.text.clone()).or_insert(idx);
        }
        index
    }

    /// Returns the rules of an id or a title.
    pub(super) fn named(&self, name: &str) -> &[RuleId] {
        self.rules.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the rules of a technique, or of one below it.
    pub(super) fn of_technique(&self, technique: &str) -> &[RuleId] {
        let ids = self.techniques.get(&technique.to_ascii_lowercase());
        ids.map_or(&[], Vec::as_slice)
    }

    /// Returns the place of a service in the pack's table.
    pub(super) fn service(&self, name: &str) -> Option<u32> {
        self.services.get(name).copied()
    }

    /// Returns the place of a group in the policy.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        self.groups.get(name).copied()
    }

    /// Returns the name of a service near a name that none has.
    pub(super) fn closest_service(&mut self, name: &str) -> Option<String> {
        self.may_compare().then(|| near(name, &self.services)).flatten()
    }

    /// Returns the title of a rule near a name that none has.
    pub(super) fn closest_rule(&mut self, name: &str) -> Option<String> {
        self.may_compare().then(|| near(name, &self.rules)).flatten()
    }

    /// Returns the name of a group near a name that none has.
    pub(super) fn closest_group(&mut self, name: &str) -> Option<String> {
        self.may_compare().then(|| near(name, &self.groups)).flatten()
    }

    /// Returns true until the bound: each comparison takes steps in proportion to all names.
    fn may_compare(&mut self) -> bool {
        self.n_compared += 1;
        self.n_compared <= MAX_NAMES_COMPARED
    }

    /// Returns the rules of all lists of a scope: one of `rules`, one of `techniques` and one of `levels`.
    pub(super) fn rules_of(&self, tables: &Tables, scope: &Scope) -> Vec<RuleId> {
        let named = || scope.rules.iter().flat_map(|word| self.named(&word.text));
        let techniques = || scope.techniques.iter().flat_map(|word| self.of_technique(&word.text));
        let mut ids: Vec<RuleId> = match (scope.rules.as_slice(), scope.techniques.as_slice()) {
            ([], []) => (0..).map(RuleId).take(tables.rules.len()).collect(),
            ([], _) => techniques().copied().collect(),
            (_, _) => named().copied().collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        if !scope.rules.is_empty() && !scope.techniques.is_empty() {
            let is_of = |id: &RuleId| {
                let has =
                    |word: &super::Word| self.of_technique(&word.text).binary_search(id).is_ok();
                scope.techniques.iter().any(has)
            };
            ids.retain(is_of);
        }
        if !scope.levels.is_empty() {
            ids.retain(|id| {
                let level = tables.rules.get(id.index()).map(|rule| rule.level.as_str());
                scope.levels.iter().any(|word| Some(word.text.as_str()) == level)
            });
        }
        ids
    }
}

/// Fewest bytes of a name for which another one is suggested: any short name is near any other.
const MIN_NAME_BYTES: usize = 4;

fn near<V>(name: &str, names: &HashMap<String, V>) -> Option<String> {
    let names = names.keys().map(String::as_str);
    (name.len() >= MIN_NAME_BYTES).then(|| closest(name, names)).flatten().map(str::to_owned)
}
