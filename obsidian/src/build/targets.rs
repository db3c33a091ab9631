//! What a link in a person's note may call a page, and which page that is.

use std::collections::BTreeMap;

use catalogue::Collection;

use super::{Builder, Present, own_notes};

impl Builder<'_> {
    /// What links may call the pages: their paths and names, techniques by their ids, notes by their files;
    /// and files of a person by theirs.
    pub(super) fn targets(&self, present: &Present) -> BTreeMap<String, String> {
        let mut targets = BTreeMap::new();
        let mut add = |name: &str, path: &str| {
            let path = path.trim_end_matches(".md");
            targets.entry(name.to_lowercase()).or_insert_with(|| path.to_owned());
        };
        let stem = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.trim_end_matches(".markdown").trim_end_matches(".md").to_owned()
        };
        for path in self.paths.values().chain(&present.others) {
            add(path.trim_end_matches(".md"), path);
            add(&stem(path), path);
        }
        for id in &self.techniques {
            let Some(path) = self.paths.get(&format!("technique/{id}")) else { continue };
            add(id, path);
            add(&self.technique_name(id), path);
        }
        for note in &self.sources.technique_notes {
            if let Some(path) = self.paths.get(&format!("technique/{}", note.technique)) {
                add(&stem(&note.file), path);
                add(&note.name, path);
            }
        }
        for (rule, id) in self.rules.iter().zip(&self.rule_ids) {
            let path = self.paths.get(id).filter(|_| rule.vendor == Collection::Own);
            if let Some(path) = path {
                add(&stem(&rule.path), path);
            }
        }
        for document in &self.documents {
            if let Some(path) = self.paths.get(&own_notes::document_id(document)) {
                add(&stem(&document.file), path);
                add(&document.title, path);
            }
        }
        targets
    }

    /// The page that a person's link leads to: its path without its extension.
    pub(super) fn resolve(&self, target: &str) -> Option<String> {
        let target = target.split(['#', '^']).next().unwrap_or_default().trim();
        let target = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        let target = target.trim_end_matches(".markdown").trim_end_matches(".md").to_lowercase();
        let relative = target.trim_start_matches(['.', '/']);
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let found = self.targets.get(relative).or_else(|| self.targets.get(name));
        found.filter(|_| !name.is_empty()).cloned()
    }
}
