//! Notes and Sigma files as a list to choose from, and the requests that they bring along.

use diagnostics::SourceFile;
use knowledge::{Expectation, Note, Sequence};
use serde::Serialize;

use crate::check::is_note;
use crate::session::technique;
use crate::shared::NamedText;

/// What a list shows of a note or Sigma file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GalleryEntry {
    /// The name of its file.
    pub name: String,
    /// The title of its rule; the name of the file where it has none.
    pub title: String,
    /// The description of its rule.
    pub description: String,
    /// The level; may be empty.
    pub level: &'static str,
    /// Its ATT&CK techniques, as `T1102.002`.
    pub techniques: Vec<String>,
    /// The services that its note names.
    pub services: Vec<String>,
    /// How many examples its note has.
    pub n_examples: usize,
}

/// Returns an entry for each text with a rule, in the given order. Texts without one are left out.
pub fn gallery(notes: &[NamedText]) -> Vec<GalleryEntry> {
    notes.iter().filter_map(entry).collect()
}

fn entry(named: &NamedText) -> Option<GalleryEntry> {
    let mut entry = GalleryEntry { name: named.name.clone(), ..GalleryEntry::default() };
    let sigma = if is_note(&named.text) {
        let Some(Note::Rule(note)) = Note::read(&named.name.as_str().into(), &named.text).note
        else {
            return None;
        };
        entry.services = note.services;
        entry.n_examples = note.examples.len() + note.sequences.len();
        note.rule?.text
    } else {
        named.text.clone()
    };
    // A placeholder without values is a finding, and the metadata is read all the same.
    let metadata = metadata(&sigma)?;
    entry.title = metadata.title;
    entry.description = metadata.description;
    entry.level = metadata.level;
    entry.techniques = metadata.techniques;
    Some(entry)
}

struct Metadata {
    title: String,
    description: String,
    level: &'static str,
    techniques: Vec<String>,
}

/// The metadata of the first rule of a Sigma text, by its keys: also of one that does not compile here.
fn metadata(sigma: &str) -> Option<Metadata> {
    let value = |key: &str| {
        let found = sigma.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        found.map(|text| text.trim().trim_matches(['\'', '"']).to_owned())
    };
    let title = value("title").filter(|title| !title.is_empty())?;
    let level = value("level").unwrap_or_default();
    let levels = ["informational", "low", "medium", "high", "critical"];
    let tags = sigma.split("attack.t").skip(1).filter_map(|rest| {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
        let number = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches('.');
        technique(&format!("attack.t{number}"))
    });
    let mut techniques: Vec<_> = tags.collect();
    techniques.sort_unstable();
    techniques.dedup();
    Some(Metadata {
        title,
        description: value("description").unwrap_or_default(),
        level: levels.into_iter().find(|known| *known == level).unwrap_or_default(),
        techniques,
    })
}

/// The requests of a note's examples, as it writes them, each behind a comment with what is expected of it,
/// and the log of its first sequence that its rule must match.
/// Empty for a text without examples.
pub fn requests_of(text: &str) -> String {
    let Some(Note::Rule(note)) = Note::read(&"draft.md".into(), text).note else {
        return String::new();
    };
    let mut requests = String::new();
    for example in &note.examples {
        let expected = match example.expectation {
            Expectation::Match => "# must match\n",
            Expectation::Pass => "# must pass\n",
        };
        requests += expected;
        requests += &example.text;
        requests.push('\n');
    }
    // Sequences are logs of their own: two in one would be another log.
    let is_match = |sequence: &&Sequence| sequence.expectation == Expectation::Match;
    if let Some(sequence) = note.sequences.iter().find(is_match) {
        requests += &sequence.log;
    }
    requests
}

/// The rule of a note as Sigma text; Sigma text as it is. `None` for a note without a rule.
pub fn as_sigma(text: &str) -> Option<String> {
    if !is_note(text) {
        return Some(text.to_owned());
    }
    match Note::read(&"draft.md".into(), text).note {
        Some(Note::Rule(note)) => note.rule.map(|block| block.text),
        _ => None,
    }
}

/// The library's file of a name and text.
pub(crate) fn draft(text: &str) -> SourceFile {
    let name = if is_note(text) { "draft.md" } else { "draft.yml" };
    SourceFile { name: name.into(), bytes: text.as_bytes().to_vec() }
}
