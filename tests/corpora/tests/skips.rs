//! A test that lacks its data is recorded by its name, or fails where the data is required.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a helper beside the tests")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use corpora::{RECORD, Skip, read};
use tempfile::TempDir;

/// Set where the test below shall ask for corpora.
const PROBE: &str = "TIDEGATE_PROBE";

/// The test that the others run in a process of its own; by itself it asks for nothing.
#[test]
fn probe() {
    let Some(parts) = env::var_os(PROBE) else { return };
    let parts = parts.into_string().unwrap();
    let parts: Vec<_> = parts.split(',').filter(|part| !part.is_empty()).collect();
    if corpora::folder(&parts).is_some() {
        println!("found");
    }
}

fn run_probe(parts: &str, folder: &Path, record: &Path, require: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "probe", "--nocapture"]);
    command.env(PROBE, parts).env("TIDEGATE_CORPORA", folder).env(RECORD, record);
    command.env("TIDEGATE_REQUIRE_CORPORA", require).output().unwrap()
}

#[test]
fn a_test_without_its_corpora_passes_and_is_recorded() {
    let scratch = TempDir::new().unwrap();
    let (folder, record) = (scratch.path().join("corpora"), scratch.path().join("record"));
    let skip =
        |missing: &str| Skip { test: "corpora::skips probe".into(), missing: missing.into() };
    assert!(read(&record).unwrap().is_empty());

    let output = run_probe("sigma", &folder, &record, "");
    assert!(output.status.success(), "{output:?}");
    let none = skip("the corpora (set TIDEGATE_CORPORA; `cargo xtask corpora` lists them)");
    assert_eq!(read(&record).unwrap(), BTreeSet::from([none.clone()]));

    fs::create_dir_all(folder.join("sigma")).unwrap();
    let output = run_probe("sigma,elastic,atomic", &folder, &record, "0");
    assert!(output.status.success(), "{output:?}");
    let some = skip("`elastic` of the corpora, `atomic` of the corpora");
    assert_eq!(read(&record).unwrap(), BTreeSet::from([none, some]));

    let output = run_probe("sigma", &folder, &record, "1");
    assert!(String::from_utf8_lossy(&output.stdout).contains("found"), "{output:?}");
    assert_eq!(read(&record).unwrap().len(), 2);
}

#[test]
fn a_test_without_its_corpora_fails_where_they_are_required() {
    let scratch = TempDir::new().unwrap();
    let record = scratch.path().join("record");
    for parts in ["", "sigma"] {
        let output = run_probe(parts, &scratch.path().join("corpora"), &record, "1");
        assert!(!output.status.success(), "{output:?}");
    }
    assert!(read(&record).unwrap().is_empty());
}
