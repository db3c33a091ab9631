//! The front matter of a page, as Obsidian and Dataview read it.

use diagnostics::front_matter::{self, Entry, Missing};
use diagnostics::yaml::{Kind, Node, Scalar};

use super::{Checker, is_of_tag, links};
use crate::literal::{is_date, is_duration};

/// What the fields of Dataview differ in from the properties.
const DIFFERS: &str = "fields differ from front matter";

impl Checker<'_> {
    /// Checks the front matter of a page, and returns its body and the line on which it starts.
    pub(super) fn front_matter<'t>(&mut self, path: &str, text: &'t str) -> (&'t str, usize) {
        let split = match front_matter::split(text) {
            Ok(split) => split,
            Err(missing) => {
                let unclosed = match missing {
                    Missing::Absent => None,
                    Missing::Unclosed => Some((1, "the front matter is not closed")),
                    Missing::Dots(span) => Some((
                        span.line as usize,
                        "the front matter ends with `...`, where Obsidian reads on",
                    )),
                };
                if let Some((line, message)) = unclosed {
                    self.add("invalid YAML", path, line, message);
                }
                return (text, 1);
            }
        };
        match split.entries() {
            Ok(entries) => entries.iter().for_each(|entry| self.property(path, entry)),
            Err(problem) => {
                self.add("invalid YAML", path, problem.span.line as usize, problem.message);
            }
        }
        (split.body, split.body_line as usize)
    }

    fn property(&mut self, path: &str, entry: &Entry) {
        let (key, line) = (entry.key.as_str(), entry.span.line as usize);
        let is_legal = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        if matches!(key, "file" | "position") || !key.chars().all(is_legal) {
            self.add(DIFFERS, path, line, format!("the key `{key}` is not a field of Dataview"));
        }
        let mut values: Vec<&Node> = Vec::new();
        let kind = match (&entry.value.kind, entry.value.scalar()) {
            (_, Some(Scalar::Null)) => return,
            (Kind::List(list), _) => {
                values.extend(list);
                "list"
            }
            (Kind::Map(_), _) => "object",
            (_, Some(Scalar::Bool(_))) => "boolean",
            (_, Some(Scalar::Number(_))) => "number",
            _ => {
                values.push(&entry.value);
                let is_date = entry.value.text().is_some_and(is_date);
                if is_date { "date" } else { "text" }
            }
        };
        let is_nested = |node: &&Node| matches!(node.kind, Kind::List(_) | Kind::Map(_));
        if kind == "object" || kind == "list" && values.iter().any(is_nested) {
            self.add(DIFFERS, path, line, format!("the value of `{key}` is nested"));
            return;
        }
        match self.types.get(key) {
            Some((known, first)) if *known != kind => {
                let message = format!("`{key}` is a {kind} here and a {known} in {first}");
                self.add("property type conflict", path, line, message);
            }
            Some(_) => {}
            None => {
                self.types.insert(key.to_owned(), (kind, path.to_owned()));
            }
        }
        for node in values {
            let Some(text) = node.text() else { continue };
            let line = node.span.line as usize;
            // A month is text to Obsidian; a day is a date to both.
            let read_as = if is_duration(text) && matches!(node.scalar(), Some(Scalar::Text(_))) {
                Some("duration")
            } else if is_date(text) && text.len() == 7 {
                Some("date")
            } else {
                None
            };
            if let Some(read_as) = read_as {
                let message = format!("Dataview reads `{text}` of `{key}` as a {read_as}");
                self.add(DIFFERS, path, line, message);
            }
            for target in links::in_value(text) {
                self.link(path, line, &target);
            }
        }
        if matches!(key, "tags" | "tag") {
            self.tags(path, &entry.value);
        }
    }

    /// Tags of a list are whole; those of a text are divided by commas and blanks.
    fn tags(&mut self, path: &str, value: &Node) {
        let line = value.span.line as usize;
        let tags: Vec<(usize, String)> = match &value.kind {
            Kind::List(list) => {
                let tag = |node: &Node| (node.span.line as usize, shown(node));
                list.iter().map(tag).collect()
            }
            _ => {
                let text = shown(value);
                let words = text.split([',', ' ']).filter(|word| !word.is_empty());
                words.map(|word| (line, word.to_owned())).collect()
            }
        };
        for (line, tag) in tags {
            let is_legal = tag.chars().all(is_of_tag)
                && !tag.is_empty()
                && !tag.chars().all(|character| character.is_ascii_digit());
            if !is_legal {
                self.add("illegal tag", path, line, format!("`{tag}`"));
            }
        }
    }
}

/// A value as it is written.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, .. } => text.clone(),
        _ => String::new(),
    }
}
