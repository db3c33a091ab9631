//! What a note of ours says beside the sections that a rule's page has.

use catalogue::dialect::section::Section;
use knowledge::SECTIONS;

use crate::fences::Fences;
use crate::own_markdown::harmless;

/// Returns the text of a section with those below it, their headings one level lower.
pub(crate) fn section(sections: &[Section], title: &str) -> Option<String> {
    let idx = placed(sections, title)?;
    let text = harmless(&with_subsections(sections, idx));
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the text between the note's title and its first section.
pub(crate) fn introduction(sections: &[Section]) -> String {
    let texts = sections.iter().filter(|section| section.level == 1);
    let texts: Vec<&str> = texts.map(|section| section.text.trim_matches('\n')).collect();
    harmless(texts.join("\n\n").trim())
}

/// Returns every section that has no place of its own, with its heading.
pub(crate) fn others(sections: &[Section]) -> String {
    let mut is_placed = vec![false; sections.len()];
    for idx in SECTIONS.iter().filter_map(|title| placed(sections, title)) {
        for taken in is_placed.iter_mut().skip(idx).take(n_with_subsections(sections, idx)) {
            *taken = true;
        }
    }
    let mut text = String::new();
    for (section, is_placed) in sections.iter().zip(is_placed) {
        if section.level > 1 && !is_placed {
            push(&mut text, section, section.level.saturating_sub(2));
        }
    }
    harmless(text.trim())
}

/// Returns what a section says beside its blocks in a language, and beside their captions, which are shown
/// elsewhere: paragraphs directly before one of these blocks.
pub(crate) fn prose(
    sections: &[Section],
    title: &str,
    language: &str,
    captions: &[&str],
) -> String {
    let Some(text) = section(sections, title) else { return String::new() };
    let captions: Vec<String> = captions.iter().map(|caption| harmless(caption)).collect();
    let mut kept = String::new();
    let mut fences = Fences::default();
    for line in text.lines() {
        let is_start = fences.read(line);
        let is_left_out = fences.is_within && fences.info.split(' ').next() == Some(language);
        if is_start && is_left_out {
            leave_out_caption(&mut kept, &captions);
        }
        let is_second_gap = line.is_empty() && (kept.is_empty() || kept.ends_with("\n\n"));
        if !is_left_out && !is_second_gap {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.trim().to_owned()
}

/// Takes a caption off the end of a text that ends with it.
fn leave_out_caption(kept: &mut String, captions: &[String]) {
    let lines: Vec<&str> = kept.trim_end().lines().collect();
    let ends_with = |caption: &&String| {
        let n_lines = caption.lines().count();
        let last = lines.iter().skip(lines.len().saturating_sub(n_lines)).map(|line| line.trim());
        n_lines > 0 && last.eq(caption.lines())
    };
    let Some(caption) = captions.iter().find(ends_with) else { return };
    let n_left = lines.len().saturating_sub(caption.lines().count());
    let left: String = lines.iter().take(n_left).map(|line| format!("{line}\n")).collect();
    *kept = left;
}

/// Returns a text with a line in front of each sequence of requests that says what the rule has to do with it: a
/// reader does not see the words behind the marks of a block.
pub(crate) fn with_expectations(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut fences = Fences::default();
    for line in text.lines() {
        let expected = match (fences.read(line), fences.info.as_str()) {
            (true, "sequence match") => "Expected: the rule matches one of these requests.",
            (true, "sequence pass") => "Expected: the rule lets all of these requests pass.",
            _ => "",
        };
        if !expected.is_empty() {
            let indent = line.len() - line.trim_start().len();
            let indent = line.get(..indent).unwrap_or_default();
            let gap = if written.is_empty() || written.ends_with("\n\n") { "" } else { "\n" };
            written.push_str(&format!("{gap}{indent}{expected}\n\n"));
        }
        written.push_str(line);
        written.push('\n');
    }
    written.trim_end().to_owned()
}

/// The first section by a title that has a place.
fn placed(sections: &[Section], title: &str) -> Option<usize> {
    sections.iter().position(|section| section.title.eq_ignore_ascii_case(title))
}

/// How many sections a section is with those below it.
fn n_with_subsections(sections: &[Section], idx: usize) -> usize {
    let Some(section) = sections.get(idx) else { return 0 };
    let below = sections.iter().skip(idx + 1).take_while(|other| other.level > section.level);
    1 + below.count()
}

fn with_subsections(sections: &[Section], idx: usize) -> String {
    let level = sections.get(idx).map_or(0, |section| section.level);
    let mut text = String::new();
    for (number, section) in
        sections.iter().skip(idx).take(n_with_subsections(sections, idx)).enumerate()
    {
        if number == 0 {
            text.push_str(section.text.trim_matches('\n'));
            text.push_str("\n\n");
        } else {
            push(&mut text, section, section.level.saturating_sub(level));
        }
    }
    text.trim_matches('\n').to_owned()
}

/// Writes a section so many levels below the page's own headings.
fn push(text: &mut String, section: &Section, depth: usize) {
    let signs = "#".repeat((3 + depth).min(6));
    text.push_str(&format!("{signs} {}\n\n", section.heading));
    let body = section.text.trim_matches('\n');
    if !body.is_empty() {
        text.push_str(body);
        text.push_str("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use catalogue::dialect::section::split;

    use super::*;

    const NOTE: &str = "# Title\n\nIntroduction.\n\n## Response\n\n### Containment\n\n- Isolate.\n\n#### At night\n\nCall.\n\n### Eradication\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n## Tuning log\n\n> [!note]\n> 2026-11-01\n\n### Of [x](https://x.example) too\n\nMore.\n\n## Response\n\nAgain.\n";

    #[test]
    fn sections_keep_what_is_below_them() {
        let sections = split(NOTE, 1);
        assert_eq!(
            section(&sections, "Response").unwrap(),
            "\n\n#### Containment\n\n- Isolate.\n\n##### At night\n\nCall.\n\n#### Eradication\n\n| a | b |\n| --- | --- |\n| 1 | 2 |".trim()
        );
        assert_eq!(section(&sections, "Goal"), None);
    }

    #[test]
    fn sections_that_are_not_known_are_carried_over() {
        let sections = split(NOTE, 1);
        assert_eq!(introduction(&sections), "Introduction.");
        assert_eq!(
            others(&sections),
            "### Tuning log\n\n> [!note]\n> 2026-11-01\n\n#### Of [x](https://x.example) too\n\nMore.\n\n### Response\n\nAgain."
        );
    }

    #[test]
    fn prose_beside_blocks_is_kept() {
        let note = "# T\n\n## Validation\n\nBefore.\n\nWhat it is.\n\n```http match\nGET / HTTP/1.1\n```\n\nBetween.\n\n```text\nkept\n```\n\n### More\n\nAfter.\n";
        assert_eq!(
            prose(&split(note, 1), "Validation", "http", &["What it is."]),
            "Before.\n\nBetween.\n\n```text\nkept\n```\n\n#### More\n\nAfter."
        );
        assert_eq!(prose(&split(note, 1), "Rule", "sigma", &[]), "");
    }

    #[test]
    fn what_is_expected_of_a_sequence_is_read() {
        let text = "A beacon.\n\n```sequence match\n00:00 a GET b\n```\n\n```sh\nls\n```";
        assert_eq!(
            with_expectations(text),
            "A beacon.\n\nExpected: the rule matches one of these requests.\n\n```sequence match\n00:00 a GET b\n```\n\n```sh\nls\n```"
        );
        let text = "Two:\n~~~  sequence  pass\na\n~~~\n- x\n\n  ```sequence match\n  b\n  ```\n````text\n```sequence match\n````";
        assert_eq!(
            with_expectations(text),
            "Two:\n\nExpected: the rule lets all of these requests pass.\n\n~~~  sequence  pass\na\n~~~\n- x\n\n  Expected: the rule matches one of these requests.\n\n  ```sequence match\n  b\n  ```\n````text\n```sequence match\n````"
        );
    }

    #[test]
    fn captions_are_left_out_in_front_of_their_block_alone() {
        let note = "## Validation\n\nOne\ntwo.\n\n```http match\nA\n```\n\nShared.\n\n~~~ http pass\nB\n~~~\n\n```http pass\nC\n```\n\nShared.\n\n- item\n\n  ```http pass\n  D\n  ```\n";
        assert_eq!(
            prose(&split(note, 1), "Validation", "http", &["One\ntwo.", "Shared.", "", "item"]),
            "Shared.\n\n- item"
        );
    }

    #[test]
    fn every_word_of_a_note_is_in_a_part() {
        let sections = split(NOTE, 1);
        let mut text = introduction(&sections) + &others(&sections);
        for title in SECTIONS {
            text.push_str(&section(&sections, title).unwrap_or_default());
        }
        for word in NOTE.split(|c: char| !c.is_alphanumeric()).filter(|word| *word != "Title") {
            assert!(text.contains(word), "{word}");
        }
    }
}
