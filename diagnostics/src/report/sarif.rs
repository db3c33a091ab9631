//! Findings in SARIF 2.1.0, for code hosts and editors.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::{Code, Fix, Place, Severity, Span};

/// Findings as a SARIF log with one run. Only the codes that were found are listed as its rules.
pub fn to_sarif(findings: &[Finding]) -> Value {
    let codes: BTreeMap<&str, &Code> = findings
        .iter()
        .map(|finding| (finding.diagnostic.code.id, finding.diagnostic.code))
        .collect();
    let index = |id: &str| codes.keys().position(|code| *code == id);
    let results: Vec<_> =
        findings.iter().map(|finding| result(finding, index(finding.diagnostic.code.id))).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tidegate",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.values().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.id,
        "name": pascal_case(code.title),
        "shortDescription": { "text": code.title },
        "fullDescription": { "text": paragraph(code) },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn result(finding: &Finding, rule_idx: Option<usize>) -> Value {
    let diagnostic = &finding.diagnostic;
    let mut text = format!("{}; {}", diagnostic.message, diagnostic.help);
    if !finding.details.is_empty() {
        text.push_str("\n\n");
        text.push_str(&finding.details.join("\n"));
    }
    let mut result = json!({
        "ruleId": diagnostic.code.id,
        "level": level(diagnostic.code.severity),
        "message": { "text": text },
        "locations": [location(&diagnostic.place)],
    });
    if let Some(object) = result.as_object_mut() {
        if let Some(rule_idx) = rule_idx {
            object.insert("ruleIndex".to_owned(), rule_idx.into());
        }
        let related: Vec<_> = (0..)
            .zip(&finding.related)
            .map(|(id, related)| {
                let mut location = location(&related.place);
                if let Some(object) = location.as_object_mut() {
                    object.insert("id".to_owned(), Value::from(id));
                    object.insert("message".to_owned(), json!({ "text": related.message }));
                }
                location
            })
            .collect();
        if let Some(fix) = &diagnostic.fix {
            object.insert("fixes".to_owned(), json!([fix_of(&diagnostic.place, fix)]));
        }
        if !related.is_empty() {
            object.insert("relatedLocations".to_owned(), related.into());
        }
    }
    result
}

fn fix_of(place: &Place, fix: &Fix) -> Value {
    let replacements = fix.edits.iter().map(|edit| {
        json!({
            "deletedRegion": region(edit.span),
            "insertedContent": { "text": edit.replacement },
        })
    });
    json!({
        "description": { "text": fix.title },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(&place.file) },
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    })
}

fn location(place: &Place) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file) },
        "region": region(place.span),
    } })
}

fn region(span: Span) -> Value {
    json!({
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Encodes a path as a URI reference (RFC 3986): `/` is kept, what is not unreserved is escaped.
fn uri(path: &str) -> String {
    // A first segment with a colon would be taken for a scheme; the colon is not unreserved.
    utf8_percent_encode(&path.replace('\\', "/"), PATH).to_string()
}

/// What a path does not keep.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A code's explanation in one paragraph.
pub fn paragraph(code: &Code) -> String {
    code.explanation.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn pascal_case(title: &str) -> String {
    let words = title.split(|char: char| !char.is_ascii_alphanumeric());
    words
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        for (path, expect) in [
            ("notes/a b.md", "notes/a%20b.md"),
            ("../x/ä.yml", "../x/%C3%A4.yml"),
            ("<request>", "%3Crequest%3E"),
            ("c:/x", "c%3A/x"),
        ] {
            assert_eq!(uri(path), expect);
        }
    }
}
