//! What a new user types first: `new`, `codes`, `completions`, `man`, and commands by the names of other programs.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn tidegate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn new_notes_pass_check_and_test() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let rule = tidegate(folder, &["new", "rule", "Réseau's (new) upload"]);
    assert_eq!(
        stdout(&rule),
        "réseau-s-new-upload.md: written\nnext: tidegate test réseau-s-new-upload.md\n"
    );
    let text = fs::read_to_string(folder.join("réseau-s-new-upload.md")).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let runbook = ["new", "runbook", "Upload", "--rule", id, "-o", "upload-runbook.md"];
    assert!(tidegate(folder, &runbook).status.success());
    assert!(tidegate(folder, &["new", "service", "Drop"]).status.success());
    assert!(tidegate(folder, &["new", "policy", "Builders", "-o", "policy.yml"]).status.success());
    fs::rename(folder.join("policy.yml"), folder.join("builders.policy")).unwrap();

    let check = tidegate(folder, &["check", "--lint", "."]);
    assert_eq!(check.status.code(), Some(0), "{}{}", stdout(&check), stderr(&check));
    assert!(stdout(&check).contains("0 errors, 0 warnings"), "{}", stdout(&check));
    let test = tidegate(folder, &["test", "."]);
    assert_eq!(test.status.code(), Some(0), "{}{}", stdout(&test), stderr(&test));
    let policy = tidegate(folder, &["check", ".", "--policy", "builders.policy"]);
    assert_eq!(policy.status.code(), Some(0), "{}{}", stdout(&policy), stderr(&policy));
}

#[test]
fn ids_of_new_rules_differ_and_are_random_uuids() {
    let scratch = TempDir::new().unwrap();
    let id = |file: &str| {
        assert!(tidegate(scratch.path(), &["new", "rule", "A", "-o", file]).status.success());
        let text = fs::read_to_string(scratch.path().join(file)).unwrap();
        text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned()
    };
    let (one, other) = (id("a.md"), id("b.md"));
    assert_ne!(one, other);
    for id in [one, other] {
        let groups: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.chars().nth(14), Some('4'), "{id}");
        assert!(id.chars().nth(19).is_some_and(|c| "89ab".contains(c)), "{id}");
    }
}

#[test]
fn an_existing_file_is_not_replaced() {
    let scratch = TempDir::new().unwrap();
    fs::write(scratch.path().join("a.md"), "mine").unwrap();
    let output = tidegate(scratch.path(), &["new", "rule", "A"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("error[F016]"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(scratch.path().join("a.md")).unwrap(), "mine");
}

#[test]
fn titles_that_yaml_or_markdown_would_change_are_refused() {
    let scratch = TempDir::new().unwrap();
    for title in ["", "- a", "a: b", "a # b", "[x]", "a\nb", "*a*", "{title}", "a "] {
        let output = tidegate(scratch.path(), &["new", "rule", title]);
        assert_eq!(output.status.code(), Some(2), "{title:?}");
    }
    let without_rule = tidegate(scratch.path(), &["new", "runbook", "A"]);
    assert_eq!(without_rule.status.code(), Some(2));
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn codes_are_listed_and_explained() {
    let here = Path::new(".");
    let list = stdout(&tidegate(here, &["codes"]));
    assert!(list.lines().any(|line| line == "F001  error    cannot be read"), "{list}");
    let page = include_str!("../../docs/codes.md");
    let n_codes = page.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(list.lines().count(), n_codes);
    let one = stdout(&tidegate(here, &["codes", "f001"]));
    assert!(one.starts_with("F001: cannot be read (error)\n\nA path cannot be read"), "{one}");
    assert_eq!(stdout(&tidegate(here, &["explain", "F001"])), one);
    let wrong = tidegate(here, &["codes", "F0001"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean `F001`?"), "{}", stderr(&wrong));
}

#[test]
fn commands_of_other_programs_are_pointed_to_ours() {
    for (given, ours) in [
        ("lint", "check --lint"),
        ("scan", "hunt"),
        ("init", "new project"),
        ("chek", "check"),
        ("nwe", "new"),
    ] {
        let output = tidegate(Path::new("."), &[given]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&format!("'{ours}'")), "{}", stderr(&output));
    }
}

#[test]
fn every_command_has_a_manual_page_and_completions() {
    let scratch = TempDir::new().unwrap();
    let output = tidegate(scratch.path(), &["man", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let hunt = fs::read_to_string(scratch.path().join("tidegate-hunt.1")).unwrap();
    assert!(hunt.contains("tidegate hunt") && hunt.contains("Search logs"), "{hunt}");
    assert!(scratch.path().join("tidegate.1").is_file());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let completions = stdout(&tidegate(scratch.path(), &["completions", shell]));
        assert!(completions.contains("hunt") && completions.contains("vault"), "{shell}");
    }
    let missing = tidegate(scratch.path(), &["man", "missing"]);
    assert_eq!(missing.status.code(), Some(1));
}
