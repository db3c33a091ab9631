//! `tidegate hunt` over whole logs: the verdicts of inline, whatever the pieces and threads.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic and works on files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use diagnostics::{Findings, SourceFile};
use inspect::Inspector;
use knowledge::{Compilation, Library};
use serde_json::{Value, json};
use traffic::access_log;

/// Returns the output of the command line, on both streams, and its exit code.
fn tidegate(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

/// A run that is given something on standard input.
fn fed(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // Where logs are named, nobody reads it.
        scope.spawn(move || {
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output().unwrap()
    })
}

/// Returns the records of a hunt, and its standard error.
fn hunt(folder: &Path, arguments: &[&str], stdin: &[u8]) -> (Vec<Value>, String) {
    let output = fed(folder, &[&["hunt"], arguments].concat(), stdin);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), stderr)
}

#[test]
fn the_rules_that_match_are_those_of_inline() {
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(notes).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|extension| extension == "md")
            && !path.ends_with("README.md")
        {
            let name = path.to_string_lossy().into_owned().into();
            files.push(SourceFile { name, bytes: fs::read(path).unwrap() });
        }
    }
    let library = Library::read(files);
    let compilation = Compilation::new(&library, "shipped", 1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.pack"), &compilation.bytes).unwrap();
    let mut inspector = Inspector::new(compilation.pack);
    let (mut log, mut expect) = (String::new(), BTreeMap::new());
    let examples = library.notes.iter().flat_map(|note| &note.examples);
    for (number, example) in (1_u64..).zip(examples) {
        let recorded = &example.request;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let response = recorded.response.clone().unwrap_or_default();
        let line = json!({
            "method": text(&recorded.method),
            "scheme": text(&recorded.scheme),
            "authority": text(&recorded.authority),
            "path": recorded.path.as_deref().map(text),
            "protocol": text(&recorded.version),
            "user_agent": recorded.user_agent.as_deref().map(text),
            "referer": recorded.referrer.as_deref().map(text),
            "cookie": recorded.cookie.as_deref().map(text),
            "requested_server_name": recorded.server_name.as_deref().map(text),
            "source_address": recorded.source_address.as_deref().map(text),
            "response_code": response.status,
            "bytes_received": response.request_bytes,
            "bytes_sent": response.response_bytes,
        })
        .to_string();
        let mut findings = Findings::new(&"line".into());
        let request = access_log::read(&line, &mut findings).unwrap();
        let verdict = inspector.inspect(&request.lend());
        let tables = inspector.pack().tables();
        let rules = verdict.alerts().map(|found| tables.str(tables.rule(found.rule).unwrap().id));
        let mut rules: Vec<_> = rules.map(str::to_owned).collect();
        rules.sort();
        if !rules.is_empty() {
            expect.insert(number, rules);
        }
        log.push_str(&line);
        log.push('\n');
    }
    assert!(expect.len() > 60, "{} of the examples match", expect.len());
    let (records, _) = hunt(folder.path(), &["--pack", "rules.pack", "-"], log.as_bytes());
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for record in records.iter().filter(|record| record["kind"] == "rule") {
        let rule = record["rule"].as_str().unwrap().to_owned();
        found.entry(record["line"].as_u64().unwrap()).or_default().push(rule);
    }
    for rules in found.values_mut() {
        rules.sort();
    }
    assert_eq!(found, expect);
}

