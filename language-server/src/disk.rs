//! What a session asks of the disk.

use diagnostics::{Finding, SourceFile};

/// The files of a project as they are on the disk.
#[derive(Debug, Default)]
pub struct Files {
    /// Notes and Sigma files, by their paths below the project's folder, with `/`.
    pub files: Vec<SourceFile>,
    /// Findings about files that cannot be read.
    pub findings: Vec<Finding>,
}

/// The disk below a project's folder.
pub trait Disk {
    /// Returns the files; `None` if none of them has changed since the last call.
    fn read(&mut self) -> Option<Files>;

    /// Returns the bytes of one file; `None` if it is not there.
    fn file(&self, name: &str) -> Option<Vec<u8>>;

    /// Returns true if the project would include a file of this name and text, whether it exists or not.
    fn includes(&self, name: &str, text: &str) -> bool;
}
