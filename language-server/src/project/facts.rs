//! What is known of a file without the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostics::yaml::{self, Kind, Node};
use diagnostics::{SourceText, Span, front_matter};
use knowledge::{ListNote, Note, Placeholders, Runbook, Service, Technique};
use sigma::lint::detection_key;
use sigma::{Applies, Source};

use crate::place::is_note;

/// What is in a file.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Everything that links it to other files.
    pub(super) names: BTreeSet<String>,
    /// A filter in it applies to all rules.
    pub(super) filters_all: bool,
    /// Its rules.
    pub(crate) rules: Vec<RuleFacts>,
    /// Its service.
    pub(crate) service: Option<Service>,
    /// Its list.
    pub(crate) list: Option<ListNote>,
    /// Its runbook.
    pub(crate) runbook: Option<Runbook>,
    /// Its technique.
    pub(crate) technique: Option<Technique>,
}

/// What is in a rule.
#[derive(Debug)]
pub(crate) struct RuleFacts {
    /// `title`.
    pub(crate) title: String,
    /// `id`.
    pub(crate) id: Option<String>,
    /// `name`.
    pub(crate) name: Option<String>,
    /// Where the rule is.
    pub(crate) span: Span,
    /// `tags`.
    pub(crate) tags: Vec<String>,
    /// `logsource.category`.
    pub(crate) category: Option<String>,
    /// The fields that it asks for.
    pub(crate) fields: BTreeSet<String>,
}

impl Facts {
    /// Reads a file. A file that is broken has the facts that could be read.
    pub(super) fn read(file: &Arc<str>, text: &str, placeholders: &Placeholders) -> Facts {
        let mut facts = Facts::default();
        if !is_note(file) {
            facts.add_sigma(&Source::new(file, text).with_placeholders(placeholders));
            return facts;
        }
        match Note::read(file, text).note {
            Some(Note::Rule(note)) => {
                if let Some(block) = &note.rule {
                    let source = Source::new(file, &block.text).at_line(block.first_line);
                    facts.add_sigma(&source.with_placeholders(placeholders));
                }
            }
            Some(Note::Service(service)) => {
                facts.names.insert(format!("service {}", service.name));
                facts.service = Some(service);
            }
            Some(Note::List(list)) => {
                facts.names.insert(format!("list {}", list.name));
                facts.list = Some(list);
            }
            Some(Note::Runbook(runbook)) => {
                facts.names.insert(format!("runbook {}", runbook.rule));
                facts.runbook = Some(runbook);
            }
            Some(Note::Technique(technique)) => facts.technique = Some(technique),
            None => {}
        }
        facts
    }

    /// Returns true if a file is a list note.
    pub(super) fn is_list(file: &str, bytes: &[u8]) -> bool {
        let text = str::from_utf8(bytes).ok().filter(|_| is_note(file));
        let kind = text.and_then(|text| front_matter::split(text).ok()?.guess("kind"));
        kind.as_deref() == Some("list")
    }

    /// Returns true if rules of any file may depend on it.
    pub(super) fn is_shared(&self) -> bool {
        self.service.is_some() || self.list.is_some() || self.filters_all
    }

    fn add_sigma(&mut self, source: &Source<'_>) {
        let written = SourceText::new(source.name, source.text);
        for document in yaml::read(&written, &mut Vec::new()) {
            self.add_names(&document);
        }
        let parsed = sigma::parse(source);
        self.filters_all |= parsed.filters.iter().any(|of| matches!(of.applies, Applies::Any));
        for rule in parsed.rules {
            self.names.insert(format!("detection {}", detection_key(&rule)));
            let mut fields = BTreeSet::new();
            for selection in &rule.selections {
                selection.search.items(&mut |item| fields.extend(item.field.clone()));
            }
            self.rules.push(RuleFacts {
                title: rule.metadata.title,
                id: rule.metadata.id,
                name: rule.metadata.name,
                span: rule.span,
                tags: rule.metadata.tags,
                category: rule.logsource.category,
                fields,
            });
        }
    }

    /// Adds what other rules may call this document, and what it calls other rules.
    fn add_names(&mut self, document: &Node) {
        for (key, value) in entries(document) {
            match key {
                "id" | "name" | "title" => self.add_texts(value),
                "correlation" | "filter" => {
                    let rules = entries(value).filter(|(key, _)| *key == "rules");
                    for (_, rules) in rules {
                        self.add_texts(rules);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_texts(&mut self, node: &Node) {
        match &node.kind {
            Kind::List(list) => list.iter().for_each(|node| self.add_texts(node)),
            _ => self.names.extend(node.text().map(|text| text.trim().to_owned())),
        }
    }
}

fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let pairs = if let Kind::Map(pairs) = &node.kind { pairs.as_slice() } else { &[] };
    pairs.iter().filter_map(|(key, value)| Some((key.text()?, value)))
}
