//! Findings as JSON, for scripts.
//!
//! ```json
//! {
//!   "format": 1,
//!   "diagnostics": [{
//!     "code": "S010", "severity": "error", "title": "unknown modifier",
//!     "message": "...", "help": "...",
//!     "file": "a.yml", "line": 7, "column": 9, "end_line": 7, "end_column": 17,
//!     "related": [{ "message": "...", "file": "...", "line": 1, ... }],
//!     "fix": { "title": "...", "edits": [{ "line": 7, "column": 9, ..., "replacement": "..." }] },
//!     "details": []
//!   }],
//!   "summary": { "errors": 1, "warnings": 0, ... }
//! }
//! ```
//!
//! `fix` is `null` where it takes a person; its edits belong together. Lines and columns count from 1, columns in characters; the end is exclusive. Keys are added, not
//! changed, without a new format.

use crate::{Fix, Place, Span};
use serde_json::{Map, Value, json};

use super::count;
use crate::finding::Finding;

/// The format; grows when a reader would have to change.
const FORMAT: u32 = 1;

/// Findings as a JSON object; `summary` adds a command's own numbers to those of errors and warnings.
pub fn to_json(findings: &[Finding], summary: &[(&str, Value)]) -> Value {
    let (n_errors, n_warnings) = count(findings);
    let mut numbers = Map::new();
    numbers.insert("errors".to_owned(), n_errors.into());
    numbers.insert("warnings".to_owned(), n_warnings.into());
    numbers.extend(summary.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let diagnostics: Vec<_> = findings.iter().map(finding).collect();
    json!({ "format": FORMAT, "diagnostics": diagnostics, "summary": numbers })
}

fn finding(finding: &Finding) -> Value {
    let diagnostic = &finding.diagnostic;
    let related = finding.related.iter().map(|related| {
        let mut object = place(&related.place);
        object.insert("message".to_owned(), related.message.as_str().into());
        Value::Object(object)
    });
    let mut object = place(&diagnostic.place);
    for (key, value) in [
        ("code", diagnostic.code.id.into()),
        ("severity", diagnostic.code.severity.as_str().into()),
        ("title", diagnostic.code.title.into()),
        ("message", diagnostic.message.as_str().into()),
        ("help", diagnostic.help.as_str().into()),
        ("fix", diagnostic.fix.as_deref().map_or(Value::Null, fix)),
        ("related", related.collect::<Vec<_>>().into()),
        ("details", finding.details.clone().into()),
    ] {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

fn fix(fix: &Fix) -> Value {
    let edits = fix.edits.iter().map(|edit| {
        let mut object = span(edit.span);
        object.insert("replacement".to_owned(), edit.replacement.as_str().into());
        Value::Object(object)
    });
    json!({ "title": fix.title, "edits": edits.collect::<Vec<_>>() })
}

fn place(place: &Place) -> Map<String, Value> {
    let mut object = span(place.span);
    object.insert("file".to_owned(), (*place.file).into());
    object
}

fn span(span: Span) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, number) in [
        ("line", span.line),
        ("column", span.column),
        ("end_line", span.end_line),
        ("end_column", span.end_column),
    ] {
        object.insert(key.to_owned(), number.into());
    }
    object
}
