//! Detection pages: front matter with status, level and log source, and a Sigma rule in a fence.

use super::front_matter::Head;
use super::{Value, fence, texts};
use crate::rule::{iso_date, sorted, techniques_in};
use crate::{CatalogueRule, Collection, read_rules};

/// Keys that a rule has a place for.
const KNOWN: [&str; 13] = [
    "title",
    "status",
    "level",
    "created",
    "last_modified",
    "date",
    "modified",
    "tags",
    "aliases",
    "author",
    "logsrc_product",
    "logsrc_service",
    "logsrc_category",
];

/// Reads the rules in the fences of a page; none where no fence holds a rule that can be read.
pub(super) fn read(file: &str, head: &Head<'_>) -> Vec<CatalogueRule> {
    let mut rules: Vec<CatalogueRule> = Vec::new();
    let mut of_rules = Vec::new();
    for fence in fence::all(head.body) {
        let language = fence.info.split([' ', '{']).next().unwrap_or_default().to_lowercase();
        let is_yaml = matches!(language.as_str(), "" | "yml" | "yaml" | "sigma");
        if !is_yaml || !holds_rule(&fence.text) {
            continue;
        }
        // Liquid's marks, which site generators need around braces.
        let lines = fence.text.lines().filter(|line| !line.trim().starts_with("{%"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        if let Ok(read) = read_rules(Collection::Noted, file, &text) {
            rules.extend(read);
            of_rules.push(fence);
        }
    }
    let words = fence::without(head.body, &of_rules);
    for rule in &mut rules {
        complete(rule, head);
    }
    if let Some(rule) = rules.first_mut() {
        rule.guide = words;
    }
    rules
}

fn holds_rule(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("detection:") && has("logsource:") || has("correlation:")
}

/// Adds what the front matter says. A person sees and sorts by it, so it goes before the rule's own words.
fn complete(rule: &mut CatalogueRule, head: &Head<'_>) {
    let one = |key: &str| {
        texts(&head.properties, key).into_iter().next().filter(|text| !text.trim().is_empty())
    };
    let date = |keys: [&str; 2]| keys.iter().find_map(|key| one(key).as_deref().and_then(iso_date));
    rule.status = one("status").or(rule.status.take());
    rule.level = one("level").or(rule.level.take());
    rule.author = one("author").or(rule.author.take());
    rule.created = date(["created", "date"]).or(rule.created.take());
    rule.modified = date(["last_modified", "modified"]).or(rule.modified.take());
    let source = &mut rule.logsource;
    source.product = source.product.take().or_else(|| one("logsrc_product"));
    source.service = source.service.take().or_else(|| one("logsrc_service"));
    source.category = source.category.take().or_else(|| one("logsrc_category"));
    let tags = texts(&head.properties, "tags");
    let of_tags = tags.iter().flat_map(|tag| techniques_in(tag));
    rule.techniques = sorted(rule.techniques.drain(..).chain(of_tags));
    let others = head.properties.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str()));
    rule.properties = others.filter(|(_, value)| *value != Value::Empty).cloned().collect();
}
