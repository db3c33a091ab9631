//! The page of a detection rule, by the sections of Palantir's alerting and detection strategy.

use std::fmt::Write;

use crate::guide;
use crate::markdown;
use crate::own_markdown::harmless;
use crate::own_words;
use crate::page::Page;
use crate::property::{Property, tag};
use crate::prose::{block, code, inline, paragraphs, reference};
use crate::sources::{RuleNote, key, tests};
use catalogue::dialect::section::{Section, split};
use catalogue::dialect::texts;
use catalogue::query::Role;
use catalogue::{CatalogueRule, Collection, Reading};

use super::{Builder, other_keys, own_notes, preview_link, technique_tags};

/// The level in the vendor's words.
pub(super) fn level(rule: &CatalogueRule) -> &str {
    rule.level.as_deref().unwrap_or("unrated")
}

fn rank(level: &str) -> u8 {
    match level {
        "critical" => 5,
        "high" => 4,
        "medium" => 3,
        "low" => 2,
        "informational" => 1,
        _ => 0,
    }
}

/// The product, or what logs of any product are meant: the sample's column is never blank.
pub(super) fn product(rule: &CatalogueRule) -> String {
    let source = &rule.logsource;
    match (&source.product, &source.category, &source.service) {
        (Some(product), ..) => product.clone(),
        (None, Some(category), _) => format!("any {category}"),
        (None, None, Some(service)) => format!("any {service}"),
        (None, None, None) => "any".into(),
    }
}

pub(super) fn page(builder: &Builder<'_>, idx: usize, rule: &CatalogueRule) -> Page {
    let id = builder.rule_ids.get(idx).cloned().unwrap_or_default();
    let note = builder.sources.rule_notes.get(&rule.id).filter(|_| rule.vendor == Collection::Own);
    let mut page = Page::new(id.clone(), builder.path(&id));
    properties(builder, &id, rule, note, &mut page);
    let introduction = note.map(|note| own_words::introduction(&note.sections)).unwrap_or_default();
    let title = format!("# {}\n\n{introduction}", inline(&rule.title));
    page.block("title", title.trim_end());
    page.block(
        "goal",
        section("Goal", &own(note, "Goal").unwrap_or_else(|| paragraphs(&rule.description))),
    );
    page.block("categorization", categorization(builder, rule));
    page.block("strategy", section("Strategy Abstract", &strategy(rule, note)));
    page.block(
        "context",
        section(
            "Technical Context",
            &own(note, "Technical context").unwrap_or_else(|| context(rule)),
        ),
    );
    page.block("blind_spots", section("Blind Spots and Assumptions", &blind_spots(rule, note)));
    page.block(
        "false_positives",
        section("False Positives", &false_positives(builder, rule, note)),
    );
    page.block("validation", section("Validation", &validation(builder, rule, note)));
    page.block(
        "priority",
        section(
            "Priority",
            &format!(
                "{}: as its author rates it ({} of 5 on one scale for all vendors).",
                inline(level(rule)),
                rank(level(rule))
            ),
        ),
    );
    page.block(
        "response",
        section(
            "Response",
            &own(note, "Response").or_else(|| guided(builder, rule, RESPONSE)).unwrap_or_else(
                || {
                    match note {
                        Some(_) => "The note has no section `Response`.",
                        None if rule.vendor == Collection::Noted => {
                            "The note names no steps of its own."
                        }
                        None => {
                            "The vendor's rule names no steps; follow the runbook of the technique."
                        }
                    }
                    .into()
                },
            ),
        ),
    );
    if let Some(note) = note {
        page.block("others", own_words::others(&note.sections));
    }
    page.block("guide", investigation_guide(builder, rule));
    if !rule.setup.trim().is_empty() {
        page.block("setup", section("Setup", &markdown::inert(&rule.setup, 4)));
    }
    page.block("rule", rule_text(builder, rule, note));
    page.block("resources", resources(builder, rule, note));
    let others = rule.others.iter().map(|(key, value)| (key.as_str(), value));
    page.block("keys", other_keys::listed("### Other keys of its file", others));
    page
}

fn section(title: &str, text: &str) -> String {
    format!("### {title}\n\n{text}")
}

/// A section of a note of ours, as it is, with those below it.
fn own(note: Option<&RuleNote>, title: &str) -> Option<String> {
    own_words::section(&note?.sections, title)
}

