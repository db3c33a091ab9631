//! `tidegate explain`: why a rule matches, why not, and how the request was read.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and works on files"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const RULES: &str = "title: Bot API
id: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11
logsource: {category: proxy}
detection:
    selection:
        cs-host: api.telegram.org
        c-uri-stem|re|i: '^/BOT[0-9]+:'
    filter:
        c-useragent|startswith: Mozilla/
    condition: selection and not filter
---
title: Post to the bot API
id: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a12
logsource: {category: proxy}
detection:
    selection:
        cs-host: api.telegram.org
        cs-method: POST
    condition: selection
---
title: Another host
id: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a13
logsource: {category: proxy}
detection:
    selection:
        cs-host: other.example
        cs-method: GET
    condition: selection
";

fn explain(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let output =
        command.args(["explain", "rules.yml"]).args(arguments).current_dir(folder).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    folder
}

#[test]
fn a_match_shows_the_view_the_oddities_and_the_text_that_was_found() {
    let folder = folder();
    let seen = explain(folder.path(), &["https://API.telegram.org/%62ot12:a/getMe"]);
    assert!(seen.contains("`Bot API` matches, because the host is `api.telegram.org` and the path matches `^/BOT[0-9]+:`, and `filter` does not hold\n"), "{seen}");
    assert!(seen.contains("  view     canonical: as a careful server reads it\n"), "{seen}");
    assert!(seen.contains("found `/bot12:` in `/bot12:a/getMe`\n"), "{seen}");
    assert!(seen.contains("odd      The host has capital letters (`host.case`)\n"), "{seen}");
    assert!(seen.contains("read as  `https://api.telegram.org/bot12:a/getMe` (canonical; undone: capital letters of the host; escapes: `%62` is `b`)\n"), "{seen}");
    assert!(!seen.contains("nearest"), "{seen}");
}

#[test]
fn without_a_match_the_nearest_rules_say_what_the_request_has() {
    let folder = folder();
    let seen = explain(folder.path(), &["https://api.telegram.org/file"]);
    let near = "The rules that came nearest:\n\n`Bot API` does not match, because the path does not match `^/BOT[0-9]+:`\n";
    assert!(seen.contains(near), "{seen}");
    assert!(seen.contains("the request has `/file`\n"), "{seen}");
    assert!(
        seen.contains("`Post to the bot API` does not match, because the method is not `POST`\n"),
        "{seen}"
    );
    assert!(seen.contains("the request has `GET`\n"), "{seen}");
    assert!(!seen.contains("Another host"), "only the method is there: {seen}");
    let far = explain(folder.path(), &["https://www.example.com/"]);
    assert!(!far.contains("nearest"), "{far}");
    let note =
        "note     no rule is near: none asks for this host; `--rule TITLE` explains any of them\n";
    assert!(far.contains(note), "{far}");
}

/// A rule with alternatives of which many fail is further away than one with one failure, and its sentence has the
/// nearest of them.
#[test]
fn the_rule_with_the_fewest_failures_is_the_nearest() {
    const ALTERNATIVES: &str = "title: Store
logsource: {category: proxy}
detection:
    store: {cs-host: files.example, cs-method: PUT, c-uri-stem: /put}
    other: {cs-host: other.example, cs-method: PUT, c-uri-stem: /put}
    place: {cs-host: a.example, c-uri-stem: /put}
    condition: 1 of them
---
title: Hook
logsource: {category: proxy}
detection:
    selection: {cs-host: a.example, c-uri-stem: /hook}
    condition: selection
";
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.yml"), ALTERNATIVES).unwrap();
    let seen = explain(folder.path(), &["https://a.example/x"]);
    let near =
        "The rules that came nearest:\n\n`Hook` does not match, because the path is not `/hook`\n";
    assert!(seen.contains(near), "{seen}");
    let further =
        "`Store` does not match, because the path is not `/put` (other ways are further away)\n";
    assert!(seen.contains(further), "{seen}");
}

#[test]
fn what_a_policy_does_to_tenant_headers_is_shown_for_a_source() {
    const SERVICE: &str = "---
kind: service
service: \"Example\"
hosts: [\"a.example\"]
headers:
  - name: \"x-tenants\"
    hosts: [\"api.a.example\"]
    means: \"The tenants that may be used.\"
    source: \"https://a.example/docs\"
    verified: true
---

# Example

A service.
";
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    fs::write(folder.path().join("example.md"), SERVICE).unwrap();
    let policy = "sources: {people: [10.1.0.0/16]}\nheaders:\n  - {sources: [people], values: {X-Tenants: ours}}\n";
    fs::write(folder.path().join("policy.txt"), policy).unwrap();
    let url = "https://api.a.example/";
    for (source, line) in [
        ("10.1.0.7", "header   sets x-tenants: ours\n"),
        ("10.2.0.7", "header   removes x-tenants if the client sends it\n"),
    ] {
        let arguments = ["example.md", "--policy", "policy.txt", "--source", source, url];
        let seen = explain(folder.path(), &arguments);
        assert!(seen.contains(line), "{source}: {seen}");
    }
}

#[test]
fn a_rule_that_is_named_is_explained_wherever_it_is() {
    let folder = folder();
    let browser = "curl -A 'Mozilla/5.0' https://api.telegram.org/bot12:a/getMe";
    let seen = explain(folder.path(), &["--rule", "Bot API", browser]);
    assert!(seen.contains("`Bot API` does not match, because it is excluded by `filter`, as the user agent starts with `Mozilla/`\n"), "{seen}");
    let seen = explain(folder.path(), &["--rule", "Another host", "-f", "json", browser]);
    let seen: Value = serde_json::from_str(&seen).unwrap();
    let request = &seen["requests"][0];
    assert_eq!(request["others"][0]["because"], "the host is not `other.example`");
    let condition = &request["others"][0]["condition"];
    assert_eq!(condition["all"][0]["request"][0], "api.telegram.org", "{condition:#}");
    assert_eq!(request["readings"][0]["view"], "raw");
    assert_eq!(request["nearest"], serde_json::json!([]));
    assert_eq!(request["user_agent"], "Mozilla/5.0");
}

#[test]
fn a_title_is_found_in_either_case_and_a_near_one_is_suggested() {
    let folder = folder();
    let url = "https://api.telegram.org/file";
    let seen = explain(folder.path(), &["--rule", "bot api", url]);
    assert!(seen.contains("`Bot API` does not match"), "{seen}");
    for (given, near) in [("Bot AIP", "Bot API"), ("to the bot", "Post to the bot API")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        let command = command.args(["explain", "rules.yml", "--rule", given, url]);
        let output = command.current_dir(folder.path()).output().unwrap();
        let seen = String::from_utf8(output.stderr).unwrap();
        let expect = format!("there is no rule '{given}'; did you mean '{near}'?");
        assert!(seen.contains(&expect), "{seen}");
    }
}
