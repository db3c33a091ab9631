//! `tidegate vault` with sources as people have them: every form of note is read, no word of one is lost,
//! several domains of ATT&CK are in one vault, and vaults of others are checked as Obsidian reads them.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests over files, with helpers beside the test functions"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with sources, and a vault beside it.
struct Scene {
    scratch: tempfile::TempDir,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Scene {
        let scene = Scene { scratch: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            let path = scene.scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        scene
    }

    fn tidegate(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.scratch.path()).output().unwrap()
    }

    /// Builds `vault`, and returns what was printed.
    fn build(&self, options: &[&str]) -> String {
        let arguments = [&["vault", "build"], options, &["vault"]].concat();
        let Output { status, stdout, stderr } = self.tidegate(&arguments);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(stdout).unwrap()
    }

    fn checks_clean(&self) {
        let output = self.tidegate(&["vault", "check", "vault"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Paths of the pages that are not dashboards.
    fn pages(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let vault = self.scratch.path().join("vault");
        for folder in fs::read_dir(&vault).unwrap().map(|entry| entry.unwrap().path()) {
            let name = folder.file_name().unwrap().to_str().unwrap();
            if folder.is_dir() && !name.starts_with('.') {
                let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
                found.extend(files.filter(|path| path.extension().is_some_and(|it| it == "md")));
            }
        }
        found.sort();
        found
    }

    fn names(&self) -> Vec<String> {
        let vault = self.scratch.path().join("vault");
        let name = |path: &PathBuf| path.strip_prefix(&vault).unwrap().to_str().unwrap().to_owned();
        self.pages().iter().map(name).collect()
    }

    fn page(&self, path: &str) -> String {
        fs::read_to_string(self.scratch.path().join("vault").join(path)).unwrap()
    }
}

/// The words of a text: letters and digits.
fn words(text: &str) -> BTreeSet<String> {
    let text = text.replace("\\u003c", " ").replace("&#58;", ":");
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect()
}

/// Words of a source that are on no page.
fn lost(scene: &Scene, source: &str) -> Vec<String> {
    let all: String = scene.pages().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let kept = words(&all);
    // The language of a rule is YAML by another name, the verdict beside an example says what it expects, and a
    // link to a page needs no extension.
    let is_left_out = |word: &str| matches!(word, "match" | "md" | "yml");
    words(source).into_iter().filter(|word| !kept.contains(word) && !is_left_out(word)).collect()
}

const FIRST: &str = r#"---
tags: [T1102, techniques]
permissions required: User
primary categories:
  - "[[Red Team]]"
related: ["[[APT29]]", "[[T1567]]"]
owner: "[[Jane Doe]]"
severity: 3
reviewed: true
last-reviewed: 2026-01-15
contacts: {soc: "x@example.org", nested: {deeply: [one, two]}}
status: draft
rules: 7
commit: 076d35d
trigger: "<% tp.file.title %>"
---

## Web Service

Words between the title and the first section.

### Description

See [[T1567|exfiltration]], [[T1567#Part]] and **bold** text.[^1] A [link](https://a.example/x) and [mine](second.md).

| Tool | Use |
| --- | --- |
| [[Empire\|S0363]] | C2 |

> [!warning] Ours
> Only at night.

### Hunting

1. Look at the proxy.
   - by host
2. Then at DNS.

- [ ] open task
- [x] done task

```splunk
index=proxy dest="drop.example"
```

![[diagram.png]]

key:: value `= this.file.name` <script>alert(1)</script> %%hidden%% [x](javascript:alert)

```dataviewjs
dv.pages()
```

#### Deeper

Deep text.

### Detection Rule

Our own words about rules, and [[My rule]].

```dataview
table without id
file.link AS "Name",
status AS "Status",
level AS "Level",
logsrc_product AS "Log Source Product"
FROM "Detection Rules" AND #T1102
```

### Data Sources

* Proxy logs

Free text about logs.

[^1]: a footnote
"#;

#[test]
fn a_technique_note_keeps_everything() {
    let second = "---\ntags: [T1102]\nstatus: final\nowner: [a, b]\n---\n\n## Web Service (second)\n\n### Description\n\nSecond description.\n";
    let other = "---\ntags: [T1567]\n---\n\n## Exfiltration\n\nText.\n";
    let files = [("notes/T1102.md", FIRST), ("notes/second.md", second), ("notes/o.md", other)];
    let scene = Scene::new(&files);
    scene.build(&["--notes", "notes"]);
    for (name, text) in files {
        assert_eq!(lost(&scene, text), Vec::<String>::new(), "{name}");
    }
    let page = scene.page("Techniques/T1102 - Web Service.md");
    for part in [
        "permissions required: \"User\"\n",
        "primary categories:\n  - \"Red Team\"\n",
        "  - \"[[Techniques/T1567 - Exfiltration Over Web Service|T1567]]\"\n",
        "owner:\n  - \"Jane Doe\"\n",
        "severity: 3\n",
        "reviewed: true\n",
        "last-reviewed: 2026-01-15\n",
        "status: \"draft\"\n",
        "rules: 0\n",
        "- rules: 7\n",
        "- status: final\n",
        "- contacts:\n    - soc: x@example.org\n    - nested:\n        - deeply: one, two\n",
        "[[Techniques/T1567 - Exfiltration Over Web Service|exfiltration]]",
        "**bold** text.[^1] A [link](https://a.example/x) and [[Techniques/T1102 - Web Service|mine]]",
        "| S0363 (Empire) | C2 |",
        "> [!warning] Ours\n> Only at night.",
        "1. Look at the proxy.\n    - by host\n2. Then at DNS.",
        "- [ ] open task\n- [x] done task",
        "```splunk\nindex=proxy",
        "```text\ndv.pages()",
        "Our own words about rules, and My rule.",
        "Free text about logs.",
        "[^1]: a footnote",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(page.matches("```dataview\ntable").count(), 1);
    for bad in ["<script", "<%", "```dataviewjs", "](javascript", "key::", "`= "] {
        assert!(!page.contains(bad), "{bad} in {page}");
    }
    scene.checks_clean();
}

#[test]
fn notes_in_every_form_have_a_page_and_what_is_passed_over_is_listed() {
    let rule = "title: Upload to the drop host\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b30\nstatus: test\nauthor: analyst\ntags: [attack.t1567]\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        cs-host: drop.example\n    condition: selection\n";
    let detection = format!(
        "---\ntitle: \"Upload to the drop host\"\nstatus: \"stable\"\ncreated: \"2022/02/15\"\ntags: [exfiltration, t1567, detection_rule]\nlogsrc_product: \"windows\"\nlogsrc_service: \"\"\nlevel: \"high\"\nteam: blue\n---\n\n## Upload to the drop host\n\n### Description\n\nFinds uploads, see [[T1071]].\n\n```yml\n{rule}```\n\nAfterwards.\n"
    );
    let files = [
        ("notes/T1071/T1071.MD", "---\ntags: [T1071]\n---\n\n## App layer\n\nOne.\n"),
        ("notes/T1102/README.md", "---\ntags: [T1102]\n---\n\n## Web Service\n\nTwo.\n"),
        ("notes/T1105/T1105.markdown", "# Ingress\n\nThree.\n"),
        ("notes/rules/Drop upload.md", detection.as_str()),
        (
            "notes/lolbas/Certutil",
            "---\nName: Certutil.exe\nCommands:\n  - Command: certutil.exe -urlcache {REMOTEURL}\n    Usecase: Download\n    MitreID: T1105\nResources:\n  - Link: https://a.example/x\nCode: |\n  two\n  lines\n---\n",
        ),
        (
            "notes/ads/drop.md",
            "# Drop\n\n## Goal\n\nFind.\n\n## Categorization\n\n[Exfiltration](https://attack.mitre.org/techniques/T1567) / T1567\n\n## Strategy Abstract\n\n- a\n\n## Technical Context\n\nContext.\n\n## Blind Spots and Assumptions\n\nBlind.\n",
        ),
        (
            "notes/react/RA_1001.md",
            "| Title | Practice |\n|:---|:---|\n| **ID** | RA1001 |\n\n### Workflow\n\nPractise, see [other](RA_1002.md).\n",
        ),
        ("notes/README.md", "# About\n\nThis folder is about T1102.\n"),
        ("notes/LICENSE", "Words.\n"),
    ];
    let scene = Scene::new(&files);
    let printed = scene.build(&["--notes", "notes"]);
    assert!(printed.contains("not read: README.md: it has no `kind`"), "{printed}");
    assert_eq!(printed.matches("not read").count(), 1, "{printed}");
    assert_eq!(
        scene.names(),
        [
            "Detection Rules/Upload to the drop host.md",
            "Notes/Certutil.exe.md",
            "Notes/Drop.md",
            "Notes/RA_1001.md",
            "Techniques/T1071 - Application Layer Protocol.md",
            "Techniques/T1102 - Web Service.md",
            "Techniques/T1105 - Ingress Tool Transfer.md",
            "Techniques/T1567 - Exfiltration Over Web Service.md",
        ]
    );
    for (name, text) in &files[..7] {
        assert_eq!(lost(&scene, text), Vec::<String>::new(), "{name}");
    }
    let page = scene.page("Detection Rules/Upload to the drop host.md");
    for part in [
        "status: \"stable\"",
        "level: \"high\"",
        "logsrc_product: \"windows\"",
        "logsrc_category: \"proxy\"",
        "created: 2022-02-15",
        "vendor: \"Notes\"",
        "team: \"blue\"",
        "Finds uploads, see [[Techniques/T1071 - Application Layer Protocol|T1071]].",
        "Afterwards.",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let technique = scene.page("Techniques/T1567 - Exfiltration Over Web Service.md");
    assert!(
        technique.contains("[[Notes/Drop|Drop]] (alerting and detection strategy)"),
        "{technique}"
    );
    let certutil = scene.page("Notes/Certutil.exe.md");
    assert!(certutil.contains("[[Techniques/T1105 - Ingress Tool Transfer|T1105]]"), "{certutil}");
    scene.checks_clean();
    assert!(scene.build(&["--notes", "notes"]).contains(" 0 files written"));
}

#[test]
fn notes_of_which_nothing_is_understood_are_an_error() {
    let files = [
        ("good/T1102.md", "# T1102 Web Service\n\nText.\n"),
        ("bad/Meeting.md", "# Meeting\n\nLunch.\n"),
        ("empty/x.txt", "x"),
    ];
    let scene = Scene::new(&files);
    scene.build(&["--notes", "good"]);
    let before = scene.page("Techniques/T1102 - Web Service.md");
    for folder in ["bad", "empty"] {
        for options in [&["--notes", folder][..], &["--notes", "good", "--notes", folder]] {
            let arguments = [&["vault", "build"], options, &["vault"]].concat();
            let output = scene.tidegate(&arguments);
            assert_eq!(output.status.code(), Some(1), "{options:?}");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains("there is no note"), "{stderr}");
            assert!(stderr.contains(folder), "{stderr}");
        }
    }
    assert_eq!(scene.page("Techniques/T1102 - Web Service.md"), before);
}

#[test]
fn a_readme_with_a_kind_is_a_note_for_every_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let service = root.join("knowledge/notes/services");
    let note = fs::read_dir(service).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(note).unwrap();
    let files =
        [("a/README.md", text.as_str()), ("b/x.markdown", &text), ("c/README.md", "# About\n")];
    let scene = Scene::new(&files);
    for (folder, code) in [("a", 0), ("b", 0), ("c", 1)] {
        let output = scene.tidegate(&["check", folder]);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_rule_note_may_have_keys_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let note = root.join("knowledge/notes/rules/telegram-bot-api.md");
    let text = fs::read_to_string(note).unwrap();
    let mine = "---\nowner: me\ntags: [soc, \"#T1102_002\"]\naliases: [bots]\nseverity: 3\n";
    let text = text.replacen("---\n", mine, 1);
    let services = root.join("knowledge/notes/services");
    let scene = Scene::new(&[("notes/rule.md", text.as_str())]);
    for service in fs::read_dir(services).unwrap().map(|entry| entry.unwrap().path()) {
        let to = scene.scratch.path().join("notes").join(service.file_name().unwrap());
        fs::copy(service, to).unwrap();
    }
    let output = scene.tidegate(&["check", "notes"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    scene.build(&["--notes", "notes"]);
    let names = scene.names();
    let rule = names.iter().find(|name| name.starts_with("Detection Rules/")).unwrap();
    let page = scene.page(rule);
    for part in ["owner: \"me\"\n", "  - soc\n", "  - \"bots\"\n", "severity: 3\n"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(page.matches("  - T1102_002\n").count(), 1, "{page}");
}

/// A bundle of one domain: a technique with a strategy, one that it replaced, and their tactic.
fn bundle(chain: &str, domain: &str, id: &str, old: &str) -> String {
    let external = |id: &str| {
        format!(
            "\"external_references\":[{{\"source_name\":\"mitre-attack\",\"external_id\":\"{id}\",\"url\":\"https://attack.mitre.org/x/{id}\"}}]"
        )
    };
    let phase = format!(
        "\"kill_chain_phases\":[{{\"kill_chain_name\":\"{chain}\",\"phase_name\":\"command-and-control\"}}]"
    );
    format!(
        "{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"spec_version\":\"2.0\",\"objects\":[\
         {{\"type\":\"x-mitre-collection\",\"id\":\"c--1\",\"x_mitre_version\":\"18.1\"}},\
         {{\"type\":\"attack-pattern\",\"id\":\"a--1\",\"name\":\"{domain} one\",\"description\":\"About {domain}.\",{},{phase}}},\
         {{\"type\":\"attack-pattern\",\"id\":\"a--2\",\"name\":\"Old\",\"revoked\":true,{},{phase}}},\
         {{\"type\":\"relationship\",\"id\":\"r--1\",\"relationship_type\":\"revoked-by\",\"source_ref\":\"a--2\",\"target_ref\":\"a--1\"}},\
         {{\"type\":\"x-mitre-tactic\",\"id\":\"t--1\",\"name\":\"Command and Control\",\"x_mitre_shortname\":\"command-and-control\",{}}},\
         {{\"type\":\"x-mitre-data-component\",\"id\":\"d--1\",\"name\":\"Network Traffic\"}},\
         {{\"type\":\"x-mitre-analytic\",\"id\":\"n--1\",\"name\":\"Analytic\",\"description\":\"Looks at {domain}.\",\"x_mitre_platforms\":[\"Linux\"],{},\"x_mitre_log_source_references\":[{{\"x_mitre_data_component_ref\":\"d--1\",\"name\":\"zeek\",\"channel\":\"conn.log\"}}],\"x_mitre_mutable_elements\":[{{\"field\":\"Window\",\"description\":\"How long.\"}}]}},\
         {{\"type\":\"x-mitre-detection-strategy\",\"id\":\"s--1\",\"name\":\"Strategy of {domain}\",{},\"x_mitre_analytic_refs\":[\"n--1\"]}},\
         {{\"type\":\"relationship\",\"id\":\"r--2\",\"relationship_type\":\"detects\",\"source_ref\":\"s--1\",\"target_ref\":\"a--1\"}}]}}",
        external(id),
        external(old),
        external(&format!("TA-{domain}")),
        external(&format!("AN-{domain}")),
        external(&format!("DET-{domain}")),
    )
}

#[test]
fn several_domains_are_in_one_vault_and_revoked_ids_are_followed() {
    let enterprise = bundle("mitre-attack", "Enterprise", "T1102", "T1043");
    let ics = bundle("mitre-ics-attack", "ICS", "T0885", "T0899");
    let rule = "title: Old id\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b31\ntags: [attack.t1043, attack.t0899]\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        cs-host: a.example\n    condition: selection\n";
    let files = [
        ("enterprise.json", enterprise.as_str()),
        ("ics.json", &ics),
        ("sigma/rules/proxy/old.yml", rule),
    ];
    let scene = Scene::new(&files);
    scene.build(&["--attack", "enterprise.json", "--attack", "ics.json", "--sigma", "sigma"]);
    let page = scene.page("Techniques/T0885 - ICS one.md");
    for part in [
        "rules_sigma: 1\n",
        "attack_version: \"v18.1\"",
        "Detection Strategies/DET-ICS - Strategy of ICS|",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(scene.page("Techniques/T1102 - Enterprise one.md").contains("rules_sigma: 1\n"));
    let rule = scene.page("Detection Rules/Old id.md");
    for part in
        ["  - T1102\n", "  - T0885\n", "  - T1043\n", "T1043 Old (revoked, replaced by T1102)"]
    {
        assert!(rule.contains(part), "{part} in {rule}");
    }
    let strategy = scene.page("Detection Strategies/DET-ICS - Strategy of ICS.md");
    for part in [
        "### AN-ICS (Linux)\n\nLooks at ICS.",
        "- Network Traffic, zeek, conn.log",
        "- Window: How long.",
        "[[Techniques/T0885 - ICS one|T0885 ICS one]]",
    ] {
        assert!(strategy.contains(part), "{part} in {strategy}");
    }
    for (layer, domain, id, other) in [
        ("rule exists", "enterprise-attack", "T1102", "T0885"),
        ("rule exists (ICS)", "ics-attack", "T0885", "T1102"),
    ] {
        let layer = scene.page(&format!("Layers/{layer}.json"));
        assert!(layer.contains(&format!("\"domain\": \"{domain}\"")), "{layer}");
        assert!(layer.contains(id) && !layer.contains(other), "{layer}");
    }
    for tactic in ["TA-Enterprise", "TA-ICS"] {
        scene.page(&format!("Tactics/{tactic} - Command and Control.md"));
    }
    scene.checks_clean();
    let twice = scene
        .tidegate(&["vault", "build", "--attack", "ics.json", "--attack", "ics.json", "vault"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("ICS of ATT&CK was given before"));
}

#[test]
fn vaults_of_others_are_checked_as_obsidian_reads_them() {
    let files = [
        ("vault/Projects/release v2.4 notes.md", "# release\n"),
        ("vault/Team/Runbooks/isolate.md", "# isolate\n"),
        ("vault/Team/other.md", "# other\n"),
        ("vault/Team/diagram.png", "x"),
        (
            "vault/Team/code.md",
            "`[[Page Name]]` [[other]]\n\n~~~bash\n[[ -z x ]]\n~~~\n\n%% [[no]] %%\n\n$[[1,2],[3,4]]$\n",
        ),
        (
            "vault/Team/context.md",
            "[[Runbooks/isolate]] [[isolate.md]] [[../Projects/release v2.4 notes]] ![[diagram.png]] [[isolate |x]]\n\n[there](isolate.md), [broken](gone.md), [x](../Projects/release%20v2.4%20notes.md)\n",
        ),
        ("vault/Cafe\u{301}.md", "x\n"),
        ("vault/a.md", "[[Caf\u{e9}]]\n"),
        ("vault/Templates/t.md", "---\ncreated: {{date}}\n---\n[[nowhere]]\n"),
        ("vault/empty.md", "---\n---\nx\n"),
        ("vault/end.md", "---\nb: 2\n---"),
        ("vault/dup.md", "---\na: 1\na: 2\n---\n"),
    ];
    let scene = Scene::new(&files);
    let output = scene.tidegate(&["vault", "check", "--exclude", "Templates", "vault"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let found: Vec<&str> = printed.lines().filter(|line| line.contains(".md:")).collect();
    assert_eq!(
        found,
        [
            "Cafe\u{301}.md:1: illegal name: `Cafe\u{301}.md` is not legal everywhere",
            "dup.md:3: invalid YAML: the key `a` is repeated",
            "Team/context.md:3: unresolved link: `gone.md`",
        ],
        "{printed}"
    );
    let output = scene.tidegate(&["vault", "check", "--exclude", "Template", "vault"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("names nothing in the vault"));
}

#[test]
fn links_of_a_vault_can_be_markdown_and_stay_so() {
    let files = [
        ("notes/T1102.md", "# T1102 Web Service\n\nSee [[T1567]].\n"),
        ("notes/T1567.md", "# T1567 Exfiltration\n\nText.\n"),
        ("notes/other (1).md", "Names T1567, see [[T1102]].\n"),
    ];
    let scene = Scene::new(&files);
    scene.build(&["--notes", "notes", "--links", "markdown"]);
    let page = scene.page("Techniques/T1102 - Web Service.md");
    assert!(
        page.contains("See [T1567](T1567%20-%20Exfiltration%20Over%20Web%20Service.md)."),
        "{page}"
    );
    let page = scene.page("Techniques/T1567 - Exfiltration Over Web Service.md");
    assert!(page.contains("- [other (1)](../Notes/other%20%281%29.md) (note)"), "{page}");
    // Properties of Obsidian take its own links alone.
    let page = scene.page("Notes/other (1).md");
    assert!(
        page.contains("\"[[Techniques/T1567 - Exfiltration Over Web Service|T1567]]\""),
        "{page}"
    );
    let body = page.split("\n---\n").nth(1).unwrap();
    assert!(!body.contains("[["), "{body}");
    assert!(scene.page(".obsidian/app.json").contains("\"useMarkdownLinks\": true"));
    scene.checks_clean();
    assert!(scene.build(&["--notes", "notes"]).contains(" 0 files written"));
    assert!(!scene.build(&["--notes", "notes", "--links", "wiki"]).contains(" 0 files written"));
}

/// The complete rule note of docs/notes.md.
fn rule_note() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/notes.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("````markdown").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("````\n").unwrap().0.to_owned()
}

#[test]
fn what_dataview_or_templater_would_see_in_our_own_notes_has_no_effect() {
    let own = "See [[Playbook|the book]], [there](../x.md), [[T1567]] and ![[a.png]].\n\nOwner:: Jane Doe\n\nSeen at (fe80::1), [2001:db8::1] and `fc00::1`; today `= this.file.name`, <% tp.x %>.\n\n- std::env\n\n| a | b |\n| --- | --- |\n| x:: y | `k:: v` |\n\n> [!note]\n> key:: value\n\n```text\nserver = 2001:db8::2\n```\n";
    let mut note = rule_note();
    for section in ["Goal", "Strategy", "Technical context", "Response", "False positives"] {
        note = note.replacen(&format!("## {section}\n"), &format!("## {section}\n\n{own}\n"), 1);
    }
    let note = format!("{note}\n## Tuning log\n\n{own}");
    let service = format!(
        "---\nkind: service\nservice: Drop\ncategory: storage\nhosts: [drop.example]\nmine: \"k:: v\"\n---\n\n# Drop\n\n## Abuse\n\n{own}"
    );
    let runbook = format!(
        "---\nkind: runbook\nrule: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11\n---\n\n# Runbook\n\n## Prepare\n\n{own}"
    );
    let files = [
        ("notes/rule.md", note.as_str()),
        ("notes/service.md", service.as_str()),
        ("notes/runbook.md", runbook.as_str()),
    ];
    let scene = Scene::new(&files);
    scene.build(&["--notes", "notes"]);
    scene.checks_clean();
    for (name, text) in files {
        assert_eq!(lost(&scene, text), Vec::<String>::new(), "{name}");
    }
    let all: String = scene.pages().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for bad in ["Owner::", "fe80::", "`= ", "<%", "key::"] {
        assert!(!all.contains(bad), "{bad}");
    }
}

#[test]
fn a_note_with_a_secret_key_is_left_out_by_itself() {
    let body = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    let key = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let bad = format!("---\ntags: [T1567]\n---\n\n# Exfiltration\n\n{key}");
    let rule = format!(
        "title: x\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b31\nlogsource: {{category: proxy}}\ndetection:\n    s: {{cs-host: a.example}}\n    condition: s\n# {key}"
    );
    let other = rule.replace(&key, "").replace("2b31", "2b32").replace("title: x", "title: Kept");
    let files = [
        ("notes/T1102.md", "# T1102 Web Service\n\nText.\n"),
        ("notes/T1567.md", "# T1567 Exfiltration\n\nText.\n"),
        ("sigma/key.yml", rule.as_str()),
        ("sigma/kept.yml", other.as_str()),
    ];
    let scene = Scene::new(&files);
    let printed = scene.build(&["--notes", "notes", "--sigma", "sigma"]);
    assert!(printed.contains("not read: key.yml: it is or contains a secret key"), "{printed}");
    assert!(scene.names().contains(&"Detection Rules/Kept.md".to_owned()));
    let before = scene.page("Techniques/T1567 - Exfiltration Over Web Service.md");
    fs::write(scene.scratch.path().join("notes/T1567.md"), bad).unwrap();
    fs::write(scene.scratch.path().join("notes/T1102.md"), "# T1102 Web Service\n\nNewer.\n")
        .unwrap();
    let arguments = ["vault", "build", "--notes", "notes", "--sigma", "sigma", "vault"];
    let output = scene.tidegate(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("notes/T1567.md:1:1: error[F018]"), "{said}");
    assert!(said.contains(" 0 tombstones") && !said.contains(body), "{said}");
    // The others are read, and the page of the note that is left out stays as it was.
    assert!(scene.page("Techniques/T1102 - Web Service.md").contains("Newer."));
    assert_eq!(scene.page("Techniques/T1567 - Exfiltration Over Web Service.md"), before);
    assert!(scene.pages().iter().all(|path| !fs::read_to_string(path).unwrap().contains(body)));
    // A folder with nothing else is refused.
    fs::create_dir(scene.scratch.path().join("keys")).unwrap();
    fs::write(scene.scratch.path().join("keys/key.md"), key).unwrap();
    let output = scene.tidegate(&["vault", "build", "--notes", "keys", "vault"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keys/key.md:1:1: error[F018]"));
}

#[test]
fn a_rule_of_ones_own_has_the_licence_that_it_names() {
    let note = rule_note();
    let scene = Scene::new(&[("notes/rule.md", note.as_str())]);
    scene.build(&["--notes", "notes"]);
    let name = scene.names().into_iter().find(|name| name.starts_with("Detection Rules/")).unwrap();
    let page = scene.page(&name);
    assert!(page.contains("license: \"not stated\"\n") && !page.contains("Apache"), "{page}");
    let note = note.replacen("\nauthor:", "\nlicense: MIT\nauthor:", 1);
    fs::write(scene.scratch.path().join("notes/rule.md"), note).unwrap();
    scene.build(&["--notes", "notes"]);
    assert!(scene.page(&name).contains("license: \"MIT\"\n"));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/notes/rules");
    for entry in fs::read_dir(shipped).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.contains("\nlicense: Apache-2.0\n"), "{text}");
    }
}

#[test]
fn messages_about_toml_are_words_for_people() {
    let good = "[metadata]\nmaturity = \"production\"\n[rule]\nname = \"Kept\"\nrule_id = \"1\"\ntype = \"query\"\nlanguage = \"kuery\"\nquery = 'a : \"b\"'\n";
    let files = [
        ("elastic/good.toml", good.to_owned()),
        ("elastic/twice.toml", format!("{good}name = \"x\"\n")),
        ("elastic/open.toml", good.replace("name = \"Kept\"", "name = \"Kept")),
        ("elastic/value.toml", good.replace("name = \"Kept\"", "name = Kept")),
        ("elastic/table.toml", good.replace("[rule]", "[rule")),
        ("elastic/again.toml", format!("{good}[metadata]\n")),
    ];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let scene = Scene::new(&files);
    let printed = scene.build(&["--elastic", "elastic"]);
    let told: Vec<&str> = printed.lines().filter(|line| line.starts_with("not read: ")).collect();
    assert_eq!(
        told,
        [
            "not read: again.toml: line 9: a table or key is there twice",
            "not read: open.toml: line 4: a text is not closed, or has a character that TOML does not allow in it",
            "not read: table.toml: line 3: a table or list is not closed",
            "not read: twice.toml: line 9: a table or key is there twice",
            "not read: value.toml: line 4: this is not TOML; a text needs quotes",
        ]
    );
}

#[test]
fn every_word_of_facts_is_shown_and_a_copy_of_the_collection_goes_before_them() {
    let facts = r#"{"source": {"collection": "Sigma", "url": "https://a.example/sigma", "version": "abc", "date": "2026-08-05", "licence": "DRL 1.1", "licence_url": "https://a.example/licence", "total": 7},
        "rules": [{"title": "Upload | to <drop>", "id": "1", "author": "Jane [[Doe]]", "path": "rules/a b.yml", "level": "high", "status": "test", "techniques": ["T1567.002"]}]}"#;
    let rule = "title: Of the copy\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b31\ntags: [attack.t1567]\nlogsource: {category: proxy}\ndetection:\n    s: {cs-host: a.example}\n    condition: s\n";
    let note = "# T1567 Exfiltration\n\nText.\n";
    let files = [
        ("facts/sigma.json", facts),
        ("notes/T1567.md", note),
        ("sigma/a.yml", rule),
        ("empty/a.json", "{}"),
    ];
    let scene = Scene::new(&files);
    scene.build(&["--notes", "notes", "--facts", "facts"]);
    let page = scene.page("Techniques/T1567 - Exfiltration Over Web Service.md");
    for part in [
        "rules: 1\n",
        "rules_sigma: 1\n",
        "#### Sigma 1 rule\n",
        "(high, test) by Jane",
        ", DRL 1.1",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("| 2026-08-05 | `abc` | 7 | 1 |"), "{page}");
    scene.checks_clean();
    scene.build(&["--notes", "notes", "--facts", "facts", "--sigma", "sigma"]);
    let page = scene.page("Techniques/T1567 - Exfiltration Over Web Service.md");
    assert!(page.contains("rules_sigma: 1\n") && page.contains("|Of the copy]]"), "{page}");
    assert!(!page.contains("Upload"), "{page}");
    let output =
        scene.tidegate(&["vault", "build", "--notes", "notes", "--facts", "empty", "vault"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no fact in it"));
}

#[test]
fn a_folder_of_notes_that_is_left_out_or_renamed_buries_nothing() {
    let hunt = "# Hunt\n\n## Hypothesis\n\nWords about T1102.\n";
    let files = [
        ("one/T1102.md", "# T1102 Web Service\n\nText.\n"),
        ("one/same.md", "# Of one\n\nT1102.\n"),
        ("two/hunts/hunt.md", hunt),
        ("two/same.md", "# Of two\n\nT1102.\n"),
        (
            "sigma/a.yml",
            "title: A\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b31\ntags: [attack.t1102]\nlogsource: {category: proxy}\ndetection:\n    s: {cs-host: a.example}\n    condition: s\n",
        ),
    ];
    let scene = Scene::new(&files);
    let at = |path: &str| scene.scratch.path().join(path);
    scene.build(&["--notes", "one", "--notes", "two", "--sigma", "sigma"]);
    let names = scene.names();
    assert_eq!(names.len(), 5, "{names:?}");
    // One of two options less, and all but one.
    for options in [&["--notes", "one", "--sigma", "sigma"][..], &["--sigma", "sigma"]] {
        let printed = scene.build(options);
        assert!(printed.contains(" 0 tombstones"), "{options:?}: {printed}");
        assert!(printed.contains("stay as they are"), "{options:?}: {printed}");
        assert_eq!(scene.names(), names, "{options:?}");
    }
    // A wrong path, and a path that was renamed.
    fs::rename(at("two"), at("three")).unwrap();
    for folder in ["two", "nowhere"] {
        let arguments = ["vault", "build", "--notes", "one", "--notes", folder, "vault"];
        let output = scene.tidegate(&arguments);
        assert_eq!(output.status.code(), Some(1), "{folder}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("error[F001]") && stderr.contains(folder), "{stderr}");
        assert_eq!(scene.names(), names, "{folder}");
    }
    // By its new name: the same notes have the same pages.
    let printed = scene.build(&["--notes", "one", "--notes", "three", "--sigma", "sigma"]);
    assert!(printed.contains(" 0 tombstones"), "{printed}");
    assert_eq!(scene.names(), names);
    // A folder within it that was renamed: a page for each note, and the old ones stay.
    fs::rename(at("three/hunts"), at("three/playbooks")).unwrap();
    let arguments = ["vault", "build", "--notes", "three", "--sigma", "sigma", "vault"];
    let output = scene.tidegate(&arguments);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains(" 0 tombstones"), "{printed}");
}

#[test]
fn every_note_of_a_vault_has_a_page_beside_those_that_name_a_technique() {
    let files = [
        ("notes/T1102.md", "# T1102 Web Service\n\nSee [[Empire]].\n"),
        ("notes/tools/Empire.md", "---\nlicense: BSD\n---\n\n# Empire\n\nA framework.\n"),
        ("notes/Dotted.md", "---\nowner: me\n...\n\nDotted words.\n"),
        ("notes/templates/t.md", "---\ncreated: {% now %}\n---\n\nA template.\n"),
        (
            "notes/hunts/pcr.md",
            "#Producer-Consumer Ratio\n\n**Purpose**: Find exfil\n\n**Data Required**: sessions\n\n**Analysis Techniques**: PCR\n",
        ),
        ("notes/kql.md", "# Query\n\n```KQL\nDeviceEvents | where x\n```\n"),
        ("notes/CONTRIBUTING.md", "# How to\n\nWrite.\n"),
        ("notes/empty.md", ""),
    ];
    let scene = Scene::new(&files);
    let arguments = ["vault", "build", "--notes", "notes", "vault"];
    let output = scene.tidegate(&arguments);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("not read: CONTRIBUTING.md: "), "{said}");
    assert!(said.contains("empty.md"), "{said}");
    for (name, text) in &files[..6] {
        assert_eq!(lost(&scene, text), Vec::<String>::new(), "{name}");
    }
    let page = scene.page("Techniques/T1102 - Web Service.md");
    assert!(page.contains("See [[Notes/Empire|Empire]]."), "{page}");
    assert!(scene.page("Notes/pcr.md").contains("kind: \"hunting playbook\"\n"));
    assert!(scene.page("Notes/Query.md").contains("kind: \"query\"\n"));
    scene.checks_clean();
}

#[test]
fn files_of_a_catalogue_are_known_by_what_is_in_them() {
    let test = "attack_technique: T1071.001\ndisplay_name: Web\natomic_tests:\n- name: Own test\n  description: d\n  supported_platforms: [linux]\n  executor: {name: sh, command: \"id\"}\n";
    let rule = |title: &str| {
        format!(
            "title: {title}\nlogsource:\n    category: proxy\ndetection:\n    s:\n        cs-host: a.example\n    condition: s\n"
        )
    };
    let two = format!("{}---\n{}", rule("One"), rule("Two"));
    let mobile = r#"{"type":"bundle","objects":[{"type":"attack-pattern","id":"attack-pattern--1","name":"Bad phone","description":"d","external_references":[{"source_name":"mitre-mobile-attack","external_id":"T1437","url":"https://attack.mitre.org/techniques/T1437"}]}]}"#;
    let scene = Scene::new(&[
        ("at/mine/own.yaml", test),
        ("at/more/tests.yml", &test.replace("Own", "Further")),
        ("sigma/a.YML", &rule("Capital")),
        ("sigma/two.yml", &two),
        ("mobile.json", mobile),
    ]);
    let printed = scene.build(&["--all", "--atomic", "at", "--sigma", "sigma"]);
    scene.checks_clean();
    assert!(!printed.contains("is that of a rule"), "{printed}");
    let text = |scene: &Scene| -> String {
        scene.pages().iter().map(|path| fs::read_to_string(path).unwrap() + "\n").collect()
    };
    for words in ["Own test", "Further test", "Capital", "One", "Two"] {
        assert!(text(&scene).contains(words), "{words}");
    }
    let scene = Scene::new(&[("mobile.json", mobile)]);
    scene.build(&["--all", "--attack", "mobile.json"]);
    assert!(text(&scene).contains("Bad phone"));
}

#[test]
fn notes_with_odd_properties_and_tables_give_sound_pages() {
    let scene = Scene::new(&[
        (
            "n/x.md",
            "---\ntechnique_id: T1053\nseen: \"2021-10-20T15:05:19.271Z\"\ntags: [\"[[Windows - Download methods]]\", \"-\"]\n---\n# Job\n\n| A | B |\n| --- | --- |\n| 1 | [[Command and Control|C2]] | Egress filtering |\n",
        ),
        (
            "n/hunt.md",
            "---\ntitle: Odd names\ntechniques:\n- T1036.005\ntags: [\"[[A - b]]\"]\n---\n\n## Why\n\n- They look alike.\n",
        ),
        ("n/empty.md", ""),
    ]);
    let printed = scene.build(&["--notes", "n"]);
    assert!(printed.contains("empty.md"), "{printed}");
    scene.checks_clean();
    let page = scene.page("Techniques/T1053 - Scheduled Task-Job.md");
    for words in ["C2", "Egress filtering", "Windows-Download-methods", "2021-10-20T15:05:19.271Z"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(scene.page("Notes/Odd names.md").contains("They look alike"));
}
