//! The five samples, and every compass page of the corpora.

use std::path::Path;

use super::*;

/// The technique note that some bytes are.
fn technique(file: &str, bytes: &[u8]) -> Option<TechniqueNote> {
    match read(file, bytes)? {
        PersonalNote::Technique(note) => Some(note),
        _ => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a test over files")]
fn note(path: &Path) -> (String, TechniqueNote) {
    let bytes = std::fs::read(path).unwrap();
    let note = technique(path.to_str().unwrap(), &bytes);
    let note = note.unwrap_or_else(|| panic!("{}", path.display()));
    (String::from_utf8(bytes).unwrap(), note)
}

/// Every line, link and list item of the file is in the note that was read.
fn nothing_is_lost(path: &Path) -> TechniqueNote {
    let (text, note) = note(path);
    let kept: String = note
        .sections
        .iter()
        .map(|section| {
            format!(
                "{} {}\n{}",
                section.title,
                section.url.as_deref().unwrap_or_default(),
                section.text
            )
        })
        .collect();
    let body = match note.dialect {
        Dialect::FrontMatter => text.split("\n---\n").nth(1).unwrap(),
        Dialect::Compass | Dialect::CataloguePage | Dialect::Heading => &text,
    };
    for line in body.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let vendor = |section: &Section| {
            section.declared.is_some_and(|(n, _)| format!("{} {n} rules", section.title) == line)
        };
        let catalogue_heading =
            note.sections.iter().any(|section| section.title == line || vendor(section));
        let heading =
            line.starts_with("Tactic:") || line.ends_with(&note.technique) || catalogue_heading;
        assert!(heading || kept.contains(line), "{}: {line}", path.display());
    }
    let n_items = body
        .lines()
        .filter(|line| line.trim_start().starts_with("* ") || line.trim_start().starts_with("- "))
        .count();
    let n_kept: usize = note.sections.iter().map(|section| section.items.len()).sum();
    assert_eq!(n_kept, n_items, "{}", path.display());
    for part in body.split("](").skip(1) {
        let url = part.split(')').next().unwrap();
        let in_heading = note.sections.iter().any(|section| section.url.as_deref() == Some(url));
        assert!(in_heading || kept.contains(url), "{url}");
    }
    note
}

#[test]
fn the_samples_are_read_without_loss() {
    let Some(corpora) = corpora::folder(&["../notes"]) else { return };
    let notes = corpora.join("../notes");
    let sample = nothing_is_lost(&notes.join("obsidian-T1102.002.md"));
    assert_eq!((sample.dialect, sample.technique.as_str()), (Dialect::FrontMatter, "T1102.002"));
    assert_eq!(sample.name, "Web Service- Bidirectional Communication");
    let keys: Vec<_> = sample.properties.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["created", "last_modified", "version", "tactics", "url", "platforms", "tags"]
    );
    let titles: Vec<_> = sample.sections.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Description",
            "Detection",
            "Defenses Bypassed",
            "Data Sources",
            "Detection Rule",
            "Rule Testing"
        ]
    );
    assert_eq!(
        sample.remarks,
        [(7, "`platforms` was one text with commas; it was read as a list".into())]
    );

    for (name, n_sigma) in
        [("compass-T1102.002.md", 2), ("compass-T1102.003.md", 2), ("compass-T1102.md", 0)]
    {
        let page = nothing_is_lost(&notes.join(name));
        assert_eq!(
            (page.dialect, page.tactics.as_slice()),
            (Dialect::Compass, &["Command and Control".to_owned()][..])
        );
        let count = |title: &str| {
            page.sections
                .iter()
                .filter(|section| section.title.starts_with(title))
                .map(|section| section.items.len())
                .sum::<usize>()
        };
        assert_eq!((count("MITRE D3FEND"), count("Sigma")), (9, n_sigma), "{name}");
        let dates: Vec<_> =
            page.sections.iter().filter_map(|section| section.last_accessed.as_deref()).collect();
        assert!(
            dates.iter().all(|date| date.starts_with("2022-")) && !dates.is_empty(),
            "{dates:?}"
        );
        assert!(page.mismatches.is_empty());
    }

    let page = nothing_is_lost(&notes.join("catalogue-T1102.002.md"));
    assert_eq!(
        (page.dialect, page.tactics.as_slice()),
        (Dialect::CataloguePage, &["Command and Control".to_owned()][..])
    );
    let rules: Vec<_> = page
        .sections
        .iter()
        .filter_map(|section| {
            Some((section.title.as_str(), section.declared?.0, section.items.len()))
        })
        .collect();
    assert_eq!(rules, [("Sigma", 4, 4), ("Elastic", 10, 10)]);
    let mismatches: Vec<_> = page
        .mismatches
        .iter()
        .map(|found| (found.of.as_str(), found.declared, found.listed))
        .collect();
    assert_eq!(
        mismatches,
        [
            ("rules in all", 19, 14),
            ("Fields filtered most (25 distinct)", 25, 0),
            ("Top indicator values (488 distinct)", 488, 0),
            ("Exclusions (155 distinct)", 155, 0)
        ]
    );
}

