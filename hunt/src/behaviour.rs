//! What sources did over time: the fields of [`inspect::Behaviour`], exactly, over a whole log.
//!
//! Workers note each request's use of a host ([`uses`]), the [`ledger`] keeps them by pair of source and host,
//! about six bytes each ([`pairs`]), and [`facts`] computes the fields once the log has ended. A rule that asks for
//! them is undecided until then: of each pair the first request that it may match is kept ([`candidates`]), in a file
//! where there are many ([`request_store`]), and judged again if it still may match. So a log is read once, also from a pipe, and times may be out of order.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "statistics of counts and seconds, far below 2^52; sizes are written byte by byte"
)]

pub(crate) mod candidates;
pub(crate) mod facts;
pub(crate) mod first_uses;
pub(crate) mod ledger;
pub(crate) mod pairs;
mod quartiles;
pub(crate) mod request_store;
pub(crate) mod rhythm;
pub(crate) mod rita;
pub(crate) mod series;
pub(crate) mod stored_request;
pub(crate) mod uses;
pub(crate) mod values;

pub use request_store::Spill;
pub use rita::RitaScore;
