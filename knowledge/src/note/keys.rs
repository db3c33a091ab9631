//! The keys of a note's front matter, read by type. Whatever is wrong with one is a finding at its place.

use diagnostics::front_matter::Entry;
use diagnostics::yaml::{Kind, Node, Scalar};
use diagnostics::{Findings, Span};

use super::{NoteKind, technique};
use crate::codes;

/// How alike a key has to be to one that is read, so that it is taken for a misspelling of it.
const MISSPELT: f64 = 0.85;

/// The front matter of one note.
pub(crate) struct Keys<'e, 'f> {
    /// The keys in the order of the text, each once.
    pub(super) entries: &'e [Entry],
    /// Where findings go.
    pub(super) findings: &'f mut Findings,
    /// The place of what is missing.
    pub(super) top: Span,
}

impl<'e> Keys<'e, '_> {
    /// The kind of the note. A note that does not name one and has the tags or the address of a technique
    /// is a technique note; otherwise that is a finding.
    pub(super) fn kind(&mut self) -> Option<NoteKind> {
        let value = self.value("kind");
        let message = match value.map(|node| (node, node.scalar())) {
            None | Some((_, Some(Scalar::Null))) => {
                if technique::named(self).is_some() {
                    return Some(NoteKind::Technique);
                }
                "the front matter does not say which `kind` of note this is".to_owned()
            }
            Some((node, Some(_))) => {
                let name = node.text().unwrap_or_default();
                if let Some(kind) = NoteKind::named(name) {
                    return Some(kind);
                }
                format!("there is no kind of note `{}`", name.escape_debug())
            }
            Some((_, None)) => "the `kind` of a note is a word".to_owned(),
        };
        let kinds = NoteKind::ALL.map(|kind| format!("`kind: {}`", kind.as_str()));
        self.wrong("kind", message, format!("write {}", kinds.join(", ")));
        None
    }

    /// Reports keys that notes of this kind do not have.
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            match closest(&entry.key, known) {
                Some((closest, likeness)) if likeness > 0.7 => self.misspelt(entry, closest),
                _ => {
                    let help = format!("a note of this kind has the keys `{}`", known.join("`, `"));
                    self.unknown(entry, help);
                }
            }
        }
    }

    /// Reports keys that look like a misspelling of one that is read, and merge keys, which are not read.
    /// Other keys belong to whoever wrote them.
    pub(crate) fn refuse_misspelt(&mut self, known: &[&str]) {
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            match closest(&entry.key, known) {
                _ if entry.key == "<<" => {
                    let help = "write the keys out; merge keys are not read";
                    self.unknown(entry, help.to_owned());
                }
                Some((closest, likeness)) if likeness > MISSPELT => {
                    self.misspelt(entry, closest);
                }
                _ => {}
            }
        }
    }

    /// Reports a key that looks like another; writing that one is a fix, where it is not there already.
    fn misspelt(&mut self, entry: &Entry, instead: &str) {
        self.unknown(entry, format!("did you mean `{instead}`?"));
        if !self.has(instead) {
            self.findings.fix(entry.span, instead);
        }
    }

    fn unknown(&mut self, entry: &Entry, help: String) {
        let message = format!("unknown key `{}`", entry.key.escape_debug());
        self.findings.add(&codes::UNKNOWN_KEY, entry.span, message, help);
    }

    /// The value of a key; `None` where it is missing or null.
    pub(crate) fn value(&self, key: &str) -> Option<&'e Node> {
        let value = &self.entries.iter().find(|entry| entry.key == key)?.value;
        (value.scalar() != Some(Scalar::Null)).then_some(value)
    }

    /// A text that the note has to have.
    pub(crate) fn required(&mut self, key: &str, help: &str) -> Option<String> {
        let text = self.text(key, help);
        if text.is_none() && self.value(key).is_none() {
            self.wrong(key, format!("the front matter lacks `{key}`"), help);
        }
        text
    }

    /// A text; `None` where the key is missing, or not a text.
    pub(crate) fn text(&mut self, key: &str, help: &str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.text().map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(key, format!("`{key}` is not a text"), help);
        }
        text.map(str::to_owned)
    }

    /// A list of texts, with the place of each. What is not one is a finding; a missing list is empty.
    pub(crate) fn texts(&mut self, key: &str, help: &str) -> Vec<(&'e str, Span)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Kind::List(list) = &value.kind else {
            self.wrong(key, format!("`{key}` is not a list"), help);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for node in list {
            match node.text().filter(|text| !text.trim().is_empty()) {
                Some(text) => texts.push((text, node.span)),
                None => {
                    let message = format!("`{key}` contains something that is not a text");
                    self.findings.add(&codes::WRONG_KEY, node.span, message, help);
                }
            }
        }
        texts
    }

    /// Reports a key that is missing or has a value that it cannot have.
    pub(crate) fn wrong(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let span = self.place(key);
        self.findings.add(&codes::WRONG_KEY, span, message, help);
    }

    /// Reports a part of a value.
    pub(crate) fn wrong_at(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.findings.add(&codes::WRONG_KEY, span, message, help);
    }

    /// Returns true if the key is there, whatever its value is.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The place of a key; the start of the map where it is missing.
    pub(crate) fn place(&self, key: &str) -> Span {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map_or(self.top, |entry| entry.span)
    }

    /// The findings, for readers of a value.
    pub(crate) fn findings(&mut self) -> &mut Findings {
        self.findings
    }
}

fn closest<'k>(key: &str, known: &[&'k str]) -> Option<(&'k str, f64)> {
    let likeness = known.iter().map(|known| (*known, strsim::jaro(known, key)));
    likeness.max_by(|left, right| left.1.total_cmp(&right.1))
}
