//! Findings of one file, computed from the files that matter to it, are those of a check of all files.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use diagnostics::{Finding, SourceFile, report};
use inspect::pack::HostMatching;
use knowledge::{Compilation, Library, Placeholders};
use language_server::Project;

fn folder(root: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|it| it == "md" || it == "yml");
        if path.is_dir() {
            folder(&path, files);
        } else if is_source && !path.ends_with("README.md") {
            let name: Arc<str> = path.to_str().unwrap().into();
            files.push(SourceFile { name, bytes: fs::read(&path).unwrap() });
        }
    }
}

/// The findings of `check --lint` over all files, by file.
fn of_check(files: &[SourceFile]) -> BTreeMap<Arc<str>, Vec<Finding>> {
    let mut library = Library::read_with(files.to_vec(), &Placeholders::new());
    match Compilation::new(&library, "check", 0) {
        Ok(compilation) => library.findings.extend(compilation.findings),
        Err(finding) => library.findings.push(*finding),
    }
    let lint = library.lint();
    library.findings.extend(lint);
    report::sort(&mut library.findings);
    let mut by_file: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
    for finding in library.findings {
        by_file.entry(Arc::clone(&finding.diagnostic.place.file)).or_default().push(finding);
    }
    by_file
}

fn compare(project: &Project, files: &[SourceFile]) {
    let mut expect = of_check(files);
    for file in files {
        let expect = expect.remove(&file.name).unwrap_or_default();
        assert_eq!(project.findings(&file.name), expect, "{}", file.name);
    }
}

fn project(files: &[SourceFile]) -> Project {
    Project::new(files.to_vec(), Placeholders::new(), HostMatching::Text)
}

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.into(), bytes: text.as_bytes().to_vec() }
}

const RULE: &str = "title: TITLE\nid: 11111111-1111-4111-8111-11111111111N\nlogsource: {category: proxy}\ndetection: {s: {cs-host: NAME.example}, condition: s}\n";

fn rule(name: &str, title: &str, id: &str, host: &str) -> SourceFile {
    let text = RULE.replace("TITLE", title).replace("11N", &format!("11{id}"));
    file(name, &text.replace("NAME", host))
}

/// Files that have to do with one another in every way.
fn entangled() -> Vec<SourceFile> {
    vec![
        rule("a.yml", "a", "1", "a"),
        rule("b.yml", "b", "1", "b"),
        rule("c.yml", "a", "3", "c"),
        rule("d.yml", "d", "4", "c"),
        file(
            "e.yml",
            "title: e\ncorrelation:\n  type: event_count\n  rules: [11111111-1111-4111-8111-111111111113, nobody]\n  timespan: 1m\n  condition: {gte: 2}\n",
        ),
        file(
            "f.yml",
            "title: f\nlogsource: {category: proxy}\nfilter:\n  rules: [11111111-1111-4111-8111-111111111114]\n  s: {cs-host: x.example}\n  condition: not s\n",
        ),
        file("g.md", "---\nkind: list\nlist: words\nvalues: [one, two]\n---\n"),
        file("h.md", "---\nkind: list\nlist: words\nvalues: [three]\n---\n"),
        file(
            "i.yml",
            "title: i\nlogsource: {category: proxy}\ndetection: {s: {cs-host|expand: '%words%'}, condition: s}\n",
        ),
        file(
            "j.yml",
            "title: j\nlogsource: {category: proxy}\ndetection: {s: {cs-host: [one, two]}, condition: s}\n",
        ),
        file(
            "k.yml",
            "title: k\nlogsource: {category: proxy}\ndetection: {s: {tidegate.service: Slak}, condition: s}\n",
        ),
        file("l.md", "---\nkind: service\nservice: Slack\nhosts: [slack.com]\n---\n"),
        file("m.md", "---\nkind: runbook\nrule: x\n---\n"),
        file("n.md", "---\nkind: runbook\nrule: x\n---\n"),
        file("o.yml", "title: [\n"),
    ]
}

#[test]
fn findings_of_a_file_are_those_of_a_check_of_all() {
    let files = entangled();
    compare(&project(&files), &files);
    let n_findings: usize = of_check(&files).values().map(Vec::len).sum();
    assert!(n_findings >= 10, "the files are meant to have findings: {n_findings}");
}

#[test]
fn findings_follow_every_change() {
    let mut files = entangled();
    let mut project = project(&files);
    let mut findings: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
    for file in &files {
        findings.insert(Arc::clone(&file.name), project.findings(&file.name));
    }
    let swaps = [("a.yml", "d.yml"), ("g.md", "l.md"), ("e.yml", "o.yml"), ("f.yml", "b.yml")];
    for (left, right) in swaps {
        let at = |name: &str| files.iter().position(|file| &*file.name == name).unwrap();
        let (left, right) = (at(left), at(right));
        let bytes = files[left].bytes.clone();
        files[left].bytes = std::mem::replace(&mut files[right].bytes, bytes);
        for idx in [left, right] {
            let name = Arc::clone(&files[idx].name);
            for changed in project.set(&name, Some(files[idx].bytes.clone())) {
                let found = project.findings(&changed);
                findings.insert(changed, found);
            }
        }
        compare(&project, &files);
        // Those of a file that was not called changed are still right.
        let mut expect = of_check(&files);
        for (name, found) in &findings {
            assert_eq!(*found, expect.remove(name).unwrap_or_default(), "{name}");
        }
    }
    let gone = files.remove(0);
    project.set(&gone.name, None);
    compare(&project, &files);
}

#[test]
fn a_secret_key_is_not_quoted() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----\n";
    let files = [file("a.yml", key)];
    let found = project(&files).findings(&"a.yml".into());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].diagnostic.code.id, "F018");
}

#[test]
fn findings_of_the_shipped_notes_are_those_of_a_check() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    folder(&root, &mut files);
    compare(&project(&files), &files);
}

#[test]
fn findings_of_the_rules_of_sigma_hq_are_those_of_a_check() {
    let Some(root) = corpora::folder(&["sigma"]) else { return };
    let mut files = Vec::new();
    for rules in ["rules/web", "rules/network", "rules/cloud", "rules-threat-hunting"] {
        folder(&root.join("sigma").join(rules), &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    compare(&project(&files), &files);
}
