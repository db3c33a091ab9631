//! What the tool `write` may write: notes and Sigma files, and nothing that another program obeys.

use std::path::{Component, Path};

use diagnostics::yaml::{self, Kind, Node, Scalar};
use diagnostics::{SourceText, front_matter};
use knowledge::NoteKind;

use crate::disk;
use crate::project::Project;

/// Returns why a text is not written to a path inside of the project; `None` if it may be.
pub(super) fn refusal(project: &Project, path: &str, text: &str) -> Option<String> {
    let extension = Path::new(path).extension().and_then(std::ffi::OsStr::to_str);
    if !matches!(extension, Some("md" | "yml")) {
        return Some("only notes (`.md`) and Sigma files (`.yml`) are written".to_owned());
    }
    if is_setting(project, Path::new(path)) {
        return Some(format!("`{path}` is a setting of the project: a person writes it"));
    }
    if diagnostics::printable(path.as_bytes()) != path {
        return Some("the path has characters that cannot be seen".to_owned());
    }
    if is_obeyed(Path::new(path)) {
        return Some(format!("`{path}` is no name of a note: other programs read such files"));
    }
    if !is_known(path, text) {
        let wanted = if extension == Some("md") {
            "a note: front matter with a `kind`"
        } else {
            "Sigma: each document has a `title`, a `detection`, `correlation` or `filter`, and no keys that Sigma does not have"
        };
        return Some(format!("the text is not {wanted}"));
    }
    if !disk::is_file(Path::new(path)) {
        return None;
    }
    match disk::read_text(Path::new(path)) {
        Ok((_, old)) if is_known(path, &old) => None,
        Ok(_) => Some(format!("`{path}` is there and is neither a note nor Sigma")),
        Err(finding) => Some(format!("{path}: {}", finding.diagnostic.message)),
    }
}

/// Returns true if the project file names the path.
fn is_setting(project: &Project, path: &Path) -> bool {
    let plain = |path: &Path| -> Vec<_> {
        path.components()
            .filter(|part| *part != Component::CurDir)
            .map(|part| part.as_os_str().to_ascii_lowercase())
            .collect()
    };
    let named = [
        &project.placeholders,
        &project.policy,
        &project.logs.map,
        &project.identity_key,
        &project.pack.output,
        &project.pack.sign,
    ];
    named.into_iter().flatten().any(|named| plain(named) == plain(path))
}

/// Files that programs or people obey, by the first part of their names in lower case: file systems that
/// ignore case take `Agents.md` for `AGENTS.md`.
const OBEYED: [&str; 12] = [
    "agent",
    "agents",
    "claude",
    "contributing",
    "conventions",
    "copilot-instructions",
    "gemini",
    "instructions",
    "readme",
    "security",
    "skill",
    "skills",
];

/// Keys of a document of Sigma (Sigma rules 2.1, correlations 2.1, filters, and collections of version 1). One with
/// others may be what another program obeys as well.
const OF_SIGMA: [&str; 27] = [
    "action",
    "aliases",
    "author",
    "correlation",
    "custom",
    "date",
    "description",
    "detection",
    "falsepositives",
    "fields",
    "filter",
    "generate",
    "id",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "regression_tests_path",
    "related",
    "scope",
    "simulation",
    "status",
    "tags",
    "taxonomy",
    "title",
];

/// Returns true for a name such as `README.md` or `Agents.md`, and for one in capitals; `T1102.md` has digits.
fn is_obeyed(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let first = stem.split('.').next().unwrap_or_default();
    let has = |is: fn(char) -> bool| first.chars().any(is);
    let is_in_capitals =
        has(char::is_uppercase) && !has(char::is_lowercase) && !has(char::is_numeric);
    is_in_capitals || OBEYED.contains(&first.to_lowercase().as_str())
}

/// Returns true for a note, and for Sigma, whatever else is wrong with it.
fn is_known(path: &str, text: &str) -> bool {
    if !path.ends_with(".yml") {
        return is_note(text);
    }
    let mut problems = Vec::new();
    let documents = yaml::read(&SourceText::new(path, text), &mut problems);
    let documents: Vec<&Node> = documents.iter().filter(|document| !is_empty(document)).collect();
    let has = |document: &Node, key: &str| value(document, key).is_some();
    let is_shared = |document: &Node| has(document, "action");
    // Documents of a collection take their title from one with `action: global`.
    let has_shared = documents.iter().any(|document| is_shared(document));
    let is_rule = |document: &Node| {
        (has_shared || has(document, "title"))
            && ["detection", "correlation", "filter"].into_iter().any(|key| has(document, key))
    };
    problems.is_empty()
        && documents.iter().all(|document| has_only_keys_of_sigma(document))
        && documents.iter().any(|document| is_rule(document))
        && documents.iter().all(|document| is_rule(document) || is_shared(document))
}

