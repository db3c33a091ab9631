//! Notes of every kind are read alike by `check`, `test`, `pack` and `vault build`.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests over files"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const SERVICE: &str = "---\nkind: service\nservice: Drop\ncategory: storage\nhosts: [drop.example]\ntechniques: [T1567]\nidentity:\n  - \"drop.example/{tenant}/{secret}\"\n---\n\n# Drop\n\n## Abuse\n\nWords.\n";
const RUNBOOK: &str = "---\nkind: runbook\nrule: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11\n---\n\n# Runbook: File sent\n\n## Prepare\n\nWords.\n";

/// The complete rule note of docs/notes.md.
fn rule_note() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/notes.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("````markdown").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("````\n").unwrap().0.to_owned()
}

/// A folder with one note of each kind.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::create_dir(folder.0.path().join("notes")).unwrap();
        folder.write("rule.md", rule_note());
        folder.write("service.md", SERVICE);
        folder.write("runbook.md", RUNBOOK);
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join("notes").join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// The exit codes and the places of findings of the four readers of notes.
    fn readers(&self) -> Vec<(&'static str, i32, Vec<String>)> {
        let vault = tempfile::tempdir().unwrap();
        let vault = vault.path().join("vault").to_str().unwrap().to_owned();
        let commands: [(&str, Vec<&str>); 4] = [
            ("check", vec!["check", "notes"]),
            ("test", vec!["test", "notes"]),
            ("pack", vec!["pack", "notes", "--output", "out.pack"]),
            ("vault build", vec!["vault", "build", "--notes", "notes", &vault]),
        ];
        let run = |(name, arguments): (&'static str, Vec<&str>)| {
            let output = self.run(&arguments);
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8(text).unwrap();
            let is_finding = |line: &&str| line.contains(": error[");
            let mut found: Vec<String> =
                text.lines().filter(is_finding).map(|line| line.replace("notes/", "")).collect();
            found.sort();
            (name, output.status.code().unwrap(), found)
        };
        commands.into_iter().map(run).collect()
    }
}

#[test]
fn a_service_note_that_cannot_be_read_is_a_finding_of_every_reader() {
    let folder = Folder::new();
    for (name, code, found) in folder.readers() {
        assert_eq!((code, found), (0, Vec::new()), "{name}");
    }
    for (broken, expect) in [
        (SERVICE.replace("[drop.example]", "[drop.example"), "service.md:6:11: error[N003]"),
        (SERVICE.replace("service: Drop\n", ""), "service.md:1:1: error[N005]"),
        (SERVICE.replace("service: Drop\n", "service:\n"), "service.md:3:1: error[N005]"),
        (SERVICE.replace("[drop.example]", "drop.example"), "service.md:5:1: error[N005]"),
        (SERVICE.replace("T1567", "upload"), "service.md:6:14: error[N005]"),
        (SERVICE.replace("identity:", "identty:"), "service.md:7:1: error[N004]"),
        (SERVICE.replace("/{secret}", "{secret}"), "service.md:8:5: error[N019]"),
        (SERVICE.replace("hosts", "service"), "service.md:5:1: error[N003]"),
    ] {
        folder.write("service.md", &broken);
        for (name, code, found) in folder.readers() {
            assert_eq!((code, found.len()), (1, 1), "{name}: {found:?}\n{broken}");
            assert!(found[0].starts_with(expect), "{name}: {found:?}\n{broken}");
        }
    }
}

#[test]
fn a_runbook_that_cannot_be_read_is_a_finding_of_every_reader() {
    let folder = Folder::new();
    for (broken, expect) in [
        (RUNBOOK.replace("rule: 7c", "rule: [7c"), "runbook.md:4:1: error[N003]"),
        (RUNBOOK.replace("rule: ", "ruel: "), "runbook.md:3:1: error[N004]"),
        (RUNBOOK.replace("rule: ", "owner: "), "runbook.md:1:1: error[N005]"),
        (RUNBOOK.replace("---\n\n", "\n"), "runbook.md:1:1: error[N002]"),
    ] {
        folder.write("runbook.md", &broken);
        for (name, code, found) in folder.readers() {
            assert_eq!(code, 1, "{name}: {found:?}\n{broken}");
            assert!(
                found.iter().any(|line| line.starts_with(expect)),
                "{name}: {found:?}\n{broken}"
            );
        }
    }
    folder.write("runbook.md", RUNBOOK);
    folder.write("second.md", RUNBOOK);
    folder.write("service-2.md", SERVICE);
    for (name, code, found) in folder.readers() {
        assert_eq!((code, found.len()), (1, 2), "{name}: {found:?}");
        assert!(found[0].starts_with("second.md:3:1: error[N020]"), "{name}: {found:?}");
        assert!(found[1].starts_with("service.md:3:1: error[N020]"), "{name}: {found:?}");
    }
}

