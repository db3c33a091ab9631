//! The files that this run reads: no result replaces one of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Their canonical paths.
static READ: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Notes a file that is read, now or later. What has no canonical path, as standard input, is no file that could be replaced.
pub(crate) fn will_read(path: &Path) {
    if let Ok(path) = fs::canonicalize(path) {
        READ.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }
}

/// Refuses to replace a file that is read.
pub(crate) fn may_replace(path: &Path) -> io::Result<()> {
    let is_read = fs::canonicalize(path)
        .is_ok_and(|path| READ.lock().unwrap_or_else(PoisonError::into_inner).contains(&path));
    if is_read { Err(io::Error::other("it is read for this result")) } else { Ok(()) }
}
