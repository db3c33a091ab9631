//! The table of cases in `tests/cases`, by every runner.
#![expect(clippy::disallowed_methods, reason = "tests touch files")]

mod envoy;
mod native;
mod rules;
