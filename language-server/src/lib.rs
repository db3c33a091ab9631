//! What an editor asks about rules and notes: findings as one types, fixes, completion, hover, definitions,
//! and the examples of a note.
//!
//! A [`Project`] is the texts of all notes and Sigma files; [`Project::findings`] are those of `tidegate check
//! --lint` about one of them, computed from the few files that can matter. Answers are functions of a project, a
//! text and a position. A [`Session`] speaks the Language Server Protocol: messages in, messages out.
//!
//! Pure but for [`Disk`], through which a session asks for the files of its folder again.
#![forbid(unsafe_code)]

mod action;
mod completion;
mod definition;
mod diagnostic;
mod disk;
mod document;
mod examples;
mod hover;
mod lens;
pub mod limits;
mod logsource;
mod place;
mod project;
mod roots;
mod session;
mod techniques;
mod vocabulary;

pub use disk::{Disk, Files};
pub use document::Document;
pub use project::Project;
pub use roots::Roots;
pub use session::Session;
