//! How the command line behaves: streams, files, order.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const RULE: &str = "title: NAME\nlogsource: {category: proxy}\ndetection: {s: {cs-host: NAME.example}, condition: s}\n";

const NOTE: &str = include_str!("diagnostics/sound-test/input/note.md");

fn tidegate(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn rules(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(folder.path().join(format!("{name}.yml")), RULE.replace("NAME", name)).unwrap();
    }
    folder
}

fn bytes_of_pack(folder: &Path, paths: &[&str]) -> Vec<u8> {
    let output = tidegate(folder).args(["pack", "-o", "out.pack"]).args(paths).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(folder.join("out.pack")).unwrap()
}

#[test]
fn the_same_rules_give_the_same_pack_in_whatever_order_they_are_named() {
    let folder = rules(&["a", "b", "c"]);
    let expect = bytes_of_pack(folder.path(), &["a.yml", "b.yml", "c.yml"]);
    for paths in [&["."][..], &["c.yml", "./b.yml", "a.yml"], &["b.yml", ".", "a.yml"]] {
        assert!(bytes_of_pack(folder.path(), paths) == expect, "{paths:?}");
    }
}

#[test]
fn a_pack_that_is_refused_leaves_the_old_one_in_place() {
    let folder = rules(&["a"]);
    let before = bytes_of_pack(folder.path(), &["."]);
    fs::write(folder.path().join("b.yml"), "title: b\n").unwrap();
    let output = tidegate(folder.path()).args(["pack", ".", "-o", "out.pack"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(fs::read(folder.path().join("out.pack")).unwrap() == before);
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["a.yml", "b.yml", "out.pack"], "nothing half-written is left behind");
}

#[cfg(unix)]
#[test]
fn fixes_are_written_once_and_leave_the_rest_of_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let written = "# kept\r\ntitle: a\r\nlogsource: {category: proxy}\r\ndetection:\r\n  s:\r\n    cs-hots|endwith:\r\n      - a.example\r\n  condition: s\r\n";
    let expect = written
        .replace("cs-hots|endwith", "cs-host")
        .replace("      - a.example", "      - a.example\r\n      - '*.a.example'");
    let path = folder.path().join("a.yml");
    fs::write(&path, written).unwrap();
    for printed in ["a.yml: 3 fixes put in", ""] {
        let check = ["check", "--lint", "--fix", "a.yml"];
        let output = tidegate(folder.path()).args(check).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(
            printed.is_empty() && !stdout.contains("put in") || stdout.contains(printed),
            "{stdout}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), expect);
    }
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing half-written is left behind");
}

#[test]
fn a_byte_order_mark_is_taken_out_before_other_fixes() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: a\nlogsource: {category: proxy}\ndetection: {s: {cs-hots: a.example}, condition: s}\n";
    let path = folder.path().join("a.yml");
    fs::write(&path, format!("\u{feff}{rule}")).unwrap();
    let output = tidegate(folder.path()).args(["check", "--fix", "a.yml"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("a.yml: 2 fixes put in"), "{stdout}");
    assert_eq!(fs::read_to_string(&path).unwrap(), rule.replace("hots", "host"));
}

#[test]
fn a_link_stays_and_what_is_no_file_is_not_replaced() {
    let folder = rules(&["a"]);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("real.pack"), "").unwrap();
    std::os::unix::fs::symlink("real.pack", at("link.pack")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for (target, code) in [("link.pack", 0), ("folder", 1), ("/dev/null", 0)] {
        let output =
            tidegate(folder.path()).args(["pack", "a.yml", "-o", target]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{target}");
    }
    assert!(fs::symlink_metadata(at("link.pack")).unwrap().is_symlink());
    assert!(fs::metadata(at("real.pack")).unwrap().len() > 0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_not_taken_for_success() {
    let folder = rules(&["a"]);
    let output =
        tidegate(folder.path()).args(["pack", "a.yml", "-o", "/dev/full"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("/dev/full:1:1: error[F016]"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = tidegate(folder.path()).args(["check", "a.yml"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_while_a_pack_is_written_leaves_the_old_pack() {
    let folder = rules(&["a"]);
    let at = |name: &str| folder.path().join(name);
    let pack = |limit: &str| {
        // A file size limit is the full disk that needs no disk; the signal would end the program.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" pack a.yml -o a.pack");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_tidegate")).current_dir(folder.path());
        shell.output().unwrap()
    };
    assert_eq!(pack("unlimited").status.code(), Some(0));
    let old = fs::read(at("a.pack")).unwrap();
    fs::write(
        at("a.yml"),
        fs::read_to_string(at("a.yml")).unwrap().replace("title: ", "title: new "),
    )
    .unwrap();
    let full = pack("0");
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8(full.stdout).unwrap().starts_with("a.pack:1:1: error[F016]"));
    assert_eq!(fs::read(at("a.pack")).unwrap(), old);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing half-written is left behind"
    );
    assert_eq!(pack("unlimited").status.code(), Some(0));
    assert_ne!(fs::read(at("a.pack")).unwrap(), old);
}

#[test]
fn a_folder_that_links_to_itself_is_told_and_not_followed_forever() {
    let folder = rules(&["a"]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(".", folder.path().join("loop")).unwrap();
    let output = tidegate(folder.path()).args(["check", "."]).output().unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(!cfg!(unix) || seen.contains("loop:1:1: error[F019]"), "{seen}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_never_opened_in_a_folder() {
    let folder = rules(&["a"]);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("note.md"), NOTE).unwrap();
    for vault in ["vault", "vault/.obsidian", "vault/.tidegate", "page"] {
        fs::create_dir(at(vault)).unwrap();
    }
    fs::write(at("vault/Page.md"), "A page.\n").unwrap();
    let pipes = ["pipe.yml", "pipe.md", "vault/Pipe.md", "vault/.obsidian/types.json"];
    for pipe in pipes.iter().chain(&["vault/.tidegate/state.json", "page/index.html"]) {
        assert!(Command::new("mkfifo").arg(at(pipe)).status().unwrap().success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("zero.md")).unwrap();
    for (line, expect) in [
        ("check .", &["pipe.yml", "pipe.md", "socket.yaml", "zero.md"][..]),
        ("test .", &["pipe.yml"]),
        ("pack . -o out.pack", &["pipe.yml"]),
        ("explain . https://a.example/", &["pipe.yml"]),
        ("hunt --rules . a.yml", &["pipe.yml"]),
        ("preview a.yml --page page", &["page:1:1: error[F025]"]),
        ("vault build new --notes .", &["9 pages"]),
        ("vault build vault --notes note.md", &["types.json: the file cannot be read"]),
        ("vault check vault", &["pages\n"]),
    ] {
        let output = Command::new("timeout")
            .args(["20", env!("CARGO_BIN_EXE_tidegate")])
            .args(line.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_ne!(output.status.code(), Some(124), "{line} waits for ever: {said}");
        for expect in expect {
            assert!(said.contains(expect), "{line}: {said}");
        }
    }
}

#[test]
fn explain_reads_several_log_lines_from_standard_input() {
    let folder = rules(&["a"]);
    let mut child = tidegate(folder.path())
        .args(["explain", ".", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = "{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/\"}\n\n{\"method\":\"GET\",\"authority\":\"b.example\",\"path\":\"/\"}\n{}\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let matched = seen["requests"].as_array().unwrap().iter();
    let matched: Vec<_> =
        matched.map(|request| request["matches"].as_array().unwrap().len()).collect();
    assert_eq!(matched, [1, 0], "{seen:#}");
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.starts_with("<stdin>:4:1: error[R010]"), "{printed}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = rules(&["a"]);
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["check"],
        &["check", ".", "--format", "xml"],
        &["pack", "."],
        &["explain"],
        &["explain", ".", "https://a.example/", "--rule", "nothing"],
        &["explain", "--pack", "x.pack", ".", "https://a.example/"],
        &["explain", "--pack", "x.pack", "--policy", "p.yml", "https://a.example/"],
        &["hunt", "--pack", "x.pack", "--policy", "p.yml"],
        &["vault", "build", "vault", "--techniques", "T1102,x"],
    ] {
        let output = tidegate(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["explain", "--help"]] {
        let output = tidegate(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_that_is_named_has_a_code_and_a_help() {
    let folder = rules(&["a"]);
    let at = |name: &str| folder.path().join(name);
    bytes_of_pack(folder.path(), &["a.yml"]);
    fs::write(at("latin1.toml"), b"time = \"\xe9\"").unwrap();
    fs::write(at("log.json"), "{\"authority\":\"a.example\",\"path\":\"/\"}\n").unwrap();
    fs::write(at("words.log"), "no log\n").unwrap();
    fs::write(at("note.md"), NOTE).unwrap();
    // The folder of a page cannot be made where a file is.
    fs::create_dir(at("blocked")).unwrap();
    fs::write(at("blocked/Testing Runbooks"), "").unwrap();
    fs::write(at("blocked/Detection Rules"), "").unwrap();
    for (line, expect) in [
        ("check none.yml", "F001"),
        ("check a.yml --placeholders none.json", "F001"),
        ("check a.yml --policy none.yml", "F001"),
        ("diff none.pack out.pack", "F001"),
        ("diff out.pack out.pack --log none.log", "F001"),
        ("diff out.pack out.pack --log words.log", "F023"),
        ("explain none.yml https://a.example/", "F001"),
        ("gateway envoy --pack none.pack --output out", "F001"),
        ("hunt --pack none.pack log.json", "F001"),
        ("hunt --pack a.yml log.json", "F010"),
        ("hunt --rules a.yml none.log", "F001"),
        ("hunt --rules a.yml .", "F023"),
        ("hunt --rules a.yml words.log", "F023"),
        ("hunt --rules a.yml --input-format json words.log", "F023"),
        ("hunt --rules a.yml --map none.toml log.json", "F001"),
        ("hunt --rules a.yml --map . log.json", "F001"),
        ("hunt --rules a.yml --map latin1.toml log.json", "F008"),
        ("hunt --rules a.yml --map a.yml log.json", "F024"),
        ("keygen a.yml", "F016"),
        ("pack a.yml --sign none.key -o new.pack", "F001"),
        ("preview none.yml", "F001"),
        ("preview a.yml --pack none.pack", "F001"),
        ("preview a.yml --page .", "F025"),
        ("preview a.yml --page none", "F001"),
        ("score a.yml --benign none --malicious log.json", "F001"),
        ("show none.pack", "F001"),
        ("show .", "F001"),
        ("test none.md", "F001"),
        ("vault check none", "F001"),
        ("vault build new --notes none", "F001"),
        ("vault build a.yml --notes .", "F001"),
        ("vault build blocked --notes note.md", "F016"),
        ("verify --key none.pub out.pack", "F001"),
    ] {
        let output = tidegate(folder.path()).args(line.split(' ')).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains(&format!("error[{expect}]: ")), "{line}: {said}");
        assert!(said.contains("\nhelp: "), "{line}: {said}");
        assert!(!said.contains("error: "), "{line}: {said}");
    }
}

#[test]
fn a_rule_that_the_response_may_still_satisfy_waits_for_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let rule = "title: t\nlogsource: {category: proxy}\ndetection:\n    a: {cs-host: a.example}\n    \
        b: {sc-status: 404}\n    condition: a or b\n";
    fs::write(folder.path().join("r.yml"), rule).unwrap();
    for (request, verdict) in [
        ("https://a.example/", "action   observe in monitor mode, deny in enforce mode"),
        ("https://b.example/", "no rule matches, 1 rule waits for the response"),
        (
            r#"{"method":"GET","authority":"b.example","path":"/","response_code":404}"#,
            "action   observe in monitor mode, observe in enforce mode",
        ),
        (
            r#"{"method":"GET","authority":"b.example","path":"/","response_code":200}"#,
            "verdict  no rule matches\n",
        ),
    ] {
        let output = tidegate(folder.path()).args(["explain", "r.yml", request]).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains(verdict), "{request}: {shown}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = rules(&["a"]);
    // More than a pipe holds, so that writing fails once the reader is gone.
    let many = "title: t\nlevel: wrong\n---\n".repeat(2_000);
    fs::write(folder.path().join("many.yml"), many).unwrap();
    let mut child = tidegate(folder.path()).args(["check", "."]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "the findings, not the pipe");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_guide_names_every_key_of_a_log_line() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
    let guide = fs::read_to_string(guide).unwrap();
    for (what, keys) in traffic::ACCESS_LOG_KEYS {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        assert!(guide.contains(&keys.join(", ")), "{what:?}: {keys:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_pack_is_signed_with_a_key_of_ours_and_verified() {
    use std::os::unix::fs::PermissionsExt;
    let folder = rules(&["a"]);
    let run = |arguments: &[&str]| {
        let output = tidegate(folder.path()).args(arguments).output().unwrap();
        output.status.code().unwrap()
    };
    assert_eq!(run(&["keygen", "team"]), 0);
    let secret = folder.path().join("team");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    // A key that is there may be the only one that gateways trust.
    let before = fs::read(&secret).unwrap();
    assert_eq!(run(&["keygen", "team"]), 1);
    assert!(fs::read(&secret).unwrap() == before);

    // Nothing is left of a pair that could not be written.
    fs::write(folder.path().join("half.pub"), "mine").unwrap();
    assert_eq!(run(&["keygen", "half"]), 1);
    assert!(!folder.path().join("half").exists());

    assert_eq!(run(&["pack", "a.yml", "-o", "a.pack", "--sign", "team"]), 0);
    // A pack is replaced, and nothing else.
    assert_eq!(run(&["pack", "a.yml", "-o", "a.pack", "--sign", "team"]), 0);
    let note = fs::read(folder.path().join("a.yml")).unwrap();
    assert_eq!(run(&["pack", "a.yml", "-o", "a.yml"]), 1);
    assert!(fs::read(folder.path().join("a.yml")).unwrap() == note);
    assert_eq!(run(&["pack", "a.yml", "-o", "b.pack", "--name", "a\u{1b}b"]), 2);
    assert_eq!(run(&["verify", "a.pack", "--key", "team.pub"]), 0);
    assert_eq!(run(&["keygen", "other"]), 0);
    assert_eq!(run(&["verify", "a.pack", "--key", "other.pub"]), 1);
    assert_eq!(run(&["show", "a.pack"]), 0);
}

#[test]
fn no_table_of_a_pack_is_read_before_its_signature_is_checked() {
    let folder = rules(&["a"]);
    let run = |arguments: &[&str]| {
        let output = tidegate(folder.path()).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["keygen", "team"]).0, 0);
    assert_eq!(run(&["pack", "a.yml", "-o", "a.pack"]).0, 0);
    // Its hash holds, and its body is not one of a pack.
    let body = [0xff; 64];
    let header = fs::read(folder.path().join("a.pack")).unwrap()[..12].to_owned();
    let hash = inspect::pack::PackHash::of(&body).0;
    let noise = [&header[..], &64_u32.to_le_bytes(), &hash, &body].concat();
    fs::write(folder.path().join("noise.pack"), noise).unwrap();
    for command in [
        &["verify", "noise.pack", "--key", "team.pub"][..],
        &["gateway", "ecds", "--pack", "noise.pack", "--public-key", "team.pub", "-o", "out"],
    ] {
        let (code, stderr) = run(command);
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains("the pack is not signed"), "{command:?}: {stderr}");
    }
    assert!(run(&["show", "noise.pack"]).1.contains("corrupt"));
}

#[test]
fn what_sanctioned_automation_does_is_learned_and_no_longer_counted() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "benign.jsonl",
        r#"{"method":"POST","host":"hooks.slack.com","path":"/services/T0AB12CD3/B0EF45GH6/aBcDeFgHiJkLmNoPqRsTuVwX","client":"alertmanager","service":"slack","ambiguous":true}
{"method":"GET","host":"www.example.com","path":"/"}
"#,
    );
    write(
        "malicious.jsonl",
        r#"{"method":"POST","host":"api.telegram.org","path":"/bot123456789:AAExampleExampleExampleExampleExample12/sendDocument","client":"10.0.0.9","service":"telegram","technique":"T1102.002"}
"#,
    );
    write("key", "00112233445566778899aabbccddeeff\n");
    write("empty.jsonl", "");
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    let score = |benign: &str, more: &[&str]| {
        let mut command = tidegate(folder.path());
        command.arg("score").arg(&notes).args([
            "--benign",
            benign,
            "--malicious",
            "malicious.jsonl",
        ]);
        let output = command.args(["--format", "json"]).args(more).output().unwrap();
        let found = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok().map(|value| {
            ["recall", "false_positives"]
                .map(|what| value[what]["total"]["found"].as_u64().unwrap())
        });
        (found, output.status.code().unwrap())
    };
    assert_eq!(score("benign.jsonl", &["--learn", "learned.yml"]), (Some([1, 1]), 0));
    let learned = ["--policy", "learned.yml", "--identity-key", "key"];
    assert_eq!(score("benign.jsonl", &learned), (Some([1, 0]), 0));
    // An existing policy is not overwritten; without requests there is no score.
    assert_eq!(score("benign.jsonl", &["--learn", "learned.yml"]), (None, 1));
    assert_eq!(score("empty.jsonl", &[]), (None, 1));
    // Where nothing was learned, the policy is one all the same.
    fs::copy(folder.path().join("malicious.jsonl"), folder.path().join("plain.jsonl")).unwrap();
    assert_eq!(score("plain.jsonl", &["--learn", "nothing.yml"]).1, 0);
    assert_eq!(score("benign.jsonl", &["--policy", "nothing.yml"]), (Some([1, 1]), 0));
}

#[test]
fn every_command_has_examples_and_is_in_the_guide() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
    let guide = fs::read_to_string(guide).unwrap();
    let help = |arguments: &[&str]| {
        let output = tidegate(Path::new(".")).args(arguments).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("\nExamples:\n  tidegate "), "{arguments:?}: {help}");
        help
    };
    let commands = |help: &str| -> Vec<String> {
        let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let names = list.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    };
    let names = commands(&help(&[]));
    assert!(names.len() > 10, "{names:?}");
    for name in &names {
        assert!(guide.contains(&format!("\ntidegate {name} ")), "{name}");
        help(&[name]);
    }
    for action in commands(&help(&["vault"])) {
        assert!(guide.contains(&format!("\ntidegate vault {action} ")), "{action}");
        help(&["vault", &action]);
    }
}

#[test]
fn many_logs_that_are_empty_or_no_logs_do_not_use_up_the_buffers() {
    let folder = rules(&["a"]);
    let mut names = Vec::new();
    for idx in 0..40 {
        let name = format!("{idx}.log");
        fs::write(folder.path().join(&name), if idx % 2 == 0 { "" } else { "no log\n" }).unwrap();
        names.push(name);
    }
    let line = "{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/\"}\n";
    fs::write(folder.path().join("access.log"), line).unwrap();
    let output = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_tidegate"), "hunt", "--rules", "."])
        .args(names)
        .arg("access.log")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\n1 match\n"), "{said}");
}
