//! What is wrong with a text that a person wrote: where, why it matters, what to do.
//!
//! A [`Diagnostic`] has a [`Code`], a message, a help, a [`Place`], and a [`Fix`] where one is mechanical.
//! A [`Finding`] adds other places and details; [`Findings`] collects them for one text, and [`report`]
//! writes them as text, JSON and SARIF. [`yaml`] reads YAML with positions, [`front_matter`] that of a note,
//! [`Lines`] turns byte offsets
//! into lines and columns, [`decode`] turns the bytes of a file into text.
//!
//! Pure: nothing here touches the file system, prints, or reads a clock.
#![forbid(unsafe_code)]

mod closest;
pub mod codes;
mod diagnostic;
mod finding;
pub mod front_matter;
mod key_material;
pub mod limits;
mod printable;
pub mod report;
mod source;
mod text;
pub mod yaml;

pub use closest::closest;
pub use diagnostic::{Code, Diagnostic, Edit, Fix, Place, Severity, Span};
pub use finding::{Finding, Findings, Related};
pub use key_material::contains_key;
pub use printable::{is_printable, printable, printable_json};
pub use source::{SourceFile, SourceText, Sources};
pub use text::{Decoded, Lines, decode, number};
