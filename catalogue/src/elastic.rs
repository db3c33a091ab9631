//! Elastic's detection rules: TOML with a query in KQL, EQL, ES|QL, or none.

use serde_json::Value;

use crate::query::{eql, esql, kql};
use crate::rule::{
    CatalogueRule, Collection, LogSource, Reading, Skipped, broken_toml, iso_date, others, sorted,
    string, strings, technique_id,
};

/// Keys of a rule that have a place of their own.
const RULE: [&str; 14] = [
    "name",
    "rule_id",
    "description",
    "severity",
    "author",
    "license",
    "references",
    "false_positives",
    "type",
    "risk_score",
    "note",
    "setup",
    "query",
    // Left out in part: see `LEFT_OUT`.
    "threat",
];
/// The same of its metadata.
const METADATA: [&str; 3] = ["maturity", "creation_date", "updated_date"];

pub(super) fn read(path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    if path.split('/').any(|part| part == "_deprecated") {
        return Err(Skipped::Retired);
    }
    let file: Value = toml::from_str(text).map_err(|error| broken_toml(text, &error))?;
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
        id: string(rule, "rule_id").unwrap_or_else(|| path.to_owned()),
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
        conditions: conditions(rule, &kind, &query),
        kind: Some(kind).filter(|kind| !kind.is_empty()),
        risk_score: string(rule, "risk_score"),
        guide: string(rule, "note").unwrap_or_default(),
        setup: string(rule, "setup").unwrap_or_default(),
        others: [
            others(rule, &RULE),
            others(metadata, &METADATA),
            others(&file, &["rule", "metadata"]),
        ]
        .concat(),
        language,
        text: query,
        reading,
        ..CatalogueRule::new(Collection::Elastic, path, title)
    })
}

/// What a rule asks for beside its query: by its type, and by filters.
fn conditions(rule: &Value, kind: &str, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let list = |key: &str| rule.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    match kind {
        "new_terms" => {
            let terms = rule.get("new_terms").unwrap_or(&Value::Null);
            let windows = terms.get("history_window_start").and_then(Value::as_array);
            let window = windows.and_then(|windows| string(windows.first()?, "value"));
            let fields = strings(terms.get("value")).join(", ");
            let window = window.map(|from| format!(" since {from}")).unwrap_or_default();
            found.push(format!("new terms: a value of {fields} that was not seen{window}"));
        }
        "threshold" => {
            let threshold = rule.get("threshold").unwrap_or(&Value::Null);
            let fields = strings(threshold.get("field")).join(", ");
            let by = if fields.is_empty() { String::new() } else { format!(" by {fields}") };
            let number = string(threshold, "value").unwrap_or_default();
            found.push(format!("threshold: at least {number} events{by}"));
            let cardinality = threshold.get("cardinality").and_then(Value::as_array);
            for entry in cardinality.into_iter().flatten() {
                let text = |key| string(entry, key).unwrap_or_default();
                found.push(format!(
                    "threshold: at least {} values of {}",
                    text("value"),
                    text("field")
                ));
            }
        }
        "threat_match" => {
            let indexes = strings(rule.get("threat_index")).join(", ");
            for mapping in list("threat_mapping") {
                let entries = mapping.get("entries").and_then(Value::as_array).cloned();
                for entry in entries.unwrap_or_default() {
                    let text = |key| string(&entry, key).unwrap_or_default();
                    found.push(format!(
                        "indicator match: {} is {} of an indicator in {indexes}",
                        text("field"),
                        text("value")
                    ));
                }
            }
            if let Some(query) = string(rule, "threat_query") {
                found.push(format!("indicator match: indicators are those of {query}"));
            }
        }
        "machine_learning" => {
            let jobs = strings(rule.get("machine_learning_job_id")).join(", ");
            let score = string(rule, "anomaly_threshold").unwrap_or_default();
            found.push(format!("machine learning: an anomaly score of at least {score} in {jobs}"));
        }
        _ => {}
    }
    if kind == "eql" {
        match query.split_whitespace().next() {
            Some("sequence") => found.push("a sequence of events, in its order".to_owned()),
            Some("sample") => found.push("a sample: events of each part, in any order".to_owned()),
            _ => {}
        }
    }
    for filter in list("filters") {
        let meta = filter.get("meta").unwrap_or(&Value::Null);
        let is_negated = meta.get("negate").and_then(Value::as_bool).unwrap_or_default();
        let query = filter.get("query").unwrap_or(&filter);
        let not = if is_negated { "not " } else { "" };
        found.push(format!("filter: {not}{query}"));
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: &str, rest: &str) -> CatalogueRule {
        let text = format!(
            "[metadata]\n[rule]\nname = \"x\"\ntype = \"{kind}\"\nlanguage = \"kuery\"\nquery = 'destination.domain : \"drop.example\"'\nrisk_score = 47\nsetup = \"Needs a beat.\"\nnote = \"## Triage\"\n{rest}"
        );
        read("rules/network/x.toml", &text).unwrap()
    }

    #[test]
    fn what_a_rule_asks_for_beside_its_query_is_read() {
        let cases = [
            ("query", "", &[][..]),
            (
                "new_terms",
                "[rule.new_terms]\nvalue = [\"host.id\", \"user.id\"]\n[[rule.new_terms.history_window_start]]\nvalue = \"now-14d\"",
                &["new terms: a value of host.id, user.id that was not seen since now-14d"],
            ),
            (
                "threshold",
                "[rule.threshold]\nfield = [\"host.id\"]\nvalue = 500\n[[rule.threshold.cardinality]]\nfield = \"destination.port\"\nvalue = 5",
                &[
                    "threshold: at least 500 events by host.id",
                    "threshold: at least 5 values of destination.port",
                ],
            ),
            (
                "threat_match",
                "threat_index = [\"logs-ti_*\"]\nthreat_query = 'a:b'\n[[rule.threat_mapping]]\n[[rule.threat_mapping.entries]]\nfield = \"destination.domain\"\nvalue = \"threat.indicator.domain\"",
                &[
                    "indicator match: destination.domain is threat.indicator.domain of an indicator in logs-ti_*",
                    "indicator match: indicators are those of a:b",
                ],
            ),
            (
                "query",
                "[[rule.filters]]\n[rule.filters.meta]\nnegate = true\n[rule.filters.query.wildcard]\nname = \"b*\"",
                &["filter: not {\"wildcard\":{\"name\":\"b*\"}}"],
            ),
        ];
        for (kind, rest, expect) in cases {
            let rule = rule(kind, rest);
            assert_eq!(rule.conditions, expect, "{kind}");
            assert_eq!(rule.kind.as_deref(), Some(kind));
            assert_eq!(
                (rule.guide.as_str(), rule.setup.as_str(), rule.risk_score.as_deref()),
                ("## Triage", "Needs a beat.", Some("47"))
            );
        }
        let conditions = |query| conditions(&Value::Null, "eql", query);
        assert_eq!(conditions("sequence by host.id [any where true]").len(), 1);
        assert_eq!(conditions("process where true"), Vec::<String>::new());
    }
}
