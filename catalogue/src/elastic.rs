//! Elastic's detection rules: TOML with a query in KQL, EQL, ES|QL, or none.

use serde_json::Value;

use crate::query::{eql, esql, kql};
use crate::rule::{
    CatalogueRule, LogSource, Reading, Skipped, Vendor, iso_date, sorted, string, strings,
    technique_id,
};

pub(super) fn read(path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    if path.split('/').any(|part| part == "_deprecated") {
        return Err(Skipped::Retired);
    }
    let file: Value =
        toml::from_str(text).map_err(|error| Skipped::Broken(one_line(error.message())))?;
    let (Some(rule), metadata) = (file.get("rule"), file.get("metadata").unwrap_or(&Value::Null))
    else {
        return Err(Skipped::Broken("no `rule` table".into()));
    };
    let Some(title) = string(rule, "name") else {
        return Err(Skipped::Broken("the rule has no `name`".into()));
    };
    let query = string(rule, "query").unwrap_or_default();
    let language = string(rule, "language").unwrap_or_default();
    let kind = string(rule, "type").unwrap_or_default();
    let (language, reading) = match (language.as_str(), kind.as_str()) {
        (_, "machine_learning") => ("none", Reading::NoQuery("machine learning")),
        ("eql", _) => ("eql", Reading::of(eql::parse(&query))),
        ("esql", _) => ("esql", Reading::of(esql::parse(&query))),
        ("kuery", _) => ("kql", Reading::of(kql::parse(&query))),
        ("lucene", _) => ("lucene", Reading::NoQuery("Lucene syntax")),
        _ => ("none", Reading::NoQuery("no query language")),
    };
    let (techniques, tactics) = threats(rule);
    let category = match language {
        "eql" => query
            .split_whitespace()
            .find(|word| !matches!(*word, "sequence" | "sample"))
            .map(|word| word.trim_matches('[').to_owned()),
        _ => None,
    };
    Ok(CatalogueRule {
        vendor: Vendor::Elastic,
        path: path.to_owned(),
        id: string(rule, "rule_id").unwrap_or_else(|| path.to_owned()),
        title,
        description: string(rule, "description").unwrap_or_default().trim().to_owned(),
        status: string(metadata, "maturity"),
        level: string(rule, "severity"),
        author: Some(strings(rule.get("author")).join(", ")).filter(|author| !author.is_empty()),
        licence: string(rule, "license"),
        created: string(metadata, "creation_date").as_deref().and_then(iso_date),
        modified: string(metadata, "updated_date").as_deref().and_then(iso_date),
        techniques,
        tactics,
        logsource: LogSource {
            product: product(rule, path),
            service: strings(metadata.get("integration")).into_iter().next(),
            category: category.filter(|word| {
                word.bytes().all(|byte| byte.is_ascii_lowercase()) && word != "by" && word != "with"
            }),
        },
        references: strings(rule.get("references")),
        false_positives: strings(rule.get("false_positives")),
        language,
        text: query,
        reading,
    })
}

/// The operating system tag, else the folder.
fn product(rule: &Value, path: &str) -> Option<String> {
    let tags = strings(rule.get("tags"));
    let system = tags.iter().find_map(|tag| tag.strip_prefix("OS: ")).map(str::to_lowercase);
    let mut parts =
        path.split('/').filter(|part| !part.starts_with("rules") && !part.ends_with(".toml"));
    system.or_else(|| parts.next_back().map(ToOwned::to_owned))
}

/// Techniques with their sub-techniques, and tactics.
fn threats(rule: &Value) -> (Vec<String>, Vec<String>) {
    let (mut techniques, mut tactics) = (Vec::new(), Vec::new());
    let list = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    for threat in list(rule, "threat") {
        tactics.extend(threat.get("tactic").and_then(|tactic| string(tactic, "name")));
        for technique in list(&threat, "technique") {
            techniques.extend(string(&technique, "id"));
            techniques.extend(
                list(&technique, "subtechnique").iter().filter_map(|sub| string(sub, "id")),
            );
        }
    }
    (sorted(techniques.iter().filter_map(|id| technique_id(id))), sorted(tactics))
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
