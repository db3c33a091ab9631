//! What the keys of a line of a log say about the lines that follow: a log writes the same ones in the same order.

use crate::envelope::Envelope;
use crate::plain_json;

/// The keys of the last line that was found to be one of Envoy's own log.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Vec<String>);

impl KnownKeys {
    /// Returns true if a line has these keys. What a line is follows from its keys, if none of them is one under which
    /// collectors put lines, and no value has keys of its own.
    pub(super) fn are_those_of(&self, line: &str) -> bool {
        let mut known = self.0.iter();
        let mut are_same = true;
        let read = plain_json::object(line, |key, value| {
            are_same &= known.next().is_some_and(|known| known == key) && is_flat(value);
        });
        read.is_some() && are_same && known.next().is_none() && !self.0.is_empty()
    }

    /// Takes the keys of a line of Envoy's own log; none where its keys alone do not say what it is.
    pub(super) fn learn(&mut self, line: &str) {
        self.0.clear();
        let mut says_all = true;
        let read = plain_json::object(line, |key, value| {
            says_all &= is_flat(value) && !Envelope::may_be_under(key);
            self.0.push(key.to_owned());
        });
        if read.is_none() || !says_all {
            self.0.clear();
        }
    }
}

/// Returns true if a value is a text, a number or a word.
fn is_flat(value: &str) -> bool {
    !value.starts_with(['{', '['])
}
