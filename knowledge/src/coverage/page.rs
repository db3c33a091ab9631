//! The page about coverage, in Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Coverage, CoveredService, CoveringRule};
use crate::note::Runbook;

pub(super) fn page(coverage: &Coverage<'_>) -> String {
    let (n_operations, n_found) = coverage.n_operations();
    let n_runbooks = coverage.rules.iter().filter(|rule| rule.runbook.is_some()).count();
    let mut text = format!(
        "{} services, {n_operations} operations of services, {n_found} of them found by a rule; {} rules, {n_runbooks} with a runbook.\n\n",
        coverage.services.len(),
        coverage.rules.len(),
    );
    text.push_str("## Techniques\n\n");
    techniques(coverage, &mut text);
    text.push_str("\n## Rules\n\n");
    rules(coverage, &mut text);
    text.push_str("\n## Services and operations\n\nThe numbers are those of the rules above; 0 is an operation that no rule finds.\n");
    services(coverage, &mut text);
    text
}

/// A row for each technique that a rule or a service names.
fn techniques(coverage: &Coverage<'_>, text: &mut String) {
    let mut rows: BTreeMap<&str, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for service in &coverage.services {
        for technique in service.techniques {
            rows.entry(technique).or_default().0 += 1;
        }
    }
    for (idx, rule) in coverage.rules.iter().enumerate() {
        for technique in &rule.techniques {
            rows.entry(technique).or_default().1.insert(idx);
        }
    }
    text.push_str("| technique | services whose notes name it | rules | with a runbook |\n| --- | --: | --: | --: |\n");
    for (technique, (n_services, rules)) in rows {
        let runbooks = rules.iter().filter_map(|rule| coverage.rules.get(*rule)?.runbook);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {technique} | {n_services} | {} | {} |",
            rules.len(),
            runbooks.count()
        );
    }
}

/// A row for each rule, by its number.
fn rules(coverage: &Coverage<'_>, text: &mut String) {
    text.push_str("| | rule | techniques | services | operations | runbook | last result |\n| --: | --- | --- | --: | --: | --- | --- |\n");
    for (idx, rule) in coverage.rules.iter().enumerate() {
        let found = |service: &&CoveredService<'_>| {
            service.operations.values().any(|rules| rules.contains(&idx))
        };
        let services: Vec<_> = coverage.services.iter().filter(found).collect();
        let operations: BTreeSet<_> = services
            .iter()
            .flat_map(|service| &service.operations)
            .filter(|(_, rules)| rules.contains(&idx))
            .map(|(operation, _)| operation)
            .collect();
        let techniques: Vec<_> = rule.techniques.iter().map(String::as_str).collect();
        let (runbook, result) = tested(rule);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {runbook} | {result} |",
            idx + 1,
            rule.title.replace('|', "\\|"),
            techniques.join(", "),
            services.len(),
            operations.len(),
        );
    }
}

fn tested<'r>(rule: &CoveringRule<'r>) -> (&'static str, &'r str) {
    let Some(Runbook { last_result, .. }) = rule.runbook else { return ("none", "") };
    ("yes", last_result.as_deref().unwrap_or("not run"))
}

/// A table for each category, a row for each service.
fn services(coverage: &Coverage<'_>, text: &mut String) {
    for group in coverage.services.chunk_by(|left, right| left.category == right.category) {
        let category = group.first().map_or("", |service| service.category);
        let category = if category.is_empty() { "without a category" } else { category };
        let _ = writeln!(
            text,
            "\n### {category}\n\n| service | techniques | operations: rules that find them |\n| --- | --- | --- |"
        );
        for service in group {
            let operation = |(operation, rules): (&inspect::pack::Operation, &BTreeSet<usize>)| {
                let numbers: Vec<_> = rules.iter().map(|rule| (rule + 1).to_string()).collect();
                let numbers = if numbers.is_empty() { "0".into() } else { numbers.join(", ") };
                format!("{} ({numbers})", operation.as_str())
            };
            let operations: Vec<_> = service.operations.iter().map(operation).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                service.name.replace('|', "\\|"),
                service.techniques.join(", "),
                operations.join("; ")
            );
        }
    }
}
