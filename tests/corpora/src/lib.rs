//! Finds other people's rules, logs and notes for tests, and records the tests that ran without them.
//!
//! The project contains none of this data, since its licences forbid it or its size does. A test asks
//! [`folder`] for what it reads, and returns where it gets `None`:
//!
//! ```no_run
//! let Some(corpora) = corpora::folder(&["sigma"]) else { return };
//! # let _ = corpora;
//! ```
//!
//! A test runner captures what a passing test prints, so a skip is also appended to the file that
//! `TIDEGATE_SKIPPED` names; `cargo xtask test` lists it at its end. With `TIDEGATE_REQUIRE_CORPORA=1`
//! the test fails instead.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "tests read files and the environment")]

mod skip;
mod words;

use std::env;
use std::panic::Location;
use std::path::{Path, PathBuf};

pub use skip::{Skip, read, record};
pub use words::words;

/// Names the folder of corpora.
const FOLDER: &str = "TIDEGATE_CORPORA";
/// Makes a test fail that would be skipped; `0` and the empty text do not.
const REQUIRE: &str = "TIDEGATE_REQUIRE_CORPORA";
/// Names the file to which skips are appended.
pub const RECORD: &str = "TIDEGATE_SKIPPED";

/// Returns the folder of corpora: the one that `TIDEGATE_CORPORA` names, else `../shared/corpora` beside
/// the workspace.
///
/// # Errors
/// What is missing, where the folder or one of `parts` below it is not there.
pub fn find(parts: &[&str]) -> Result<PathBuf, String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let named = env::var_os(FOLDER).map(PathBuf::from);
    let root = named.unwrap_or_else(beside);
    if !root.is_dir() {
        return Err(format!("the corpora (set {FOLDER}; `cargo xtask corpora` lists them)"));
    }
    let missing = parts.iter().filter(|part| !root.join(part).exists());
    let missing: Vec<_> = missing.map(|part| format!("`{part}` of the corpora")).collect();
    if missing.is_empty() { Ok(root) } else { Err(missing.join(", ")) }
}

/// Returns the folder of corpora if each of `parts` is in it; otherwise the calling test is skipped.
///
/// # Panics
/// Where something is missing and `TIDEGATE_REQUIRE_CORPORA` is set.
#[track_caller]
pub fn folder(parts: &[&str]) -> Option<PathBuf> {
    match find(parts) {
        Ok(root) => Some(root),
        Err(missing) => {
            let is_allowed = !is_required();
            assert!(is_allowed, "{missing} not there, and {REQUIRE} is set");
            skip(&missing);
            None
        }
    }
}

/// Whether a test may not be skipped.
pub fn is_required() -> bool {
    env::var_os(REQUIRE).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Records that the calling test leaves something out for want of `missing`.
///
/// # Panics
/// Where the record cannot be written: a skip that nobody hears of is a fault.
#[track_caller]
pub fn skip(missing: &str) {
    let skip = Skip::here(missing, Location::caller());
    skip::print(&skip);
    if let Some(file) = env::var_os(RECORD) {
        let recorded = record(Path::new(&file), &skip);
        assert!(recorded.is_ok(), "{RECORD}: {recorded:?}");
    }
}
