//! Notes as people have them: technique notes in four dialects, detection pages with a Sigma rule in a
//! fence, and other documents about techniques. All are recognised by their content.
//!
//! A note is never refused: what is odd about it is normalised and reported, with its line. What is not
//! understood is carried over unchanged.

mod catalogue_page;
mod classify;
mod compass;
mod document;
mod fence;
mod front_matter;
mod rule_page;
pub mod section;

use encoding_rs::WINDOWS_1252;
use section::Section;

use crate::CatalogueRule;
pub use crate::value::Value;
pub use document::{Document, DocumentKind};

/// A note as it was read.
#[derive(Clone, Debug)]
pub enum PersonalNote {
    /// About one technique.
    Technique(TechniqueNote),
    /// Detection rules in fences, with what the note says around them.
    Rules(Vec<CatalogueRule>),
    /// About techniques, or of a known kind.
    Document(Document),
}

/// Which dialect a note is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Front matter and sections, with Dataview blocks.
    FrontMatter,
    /// A page of the Control Validation Compass.
    Compass,
    /// A page of a rule catalogue.
    CataloguePage,
    /// A heading or a file name with the technique's id, without front matter.
    Heading,
}

impl Dialect {
    /// What pages call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::FrontMatter | Dialect::Heading => "technique note",
            Dialect::Compass => "Control Validation Compass",
            Dialect::CataloguePage => "rule catalogue",
        }
    }
}

/// A technique note.
#[derive(Clone, Debug)]
pub struct TechniqueNote {
    /// Its file.
    pub file: String,
    /// How it is written.
    pub dialect: Dialect,
    /// `T1102.002`.
    pub technique: String,
    /// Other techniques that its front matter names beside it.
    pub others: Vec<String>,
    /// The name, as written.
    pub name: String,
    /// Tactics, as written.
    pub tactics: Vec<String>,
    /// Front matter, in order.
    pub properties: Vec<(String, Value)>,
    /// Everything else, in order.
    pub sections: Vec<Section>,
    /// What is odd: line and message.
    pub remarks: Vec<(usize, String)>,
    /// Counts that do not hold: line, what, declared, listed.
    pub mismatches: Vec<Mismatch>,
}

/// A declared count that differs from what is listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mismatch {
    /// Where the count is declared.
    pub line: usize,
    /// Of what.
    pub of: String,
    /// What the note says.
    pub declared: usize,
    /// What it lists.
    pub listed: usize,
}

impl TechniqueNote {
    /// Returns a note of which only technique and name are known.
    fn new(dialect: Dialect, technique: String, name: String) -> TechniqueNote {
        TechniqueNote {
            file: String::new(),
            dialect,
            technique,
            others: Vec::new(),
            name,
            tactics: Vec::new(),
            properties: Vec::new(),
            sections: Vec::new(),
            remarks: Vec::new(),
            mismatches: Vec::new(),
        }
    }

    /// The texts of a key of its front matter; none where it is missing.
    pub fn texts(&self, key: &str) -> Vec<String> {
        texts(&self.properties, key)
    }
}

/// The front matter of a note of any kind, typed; empty where it has none.
pub fn properties(text: &str) -> Vec<(String, Value)> {
    front_matter::read(text).properties
}

/// The texts of a key.
pub fn texts(properties: &[(String, Value)], key: &str) -> Vec<String> {
    let found = properties.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value.texts()).unwrap_or_default()
}

/// Reads the bytes of a note; `None` where it is not about a technique, holds no rule and is of no known
/// kind.
pub fn read(file: &str, bytes: &[u8]) -> Option<PersonalNote> {
    let mut remarks = Vec::new();
    let text = decode(bytes, &mut remarks);
    let mut note = compass::read(&text)
        .or_else(|| catalogue_page::read(&text))
        .map(PersonalNote::Technique)
        .or_else(|| classify::read(file, &text))?;
    match &mut note {
        PersonalNote::Technique(note) => {
            file.clone_into(&mut note.file);
            note.remarks.splice(0..0, remarks);
        }
        PersonalNote::Document(document) => {
            file.clone_into(&mut document.file);
            document.remarks.splice(0..0, remarks);
        }
        PersonalNote::Rules(_) => {}
    }
    Some(note)
}

/// Reads any other note as a document; `None` where it holds no words.
pub fn other(file: &str, bytes: &[u8]) -> Option<Document> {
    let mut remarks = Vec::new();
    let text = decode(bytes, &mut remarks);
    let is_text = text.chars().any(char::is_alphanumeric) && !bytes.contains(&0);
    let mut document = is_text.then(|| classify::other(file, &text))?;
    file.clone_into(&mut document.file);
    document.remarks.splice(0..0, remarks);
    Some(document)
}

/// UTF-8, or else Windows-1252; without byte order mark and carriage returns. What was undone is reported.
fn decode(bytes: &[u8], remarks: &mut Vec<(usize, String)>) -> String {
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            remarks.push((1, "a byte order mark was left out".into()));
            rest
        }
        None => bytes,
    };
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            remarks.push((line, "the file is not UTF-8; it was read as Windows-1252".into()));
            WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        }
    };
    if text.contains('\r') {
        remarks.push((1, "line ends were CRLF".into()));
    }
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests;
