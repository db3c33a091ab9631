//! `cargo xtask sanitize`: the unsafe code of the native module under `AddressSanitizer` and `LeakSanitizer`.
//!
//! The tests of `filter-native` drive the module's entry points by a fake Envoy that lends every buffer as an
//! allocation of exactly its size, which ends with the callback: a read beyond it or after it ends the run.

use std::process::Command;

use anyhow::Result;
use clap::Args;
use tests::workspace;

use crate::command;
use crate::install;
use crate::progress::step;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How long to try.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Random sequences of callbacks for each property; an ordinary test run has 64.
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
}

/// Runs the tests of `filter-native`, built with the sanitisers. What they find is an error.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    install::nightly()?;
    step(&format!("AddressSanitizer and {} cases for each property", arguments.cases));
    let mut cargo = Command::new("rustup");
    cargo.args(["run", install::NIGHTLY, "cargo", "test", "--package", "filter-native", "--lib"]);
    // A target, so that build scripts and macros are built without the sanitiser.
    cargo.args(["--target", TARGET, "--target-dir"]).arg(workspace::target().join("sanitized"));
    cargo
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("PROPTEST_CASES", arguments.cases.to_string());
    cargo.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1");
    command::run(cargo.current_dir(workspace::root()))
}
