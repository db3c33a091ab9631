//! The command line with names, files and clients that it must not trust.

#![forbid(unsafe_code)]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const RULE: &str =
    "title: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";

fn tidegate(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a command line that has to succeed.
fn succeed(folder: &Path, line: &str) {
    let output = tidegate(folder).args(line.split(' ')).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

/// Writes `a.pack` with one rule, and a `key` for identities.
fn write_pack_and_key(folder: &Path) {
    fs::write(folder.join("a.yml"), RULE).unwrap();
    fs::write(folder.join("key"), "00112233445566778899aabbccddeeff\n").unwrap();
    succeed(folder, "pack a.yml -o a.pack");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn configuration_with_the_identity_key_is_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_pack_and_key(folder.path());
    let run = |line: &str| succeed(folder.path(), line);
    for (kind, file) in [
        ("ecds", "tidegate.json"),
        ("envoy", "tidegate.json"),
        ("istio --image registry.example/filter:1", "wasm-plugin.yaml"),
    ] {
        run(&format!("gateway {kind} --pack a.pack --identity-key key --output secret"));
        let secret = at("secret");
        let files = fs::read_dir(&secret).unwrap().map(|entry| entry.unwrap().path());
        let with_key: Vec<_> = files
            .filter(|path| fs::read_to_string(path).unwrap().contains("00112233445566778899"))
            .collect();
        assert!(!with_key.is_empty(), "{kind}: {file}");
        for path in &with_key {
            assert_eq!(mode(path), 0o600, "{kind}: {}", path.display());
            // A file that everybody could read before does not stay so; one for a group does.
            for (before, after) in [(0o644, 0o600), (0o640, 0o640)] {
                fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
                run(&format!("gateway {kind} --pack a.pack --identity-key key --output secret"));
                assert_eq!(mode(path), after, "{kind}: {}", path.display());
            }
        }
        fs::remove_dir_all(secret).unwrap();
    }
    // Without a key, a gateway that runs as another user reads the file.
    run("gateway ecds --pack a.pack --output shared");
    assert_eq!(mode(&at("shared/tidegate.json")) & 0o044, 0o044);
}

/// Who puts a file there first chooses its permissions, and must not choose who reads the key.
#[test]
fn a_file_of_another_user_chooses_no_reader_of_the_identity_key() {
    use std::os::unix::fs::{MetadataExt, chown};
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_pack_and_key(folder.path());
    let run = |line: &str| succeed(folder.path(), line);
    let planted = at("secret/tidegate.json");
    let plant = || {
        let _ = fs::remove_dir_all(at("secret"));
        fs::create_dir(at("secret")).unwrap();
        fs::write(&planted, "").unwrap();
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o640)).unwrap();
    };
    let write = || run("gateway ecds --pack a.pack --identity-key key --output secret");
    // Another name of a file that somebody may read.
    plant();
    fs::hard_link(&planted, at("theirs")).unwrap();
    write();
    assert_eq!(mode(&planted), 0o600);
    // Only root may give files away.
    plant();
    if chown(&planted, None, Some(NOBODY)).is_ok()
        && fs::metadata(&planted).unwrap().gid() == NOBODY
    {
        write();
        let after = fs::metadata(&planted).unwrap();
        assert_eq!(
            (mode(&planted), after.gid()),
            (0o640, NOBODY),
            "its owner gave the group access"
        );
        chown(&planted, Some(NOBODY), Some(NOBODY)).unwrap();
        write();
        assert_eq!(mode(&planted), 0o600);
    }
}

