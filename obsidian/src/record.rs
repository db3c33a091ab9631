//! The result of a runbook's last run, in the front matter of its note and of its page.
//!
//! `tidegate test --record` writes it, the vault's build carries it from the note to the page.

use diagnostics::front_matter;
use knowledge::{RuleNote, Runbook};

use super::page::digest;
use super::property::Property;

/// The keys, in the order in which they are written.
pub(crate) const KEYS: [&str; 4] = ["last_run", "last_result", "last_pack", "last_rule"];

/// How the result of a rule begins that matches only what several requests do over time: its steps, one request
/// each, show what it lets pass and not that it matches.
pub const NOT_BY_ONE_REQUEST: &str = "not by one request";

/// The outcome of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The day, as `2026-11-21`.
    pub date: String,
    /// `passed, 6 of 6 steps`, `failed, ...`, or [`NOT_BY_ONE_REQUEST`] with what its steps showed.
    pub result: String,
    /// The first digits of the hash of the pack that the gateway ran; empty where its log did not say.
    pub pack: String,
    /// The hash of the rule's [`content`] then.
    pub rule: String,
}

impl Record {
    /// The record in a runbook note; `None` where the runbook was never run.
    pub fn of(runbook: &Runbook) -> Option<Record> {
        Some(Record {
            date: runbook.last_run.clone()?,
            result: runbook.last_result.clone()?,
            pack: runbook.last_pack.clone().unwrap_or_default(),
            rule: runbook.last_rule.clone().unwrap_or_default(),
        })
    }

    /// Its properties.
    pub fn properties(&self) -> [(&'static str, Property); 4] {
        let [date, result, pack, rule] = KEYS;
        [
            (date, Property::Date(self.date.clone())),
            (result, Property::Text(self.result.clone())),
            (pack, Property::Text(self.pack.clone())),
            (rule, Property::Text(self.rule.clone())),
        ]
    }

    /// Returns true if a step did not give what its note expects.
    pub fn has_failed(&self) -> bool {
        !["passed", NOT_BY_ONE_REQUEST].iter().any(|start| self.result.starts_with(start))
    }

    /// The state of the runbook: `passed`, `failed`, [`NOT_BY_ONE_REQUEST`], or `stale` where it did not fail
    /// with another [`content`] of its rule. The pack's name, version and other rules do not matter.
    pub fn state(&self, content: &str) -> &'static str {
        if self.has_failed() {
            "failed"
        } else if self.rule != content {
            "stale"
        } else if self.result.starts_with(NOT_BY_ONE_REQUEST) {
            NOT_BY_ONE_REQUEST
        } else {
            "passed"
        }
    }

    /// A note or page with these keys set; every other byte stays. `None` where the text has no front
    /// matter to which lines can be added.
    pub fn write_into(&self, text: &str) -> Option<String> {
        let bare = text.trim_start_matches('\u{feff}');
        let split = front_matter::split(bare).ok()?;
        let yaml_start = text.len() - bare.len() + bare.find('\n')? + 1;
        let (before, rest) = text.split_at_checked(yaml_start)?;
        let behind = rest.get(split.yaml.len()..)?;
        let ending = if before.ends_with("\r\n") { "\r\n" } else { "\n" };
        let mut head: Vec<String> =
            split.yaml.split_inclusive('\n').map(ToOwned::to_owned).collect();
        let mut next = head.len();
        for (key, value) in self.properties() {
            let line = value.lines(key).replace('\n', ending);
            let of_key = |line: &String| {
                let name = line.split_once(':').map(|(name, _)| name.trim_end());
                name.is_some_and(|name| name.trim_matches(['"', '\'']) == key)
            };
            match head.iter().position(of_key) {
                Some(at) => {
                    let continues = |line: &&String| line.starts_with([' ', '\t', '-']);
                    let n_more = head.iter().skip(at + 1).take_while(continues).count();
                    head.splice(at..=at + n_more, [line]);
                    next = at + 1;
                }
                None => {
                    head.insert(next.min(head.len()), line);
                    next += 1;
                }
            }
        }
        let written = format!("{before}{}{behind}", head.concat());
        // Lines cannot be added to a map in braces.
        let is_whole = |text: &str| front_matter::split(text).is_ok_and(|it| it.entries().is_ok());
        (is_whole(written.trim_start_matches('\u{feff}')) || !is_whole(bare)).then_some(written)
    }
}

/// A hash of what a rule note asks of a gateway: its rule, and its requests with what is expected of each.
/// A recorded result counts while this stays the same.
pub fn content(note: &RuleNote) -> String {
    let mut text = note.rule.as_ref().map(|rule| rule.text.clone()).unwrap_or_default();
    for example in &note.examples {
        let request = &example.request;
        let request = [&request.method[..], &request.url()].map(String::from_utf8_lossy).join(" ");
        text.push_str(&format!("\n{} {request}", example.expectation.as_str()));
    }
    digest(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_keys_change() {
        let record = Record {
            date: "2026-11-21".into(),
            result: "passed, 2 of 2 steps".into(),
            pack: "0123456789abcdef".into(),
            rule: "0123456789ab".into(),
        };
        let keys = "last_run: 2026-11-21\nlast_result: \"passed, 2 of 2 steps\"\nlast_pack: \"0123456789abcdef\"\nlast_rule: \"0123456789ab\"\n";
        let cases = [
            ("---\nkind: runbook\n---\n\nwords\n", format!("---\nkind: runbook\n{keys}---\n\nwords\n")),
            (
                "---\nlast_result: never run\npack: x\n# mine\n---\nlast_run: words\n",
                "---\nlast_result: \"passed, 2 of 2 steps\"\nlast_pack: \"0123456789abcdef\"\nlast_rule: \"0123456789ab\"\npack: x\n# mine\nlast_run: 2026-11-21\n---\nlast_run: words\n".to_owned(),
            ),
            (
                "---\r\nlast_run:\r\n  - odd\r\na: 1\r\n---\r\nwords",
                format!("---\r\n{}a: 1\r\n---\r\nwords", keys.replace('\n', "\r\n")),
            ),
            (
                "---\n\"last_run\": 2026-01-01\n'last_result' : x\n---",
                format!("---\n{keys}---"),
            ),
        ];
        for (before, after) in cases {
            let written = record.write_into(before).unwrap();
            assert_eq!(written, after);
            assert_eq!(record.write_into(&written).unwrap(), written, "a second time");
        }
        for text in [
            "",
            "words",
            "---\nno: end\n",
            "\n---\na: 1\n---\n",
            "---\na: 1\n...\n",
            "---\n{a: 1}\n---\n",
        ] {
            assert_eq!(record.write_into(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_pass_holds_for_the_content_of_the_rule_that_it_was_seen_with() {
        let record = |result: &str, rule: &str| Record {
            date: "2026-11-21".into(),
            result: result.into(),
            pack: String::new(),
            rule: rule.into(),
        };
        assert_eq!(record("passed, 1 of 1 steps", "abc").state("abc"), "passed");
        assert_eq!(record("passed, 1 of 1 steps", "").state("abc"), "stale");
        assert_eq!(record("passed, 1 of 1 steps", "abd").state("abc"), "stale");
        assert_eq!(record("failed, step 1", "abc").state("abc"), "failed");
        let over_time = "not by one request; passed, 1 of 1 steps";
        assert_eq!(record(over_time, "abc").state("abc"), "not by one request");
        assert_eq!(record(over_time, "abd").state("abc"), "stale");
    }
}
