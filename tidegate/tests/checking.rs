//! `check -`, `check --watch`, and the file of a result.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

const RULE: &str = "title: A rule\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";
const BROKEN: &str = "title: Another\nlogsource: {category: proxy}\ndetection: {s: {cs-hots: a.example}, condition: s}\n";
const NOTE: &str = include_str!("diagnostics/sound-test/input/note.md");
const SERVICE: &str = "---\nkind: service\nservice: Discord\nhosts: [discord.com]\n---\n";

fn tidegate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(folder);
    command
}

fn with_input(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = tidegate(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn standard_input_is_a_rule_or_a_note() {
    let folder = TempDir::new().unwrap();
    for (input, name, code) in
        [(RULE, "stdin.yml", 0), (BROKEN, "stdin.yml", 1), (NOTE, "stdin.md", 0)]
    {
        let output = with_input(folder.path(), &["check", "-"], input);
        let seen = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{seen}{}", text(&output.stderr));
        assert!(seen.contains(&format!("{name}: {code} error")), "{seen}");
    }
    let output = with_input(folder.path(), &["check", "-", "--format", "json"], BROKEN);
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["diagnostics"][0]["file"], "stdin.yml");
    assert_eq!(seen["diagnostics"][0]["line"], 3);
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
    let output = with_input(folder.path(), &["check", "-"], key);
    assert!(text(&output.stderr).contains("F018"), "{}", text(&output.stderr));
}

#[test]
fn standard_input_takes_the_place_of_its_file_among_the_others() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("rules")).unwrap();
    fs::write(root.join("rules/a.yml"), RULE).unwrap();
    fs::write(root.join("rules/discord.md"), SERVICE).unwrap();
    fs::write(root.join("rules/broken.yml"), BROKEN).unwrap();
    let asks = "title: A rule\nlogsource: {category: proxy}\ndetection: {s: {tidegate.service: Discord}, condition: s}\n";
    let alone = with_input(root, &["check", "-"], asks);
    assert!(text(&alone.stdout).contains("N025"), "{}", text(&alone.stdout));
    let named = ["check", "--stdin-name", "./rules/a.yml", "-", "rules"];
    let among = with_input(root, &named, asks);
    assert_eq!(
        text(&among.stdout),
        "rules/a.yml: 0 errors, 0 warnings\n",
        "{}",
        text(&among.stderr)
    );
    let second = with_input(root, &["check", "-", "rules"], asks);
    assert!(text(&second.stdout).contains("N017"), "the name is taken: {}", text(&second.stdout));
    fs::write(root.join("tidegate.toml"), "notes = 'rules'\n").unwrap();
    let project = with_input(root, &["check", "--stdin-name", "rules/a.yml", "-"], asks);
    assert_eq!(project.status.code(), Some(0), "{}", text(&project.stdout));
    for wrong in [
        &["check", "--fix", "-"][..],
        &["check", "--watch", "-"],
        &["check", "--stdin-name", "a.yml", "rules"],
    ] {
        assert_eq!(with_input(root, wrong, RULE).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_result_goes_to_a_file_and_a_refusal_leaves_the_file_alone() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::write(root.join("a.yml"), RULE).unwrap();
    fs::write(
        root.join("access.log"),
        "{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/\"}\n",
    )
    .unwrap();
    for (arguments, start) in [
        (&["check", "-f", "json", "a.yml"][..], "{"),
        (&["test", "a.yml"], "0 notes"),
        (&["explain", "a.yml", "https://a.example/"], "request"),
        (&["codes", "F001"], "F001"),
        (&["hunt", "--rules", "a.yml", "access.log"], "{"),
        (&["hunt", "--rules", "a.yml", "-f", "table", "access.log"], "kind"),
    ] {
        let output = tidegate(root, &[arguments, &["-o", "out"]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let written = fs::read_to_string(root.join("out")).unwrap();
        assert!(written.starts_with(start), "{arguments:?}: {written}");
    }
    let before = fs::read_to_string(root.join("out")).unwrap();
    for arguments in [
        &["explain", "a.yml", "https://a.example/", "--rule", "missing"][..],
        &["hunt", "--rules", "missing.yml", "access.log"],
    ] {
        let output = tidegate(root, &[arguments, &["-o", "out"]].concat()).output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(fs::read_to_string(root.join("out")).unwrap(), before, "{arguments:?}");
    }
    let old =
        tidegate(root, &["hunt", "--rules", "a.yml", "-o", "csv", "access.log"]).output().unwrap();
    assert!(text(&old.stdout).starts_with("kind,time"), "{}", text(&old.stdout));
    assert!(
        text(&old.stderr).starts_with("note: `--output csv` names a file"),
        "{}",
        text(&old.stderr)
    );
    assert!(!root.join("csv").exists());
}

/// A program that runs until it is stopped, and the lines that it prints.
struct Running(Child, Receiver<String>);

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running(child, receiver)
    }

    /// Waits for a line that contains a text.
    fn wait_for(&self, wanted: &str) {
        loop {
            match self.1.recv_timeout(Duration::from_mins(1)) {
                Ok(line) if line.contains(wanted) => return,
                Ok(_) => {}
                Err(error) => panic!("{wanted}: {error}"),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_watched_folder_is_checked_again_when_it_changes_vanishes_and_returns() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let rules = root.join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("a.yml"), RULE).unwrap();
    let running = Running::start(tidegate(root, &["check", "--watch", "rules"]));
    running.wait_for("1 file, 1 rule: 0 errors");
    fs::write(rules.join("b.yml"), BROKEN).unwrap();
    running.wait_for("2 files, 2 rules: 1 error");
    fs::remove_file(rules.join("b.yml")).unwrap();
    running.wait_for("1 file, 1 rule: 0 errors");
    fs::remove_dir_all(&rules).unwrap();
    running.wait_for("error[F001]");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("a.yml"), BROKEN).unwrap();
    running.wait_for("1 file, 1 rule: 1 error");
    fs::write(rules.join("a.yml"), RULE).unwrap();
    running.wait_for("1 file, 1 rule: 0 errors");
}

#[cfg(unix)]
#[test]
fn the_file_behind_a_link_that_is_named_is_watched() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("elsewhere")).unwrap();
    fs::write(root.join("elsewhere/a.yml"), RULE).unwrap();
    std::os::unix::fs::symlink("elsewhere/a.yml", root.join("a.yml")).unwrap();
    let running = Running::start(tidegate(root, &["check", "--watch", "a.yml"]));
    running.wait_for("1 file, 1 rule: 0 errors");
    fs::write(root.join("elsewhere/a.yml"), BROKEN).unwrap();
    running.wait_for("1 file, 1 rule: 1 error");
}