fn has_only_keys_of_sigma(document: &Node) -> bool {
    let Kind::Map(pairs) = &document.kind else { return false };
    pairs.iter().all(|(key, _)| key.text().is_some_and(|key| OF_SIGMA.contains(&key)))
}

fn is_note(text: &str) -> bool {
    let Ok(split) = front_matter::split(text) else { return false };
    let kind = match split.entries() {
        Ok(entries) => {
            let kind = entries.iter().find(|entry| entry.key == "kind");
            kind.and_then(|entry| entry.value.text()).map(str::to_owned)
        }
        Err(_) => split.guess("kind"),
    };
    kind.is_some_and(|kind| NoteKind::ALL.iter().any(|known| known.as_str() == kind))
}

fn is_empty(document: &Node) -> bool {
    matches!(document.scalar(), Some(Scalar::Null))
}

fn value<'d>(document: &'d Node, name: &str) -> Option<&'d Node> {
    let Kind::Map(pairs) = &document.kind else { return None };
    pairs.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_notes_and_sigma_files_may_be_written() {
        let rule =
            "title: A\nlogsource: {category: proxy}\ndetection: {s: {cs-hots: a}, condition: s}\n";
        let policy = "default: \"off\"\n";
        let project = Project {
            policy: Some("./rules/Policy.yml".into()),
            placeholders: Some("lists.yml".into()),
            ..Project::default()
        };
        for (path, text, may) in [
            ("new/a.yml", rule.to_owned(), true),
            ("new/a.yml", format!("action: global\nlevel: low\n---\n{rule}---\n"), true),
            ("new/a.yml", format!("action: global\n{rule}---\ndetection: {{}}\n"), true),
            ("new/a.yml", policy.to_owned(), false),
            ("new/a.yml", format!("{rule}---\n{policy}"), false),
            ("new/a.yml", format!("{policy}---\n{rule}"), false),
            ("new/a.yml", format!("{rule}a: b: c\n"), false),
            ("new/a.yml", "action: global\ndefault: \"off\"\n".to_owned(), false),
            ("new/a.yml", "title: A\ndefault: \"off\"\n".to_owned(), false),
            ("new/a.yml", "a: |\n  title: A\n  detection: b\n".to_owned(), false),
            ("new/a.yml", String::new(), false),
            ("new/a.yaml", rule.to_owned(), false),
            ("rules/policy.yml", rule.to_owned(), false),
            ("lists.yml", rule.to_owned(), false),
            ("new/a.md", "---\nkind: service\n---\n".to_owned(), true),
            ("new/T1102.md", "---\nkind: technique\n---\n".to_owned(), true),
            ("new/a.md", "---\nkind: rule\na: b: c\n---\n".to_owned(), true),
            ("new/a.md", "---\nkind: prompt\n---\n".to_owned(), false),
            ("new/a.md", "---\ntags: [T1102]\n---\n".to_owned(), false),
            ("new/a.md", "---\na: {kind: rule}\n---\n".to_owned(), false),
            ("new/a.md", "kind: rule\n".to_owned(), false),
            ("AGENTS.md", "---\nkind: rule\n---\n".to_owned(), false),
            ("Agents.md", "---\nkind: rule\n---\n".to_owned(), false),
            ("new/Skill.md", "---\nkind: rule\n---\n".to_owned(), false),
            ("new/readme.txt.md", "---\nkind: rule\n---\n".to_owned(), false),
            ("new/a\u{202e}b.md", "---\nkind: rule\n---\n".to_owned(), false),
            ("Taskfile.yml", format!("{rule}tasks: {{a: {{cmds: [x]}}}}\n"), false),
            ("new/CLAUDE.local.md", "---\nkind: rule\n---\n".to_owned(), false),
        ] {
            let refused = refusal(&project, path, &text);
            assert_eq!(refused.is_none(), may, "{path} {text:?}: {refused:?}");
        }
    }
}
