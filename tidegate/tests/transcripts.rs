//! Runs the transcripts of README.md and docs/, so that none goes stale.
//!
//! The code blocks of a page are run in their order, in one folder that begins with the files of
//! `tests/transcripts` and the shipped notes:
//!
//! - A block `LANGUAGE FILE`, such as `toml proxy.toml`, is written to that file, for all pages.
//! - A block `console` is run: each `$ command` in a shell, and what it prints on standard output and then on
//!   standard error is compared with the lines that follow. `...` is any lines, `[..]` any text in a line.
//!
//! `UPDATE=1` writes the output into the page.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use snapbox::Assert;
use snapbox::data::IntoData;

/// The pages, each with the least number of commands that it has.
const PAGES: [(&str, usize); 4] =
    [("README.md", 4), ("docs/command-line.md", 10), ("docs/notes.md", 2), ("docs/policy.md", 3)];

/// A fenced code block: its info string, and its lines by their indices in the page.
struct Block {
    info: String,
    lines: std::ops::Range<usize>,
}

/// Returns the code blocks of a page.
fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    for (idx, line) in lines.iter().enumerate() {
        let ticks = |line: &str| line.len() - line.trim_start_matches('`').len();
        match open {
            None if ticks(line) >= 3 => open = Some((line, idx)),
            Some((fence, start)) if *line == &fence[..ticks(fence)] => {
                let info = fence.trim_start_matches('`').to_owned();
                blocks.push(Block { info, lines: start + 1..idx });
                open = None;
            }
            _ => {}
        }
    }
    assert!(open.is_none(), "a code block is not closed: {open:?}");
    blocks
}

/// A folder with the fixtures and the shipped notes.
fn folder(root: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root.join("tidegate/tests/transcripts")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let notes = root.join("knowledge/notes");
    for (page, _) in PAGES {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for block in blocks(&lines) {
            if let Some((_, file)) = block.info.split_once(' ') {
                let body = lines[block.lines].join("\n") + "\n";
                fs::write(folder.path().join(file), body).unwrap();
            }
        }
    }
    for entry in walkdir::WalkDir::new(&notes) {
        let entry = entry.unwrap();
        let target = folder.path().join(entry.path().strip_prefix(root).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    folder
}

/// Runs a command in a shell; returns standard output followed by standard error.
fn run(command: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let mut folders = vec![binary.to_owned()];
    folders.extend(std::env::split_paths(&path));
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("COLUMNS", "100")
        .env("TZ", "UTC")
        .current_dir(folder)
        .output()
        .unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    match printed.trim_end() {
        "" => String::new(),
        printed => format!("{printed}\n"),
    }
}

/// Runs the blocks of a page; returns the page with the output as it is, and the number of commands.
fn run_page(page: &str, text: &str, root: &Path) -> (String, usize) {
    let folder = folder(root);
    let lines: Vec<&str> = text.lines().collect();
    let mut new: Vec<String> = Vec::new();
    let (mut done, mut n_commands) = (0, 0);
    for block in blocks(&lines) {
        new.extend(lines[done..block.lines.start].iter().map(|line| (*line).to_owned()));
        done = block.lines.start;
        let body = &lines[block.lines.clone()];
        if block.info != "console" {
            continue;
        }
        assert!(body.first().is_some_and(|line| line.starts_with("$ ")), "{page}: {body:?}");
        for transcript in body.chunk_by(|_, next| !next.starts_with("$ ")) {
            n_commands += 1;
            let expected = transcript[1..].iter().map(|line| format!("{line}\n"));
            let expected: String = expected.collect();
            let actual = run(&transcript[0][2..], folder.path());
            let name = format!("{page}: {}", transcript[0]);
            let is_same = Assert::new().try_eq(
                Some(&name),
                actual.as_str().into_data(),
                expected.as_str().into_data(),
            );
            new.push(transcript[0].to_owned());
            match is_same {
                Ok(()) => new.extend(transcript[1..].iter().map(|line| (*line).to_owned())),
                Err(error) if std::env::var_os("UPDATE").is_none() => panic!("{error}"),
                Err(_) => new.extend(actual.lines().map(str::to_owned)),
            }
        }
        done = block.lines.end;
    }
    new.extend(lines[done..].iter().map(|line| (*line).to_owned()));
    (new.join("\n") + "\n", n_commands)
}

#[cfg(unix)]
#[test]
fn transcripts_print_what_the_pages_show() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (page, at_least) in PAGES {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let (new, n_commands) = run_page(page, &text, &root);
        assert!(n_commands >= at_least, "{page}: only {n_commands} commands are run");
        if new != text {
            fs::write(root.join(page), new).unwrap();
        }
    }
}
