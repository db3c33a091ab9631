//! docs/sigmahq-lint.md: counts the findings of `tidegate check --lint` in SigmaHQ's rules; `UPDATE=1`
//! rewrites it.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Rules that are named for each code.
const N_EXAMPLES: usize = 5;

const HEAD: &str = "\
# What `check` reports for SigmaHQ's rules

Generated from the rules of SigmaHQ that are active, the folders `rules*` of its repository: counts, and the ids of some rules.
Each finding is explained in [codes.md](codes.md).
A finding is a question to the author of a rule, not a verdict: some weaknesses are known and accepted.

The same, with every place and its help:

    tidegate check --lint rules rules-*

Generated with the corpora, and compared with them by the same test without `UPDATE`:

    UPDATE=1 TIDEGATE_CORPORA=... cargo test -p tidegate --test sigmahq_lint
";

/// Everything that `check --lint` says, as it writes it for machines.
fn check(sigma: &Path) -> Value {
    let folders = fs::read_dir(sigma).unwrap().map(|entry| entry.unwrap().file_name());
    let folders: BTreeSet<_> = folders
        .filter(|name| name.to_string_lossy().starts_with("rules") && sigma.join(name).is_dir())
        .collect();
    let run = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .current_dir(sigma)
        .args(["check", "--lint", "--format", "json"])
        .args(folders)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The id of the rule in a file; each file of `SigmaHQ` has one.
fn id(sigma: &Path, file: &str) -> String {
    let text = fs::read_to_string(sigma.join(file)).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id: "));
    id.unwrap_or(file).trim_matches(['\'', '"', ' ']).to_owned()
}

/// The findings of one code.
#[derive(Default)]
struct Found<'j> {
    severity: &'j str,
    title: &'j str,
    n_findings: usize,
    files: BTreeSet<&'j str>,
}

fn page(sigma: &Path) -> String {
    let printed = check(sigma);
    let mut by_code: BTreeMap<&str, Found<'_>> = BTreeMap::new();
    for finding in printed["diagnostics"].as_array().unwrap() {
        let text = |name: &str| finding[name].as_str().unwrap();
        let found = by_code.entry(text("code")).or_default();
        found.severity = text("severity");
        found.title = text("title");
        found.n_findings += 1;
        found.files.insert(text("file"));
    }
    let number =
        |path: &str| printed.pointer(&format!("/summary/{path}")).unwrap().as_u64().unwrap();
    let files: BTreeSet<_> = by_code.values().flat_map(|found| &found.files).collect();
    let mut page = format!(
        "{HEAD}\n## In numbers\n\n{} rules in {} files; {} files have {} errors and {} warnings.\nDecidable at a proxy: {} yes, {} partly, {} no.\n\n",
        number("rules"),
        number("files"),
        files.len(),
        number("errors"),
        number("warnings"),
        number("decidable/yes"),
        number("decidable/partly"),
        number("decidable/no"),
    );
    page.push_str("| code | finding | | findings | files |\n| --- | --- | --- | --: | --: |\n");
    for (code, Found { severity, title, n_findings, files }) in &by_code {
        let n_files = files.len();
        page.push_str(&format!("| {code} | {title} | {severity} | {n_findings} | {n_files} |\n"));
    }
    page.push_str("\n## Examples\n\nThe first rules of each, by the order of their files.\n\n");
    for (code, found) in &by_code {
        let files = found.files.iter().take(N_EXAMPLES);
        let ids: Vec<_> = files.map(|file| format!("`{}`", id(sigma, file))).collect();
        page.push_str(&format!("- {code}, {}: {}\n", found.title, ids.join(", ")));
    }
    page
}

#[test]
fn the_page_on_sigmahqs_rules_is_fresh() {
    let Some(corpora) = corpora::folder(&["sigma"]) else { return };
    let fresh = page(&corpora.join("sigma"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sigmahq-lint.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &fresh).unwrap();
    } else {
        let page = fs::read_to_string(&path).unwrap_or_default();
        assert!(page == fresh, "docs/sigmahq-lint.md is stale; run this test with UPDATE=1");
    }
}
