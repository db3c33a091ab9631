//! SigmaHQ's rules, where the corpora are at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use inspect::{Inspector, Pack};

use crate::event;

/// Where the corpora are: `TIDEGATE_CORPORA`, or beside the checkout.
pub(crate) fn root() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let root = std::env::var_os("TIDEGATE_CORPORA").map_or_else(beside, PathBuf::from);
    root.is_dir().then_some(root)
}

pub(crate) fn skipped(n_tests: usize) {
    println!("skipped {n_tests} test: the corpora are not there (set TIDEGATE_CORPORA)");
}

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

#[test]
fn every_active_rule_is_compiled_or_refused_with_a_code() {
    let Some(root) = root() else { return skipped(1) };
    let mut compiler = sigma::Compiler::new("sigma", 0);
    let (mut n_read, mut n_compiled) = (0, 0);
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in rule_files(&root) {
        let text = std::fs::read_to_string(&file).unwrap();
        let parsed = sigma::parse(&sigma::Source::new(&file.to_string_lossy(), &text));
        n_read += parsed.n_read;
        let mut diagnostics = parsed.diagnostics;
        for rule in &parsed.rules {
            match compiler.add(rule) {
                Ok(_) => n_compiled += 1,
                Err(mut problems) => diagnostics.append(&mut problems),
            }
        }
        for diagnostic in diagnostics {
            let message = format!("{}: {}", diagnostic.place.file, diagnostic.message);
            refused.entry(diagnostic.code.id).or_default().push(message);
        }
    }
    let tables = compiler.finish();
    let n_always = tables.always.len();
    let bytes = tables.encode();
    let start = std::time::Instant::now();
    let pack = Pack::decode(&bytes).unwrap();
    println!("read {n_read} = compiled {n_compiled} + refused {}; {} bytes, {n_always} always, decode {:?}", n_read - n_compiled, bytes.len(), start.elapsed());
    println!("patterns {} atoms {} regexes {} regexbytes {}", pack.tables().patterns.len(), pack.tables().atoms.len(), pack.tables().regexes.len(), pack.tables().regexes.iter().map(|r| r.transitions.len()*4).sum::<usize>());
    for (code, messages) in &refused {
        println!("{code}: {}\n  {}", messages.len(), messages[..messages.len().min(4)].join("\n  "));
    }
}

#[test]
fn the_proxy_rules_compile_and_have_sixteen_hits_on_the_proxy_events() {
    let Some(root) = root() else { return skipped(1) };
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
