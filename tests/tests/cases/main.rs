//! The table of cases in `tests/cases`, by every runner.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests touch files, print what they skip, and fail loudly"
)]

mod browser;
mod envoy;
#[path = "../evasion/table.rs"]
#[expect(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is sent to an Envoy is no concern of a browser; a test's table fails loudly"
)]
mod evasion;
mod native;
mod request;
mod rules;
