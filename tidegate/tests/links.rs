//! Commands over folders of notes that somebody else can write into: links of every kind, pipes, and keys in
//! the place of notes.

#![forbid(unsafe_code)]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RULE: &str =
    "title: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";

/// A rule with a fix, whose title no output may show.
const OUTSIDE: &str = "title: s3cret-of-another-project\nlogsource: {category: proxy}\ndetection: {s: {c-host: a.example}, condition: s}\n";

/// A part of each secret.
const SECRETS: [&str; 4] =
    ["s3cret-of-another-project", "b3BlbnNzaC1rZXktdjEA", "00112233445566778899", "root:$6$"];

const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAA=\n-----END PRIVATE KEY-----\n";
const MINISIGN: &str =
    "untrusted comment: minisign encrypted secret key\nRWRTY0Iyb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n";
const HEX: &str = "00112233445566778899aabbccddeeff\n";

/// A folder of notes, and one of somebody else beside it.
struct Shared {
    scratch: tempfile::TempDir,
    notes: PathBuf,
}

impl Shared {
    fn new() -> Shared {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        for folder in ["notes", "outside/deeper", "page"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("page/index.html"), r#"<meta name="tidegate-session" content="">"#).unwrap();
        fs::write(at("notes/a.yml"), RULE).unwrap();
        fs::write(at("outside/id_ed25519"), OPENSSH).unwrap();
        fs::write(at("outside/shadow"), "root:$6$salt$hash:19000:0:99999:7:::\n").unwrap();
        fs::write(at("outside/rule.yml"), OUTSIDE).unwrap();
        fs::write(at("outside/deeper/rule.md"), OUTSIDE).unwrap();
        assert!(Command::new("mkfifo").arg(at("outside/pipe.yml")).status().unwrap().success());
        let notes = at("notes");
        Shared { scratch, notes }
    }

    /// Runs a command line; returns everything that it prints.
    fn run(&self, line: &str) -> String {
        let output = Command::new("timeout")
            .args(["20", env!("CARGO_BIN_EXE_tidegate")])
            .args(line.split(' '))
            .stdin(Stdio::null())
            .current_dir(self.scratch.path())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_ne!(output.status.code(), Some(124), "{line} does not end: {said}");
        said
    }

    fn outside_is_untouched(&self) {
        let at = |name: &str| self.scratch.path().join("outside").join(name);
        assert_eq!(fs::read_to_string(at("rule.yml")).unwrap(), OUTSIDE);
        assert_eq!(fs::read_to_string(at("id_ed25519")).unwrap(), OPENSSH);
        assert_eq!(fs::read_dir(at("")).unwrap().count(), 5, "nothing new is there");
    }

    /// Returns what the preview lists, and what it serves under the names of a link.
    fn preview(&self, link: &str) -> String {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["preview", "notes", "--port", "0", "--page", "page"])
            .current_dir(self.scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url.trim().trim_start_matches("http://").trim_end_matches('/');
        let mut served = String::new();
        for path in ["session.json", "pack/notes", &format!("note/notes/{link}")] {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            served.push_str(&String::from_utf8_lossy(&bytes));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        served
    }
}

const COMMANDS: [&str; 8] = [
    "check notes --format text",
    "check notes --fix --lint",
    "check notes --format json",
    "test notes",
    "pack notes -o out.pack",
    "hunt --rules notes page/index.html",
    "explain notes https://a.example/",
    "vault build vault --notes notes",
];

fn without_secrets(what: &str, said: &str) {
    for secret in SECRETS {
        assert!(!said.contains(secret), "{what}: {said}");
    }
}

/// Makes a link below the folder of notes, and runs every command over it. `names_it` if it would be read.
fn is_not_followed(link: &str, target: impl AsRef<Path>, names_it: bool) {
    let shared = Shared::new();
    symlink(target, shared.notes.join(link)).unwrap();
    for command in COMMANDS {
        let said = shared.run(command);
        without_secrets(command, &said);
        let reports = ["check", "test", "pack"].iter().any(|name| command.starts_with(name));
        if reports && names_it {
            assert!(said.contains(&format!("notes/{link}")) && said.contains("F019"), "{said}");
        }
        shared.outside_is_untouched();
    }
    let served = shared.preview(link);
    without_secrets("preview", &served);
    assert!(served.contains("notes/a.yml"), "{served}");
    assert!(served.contains("404 Not Found"), "{served}");
    assert!(shared.notes.join(link).is_symlink(), "the link stays");
}

#[test]
fn link_to_a_file_outside_is_not_followed() {
    is_not_followed("x.yml", "../outside/rule.yml", true);
    is_not_followed("x.yml", "../outside/id_ed25519", true);
    is_not_followed("x.md", "../outside/shadow", true);
}

#[test]
fn link_to_a_folder_outside_is_not_followed() {
    is_not_followed("x", "../outside", true);
    is_not_followed("x", "../outside/deeper", true);
    is_not_followed("root", "/", true);
    is_not_followed("up", "..", true);
}

#[test]
fn link_to_a_pipe_or_a_device_is_not_followed() {
    is_not_followed("x.yml", "../outside/pipe.yml", true);
    is_not_followed("x.yml", "/dev/zero", true);
    is_not_followed("x.yml", "/dev/stdin", true);
}

#[test]
fn link_to_itself_to_a_link_or_to_nothing_is_not_followed() {
    is_not_followed("x.yml", "x.yml", true);
    is_not_followed("loop", ".", true);
    is_not_followed("x.yml", "../outside/nothing", true);
    is_not_followed("nothing", "../outside/nothing", false);
    let absolute = tempfile::tempdir().unwrap();
    symlink("/etc/shadow", absolute.path().join("middle")).unwrap();
    is_not_followed("x.yml", absolute.path().join("middle"), true);
}

#[test]
fn link_that_was_named_is_followed_and_fixed_where_it_leads() {
    let shared = Shared::new();
    let fixable = OUTSIDE.replace("s3cret-of-another-project", "a");
    fs::write(shared.scratch.path().join("mine.yml"), &fixable).unwrap();
    symlink("mine.yml", shared.scratch.path().join("named.yml")).unwrap();
    symlink("notes", shared.scratch.path().join("folder")).unwrap();
    fs::write(shared.notes.join("b.yml"), &fixable).unwrap();
    for (line, file) in
        [("check --fix named.yml", "mine.yml"), ("check --fix folder", "notes/b.yml")]
    {
        let said = shared.run(line);
        assert!(said.contains("1 fix put in"), "{said}");
        let fixed = fs::read_to_string(shared.scratch.path().join(file)).unwrap();
        assert!(fixed.contains("cs-host"), "{fixed}");
    }
    assert!(shared.scratch.path().join("named.yml").is_symlink());
    assert_eq!(fs::read_dir(&shared.notes).unwrap().count(), 2, "nothing unfinished is left");
}

#[test]
fn key_is_never_quoted_wherever_it_is_given() {
    let shared = Shared::new();
    let at = |name: &str| shared.scratch.path().join(name);
    shared.run("pack notes -o a.pack");
    let der =
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20b3BlbnNzaC1rZXktdjEA";
    for (kind, key) in [
        ("openssh", OPENSSH.as_bytes()),
        ("pem", PEM.as_bytes()),
        ("minisign", MINISIGN.as_bytes()),
        ("hex", HEX.as_bytes()),
        ("der", der),
    ] {
        fs::write(at("key"), key).unwrap();
        for name in ["key.yml", "key.md"] {
            fs::write(shared.notes.join(name), key).unwrap();
        }
        for line in COMMANDS {
            without_secrets(&format!("{kind}: {line}"), &shared.run(line));
        }
        let said = shared.run("check notes");
        assert!(said.contains("notes/key.yml:1:1: error[F018]"), "{kind}: {said}");
        without_secrets(kind, &shared.preview("key.yml"));
        for name in ["key.yml", "key.md"] {
            fs::remove_file(shared.notes.join(name)).unwrap();
        }
        for line in [
            "check key",
            "check notes --placeholders key",
            "check notes --policy key",
            "check notes --policy key --identity-key key",
            "pack notes -o b.pack --policy key",
            "pack notes -o b.pack --sign key",
            "hunt --pack key key",
            "hunt --pack a.pack key",
            "hunt --pack a.pack --map key key",
            "diff key a.pack",
            "diff a.pack a.pack --log key",
            "show key",
            "score --benign key --malicious key notes",
            "verify --key key a.pack",
            "verify --key key key",
            "gateway ecds --pack key --output out",
            "gateway ecds --pack a.pack --public-key key --output out",
            "gateway ecds --pack a.pack --filter key --output out",
            "vault build vault --notes notes --attack key",
            "vault build vault --sigma key",
        ] {
            without_secrets(&format!("{kind}: {line}"), &shared.run(line));
        }
    }
}
