//! The Obsidian vault: pages from notes and catalogues, and how they are merged with what is there.
//!
//! Pure: [`build::build`] gives pages and files as values; the command line writes them. Same input, same
//! bytes out.
#![forbid(unsafe_code)]

pub mod build;
pub mod check;
mod coverage;
mod curl;
mod events;
pub mod evidence;
mod fences;
pub mod fields;
pub mod gather;
pub mod guide;
pub mod link_style;
pub mod literal;
mod markdown;
pub mod merge;
pub mod names;
mod own_markdown;
mod own_words;
pub mod page;
pub mod property;
pub mod prose;
pub mod record;
pub mod sources;
mod tables;
mod tags;
pub mod taxonomy;
