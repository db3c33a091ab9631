//! What our rules find of what is done to services: a part of each service's page, and a dashboard.

use std::fmt::Write;

use crate::page::Page;
use crate::property::Property;
use crate::prose::escaped;
use crate::sources::ServiceNote;

use super::{Base, Builder, Query, dashboard};

/// The dashboard's name.
pub(super) const NAME: &str = "Service Coverage";
/// Where the matrix of services and operations is.
pub(super) const PICTURE: &str = "Pictures/services.svg";

/// Sets how many operations a service has, and how many of them a rule finds.
pub(super) fn properties(page: &mut Page, note: &ServiceNote) {
    page.set("operations", Property::Number(note.operations.len().to_string()));
    page.set("operations_found", Property::Number(n_found(note).to_string()));
}

fn n_found(note: &ServiceNote) -> usize {
    note.operations.values().filter(|rules| !rules.is_empty()).count()
}

/// Renders which rules find each operation of a service; empty for a service without operations.
pub(super) fn block(builder: &Builder<'_>, note: &ServiceNote) -> String {
    if note.operations.is_empty() {
        return String::new();
    }
    let mut text = "### What rules find\n\nBy the example requests of the notes, as they are and sent by `curl`, Python or Go.\n\n".to_owned();
    for (operation, rules) in &note.operations {
        let mut links: Vec<String> = builder
            .rules
            .iter()
            .zip(&builder.rule_ids)
            .filter(|(rule, _)| {
                rule.vendor == catalogue::Collection::Own && rules.contains(&rule.id)
            })
            .map(|(rule, page_id)| builder.link(page_id, &rule.title))
            .collect();
        links.sort();
        let links = if links.is_empty() { "no rule".to_owned() } else { links.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {operation}: {links}");
    }
    text
}

/// The dashboard: a row for each service that has operations.
pub(super) fn page(builder: &Builder<'_>) -> Page {
    let mut page = dashboard::start(builder, NAME);
    let mut services: Vec<&ServiceNote> =
        builder.sources.services.iter().filter(|service| !service.operations.is_empty()).collect();
    services.sort_by_key(|service| {
        let path = builder.path(&page_id(service));
        let name = path.trim_end_matches(".md");
        (name.to_lowercase(), name.to_owned())
    });
    let row = |service: &&ServiceNote| {
        vec![
            builder.stem_link(&page_id(service)),
            escaped(&service.category),
            service.operations.len().to_string(),
            n_found(service).to_string(),
        ]
    };
    let n_operations: usize = services.iter().map(|service| service.operations.len()).sum();
    let n_operations_found: usize = services.iter().map(|service| n_found(service)).sum();
    let query = Query {
        dataview: "TABLE WITHOUT ID file.link AS \"Service\", category AS \"Category\", operations AS \"Operations\", operations_found AS \"Found by a rule\"\nFROM \"Services\"\nWHERE operations > 0\nSORT file.name ASC",
        base: Base {
            folder: "Services",
            filters: vec!["operations > 0".into()],
            name: NAME,
            columns: &["file.name", "category", "operations", "operations_found"],
            sorted_by: Some("file.name"),
        }
        .text(),
        columns: &["Service", "Category", "Operations", "Found by a rule"],
        rows: services.iter().map(row).collect(),
        reason: "no service of the vault has operations".into(),
    };
    let picture = match builder.sources.service_picture {
        Some(_) => format!("![Which operations of which services a rule finds]({PICTURE})\n\n"),
        None => String::new(),
    };
    page.block(
        "service_coverage",
        format!(
            "# {NAME}\n\nWhat is done to services, and how much of it our rules find: {n_operations_found} of {n_operations} operations of {} services.\n\n{picture}{}",
            services.len(),
            query.markdown(&builder.as_of)
        ),
    );
    page
}

fn page_id(service: &ServiceNote) -> String {
    format!("service/{}", service.name)
}
