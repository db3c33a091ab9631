//! What becomes of people's own notes on the pages of a vault.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers beside the test functions")]

use std::collections::BTreeMap;

use obsidian::build::{Present, Scope, build};
use obsidian::gather;
use obsidian::merge;
use obsidian::sources::Sources;

/// The pages that notes give, by their paths.
fn pages(notes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut sources = Sources::default();
    let files = notes.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    gather::notes(&mut sources, files.collect());
    let vault = build(&sources, &Scope::default(), &Present::default());
    vault.pages.iter().map(|page| (page.path.clone(), merge::fresh(page))).collect()
}

/// What a page says between two of its parts.
fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    let (_, rest) = page.split_once(start).unwrap();
    rest.split_once(end).unwrap().0.trim()
}

const RULE: &str = r"---
kind: rule
services: []
---

# File sent to the drop host

## Rule

```sigma
title: File sent to the drop host
id: 7c9c7e61-5f0e-4d0b-9a6b-3f6e1f0d2a11
status: experimental
description: POST to drop.example
references:
    - https://attack.mitre.org/techniques/T1567/
author: A. Author
date: 2026-11-21
tags:
    - attack.t1567
logsource:
    category: proxy
detection:
    selection:
        cs-host: drop.example
        cs-method: POST
    condition: selection
falsepositives:
    - none
level: medium
```

## Validation

```http match
POST https://drop.example/first HTTP/1.1
```

```http pass
GET https://drop.example/second HTTP/1.1
```

Sent by
a script:

```http match
POST https://drop.example/third HTTP/1.1
```

- In a list.

  ```http pass
  GET https://drop.example/fourth HTTP/1.1
  ```
";

#[test]
fn the_caption_of_an_example_is_the_paragraph_before_it_and_never_another_example() {
    let pages = pages(&[("drop.md", RULE)]);
    let rule = &pages["Detection Rules/File sent to the drop host.md"];
    let validation = between(rule, "steps, expected verdicts and last result]]", "<!-- tidegate");
    let expect = [
        "- In a list.",
        "The rule matches:\n\n```http\nPOST https://drop.example/first HTTP/1.1\n```",
        "The rule lets it pass:\n\n```http\nGET https://drop.example/second HTTP/1.1\n```",
        "Sent by\na script: Verdict: the rule matches.\n\n```http\nPOST https://drop.example/third HTTP/1.1\n```",
        "In a list. Verdict: the rule lets it pass.\n\n```http\nGET https://drop.example/fourth HTTP/1.1\n```",
    ];
    assert_eq!(validation, expect.join("\n\n"), "{rule}");
    let runbook = &pages["Testing Runbooks/Runbook - File sent to the drop host.md"];
    for (start, end, expect) in [
        ("#### Step 1: matches\n", "curl", "```sh"),
        ("#### Step 2: passes\n", "curl", "```sh"),
        ("#### Step 3: matches\n", "```sh", "Sent by\na script:"),
        ("#### Step 4: passes\n", "```sh", "In a list."),
    ] {
        assert_eq!(between(runbook, start, end), expect, "{runbook}");
    }
}

#[test]
fn a_technique_has_the_name_that_attack_gives_it() {
    let pages = pages(&[
        ("mine/Bots.md", "---\ntags: [T1102_002]\n---\n\n# Telegram as C2\n\nSeen in May.\n"),
        ("Empty heading.md", "---\ntags: [T1567_002]\n---\n\n# My view\n\n## Hunting\n\nLook.\n"),
        ("new.md", "---\ntags: [T1999]\n---\n\n# Something new\n"),
        ("named.md", "About T1071.004 only.\n"),
    ]);
    let names: Vec<&String> = pages.keys().filter(|path| path.starts_with("Techniques/")).collect();
    assert_eq!(
        names,
        [
            "Techniques/T1071.004 - Application Layer Protocol - DNS.md",
            "Techniques/T1102.002 - Web Service - Bidirectional Communication.md",
            "Techniques/T1567.002 - Exfiltration Over Web Service - Exfiltration to Cloud Storage.md",
            "Techniques/T1999.md",
        ]
    );
    let page = &pages[names[1]];
    assert!(page.contains("## Web Service: Bidirectional Communication\n"), "{page}");
    assert!(page.contains("\n#### Telegram as C2\n\nSeen in May.\n"), "{page}");
    for alias in ["T1102.002", "Web Service: Bidirectional Communication", "Telegram as C2", "Bots"]
    {
        assert!(page.contains(&format!("  - \"{alias}\"\n")), "{alias}: {page}");
    }
    let page = &pages[names[2]];
    assert!(page.contains("\n#### My view\n\n##### Hunting\n\nLook.\n"), "{page}");
    assert!(page.contains("### Detection\n\nNeither ATT&CK nor a note says"), "{page}");
    let page = &pages[names[3]];
    assert!(page.contains("\n## T1999\n") && page.contains("#### Something new\n"), "{page}");
}

#[test]
fn the_page_of_a_note_has_the_name_of_its_file_as_an_alias() {
    let pages = pages(&[
        ("Drop box notes.md", "---\naliases: [drops]\n---\n\n# Section\n\nText.\n"),
        ("daily/2026-11-30.md", "# Log\n\nSee [[Drop box notes]].\n"),
        ("Same.md", "# Same\n\nText.\n"),
        ("drop.md", RULE),
    ]);
    for (path, expect) in [
        ("Notes/Section.md", "aliases:\n  - \"drops\"\n  - \"Drop box notes\"\n"),
        ("Notes/Log.md", "aliases:\n  - \"2026-11-30"),
        ("Detection Rules/File sent to the drop host.md", "  - \"drop\"\n"),
    ] {
        assert!(pages[path].contains(expect), "{}", pages[path]);
    }
    assert!(!pages["Notes/Same.md"].contains("aliases:"));
    let rule = &pages["Detection Rules/File sent to the drop host.md"];
    assert!(rule.contains("Written by A. Author; its licence is not stated."), "{rule}");
}

#[test]
fn tags_in_the_text_of_a_note_are_tags_of_its_page() {
    let pages = pages(&[
        ("a.md", "# Log\n\n#soc/tier2 #todo and #SOC/tier2\nnext line\n\n- #T1102 seen, `#no`\n"),
        ("b.md", "---\ntags: [T1567, mine]\n---\n\n# Out\n\nSee [[a#Log]], #mine and #review.\n"),
    ]);
    let page = &pages["Notes/Log.md"];
    assert!(page.contains("#soc/tier2 #todo and #SOC/tier2\nnext line\n"), "{page}");
    assert!(page.contains("  - soc/tier2\n  - todo\n") && !page.contains("  - no\n"), "{page}");
    assert!(page.contains("- \\#T1102 seen"), "{page}");
    let page = &pages["Techniques/T1567 - Exfiltration Over Web Service.md"];
    assert!(page.contains("See [[Notes/Log#Log|a#Log]], #mine and #review."), "{page}");
    assert!(page.contains("  - mine\n  - review\n"), "{page}");
}