#[test]
fn compass_pages_are_read_without_loss_and_their_counts_are_checked() {
    let Some(corpora) = corpora::folder(&["compass"]) else { return };
    let folder = corpora.join("compass/resources");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 35);
    let mut mismatches = Vec::new();
    for path in paths {
        let note = nothing_is_lost(&path);
        assert_eq!(note.dialect, Dialect::Compass);
        let declared = note.sections.iter().filter(|section| section.declared.is_some()).count();
        let sources = note.sections.iter().filter(|section| section.level == 3).count();
        assert_eq!(declared, sources, "{}", path.display());
        mismatches.extend(note.mismatches.into_iter().map(|found| {
            (note.technique.clone(), found.line, found.of, found.declared, found.listed)
        }));
    }
    eprintln!("{mismatches:?}");
    assert!(mismatches.iter().all(|(.., declared, listed)| declared != listed));
}

#[test]
fn notes_that_are_not_clean_are_read_and_told() {
    let bytes = b"\xef\xbb\xbf---\r\ncreated: 2018/06/05\r\ntactics: A, B\r\ntags: [T1003_001]\r\nowner: me\r\n---\r\n\r\n## Na\xefve \x93name\x94\r\n\r\n### Own section\r\n\r\ntext\r\n";
    let note = technique("a.md", bytes).unwrap();
    assert_eq!(note.name, "Naïve “name”");
    assert_eq!(note.tactics, ["A", "B"]);
    assert!(note.properties.contains(&("created".into(), Value::Date("2018-06-05".into()))));
    assert!(note.properties.contains(&("owner".into(), Value::Text("me".into()))));
    assert_eq!(note.sections[0].title, "Own section");
    assert_eq!(note.remarks.len(), 5, "{:?}", note.remarks);

    let broken = technique("b.md", b"---\ntags: [, T1003_001]\nx: [\n---\n## N\n").unwrap();
    assert_eq!(broken.technique, "T1003.001");
    assert!(broken.remarks[0].1.contains("cannot be read"));
    for nothing in [&b""[..], b"# heading", b"---\n---\n", b"\xff\xfe\0", b"word"] {
        assert!(read("c.md", nothing).is_none(), "{nothing:?}");
    }
}

/// What a note is, and what it is about.
fn shown(file: &str, text: &str) -> String {
    match read(file, text.as_bytes()) {
        None => "nothing".to_owned(),
        Some(PersonalNote::Technique(note)) => {
            let also = note.others.iter().map(|id| format!(" also {id}")).collect::<String>();
            format!("technique {} `{}`{also}", note.technique, note.name)
        }
        Some(PersonalNote::Rules(rules)) => {
            let ids: Vec<_> = rules.iter().map(|rule| rule.title.as_str()).collect();
            format!("rules {}", ids.join(", "))
        }
        Some(PersonalNote::Document(document)) => {
            let kind = document.kind.as_str();
            format!("{kind} `{}` of {}", document.title, document.techniques.join(" "))
        }
    }
}

#[test]
fn a_note_is_known_by_any_form_of_its_technique() {
    let body = "## Some name\n\n### Description\n\nText.\n";
    for head in [
        "tags: [T1102_002]",
        "tags: [t1102_002]",
        "tags: [\"#T1102_002\"]",
        "tags: [attack/T1102/002]",
        "tags: [mitre/T1102.002]",
        "tags: [T1102-002]",
        "tags: [T1102002]",
        "tags: T1102_002 techniques",
        "tag: T1102_002",
        "tags: [T1102, attack/T1102/002, techniques]",
        "technique_id: T1102.002",
        "Technique ID: t1102.002",
        "mitre: \"T1102.002\"",
        "aliases: [\"T1102.002\", x]",
        "alias: T1102.002 - Bidirectional",
        "url: https://attack.mitre.org/techniques/T1102/002",
        "techniques: [T1102.002]",
        "techniques: \"[[T1102.002]]\"",
    ] {
        let text = format!("---\n{head}\n---\n\n{body}");
        assert_eq!(shown("forms/a.md", &text), "technique T1102.002 `Some name`", "{head}");
    }
    assert_eq!(
        shown("a.md", &format!("---\ntechniques: [T1102.002, T1567]\n---\n{body}")),
        "technique T1102.002 `Some name` also T1567"
    );
}

