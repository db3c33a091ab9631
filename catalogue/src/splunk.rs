//! Splunk's detections, in the schemas of 2024, 2025 and 2026.

use serde_json::Value;

use crate::query::spl;
use crate::rule::{
    CatalogueRule, Collection, LogSource, Reading, Skipped, broken_yaml, iso_date, others, scalar,
    sorted, string, strings, technique_id,
};

/// Folders of the repository that hold no detections, or none that are in use.
const OTHER_FOLDERS: [&str; 14] = [
    "app_template",
    "baselines",
    "dashboards",
    "data_sources",
    "deployments",
    "deprecated",
    "investigations",
    "lookups",
    "macros",
    "notebooks",
    "playbooks",
    "removed",
    "response_templates",
    "stories",
];

/// Keys that have a place of their own; of the schemas before 2026 some are below `tags`.
const PLACED: [&str; 18] = [
    "name",
    "id",
    "author",
    "date",
    "creation_date",
    "modification_date",
    "status",
    "type",
    "description",
    "search",
    "how_to_implement",
    "known_false_positives",
    "references",
    "mitre_attack_id",
    "security_domain",
    "asset_type",
    "risk_score",
    "tags",
];

pub(super) fn read(path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    if path.split('/').any(|part| OTHER_FOLDERS.contains(&part)) {
        return Err(Skipped::Retired);
    }
    let file: Value = serde_saphyr::from_str(text).map_err(|_| broken_yaml(text))?;
    let status = string(&file, "status");
    let is_retired = matches!(status.as_deref(), Some("deprecated" | "removed"))
        || file.get("deprecation_info").is_some();
    let kind = string(&file, "type");
    let is_other = matches!(kind.as_deref(), Some("Baseline" | "Investigation"))
        || kind.is_none() && file.get("search").is_none();
    if is_retired || is_other {
        return Err(Skipped::Retired);
    }
    let Some(title) = string(&file, "name") else {
        return Err(Skipped::Broken("the detection has no `name`".into()));
    };
    let tags = file.get("tags").unwrap_or(&Value::Null);
    // Schema 2024: below `tags`; since 2026 on the top level.
    let ids = [tags.get("mitre_attack_id"), file.get("mitre_attack_id")];
    let query = string(&file, "search").unwrap_or_default();
    let reading = if query.is_empty() {
        Reading::NoQuery("no search")
    } else {
        Reading::of(spl::parse(&query))
    };
    let sources = strings(file.get("data_source"));
    // Since ESCU 6 there are two dates.
    let date = |key: &str| {
        let text = string(&file, key).or_else(|| string(&file, "date"));
        text.as_deref().and_then(iso_date)
    };
    let scores = [
        file.pointer("/finding/entity/score"),
        file.pointer("/rba/risk_objects/0/score"),
        file.pointer("/tags/risk_score"),
    ];
    Ok(CatalogueRule {
        id: string(&file, "id").unwrap_or_else(|| path.to_owned()),
        description: string(&file, "description").unwrap_or_default().trim().to_owned(),
        status,
        author: string(&file, "author"),
        created: date("creation_date"),
        modified: date("modification_date"),
        techniques: sorted(ids.into_iter().flat_map(strings).filter_map(|id| technique_id(&id))),
        logsource: LogSource {
            product: Some(
                string(tags, "security_domain")
                    .or_else(|| string(&file, "security_domain"))
                    .unwrap_or_else(|| folder(path)),
            ),
            service: sources.into_iter().next(),
            category: string(tags, "asset_type").or_else(|| string(&file, "asset_type")),
        },
        references: strings(file.get("references")),
        false_positives: strings(file.get("known_false_positives")),
        kind,
        risk_score: scores.into_iter().flatten().find_map(scalar),
        setup: string(&file, "how_to_implement").unwrap_or_default(),
        others: [others(&file, &PLACED), others(tags, &PLACED)].concat(),
        language: "spl",
        text: query,
        reading,
        ..CatalogueRule::new(Collection::Splunk, path, title)
    })
}

fn folder(path: &str) -> String {
    path.rsplit('/').nth(1).unwrap_or("splunk").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETECTION: &str = "name: Upload\nid: 0c1f2e3d-1111-4222-8333-444455556666\ncreation_date: '2025-04-03'\nmodification_date: '2026-10-08'\nstatus: production\ntype: TTP\nsearch: '| tstats count from datamodel=Web'\nhow_to_implement: Needs proxy logs.\nfinding:\n    entity: {field: src, type: system, score: 60}\nmitre_attack_id: [T1567]\n";

    #[test]
    fn the_schema_of_2026_is_read_whole() {
        let rule = read("detections/network/upload.yml", DETECTION).unwrap();
        assert_eq!(rule.created.as_deref(), Some("2025-04-03"));
        assert_eq!(rule.modified.as_deref(), Some("2026-10-08"));
        assert_eq!(rule.setup, "Needs proxy logs.");
        assert_eq!((rule.kind.as_deref(), rule.risk_score.as_deref()), (Some("TTP"), Some("60")));
    }

    #[test]
    fn only_detections_in_use_are_rules() {
        let removed = format!("{DETECTION}deprecation_info:\n    reason: replaced\n");
        let baseline = DETECTION.replace("TTP", "Baseline");
        for (path, text) in [
            ("removed/detections/old.yml", DETECTION),
            ("deprecated/old.yml", DETECTION),
            ("detections/network/old.yml", removed.as_str()),
            ("baselines/b.yml", &baseline),
            ("own/b.yml", &baseline),
            ("stories/s.yml", "name: Story\ndescription: no detection\nstatus: production\n"),
            ("own/s.yml", "name: Story\ndescription: no detection\nstatus: production\n"),
            ("macros/m.yml", "name: macro\ndefinition: convert\n"),
            ("own/m.yml", "name: macro\ndefinition: convert\n"),
        ] {
            assert_eq!(read(path, text).map(|rule| rule.title), Err(Skipped::Retired), "{path}");
        }
    }
}
