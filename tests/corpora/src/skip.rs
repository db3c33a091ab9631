//! The record of what was skipped: a line for each test.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::panic::Location;
use std::path::Path;

/// A test that left something out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Its package, its binary and its path in it.
    pub test: String,
    /// What was not there.
    pub missing: String,
}

impl Skip {
    /// The skip of the test that runs on this thread. `caller` names it where the thread has no name of
    /// its own, as where tests run one after the other.
    pub(crate) fn here(missing: &str, caller: &Location<'_>) -> Self {
        let thread = std::thread::current();
        let name = thread.name().filter(|name| *name != "main");
        let name = name.map_or_else(|| caller.to_string(), str::to_owned);
        let binary = std::env::current_exe().ok();
        let binary = binary.as_deref().and_then(Path::file_stem).unwrap_or_default();
        let binary = binary.to_string_lossy();
        // Cargo adds a hash to the name.
        let binary = binary.rsplit_once('-').map_or(&*binary, |(binary, _)| binary);
        // As nextest writes it: two packages may have a binary of one name.
        let package = std::env::var_os("CARGO_PKG_NAME").unwrap_or_default();
        let package = package.to_string_lossy();
        let binary = if package.is_empty() || package == binary {
            binary.to_owned()
        } else {
            format!("{package}::{binary}")
        };
        Skip { test: format!("{binary} {name}"), missing: missing.to_owned() }
    }
}

/// Prints a skip beside what else the test prints.
#[expect(clippy::print_stderr, reason = "the output of a test")]
pub(crate) fn print(skip: &Skip) {
    eprintln!("skipped {}: {} not there", skip.test, skip.missing);
}

/// Appends a skip to a record. Tests of several processes may append at once.
///
/// # Errors
/// Where the file cannot be written.
pub fn record(file: &Path, skip: &Skip) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    // One write for the line, so that it is not mixed with another.
    file.write_all(format!("{}\t{}\n", skip.test, skip.missing).as_bytes())
}

/// Reads a record: each test and what it missed, once, in order. No file is a record without skips.
///
/// # Errors
/// Where the file is there and cannot be read.
pub fn read(file: &Path) -> io::Result<BTreeSet<Skip>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let skips = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(skips.map(|(test, missing)| Skip { test: test.into(), missing: missing.into() }).collect())
}
