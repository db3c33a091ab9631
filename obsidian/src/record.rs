//! What a run of a runbook showed, in the front matter of its note and of its page.
//!
//! `tidegate test --record` writes it, the vault's build carries it from the note to the page.

use serde_json::Value;

use super::property::Property;

/// The keys, in the order in which they are written.
const KEYS: [&str; 3] = ["last_run", "last_result", "last_pack"];

/// The outcome of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The day, as `2026-11-21`.
    pub date: String,
    /// `passed, 6 of 6 steps`, or `failed, ...`.
    pub result: String,
    /// The first digits of the hash of the pack that the gateway ran; empty where its log did not say.
    pub pack: String,
}

impl Record {
    /// Reads it from front matter; `None` where the runbook was never run.
    pub fn of(head: &Value) -> Option<Record> {
        let text = |key: &str| head.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let [date, result, pack] = KEYS.map(text);
        (!date.is_empty() && !result.is_empty()).then_some(Record { date, result, pack })
    }

    /// Its properties.
    pub fn properties(&self) -> [(&'static str, Property); 3] {
        let values = [
            Property::Date(self.date.clone()),
            Property::Text(self.result.clone()),
            Property::Text(self.pack.clone()),
        ];
        let [date, result, pack] = KEYS;
        let [of_date, of_result, of_pack] = values;
        [(date, of_date), (result, of_result), (pack, of_pack)]
    }

    /// What became of the runbook: `passed`, `failed`, or `stale` where it passed with another pack.
    pub fn state(&self, pack: &str) -> &'static str {
        if !self.result.starts_with("passed") {
            "failed"
        } else if !self.pack.is_empty() && !pack.starts_with(&self.pack) {
            "stale"
        } else {
            "passed"
        }
    }

    /// A note or page with these keys set; every other byte stays. `None` where the text does not begin
    /// with front matter.
    pub fn write_into(&self, text: &str) -> Option<String> {
        let mut lines = text.split_inclusive('\n');
        let first = lines.next()?;
        if first.trim_start_matches('\u{feff}').trim_end() != "---" {
            return None;
        }
        let ending = if first.ends_with("\r\n") { "\r\n" } else { "\n" };
        let mut head: Vec<String> = Vec::new();
        let mut end = first.len();
        let closing = loop {
            let line = lines.next()?;
            if line.trim_end() == "---" {
                break line;
            }
            end += line.len();
            head.push(line.to_owned());
        };
        let mut behind = head.len();
        for (key, value) in self.properties() {
            let line = value.lines(key).replace('\n', ending);
            let of_key =
                |line: &String| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
            match head.iter().position(of_key) {
                Some(at) => {
                    let continues = |line: &&String| line.starts_with([' ', '\t', '-']);
                    let n_more = head.iter().skip(at + 1).take_while(continues).count();
                    head.splice(at..=at + n_more, [line]);
                    behind = at + 1;
                }
                None => {
                    head.insert(behind.min(head.len()), line);
                    behind += 1;
                }
            }
        }
        let rest = text.get(end + closing.len()..).unwrap_or_default();
        Some(format!("{first}{}{closing}{rest}", head.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_keys_change() {
        let record = Record {
            date: "2026-11-21".into(),
            result: "passed, 2 of 2 steps".into(),
            pack: "0123456789abcdef".into(),
        };
        let keys = "last_run: 2026-11-21\nlast_result: \"passed, 2 of 2 steps\"\nlast_pack: \"0123456789abcdef\"\n";
        let cases = [
            ("---\nkind: runbook\n---\n\nwords\n", format!("---\nkind: runbook\n{keys}---\n\nwords\n")),
            (
                "---\nlast_result: never run\npack: x\n# mine\n---\nlast_run: words\n",
                "---\nlast_result: \"passed, 2 of 2 steps\"\nlast_pack: \"0123456789abcdef\"\npack: x\n# mine\nlast_run: 2026-11-21\n---\nlast_run: words\n".to_owned(),
            ),
            (
                "---\r\nlast_run:\r\n  - odd\r\na: 1\r\n---\r\nwords",
                format!("---\r\n{}a: 1\r\n---\r\nwords", keys.replace('\n', "\r\n")),
            ),
        ];
        for (before, after) in cases {
            let written = record.write_into(before).unwrap();
            assert_eq!(written, after);
            assert_eq!(record.write_into(&written).unwrap(), written, "a second time");
        }
        for text in ["", "words", "---\nno end\n", "\n---\na: 1\n---\n"] {
            assert_eq!(record.write_into(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_pass_holds_for_the_pack_that_it_was_seen_with() {
        let record = |result: &str, pack: &str| Record {
            date: "2026-11-21".into(),
            result: result.into(),
            pack: pack.into(),
        };
        assert_eq!(record("passed, 1 of 1 steps", "abc").state("abcdef"), "passed");
        assert_eq!(record("passed, 1 of 1 steps", "").state("abcdef"), "passed");
        assert_eq!(record("passed, 1 of 1 steps", "abd").state("abcdef"), "stale");
        assert_eq!(record("failed, step 1", "abc").state("abcdef"), "failed");
    }
}
