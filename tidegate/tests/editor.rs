//! `tidegate lsp` with a real editor: Neovim's own client, without a window.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const RULE: &str = "title: A rule\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        cs-hots: a.example\n    condition: selection\n";

const NOTE: &str = include_str!("diagnostics/sound-test/input/note.md");

#[test]
fn neovim_shows_findings_applies_a_fix_completes_and_runs_examples() {
    let is_there = Command::new("nvim").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !is_there {
        corpora::skip("nvim (cargo xtask test installs it)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("broken.yml"), RULE).unwrap();
    fs::write(rules.join("note.md"), NOTE).unwrap();
    let out = folder.path().join("seen.json");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/editor/client.lua");
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-c"])
        .arg(format!("luafile {}", script.display()))
        .env("TIDEGATE", env!("CARGO_BIN_EXE_tidegate"))
        .env("FOLDER", folder.path())
        .env("OUT", &out)
        // Neovim keeps its state and logs below these.
        .env("XDG_STATE_HOME", folder.path())
        .env("XDG_CACHE_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let seen = fs::read_to_string(&out).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen.get("error"), None, "{seen:#}");
    assert_eq!(seen["findings"], json!(["S012"]));
    assert_eq!(seen["place"], json!([5, 8, 15]));
    assert_eq!(seen["fix"], "write `cs-host`");
    assert_eq!(seen["fixed"], "        cs-host: a.example");
    assert_eq!(seen["completed"], "        c-useragent|startswith");
    assert!(seen["hover"].as_str().unwrap().contains("the host, without port"), "{seen:#}");
    assert_eq!(seen["lens"], "run 2 examples");
    assert_eq!(seen["summary"], "2 examples pass");
    assert_eq!(seen["lenses"], 3);
    // Nothing was saved, and nothing is written by the server.
    assert_eq!(fs::read_to_string(rules.join("broken.yml")).unwrap(), RULE);
}
