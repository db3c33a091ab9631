//! What can be wrong with a vault, found without Obsidian.

mod formats;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::fields::leaked;
use super::names::is_legal;
use diagnostics::{Decoded, Finding, decode};

/// The kinds of defects, in the order of the report.
pub const KINDS: [&str; 11] = [
    "invalid YAML",
    "illegal tag",
    "illegal name",
    "duplicate basename",
    "unresolved link",
    "leaked inline field",
    "property type conflict",
    "empty table without reason",
    "fields differ from front matter",
    "invalid layer",
    "invalid canvas",
];

/// A defect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Defect {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// The page.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// The text of a file of a vault, and what is wrong with its encoding. Of a file that is not UTF-8 it is
/// what can be read of it, so that links to its page still lead somewhere.
pub fn text(file: &Arc<str>, bytes: &[u8]) -> (String, Vec<Finding>) {
    let Decoded { text, shown, findings } = decode(file, bytes);
    (text.or(shown).unwrap_or_default(), findings)
}

/// Checks all files of a vault: path with `/`, and text.
pub fn check(files: &BTreeMap<String, String>) -> Vec<Defect> {
    let mut checker =
        Checker { files, stems: BTreeMap::new(), types: BTreeMap::new(), found: Vec::new() };
    checker.names();
    checker.declared_types();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
        checker.page(path, text);
    }
    checker.formats();
    checker.found.sort();
    checker.found
}

struct Checker<'f> {
    files: &'f BTreeMap<String, String>,
    /// Lower-case stems of pages, with their paths.
    stems: BTreeMap<String, Vec<&'f str>>,
    /// Property, type, and where it was seen first.
    types: BTreeMap<String, (&'static str, String)>,
    found: Vec<Defect>,
}

