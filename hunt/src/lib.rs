//! Rules over logs: lines in, matches out, the same verdicts as inline.
//!
//! A [`Hunter`] takes pieces of a log that end at a line break and returns a [`PieceReport`] for each:
//! matches, hits for the correlations, and how many lines were read. Pieces can be judged in parallel;
//! a [`Report`] takes their reports in the order of the log, runs the correlations and writes records.
//! Memory is bounded by one piece and the state of the correlations.
//! [`score`] runs labelled requests over a pack and its policy, [`learn`] writes a first allow-list.
//!
//! Of a request's path only the template is shown ([`inspect::redact`]), unless values are asked for.
#![forbid(unsafe_code)]

mod counts;
mod events;
mod given;
mod hunter;
pub mod learn;
pub mod limits;
mod output;
mod policy_replay;
mod report;
pub mod score;
mod uses;

pub use counts::Counts;
pub use hunter::{Hunter, PieceReport};
pub use output::Output;
pub use policy_replay::PolicyReplay;
pub use report::Report;
pub use uses::{Use, UseCount, Uses};
