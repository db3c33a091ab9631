//! What can be wrong with a vault, found without Obsidian.

mod formats;
mod links;
mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::fields::{is_task, leaked, leaked_in_item};
use super::names::is_legal;
use diagnostics::{Decoded, Finding, Lines, decode};
use links::{Files, Target};

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

/// The title of the callout behind a query that has rows.
pub const AS_BASE_AND_TABLE: &str = "> [!info]- The same as a Base and as a table";
/// The title of the callout behind a query without rows; the reason is in front of it.
pub const AS_BASE: &str = "> [!info]- The same as a Base";

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

/// Checks the files of a vault: path with `/`, and text. `others` are the paths of all its other files, to
/// which links may lead, and of pages that are not to be checked.
pub fn check(files: &BTreeMap<String, String>, others: &BTreeSet<String>) -> Vec<Defect> {
    let paths = files.keys().chain(others).map(String::as_str);
    let all = Files::new(paths.filter(|path| !path.starts_with('.')));
    let mut checker =
        Checker { files, all, stems: BTreeMap::new(), types: BTreeMap::new(), found: Vec::new() };
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
    /// Everything that a link can lead to.
    all: Files,
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
            Err(error) => {
                self.add(
                    "invalid YAML",
                    ".obsidian/types.json",
                    error.line(),
                    "the file is not JSON",
                );
            }
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
        let (body, first_line) = self.front_matter(path, &text);
        let found = links::read(body);
        let lines = Lines::new(body);
        let line = |at: usize| first_line + (lines.point(body, at).line as usize).saturating_sub(1);
        let mut of_items = BTreeSet::new();
        for item in &found.items {
            let text = body.get(item.clone()).unwrap_or_default().trim_end();
            of_items.extend(line(item.start)..=line(item.start + text.len()));
            for field in leaked_in_item(text) {
                self.field(path, line(item.start), &field, !is_task(text));
            }
        }
        self.lines(path, body, first_line, &of_items);
        for (at, code) in &found.code {
            // Dataview runs such code wherever it is.
            if code.trim_start().starts_with('=') || code.trim_start().starts_with("$=") {
                let message = "an inline query";
                self.add("fields differ from front matter", path, line(*at), message);
            }
        }
        for (at, target) in &found.links {
            self.link(path, line(*at), target);
        }
    }

    /// Adds an inline field; those of tasks are not among the page's.
    fn field(&mut self, path: &str, line: usize, name: &str, is_of_page: bool) {
        self.add("leaked inline field", path, line, format!("`{name}`"));
        if is_of_page {
            let message = format!("`{name}` is no property");
            self.add("fields differ from front matter", path, line, message);
        }
    }

    /// Checks what depends on lines alone: fields outside of lists, and tables that say why they are empty.
    fn lines(&mut self, path: &str, body: &str, first_line: usize, of_items: &BTreeSet<usize>) {
        let lines: Vec<&str> = body.lines().collect();
        for (idx, line) in lines.iter().enumerate() {
            let number = first_line + idx;
            if !of_items.contains(&number) {
                for field in leaked(line) {
                    self.field(path, number, &field, true);
                }
            }
            let is_reasoned = match *line {
                AS_BASE_AND_TABLE => {
                    let callout = lines.iter().skip(idx).take_while(|line| line.starts_with('>'));
                    callout.filter(|line| line.starts_with("> |")).count() >= 3
                }
                AS_BASE => {
                    let before = lines.iter().take(idx).rev().find(|line| !line.is_empty());
                    before.is_some_and(|line| is_reason(line))
                }
                _ => true,
            };
            if !is_reasoned {
                let message = "the query has neither rows nor a reason";
                self.add("empty table without reason", path, number, message);
            }
            if *line == "#### As a table" {
                let rest: Vec<&&str> =
                    lines.iter().skip(idx + 1).filter(|line| !line.is_empty()).take(3).collect();
                let reason = rest.first().is_some_and(|line| is_reason(line));
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
        }
    }

    fn link(&mut self, path: &str, line: usize, target: &Target) {
        if !self.all.resolves(path, target) {
            let (Target::Wiki(target) | Target::Markdown(target)) = target;
            let shown = target.split('#').next().unwrap_or_default().trim();
            self.add("unresolved link", path, line, format!("`{shown}`"));
        }
    }
}

/// Returns true if a tag may contain a character: Dataview takes any but these, emojis for example.
pub(crate) fn is_of_tag(character: char) -> bool {
    let is_mark = matches!(character, '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}')
        || character.is_ascii_punctuation() && !matches!(character, '_' | '-' | '/');
    !is_mark && !character.is_whitespace() && !character.is_control()
}

/// Returns true for the line that says why a table has no rows, perhaps with the day of the data.
pub(crate) fn is_reason(line: &str) -> bool {
    line.strip_prefix("No rows").is_some_and(|rest| {
        rest.starts_with(": ") || rest.starts_with(" as of ") && rest.contains(": ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &BTreeMap<String, String>) -> Vec<Defect> {
        super::check(files, &BTreeSet::new())
    }

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
                ("Five.md", "No rows as of 2026-01-01: none.\n\n> [!info]- The same as a Base\n>\n> x\n"),
                ("Six.md", "> [!info]- The same as a Base and as a table\n>\n> | a |\n> | --- |\n> | b |\n"),
                ("Seven.md", "> [!info]- The same as a Base\n"),
                ("Eight.md", "> [!info]- The same as a Base and as a table\n>\n> | a |\n> | --- |\n"),
                ("Nine.md", "No rows: none.\n\n> [!info]- The same as a Base\n>\n> x\n"),
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
        let found = check(&files);
        let clean = ["Four.md", "Five.md", "Six.md", "Nine.md"];
        assert!(found.iter().all(|defect| !clean.contains(&defect.path.as_str())), "{found:?}");
        for path in ["Three.md", "Seven.md", "Eight.md"] {
            let of_page = found.iter().filter(|defect| defect.path == path);
            let kinds: Vec<_> = of_page.map(|defect| defect.kind).collect();
            assert_eq!(kinds, ["empty table without reason"], "{path}");
        }
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

    #[test]
    fn values_that_dataview_reads_otherwise_are_reported() {
        let page = "---\ncommit: 076d35d\nplain: \"2d\"\nname: 2026-11\nday: 2026-11-30\nn: 3\nlist: [x, 14d30m]\nsafe: \"2d\\u200a\"\n---\n";
        let found = check(&BTreeMap::from([("Page.md".to_owned(), page.to_owned())]));
        let lines: Vec<_> = found.iter().map(|defect| (defect.kind, defect.line)).collect();
        let differs = "fields differ from front matter";
        assert_eq!(lines, [2, 3, 4, 7].map(|line| (differs, line)), "{found:?}");
    }

    #[test]
    fn other_files_are_there_and_are_not_checked() {
        let page = "![[x.png]] [[Draft]] [[y.png]] `= this.x` `$= dv`\n";
        let files = BTreeMap::from([("Page.md".to_owned(), page.to_owned())]);
        let others = BTreeSet::from(["a/x.png".to_owned(), "Draft.md".to_owned()]);
        let found = super::check(&files, &others);
        let kinds: Vec<_> = found.iter().map(|defect| defect.kind).collect();
        assert_eq!(
            kinds,
            [
                "fields differ from front matter",
                "fields differ from front matter",
                "unresolved link"
            ]
        );
    }
}
