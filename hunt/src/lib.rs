//! Rules over logs: lines in, matches out, the same verdicts as inline.
//!
//! A [`Hunter`] takes pieces of a log that end at a line break and gives a [`Haul`] each: what matched,
//! what correlations have to know, and how many lines were read. Pieces can be worked on in parallel;
//! a [`Report`] takes the hauls in the order of the log, runs the correlations and writes records.
//! What is kept is bounded: one piece, and the state of the correlations.
//! [`score`] runs labelled requests over a pack and its policy.
//!
//! Nothing of a request is shown but its template ([`inspect::redact`]), unless values are asked for.
#![forbid(unsafe_code)]

mod counts;
mod events;
mod hunter;
pub mod limits;
mod output;
mod report;
pub mod score;
mod terms;

pub use counts::Counts;
pub use hunter::{Haul, Hunter};
pub use output::Output;
pub use report::Report;
pub use terms::Terms;
