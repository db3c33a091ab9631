//! A file without a name: the operating system removes it when the process ends, however that happens.

use std::env;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A file in the folder for temporary files (`TMPDIR`), made when something is written to it.
#[derive(Debug, Default)]
pub(crate) struct Temporary(Option<File>);

impl Temporary {
    /// Returns the folder in which the file is.
    pub(crate) fn folder() -> PathBuf {
        env::temp_dir()
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.0.is_none() {
            self.0 = Some(tempfile::tempfile()?);
        }
        self.0.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Read for Temporary {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(room)
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for Temporary {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}
