//! SigmaHQ's rules.

use serde_json::Value;

use crate::rule::{
    CatalogueRule, Collection, LogSource, Reading, Skipped, iso_date, sorted, string, strings,
    technique_id,
};

/// Folders of SigmaHQ's repository whose rules are not in use, or are no rules.
const NOT_IN_USE: [&str; 4] = ["deprecated", "regression_data", "tests", "unsupported"];

/// Returns true if a file is in no folder that SigmaHQ keeps for other things, and in no hidden one.
pub(super) fn is_active(path: &str) -> bool {
    path.split('/').all(|part| !part.starts_with('.') && !NOT_IN_USE.contains(&part))
}

/// Reads the rules and correlations of a file, in the order of the text.
pub(super) fn read(
    vendor: Collection,
    path: &str,
    text: &str,
) -> Result<Vec<CatalogueRule>, Skipped> {
    let parsed = sigma::parse(&sigma::Source::new(path, text));
    let mut rules: Vec<(u32, CatalogueRule)> = Vec::new();
    for rule in &parsed.rules {
        let line = rule.span.line;
        rules.push((line, of_rule(vendor, path, document(text, line), rule)));
    }
    for correlation in &parsed.correlations {
        let line = correlation.span.line;
        rules.push((line, of_correlation(vendor, path, document(text, line), correlation)));
    }
    // What the engine refuses, a placeholder without values for example, still has a page.
    if parsed.n_refused() > 0 {
        for document in documents(text) {
            if !rules.iter().any(|(_, rule)| rule.text == document.text) {
                let why = why(&parsed.diagnostics, &document);
                let rule = refused(vendor, path, document.text, why)?;
                rules.extend(rule.map(|rule| (document.line, rule)));
            }
        }
    }
    rules.sort_by_key(|(line, _)| *line);
    if rules.is_empty() {
        let is_sigma = parsed.n_read > 0 || !parsed.diagnostics.is_empty();
        let first = parsed.diagnostics.first().map(|found| found.message.clone());
        return Err(match first {
            Some(why) if is_sigma && looks_like_sigma(text) => Skipped::Broken(why),
            _ => Skipped::Retired,
        });
    }
    Ok(rules.into_iter().map(|(_, rule)| rule).collect())
}

/// Returns true if a text has a key of Sigma's at the start of a line, or cannot be read as YAML at all.
fn looks_like_sigma(text: &str) -> bool {
    let keys = ["title:", "logsource:", "detection:", "correlation:", "filter:"];
    text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
        || serde_saphyr::from_str::<Value>(text).is_err()
}

/// A document of a YAML file.
struct Document<'t> {
    text: &'t str,
    /// Its first line.
    line: u32,
}

/// Splits a file at the lines that divide documents.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut start, mut at, mut first) = (0, 0, 1);
    for (line, number) in text.split_inclusive('\n').zip(1_u32..) {
        if line.trim_end() == "---" {
            found.push(Document { text: text.get(start..at).unwrap_or_default(), line: first });
            start = at + line.len();
            first = number + 1;
        }
        at += line.len();
    }
    found.push(Document { text: text.get(start..).unwrap_or_default(), line: first });
    found.retain(|document| {
        let mut lines = document.text.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#'))
    });
    found
}

/// The document that a line is in; the whole text where it has one document.
fn document(text: &str, line: u32) -> &str {
    let documents = documents(text);
    match documents.as_slice() {
        [_] => text,
        _ => documents.iter().rfind(|document| document.line <= line).map_or(text, |it| it.text),
    }
}

/// The first message about a document.
fn why(diagnostics: &[diagnostics::Diagnostic], document: &Document<'_>) -> String {
    let end = document.line
        + u32::try_from(document.text.lines().count()).unwrap_or(u32::MAX - document.line);
    let of_document = diagnostics
        .iter()
        .find(|found| (document.line..end.max(document.line + 1)).contains(&found.place.span.line));
    of_document
        .or(diagnostics.first())
        .map_or("there is no rule in it".to_owned(), |found| found.message.clone())
}

/// What a rule says about itself whose detection the engine refuses: a placeholder without values.
fn refused(
    vendor: Collection,
    path: &str,
    text: &str,
    why: String,
) -> Result<Option<CatalogueRule>, Skipped> {
    let Ok(file) = serde_saphyr::from_str::<Value>(text) else { return Err(Skipped::Broken(why)) };
    if file.get("filter").is_some() || !looks_like_sigma(text) {
        return Ok(None);
    }
    let is_rule = file.get("detection").is_some() || file.get("correlation").is_some();
    let (Some(title), true) = (string(&file, "title"), is_rule) else {
        return Err(Skipped::Broken(why));
    };
    let logsource = file.get("logsource").unwrap_or(&Value::Null);
    let tags = strings(file.get("tags"));
    Ok(Some(CatalogueRule {
        id: string(&file, "id").unwrap_or_else(|| path.to_owned()),
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
        ..CatalogueRule::new(vendor, path, title)
    }))
}

fn tactics(tags: &[String]) -> Vec<String> {
    let tags = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    sorted(tags.filter(|tag| technique_id(tag).is_none() && !is_object(tag)).map(ToOwned::to_owned))
}

/// A parsed rule as a catalogue's rule.
pub fn of_rule(vendor: Collection, path: &str, text: &str, rule: &sigma::Rule) -> CatalogueRule {
    CatalogueRule {
        logsource: LogSource {
            product: rule.logsource.product.clone(),
            service: rule.logsource.service.clone(),
            category: rule.logsource.category.clone(),
        },
        reading: Reading::Read(crate::query::sigma::expression(rule)),
        ..of_metadata(vendor, path, text, &rule.metadata)
    }
}

/// A correlation of other rules as a catalogue's rule.
fn of_correlation(
    vendor: Collection,
    path: &str,
    text: &str,
    correlation: &sigma::Correlation,
) -> CatalogueRule {
    CatalogueRule {
        reading: Reading::NoQuery("a correlation of other rules"),
        ..of_metadata(vendor, path, text, &correlation.metadata)
    }
}

fn of_metadata(
    vendor: Collection,
    path: &str,
    text: &str,
    metadata: &sigma::Metadata,
) -> CatalogueRule {
    CatalogueRule {
        id: metadata.id.clone().unwrap_or_else(|| path.to_owned()),
        description: metadata.description.clone().unwrap_or_default(),
        status: metadata.status.clone(),
        level: metadata.level.and_then(level),
        author: metadata.author.clone(),
        licence: metadata.license.clone(),
        created: metadata.date.as_deref().and_then(iso_date),
        modified: metadata.modified.as_deref().and_then(iso_date),
        techniques: sorted(metadata.tags.iter().filter_map(|tag| technique_id(tag))),
        tactics: tactics(&metadata.tags),
        references: metadata.references.clone(),
        false_positives: metadata.falsepositives.clone(),
        language: "sigma",
        text: text.to_owned(),
        ..CatalogueRule::new(vendor, path, metadata.title.clone())
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
