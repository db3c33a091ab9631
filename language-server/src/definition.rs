//! Where a name is defined.

use std::sync::Arc;

use diagnostics::{Place as FilePlace, Span};
use inspect::ProxyField;

use crate::completion::selections;
use crate::hover::{find_service, is_name};
use crate::limits::MAX_DEFINITIONS;
use crate::place::{Language, Part, Place};
use crate::{Document, Project};

/// Where a name may be defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    /// In the same file, at these byte offsets.
    Here(std::ops::Range<usize>),
    /// In another file.
    There(FilePlace),
}

/// Finds the definitions of what is at a byte offset of a file: a search identifier or several, a service, a
/// list, a rule.
pub(crate) fn at(
    project: &Project,
    name: &str,
    document: &Document,
    offset: usize,
) -> Vec<Definition> {
    let text = &document.text;
    let Some(place) = Place::at(name, text, offset).filter(|place| place.part == Part::Value)
    else {
        return Vec::new();
    };
    let key = place.key().unwrap_or_default();
    let mut names = key.split('|');
    let field = names.next().unwrap_or_default();
    let mut found = Vec::new();
    if names.any(|modifier| modifier == "expand") {
        let wanted = place.word.trim_matches('%');
        let lists = project.facts().filter_map(|(_, facts)| facts.list.as_ref());
        let lists = lists.filter(|list| list.name == wanted);
        found.extend(lists.map(|list| there(&list.file, list.name_span)));
        return found;
    }
    match (place.language, field) {
        (Language::Sigma, "condition") => {
            let (pattern, _) = place.part_of_word(is_name);
            for (name, at) in selections(text) {
                if fits(pattern, name) {
                    found.push(Definition::Here(at..at + name.len()));
                }
            }
            // A note has one rule, a Sigma file may have several: the nearest above is meant.
            if let Some(last) = found.iter().rposition(|found| is_before(found, offset))
                && !pattern.contains('*')
                && pattern != "them"
            {
                found = found.drain(last..=last).collect();
            }
        }
        (Language::Sigma, field) if ProxyField::from_name(field) == Some(ProxyField::Service) => {
            found.extend(service(project, place.word));
        }
        (_, "services" | "service") => found.extend(service(project, place.word)),
        (Language::FrontMatter, "rule") | (Language::Sigma, "rules" | "id") => {
            for (file, facts) in project.facts() {
                let is_named = |of: &Option<String>| of.as_deref() == Some(place.word);
                let rules = facts.rules.iter();
                let rules = rules.filter(|rule| is_named(&rule.id) || is_named(&rule.name));
                found.extend(
                    rules.map(|rule| there(file, Span::point(rule.span.line, rule.span.column))),
                );
            }
        }
        _ => {}
    }
    found.truncate(MAX_DEFINITIONS);
    found
}

fn service(project: &Project, name: &str) -> Option<Definition> {
    find_service(project, name).map(|service| there(&service.file, service.name_span))
}

fn there(file: &Arc<str>, span: Span) -> Definition {
    Definition::There(FilePlace { file: Arc::clone(file), span })
}

fn is_before(definition: &Definition, offset: usize) -> bool {
    matches!(definition, Definition::Here(range) if range.start <= offset)
}

/// Returns true if a word of a condition means a search identifier.
fn fits(pattern: &str, name: &str) -> bool {
    if pattern == "them" {
        return !name.starts_with('_');
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, behind)) => name.starts_with(before) && name.ends_with(behind),
    }
}
