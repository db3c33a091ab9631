//! Obsidian's own settings of a vault, as far as the generator keeps to them.

use obsidian::link_style::LinkStyle;
use serde_json::Value;

use crate::disk::VaultFolder;

/// Where Obsidian keeps them.
pub(super) const PATH: &str = ".obsidian/app.json";

/// The settings of a vault whose links are Markdown, so that those that a person adds are too.
pub(super) const MARKDOWN_LINKS: &str =
    "{\n  \"newLinkFormat\": \"relative\",\n  \"useMarkdownLinks\": true\n}\n";

/// The settings that were read; `None` where the vault has none that can be read.
#[derive(Debug, Default)]
pub(super) struct Settings(Option<Value>);

impl Settings {
    pub(super) fn read(vault: &VaultFolder) -> Settings {
        let bytes = vault.read(PATH);
        Settings(bytes.ok().map(|bytes| serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// The form of links that a person chose in Obsidian.
    pub(super) fn links(&self) -> LinkStyle {
        let chosen = self.0.as_ref().and_then(|value| value.get("useMarkdownLinks"));
        match chosen.and_then(Value::as_bool) {
            Some(true) => LinkStyle::Markdown,
            Some(false) | None => LinkStyle::Wiki,
        }
    }

    /// Returns true if the vault has no such file; one of a person is never changed.
    pub(super) fn is_missing(&self) -> bool {
        self.0.is_none()
    }
}