#[test]
fn pieces_threads_and_streams_make_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: t\nlogsource: {category: proxy}\ndetection: {s: {cs-host: bad.example}, condition: s}\n";
    fs::write(folder.path().join("rule.yml"), rule).unwrap();
    // More than two pieces, a line that fits into none, and a last line without an end.
    let mut log = String::new();
    for number in 0..40_000 {
        let host = if number % 1000 == 7 { "bad.example" } else { "www.example.com" };
        log.push_str(&format!(
            "{{\"authority\":\"{host}\",\"path\":\"/{number}/{}\"}}\n",
            "x".repeat(80)
        ));
        if number == 20_000 {
            log.push_str(&format!("{{\"authority\":\"{}\"}}\n", "a".repeat(5 << 20)));
        }
    }
    log.push_str("{\"authority\":\"bad.example\",\"path\":\"/last\"}");
    fs::write(folder.path().join("a.log"), &log).unwrap();
    fs::write(folder.path().join("b.log"), "{\"authority\":\"bad.example\",\"path\":\"/b\"}\n")
        .unwrap();

    let (one, printed) =
        hunt(folder.path(), &["-r", "rule.yml", "--threads", "1", "a.log", "b.log"], b"");
    assert_eq!(one.len(), 42);
    assert!(printed.contains("40003 lines = 40002 events"), "{printed}");
    assert!(printed.contains("1 unreadable: too long"), "{printed}");
    let lines: Vec<_> = one.iter().map(|record| record["line"].as_u64().unwrap()).collect();
    assert_eq!((lines[0], lines[40], lines[41]), (8, 40_002, 1));
    let (three, told_by_three) =
        hunt(folder.path(), &["-r", "rule.yml", "--threads", "3", "a.log", "b.log"], b"");
    assert_eq!((&three, &told_by_three), (&one, &printed));
    let (stream, _) = hunt(folder.path(), &["-r", "rule.yml", "-"], log.as_bytes());
    let without_file = |records: &[Value]| -> Vec<Value> {
        let mut records = records.to_vec();
        for record in &mut records {
            record.as_object_mut().unwrap().remove("file");
        }
        records
    };
    assert_eq!(without_file(&stream), without_file(&one[..41]));
}

#[test]
fn a_policy_is_asked_from_a_file_and_from_a_pack_alike() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "rule.yml",
        "title: Bot\nlogsource: {category: proxy}\ndetection: {s: {cs-host: api.telegram.org}, condition: s}\n",
    );
    write(
        "policy.yml",
        "default: enforce\nsources: {ours: [10.0.0.0/8]}\nstatements:\n  - {name: ours, mode: monitor, sources: [ours]}\n",
    );
    write(
        "log.json",
        "{\"authority\":\"api.telegram.org\",\"path\":\"/bot1:x/getMe\",\"source_address\":\"10.0.0.1:9\"}\n{\"authority\":\"api.telegram.org\",\"path\":\"/bot1:x/getMe\",\"source_address\":\"192.0.2.1:9\"}\n",
    );
    let pack = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["pack", "--policy", "policy.yml", "-o", "policed.pack", "rule.yml"])
        .current_dir(folder.path())
        .status();
    assert!(pack.unwrap().success());
    for given in
        [&["--pack", "policed.pack"][..], &["--rules", "rule.yml", "--policy", "policy.yml"]]
    {
        for (mode, expect) in [
            ("enforce", ["observe monitor ours", "deny  "]),
            ("monitor", ["observe  ours", "observe  "]),
        ] {
            let arguments = [given, &["--mode", mode, "log.json"]].concat();
            let (records, _) = hunt(folder.path(), &arguments, b"");
            let said: Vec<String> = records
                .iter()
                .map(|record| {
                    ["action", "mode", "statement"]
                        .map(|name| record[name].as_str().unwrap_or_default())
                        .join(" ")
                })
                .collect();
            assert_eq!(said, expect, "{given:?} in mode {mode}");
        }
    }
    // Without a policy nothing is said of one.
    let (records, _) = hunt(folder.path(), &["--rules", "rule.yml", "log.json"], b"");
    assert!(records.len() == 2 && records.iter().all(|record| record["action"].is_null()));
}

