//! The notes that tidegate ships.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn tidegate(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(env!("CARGO_BIN_EXE_tidegate")).args(arguments).current_dir(root).output().unwrap()
}

fn summary(arguments: &[&str]) -> Value {
    let output = tidegate(arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["diagnostics"], Value::Array(Vec::new()));
    report["summary"].clone()
}

#[test]
fn shipped_notes_have_nothing_wrong_with_them() {
    let summary = summary(&["check", "--format", "json"]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes/rules");
    let n_notes = walkdir::WalkDir::new(folder).min_depth(1).into_iter().count();
    assert_eq!(summary["rules"].as_u64(), Some(n_notes as u64), "{summary}");
    assert!(n_notes >= 30, "{summary}");
}

#[test]
fn every_example_of_the_shipped_notes_holds() {
    let summary = summary(&["test", "--format", "json"]);
    assert_eq!(summary["failed"], 0);
    // At least two requests that match and two that do not.
    assert!(
        summary["examples"].as_u64() >= summary["notes"].as_u64().map(|notes| notes * 4),
        "{summary}"
    );
}

#[test]
fn the_services_that_notes_name_are_written_alike() {
    let mut names = std::collections::BTreeMap::new();
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes/rules");
    for entry in walkdir::WalkDir::new(notes).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::open(&path).unwrap(), &mut text).unwrap();
        let name = path.to_string_lossy().into_owned().into();
        let reading = knowledge::Note::read(&name, &text);
        assert!(reading.findings.is_empty(), "{:?}", reading.findings);
        let Some(knowledge::Note::Rule(note)) = reading.note else { panic!("{name}") };
        for service in note.services {
            let spelt = names.entry(service.to_lowercase()).or_insert_with(|| service.clone());
            assert_eq!(*spelt, service);
        }
    }
}
