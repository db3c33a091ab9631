//! Pages of the Control Validation Compass.

use super::section::{self, Section, long_date};
use super::{Dialect, Mismatch, TechniqueNote};
use crate::rule::technique_id;

pub(super) fn read(text: &str) -> Option<TechniqueNote> {
    let (line, heading) = text.lines().enumerate().find(|(_, line)| !line.trim().is_empty())?;
    let (id, name) = heading.strip_prefix("# ")?.split_once(':')?;
    // Other notes have such a heading too.
    text.lines().find(|line| line.starts_with("**MITRE ATT&CK"))?;
    let technique = technique_id(id)?;
    let mut sections = section::split(text, 1);
    let mut note = TechniqueNote::new(Dialect::Compass, technique, name.trim().to_owned());
    if let Some(tactics) =
        text.lines().find_map(|line| line.strip_prefix("**MITRE ATT&CK Tactic(s):**"))
    {
        note.tactics = tactics
            .split(',')
            .map(|tactic| tactic.trim().to_owned())
            .filter(|tactic| !tactic.is_empty())
            .collect();
    }
    for section in &mut sections {
        counts(section, &mut note);
    }
    note.sections = sections;
    if line > 0 {
        note.remarks.push((1, "empty lines stand in front of the heading".into()));
    }
    Some(note)
}

fn counts(section: &mut Section, note: &mut TechniqueNote) {
    let mut previous: Option<String> = None;
    for (idx, line) in section.text.lines().enumerate() {
        let number = section.line + 1 + idx;
        let bold = line.trim().strip_prefix("**").and_then(|rest| rest.split_once(":**"));
        if let Some((label, value)) = bold {
            let value = value.trim();
            let count = value.replace(',', "").parse::<usize>().ok();
            if label == "Last accessed" {
                section.last_accessed = long_date(value);
                if section.last_accessed.is_none() {
                    note.remarks.push((number, format!("`{value}` is no date")));
                }
            } else if label.starts_with("Total ATT&CK-mapped") {
                section.total = count;
            } else if label.starts_with("ATT&CK-mapped resources for this") {
                section.declared = count.map(|count| (count, number));
            }
        } else if line.starts_with("**[")
            && previous
                .as_deref()
                .is_some_and(|before| before.starts_with("* * ") && before.ends_with(line))
        {
            note.remarks.push((number, "the list item above stands here once more".into()));
        }
        if !line.trim().is_empty() {
            previous = Some(line.to_owned());
        }
    }
    for item in &section.items {
        if item.malformed {
            note.remarks.push((
                item.line,
                format!("the markup of the list item `{}` is broken", item.title),
            ));
        }
    }
    if let Some((declared, line)) = section.declared
        && declared != section.items.len()
    {
        note.mismatches.push(Mismatch {
            line,
            of: section.title.clone(),
            declared,
            listed: section.items.len(),
        });
    }
}
