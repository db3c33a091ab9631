//! The five samples, and every compass page of the corpora.

use std::path::Path;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a test over files")]
fn note(path: &Path) -> (String, TechniqueNote) {
    let bytes = std::fs::read(path).unwrap();
    let note = read(path.to_str().unwrap(), &bytes).unwrap_or_else(|| panic!("{}", path.display()));
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
        Dialect::Compass | Dialect::CataloguePage => &text,
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
    let note = read("a.md", bytes).unwrap();
    assert_eq!(note.name, "Naïve “name”");
    assert_eq!(note.tactics, ["A", "B"]);
    assert!(note.properties.contains(&("created".into(), vec!["2018-06-05".into()])));
    assert!(note.properties.contains(&("owner".into(), vec!["me".into()])));
    assert_eq!(note.sections[0].title, "Own section");
    assert_eq!(note.remarks.len(), 5, "{:?}", note.remarks);

    let broken = read("b.md", b"---\ntags: [, T1003_001]\nx: [\n---\n## N\n").unwrap();
    assert_eq!(broken.technique, "T1003.001");
    assert!(broken.remarks[0].1.contains("cannot be read"));
    for nothing in [&b""[..], b"# heading", b"---\n---\n", b"\xff\xfe\0", b"word", b"T1102.002"] {
        assert!(read("c.md", nothing).is_none(), "{nothing:?}");
    }
}
