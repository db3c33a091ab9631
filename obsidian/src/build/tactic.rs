//! The page of a tactic.

use crate::page::Page;
use crate::property::{Property, tag};
use crate::prose::{attack, inline};

use super::Builder;

/// One short name for all spellings: `Command and Control`, `command_and_control`, `command-and-control`.
pub(super) fn short_name(tactic: &str) -> String {
    tactic.trim().to_lowercase().replace([' ', '_'], "-")
}

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    let mut pages = Vec::new();
    for (name, tactic) in &builder.sources.attack.tactics {
        let id = format!("tactic/{name}");
        let mut page = Page::new(id.clone(), builder.path(&id));
        page.set("title", Property::Text(tactic.name.clone()));
        page.set("url", Property::Text(tactic.url.clone()));
        page.set("tags", Property::Tags(vec!["tactic".into(), tag(&tactic.name)]));
        page.set("aliases", Property::List(vec![tactic.id.clone(), tactic.name.clone()]));
        page.block(
            "title",
            format!(
                "# {}\n\n{}",
                inline(&tactic.name),
                attack(&tactic.description, &std::collections::BTreeMap::new())
            ),
        );
        let mut list = String::new();
        for id in &builder.techniques {
            let found = builder
                .sources
                .attack
                .techniques
                .get(id)
                .is_some_and(|technique| technique.tactics.contains(name));
            if found {
                list.push_str(&format!(
                    "- {}\n",
                    builder.link(&format!("technique/{id}"), &builder.technique_title(id))
                ));
            }
        }
        if list.is_empty() {
            list =
                format!("No rows{}: no technique of this tactic was asked for.\n", builder.as_of);
        }
        page.block("techniques", format!("### Techniques\n\n{list}"));
        pages.push(page);
    }
    pages
}
