//! Pages of a rule catalogue: `Name T1102.002`, `Tactic: ...`, tables, rules grouped by vendor.

use super::section::{Item, Section};
use super::{Dialect, Mismatch, TechniqueNote};
use crate::rule::technique_id;

/// Lines that begin a part of a page.
const PARTS: [&str; 7] = [
    "Events covered",
    "Authoring guide",
    "Fields filtered most",
    "Top indicator values",
    "Exclusions",
    "Rules under this technique",
    "Related",
];

pub(super) fn read(text: &str) -> Option<TechniqueNote> {
    let mut lines = text.lines().enumerate();
    let (_, first) = lines.find(|(_, line)| !line.trim().is_empty())?;
    let (name, id) = first.trim().rsplit_once(' ')?;
    let technique = technique_id(id)?;
    // A heading of another note may end with an id too.
    text.lines().find(|line| line.starts_with("Tactic:"))?;
    let name = name.trim_start_matches('#').trim().to_owned();
    let mut note = TechniqueNote::new(Dialect::CataloguePage, technique, name);
    note.sections = vec![Section { line: 1, ..Section::default() }];
    let mut in_rules = false;
    for (idx, line) in lines {
        if let Some(tactics) = line.strip_prefix("Tactic:") {
            // Tactics are side by side with commas; `&` belongs to a name.
            note.tactics =
                tactics.split(',').map(|tactic| tactic.trim().replace(" & ", " and ")).collect();
            continue;
        }
        let heading = line.trim_start_matches('#').trim();
        let part = PARTS.iter().find(|part| {
            heading == **part
                || heading.strip_prefix(**part).is_some_and(|rest| rest.starts_with(" ("))
        });
        let vendor = in_rules.then(|| vendor(heading)).flatten();
        match (part, vendor) {
            (Some(part), _) => {
                in_rules = *part == "Rules under this technique";
                note.sections.push(Section {
                    level: 2,
                    title: heading.to_owned(),
                    line: idx + 1,
                    ..Section::default()
                });
            }
            (None, Some((title, declared))) => {
                note.sections.push(Section {
                    level: 3,
                    title,
                    line: idx + 1,
                    declared: Some((declared, idx + 1)),
                    ..Section::default()
                });
            }
            (None, None) => {
                let Some(section) = note.sections.last_mut() else { continue };
                section.text.push_str(line);
                section.text.push('\n');
                if let Some(title) = line
                    .trim_start()
                    .strip_prefix("- ")
                    .or_else(|| line.trim_start().strip_prefix("* "))
                {
                    section.items.push(Item {
                        line: idx + 1,
                        title: title.trim().to_owned(),
                        ..Item::default()
                    });
                }
            }
        }
    }
    mismatches(&mut note);
    Some(note)
}

/// `Elastic 10 rules`.
fn vendor(line: &str) -> Option<(String, usize)> {
    let rest = line.strip_suffix(" rules").or_else(|| line.strip_suffix(" rule"))?;
    let (name, count) = rest.rsplit_once(' ')?;
    Some((name.to_owned(), count.parse().ok()?))
}

/// Each vendor's count, the count of all rules, that of events and of the tables.
fn mismatches(note: &mut TechniqueNote) {
    let mut n_listed = 0;
    let mut found = Vec::new();
    for section in &note.sections {
        if let Some((declared, line)) = section.declared {
            n_listed += section.items.len();
            if declared != section.items.len() {
                found.push(Mismatch {
                    line,
                    of: format!("{} rules", section.title),
                    declared,
                    listed: section.items.len(),
                });
            }
        }
        let n_rows =
            section.text.lines().filter(|line| line.starts_with('|')).count().saturating_sub(2);
        if let Some((_, rest)) = section.title.split_once(" (")
            && let Some(declared) = rest.split(' ').next().and_then(|word| word.parse().ok())
            && declared != n_rows
        {
            found.push(Mismatch {
                line: section.line,
                of: section.title.clone(),
                declared,
                listed: n_rows,
            });
        }
        if section.title == "Events covered"
            && let Some(declared) =
                section.text.split_whitespace().next().and_then(|word| word.parse().ok())
            && declared != n_rows
        {
            found.push(Mismatch {
                line: section.line,
                of: "events".into(),
                declared,
                listed: n_rows,
            });
        }
    }
    for section in &note.sections {
        let Some((_, rest)) = section.text.split_once("shared across the ") else { continue };
        if let Some(declared) = rest.split(' ').next().and_then(|word| word.parse().ok())
            && declared != n_listed
        {
            found.push(Mismatch {
                line: section.line,
                of: "rules in all".into(),
                declared,
                listed: n_listed,
            });
        }
    }
    found.sort();
    note.mismatches = found;
}
