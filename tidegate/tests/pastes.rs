//! What people paste and write, of the field study: each input with what its case expects.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts the program"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The requests of each pasted text: method and URL.
const PASTES: &[(&str, &[&str])] = &[
    ("08-copy-as-curl/chrome-bash-ansi.txt", &["POST https://discord.com/api/webhooks/"]),
    (
        "08-copy-as-curl/chrome-cmd-2018.txt",
        &[
            "POST https://api.trello.com/1/cards?key=0123456789abcdef0123456789abcdef&token=0123456789abcdef",
        ],
    ),
    ("08-copy-as-curl/chrome-cmd-2024.txt", &["POST https://discord.com/api/webhooks/"]),
    ("08-copy-as-curl/fetch.txt", &["POST https://discord.com/api/webhooks/"]),
    ("08-copy-as-curl/firefox.txt", &["POST https://discord.com/api/webhooks/"]),
    ("08-copy-as-curl/pipe.txt", &["GET https://pastebin.com/raw/abcdefgh"]),
    ("08-copy-as-curl/powershell.txt", &["POST https://discord.com/api/webhooks/"]),
    (
        "08-copy-as-curl/shell-operators.txt",
        &["GET http://a.example/Seed.exe", "GET http://a.example/leaf.au3"],
    ),
    ("08-copy-as-curl/upload-slash.txt", &["PUT https://acct1.blob.core.windows.net/c/loot.zip"]),
    (
        "08-copy-as-curl/urlencode.txt",
        &["GET https://dns.google/resolve?name=x.example&text=a+b%26type%3dTXT"],
    ),
    ("08-copy-as-curl/wget.txt", &["POST https://discord.com/api/webhooks/"]),
    ("21-raw-request-head/absolute-form.http", &["GET http://pastebin.com/raw/abcdefgh"]),
    ("21-raw-request-head/connect.http", &["CONNECT abcd.trycloudflare.com:443"]),
    ("21-raw-request-head/origin-form.http", &["GET http://pastebin.com/a.exe"]),
    (
        "21-raw-request-head/pseudo-headers.http",
        &[
            "POST https://api.telegram.org/bot123456789:AAExampleExampleExampleExampleExample12/sendMessage",
        ],
    ),
    ("21-raw-request-head/with-body.http", &["POST https://discord.com/api/webhooks/"]),
];

/// What `check --lint` finds in each rule.
const RULES: &[(&str, &str)] = &[
    ("10-unescaped-question-mark/escaped.yml", ""),
    ("10-unescaped-question-mark/rule.yml", "L020"),
    ("11-regex-dialect/brace_json.yml", ""),
    // `$` is the end, and text behind it: read, and dead.
    ("11-regex-dialect/brace_literal_unescaped.yml", "L019"),
    ("11-regex-dialect/octal.yml", ""),
    ("11-regex-dialect/cesc.yml", ""),
    ("11-regex-dialect/lookbehind.yml", "S022"),
    ("12-value-field-can-never-hold/anomaly-typo.yml", "L019"),
    ("12-value-field-can-never-hold/dst-ip-host.yml", "L019"),
    ("12-value-field-can-never-hold/extension-with-dot.yml", "L019"),
    ("12-value-field-can-never-hold/host-defanged.yml", "L021"),
    ("12-value-field-can-never-hold/host-re-url.yml", "L003"),
    ("12-value-field-can-never-hold/host-unicode.yml", ""),
    ("12-value-field-can-never-hold/host-with-path.yml", "L003"),
    ("12-value-field-can-never-hold/host-with-scheme.yml", "L003"),
    ("12-value-field-can-never-hold/method-with-space.yml", "L019"),
    ("12-value-field-can-never-hold/query-startswith-path.yml", "L019"),
    ("12-value-field-can-never-hold/referrer-bare-host.yml", "L019"),
    ("12-value-field-can-never-hold/src-ip-wild.yml", ""),
    ("12-value-field-can-never-hold/status-text.yml", "L019"),
    ("12-value-field-can-never-hold/stem-frag.yml", "L004"),
    ("12-value-field-can-never-hold/stem-no-slash-eq.yml", "L004"),
    ("12-value-field-can-never-hold/stem-re-query.yml", "L004"),
    ("12-value-field-can-never-hold/ua-header-name.yml", ""),
    ("12-value-field-can-never-hold/uri-is-path.yml", "L019"),
    ("12-value-field-can-never-hold/uri-startswith-path.yml", "L019"),
];

fn field() -> Option<PathBuf> {
    let field = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/field/traffic");
    if !field.is_dir() {
        corpora::skip("the inputs of the field study (../shared/field/traffic)");
        return None;
    }
    Some(field)
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(folder);
    if !input.is_empty() {
        command.stdin(std::fs::File::open(folder.join(input)).unwrap());
    }
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn each_pasted_text_of_the_field_study_is_the_requests_that_were_sent() {
    let Some(field) = field() else { return };
    for (name, expect) in PASTES {
        let output = run(&field, &["explain", "10-unescaped-question-mark/escaped.yml", "-"], name);
        let seen: Vec<_> =
            output.lines().filter_map(|line| line.strip_prefix("request  ")).collect();
        let is_expected = seen.len() == expect.len()
            && seen.iter().zip(*expect).all(|(seen, expect)| seen.starts_with(expect));
        assert!(is_expected, "{name}: {output}");
    }
}

#[test]
fn each_rule_of_the_field_study_is_read_or_named() {
    let Some(field) = field() else { return };
    for (name, expect) in RULES {
        let output = run(&field, &["check", "--lint", name], "");
        let codes: Vec<_> = ["L003", "L004", "L019", "L020", "L021", "S022", "S023"]
            .into_iter()
            .filter(|code| output.contains(&format!("[{code}]")))
            .collect();
        assert_eq!(codes.join(" "), *expect, "{name}: {output}");
    }
}
