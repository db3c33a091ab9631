//! Testing runbooks: one for each rule of ours, and one for each technique with atomic tests.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::catalogue::Vendor;
use crate::catalogue::atomic::AtomicTest;
use crate::vault::page::Page;
use crate::vault::property::Property;
use crate::vault::prose::{block, code, inline, paragraphs};

use super::{Builder, own_sections, technique_tags};

/// Ids and titles of all runbooks.
pub(super) fn names(builder: &Builder<'_>) -> Vec<(String, String)> {
    let ours = builder
        .rules
        .iter()
        .filter(|rule| rule.vendor == Vendor::Tidegate)
        .map(|rule| (format!("runbook/{}", rule.id), format!("Runbook - {}", rule.title)));
    let atomic = techniques(builder).into_iter().map(|id| {
        let title = format!("{id} - Tests - {}", builder.technique_name(&id));
        (format!("atomic/{id}"), title)
    });
    ours.chain(atomic).collect()
}

fn techniques(builder: &Builder<'_>) -> BTreeSet<String> {
    let all: BTreeSet<&str> = builder.techniques.iter().map(String::as_str).collect();
    builder
        .sources
        .tests
        .iter()
        .filter(|test| all.contains(test.technique.as_str()))
        .map(|test| test.technique.clone())
        .collect()
}

/// Ids of the runbooks whose page carries a technique's tag.
pub(super) fn of_technique(builder: &Builder<'_>, id: &str) -> Vec<String> {
    let sub = format!("{id}.");
    let atomic = techniques_of_tests(builder)
        .filter(|test| *test == id || test.starts_with(&sub))
        .map(|id| format!("atomic/{id}"));
    let rules = builder
        .rules_of(id)
        .into_iter()
        .filter_map(|idx| builder.rules.get(idx))
        .filter(|rule| rule.vendor == Vendor::Tidegate)
        .map(|rule| format!("runbook/{}", rule.id));
    let ids: BTreeSet<String> =
        atomic.chain(rules).filter(|id| builder.paths.contains_key(id)).collect();
    ids.into_iter().collect()
}

/// Techniques with atomic tests, each once.
fn techniques_of_tests<'b>(builder: &'b Builder<'_>) -> impl Iterator<Item = &'b str> {
    builder.tested.iter().map(String::as_str)
}

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    let mut pages = Vec::new();
    for (rule, rule_id) in builder
        .rules
        .iter()
        .zip(&builder.rule_ids)
        .filter(|(rule, _)| rule.vendor == Vendor::Tidegate)
    {
        pages.push(of_rule(builder, rule, rule_id));
    }
    pages.extend(techniques(builder).iter().map(|id| atomic(builder, id)));
    pages
}

/// `filename` is a link to the page itself: the sample's query shows it.
fn common(builder: &Builder<'_>, id: &str, techniques: &[String], kind: &str) -> Page {
    let path = builder.path(id);
    let stem = path.trim_end_matches(".md").rsplit('/').next().unwrap_or_default().to_owned();
    let mut page = Page::new(id, path);
    page.set("filename", Property::Link(builder.property_link(id, &stem)));
    let mut tags = vec![kind.to_owned()];
    for tag in techniques.iter().flat_map(|id| technique_tags(id)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    page.set("tags", Property::Tags(tags));
    let links =
        techniques.iter().map(|id| builder.property_link(&format!("technique/{id}"), id)).collect();
    page.set("techniques", Property::Links(links));
    page
}

fn of_rule(builder: &Builder<'_>, rule: &crate::catalogue::CatalogueRule, rule_id: &str) -> Page {
    let id = format!("runbook/{}", rule.id);
    let mut page = common(builder, &id, &rule.techniques, "runbook");
    let note = builder.sources.rule_notes.get(&rule.id);
    let examples = note.map(|note| note.examples.as_slice()).unwrap_or_default();
    page.set("rule", Property::Link(builder.property_link(rule_id, &rule.title)));
    page.set("rule_id", Property::Text(rule.id.clone()));
    page.set("steps", Property::Number(examples.len().to_string()));
    page.set("last_result", Property::Text("never run".into()));
    page.set("pack", Property::Text(builder.sources.pack_hash.clone()));
    page.block(
        "title",
        format!(
            "# Runbook for {}\n\nRule: {}",
            inline(&rule.title),
            builder.link(rule_id, &rule.title)
        ),
    );
    let own = builder
        .sources
        .runbooks
        .get(&rule.id)
        .map(|sections| own_sections(sections))
        .unwrap_or_default();
    page.block("note", own);
    let mut steps = "### Steps\n\n".to_owned();
    for (idx, example) in examples.iter().enumerate() {
        let (verdict, event) = match example.expected {
            "match" => {
                ("the rule matches", format!("one event with the rule id {}", code(&rule.id)))
            }
            _ => ("the rule does not match", "no event of this rule".to_owned()),
        };
        let _ = writeln!(
            steps,
            "#### Step {}\n\n{}\n\n{}\n\n- Expected verdict: {verdict}\n- Expected event: {event}\n- Cleanup: none, the request changes nothing\n",
            idx + 1,
            inline(&example.what),
            block(&example.request, "http")
        );
    }
    if examples.is_empty() {
        let _ = writeln!(steps, "No rows as of {}: the rule's note has no example.", builder.as_of);
    }
    page.block("steps", steps);
    page
}

fn atomic(builder: &Builder<'_>, id: &str) -> Page {
    let page_id = format!("atomic/{id}");
    let tests: Vec<&AtomicTest> =
        builder.sources.tests.iter().filter(|test| test.technique == id).collect();
    let mut page = common(builder, &page_id, &[id.to_owned()], "atomic_test");
    page.set("steps", Property::Number(tests.len().to_string()));
    page.set("last_result", Property::Text("never run".into()));
    page.set("guids", Property::List(tests.iter().map(|test| test.guid.clone()).collect()));
    page.block(
        "title",
        format!(
            "# Tests of {} {}\n\nFrom Atomic Red Team, MIT licence. Technique: {}",
            id,
            inline(&builder.technique_name(id)),
            builder.link(&format!("technique/{id}"), id)
        ),
    );
    for (idx, test) in tests.iter().enumerate() {
        let mut text = format!(
            "### Test {}: {}\n\n{}\n\n",
            idx + 1,
            inline(&test.name),
            paragraphs(&test.description)
        );
        let _ = writeln!(
            text,
            "- Guid: {}\n- Platforms: {}\n- Executor: {}\n- Needs an administrator: {}",
            code(&test.guid),
            inline(&test.platforms.join(", ")),
            inline(&test.executor),
            if test.elevated { "yes" } else { "no" }
        );
        for (name, description, default) in &test.arguments {
            let _ = writeln!(
                text,
                "- Argument {}: {} (default {})",
                code(name),
                inline(description),
                code(default)
            );
        }
        let _ = writeln!(text, "\n{}\n", block(&test.command, language(&test.executor)));
        if let Some(cleanup) = &test.cleanup {
            let _ = writeln!(
                text,
                "#### Cleanup of test {}\n\n{}\n",
                idx + 1,
                block(cleanup, language(&test.executor))
            );
        }
        page.block(&format!("test{}", idx + 1), text);
    }
    page
}

fn language(executor: &str) -> &'static str {
    match executor {
        "powershell" => "powershell",
        "command_prompt" => "bat",
        "bash" | "sh" => "sh",
        _ => "text",
    }
}
