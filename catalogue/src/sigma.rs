//! SigmaHQ's rules.

use serde_json::Value;

use crate::rule::{
    CatalogueRule, LogSource, Reading, Skipped, Vendor, iso_date, sorted, string, strings,
    technique_id,
};

/// Whether a file stands in a folder of active rules: `rules`, `rules-emerging-threats`...
pub(super) fn is_active(path: &str) -> bool {
    path.split('/').next().is_some_and(|folder| folder == "rules" || folder.starts_with("rules-"))
}

pub(super) fn read(vendor: Vendor, path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    let parsed = sigma::parse(&sigma::Source::new(path, text));
    match parsed.rules.first() {
        Some(rule) => Ok(of_rule(vendor, path, text, rule)),
        None => {
            let why = parsed
                .diagnostics
                .first()
                .map_or("no rule in it".to_owned(), |found| found.message.clone());
            refused(vendor, path, text, why)
        }
    }
}

/// What a rule says about itself whose detection the engine refuses: a placeholder without values.
fn refused(vendor: Vendor, path: &str, text: &str, why: String) -> Result<CatalogueRule, Skipped> {
    let Ok(file) = serde_saphyr::from_str::<Value>(text) else { return Err(Skipped::Broken(why)) };
    let (Some(title), true) = (string(&file, "title"), file.get("detection").is_some()) else {
        return Err(Skipped::Broken(why));
    };
    let logsource = file.get("logsource").unwrap_or(&Value::Null);
    let tags = strings(file.get("tags"));
    Ok(CatalogueRule {
        vendor,
        path: path.to_owned(),
        id: string(&file, "id").unwrap_or_else(|| path.to_owned()),
        title,
        description: string(&file, "description").unwrap_or_default().trim().to_owned(),
        status: string(&file, "status"),
        level: string(&file, "level"),
        author: string(&file, "author"),
        licence: string(&file, "license"),
        created: string(&file, "date").as_deref().and_then(iso_date),
        modified: string(&file, "modified").as_deref().and_then(iso_date),
        techniques: sorted(tags.iter().filter_map(|tag| technique_id(tag))),
        tactics: tactics(&tags),
        logsource: LogSource {
            product: string(logsource, "product"),
            service: string(logsource, "service"),
            category: string(logsource, "category"),
        },
        references: strings(file.get("references")),
        false_positives: strings(file.get("falsepositives")),
        language: "sigma",
        text: text.to_owned(),
        reading: Reading::Refused(why),
    })
}

fn tactics(tags: &[String]) -> Vec<String> {
    let tags = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    sorted(tags.filter(|tag| technique_id(tag).is_none() && !is_object(tag)).map(ToOwned::to_owned))
}

/// A parsed rule as a catalogue's rule.
pub fn of_rule(vendor: Vendor, path: &str, text: &str, rule: &sigma::Rule) -> CatalogueRule {
    let metadata = &rule.metadata;
    CatalogueRule {
        vendor,
        path: path.to_owned(),
        id: metadata.id.clone().unwrap_or_else(|| path.to_owned()),
        title: metadata.title.clone(),
        description: metadata.description.clone().unwrap_or_default(),
        status: metadata.status.clone(),
        level: metadata.level.and_then(level),
        author: metadata.author.clone(),
        licence: metadata.license.clone(),
        created: metadata.date.as_deref().and_then(iso_date),
        modified: metadata.modified.as_deref().and_then(iso_date),
        techniques: sorted(metadata.tags.iter().filter_map(|tag| technique_id(tag))),
        tactics: tactics(&metadata.tags),
        logsource: LogSource {
            product: rule.logsource.product.clone(),
            service: rule.logsource.service.clone(),
            category: rule.logsource.category.clone(),
        },
        references: metadata.references.clone(),
        false_positives: metadata.falsepositives.clone(),
        language: "sigma",
        text: text.to_owned(),
        reading: Reading::Read(crate::query::sigma::expression(rule)),
    }
}

/// A group (`g0016`), software (`s0154`) or data component in a tag.
fn is_object(tag: &str) -> bool {
    let digits = tag.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.len() == 4 && tag.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn level(level: sigma::Level) -> Option<String> {
    let name = match level {
        sigma::Level::Unset => return None,
        sigma::Level::Informational => "informational",
        sigma::Level::Low => "low",
        sigma::Level::Medium => "medium",
        sigma::Level::High => "high",
        sigma::Level::Critical => "critical",
    };
    Some(name.to_owned())
}
