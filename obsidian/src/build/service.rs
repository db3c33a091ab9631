//! The page of a service that gets abused.

use std::fmt::Write;

use crate::page::Page;
use crate::property::{Property, tag};
use crate::prose::{escaped, inline, whole_code};
use crate::sources::ServiceNote;
use catalogue::dialect::{Value, texts};

use super::{Builder, folded, other_keys, own_sections, table, technique_tags};

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
    super::service_coverage::properties(&mut page, note);
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
    page.block("note", own_sections(&note.sections, &note.name));
    page.block("operations", operations(note));
    page.block("found", super::service_coverage::block(builder, note));
    page.block("identities", identities(note));
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
        let _ = writeln!(rules, "No rows{}: no rule of ours is about this service.", builder.as_of);
    }
    page.block("rules", rules);
    let mut techniques = "### Techniques\n\n".to_owned();
    for id in &note.techniques {
        let _ = writeln!(
            techniques,
            "- {}",
            builder.link(&format!("technique/{id}"), &builder.technique_title(id))
        );
    }
    page.block("techniques", techniques);
    page
}

/// What requests do to the service: a row each, and the examples of the note folded below.
fn operations(note: &ServiceNote) -> String {
    let found = note.properties.iter().find(|(key, _)| key == "operations");
    let Some((_, Value::List(operations))) = found else { return String::new() };
    let (mut rows, mut examples) = (Vec::new(), String::new());
    for operation in operations {
        let Value::Map(pairs) = operation else { continue };
        let codes = |key: &str| {
            let codes = texts(pairs, key).iter().map(|text| whole_code(text)).collect::<Vec<_>>();
            codes.join(", ")
        };
        let name = escaped(&texts(pairs, "name").join(" "));
        let any = |text: String| if text.is_empty() { "any".to_owned() } else { text };
        rows.push(vec![
            name.clone(),
            any(texts(pairs, "methods")
                .iter()
                .map(|text| escaped(text))
                .collect::<Vec<_>>()
                .join(", ")),
            any(codes("hosts")),
            any(codes("paths")),
            escaped(&texts(pairs, "means").join(" ")),
        ]);
        for (key, is) in [("match", "is"), ("pass", "is not")] {
            for request in texts(pairs, key) {
                let _ = writeln!(examples, "- {} {is} {name}", whole_code(&request));
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let columns = ["Operation", "Methods", "Hosts", "Paths", "What it is abused for"];
    let rows = table(&columns, &rows);
    let text = format!("{rows}\nRequests that are and are not:\n\n{examples}");
    format!("### Operations\n\n{}", folded("> [!info]- As rules and policies see them", &text))
}

/// What its URLs say about who uses it, its own clients, and a person's own keys.
fn identities(note: &ServiceNote) -> String {
    let mut text = String::new();
    for (key, title, words) in [
        (
            "identity",
            "Identities",
            "What its addresses name; what is in braces is not shown in events.",
        ),
        ("clients", "Its own clients", "How their User-Agents begin."),
    ] {
        let values = texts(&note.properties, key);
        if !values.is_empty() {
            let _ = writeln!(text, "### {title}\n\n{words}\n");
            for value in values {
                let _ = writeln!(text, "- {}", whole_code(&value));
            }
            text.push('\n');
        }
    }
    let others = note
        .properties
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "identity" | "clients" | "operations"));
    let others = others.map(|(key, value)| (key.as_str(), value));
    text + &other_keys::listed("### Properties", others)
}
