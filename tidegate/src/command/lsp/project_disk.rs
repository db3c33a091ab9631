//! The files of a project for the language server.

use std::path::{Component, Path, PathBuf};

use diagnostics::front_matter;
use diagnostics::limits::MAX_FILE_BYTES;
use language_server::{Disk, Files};

use crate::disk::{self, Stamp};

/// Notes and Sigma files of some paths, and how they were when they were read last.
#[derive(Debug)]
pub(super) struct ProjectDisk {
    paths: Vec<PathBuf>,
    stamps: Option<Vec<Stamp>>,
}

impl ProjectDisk {
    pub(super) fn new(paths: Vec<PathBuf>) -> ProjectDisk {
        ProjectDisk { paths, stamps: None }
    }
}

impl Disk for ProjectDisk {
    fn read(&mut self) -> Option<Files> {
        let stamps = disk::stamps(self.paths.iter());
        if self.stamps.as_ref() == Some(&stamps) {
            return None;
        }
        self.stamps = Some(stamps);
        let (files, findings) = disk::gather(&self.paths);
        Some(Files { files, findings })
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        // Only what a walk finds: a link below a folder is not followed.
        let stamps = disk::stamps(self.paths.iter());
        let (path, ..) = stamps.iter().find(|(path, ..)| &*disk::name(path) == name)?;
        disk::read(path, MAX_FILE_BYTES).ok().map(|(_, bytes)| bytes)
    }

    fn includes(&self, name: &str, text: &str) -> bool {
        let path = Path::new(name);
        let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let is_source = extension.is_some_and(|extension| {
            ["md", "markdown", "yml", "yaml"].iter().any(|known| extension == *known)
        });
        let is_readme = path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("readme"));
        let says_its_kind =
            || front_matter::split(text).is_ok_and(|split| split.guess("kind").is_some());
        is_source
            && (!is_readme || says_its_kind())
            && self.paths.iter().any(|root| is_below(&disk::name(root), path))
    }
}

/// Returns true if a path is a root or below it, and not hidden there.
fn is_below(root: &str, path: &Path) -> bool {
    let inside = match root {
        "." if path.is_relative() => Some(path),
        root => path.strip_prefix(root).ok(),
    };
    let is_hidden = |part: Component<'_>| match part {
        Component::Normal(name) => name.to_string_lossy().starts_with('.'),
        _ => true,
    };
    inside.is_some_and(|inside| !inside.components().any(is_hidden))
}
