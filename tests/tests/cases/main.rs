//! The table of cases in `tests/cases`, by every runner.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests touch files, tell what they skip, and fail loudly"
)]

mod envoy;
mod native;
mod rules;
