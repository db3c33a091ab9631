//! A page: its id, its properties, its managed blocks.

use super::property::Property;

/// A Markdown page of the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it stays known by when it is renamed: `technique/T1102.002`.
    pub id: String,
    /// Its path in the vault, with `/`.
    pub path: String,
    /// Front matter, in order.
    pub properties: Vec<(String, Property)>,
    /// Managed blocks, in order: a name and Markdown.
    pub blocks: Vec<(String, String)>,
}

impl Page {
    /// An empty page.
    pub fn new(id: impl Into<String>, path: impl Into<String>) -> Page {
        Page { id: id.into(), path: path.into(), properties: Vec::new(), blocks: Vec::new() }
    }

    /// Adds a property.
    pub fn set(&mut self, key: &str, value: Property) {
        self.properties.push((key.to_owned(), value));
    }

    /// Adds a block; empty text is left out.
    pub fn block(&mut self, name: &str, text: impl AsRef<str>) {
        let text = text.as_ref().trim_matches('\n');
        if !text.is_empty() {
            self.blocks.push((name.to_owned(), text.to_owned()));
        }
    }
}

/// A short hash of a text: 48 bits in hexadecimal, to see that something changed.
pub fn digest(text: &str) -> String {
    // FNV-1a: it guards against accidents, not against people.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{:012x}", hash & 0xffff_ffff_ffff)
}
