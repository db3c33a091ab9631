//! The preview of a rule: what the page in a browser asks the filter's own engine.
//!
//! Everything here is plain and tested natively; [`shell`] gives it to JavaScript and has no logic.
//! Requests are read by the crate `knowledge`, the one place where requests are read: `tidegate
//! explain` and the page take the same forms and say the same of what is wrong with them.

mod check;
mod example;
mod explanation;
mod import;
pub mod limits;
mod session;
pub mod shell;
mod vocabulary;

pub use check::{Change, Checked, Edit, Fix, Problem, TriedExample, check};
pub use example::with_example;
pub use explanation::{Explained, Part, Reading, RuleExplained};
pub use import::{Import, Imported, Refusal};
pub use session::{PackInfo, Row, RuleInfo, Session, Slot};
pub use vocabulary::{Vocabulary, Word, vocabulary};