#[test]
fn a_note_is_known_by_its_file_or_its_heading() {
    for (file, text, expect) in [
        (
            "T1102.002-Two_Ways.md",
            "---\nx: 1\n---\n\n## Description\n\nText.\n",
            "technique T1102.002 `Two Ways`",
        ),
        ("x/T1567/README.md", "# Exfiltration\n\nText.\n", "technique T1567 `Exfiltration`"),
        ("x/T1567/README.MD", "Text.\n", "technique T1567 ``"),
        (
            "a.md",
            "# T1003.001 - OS Credential Dumping: LSASS Memory\n\nText\n",
            "technique T1003.001 `OS Credential Dumping: LSASS Memory`",
        ),
        ("a.md", "# Web Service (T1102)\n\nText\n", "technique T1102 `Web Service`"),
        ("a.md", "Found by T1102 and T1567.\n", "note `a` of T1102 T1567"),
        ("README.md", "All about T1102.\n", "nothing"),
        ("a.md", "# Meeting\n\nNothing.\n", "nothing"),
    ] {
        assert_eq!(shown(file, text), expect, "{file}: {text}");
    }
}

#[test]
fn detection_pages_and_other_documents_are_known_by_their_shape() {
    let rule = "title: Upload\nid: 0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b30\ntags: [attack.t1567]\nlogsource:\n    category: proxy\ndetection:\n    selection:\n        cs-host: drop.example\n    condition: selection\n";
    let head = "title: Upload\nstatus: stable\nlevel: high\ntags: [t1041, detection_rule]\nlogsrc_product: windows\nowner: soc\n";
    let page = format!(
        "---\n{head}---\n\n## Upload\n\nWords before.\n\n```yml\n{rule}```\n\nWords after.\n"
    );
    let Some(PersonalNote::Rules(rules)) = read("Upload.md", page.as_bytes()) else { panic!() };
    let [found] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!(found.status.as_deref(), Some("stable"));
    assert_eq!(found.level.as_deref(), Some("high"));
    assert_eq!(found.logsource.product.as_deref(), Some("windows"));
    assert_eq!(found.techniques, ["T1041", "T1567"]);
    assert_eq!(found.properties, [("owner".to_owned(), Value::Text("soc".into()))]);
    assert_eq!(found.text, rule);
    for words in ["Words before.", "Words after."] {
        assert!(found.guide.contains(words), "{}", found.guide);
    }

    for (file, text, expect) in [
        ("win.md", format!("| Title | x |\n\n```\n{{% raw %}}\n{rule}{{% endraw %}}\n```\n"), "rules Upload"),
        ("two.md", format!("~~~yaml\n{rule}~~~\n\n```sigma\n{}```\n", rule.replace("title: Upload", "title: Second")), "rules Upload, Second"),
        ("splunk.md", "---\ntags: [t1567, detection_rule]\n---\n```spl\nindex=proxy\n```\n".to_owned(), "query `splunk` of T1567"),
        ("ads.md", "# Drop\n\n## Goal\n\n## Categorization\n\n[T1567](https://x.example)\n\n## Strategy Abstract\n\n## Technical Context\n\n## Blind Spots and Assumptions\n".to_owned(), "alerting and detection strategy `Drop` of T1567"),
        ("RA_1001.md", "| Title | Practice |\n|:--|:--|\n| **ID** | RA1001 |\n".to_owned(), "response action `RA_1001` of "),
        ("Certutil", "---\nName: Certutil.exe\nCommands:\n  - Command: certutil x\n    MitreID: T1105\n---\n".to_owned(), "LOLBAS entry `Certutil.exe` of T1105"),
        ("curl", "---\nfunctions:\n  file-upload:\n    - code: curl -T x\n---\n".to_owned(), "GTFOBins entry `curl` of "),
        ("p.md", "# Find it\n\n## Hypothesis\n\nT1102.\n".to_owned(), "hunting playbook `Find it` of T1102"),
        ("t.md", "---\ntags: [T1003_001, atomic_test]\n---\n## Atomic Test #1\n".to_owned(), "test `Atomic Test #1` of T1003.001"),
    ] {
        assert_eq!(shown(file, &text), expect, "{file}");
    }
}

/// Hunts and procedures list techniques, or name several in their title: they are about none of them.
#[test]
fn a_note_with_a_title_of_its_own_is_not_its_techniques_page() {
    for (text, expect) in [
        (
            "---\ntitle: Punycode names in DNS\ntechniques:\n- T1036.005\n---\n\n## Why\n\n- They look alike.\n",
            "note `Punycode names in DNS` of T1036.005",
        ),
        ("# T1071 and T1102\n\nBoth.\n", "note `T1071 and T1102` of T1071 T1102"),
        ("# Not T1071 but T1102\n", "note `Not T1071 but T1102` of T1071 T1102"),
        (
            "---\ntitle: Uploads (T1041/T1567)\n---\n\nText.\n",
            "note `Uploads (T1041/T1567)` of T1041 T1567",
        ),
        ("# LLM prompt injection\n\nSeen: AML.T0051.\n", "nothing"),
    ] {
        assert_eq!(shown("a.md", text), expect, "{text}");
    }
    assert!(shown("a.md", "# T1102.002 (T1102)\n\nBoth.\n").contains("T1102.002"));
}
