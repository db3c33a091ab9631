//! The language checked against the specification's edge cases, the corpora and a plain evaluator.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unimplemented,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test may panic, says what it skips, and reads the corpora"
)]

mod behaviour;
mod corpus;
mod correlation;
mod docs;
mod edge_cases;
mod event;
mod filter;
mod fix;
mod hosts;
mod inline;
mod lint;
mod mutated;
mod pending;
mod plain;
mod re2;
mod refused;
