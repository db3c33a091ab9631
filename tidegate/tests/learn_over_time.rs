//! `tidegate learn` over a log in which a rule over time finds something.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A day of thirty sources, of which one asks a host every minute from the second hour on.
fn log() -> String {
    let mut lines = String::new();
    for minute in 0..24 * 60 {
        let mut line = |source: usize, second: usize, host: &str, agent: &str| {
            let (hour, minute) = (minute / 60, minute % 60);
            let _ = writeln!(
                lines,
                "{{\"start_time\":\"2026-11-20T{hour:02}:{minute:02}:{second:02}Z\",\"method\":\"GET\",\"authority\":\"{host}\",\"path\":\"/a\",\"user_agent\":\"{agent}\",\"downstream_remote_address\":\"10.4.1.{source}\"}}"
            );
        };
        for source in 1..=30 {
            // Nobody does the same thing at the same minute of every hour.
            if (minute * 7 + source * 13 + minute / 60 * 11) % 17 == 0 {
                line(source, (minute * 31 + source * 7) % 60, "intranet.example", "Mozilla/5.0");
            }
        }
        if minute >= 120 {
            line(7, 30, "static-files.example", "updater/1");
        }
    }
    lines
}

#[test]
fn what_a_rule_over_time_finds_is_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("day.log"), log()).unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    let run = |command: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args([command, "-r"])
            .arg(&rules)
            .arg("day.log")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let title = "Beacon to a host that hardly anybody uses";
    assert!(run("hunt").contains(title));
    let learned = run("learn");
    assert!(learned.contains("intranet.example"), "{learned}");
    assert!(!learned.contains("\"static-files.example\""), "{learned}");
    assert!(learned.contains(title), "{learned}");
}
