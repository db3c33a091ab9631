//! `tidegate.toml`: found from folders below, overridden by options, and the root of `lsp` and `mcp`.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const RULE: &str = "title: A rule\nlogsource: {category: proxy}\ndetection: {s: {cs-host|endswith: .a.example}, condition: s}\n";
const OPEN: &str = "title: Open\nlogsource: {category: proxy}\ndetection: {s: {cs-host|expand: '%hosts%'}, condition: s}\n";
const POLICY: &str = "default: monitor\nexceptions:\n  - {id: EX-1, owner: a, ticket: b, reason: c, expires: 2020-01-31, rules: [A rule]}\n";

fn tidegate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn project(settings: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("rules/deep")).unwrap();
    fs::write(folder.path().join("rules/a.yml"), RULE).unwrap();
    fs::write(folder.path().join("tidegate.toml"), settings).unwrap();
    folder
}

#[test]
fn commands_without_arguments_take_the_project_from_any_folder_of_it() {
    let folder = project(
        "notes = 'rules'\nplaceholders = 'lists.json'\nhosts = 'labels'\npolicy = 'policy.yml'\n\
         [pack]\noutput = 'out.pack'\nname = 'mine'\n[vault]\nfolder = 'vault'\n[check]\nexpiring = '1d'\n",
    );
    let root = folder.path();
    fs::write(root.join("rules/open.yml"), OPEN).unwrap();
    fs::write(root.join("lists.json"), r#"{"hosts": ["b.example"]}"#).unwrap();
    fs::write(root.join("policy.yml"), POLICY).unwrap();
    for (folder, up) in [(root.to_owned(), ""), (root.join("rules/deep"), "../../")] {
        let check = tidegate(&folder, &["check"]);
        let seen = text(&check.stdout);
        assert!(
            seen.contains("2 files, 2 rules: 0 errors, 1 warning"),
            "{seen}{}",
            text(&check.stderr)
        );
        assert!(seen.starts_with(&format!("{up}policy.yml:3:")), "{seen}");
        let pack = tidegate(&folder, &["pack"]);
        let seen = text(&pack.stdout);
        assert!(seen.contains(&format!("{up}out.pack: `mine` version 1, 2 rules")), "{seen}");
        assert!(seen.contains("hosts match by labels"), "{seen}");
        let explain = tidegate(&folder, &["explain", "https://a.example/"]);
        assert!(text(&explain.stdout).contains("`A rule` matches"), "{}", text(&explain.stdout));
    }
    assert!(root.join("out.pack").is_file());
    let vault = tidegate(root, &["vault", "build"]);
    assert_eq!(vault.status.code(), Some(1), "Sigma files alone are no notes");
    assert!(text(&vault.stderr).starts_with("rules:1:1: "), "{}", text(&vault.stderr));
}

const RULE_NOTE: &str = "---\nkind: rule\nservices: []\n---\n\n# Drop\n\n## Rule\n\n```sigma\ntitle: Drop\nid: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11\nstatus: experimental\ndescription: a\nreferences: [https://a.example/]\nauthor: a\ndate: 2026-11-21\ntags: [attack.t1567]\nlogsource: {category: proxy}\ndetection: {s: {cs-host: drop.example, cs-method: POST}, condition: s}\nfalsepositives: [none]\nlevel: medium\n```\n\n## Validation\n\n```http match\nPOST https://drop.example/ HTTP/1.1\n```\n\n```http pass\nGET https://drop.example/ HTTP/1.1\n```\n";

#[test]
fn a_vault_names_the_pack_and_the_places_of_its_project() {
    let settings = "notes = ['notes']\n[pack]\noutput = 'out.pack'\nname = 'mine'\n[vault]\nfolder = 'vault'\n";
    let folder = project(settings);
    let root = folder.path();
    fs::create_dir(root.join("notes")).unwrap();
    fs::write(root.join("notes/drop.md"), RULE_NOTE).unwrap();
    let packed = text(&tidegate(root, &["pack"]).stdout);
    let hash = packed.trim().rsplit(' ').next().unwrap().to_owned();
    let page = || fs::read_to_string(root.join("vault/Detection Rules/Drop.md")).unwrap();
    let built = tidegate(root, &["vault", "build"]);
    assert_eq!(built.status.code(), Some(0), "{}", text(&built.stderr));
    assert!(page().contains(&format!("pack: \"{hash}\"\n")), "{packed}{}", page());
    // A pack with a policy, or with more rules, is another one.
    for (name, content) in [
        ("tidegate.toml", settings.replacen('\n', "\npolicy = 'policy.yml'\n", 1)),
        ("notes/more.yml", RULE.to_owned()),
    ] {
        fs::write(root.join(name), content).unwrap();
        tidegate(root, &["vault", "build"]);
        assert!(!page().contains("pack: "), "{}", page());
        fs::write(root.join("tidegate.toml"), settings).unwrap();
    }
    fs::write(root.join("notes/broken.md"), RULE_NOTE.replace("cs-host", "cs-hots")).unwrap();
    let place = |output: &[u8]| {
        let output = text(output);
        output.lines().find(|line| line.contains("error[")).unwrap_or_default().to_owned()
    };
    let checked = place(&tidegate(root, &["check"]).stdout);
    assert!(checked.starts_with("notes/broken.md:"), "{checked}");
    for arguments in
        [&["vault", "build"][..], &["vault", "build", "--notes", "notes/broken.md", "v"]]
    {
        assert_eq!(place(&tidegate(root, arguments).stderr), checked, "{arguments:?}");
    }
}

#[test]
fn a_policy_is_written_where_the_project_names_it_and_missing_notes_are_the_projects() {
    let folder = project("notes = 'rules'\n");
    let root = folder.path();
    let seen = tidegate(root, &["new", "policy", "Builders"]);
    let next = "builders.yml: written\nnext: tidegate check --policy builders.yml; `policy = \"builders.yml\"` in tidegate.toml has every command take it\n";
    assert_eq!(text(&seen.stdout), next);
    fs::write(root.join("tidegate.toml"), "notes = 'rules'\npolicy = 'policy.yml'\n").unwrap();
    let seen = tidegate(root, &["new", "policy", "Builders 2"]);
    assert_eq!(text(&seen.stdout), "policy.yml: written\nnext: tidegate check\n");
    let policy = fs::read_to_string(root.join("policy.yml")).unwrap();
    assert!(policy.contains("# tidegate check --policy policy.yml\n"), "{policy}");
    fs::write(root.join("tidegate.toml"), "notes = ['rules', 'nots']\n").unwrap();
    let seen = tidegate(root, &["check"]);
    let help =
        "help: tidegate.toml names it under `notes`: check the path, and that you may read it\n";
    assert!(text(&seen.stdout).contains(help), "{}", text(&seen.stdout));
}

#[test]
fn options_count_before_the_project() {
    let folder = project(
        "notes = 'missing'\nhosts = 'labels'\n[pack]\noutput = 'out.pack'\n[check]\nlint = true\n",
    );
    let root = folder.path();
    let missing = tidegate(root, &["test"]);
    assert!(
        text(&missing.stdout).starts_with("missing:1:1: error[F001]"),
        "{}",
        text(&missing.stdout)
    );
    let linted = tidegate(root, &["check", "rules"]);
    assert!(text(&linted.stdout).contains("warning[L"), "{}", text(&linted.stdout));
    let check = tidegate(root, &["check", "--lint=false", "rules"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    let pack = tidegate(root, &["pack", "--hosts", "text", "-o", "other.pack", "rules"]);
    assert!(text(&pack.stdout).contains("other.pack: `tidegate`"), "{}", text(&pack.stdout));
    assert!(!text(&pack.stdout).contains("labels"));
    assert!(!root.join("out.pack").exists());
}

#[test]
fn a_broken_project_stops_commands_that_use_it_and_no_others() {
    let folder = project("notes = 'rules'\nhost = 'labels'\n");
    let check = tidegate(folder.path(), &["check"]);
    assert_eq!(check.status.code(), Some(1));
    let seen = text(&check.stderr);
    assert!(seen.starts_with("tidegate.toml:2:1: error[F028]: unknown key `host`"), "{seen}");
    assert!(seen.contains("did you mean `hosts`?"), "{seen}");
    assert_eq!(tidegate(folder.path(), &["codes", "F028"]).status.code(), Some(0));
}

/// A folder above that many users share, as `/tmp`: whoever writes the file there would choose the policy of all
/// who work below.
#[cfg(unix)]
#[test]
fn a_project_file_of_another_user_is_not_obeyed() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    const NOBODY: u32 = 65_534;
    let folder = project("notes = 'rules'\n");
    let root = folder.path();
    let below = root.join("mine");
    fs::create_dir(&below).unwrap();
    let file = root.join("tidegate.toml");
    let check = || tidegate(&below, &["check"]);
    assert_eq!(check().status.code(), Some(0), "{check:?}", check = check());
    let is_refused = |what: &str| {
        let seen = check();
        assert_eq!(seen.status.code(), Some(1), "{what}");
        let seen = text(&seen.stderr);
        assert!(seen.starts_with("../tidegate.toml:1:1: error[F029]"), "{what}: {seen}");
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).unwrap();
    is_refused("everybody writes");
    // In a repository of one's own it counts as the rest of it does.
    fs::create_dir(root.join(".git")).unwrap();
    assert_eq!(check().status.code(), Some(0));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    assert_eq!(check().status.code(), Some(0));
    // Only root may give files away.
    if chown(&file, Some(NOBODY), None).is_err() {
        return;
    }
    is_refused("the repository is not that user's");
    let git = root.join(".git");
    chown(&git, Some(NOBODY), None).unwrap();
    is_refused("the working folder is not that user's");
    chown(&below, Some(NOBODY), None).unwrap();
    assert_eq!(check().status.code(), Some(0), "a container that runs as root");
    fs::remove_dir(&git).unwrap();
    is_refused("no repository");
    // A link of theirs to a file of mine: its paths begin where the link is.
    let mine = root.join("mine.toml");
    fs::rename(&file, &mine).unwrap();
    chown(&mine, Some(0), None).unwrap();
    symlink("mine.toml", &file).unwrap();
    let is_link = |what: &str| {
        let seen = text(&check().stderr);
        assert!(seen.starts_with("../tidegate.toml:1:1: error[F019]"), "{what}: {seen}");
    };
    is_link("a link of mine");
    std::os::unix::fs::lchown(&file, Some(NOBODY), None).unwrap();
    is_link("a link of theirs");
    // The same by a second name: only the folder is theirs.
    fs::remove_file(&file).unwrap();
    fs::hard_link(&mine, &file).unwrap();
    assert_eq!(check().status.code(), Some(0));
    chown(root, Some(NOBODY), None).unwrap();
    is_refused("a folder of theirs");
}

/// Who may write to a folder puts any file in the place of the project file.
#[cfg(unix)]
#[test]
fn a_project_file_in_a_folder_of_everybody_is_not_obeyed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project("notes = 'rules'\n");
    let root = folder.path();
    let check = || tidegate(root, &["check"]);
    let mode = |mode: u32| fs::set_permissions(root, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let seen = check();
    assert_eq!(seen.status.code(), Some(1));
    let expect =
        "tidegate.toml:1:1: error[F029]: everybody may write to the folder of the project file\n";
    assert!(text(&seen.stderr).starts_with(expect), "{}", text(&seen.stderr));
    // In `/tmp` and the like only the owner of a file replaces it.
    mode(0o1777);
    assert_eq!(check().status.code(), Some(0));
    mode(0o775);
    assert_eq!(check().status.code(), Some(0));
}

#[test]
fn a_new_project_has_a_rule_that_is_tested_without_arguments() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let new = tidegate(root, &["new", "project", "Egress of Example"]);
    assert_eq!(
        text(&new.stdout),
        "tidegate.toml: written\nnext: tidegate new rule 'The title of a rule'\n"
    );
    let empty = tidegate(root, &["check"]);
    assert!(text(&empty.stdout).contains("`tidegate new rule TITLE`"), "{}", text(&empty.stdout));
    let rule = tidegate(root, &["new", "rule", "Upload"]);
    assert_eq!(text(&rule.stdout), "notes/upload.md: written\nnext: tidegate test\n");
    let service = tidegate(&root.join("notes"), &["new", "service", "Drop"]);
    assert_eq!(text(&service.stdout), "../notes/drop.md: written\nnext: tidegate check\n");
    for command in ["check", "test", "pack"] {
        let output = tidegate(root, &[command]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    assert!(root.join("egress-of-example.pack").is_file());
    let again = tidegate(root, &["new", "project", "Another"]);
    assert_eq!(again.status.code(), Some(1));
}

/// Sends messages of the Language Server Protocol, and returns all that is answered.
fn served(folder: &Path, arguments: &[&str], messages: &[Value]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for message in messages {
        let message = message.to_string();
        write!(input, "Content-Length: {}\r\n\r\n{message}", message.len()).unwrap();
    }
    drop(input);
    text(&child.wait_with_output().unwrap().stdout)
}

#[test]
fn the_language_server_takes_the_project_of_the_folder_that_is_open() {
    let folder = project("notes = 'rules'\nplaceholders = 'lists.json'\n");
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join("lists.json"), r#"{"hosts": ["b.example"]}"#).unwrap();
    let url = |inside: &str| format!("file://{}/{inside}", root.display());
    let messages = |text: &str| {
        [
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "rootUri": url("rules")}}),
            json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
            json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": url("rules/open.yml"), "languageId": "yaml", "version": 1, "text": text}}}),
            // Findings are published before a request is answered.
            json!({"jsonrpc": "2.0", "id": 3, "method": "textDocument/hover", "params": {"textDocument": {"uri": url("rules/open.yml")}, "position": {"line": 0, "character": 0}}}),
            json!({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}),
            json!({"jsonrpc": "2.0", "method": "exit"}),
        ]
    };
    let seen = served(&root, &["lsp"], &messages(OPEN));
    assert!(seen.contains(&url("rules/open.yml")), "{seen}");
    assert!(!seen.contains("S014"), "the placeholders are those of the project: {seen}");
    let seen = served(&root, &["lsp"], &messages(&OPEN.replace("hosts", "others")));
    assert!(seen.contains("S014"), "{seen}");
    fs::write(root.join("tidegate.toml"), "note = 'rules'\n").unwrap();
    let seen = served(&root, &["lsp"], &messages(OPEN));
    assert!(seen.contains("window/showMessage") && seen.contains("F028"), "{seen}");
    assert!(!seen.contains("publishDiagnostics"), "nothing is judged: {seen}");
}

#[test]
fn tools_of_agents_take_the_project_and_nothing_outside_of_it() {
    let call = |folder: &Path| {
        let start = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let check = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "check", "arguments": {}}});
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .arg("mcp")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A server that refuses its project has gone by now.
        let _ = writeln!(input, "{start}\n{ready}\n{check}");
        let mut seen = String::new();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        for line in lines.by_ref().map_while(Result::ok) {
            seen.push_str(&line);
            if line.contains("\"id\":2") {
                break;
            }
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        seen + &text(&output.stderr)
    };
    let folder = project("notes = 'rules'\nplaceholders = 'lists.json'\n");
    fs::write(folder.path().join("lists.json"), r#"{"hosts": ["b.example"]}"#).unwrap();
    fs::write(folder.path().join("rules/open.yml"), OPEN).unwrap();
    let seen = call(&folder.path().join("rules"));
    assert!(seen.contains("\"rules\":2") && !seen.contains("S014"), "{seen}");
    fs::write(folder.path().join("tidegate.toml"), "notes = ['rules', '../elsewhere']\n").unwrap();
    let seen = call(folder.path());
    assert!(seen.contains("tidegate.toml names `../elsewhere`, which is refused"), "{seen}");
}
