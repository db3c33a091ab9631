//! Which operations of services the rules find.

use inspect::Inspector;
use knowledge::Compilation;
use knowledge::coverage::Coverage;
use serde_json::{Map, Value, json};

use super::settings::settings;
use crate::command::{Vocabulary, read_library};

/// Runs the examples of the operations of all services, and lists the rules that find them. Without a service
/// those that no rule finds are listed.
pub(super) fn coverage(paths: &[String], service: &str, limit: usize) -> Result<Value, String> {
    let paths: Vec<_> = paths.iter().map(std::path::PathBuf::from).collect();
    let mut vocabulary = Vocabulary { placeholders: None, hosts: None, notes: Vec::new() };
    vocabulary.fill_in(&settings()?);
    let (library, _) = read_library(&paths, &vocabulary).map_err(|outcome| outcome.stderr)?;
    let compilation = Compilation::new(&library, "coverage", 0)
        .map_err(|finding| finding.diagnostic.message.clone())?;
    let inspector = Inspector::new(compilation.pack);
    let coverage = Coverage::of(&library, &compilation.rule_ids, inspector);
    let (n_operations, n_found) = coverage.n_operations();
    if service.is_empty() {
        let mut gaps = Vec::new();
        for covered in &coverage.services {
            let missed = covered.operations.iter().filter(|(_, rules)| rules.is_empty());
            let missed: Vec<_> = missed.map(|(operation, _)| operation.as_str()).collect();
            if !missed.is_empty() {
                gaps.push(json!({ "service": covered.name, "operations": missed }));
            }
        }
        let n_left_out = gaps.len().saturating_sub(limit);
        gaps.truncate(limit);
        return Ok(json!({
            "services": coverage.services.len(),
            "operations": n_operations,
            "found": n_found,
            "not_found": gaps,
            "left_out": n_left_out,
        }));
    }
    let wanted = |name: &str| name.eq_ignore_ascii_case(service);
    let Some(covered) = coverage.services.iter().find(|covered| wanted(covered.name)) else {
        return Err(format!("there is no service `{}`", service.escape_debug()));
    };
    let mut operations = Map::new();
    for (operation, rules) in &covered.operations {
        let titles = rules.iter().filter_map(|idx| coverage.rules.get(*idx));
        let titles: Vec<_> =
            titles.map(|rule| json!({ "id": rule.id, "title": rule.title })).collect();
        operations.insert(operation.as_str().to_owned(), titles.into());
    }
    Ok(json!({
        "service": covered.name,
        "category": covered.category,
        "techniques": covered.techniques,
        "operations": operations,
    }))
}
