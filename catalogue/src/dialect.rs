//! Technique notes as people have them: three dialects, recognised by their content.
//!
//! A note is never refused: what is odd about it is normalised and reported, with its line. What is not
//! understood is carried over unchanged.

mod catalogue_page;
mod compass;
mod front_matter;
pub mod section;

use encoding_rs::WINDOWS_1252;
use section::Section;

/// Which dialect a note is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Front matter and sections, with Dataview blocks.
    FrontMatter,
    /// A page of the Control Validation Compass.
    Compass,
    /// A page of a rule catalogue.
    CataloguePage,
}

impl Dialect {
    /// What pages call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::FrontMatter => "technique note",
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
    /// The name, as written.
    pub name: String,
    /// Tactics, as written.
    pub tactics: Vec<String>,
    /// Front matter: key and values.
    pub properties: Vec<(String, Vec<String>)>,
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

/// Reads the bytes of a note; `None` where it is no technique note.
pub fn read(file: &str, bytes: &[u8]) -> Option<TechniqueNote> {
    let mut remarks = Vec::new();
    let text = decode(bytes, &mut remarks);
    let mut note = front_matter::read(&text)
        .or_else(|| compass::read(&text))
        .or_else(|| catalogue_page::read(&text))?;
    file.clone_into(&mut note.file);
    note.remarks.splice(0..0, remarks);
    Some(note)
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