impl Checker<'_> {
    fn add(&mut self, kind: &'static str, path: &str, line: usize, message: impl Into<String>) {
        self.found.push(Defect { kind, path: path.to_owned(), line, message: message.into() });
    }

    fn names(&mut self) {
        for path in self.files.keys().filter(|path| !path.starts_with('.')) {
            for part in path.split('/') {
                if !is_legal(part.trim_end_matches(".md")) || part.len() > 250 {
                    self.add("illegal name", path, 1, format!("`{part}` is not legal everywhere"));
                }
            }
            if let Some(stem) = path.strip_suffix(".md") {
                let stem = stem.rsplit('/').next().unwrap_or(stem).to_lowercase();
                self.stems.entry(stem).or_default().push(path);
            }
        }
        let twice: Vec<_> = self
            .stems
            .values()
            .filter(|paths| paths.len() > 1)
            .map(|paths| paths.join(", "))
            .collect();
        for paths in twice {
            self.add("duplicate basename", &paths, 1, "two pages share a name");
        }
    }

    fn declared_types(&mut self) {
        let Some(text) = self.files.get(".obsidian/types.json") else { return };
        match serde_json::from_str::<Value>(text) {
            Ok(value) => {
                for (key, kind) in
                    value.get("types").and_then(Value::as_object).into_iter().flatten()
                {
                    let kind = match kind.as_str().unwrap_or_default() {
                        "date" | "datetime" => "date",
                        "number" => "number",
                        "checkbox" => "boolean",
                        "multitext" | "tags" | "aliases" => "list",
                        _ => "text",
                    };
                    self.types.insert(key.clone(), (kind, ".obsidian/types.json".into()));
                }
            }
            Err(error) => self.add("invalid YAML", ".obsidian/types.json", 1, error.to_string()),
        }
    }

    /// Layers and canvases in the folders that the generator writes: a person's may use more than the format.
    fn formats(&mut self) {
        for (path, text) in self.files {
            let (kind, found) = if path.starts_with("Layers/") && path.ends_with(".json") {
                ("invalid layer", formats::layer(text))
            } else if path.starts_with("Canvas/") && path.ends_with(".canvas") {
                ("invalid canvas", formats::canvas(text, |file| self.files.contains_key(file)))
            } else {
                continue;
            };
            for message in found {
                self.add(kind, path, 1, message);
            }
        }
    }

    fn page(&mut self, path: &str, text: &str) {
        let text = text.replace("\r\n", "\n");
        let (head, body, first_line) = match front_matter(&text) {
            Some((head, body)) => (head.to_owned(), body.to_owned(), head.lines().count() + 3),
            None => (String::new(), text.clone(), 1),
        };
        if text.starts_with("---\n") && front_matter(&text).is_none() {
            self.add("invalid YAML", path, 1, "the front matter is not closed");
        }
        self.front_matter(path, &head);
        self.body(path, &body, first_line);
    }

    fn front_matter(&mut self, path: &str, head: &str) {
        if head.is_empty() {
            return;
        }
        let map = match serde_saphyr::from_str::<Value>(head) {
            Ok(Value::Object(map)) => map,
            Ok(_) => return self.add("invalid YAML", path, 2, "the front matter is no map"),
            Err(error) => {
                return self.add(
                    "invalid YAML",
                    path,
                    2,
                    error.to_string().lines().next().unwrap_or_default(),
                );
            }
        };
        for (key, value) in &map {
            if matches!(key.as_str(), "file" | "position")
                || !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
            {
                self.add(
                    "fields differ from front matter",
                    path,
                    2,
                    format!("the key `{key}` is not a field of Dataview"),
                );
            }
            let kind = match value {
                Value::Null => continue,
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::Array(_) => "list",
                Value::Object(_) => "object",
                Value::String(text) if is_date(text) => "date",
                Value::String(_) => "text",
            };
            if kind == "object"
                || value
                    .as_array()
                    .is_some_and(|list| list.iter().any(|item| item.is_array() || item.is_object()))
            {
                self.add(
                    "fields differ from front matter",
                    path,
                    2,
                    format!("the value of `{key}` is nested"),
                );
                continue;
            }
            match self.types.get(key) {
                Some((known, first)) if *known != kind => {
                    let message = format!("`{key}` is a {kind} here and a {known} in {first}");
                    self.add("property type conflict", path, 2, message);
                }
                Some(_) => {}
                None => {
                    self.types.insert(key.clone(), (kind, path.to_owned()));
                }
            }
        }
        for tag in map.get("tags").and_then(Value::as_array).into_iter().flatten() {
            let tag = tag.as_str().map_or_else(|| tag.to_string(), ToOwned::to_owned);
            let legal = tag.chars().all(is_of_tag) && !tag.chars().all(|c| c.is_ascii_digit());
            if !legal {
                self.add("illegal tag", path, 2, format!("`{tag}`"));
            }
        }
        for target in links(head) {
            self.link(path, 2, &target);
        }
    }

    fn body(&mut self, path: &str, body: &str, first_line: usize) {
        let mut fence: Option<String> = None;
        let mut pre = false;
        let lines: Vec<&str> = body.lines().collect();
        for (idx, line) in lines.iter().enumerate() {
            let number = first_line + idx;
            for field in leaked(line) {
                self.add("leaked inline field", path, number, format!("`{field}`"));
                self.add(
                    "fields differ from front matter",
                    path,
                    number,
                    format!("`{field}` is no property"),
                );
            }
            let trimmed = line.trim_start();
            let marker: String = trimmed.chars().take_while(|c| *c == '`').collect();
            match &fence {
                Some(open) => {
                    if marker.len() >= open.len() && trimmed.trim_end().len() == marker.len() {
                        fence = None;
                    }
                    continue;
                }
                None if marker.len() >= 3 => {
                    fence = Some(marker);
                    continue;
                }
                None => {}
            }
            pre = (pre || trimmed.starts_with("<pre>")) && !line.contains("</pre>");
            if pre {
                continue;
            }
            if line.contains("`=") || line.contains("`$=") {
                self.add("fields differ from front matter", path, number, "an inline query");
            }
            if *line == "#### As a table" {
                let rest: Vec<&&str> =
                    lines.iter().skip(idx + 1).filter(|line| !line.is_empty()).take(3).collect();
                let reason = rest
                    .first()
                    .is_some_and(|line| line.starts_with("No rows as of ") && line.contains(": "));
                let rows = rest.len() == 3 && rest.iter().all(|line| line.starts_with('|'));
                if !(reason || rows) {
                    self.add(
                        "empty table without reason",
                        path,
                        number,
                        "the table has neither rows nor a reason",
                    );
                }
            }
            for target in links(line) {
                self.link(path, number, &target);
            }
        }
    }

    fn link(&mut self, path: &str, line: usize, target: &str) {
        let target = target.split('#').next().unwrap_or_default().trim();
        if target.is_empty() {
            return;
        }
        let page = format!("{target}.md");
        if self.files.contains_key(&page) || self.files.contains_key(target) {
            return;
        }
        let by_stem = self.stems.get(&target.to_lowercase()).map_or(0, Vec::len);
        match by_stem {
            1 => {}
            0 => self.add("unresolved link", path, line, format!("`{target}`")),
            _ => self.add("unresolved link", path, line, format!("`{target}` is ambiguous")),
        }
    }
}

