//! The preview of a rule: the filter's own engine for the page in a browser.
//!
//! Everything here is plain and tested natively; [`shell`] gives it to JavaScript and has no logic.
//! Requests are read by the crate `knowledge`, the one place where requests are read: `tidegate
//! explain` and the page accept the same forms and report the same findings.

mod binary;
mod case;
mod check;
mod decision;
mod example;
mod explanation;
mod gallery;
mod import;
pub mod limits;
mod row;
mod session;
mod shared;
pub mod shell;
mod vocabulary;

pub use case::{CaseRequest, CaseVerdict};
pub use check::{Checked, Edit, Fix, Problem, TriedExample, check};
pub use example::{as_note, with_example};
pub use explanation::{Explained, OverTime, Part, Piece, Reading, RuleExplained, ServiceUse};
pub use gallery::{GalleryEntry, as_sigma, gallery, requests_of};
pub use import::{Import, Imported, Refusal};
pub use row::{Row, RowText};
pub use session::{PackInfo, RuleInfo, Session, Slot};
pub use shared::{NamedText, Shared};
pub use vocabulary::{Vocabulary, Word, vocabulary};
