//! The page of a detection strategy of ATT&CK 18 and later, with its analytics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::page::Page;
use crate::property::Property;
use crate::prose::{attack, inline};
use catalogue::attack::{Analytic, Strategy};

use super::{Builder, technique_tags};

/// The strategies of the vault's techniques, by id, and the techniques of each.
fn all<'b>(builder: &'b Builder<'_>) -> BTreeMap<&'b str, (&'b Strategy, Vec<&'b str>)> {
    let mut found: BTreeMap<&str, (&Strategy, Vec<&str>)> = BTreeMap::new();
    for id in &builder.techniques {
        let technique = builder.sources.attack.techniques.get(id);
        for strategy in technique.into_iter().flat_map(|technique| &technique.strategies) {
            let entry = found.entry(&strategy.id).or_insert((strategy, Vec::new()));
            entry.1.push(id);
        }
    }
    found.remove("");
    found
}

/// Ids and titles of the pages.
pub(super) fn names(builder: &Builder<'_>) -> Vec<(String, String)> {
    let name = |(id, (strategy, _)): (&str, (&Strategy, Vec<&str>))| {
        (format!("strategy/{id}"), format!("{id} - {}", strategy.name))
    };
    all(builder).into_iter().map(name).collect()
}

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    let page = |(_, (strategy, techniques)): (&str, (&Strategy, Vec<&str>))| {
        page(builder, strategy, &techniques)
    };
    all(builder).into_iter().map(page).collect()
}

fn page(builder: &Builder<'_>, strategy: &Strategy, techniques: &[&str]) -> Page {
    let id = format!("strategy/{}", strategy.id);
    let mut page = Page::new(id.clone(), builder.path(&id));
    page.set("title", Property::Text(strategy.name.clone()));
    if !strategy.url.is_empty() {
        page.set("url", Property::Text(strategy.url.clone()));
    }
    let mut tags = vec!["detection_strategy".to_owned()];
    for tag in techniques.iter().flat_map(|id| technique_tags(id)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    page.set("tags", Property::Tags(tags));
    let ids = strategy.analytics.iter().map(|analytic| analytic.id.clone());
    page.set("aliases", Property::List([strategy.id.clone()].into_iter().chain(ids).collect()));
    let links = techniques.iter().map(|id| builder.property_link(&format!("technique/{id}"), id));
    page.set("techniques", Property::Links(links.collect()));
    let platforms: BTreeSet<String> =
        strategy.analytics.iter().flat_map(|analytic| analytic.platforms.clone()).collect();
    page.set("platforms", Property::List(platforms.into_iter().collect()));
    let names: String = techniques
        .iter()
        .map(|id| {
            let name = builder.technique_title(id);
            format!("- {}\n", builder.link(&format!("technique/{id}"), &name))
        })
        .collect();
    page.block("title", format!("# {}\n\nIt finds:\n\n{names}", inline(&strategy.name)));
    for found in &strategy.analytics {
        page.block(&tag_of(&found.id), analytic(found));
    }
    if strategy.analytics.is_empty() {
        let none = format!("No rows{}: the bundle holds none of its analytics.", builder.as_of);
        page.block("analytics", none);
    }
    page
}

/// A block's name: the analytic's id in lower case.
fn tag_of(id: &str) -> String {
    if id.is_empty() { "analytic".to_owned() } else { id.to_lowercase() }
}

fn analytic(found: &Analytic) -> String {
    let platforms = inline(&found.platforms.join(", "));
    let text = attack(&found.description, &BTreeMap::new());
    let mut text = format!("### {} ({platforms})\n\n{text}\n", inline(&found.id));
    let mut list = |title: &str, items: Vec<String>| {
        if !items.is_empty() {
            let items: String = items.iter().map(|item| format!("- {item}\n")).collect();
            let _ = write!(text, "\n{title}:\n\n{items}");
        }
    };
    let log = |parts: &[String; 3]| {
        let parts = parts.iter().filter(|part| !part.is_empty()).map(|part| inline(part));
        parts.collect::<Vec<_>>().join(", ")
    };
    list("Logs", found.logs.iter().map(log).filter(|log| !log.is_empty()).collect());
    let setting = |(field, what): &(String, String)| format!("{}: {}", inline(field), inline(what));
    list("To set for an environment", found.settings.iter().map(setting).collect());
    text
}