/// Titles of a vendor's guide whose sections have a place of their own on the page.
const RESPONSE: &[&str] = &["Response and remediation"];
const FALSE_POSITIVES: &[&str] = &["False positive analysis", "False positives analysis"];

/// Returns true if a section of a guide is by one of these titles.
fn is_by(section: &Section, titles: &[&str]) -> bool {
    titles.iter().any(|title| section.title.trim().eq_ignore_ascii_case(title))
}

/// Sections of a guide by one of these titles, each with those below it, as a text; or all the others.
fn guide_sections(rule: &CatalogueRule, titles: &[&str], are_wanted: bool) -> String {
    let mut text = String::new();
    let mut within = None;
    for section in split(&rule.guide, 1) {
        if within.is_some_and(|level| section.level <= level) {
            within = None;
        }
        let is_first = within.is_none() && is_by(&section, titles);
        if is_first {
            within = Some(section.level);
        }
        if within.is_some() == are_wanted {
            if section.level > 0 && !(is_first && are_wanted) {
                text.push_str(&format!("{} {}\n\n", "#".repeat(section.level), section.heading));
            }
            text.push_str(&section.text);
            text.push('\n');
        }
    }
    text
}

/// What a guide says in the sections by these titles.
fn guided(builder: &Builder<'_>, rule: &CatalogueRule, titles: &[&str]) -> Option<String> {
    let text = guide_words(builder, rule, &guide_sections(rule, titles, true));
    Some(text).filter(|text| !text.is_empty())
}

/// The rest of a guide: of a person's detection page, what it says around its rule.
fn investigation_guide(builder: &Builder<'_>, rule: &CatalogueRule) -> String {
    let placed = [RESPONSE, FALSE_POSITIVES].concat();
    let title =
        if rule.vendor == Collection::Noted { "From the note" } else { "Investigation Guide" };
    match guide_words(builder, rule, &guide_sections(rule, &placed, false)).as_str() {
        "" => String::new(),
        text => section(title, text),
    }
}

/// A text of a guide: a person's own links lead to pages of the vault.
fn guide_words(builder: &Builder<'_>, rule: &CatalogueRule, text: &str) -> String {
    if rule.vendor == Collection::Noted {
        markdown::personal(text, 4, &|target| builder.resolve(target))
    } else {
        markdown::inert(text, 4)
    }
}

