//! Other people's collections, read from local copies: rules, tests, techniques, countermeasures, notes.
//!
//! Every reader takes the text of one file and returns what it says, or why it says nothing. Nothing of a
//! catalogue is ever written into this repository; what is derived from it goes to the user's vault.
//! [`query`] reads the query languages of the rules, [`dialect`] the technique notes as people have them.
#![forbid(unsafe_code)]

pub mod atomic;
pub mod attack;
mod collection;
pub mod d3fend;
pub mod dialect;
mod elastic;
pub mod facts;
mod left_out;
mod ontology;
pub mod query;
mod rule;
mod sigma;
mod splunk;
mod technique_names;
mod value;

pub use self::sigma::of_rule;
pub use collection::{is_rule_path, read_rules};
pub use left_out::{LEFT_OUT, LeftOut};
pub use rule::{
    CatalogueRule, Collection, LogSource, Reading, Skipped, iso_date, technique_id, techniques_in,
};
pub use technique_names::TechniqueNames;

#[cfg(test)]
mod tests;