#[test]
fn configuration_is_never_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.yml"), RULE).unwrap();
    fs::write(at("key"), "00112233445566778899aabbccddeeff\n").unwrap();
    let run = |line: &str| tidegate(folder.path()).args(line.split(' ')).output().unwrap();
    assert!(run("pack a.yml -o a.pack").status.success());
    let write = "gateway ecds --pack a.pack --identity-key key --output out";
    for target in ["../victim", "../missing", "/dev/null"] {
        fs::create_dir(at("out")).unwrap();
        fs::write(at("victim"), "mine").unwrap();
        symlink(target, at("out/tidegate.json")).unwrap();
        let output = run(write);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && printed.contains("link"), "{target}: {printed}");
        assert_eq!(fs::read(at("victim")).unwrap(), b"mine", "{target}");
        assert!(!at("missing").exists(), "{target}");
        let left: Vec<_> = fs::read_dir(at("out")).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(left, [at("out/tidegate.json")], "{target}");
        fs::remove_dir_all(at("out")).unwrap();
    }
    // A link on the way to a file below the folder.
    fs::create_dir(at("out")).unwrap();
    fs::create_dir(at("elsewhere")).unwrap();
    symlink("../elsewhere", at("out/oci")).unwrap();
    fs::write(at("filter.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let output = run(
        "gateway istio --image registry.example/filter:1 --filter filter.wasm --pack a.pack --identity-key key --output out",
    );
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 0);
    // The folder itself may be named by a link.
    symlink("elsewhere", at("named")).unwrap();
    assert!(run("gateway ecds --pack a.pack --identity-key key --output named").status.success());
    assert_eq!(mode(&at("elsewhere/tidegate.json")), 0o600);
}

