//! The preview of a rule: the filter's own engine for the page in a browser.
//!
//! Everything here is plain and tested natively; [`shell`] gives it to JavaScript and has no logic.
//! Requests are read by the crate `knowledge`, the one place where requests are read: `tidegate
//! explain` and the page accept the same forms and report the same findings.

mod case;
mod check;
mod decision;
mod example;
mod explanation;
mod import;
pub mod limits;
mod row;
mod session;
pub mod shell;
mod vocabulary;

pub use case::{CaseRequest, CaseVerdict};
pub use check::{Checked, Edit, Fix, Problem, TriedExample, check};
pub use example::with_example;
pub use explanation::{Explained, Part, Reading, RuleExplained};
pub use import::{Import, Imported, Refusal};
pub use row::{Row, RowText};
pub use session::{PackInfo, RuleInfo, Session, Slot};
pub use vocabulary::{Vocabulary, Word, vocabulary};
