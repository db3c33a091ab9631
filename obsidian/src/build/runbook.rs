//! Testing runbooks: one for each rule of ours, and one for each technique with atomic tests.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::page::Page;
use crate::property::Property;
use crate::prose::{block, code, inline, paragraphs};
use crate::sources::Example;
use catalogue::atomic::AtomicTest;
use catalogue::{CatalogueRule, Collection};

use super::{Builder, own_sections, technique_tags};

/// The state of a runbook without a result.
const NEVER_RUN: &str = "never run";

/// What holds for the steps of every runbook.
const HOW_TO_RUN: &str = "\
- All steps of all runbooks, with the result written here: `tidegate test --record --gateway http://GATEWAY:3128 --log ACCESS_LOG --log ENVOY_LOG --vault VAULT`
- One step by hand: `curl --proxy http://GATEWAY:3128` with the method, the URL with `http` for `https`, and the headers of the step
- A gateway in mode `monitor` passes requests on to the real service: put a stand-in behind it, or let it enforce
- Secrets in the steps are invented and open nothing
";

/// Ids and titles of all runbooks.
pub(super) fn names(builder: &Builder<'_>) -> Vec<(String, String)> {
    let ours = builder
        .rules
        .iter()
        .filter(|rule| rule.vendor == Collection::Own)
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
        .filter(|rule| rule.vendor == Collection::Own)
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
        .filter(|(rule, _)| rule.vendor == Collection::Own)
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
    page.set("pack", Property::Text(pack.clone()));
    page.block(
        "title",
        format!(
            "# Runbook for {}\n\nRule: {}",
            inline(&rule.title),
            builder.link(rule_id, &rule.title)
        ),
    );
    page.block("note", own.map(|own| own_sections(&own.sections)).unwrap_or_default());
    let mut steps = format!("### Steps\n\n{HOW_TO_RUN}\n");
    for (idx, example) in examples.iter().enumerate() {
        let _ = writeln!(
            steps,
            "#### Step {}\n\n{}\n\n{}\n\n{}",
            idx + 1,
            inline(&example.what),
            block(&example.request, "http"),
            expected(rule, example)
        );
    }
    if examples.is_empty() {
        let _ = writeln!(steps, "No rows as of {}: the rule's note has no example.", builder.as_of);
    }
    page.block("steps", steps);
    page
}

fn never_run(page: &mut Page) {
    page.set("test_state", Property::Text(NEVER_RUN.into()));
    page.set("last_result", Property::Text(NEVER_RUN.into()));
}

/// What a tester compares with: the verdict, and the event as far as the request decides it.
fn expected(rule: &CatalogueRule, example: &Example) -> String {
    let others = match example.others.as_slice() {
        [] => "none".to_owned(),
        others => others.iter().map(|title| inline(title)).collect::<Vec<_>>().join("; "),
    };
    let verdict = match example.expected {
        "match" => "the rule matches; a gateway that enforces answers 403",
        _ if example.others.is_empty() => "no rule matches",
        _ => "this rule does not match",
    };
    let event = match (example.expected, &example.path) {
        ("match", path) => {
            let path = path.as_ref().map_or_else(
                || "no path, as in every tunnel".to_owned(),
                |path| format!("path {}", code(path)),
            );
            format!(
                "one, with rule id {}, level {}, view {}, {path}",
                code(&rule.id),
                rule.level.as_deref().unwrap_or("none"),
                example.view.unwrap_or("none"),
            )
        }
        _ if example.others.is_empty() => "none".to_owned(),
        _ => "one of other rules".to_owned(),
    };
    format!(
        "- Expected verdict: {verdict}\n- Expected event: {event}\n- Other rules that match: {others}\n- Cleanup: as the note says; the request has no body and leaves nothing by itself\n"
    )
}

fn atomic(builder: &Builder<'_>, id: &str) -> Page {
    let page_id = format!("atomic/{id}");
    let tests: Vec<&AtomicTest> =
        builder.sources.tests.iter().filter(|test| test.technique == id).collect();
    let mut page = common(builder, &page_id, &[id.to_owned()], "atomic_test");
    page.set("steps", Property::Number(tests.len().to_string()));
    never_run(&mut page);
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
        for (name, description, default) in &test.arguments {
            let _ = writeln!(
                text,
                "- Argument {}: {} (default {})",
                code(name),
                inline(description),
                code(default)
            );
        }
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
