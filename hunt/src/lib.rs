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

mod behaviour;
mod counts;
mod events;
mod given;
mod hunter;
pub mod learn;
pub mod limits;
mod observed;
mod output;
mod page;
mod policy_replay;
mod report;
pub mod score;
mod timestamp;
mod uses;

pub use behaviour::{RitaScore, Spill};
pub use counts::{Counts, Missed};
pub use hunter::{Hunter, PieceReport};
pub use observed::{LogObserver, ObservedLog, ObservedPair};
pub use output::Output;
pub use page::PAGE_START;
pub use policy_replay::PolicyReplay;
pub use report::{ReadLog, Report};
pub use uses::{Manner, Use, UseCount, Uses};

use inspect::{Pack, PackError, RuleId};
use traffic::{FieldMap, Format};

/// Returns the rules that match a request of an access log in JSON, also by what its source did over time.
///
/// # Errors
/// The bytes are not a pack.
pub fn matching_rules(pack: &[u8], log: &[u8]) -> Result<Vec<RuleId>, PackError> {
    let map = FieldMap::default();
    let mut report = Report::new(Pack::decode(pack)?, Output::Json, 1, false);
    let mut hunter = Hunter::new(Pack::decode(pack)?, Format::Envoy, &map, false);
    report.begin(&"sequence".into());
    report.take(hunter.hunt(log));
    report.finish();
    Ok(report.matching_rules())
}
