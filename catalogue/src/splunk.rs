//! Splunk's detections, in the schemas of 2024, 2025 and 2026.

use serde_json::Value;

use crate::query::spl;
use crate::rule::{
    CatalogueRule, LogSource, Reading, Skipped, Vendor, iso_date, sorted, string, strings,
    technique_id,
};

pub(super) fn read(path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    if path.split('/').any(|part| part == "deprecated") {
        return Err(Skipped::Retired);
    }
    let file: Value = serde_saphyr::from_str(text)
        .map_err(|error| Skipped::Broken(first_line(&error.to_string())))?;
    let status = string(&file, "status");
    if status.as_deref() == Some("deprecated") {
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
    Ok(CatalogueRule {
        vendor: Vendor::Splunk,
        path: path.to_owned(),
        id: string(&file, "id").unwrap_or_else(|| path.to_owned()),
        title,
        description: string(&file, "description").unwrap_or_default().trim().to_owned(),
        status,
        level: None,
        author: string(&file, "author"),
        licence: None,
        created: string(&file, "date").as_deref().and_then(iso_date),
        modified: string(&file, "date").as_deref().and_then(iso_date),
        techniques: sorted(ids.into_iter().flat_map(strings).filter_map(|id| technique_id(&id))),
        tactics: Vec::new(),
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
        language: "spl",
        text: query,
        reading,
    })
}

fn folder(path: &str) -> String {
    path.rsplit('/').nth(1).unwrap_or("splunk").to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