#[test]
fn services_and_runbooks_that_are_read_are_taken_or_refused() {
    let folder = Folder::new();
    folder.write("more.md", SERVICE.replace("Drop", "Other").replace("drop.", "other."));
    folder.write("broken.md", SERVICE.replace("[drop.example]", "["));
    folder.write("runbook-2.md", RUNBOOK.replace("rule: 7", "rule: [8"));
    for command in [&["check"][..], &["test"], &["pack", "--output", "out.pack"]] {
        let output = folder.run(&[command, &["notes", "--format", "json"]].concat());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let counts = |kind: &str| {
            ["read", "compiled", "refused"].map(|key| json["summary"][kind][key].as_u64().unwrap())
        };
        assert_eq!(counts("services"), [3, 2, 1], "{command:?}");
        assert_eq!(counts("runbooks"), [2, 1, 1], "{command:?}");
        let text = folder.run(&[command, &["notes"]].concat());
        let text = String::from_utf8(text.stdout).unwrap();
        for line in [
            "3 services read = 2 compiled + 1 refused\n",
            "2 runbooks read = 1 compiled + 1 refused\n",
        ] {
            assert!(text.contains(line), "{command:?}\n{text}");
        }
    }
}

/// The names of the pages of a vault of the folder.
fn pages(folder: &Folder) -> Vec<String> {
    let output = folder.run(&["vault", "build", "--notes", "notes", "vault"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let vault = folder.0.path().join("vault");
    let mut names = Vec::new();
    for part in ["Detection Rules", "Services", "Testing Runbooks"] {
        for entry in fs::read_dir(vault.join(part)).unwrap() {
            names.push(format!("{part}/{}", entry.unwrap().file_name().to_string_lossy()));
        }
    }
    names.sort();
    fs::remove_dir_all(vault).unwrap();
    names
}

/// Forms of front matter by what they do to a note that begins with `---`, a line `kind: KIND` and one key.
fn forms(note: &str) -> [Vec<(&'static str, Vec<u8>)>; 2] {
    let kind = note.lines().nth(1).unwrap();
    let word = kind.strip_prefix("kind: ").unwrap();
    let key = note.lines().nth(2).unwrap();
    let with = |new: &str| note.replacen(kind, new, 1).into_bytes();
    let end = |new: &str| note.replacen("\n---\n", new, 1).into_bytes();
    let (name, value) = key.split_once(": ").unwrap();
    let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    let read = vec![
        ("double quotes", with(&format!("kind: \"{word}\""))),
        ("single quotes", with(&format!("kind: '{word}'"))),
        ("a comment", with(&format!("kind: {word} # a note"))),
        ("a quoted key", with(&format!("\"kind\": {word}"))),
        ("more blanks", with(&format!("kind:    {word}   "))),
        ("a block", with(&format!("kind: >-\n  {word}"))),
        ("a tag", with(&format!("kind: !!str {word}"))),
        ("an anchor", with(&format!("kind: &kind {word}"))),
        ("an escape", with(&format!("kind: \"{escaped}\""))),
        ("an explicit key", with(&format!("? kind\n: {word}"))),
        ("comments and empty lines", with(&format!("# one\n\n{kind}\n\n  # two\n"))),
        (
            "another order",
            note.replacen(&format!("{kind}\n{key}"), &format!("{key}\n{kind}"), 1).into(),
        ),
        ("CRLF", note.replace('\n', "\r\n").into()),
        ("blanks behind the first line", note.replacen("---\n", "--- \t\n", 1).into()),
        ("blanks behind the second line", end("\n---  \n")),
    ];
    let refused = vec![
        ("a byte order mark", ["\u{feff}", note].concat().into()),
        ("UTF-16", note.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("dots", end("\n...\n")),
        ("dots, and a rule below", end("\n...\n\n---\n")),
        ("no end", end("\n\n")),
        ("no start", note.replacen("---\n", "", 1).into()),
        ("an empty line in front", ["\n", note].concat().into()),
        ("a key twice", with(&format!("{kind}\n{kind}"))),
        ("a tab", with(&format!("\t{kind}"))),
        ("an unknown kind", with(&format!("kind: {word}s"))),
        ("an unknown kind in quotes", with(&format!("kind: \"{word}s\" # a note"))),
        ("a list", with(&format!("kind: [{word}]"))),
        ("no value", with("kind:")),
        ("no kind", with("# kind")),
        ("a misspelt key", note.replacen(key, &format!("{name}x: {value}"), 1).into()),
    ];
    [read, refused]
}

#[test]
fn all_forms_of_a_note_are_treated_alike_by_every_reader() {
    let folder = Folder::new();
    let expect = pages(&folder);
    assert_eq!(expect.len(), 3, "{expect:?}");
    for (name, note) in
        [("rule.md", rule_note()), ("service.md", SERVICE.into()), ("runbook.md", RUNBOOK.into())]
    {
        let [read, refused] = forms(&note);
        for (form, text) in read {
            folder.write(name, text);
            for (reader, code, found) in folder.readers() {
                assert_eq!((code, found), (0, Vec::new()), "{name}, {form}: {reader}");
            }
            assert_eq!(pages(&folder), expect, "{name}, {form}");
        }
        for (form, text) in refused {
            folder.write(name, text);
            let readers = folder.readers();
            let (_, _, expect) = &readers[0];
            assert!(!expect.is_empty(), "{name}, {form}");
            for (reader, code, found) in &readers {
                assert_eq!((*code, found), (1, expect), "{name}, {form}: {reader}");
            }
        }
        folder.write(name, &note);
    }
    // Front matter may end the file.
    folder.write("runbook.md", RUNBOOK.split_once("---\n\n").unwrap().0.to_owned() + "---");
    assert_eq!(pages(&folder), expect);
    for (reader, code, found) in folder.readers() {
        assert_eq!((code, found), (0, Vec::new()), "{reader}");
    }
}

#[test]
fn a_technique_note_is_a_note_for_every_reader() {
    let folder = Folder::new();
    for (text, is_refused) in [
        ("---\ntags: [T1567_002]\n---\n\n# Exfiltration\n", false),
        ("---\nkind: \"technique\"\ntags:\n  - T1567.002\n---\n\n# Exfiltration\n", false),
        ("---\nkind: technique\n---\n\n# Exfiltration\n", true),
        ("---\ntags: [soc]\n---\n\n# Exfiltration\n", true),
    ] {
        folder.write("technique.md", text);
        for (name, code, found) in folder.readers() {
            // A vault shows any note that does not say a kind; the other commands miss the kind.
            let is_refused = is_refused && (name != "vault build" || text.contains("kind:"));
            let expect = (i32::from(is_refused), usize::from(is_refused));
            assert_eq!((code, found.len()), expect, "{name}: {found:?}\n{text}");
        }
    }
}

/// A property of a page, and the score of a technique in the layer "test passed".
fn state(folder: &Folder) -> (Option<String>, u64) {
    let attack = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../knowledge/attack/enterprise-attack-18.1-web-services.json");
    let attack = attack.to_str().unwrap();
    let output = folder.run(&["vault", "build", "--notes", "notes", "--attack", attack, "vault"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let vault = folder.0.path().join("vault");
    let runbook = vault.join("Testing Runbooks/Runbook - File sent to the drop host.md");
    let page = fs::read_to_string(runbook).unwrap();
    let state = page.lines().find_map(|line| line.strip_prefix("test_state: "));
    let layer = fs::read_to_string(vault.join("Layers/test passed.json")).unwrap();
    let layer: Value = serde_json::from_str(&layer).unwrap();
    let techniques = layer["techniques"].as_array().unwrap();
    let score = techniques.iter().map(|technique| technique["score"].as_u64().unwrap()).sum();
    (state.map(|state| state.trim_matches('"').to_owned()), score)
}

#[test]
fn a_result_is_fresh_while_its_rule_stays_whatever_pack_it_is_in() {
    let folder = Folder::new();
    let rule = rule_note();
    assert_eq!(state(&folder), (Some("never run".into()), 0));
    let reading = knowledge::Note::read(&"rule.md".into(), &rule);
    let Some(knowledge::Note::Rule(note)) = reading.note else { panic!("a rule note") };
    let record = obsidian::record::Record {
        date: "2026-11-21".into(),
        result: "passed, 2 of 2 steps".into(),
        pack: "0123456789abcdef".into(),
        rule: obsidian::record::content(&note),
    };
    folder.write("runbook.md", record.write_into(RUNBOOK).unwrap());
    assert_eq!(state(&folder), (Some("passed".into()), 1));
    // Another rule of the pack, and prose, do not matter.
    folder.write("other.md", SERVICE.replace("Drop", "Other").replace("drop.", "other."));
    folder.write("rule.md", rule.replace("## Goal\n", "## Goal\n\nMore words.\n"));
    assert_eq!(state(&folder), (Some("passed".into()), 1));
    folder.write("rule.md", rule.replace("            - PUT\n", ""));
    assert_eq!(state(&folder), (Some("stale".into()), 0));
}

#[test]
fn pages_show_the_hash_of_the_pack_that_tidegate_pack_writes() {
    let folder = Folder::new();
    let output = folder.run(&["pack", "notes", "--output", "out.pack", "--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hash = json["summary"]["hash"].as_str().unwrap().to_owned();
    state(&folder);
    let page = folder.0.path().join("vault/Detection Rules/File sent to the drop host.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("\npack: \"{hash}\"\n")), "{hash}\n{page}");
}
