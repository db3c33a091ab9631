//! A list note: values that several rules share, as `%scripting_clients%` with Sigma's `expand`.
//!
//! ```yaml
//! kind: list
//! list: scripting_clients
//! values: ["curl/", "Wget/"]
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnostics::Span;

use super::Keys;

/// The keys that are read; others belong to whoever wrote them.
pub(super) const KEYS: &[&str] = &["kind", "list", "values"];

/// A list of values that rules share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListNote {
    /// The name of its file.
    pub file: Arc<str>,
    /// Its name, as rules write it between `%`.
    pub name: String,
    /// The place of the name's key.
    pub name_span: Span,
    /// The values, as Sigma writes them: `*`, `?` and `\` have their meaning there.
    pub values: Vec<String>,
}

impl ListNote {
    /// Reads the front matter of a list note.
    pub(super) fn read(file: &Arc<str>, keys: &mut Keys<'_, '_>) -> Option<ListNote> {
        keys.refuse_misspelt(KEYS);
        let help = "write the name that rules use, as `list: scripting_clients`";
        let name = keys.required("list", help);
        let is_word =
            |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        if name.as_ref().is_some_and(|name| !name.chars().all(is_word)) {
            let message = "the name of a list consists of small letters, digits and `_`";
            keys.wrong("list", message, help);
        }
        let help = "write what rules look for, as `values: [\"curl/\", \"Wget/\"]`";
        let mut values: Vec<String> = Vec::new();
        let mut first: BTreeMap<String, Span> = BTreeMap::new();
        let texts = keys.texts("values", help);
        if texts.is_empty() && keys.value("values").is_none_or(|node| node.text().is_none()) {
            keys.wrong("values", "the list has no values", help);
        }
        for (text, span) in texts {
            // Rules compare without case, so two spellings are one value.
            if first.insert(text.to_lowercase(), span).is_some() {
                let message = format!("`{}` is in the list twice", text.escape_debug());
                keys.wrong_at(span, message, "keep one of them; rules compare without case");
            }
            values.push(text.to_owned());
        }
        let name_span = keys.place("list");
        Some(ListNote { file: Arc::clone(file), name: name?, name_span, values })
    }
}
