//! The page of a list of values that rules share.

use std::fmt::Write;

use crate::page::Page;
use crate::property::Property;
use crate::prose::{inline, whole_code};
use crate::sources::{ListNote, tests};

use super::{Builder, other_keys, own_sections};

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    builder.sources.lists.iter().map(|note| page(builder, note)).collect()
}

fn page(builder: &Builder<'_>, note: &ListNote) -> Page {
    let id = format!("list/{}", note.name);
    let mut page = Page::new(id.clone(), builder.path(&id));
    page.set("title", Property::Text(note.name.clone()));
    page.set("tags", Property::Tags(vec!["list".to_owned()]));
    page.set("values", Property::Number(note.values.len().to_string()));
    page.block("title", format!("# {}", inline(&note.name)));
    page.block("note", own_sections(&note.sections, &note.name));
    let values: String =
        note.values.iter().map(|value| format!("- {}\n", whole_code(value))).collect();
    page.block("values", format!("### Values\n\n{values}"));
    let placeholder = format!("%{}%", note.name);
    let mut rules = "### Rules that take it\n\n".to_owned();
    let n_before = rules.len();
    for (rule, rule_id) in builder.rules.iter().zip(&builder.rule_ids) {
        if tests(rule).iter().any(|(_, test)| test.value.contains(&placeholder)) {
            let _ = writeln!(rules, "- {}", builder.link(rule_id, &rule.title));
        }
    }
    if rules.len() == n_before {
        let _ = writeln!(rules, "No rows{}: no rule takes this list.", builder.as_of);
    }
    page.block("rules", rules);
    let others = note.properties.iter().map(|(key, value)| (key.as_str(), value));
    page.block("properties", other_keys::listed("### Properties", others));
    page
}
