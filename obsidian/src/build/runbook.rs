//! Testing runbooks: one for each rule of ours, and one for each technique with atomic tests.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::curl;
use crate::own_markdown::harmless;
use crate::page::Page;
use crate::property::Property;
use crate::prose::{block, code, escaped, inline, paragraphs, whole_code};
use crate::sources::Example;
use catalogue::atomic::AtomicTest;
use catalogue::dialect::section::Section;
use catalogue::{CatalogueRule, Collection};

use super::{Builder, other_keys, own_sections, technique_tags};

/// The state of a runbook without a result.
const NEVER_RUN: &str = "never run";

/// Sections of a runbook note that are read after its steps.
const AFTER: [&str; 6] = ["vary", "variations", "read the result", "result", "clean up", "cleanup"];

/// Ids and titles of all runbooks.
pub(super) fn names(builder: &Builder<'_>) -> Vec<(String, String)> {
    let ours = builder
        .rules
        .iter()
        .filter(|rule| rule.vendor == Collection::Own)
        .map(|rule| (format!("runbook/{}", rule.id), format!("Runbook - {}", rule.title)));
    let atomic = builder.tested.iter().map(|id| {
        let name = builder.known_name(id).map(|name| format!(" - {name}")).unwrap_or_default();
        let title = format!("{id} - Tests{name}");
        (format!("atomic/{id}"), title)
    });
    ours.chain(atomic).collect()
}

/// Ids of the runbooks whose page carries a technique's tag.
pub(super) fn of_technique(builder: &Builder<'_>, id: &str) -> Vec<String> {
    let sub = format!("{id}.");
    let tested = builder.tested.iter().map(String::as_str);
    let atomic = tested
        .filter(|test| *test == id || test.starts_with(&sub))
        .map(|id| format!("atomic/{id}"));
    let rules = builder
        .rules_of(id)
        .into_iter()
        .filter_map(|idx| builder.rules.get(idx))
        .filter(|rule| rule.vendor == Collection::Own)
        .map(|rule| format!("runbook/{}", rule.id));
    let ids: BTreeSet<String> =
        atomic.chain(rules).filter(|id| builder.paths.contains_key(id)).collect();
    ids.into_iter().collect()
}

