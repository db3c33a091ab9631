//! The command line on SigmaHQ's rules, where the corpora are at hand.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use inspect::{Event, Inspector, Pack};
use serde_json::{Map, Value};

/// The active rules for proxies: files of the folders `rules*` with this log source.
fn proxy_rules(corpora: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(corpora.join("sigma")).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        let is_rule = path.extension().is_some_and(|extension| extension == "yml")
            && path
                .components()
                .any(|part| part.as_os_str().to_string_lossy().starts_with("rules"));
        if is_rule && fs::read_to_string(&path).unwrap().contains("\n    category: proxy\n") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_proxy_rule_of_sigmahq_is_compiled_and_hits_what_other_engines_hit() {
    let Some(corpora) = corpora::folder(&["sigma", "sigma-semantics"]) else { return };
    let files = proxy_rules(&corpora);
    assert_eq!(files.len(), 56);
    let scratch = tempfile::tempdir().unwrap();
    let output = scratch.path().join("sigmahq.pack");
    let run = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("pack")
        .args(&files)
        .arg("--output")
        .arg(&output)
        .output()
        .unwrap();
    let seen = String::from_utf8(run.stdout).unwrap();
    assert!(seen.starts_with("56 rules read = 56 compiled + 0 refused\n"), "{seen}");
    assert!(run.status.success());

    let mut inspector = Inspector::new(Pack::decode(&fs::read(&output).unwrap()).unwrap());
    let events = fs::read_to_string(corpora.join("sigma-semantics/proxy-events.ndjson")).unwrap();
    let mut n_hits = 0;
    for line in events.lines() {
        let fields: Map<String, Value> = serde_json::from_str(line).unwrap();
        let verdict = inspector.inspect_event(|tables, event| answer(&fields, tables, event));
        n_hits += verdict.matches.len();
    }
    assert_eq!(n_hits, 16);
}

/// Answers a pack's fields from a flat object.
fn answer(fields: &Map<String, Value>, tables: &inspect::pack::Tables, event: &mut Event) {
    for (name, value) in fields {
        let text = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let field = (0..).map(inspect::FieldId).zip(&tables.fields);
        let field =
            field.map(|(id, field)| (id, tables.str(*field))).find(|(_, field)| field == name);
        let text = text.map(|text| event.text(text.as_bytes()));
        match (field, text) {
            (Some((id, _)), Some(text)) => event.answer(id, text),
            (Some((id, _)), None) => event.answer_null(id),
            (None, Some(text)) => event.add_unnamed(text),
            (None, None) => {}
        }
    }
}
