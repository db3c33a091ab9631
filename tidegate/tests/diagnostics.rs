//! Every finding as a person sees it: input and output side by side in `tests/diagnostics/<case>/`.
//!
//! A case is a folder: `case.toml` (the arguments, and what cannot be committed as a file), `input/`,
//! and `expected.txt`. `UPDATE=1` rewrites the expected output; a person reads the difference.
//! Each code has a case whose name begins with it, and `docs/codes.md` shows that case's output.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, says what it skips, and works on files"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

#[path = "../src/codes.rs"]
#[allow(unreachable_pub, reason = "the list of the binary, read by its tests")]
mod codes;

/// The content of `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The arguments of `tidegate`.
    arguments: Vec<String>,
    /// Empty folders to make.
    #[serde(default)]
    folders: Vec<String>,
    /// Files by name, their bytes as in a Rust byte string.
    #[serde(default)]
    bytes: BTreeMap<String, String>,
    /// Files of that many zero bytes.
    #[serde(default)]
    zeros: BTreeMap<String, u64>,
    /// Links by name, and where they lead.
    #[serde(default)]
    links: BTreeMap<String, String>,
    /// Files that everybody may write to.
    #[serde(default)]
    shared: Vec<String>,
    /// Packs by name: what was done to each.
    #[serde(default)]
    packs: BTreeMap<String, PackKind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum PackKind {
    Whole,
    Truncated,
    Newer,
    Older,
    Corrupt,
    /// Another condition, and a rule more.
    Changed,
    /// With a policy.
    Policed,
    /// With correlations.
    Correlated,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn case_names() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

#[cfg(unix)]
fn link(target: &str, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}

/// Needs a privilege on Windows.
#[cfg(windows)]
fn link(target: &str, at: &Path) {
    std::os::windows::fs::symlink_file(target, at).unwrap();
}

#[cfg(unix)]
fn share(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
}

/// Nothing is shared in this way on Windows.
#[cfg(windows)]
fn share(_: &Path) {}

/// Runs a case in a fresh folder and gives all that a person would see.
fn run(case_folder: &Path) -> String {
    let case = fs::read_to_string(case_folder.join("case.toml")).unwrap();
    let case: Case = toml::from_str(&case).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    copy(&case_folder.join("input"), scratch.path());
    for name in &case.folders {
        fs::create_dir_all(at(name)).unwrap();
    }
    for (name, bytes) in &case.bytes {
        fs::write(at(name), unescape(bytes)).unwrap();
    }
    for (name, n_bytes) in &case.zeros {
        fs::File::create(at(name)).unwrap().set_len(*n_bytes).unwrap();
    }
    for (name, target) in &case.links {
        link(target, &at(name));
    }
    for name in &case.shared {
        share(&at(name));
    }
    for (name, kind) in &case.packs {
        fs::write(at(name), pack(kind)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(&case.arguments)
        .current_dir(scratch.path())
        .output()
        .unwrap();
    let shown = case.arguments.iter().map(|argument| match argument {
        argument if argument.contains('\'') => format!("\"{argument}\""),
        argument if argument.contains([' ', '"']) => format!("'{argument}'"),
        argument => argument.clone(),
    });
    let mut seen = format!("$ tidegate {}\n", shown.collect::<Vec<_>>().join(" "));
    seen.push_str(str::from_utf8(&output.stdout).unwrap());
    if !output.stderr.is_empty() {
        seen.push_str("--- standard error\n");
        seen.push_str(str::from_utf8(&output.stderr).unwrap());
    }
    seen = without_hashes(&seen);
    writeln!(seen, "--- exit code {}", output.status.code().unwrap()).unwrap();
    seen
}

/// Values that change with the format of packs and do not matter here: their hash and size.
fn without_hashes(seen: &str) -> String {
    let mut out = String::new();
    for line in seen.split_inclusive('\n') {
        let words = line.split_inclusive(' ').collect::<Vec<_>>();
        let before_hash = words.iter().any(|word| word.trim() == "hash");
        for (idx, word) in words.iter().enumerate() {
            let bare = word.trim().trim_matches(['"', ',']);
            let is_hash = bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_size = bare.parse::<u64>().is_ok()
                && (before_hash && words.get(idx + 1).is_some_and(|next| next.starts_with("byte"))
                    || idx > 0 && words[idx - 1].trim() == "\"bytes\":");
            match (is_hash, is_size) {
                (true, _) => out.push_str(&word.replace(bare, "<hash>")),
                (_, true) => out.push_str(&word.replace(bare, "<size>")),
                _ => out.push_str(word),
            }
        }
    }
    out
}

fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries.map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// `\xNN` and `\n` to bytes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some(hex) = rest.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
            rest = &hex[2..];
        } else if let Some(behind) = rest.strip_prefix("\\n") {
            bytes.push(b'\n');
            rest = behind;
        } else {
            bytes.extend(char.to_string().bytes());
            rest = &rest[char.len_utf8()..];
        }
    }
    bytes
}

fn pack(kind: &PackKind) -> Vec<u8> {
    let text = "title: x\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}";
    let parsed = sigma::parse(&sigma::Source::new("x.yml", text));
    let mut compiler = sigma::Compiler::new("example", 3);
    compiler.add(&parsed.rules[0]).unwrap();
    let mut bytes = compiler.finish().encode();
    match kind {
        PackKind::Whole => {}
        PackKind::Policed => bytes = policed(text),
        PackKind::Correlated => bytes = correlated(),
        PackKind::Truncated => bytes.truncate(100),
        PackKind::Newer => bytes[8..12].copy_from_slice(&(u32::MAX).to_le_bytes()),
        PackKind::Older => bytes[8..12].copy_from_slice(&0u32.to_le_bytes()),
        PackKind::Corrupt => bytes[100] ^= 1,
        PackKind::Changed => {
            let second = "title: y\nlogsource: {category: proxy}\ndetection: {s: {cs-host: c.example}, condition: s}";
            let mut compiler = sigma::Compiler::new("example", 4);
            for text in [&text.replace("a.example", "b.example"), second] {
                let parsed = sigma::parse(&sigma::Source::new("x.yml", text));
                compiler.add(&parsed.rules[0]).unwrap();
            }
            bytes = compiler.finish().encode();
        }
    }
    bytes
}