fn properties(
    builder: &Builder<'_>,
    id: &str,
    rule: &CatalogueRule,
    note: Option<&RuleNote>,
    page: &mut Page,
) {
    let text = |text: &str| Property::Text(text.to_owned());
    let source = &rule.logsource;
    let (decidable, why) = guide::decidable(rule);
    page.set("title", text(&rule.title));
    page.set("status", text(rule.status.as_deref().unwrap_or("unknown")));
    page.set("level", text(level(rule)));
    page.set("level_rank", Property::Number(rank(level(rule)).to_string()));
    page.set("logsrc_product", Property::Text(product(rule)));
    page.set("logsrc_service", text(source.service.as_deref().unwrap_or("any")));
    page.set("logsrc_category", text(source.category.as_deref().unwrap_or("any")));
    if let Some(date) = &rule.created {
        page.set("created", Property::Date(date.clone()));
    }
    if let Some(date) = rule.modified.as_ref().or(rule.created.as_ref()) {
        page.set("last_modified", Property::Date(date.clone()));
    }
    let mut tags = vec!["detection_rule".to_owned()];
    for technique in &rule.techniques {
        for tag in technique_tags(technique) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags.push(tag(&rule.vendor.as_str().to_lowercase()));
    let of_note = texts(&rule.properties, "tags");
    for word in of_note.iter().flat_map(|text| text.split([',', ' '])) {
        let word = word.trim_start_matches('#');
        if !word.is_empty() && !tags.iter().any(|known| known.eq_ignore_ascii_case(&tag(word))) {
            tags.push(tag(word));
        }
    }
    page.set("tags", Property::Tags(tags));
    let mut aliases = vec![rule.id.clone()];
    let is_of_note = note.is_some() || rule.vendor == Collection::Noted;
    let file = is_of_note.then(|| own_notes::file_name(&rule.path)).flatten();
    for extra in texts(&rule.properties, "aliases").into_iter().chain(file) {
        if !aliases.contains(&extra) && extra != rule.title {
            aliases.push(extra);
        }
    }
    page.set("aliases", Property::List(aliases));
    page.set("vendor", text(rule.vendor.as_str()));
    page.set("rule_id", text(&rule.id));
    page.set("rule_path", text(&rule.path));
    page.set("author", text(rule.author.as_deref().unwrap_or("unknown")));
    page.set("license", text(rule.licence.as_deref().unwrap_or(rule.vendor.licence())));
    if let Some(kind) = &rule.kind {
        page.set("rule_type", text(kind));
    }
    if let Some(score) = rule.risk_score.as_ref().filter(|score| score.parse::<f64>().is_ok()) {
        page.set("risk_score", Property::Number(score.clone()));
    }
    page.set("decidable_at_proxy", text(decidable));
    page.set("decidable_why", text(&why));
    let techniques = rule
        .techniques
        .iter()
        .map(|id| builder.property_link(&format!("technique/{id}"), id))
        .collect();
    page.set("techniques", Property::Links(techniques));
    if let Some(note) = note {
        let services = note
            .services
            .iter()
            .map(|name| builder.property_link(&format!("service/{name}"), name))
            .collect();
        page.set("services", Property::Links(services));
        let runbook = format!("runbook/{}", rule.id);
        page.set("runbook", Property::Link(builder.property_link(&runbook, "Runbook")));
        if !builder.sources.pack_hash.is_empty() {
            page.set("pack", Property::Text(builder.sources.pack_hash.clone()));
        }
    }
    let _ = id;
}

fn categorization(builder: &Builder<'_>, rule: &CatalogueRule) -> String {
    let mut text = "### Categorization\n\n".to_owned();
    for id in &rule.techniques {
        let name = format!("{id} {}", builder.sources.attack.full_name(id).unwrap_or_default());
        let migration =
            builder.migration(id).map(|what| format!(" ({})", inline(&what))).unwrap_or_default();
        let _ = writeln!(
            text,
            "- {}{migration}",
            builder.link(&format!("technique/{id}"), name.trim())
        );
    }
    if rule.techniques.is_empty() {
        text.push_str("The rule names no technique.\n");
    }
    for tactic in &rule.tactics {
        let name = crate::build::tactic::short_name(tactic);
        let attack = &builder.sources.attack;
        let known = attack.tactic(&name).and_then(|key| attack.tactics.get(key));
        let shown = known.map_or(tactic.as_str(), |known| known.name.as_str());
        let _ = writeln!(text, "- {}", builder.link(&format!("tactic/{name}"), shown));
    }
    text
}

fn strategy(rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    if let Some(own) = own(note, "Strategy") {
        return own;
    }
    let combinations: std::collections::BTreeSet<_> = tests(rule)
        .into_iter()
        .filter(|(role, _)| *role == Role::Indicator)
        .map(|(_, test)| key(test))
        .collect();
    let beside: String =
        rule.conditions.iter().map(|text| format!("- {}\n", inline(text))).collect();
    let beside = match beside.as_str() {
        "" => String::new(),
        list => format!("\nBeside its query it asks for:\n\n{list}"),
    };
    if combinations.is_empty() {
        return format!("Its query has no part that can be shown as a test of a field.\n{beside}");
    }
    let mut text = "The rule looks for:\n\n".to_owned();
    let mut fields: std::collections::BTreeMap<(String, &str), Vec<String>> =
        std::collections::BTreeMap::new();
    for (field, operator, value) in combinations {
        fields.entry((field, operator)).or_default().push(value);
    }
    for ((field, operator), values) in fields {
        let shown: Vec<String> = values
            .iter()
            .take(8)
            .filter(|value| !value.is_empty())
            .map(|value| code(value))
            .collect();
        let more = if values.len() > 8 {
            format!(" and {} more", values.len() - 8)
        } else {
            String::new()
        };
        let _ = writeln!(text, "- {} {operator} {}{more}", inline(&field), shown.join(", "));
    }
    text + &beside
}

fn context(rule: &CatalogueRule) -> String {
    let source = &rule.logsource;
    let part =
        |what: &str, value: Option<&str>| value.map(|value| format!("{what} {}", inline(value)));
    let parts: Vec<String> = [
        part("product", source.product.as_deref()),
        part("service", source.service.as_deref()),
        part("category", source.category.as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let logs = if parts.is_empty() {
        "It names no log source.".to_owned()
    } else {
        format!("It reads logs of {}.", parts.join(", "))
    };
    format!("{logs} Its query is written in {}.", rule.language)
}

fn blind_spots(rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    let (decidable, why) = guide::decidable(rule);
    let proxy = format!("Decidable at the proxy: {decidable}; {}.", inline(&why));
    match own(note, "Blind spots") {
        Some(own) => format!("{own}\n\n{proxy}"),
        None => proxy,
    }
}

fn false_positives(builder: &Builder<'_>, rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    if let Some(own) = own(note, "False positives") {
        return own;
    }
    let mut text: String =
        rule.false_positives.iter().map(|text| format!("- {}\n", inline(text))).collect();
    if let Some(guided) = guided(builder, rule, FALSE_POSITIVES) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&guided);
    }
    if text.is_empty() { "Its author names none.".into() } else { text }
}

