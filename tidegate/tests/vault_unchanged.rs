//! `tidegate vault build` where nothing changed, and where something did that looks as if nothing had.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests over files, with helpers beside the test functions"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

const NOTE: &str = "---\ntags: [T1102]\n---\n\n# Web Service\n\nAlpha words.\n";
const OTHER: &str = "---\ntags: [T1567]\n---\n\n# Exfiltration\n\nBeta words.\n";
const SEAL: &str = "vault/.tidegate/unchanged.json";
const PAGE: &str = "vault/Techniques/T1102 - Web Service.md";

/// Two notes and the vault that was built from them.
struct Scene {
    scratch: tempfile::TempDir,
    program: PathBuf,
}

impl Scene {
    fn new() -> Scene {
        let scratch = tempfile::tempdir().unwrap();
        let scene = Scene { scratch, program: env!("CARGO_BIN_EXE_tidegate").into() };
        fs::create_dir(scene.path("notes")).unwrap();
        fs::write(scene.path("notes/one.md"), NOTE).unwrap();
        fs::write(scene.path("notes/two.md"), OTHER).unwrap();
        scene.build(&[]);
        scene
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.scratch.path().join(inside)
    }

    fn build(&self, options: &[&str]) -> String {
        let arguments = [&["vault", "build", "--notes", "notes"], options, &["vault"]].concat();
        let mut command = Command::new(&self.program);
        let output = command.args(arguments).current_dir(self.scratch.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Builds, and returns true if the run only repeated the report of the last one: a number of pages is
    /// written into that report which no build gives.
    fn is_repeated(&self, options: &[&str]) -> bool {
        let seal = fs::read_to_string(self.path(SEAL)).unwrap();
        let (before, after) = seal.split_once("\"pages\": ").unwrap();
        let (_, after) = after.split_once(',').unwrap();
        fs::write(self.path(SEAL), format!("{before}\"pages\": 77777,{after}")).unwrap();
        self.build(options).contains("77777 pages: 0 files written")
    }
}

/// Changes a file, and sets its time back.
fn rewrite(path: &Path, change: impl Fn(String) -> String) {
    let time: SystemTime = fs::metadata(path).unwrap().modified().unwrap();
    let before = fs::read_to_string(path).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after);
    fs::write(path, after).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_report_of_an_unchanged_run_is_that_of_a_whole_one() {
    let scene = Scene::new();
    let unchanged = scene.build(&[]);
    let json = scene.build(&["--format", "json"]);
    fs::remove_file(scene.path(SEAL)).unwrap();
    assert_eq!(scene.build(&[]), unchanged);
    fs::remove_file(scene.path(SEAL)).unwrap();
    assert_eq!(scene.build(&["--format", "json"]), json);
    assert!(scene.is_repeated(&[]));
    assert!(scene.is_repeated(&["--format", "text"]));
    let ignored = fs::read_to_string(scene.path("vault/.tidegate/.gitignore")).unwrap();
    assert_eq!(ignored, "unchanged.json\n");
}

#[test]
fn every_change_is_seen() {
    type Change = (&'static str, &'static [&'static str], fn(&Scene));
    let changes: [Change; 14] = [
        ("a word of a note, of the same size and time", &[], |scene| {
            rewrite(&scene.path("notes/one.md"), |text| text.replace("Alpha", "Gamma"));
        }),
        ("a word of a page, of the same size and time", &[], |scene| {
            rewrite(&scene.path(PAGE), |text| text.replace("Alpha", "Gamma"));
        }),
        ("a removed note", &["--allow-removals"], |scene| {
            fs::remove_file(scene.path("notes/two.md")).unwrap();
        }),
        ("a new note", &[], |scene| {
            fs::write(scene.path("notes/three.md"), NOTE.replace("1102", "1090")).unwrap();
        }),
        ("a note by another name", &[], |scene| {
            fs::rename(scene.path("notes/two.md"), scene.path("notes/a.md")).unwrap();
        }),
        ("a deleted page", &[], |scene| fs::remove_file(scene.path(PAGE)).unwrap()),
        ("a new page", &[], |scene| fs::write(scene.path("vault/Mine.md"), "mine\n").unwrap()),
        ("a renamed page", &[], |scene| {
            fs::rename(scene.path(PAGE), scene.path("vault/Mine.md")).unwrap();
        }),
        ("a deleted file", &[], |scene| fs::remove_dir_all(scene.path("vault/Bases")).unwrap()),
        ("a setting of Obsidian", &[], |scene| {
            fs::write(scene.path("vault/.obsidian/app.json"), "{\"useMarkdownLinks\":true}")
                .unwrap();
        }),
        ("a type of a property", &[], |scene| {
            let types = scene.path("vault/.obsidian/types.json");
            rewrite(&types, |text| text.replace("\"tags\": \"tags\"", "\"tags\": \"text\""));
        }),
        ("the state of the vault", &[], |scene| {
            fs::write(scene.path("vault/.tidegate/state.json"), "{}").unwrap();
        }),
        ("an option", &["--preview", ""], |_| {}),
        ("another option", &["--links", "wiki"], |_| {}),
    ];
    for (what, options, change) in changes {
        let scene = Scene::new();
        assert!(scene.is_repeated(&[]), "before {what}");
        change(&scene);
        assert!(!scene.is_repeated(options), "{what}");
    }
}

#[test]
fn another_build_of_the_program_builds_again() {
    let mut scene = Scene::new();
    let copy = scene.path("tidegate");
    let mut program = fs::read(&scene.program).unwrap();
    fs::write(&copy, &program).unwrap();
    fs::set_permissions(&copy, fs::metadata(&scene.program).unwrap().permissions()).unwrap();
    scene.program = copy.clone();
    assert!(scene.is_repeated(&[]), "the same program at another place");
    // Bytes behind the program's last section are never loaded.
    program.extend_from_slice(b"another version");
    fs::write(&copy, &program).unwrap();
    assert!(!scene.is_repeated(&[]));
}

#[test]
fn what_the_last_run_reported_is_reported_again() {
    let scene = Scene::new();
    let base = fs::read_dir(scene.path("vault/Bases")).unwrap().next().unwrap().unwrap().path();
    rewrite(&base, |text| format!("{text}# mine\n"));
    let edited = scene.build(&[]);
    assert!(edited.contains("the file was edited; it is left as it is"), "{edited}");
    assert_eq!(scene.build(&[]), edited);
    assert!(scene.is_repeated(&[]), "nothing was written, and nothing changed since");
    fs::write(scene.path(SEAL), "{\"hash\": \"\"}").unwrap();
    assert_eq!(scene.build(&[]), edited, "a seal that a person edited does not count");
}