fn correlated() -> Vec<u8> {
    const RULES: &str = "
title: Paste read
id: 2f4f8b0e-6a51-4c5e-9c6b-0d3e1b7f5a01
name: paste
level: low
logsource: {category: proxy}
detection: {s: {cs-host: pastebin.com}, condition: s}
---
title: Many pastes
id: 6f0e2a4c-54a5-4f0b-8f15-0f1f1f6f3b02
name: many
author: somebody
level: medium
status: test
tags: [attack.t1102]
correlation: {type: value_count, rules: [paste], group-by: [src_ip, cs-host], timespan: 90m, condition: {field: c-uri, gte: 10, neq: 12}}
---
title: Many pastes, and then again
level: high
correlation: {type: temporal_ordered, rules: [many, paste], timespan: 2d}
---
title: A paste, and not many
level: low
correlation: {type: temporal, timespan: 1h, condition: paste and not many}
";
    let file = diagnostics::SourceFile { name: "x.yml".into(), bytes: RULES.into() };
    let library = knowledge::Library::read(vec![file]);
    assert!(library.findings.is_empty(), "{:?}", library.findings);
    knowledge::Compilation::new(&library, "example", 3).unwrap().bytes
}

fn policed(rule: &str) -> Vec<u8> {
    const SERVICE: &str = "---\nkind: service\nservice: Example\nhosts: [a.example]\nidentity: ['a.example/{tenant}']\n---\n";
    const POLICY: &str = "
default: monitor
sources: {builders: [10.4.0.0/22, 'spiffe://example.org/ns/build/*', builder]}
statements:
  - {name: sanctioned use, mode: 'off', usage: sanctioned}
  - {name: first quarter, mode: enforce, rules: [x], services: [Example], share: 25%}
exceptions:
  - {id: EX-1, owner: a, ticket: b, reason: c, expires: 2027-01-31, rules: [x], sources: [builders]}
sanctioned:
  - {services: [Example], sources: [builders], identities: [T1]}
";
    let file =
        |name: &str, text: &str| diagnostics::SourceFile { name: name.into(), bytes: text.into() };
    let library = knowledge::Library::read(vec![file("x.yml", rule), file("example.md", SERVICE)]);
    let (policy, findings) = knowledge::Policy::read(&"policy.yml".into(), POLICY);
    assert!(findings.is_empty(), "{findings:?}");
    let key = inspect::IdentityKey::from_hex("000102030405060708090a0b0c0d0e0f");
    knowledge::Compilation::with_policy(&library, "example", 3, policy.as_ref(), key).unwrap().bytes
}

#[test]
fn every_case_shows_what_it_showed() {
    let mut differing = Vec::new();
    for name in case_names() {
        let case_folder = folder().join(&name);
        let seen = run(&case_folder);
        let expected_path = case_folder.join("expected.txt");
        if is_update() {
            fs::write(&expected_path, &seen).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if seen != expected {
            differing.push(format!("{name}: expected\n{expected}\nbut saw\n{seen}"));
        }
        let code = name.split('-').next().unwrap();
        if codes::all().iter().any(|known| known.id == code) {
            assert!(seen.contains(&format!("[{code}]")), "{name} does not show its code:\n{seen}");
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_code_has_one_case() {
    let names = case_names();
    for code in codes::all() {
        let prefix = format!("{}-", code.id);
        let n_cases = names.iter().filter(|name| name.starts_with(&prefix)).count();
        assert_eq!(n_cases, 1, "{} ({})", code.id, code.title);
    }
}

#[test]
fn codes_are_unique() {
    let all = codes::all();
    for pair in all.windows(2) {
        assert_ne!(pair[0].id, pair[1].id);
    }
}

#[test]
fn the_page_of_codes_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/codes.md");
    let page = codes_page();
    if is_update() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/codes.md is stale; run the tests with UPDATE=1");
}

fn codes_page() -> String {
    let names = case_names();
    let mut page = String::from(
        "# Codes of findings\n\n\
         What `tidegate` finds has a code that stays the same: `F` for files and packs, `N` for notes, `R` for requests, \
         `S` for the rule language, `L` for what is legal in a rule and probably not meant.\n\
         An error refuses the input; a warning does not.\n\n\
         <!-- Generated from the codes and their test cases; `UPDATE=1 cargo test -p tidegate --test diagnostics` writes it anew. -->\n",
    );
    for code in codes::all() {
        let prefix = format!("{}-", code.id);
        let name = names.iter().find(|name| name.starts_with(&prefix)).unwrap();
        // Case files are rewritten by the other test at the same time: run the case instead.
        let seen = run(&folder().join(name));
        let mark = format!("[{}]", code.id);
        let example = seen.split("\n\n").find(|part| part.contains(&mark)).unwrap();
        let example =
            example.lines().filter(|line| !line.starts_with("$ ") && !line.starts_with("---"));
        let sentences = code.explanation.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        write!(
            page,
            "\n## {}: {}\n\nSeverity: {}.\n\n{}\n\n```text\n{}\n```\n",
            code.id,
            code.title,
            code.severity.as_str(),
            sentences.trim().replace(". ", ".\n"),
            example.collect::<Vec<_>>().join("\n"),
        )
        .unwrap();
    }
    page
}