fn validation(builder: &Builder<'_>, rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    let Some(note) = note else {
        let tests: Vec<String> = rule
            .techniques
            .iter()
            .flat_map(|id| super::runbook::of_technique(builder, id))
            .collect();
        let tests: std::collections::BTreeSet<String> = tests.into_iter().collect();
        let list: String = tests
            .iter()
            .take(8)
            .map(|id| {
                format!(
                    "- {}\n",
                    builder.link(
                        id,
                        builder
                            .path(id)
                            .trim_end_matches(".md")
                            .rsplit('/')
                            .next()
                            .unwrap_or_default()
                    )
                )
            })
            .collect();
        return if list.is_empty() { "No test is known for its techniques.".into() } else { list };
    };
    let mut text = format!(
        "Runbook: {}\n\n",
        builder.link(&format!("runbook/{}", rule.id), "steps, expected verdicts and last result")
    );
    let said: Vec<&str> = note.examples.iter().map(|example| example.what.as_str()).collect();
    let beside = own_words::prose(&note.sections, "Validation", "http", &said);
    let beside = own_words::with_expectations(&beside);
    if !beside.is_empty() {
        let _ = writeln!(text, "{beside}\n");
    }
    for example in &note.examples {
        let verdict = match (example.expected, example.holds) {
            ("match", true) => "matches",
            ("match", false) => "should match and does not",
            (_, true) => "lets it pass",
            (_, false) => "should let it pass and matches",
        };
        let caption = match harmless(&example.what).as_str() {
            "" => format!("The rule {verdict}:"),
            what => format!("{what} Verdict: the rule {verdict}."),
        };
        let _ = writeln!(text, "{caption}\n\n{}\n", block(&example.request, "http"));
    }
    text
}

fn rule_text(builder: &Builder<'_>, rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    let language = match rule.language {
        "sigma" => "yaml",
        other => other,
    };
    if rule.text.trim().is_empty() {
        let why = match rule.reading {
            Reading::NoQuery("machine learning") => "a model decides",
            _ => "its file has none",
        };
        return format!("### Rule\n\nThe rule has no query: {why}.");
    }
    let link = match builder.preview.as_str() {
        base if !base.is_empty() && rule.language == "sigma" => {
            format!("\n\n{}.", preview_link::link(base, &rule.text, note))
        }
        _ => String::new(),
    };
    let beside = note.map(|note| own_words::prose(&note.sections, "Rule", "sigma", &[]));
    let beside = beside.filter(|text| !text.is_empty()).map(|text| format!("{text}\n\n"));
    let licence = match rule.licence.as_deref().unwrap_or(rule.vendor.licence()) {
        "not stated" => "; its licence is not stated".to_owned(),
        licence => format!(", under {}", inline(licence)),
    };
    format!(
        "### Rule\n\n{}{}\n\nWritten by {}{licence}.{link}",
        beside.unwrap_or_default(),
        block(&rule.text, language),
        inline(rule.author.as_deref().unwrap_or("unknown")),
    )
}

fn resources(builder: &Builder<'_>, rule: &CatalogueRule, note: Option<&RuleNote>) -> String {
    let mut text = "### Additional Resources\n\n".to_owned();
    for url in &rule.references {
        let _ = writeln!(text, "{}", reference(url));
    }
    for name in note.map(|note| note.services.as_slice()).unwrap_or_default() {
        let _ = writeln!(text, "- {}", builder.link(&format!("service/{name}"), name));
    }
    if rule.references.is_empty() {
        text.push_str("- The rule names no reference.\n");
    }
    text
}
