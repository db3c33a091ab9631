//! Notes and catalogues to a library, and to the pages of an Obsidian vault.

pub mod catalogue;
pub mod query;
