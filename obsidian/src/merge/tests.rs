//! Merging, by cases and by random edits.

use super::*;
use crate::property::Property;

fn page(rows: &str, status: &str) -> Page {
    let mut page = Page::new("rule/a--b c", "R/x.md");
    page.set("title", Property::Text("x".into()));
    page.set("status", Property::Text(status.into()));
    page.set("tags", Property::Tags(vec!["a".into(), "b".into()]));
    page.block("head", "# X\n\ntext");
    page.block("rows", rows);
    page.block("tail", "end");
    page
}

#[test]
fn a_second_run_changes_nothing() {
    let first = fresh(&page("one", "test"));
    assert_eq!(trailer(&first).unwrap().id, "rule/a--b c");
    let second = merge(&page("one", "test"), &first);
    assert_eq!(second, Merged { text: first, conflicts: vec![] });
}

#[test]
fn what_a_person_wrote_stays_and_blocks_are_renewed() {
    let first = fresh(&page("one", "test"));
    let edited = first
        .replace("status: \"test\"\n", "status: \"mine\"\nowner: me\nlist:\n- x\n")
        .replace("<!-- tidegate:begin rows", "my words\n\n<!-- tidegate:begin rows");
    let merged = merge(&page("two", "test"), &edited);
    for part in ["my words", "status: \"mine\"", "owner: me\nlist:\n- x\n", "\ntwo\n"] {
        assert!(merged.text.contains(part), "{part}\n{}", merged.text);
    }
    assert!(!merged.text.contains("\none\n") && merged.conflicts.is_empty());
    assert_eq!(merge(&page("two", "test"), &merged.text).text, merged.text);

    let both = merge(&page("two", "stable"), &merged.text);
    assert_eq!(both.conflicts.len(), 1, "{:?}", both.conflicts);
    assert!(both.text.contains("status: \"mine\""));
    assert_eq!(
        merge(&page("two", "stable"), &both.text),
        Merged { text: both.text, conflicts: vec![] }
    );
}

#[test]
fn an_edit_inside_of_a_block_is_a_conflict_and_both_texts_stay() {
    let edited = fresh(&page("one", "test")).replace("\none\n", "\none, edited\n");
    let merged = merge(&page("two", "test"), &edited);
    assert_eq!(merged.conflicts.len(), 1);
    assert!(merged.text.contains("\ntwo\n") && merged.text.contains("one, edited"));
    assert_eq!(
        merge(&page("two", "test"), &merged.text),
        Merged { text: merged.text, conflicts: vec![] }
    );
}

#[test]
fn what_was_deleted_stays_deleted_and_what_is_new_finds_its_place() {
    let first = fresh(&page("one", "test"));
    let start = first.find("<!-- tidegate:begin rows").unwrap();
    let end = first.find("<!-- tidegate:begin tail").unwrap();
    let without = format!("{}{}", first.get(..start).unwrap(), first.get(end..).unwrap())
        .replace("status: \"test\"\n", "");
    let merged = merge(&page("two", "test"), &without);
    assert!(!merged.text.contains("two") && !merged.text.contains("status:"), "{}", merged.text);

    let mut longer = page("one", "test");
    longer.blocks.insert(1, ("new".into(), "new text".into()));
    let merged = merge(&longer, &first).text;
    let at = |text: &str| merged.find(text).unwrap();
    assert!(at("text") < at("new text") && at("new text") < at("\none\n"));
}

#[test]
fn crlf_and_broken_marks_lose_nothing() {
    let first = fresh(&page("one", "test"));
    let crlf = first.replace('\n', "\r\n");
    assert_eq!(merge(&page("one", "test"), &crlf).text, crlf);
    let broken = first.replace("<!-- tidegate:end rows -->", "");
    let merged = merge(&page("two", "test"), &broken);
    assert!(merged.text.contains("one"));
    let unclosed = first.replacen("\n---\n", "\n", 1);
    assert!(merge(&page("one", "test"), &unclosed).text.contains("# X"));
}

/// A small generator of numbers: the same edits each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

#[test]
fn nothing_of_a_person_is_lost_in_a_thousand_random_edits() {
    let mut numbers = Numbers(7);
    for round in 0..1_000 {
        let mut text = fresh(&page("one", "test"));
        let mut words = Vec::new();
        for edit in 0..=numbers.below(4) {
            let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
            let word = format!("person{round}x{edit}");
            let at = numbers.below(lines.len() + 1);
            match numbers.below(6) {
                0 => lines.insert(at, word.clone()),
                1 => lines.insert(1.min(lines.len()), format!("{word}: {word}")),
                2 if at < lines.len() && !lines[at].starts_with("<!--") && lines[at] != "---" => {
                    lines[at].push_str(&format!(" {word}"));
                }
                3 => {
                    if at < lines.len()
                        && words.iter().all(|word: &String| !lines[at].contains(word.as_str()))
                    {
                        lines.remove(at);
                    }
                    text = lines.join("\n") + "\n";
                    continue;
                }
                4 => {
                    text = text.replace("\r\n", "\n").replace('\n', "\r\n");
                    continue;
                }
                _ => lines.push(word.clone()),
            }
            let new = lines.join("\n") + "\n";
            if new.contains(&word) {
                words.push(word);
            }
            text = new;
        }
        let merged = merge(&page("two", "stable"), &text).text;
        for word in &words {
            assert!(
                merged.contains(word.as_str()),
                "round {round}: {word}\n--- before\n{text}\n--- after\n{merged}"
            );
        }
        let again = merge(&page("two", "stable"), &merged).text;
        assert_eq!(again, merged, "round {round} is not stable");
    }
}
