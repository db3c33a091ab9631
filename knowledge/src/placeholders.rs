//! The values of Sigma's `expand` placeholders: a JSON object of lists of texts.
//!
//! ```json
//! { "internal_domains": ["example.com", "example.net"], "scanner": "10.0.0.7" }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnostics::{Diagnostic, Finding, Place, Span, number};
use serde_json::Value;

use crate::codes;

/// The values of each placeholder, by its name without `%`.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// Reads a file of placeholders. A single text is a list of one.
///
/// # Errors
/// The text is no such object (`F017`).
pub fn read(file: &Arc<str>, text: &str) -> Result<Placeholders, Box<Finding>> {
    let refuse = |message: String, line: usize, column: usize| {
        let help = "write `{\"name\": [\"value\", \"value\"]}`".to_owned();
        let place =
            Place { file: Arc::clone(file), span: Span::point(number(line), number(column)) };
        Box::new(Finding::from(Diagnostic {
            code: &codes::BROKEN_PLACEHOLDERS,
            message,
            help,
            place,
            fix: None,
        }))
    };
    let parsed = serde_json::from_str::<Value>(text).map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
        refuse(format!("this is not JSON: {message}"), error.line(), error.column().max(1))
    })?;
    let Value::Object(object) = parsed else {
        return Err(refuse("the file is not a JSON object".to_owned(), 1, 1));
    };
    let mut placeholders = Placeholders::new();
    for (name, value) in object {
        let list = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        let texts = list.iter().map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let Some(texts) = texts.collect::<Option<Vec<_>>>() else {
            let message = format!("`{}` is not a list of texts", name.escape_debug());
            return Err(refuse(message, 1, 1));
        };
        placeholders.insert(name, texts);
    }
    Ok(placeholders)
}
