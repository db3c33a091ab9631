//! SigmaHQ's rules, where the corpora are at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use inspect::{Inspector, Pack};

use crate::event;

/// Every active rule file (`rules*` folders), sorted.
pub(crate) fn rule_files(root: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("sigma")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name.starts_with("rules") {
            walk(&path, &mut files);
        }
    }
    files.sort();
    files
}

/// Every active rule, its placeholders resolved: how many were read, the pack, and what was refused.
fn compile_all(
    root: &Path,
    placeholders: &BTreeMap<String, Vec<String>>,
) -> (usize, Pack, Vec<diagnostics::Diagnostic>) {
    let mut compiler = sigma::Compiler::new("sigma", 0);
    let mut n_read = 0;
    let mut refusals = Vec::new();
    for file in rule_files(root) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.to_string_lossy();
        let source = sigma::Source::new(&name, &text).with_placeholders(placeholders);
        let mut parsed = sigma::parse(&source);
        n_read += parsed.n_read;
        refusals.append(&mut parsed.diagnostics);
        for rule in &parsed.rules {
            if let Err(mut problems) = compiler.add(rule) {
                refusals.append(&mut problems);
            }
        }
    }
    (n_read, Pack::decode(&compiler.finish().encode()).unwrap(), refusals)
}

#[test]
fn every_active_rule_is_compiled() {
    let Some(root) = corpora::folder(&["sigma"]) else { return };
    let (n_read, pack, refusals) = compile_all(&root, &BTreeMap::new());
    assert_eq!(n_read, 3780);
    let mut placeholders = BTreeMap::new();
    for refusal in &refusals {
        // Without values only rules with placeholders are refused, each placeholder by name.
        assert_eq!(refusal.code.id, "S014", "{refusal:?}");
        let name = refusal.message.split('%').nth(1).unwrap().to_owned();
        placeholders.insert(name, vec!["value".to_owned(), "other*".to_owned()]);
    }
    let refused: std::collections::BTreeSet<_> =
        refusals.iter().map(|refusal| &refusal.place.file).collect();
    assert_eq!(n_read, pack.tables().rules.len() + refused.len());

    let (n_read, pack, refusals) = compile_all(&root, &placeholders);
    assert_eq!(refusals, []);
    assert_eq!((n_read, pack.tables().rules.len()), (3780, 3780));
}

#[test]
fn the_regression_cases_of_sigmahq_match_as_often_as_they_say() {
    let Some(root) = corpora::folder(&["sigma", "sigma-semantics"]) else { return };
    let cases = std::fs::read_to_string(root.join("sigma-semantics/regression.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&cases).unwrap();
    let mut failed = Vec::new();
    for case in &cases {
        let file = case["rule"].as_str().unwrap();
        let text = std::fs::read_to_string(root.join("sigma").join(file)).unwrap();
        let mut inspector = Inspector::new(event::pack(&text).unwrap());
        let events = case["events"].as_array().unwrap();
        let n_matches =
            events.iter().filter(|event| !event::inspect(&mut inspector, event).matches.is_empty());
        let (got, want) = (n_matches.count() as u64, case["want"].as_u64().unwrap_or(1).max(1));
        if got < want {
            failed.push(format!("{file}: {got} of {want}"));
        }
    }
    assert_eq!(cases.len(), 202);
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn the_proxy_rules_compile_and_have_sixteen_hits_on_the_proxy_events() {
    let Some(root) = corpora::folder(&["sigma", "sigma-semantics"]) else { return };
    let mut compiler = sigma::Compiler::new("proxy", 0);
    let mut n_rules = 0;
    for file in rule_files(&root) {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("category: proxy") {
            continue;
        }
        let parsed = sigma::parse(&sigma::Source::new(&file.to_string_lossy(), &text));
        assert_eq!(parsed.diagnostics, []);
        for rule in &parsed.rules {
            compiler.add(rule).unwrap();
            n_rules += 1;
        }
    }
    assert_eq!(n_rules, 56);
    let mut inspector = Inspector::new(Pack::decode(&compiler.finish().encode()).unwrap());
    let events = std::fs::read_to_string(root.join("sigma-semantics/proxy-events.ndjson")).unwrap();
    let hits = events.lines().map(|line| {
        let object = serde_json::from_str(line).unwrap();
        event::inspect(&mut inspector, &object).matches.len()
    });
    assert_eq!(hits.sum::<usize>(), 16);
}