#[test]
fn a_result_never_replaces_what_it_is_from() {
    const LINE: &str = "{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/\"}\n";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |line: &str| tidegate(folder.path()).args(line.split(' ')).output().unwrap();
    fs::create_dir(at("logs")).unwrap();
    symlink("access.log", at("link")).unwrap();
    for (line, file) in [
        ("hunt -r a.yml access.log --report access.log", "access.log"),
        ("hunt -r a.yml access.log --pairs access.log", "access.log"),
        ("hunt -r a.yml access.log -o access.log", "access.log"),
        ("hunt -r a.yml access.log -o link", "access.log"),
        ("hunt -r a.yml logs -o logs/other.log", "logs/other.log"),
        ("hunt -r a.yml access.log -o a.yml", "a.yml"),
        ("hunt -r a.yml access.log --report other.txt", "other.txt"),
        ("check a.yml -o a.yml", "a.yml"),
        ("check . -o a.yml", "a.yml"),
        ("convert a.yml -o a.yml", "a.yml"),
        ("show a.pack -o a.pack", "a.pack"),
        ("diff a.pack a.pack -o a.pack", "a.pack"),
    ] {
        fs::write(at("a.yml"), RULE).unwrap();
        fs::write(at("access.log"), LINE).unwrap();
        fs::write(at("logs/other.log"), LINE).unwrap();
        fs::write(at("other.txt"), "what somebody wrote\n").unwrap();
        fs::remove_file(at("a.pack")).unwrap_or_default();
        assert!(run("pack a.yml -o a.pack").status.success());
        let before = fs::read(at(file)).unwrap();
        let output = run(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("F016"), "{line}: {said}");
        assert_eq!(fs::read(at(file)).unwrap(), before, "{line}");
    }
    // A page of an earlier hunt is replaced.
    for _ in 0..2 {
        let output =
            run("hunt -r a.yml access.log --report page.html --pairs pairs.jsonl -o found.jsonl");
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn control_characters_in_file_names_of_a_vault_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    fs::create_dir(&vault).unwrap();
    fs::write(vault.join("a\u{1b}[2J\u{9b}31m.md"), "[[no\u{1b}where]] #1\n").unwrap();
    let output = tidegate(folder.path()).args(["vault", "check", "vault"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("a\\u{1b}[2J"), "{printed:?}");
    assert!(!printed.contains(['\u{1b}', '\u{9b}']), "{printed:?}");
}

/// A terminal obeys U+009B as an escape, and U+202E writes what follows from right to left.
#[test]
fn nothing_that_a_file_or_a_request_says_is_obeyed_or_hidden() {
    const HOSTILE: [char; 4] = ['\u{1b}', '\u{9b}', '\u{202e}', '\u{61c}'];
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let hostile: String = HOSTILE[1..].iter().collect();
    let rule = RULE.replace("title: a", &format!("title: a{hostile}b"));
    fs::write(at("good.yml"), &rule).unwrap();
    fs::write(at("bad.yml"), rule.replace("condition: s", &format!("condition: s and {hostile}")))
        .unwrap();
    let line = format!(
        "{{\"start_time\": 1790467200, \"method\": \"GET\", \"authority\": \"a.example\", \"path\": \"/{hostile}\", \"client\": \"c{hostile}\"}}\n"
    );
    fs::write(at("access.log"), line).unwrap();
    let url = format!("http://a.example/{hostile}");
    for arguments in [
        &["check", "bad.yml"][..],
        &["check", "bad.yml", "--format", "json"],
        &["check", "bad.yml", "--format", "sarif"],
        &["test", "bad.yml"],
        &["explain", "good.yml", &url],
        &["explain", "good.yml", "--format", "json", &url],
        &["hunt", "-r", "good.yml", "access.log"],
        &["hunt", "-r", "good.yml", "access.log", "--format", "csv"],
        &["hunt", "-r", "good.yml", "access.log", "--format", "table"],
        &["learn", "-r", "good.yml", "access.log"],
    ] {
        let output = tidegate(folder.path()).args(arguments).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!printed.contains(HOSTILE), "{arguments:?}: {printed:?}");
        assert!(!printed.contains("unexpected argument"), "{arguments:?}: {printed}");
    }
}

/// A preview server that ends with the test.
struct Preview {
    child: Child,
    /// Kept open, because the server ends when nobody reads what it prints.
    _stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Preview {
    fn start(folder: &Path) -> Preview {
        fs::write(folder.join("a.yml"), RULE).unwrap();
        fs::create_dir(folder.join("page")).unwrap();
        let page = r#"<meta name="tidegate-session" content="">"#;
        fs::write(folder.join("page/index.html"), page).unwrap();
        let mut child = tidegate(folder)
            .args(["preview", "a.yml", "--port", "0", "--page", "page"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url.trim().trim_start_matches("http://").trim_end_matches('/');
        Preview { child, _stdout: stdout, address: address.parse().unwrap() }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends a GET and returns the first line of the answer.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = self.connect();
        let head = format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn slow_connections_do_not_block_the_preview() {
    let folder = tempfile::tempdir().unwrap();
    let preview = Preview::start(folder.path());
    let slow: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = preview.connect();
            // Of the first ones the server has closed some.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
            stream
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(preview.get("session.json", ""), "HTTP/1.1 200 OK");
    }
    drop(slow);
}

#[test]
fn a_head_that_drips_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let preview = Preview::start(folder.path());
    let mut stream = preview.connect();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut byte = [0];
    // Five seconds are allowed; each byte alone comes well within them.
    let is_ended = (0..100)
        .any(|_| stream.write_all(b"G").is_err() || matches!(stream.read(&mut byte), Ok(0)));
    assert!(is_ended, "a head may take for ever");
}

#[test]
fn other_sites_read_nothing_from_the_preview() {
    let folder = tempfile::tempdir().unwrap();
    let preview = Preview::start(folder.path());
    for path in ["pack/notes", "session.json", "note/a.yml", "events"] {
        for header in ["Sec-Fetch-Site: cross-site\r\n", "Origin: https://other.example\r\n"] {
            assert_eq!(preview.get(path, header), "HTTP/1.1 403 Forbidden", "{path} {header}");
        }
        assert_eq!(
            preview.get(path, "Sec-Fetch-Site: same-origin\r\n"),
            "HTTP/1.1 200 OK",
            "{path}"
        );
    }
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(preview.get("", link), "HTTP/1.1 200 OK");
}