#[test]
fn what_two_packs_make_of_a_log_is_told_with_what_could_not_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "rule.yml",
        "title: Bot\nlogsource: {category: proxy}\ndetection: {s: {cs-host: api.telegram.org}, condition: s}\n",
    );
    write(
        "on.yml",
        "default: enforce\nstatements:\n  - {name: bots, mode: monitor, rules: [Bot]}\n",
    );
    write(
        "off.yml",
        "default: 'off'\nstatements:\n  - {name: bots, mode: monitor, rules: [Bot]}\n",
    );
    write("half.json", "{\"authority\":\"api.telegram.org\",\"path\":\"/\"}\n{\n");
    write("broken.json", "{\"authority\":\"api.telegram.org\"}\n{\n");
    let run = |arguments: &[&str]| tidegate(folder.path(), arguments);
    for policy in ["on", "off"] {
        let (policy, pack) = (format!("{policy}.yml"), format!("{policy}.pack"));
        let (said, code) = run(&["pack", "--policy", &policy, "-o", &pack, "rule.yml"]);
        assert_eq!(code, 0, "{said}");
    }
    let (said, code) = run(&["diff", "on.pack", "off.pack"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("- policy: default enforce\n+ policy: default off\n"), "{said}");
    assert!(!said.contains("bots"), "{said}");
    let (said, code) = run(&["diff", "on.pack", "on.pack", "--log", "half.json"]);
    assert!(code == 1 && said.contains("1 of 2 lines of the logs cannot be read"), "{said}");
    // A pipe gives its log once, and both packs see it.
    let log = "{\"authority\":\"api.telegram.org\",\"path\":\"/\"}\n".repeat(20_000);
    let output = fed(folder.path(), &["diff", "on.pack", "off.pack", "--log", "-"], log.as_bytes());
    let said = String::from_utf8(output.stdout).unwrap();
    let n = "20000 matches on 20000 lines";
    let expect = format!("log: {n} before, {n} after; 0 gained, 0 lost\n");
    assert!(output.status.success() && said.contains(&expect), "{said}");
    let (said, code) =
        run(&["hunt", "--pack", "on.pack", "--input-format", "envoy", "broken.json"]);
    assert!(code == 1 && said.contains("not JSON, first at broken.json:2"), "{said}");
}

#[test]
fn what_two_policies_decide_on_a_log_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let run = |arguments: &[&str]| tidegate(folder.path(), arguments);
    write(
        "rules.yml",
        "title: Bot\nlogsource: {category: proxy}\ndetection: {s: {cs-host: api.telegram.org}, condition: s}\n---\ntitle: Paste\nlogsource: {category: proxy}\ndetection: {s: {cs-host: pastebin.com}, condition: s}\n",
    );
    write(
        "monitor.yml",
        "default: monitor\nstatements:\n  - {name: quiet, mode: 'off', rules: [Paste]}\n",
    );
    write("enforce.yml", "default: enforce\n");
    write(
        "excepted.yml",
        "default: enforce\nexceptions:\n  - {id: EX-1, owner: a, ticket: b, reason: c, expires: 2027-01-31, rules: [Paste]}\n",
    );
    for policy in ["monitor", "enforce", "excepted"] {
        let (policy, pack) = (format!("{policy}.yml"), format!("{policy}.pack"));
        let (said, code) = run(&["pack", "--policy", &policy, "-o", &pack, "rules.yml"]);
        assert_eq!(code, 0, "{said}");
    }
    write(
        "log.json",
        "{\"domain\":\"api.telegram.org:443\"}\n{\"domain\":\"pastebin.com\",\"when\":\"2027-01-01T00:00:00Z\"}\n{\"domain\":\"pastebin.com\"}\n",
    );
    write("map.toml", "time = \"when\"\n[fields]\ncs-host = \"domain\"\n");
    let diff = |old: &str, new: &str, more: &[&str]| {
        let (old, new) = (format!("{old}.pack"), format!("{new}.pack"));
        let log = ["diff", &old, &new, "--log", "log.json", "--map", "map.toml"];
        run(&[&log[..], &["--now", "2027-02-01"], more].concat())
    };
    let (said, code) = diff("monitor", "enforce", &["--mode", "enforce"]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "gained   log.json:2  Paste  deny  pastebin.com\n",
        "gained   log.json:3  Paste  deny  pastebin.com\n",
        "decided  log.json:1  Bot  observe, would deny, mode monitor -> deny  api.telegram.org:443\n",
        "log: 1 match on 1 line before, 3 matches on 3 lines after; 2 gained, 0 lost\n",
        "policy on the log: 0 requests denied before, 3 after; 1 decided otherwise\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    // With the clock of the second event the exception holds, with `--now` it does not.
    let (said, code) = diff("enforce", "excepted", &["--mode", "enforce", "--format", "json"]);
    let printed: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &printed["denied"]), (0, &json!({"before": 3, "after": 2})), "{said}");
    let lost: Vec<_> = printed["lost"].as_array().unwrap().iter().map(|it| &it["line"]).collect();
    assert_eq!(lost, [2], "{said}");
    // The mode of the gateway is an upper bound.
    let (said, _) = diff("monitor", "enforce", &[]);
    assert!(said.contains("0 requests denied before, 0 after"), "{said}");
    let (said, code) = run(&["diff", "monitor.pack", "enforce.pack", "--map", "map.toml"]);
    assert!(code == 2 && said.contains("--log"), "{said}");
    let (said, code) = diff("monitor", "enforce", &["--identity-key", "nowhere"]);
    assert!(code == 1 && said.contains("error[F001]"), "{said}");
}

