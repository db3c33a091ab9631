//! The time of day of an Envoy, as a test sets it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::workspace;

/// A time of day for processes that are started with it ([`Launch`](crate::Launch)): it is what it was set to until
/// it is set again. Timers of the process follow the true time.
#[derive(Debug)]
pub struct Clock {
    file: NamedTempFile,
    library: PathBuf,
}

/// What a process needs in its environment to have the time of a [`Clock`], for as long as that lives.
#[derive(Clone, Debug)]
pub struct Preload {
    pub(crate) library: PathBuf,
    pub(crate) file: PathBuf,
}

impl Clock {
    /// A clock at a time, in nanoseconds since 1970. An error where the library of the package `test-clock` was not
    /// built.
    pub fn new(nanoseconds: u64) -> Result<Self> {
        let clock = Clock {
            file: NamedTempFile::with_prefix("tidegate-clock-")?,
            library: workspace::test_clock()?,
        };
        clock.set(nanoseconds)?;
        Ok(clock)
    }

    /// Sets the time, in nanoseconds since 1970; 0 is the true time.
    pub fn set(&self, nanoseconds: u64) -> Result<()> {
        let file: &File = self.file.as_file();
        Ok(file.write_all_at(&nanoseconds.to_le_bytes(), 0)?)
    }

    /// Returns what [`Launch`](crate::Launch) takes.
    pub fn preload(&self) -> Preload {
        let path: &Path = self.file.path();
        Preload { library: self.library.clone(), file: path.to_owned() }
    }
}
