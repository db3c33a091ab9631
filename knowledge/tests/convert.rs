//! Rules in plain Sigma: on requests as they come they match what the rules over services and lists match.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads files"
)]

mod shipped;

use std::collections::BTreeMap;

use diagnostics::SourceFile;
use inspect::{Inspector, Request};
use knowledge::convert::{PlainRule, convert};
use knowledge::{Compilation, Library};
use shipped::notes;

/// Rules over each service, category and operation.
fn rules_over(library: &Library) -> Vec<SourceFile> {
    let mut rules = BTreeMap::new();
    for service in &library.services {
        let name = service.name.replace('\'', "''");
        rules.insert(
            format!("s {name}"),
            format!("{{s: {{tidegate.service: '{name}'}}, condition: s}}"),
        );
        if !service.category.is_empty() {
            let category = &service.category;
            rules.insert(
                format!("c {category}"),
                format!("{{s: {{tidegate.category: {category}}}, condition: s}}"),
            );
        }
        for operation in &service.operations {
            let operation = operation.operation.as_str();
            rules.insert(format!("o {name} {operation}"), format!("{{s: {{tidegate.service: '{name}', tidegate.operation: {operation}}}, condition: s}}"));
        }
    }
    let file = |(number, (title, detection)): (usize, (&String, &String))| {
        let text = format!(
            "title: '{title}'\nlogsource:\n    category: proxy\ndetection: {detection}\nlevel: low\n"
        );
        // The detection as a block of its own.
        let text = text.replace("detection: {s: {", "detection:\n    s: {");
        let text = text.replace("}, condition: s}", "}\n    condition: s");
        SourceFile { name: format!("{number:04}.yml").into(), bytes: text.into_bytes() }
    };
    rules.iter().enumerate().map(file).collect()
}

/// The titles of the rules that match a request as it came.
fn titles(inspector: &mut Inspector, request: &Request<'_>) -> Vec<String> {
    let verdict = inspector.inspect_raw(request);
    let tables = inspector.pack().tables();
    let titles = verdict.matches.iter().filter_map(|matched| tables.rule(matched.rule));
    let mut titles: Vec<_> = titles.map(|rule| tables.str(rule.title).to_owned()).collect();
    titles.sort();
    titles
}

fn compiled(plain: &[PlainRule]) -> Inspector {
    let texts = plain.iter().enumerate().filter_map(|(number, rule)| {
        let text = rule.text.as_ref().ok()?;
        assert!(!text.contains("tidegate.") && !text.contains("|expand"), "{text}");
        let name = format!("{number:04}.yml").into();
        Some(SourceFile { name, bytes: text.clone().into_bytes() })
    });
    let library = Library::read(texts.collect());
    let errors: Vec<_> = library.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Inspector::new(Compilation::new(&library, "plain", 1).unwrap().pack)
}

#[test]
fn plain_rules_match_the_examples_as_rules_over_services_do() {
    let shipped = Library::read(notes());
    let mut files = notes();
    files.extend(rules_over(&shipped));
    let library = Library::read(files);
    let errors: Vec<_> = library.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let plain = convert(&library);
    let refused: Vec<_> = plain
        .iter()
        .filter_map(|rule| Some((rule.title.as_str(), rule.text.as_ref().err()?)))
        .collect();
    let mut own = Inspector::new(Compilation::new(&library, "own", 1).unwrap().pack);
    let mut of_plain = compiled(&plain);
    let of_rules = library.notes.iter().flat_map(|note| &note.examples).map(|of| &of.request);
    let of_services = library.services.iter().flat_map(|service| &service.operations);
    let of_services = of_services.flat_map(|operation| &operation.examples).map(|of| &of.request);
    let (mut n_examples, mut n_matches) = (0, 0);
    for request in of_rules.chain(of_services) {
        n_examples += 1;
        let mut expect = titles(&mut own, &request.lend());
        expect.retain(|title| refused.iter().all(|(refused, _)| refused != title));
        n_matches += expect.len();
        let shown = String::from_utf8_lossy(&request.url()).into_owned();
        assert_eq!(titles(&mut of_plain, &request.lend()), expect, "{shown}");
    }
    println!("{} rules, {n_examples} examples, {n_matches} matches", plain.len());
    println!("{refused:#?}");
    assert!(n_matches > 2_000, "{n_matches}");
}

#[test]
fn what_only_this_engine_has_is_not_written() {
    let rule = |detection: &str| {
        format!(
            "title: t\nlogsource:\n    category: proxy\ndetection:\n    s:\n        {detection}\n    condition: s\n"
        )
    };
    for (detection, expect) in [
        ("tidegate.usage: new", "only a policy has `tidegate.usage`"),
        ("tidegate.anomaly: host.case", "no other engine has `tidegate.anomaly`"),
        ("tidegate.service|re: '^S'", "it uses `tidegate.service|re`"),
        ("tidegate.service: Slack", "no service of the notes is what it asks for"),
    ] {
        let file = SourceFile { name: "t.yml".into(), bytes: rule(detection).into_bytes() };
        let plain = convert(&Library::read(vec![file]));
        assert_eq!(plain[0].text.clone().unwrap_err(), expect, "{detection}");
    }
}
