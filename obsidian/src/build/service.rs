//! The page of a service that gets abused.

use std::fmt::Write;

use crate::page::Page;
use crate::property::{Property, tag};
use crate::prose::inline;
use crate::sources::ServiceNote;

use super::{Builder, own_sections, technique_tags};

pub(super) fn page(builder: &Builder<'_>, note: &ServiceNote) -> Page {
    let id = format!("service/{}", note.name);
    let mut page = Page::new(id.clone(), builder.path(&id));
    page.set("title", Property::Text(note.name.clone()));
    page.set("category", Property::Text(note.category.clone()));
    page.set("hosts", Property::List(note.hosts.clone()));
    let mut tags =
        vec!["service".to_owned(), format!("service/{}", tag(&note.category.to_lowercase()))];
    for tag in note.techniques.iter().flat_map(|id| technique_tags(id)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    page.set("tags", Property::Tags(tags));
    page.set(
        "techniques",
        Property::Links(
            note.techniques
                .iter()
                .map(|id| builder.property_link(&format!("technique/{id}"), id))
                .collect(),
        ),
    );
    page.block("title", format!("# {}", inline(&note.name)));
    page.block("note", own_sections(&note.sections));
    let mut rules = "### Rules about it\n\n".to_owned();
    let mut n_rules = 0;
    for (rule, rule_id) in builder.rules.iter().zip(&builder.rule_ids) {
        let names = builder
            .sources
            .rule_notes
            .get(&rule.id)
            .map(|note| note.services.as_slice())
            .unwrap_or_default();
        if names.contains(&note.name) {
            n_rules += 1;
            let _ = writeln!(rules, "- {}", builder.link(rule_id, &rule.title));
        }
    }
    if n_rules == 0 {
        let _ = writeln!(
            rules,
            "No rows as of {}: no rule of ours is about this service.",
            builder.as_of
        );
    }
    page.block("rules", rules);
    let mut techniques = "### Techniques\n\n".to_owned();
    for id in &note.techniques {
        let _ = writeln!(
            techniques,
            "- {}",
            builder
                .link(&format!("technique/{id}"), &format!("{id} {}", builder.technique_name(id)))
        );
    }
    page.block("techniques", techniques);
    page
}
