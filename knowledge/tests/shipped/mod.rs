//! The shipped notes, for tests over all of them.

use std::fs;
use std::path::{Path, PathBuf};

use diagnostics::SourceFile;

/// Reads all notes that are shipped, by their paths.
pub(crate) fn notes() -> Vec<SourceFile> {
    fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, paths);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("notes"), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| SourceFile {
        name: path.display().to_string().into(),
        bytes: fs::read(path).unwrap(),
    };
    paths.iter().map(read).collect()
}