/// Front matter and the rest of a page. The closing line may be the last one of the file.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("---\n")?;
    if let Some(body) = rest.strip_prefix("---\n") {
        return Some(("", body));
    }
    let at_end = || {
        Some((rest.strip_suffix("---")?, ""))
            .filter(|(head, _)| head.is_empty() || head.ends_with('\n'))
    };
    rest.split_once("\n---\n").or_else(at_end)
}

/// Returns true if a tag may contain a character: Dataview takes any but these, emojis for example.
fn is_of_tag(character: char) -> bool {
    let is_mark = matches!(character, '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}')
        || character.is_ascii_punctuation() && !matches!(character, '_' | '-' | '/');
    !is_mark && !character.is_whitespace() && !character.is_control()
}

/// Targets of wikilinks.
fn links(line: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in line.split("[[").skip(1) {
        if let Some((inner, _)) = part.split_once("]]") {
            let target = inner.split('|').next().unwrap_or_default();
            found.insert(target.trim_end_matches('\\').to_owned());
        }
    }
    found
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let month = bytes.len() >= 7 && digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7);
    month
        && (bytes.len() == 7
            || bytes.len() >= 10
                && bytes.get(7) == Some(&b'-')
                && digits(8, 10)
                && bytes.get(10).is_none_or(|byte| *byte == b'T'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_defect_is_found() {
        let files = BTreeMap::from(
            [
                ("a/One.md", "---\ntags: [a.b]\nn: 1\n---\n[[Nowhere]] [[Two]]\n"),
                ("b/one.md", "---\nn: text\nx: {y: 1}\n---\n"),
                ("Two.md", "---\na: [\n---\n"),
                ("CON.md", "key:: value\n"),
                ("Three.md", "#### As a table\n\n| a |\n| --- |\n"),
                ("Layers/one.json", "{}"),
                ("Canvas/One.canvas", "[]"),
                ("Four.md", "```yaml\n[[not a link]]\n```\n#### As a table\n\nNo rows as of 2026-01-01: none.\n"),
            ]
            .map(|(path, text)| (path.to_owned(), text.to_owned())),
        );
        let mut kinds: Vec<_> = check(&files).into_iter().map(|defect| defect.kind).collect();
        kinds.dedup();
        let mut expect = KINDS.to_vec();
        expect.sort_unstable();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, expect);
        assert!(check(&files).iter().all(|defect| defect.path != "Four.md"));
    }

    #[test]
    fn front_matter_may_be_empty_and_may_end_the_file() {
        for (text, expect) in [
            ("---\n---\nwords\n", 0),
            ("---\n---", 0),
            ("---\na: 1\n---", 0),
            ("---\na: 1\n---\n", 0),
            ("---\na: 1\n", 1),
            ("---\na: 1---", 1),
        ] {
            let found = check(&BTreeMap::from([("Page.md".to_owned(), text.to_owned())]));
            assert_eq!(found.len(), expect, "{text:?}: {found:?}");
        }
    }

    #[test]
    fn tags_are_legal_as_dataview_reads_them() {
        for (tag, is_legal) in [
            ("⚔️Tool", true),
            ("T1102_002", true),
            ("attack/T1102", true),
            ("überblick", true),
            ("2026", false),
            ("a.b", false),
            ("#hash", false),
            ("a b", false),
            ("“quoted”", false),
        ] {
            let text = format!("---\ntags: [\"{tag}\"]\n---\n");
            let found = check(&BTreeMap::from([("Page.md".to_owned(), text)]));
            assert_eq!(found.is_empty(), is_legal, "{tag}: {found:?}");
        }
    }
}
