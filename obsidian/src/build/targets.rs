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

    /// The page that a person's link leads to: its path without its extension, with the heading or the block of it
    /// where the page of that note has it.
    pub(super) fn resolve(&self, target: &str) -> Option<String> {
        let target = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        let (page, part) = target.split_once('#').unwrap_or((&target, ""));
        let page = page.split('^').next().unwrap_or_default().trim();
        let name = page.trim_end_matches(".markdown").trim_end_matches(".md").to_lowercase();
        let relative = name.trim_start_matches(['.', '/']);
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let found = self.targets.get(relative).or_else(|| self.targets.get(name));
        let path = found.filter(|_| !name.is_empty())?;
        let part = part.trim();
        Some(if self.has_part(path, part) { format!("{path}#{part}") } else { path.clone() })
    }

    /// Returns true if a page of a note has a heading, or a block by its id behind `^`.
    fn has_part(&self, path: &str, part: &str) -> bool {
        let id = part.strip_prefix('^');
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | ' ');
        if part.is_empty() || !id.unwrap_or(part).chars().all(is_plain) {
            return false;
        }
        let is_it = |document: &&&catalogue::dialect::Document| {
            let page = self.paths.get(&own_notes::document_id(document));
            page.is_some_and(|page| page.trim_end_matches(".md") == path)
        };
        let Some(document) = self.documents.iter().find(is_it) else { return false };
        document.body.lines().map(str::trim).any(|line| match id {
            Some(_) => line == part || line.ends_with(&format!(" {part}")),
            None => {
                let title = line.trim_start_matches('#');
                title.len() < line.len() && title.trim().eq_ignore_ascii_case(part)
            }
        })
    }
}