pub(super) fn pages(builder: &Builder<'_>) -> Vec<Page> {
    let mut pages = Vec::new();
    for (rule, rule_id) in builder
        .rules
        .iter()
        .zip(&builder.rule_ids)
        .filter(|(rule, _)| rule.vendor == Collection::Own)
    {
        pages.push(of_rule(builder, rule, rule_id));
    }
    pages.extend(builder.tested.iter().map(|id| atomic(builder, id)));
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

fn of_rule(builder: &Builder<'_>, rule: &CatalogueRule, rule_id: &str) -> Page {
    let id = format!("runbook/{}", rule.id);
    let mut page = common(builder, &id, &rule.techniques, "runbook");
    let own_note = builder.sources.rule_notes.get(&rule.id);
    let examples = own_note.map(|note| note.examples.as_slice()).unwrap_or_default();
    let own = builder.sources.runbooks.get(&rule.id);
    let pack = &builder.sources.pack_hash;
    page.set("rule", Property::Link(builder.property_link(rule_id, &rule.title)));
    page.set("rule_id", Property::Text(rule.id.clone()));
    page.set("steps", Property::Number(examples.len().to_string()));
    match own.and_then(|own| own.record.as_ref()) {
        Some(record) => {
            let content = own_note.map_or("", |note| note.content.as_str());
            page.set("test_state", Property::Text(record.state(content).into()));
            for (key, value) in record.properties() {
                page.set(key, value);
            }
        }
        None => never_run(&mut page),
    }
    if !pack.is_empty() {
        page.set("pack", Property::Text(pack.clone()));
    }
    page.block(
        "title",
        format!(
            "# Runbook for {}\n\nRule: {}",
            inline(&rule.title),
            builder.link(rule_id, &rule.title)
        ),
    );
    let sections = own.map(|own| own.sections.as_slice()).unwrap_or_default();
    let is_after = |section: &Section| {
        AFTER.iter().any(|title| section.title.trim().eq_ignore_ascii_case(title))
    };
    let n_before = sections.iter().position(is_after).unwrap_or(sections.len());
    let (before, after) = sections.split_at_checked(n_before).unwrap_or((sections, &[]));
    let titles = format!("Runbook for {0}, Runbook: {0}", rule.title);
    page.block("note", own_sections(before, &titles));
    page.block("steps", steps(builder, rule, rule_id, examples));
    page.block("after", own_sections(after, &titles));
    let others = own.into_iter().flat_map(|own| &own.properties);
    let others = others.map(|(key, value)| (key.as_str(), value));
    page.block("properties", other_keys::listed("### Properties", others));
    page
}

/// The steps, each with a command; what all have in common is said once, in front of them.
fn steps(
    builder: &Builder<'_>,
    rule: &CatalogueRule,
    rule_id: &str,
    examples: &[Example],
) -> String {
    if examples.is_empty() {
        let as_of = &builder.as_of;
        return format!("### Steps\n\nNo rows{as_of}: the rule's note has no example.\n");
    }
    let level = rule.level.as_deref().unwrap_or("none");
    let matching = if examples.iter().any(|example| example.expected == "match") {
        format!(
            "- A step that matches: a gateway that enforces answers 403, and writes one event with rule id {}, level {level}.",
            code(&rule.id)
        )
    } else {
        format!(
            "- No step matches: the rule matches what several requests do over time, and no single one. Its sequences are on the page of {}, and `tidegate test` runs them; its events have rule id {}, level {level}.",
            builder.link(rule_id, &rule.title),
            code(&rule.id)
        )
    };
    let mut text = format!(
        "### Steps\n\nRun them on a machine that reaches the gateway, whose address comes first:\n\n```sh\nGATEWAY=http://127.0.0.1:3128\n```\n\n{matching}\n- A step that passes: no rule matches, there is no event, and the answer is that of the service.\n- A gateway in mode `monitor` passes all requests on to the real service: put a stand-in behind it, or let it enforce.\n- Secrets in the steps are invented and open nothing; no step has a body.\n\nAll steps of all runbooks, with the result written here:\n\n```sh\ntidegate test --record --gateway \"$GATEWAY\" --log ACCESS_LOG --log ENVOY_LOG --vault VAULT\n```\n\n"
    );
    for (number, example) in (1..).zip(examples) {
        let outcome = if example.expected == "match" { "matches" } else { "passes" };
        let command = curl::command(&example.request);
        let command = command
            .map_or_else(|| block(&example.request, "http"), |command| block(&command, "sh"));
        let _ = writeln!(text, "#### Step {number}: {outcome}\n");
        if !example.what.is_empty() {
            let _ = writeln!(text, "{}\n", harmless(&example.what));
        }
        let _ = writeln!(text, "{command}\n");
        let expected = expected(example);
        if !expected.is_empty() {
            let _ = writeln!(text, "{expected}\n");
        }
    }
    text
}

fn never_run(page: &mut Page) {
    page.set("test_state", Property::Text(NEVER_RUN.into()));
    page.set("last_result", Property::Text(NEVER_RUN.into()));
}

/// What a tester sees of this step and not of every one of its kind.
fn expected(example: &Example) -> String {
    let others: Vec<String> = example.others.iter().map(|title| inline(title)).collect();
    let mut parts = Vec::new();
    if example.expected == "match" {
        let path = example.path.as_ref();
        parts.push(path.map_or_else(
            || "The event has no path, as in every tunnel".to_owned(),
            |path| format!("The event's path is {}", code(path)),
        ));
        if let Some(view) = example.view.filter(|view| *view != "raw") {
            parts.push(format!("it is seen in the {view} view"));
        }
        if !others.is_empty() {
            parts.push(format!("these rules match too: {}", others.join("; ")));
        }
    } else if !others.is_empty() {
        parts.push(format!("Other rules match, and have an event: {}", others.join("; ")));
    }
    if parts.is_empty() { String::new() } else { format!("{}.", parts.join("; ")) }
}

fn atomic(builder: &Builder<'_>, id: &str) -> Page {
    let page_id = format!("atomic/{id}");
    let tests: Vec<&AtomicTest> =
        builder.sources.tests.iter().filter(|test| test.technique == id).collect();
    let mut page = common(builder, &page_id, &[id.to_owned()], "atomic_test");
    page.set("steps", Property::Number(tests.len().to_string()));
    never_run(&mut page);
    page.set("guids", Property::List(tests.iter().map(|test| test.guid.clone()).collect()));
    let name = builder.technique_name(id);
    // The name of today may be another one.
    let theirs = tests.first().map(|test| test.technique_name.as_str()).unwrap_or_default();
    let theirs = match theirs {
        "" => String::new(),
        theirs if theirs == name => String::new(),
        theirs => format!(" ({})", inline(theirs)),
    };
    let migrated = builder.migration(id);
    let migrated = migrated.map_or_else(String::new, |what| format!("; {}", inline(&what)));
    page.block(
        "title",
        format!(
            "# Tests of {}\n\nFrom Atomic Red Team, MIT licence. Technique: {}{theirs}{migrated}",
            inline(&builder.technique_title(id)),
            builder.link(&format!("technique/{id}"), id)
        ),
    );
    for (idx, test) in tests.iter().enumerate() {
        let mut text = format!(
            "### Atomic Test #{}: {}\n\n{}\n\n",
            test.number,
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
        if let Some(executor) = test.dependency_executor.as_ref().filter(|it| **it != test.executor)
        {
            let _ = writeln!(text, "- Executor of prerequisites: {}", inline(executor));
        }
        for argument in &test.arguments {
            let kind = if argument.kind.is_empty() { "value" } else { &argument.kind };
            let _ = writeln!(
                text,
                "- Argument {}: {} ({}, default {})",
                whole_code(&argument.name),
                escaped(&argument.description),
                inline(kind),
                whole_code(&argument.default)
            );
        }
        let others = test.others.iter().map(|(key, value)| (key.as_str(), value));
        text.push_str(&other_keys::listed("", others));
        text.push_str(&prerequisites(test));
        let _ = writeln!(text, "\n{}\n", block(&test.command, language(&test.executor)));
        if let Some(cleanup) = &test.cleanup {
            let _ = writeln!(
                text,
                "#### Cleanup of test #{}\n\n{}\n",
                test.number,
                block(cleanup, language(&test.executor))
            );
        }
        page.block(&format!("test{}", idx + 1), text);
    }
    page
}

/// What has to be there before a test runs, with the commands that check and get it.
fn prerequisites(test: &AtomicTest) -> String {
    if test.dependencies.is_empty() {
        return String::new();
    }
    let executor = test.dependency_executor.as_ref().unwrap_or(&test.executor);
    let mut text = format!("\n#### Prerequisites of test #{}\n", test.number);
    for dependency in &test.dependencies {
        let _ = writeln!(text, "\n{}", paragraphs(&dependency.description));
        for (what, command) in [("Check", &dependency.check), ("Get", &dependency.get)] {
            if !command.trim().is_empty() {
                let _ = writeln!(text, "\n{what}:\n\n{}", block(command, language(executor)));
            }
        }
    }
    text + &format!("\n#### Steps of test #{}\n", test.number)
}

fn language(executor: &str) -> &'static str {
    match executor {
        "powershell" => "powershell",
        "command_prompt" => "bat",
        "bash" | "sh" => "sh",
        _ => "text",
    }
}
