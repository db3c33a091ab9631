//! What commands print on a terminal: a pseudo-terminal of 60, 100 and 200 columns, with and without colour.

#![cfg(unix)]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may panic, works on files, and shows what it sees"
)]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

const WIDTHS: [u16; 3] = [60, 100, 200];

const NOTE: &str = include_str!("diagnostics/sound-test/input/note.md");
const RULE: &str = "title: A rule with quite a long title that has to be broken on a terminal that is narrow\nid: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11\nlogsource: {category: proxy}\ndetection:\n    selection:\n        cs-host|endswith: discord.com\n        c-uri-stem|contains: /api/webhooks/\n        c-useragent|startswith: [curl/, Wget/, python-requests/, python-urllib3/, Go-http-client/, okhttp/, axios/, node-fetch, libwww-perl/]\n    filter:\n        c-useragent: 'Mozilla/5.0 (X11; Linux x86_64)'\n    condition: selection and not filter\nlevel: high\n";
const BROKEN: &str = "title: ルールのタイトルがとても長いので端末の幅に合わせて折り返す必要があります。それでも壊れてはいけません\nlogsource: {category: proxy}\ndetection:\n    selection:\n        cs-host: [a.example, b.example, c.example, d.example, e.example, f.example, g.example, h.example, i.example, j.example]\n        cs-hots|contains: 'a value that is so long that a line of sixty columns has no room for it'\n    condition: selection\n";
const LOG: &str = "{\"method\":\"POST\",\"authority\":\"discord.com\",\"path\":\"/api/webhooks/1234567890/SECRETSECRET\",\"user_agent\":\"curl/8.14.1\",\"start_time\":\"2026-11-20T08:00:00Z\",\"downstream_remote_address\":\"10.4.1.9:5000\"}\n";

/// Files that each command has something to say about.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rule.yml", RULE);
    write("broken.yml", BROKEN);
    write("note.md", &NOTE.replace("http match", "http pass"));
    write("access.log", &LOG.repeat(3));
    let labelled = |host: &str| {
        format!(
            "{{\"method\": \"POST\", \"host\": \"{host}\", \"path\": \"/api/webhooks/1/a\", \"user_agent\": \"curl/8\", \"service\": \"A service whose name is rather long\", \"techniques\": [\"T1567.004\"]}}\n"
        )
    };
    write("benign.jsonl", &labelled("www.example.com"));
    write("malicious.jsonl", &labelled("discord.com"));
    write(
        "old.yml",
        &RULE.replace("level: high", "level: low").replace("discord.com", "discord.example"),
    );
    for (pack, rule) in [("old.pack", "old.yml"), ("new.pack", "rule.yml")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["pack", "-o", pack, rule]).current_dir(folder.path());
        assert!(command.output().unwrap().status.success());
    }
    folder
}

/// Runs a command on a terminal of so many columns, and returns what it shows.
fn shown(folder: &Path, arguments: &[&str], columns: u16, environment: &[(&str, &str)]) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options()
        .read(true)
        .write(true)
        .custom_flags(i32::try_from(OFlags::NOCTTY.bits()).unwrap())
        .open(OsStr::from_bytes(name.as_bytes()))
        .unwrap();
    let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .current_dir(folder)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        // Where a build server runs this, every terminal has colours, a dumb one too.
        .env_remove("CI")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal)
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    // The end of the last program on it is an error of the terminal on Linux.
    let mut controller = File::from(controller);
    while let Ok(n_bytes @ 1..) = controller.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..n_bytes]);
    }
    child.wait().unwrap();
    String::from_utf8(seen).unwrap().replace("\r\n", "\n")
}

const COMMANDS: &[&[&str]] = &[
    &["check", "--lint", "rule.yml", "broken.yml"],
    &["test", "note.md"],
    &["hunt", "--rules", "rule.yml", "access.log"],
    &[
        "explain",
        "rule.yml",
        "curl -d x https://discord.com/api/webhooks/1234567890/SECRETSECRET?wait=true&thread_id=12345678901234567890",
    ],
    &[
        "explain",
        "rule.yml",
        "--rule",
        "7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11",
        "https://www.example.com/",
    ],
    &["score", "rule.yml", "--benign", "benign.jsonl", "--malicious", "malicious.jsonl"],
    &["diff", "old.pack", "new.pack", "--log", "access.log"],
    &["show", "new.pack"],
    &["codes"],
    &["codes", "S012"],
    &["hunt", "--help"],
    &["check", "missing.yml"],
];

#[test]
fn no_line_is_wider_than_the_terminal() {
    let folder = folder();
    for arguments in COMMANDS {
        for columns in WIDTHS {
            let seen = shown(folder.path(), arguments, columns, &[]);
            let plain = anstream::adapter::strip_str(&seen).to_string();
            if std::env::var_os("SHOW").is_some() {
                println!("== {columns}: {arguments:?}\n{seen}");
            }
            assert!(plain.lines().count() > 1, "{arguments:?}: {plain}");
            for line in plain.lines() {
                assert!(line.width() <= usize::from(columns), "{columns}: {arguments:?}: {line}");
            }
        }
    }
}

#[test]
fn colours_are_on_a_terminal_unless_somebody_says_otherwise() {
    let folder = folder();
    let check = ["check", "broken.yml"];
    let has_colour = |arguments: &[&str], environment: &[(&str, &str)]| {
        shown(folder.path(), arguments, 100, environment).contains("\u{1b}[")
    };
    assert!(has_colour(&check, &[]));
    assert!(!has_colour(&check, &[("NO_COLOR", "1")]));
    assert!(!has_colour(&check, &[("TERM", "dumb")]));
    assert!(!has_colour(&["check", "broken.yml", "--color", "never"], &[]));
    assert!(has_colour(&["check", "broken.yml", "--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!has_colour(&["check", "broken.yml", "--format", "json"], &[]));
}

#[test]
fn with_and_without_colour_the_text_is_the_same() {
    let folder = folder();
    for arguments in COMMANDS.iter().filter(|arguments| !arguments.contains(&"--help")) {
        let coloured = shown(folder.path(), arguments, 100, &[]);
        let plain = shown(folder.path(), arguments, 100, &[("NO_COLOR", "1")]);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "{arguments:?}");
    }
}