#[test]
fn a_pack_with_identities_is_only_used_with_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let case =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/P007-no-identity-key/input");
    for name in ["rule.yml", "slack.md", "policy.yml"] {
        fs::copy(case.join(name), folder.path().join(name)).unwrap();
    }
    write("key", "00112233445566778899aabbccddeeff\n");
    write("other", "ff112233445566778899aabbccddeeff\n");
    write("log.json", "{\"authority\":\"a.example\",\"path\":\"/\"}\n");
    write("filter.wasm", "no module");
    let run = |arguments: &[&str]| tidegate(folder.path(), arguments);
    let made = ["pack", "rule.yml", "slack.md", "--policy", "policy.yml", "-o", "a.pack"];
    let (said, code) = run(&[&made[..], &["--identity-key", "key"]].concat());
    assert_eq!(code, 0, "{said}");
    for command in [
        &["hunt", "--pack", "a.pack", "log.json"][..],
        &["diff", "a.pack", "a.pack", "--log", "log.json"],
        &["explain", "--pack", "a.pack", "https://a.example/"],
        &["gateway", "envoy", "--pack", "a.pack", "--output", "out"],
    ] {
        for (key, expect) in [(None, 1), (Some("other"), 1), (Some("nowhere"), 1), (Some("key"), 0)]
        {
            let key = key.map_or(Vec::new(), |key| vec!["--identity-key", key]);
            let (said, code) = run(&[command, &key[..]].concat());
            assert_eq!(code, expect, "{command:?} {key:?}: {said}");
        }
    }
    let config = fs::read_to_string(folder.path().join("out/tidegate.json")).unwrap();
    assert!(config.contains("00112233445566778899aabbccddeeff"));
    // What is a link is not written: it may lead anywhere.
    #[cfg(unix)]
    {
        let (link, elsewhere) =
            (folder.path().join("out/tidegate.json"), folder.path().join("elsewhere.json"));
        fs::rename(&link, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        write("elsewhere.json", "old");
        let arguments = ["gateway", "ecds", "--no-tls", "--pack", "a.pack", "--output", "out"];
        let (said, code) = run(&[&arguments[..], &["--identity-key", "key"]].concat());
        assert!(code == 1 && said.contains("F016"), "{said}");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "old");
        fs::remove_file(&link).unwrap();
    }
    // All files or none.
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    fs::create_dir_all(folder.path().join("out/tidegate.json")).unwrap();
    let gateway =
        ["gateway", "envoy", "--pack", "a.pack", "--output", "out", "--identity-key", "key"];
    let (said, code) = run(&gateway);
    assert!(code == 1 && said.contains("out/tidegate.json"), "{said}");
    assert!(!folder.path().join("out/envoy.yaml").exists());
    let (said, code) = run(&[&gateway[..], &["--filter", "filter.wasm"]].concat());
    assert!(code == 1 && said.contains("not a WebAssembly module"), "{said}");
}

#[test]
fn titles_do_not_reach_the_terminal_as_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: \"x\\e[31m\\nfoo\"\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";
    fs::write(folder.path().join("rule.yml"), rule).unwrap();
    let (_, printed) = hunt(folder.path(), &["--rules", "rule.yml"], b"http://a.example/\n");
    assert!(printed.ends_with("  1 x\\u{1b}[31m\\nfoo\n"), "{printed}");
}
