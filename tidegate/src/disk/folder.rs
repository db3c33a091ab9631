//! The notes and Sigma files below a named folder. No link there is followed, so that nothing outside of the
//! folder is read or written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use diagnostics::limits::MAX_FILE_BYTES;
use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use super::{name, no_file, read_at_most};

/// Most names that are tried for an unfinished file; others belong to runs that were killed.
const MAX_NAMES: usize = 100;

/// The state of a file, which changes when it is written: path, size and time.
pub(crate) type Stamp = (PathBuf, u64, Option<SystemTime>);

/// What a folder contains.
#[derive(Debug)]
pub(super) enum Entry {
    /// A regular file with the extension of a note or a Sigma file; its path inside of the folder.
    Source(PathBuf),
    /// A link that has such an extension or leads to a folder.
    Link(PathBuf),
    /// A pipe, a socket or a device with such an extension.
    Special(PathBuf),
    /// A path that cannot be read, and why.
    Unreadable(PathBuf, io::Error),
}

/// An open folder. Other people may write into it, too.
///
/// Links are refused by name. If somebody puts one in place after that check, the path is still resolved
/// beneath the open folder.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
}

impl Folder {
    /// Opens a folder that somebody named; its own path may be a link.
    pub(super) fn open(path: &Path) -> io::Result<Folder> {
        Dir::open_ambient_dir(path, ambient_authority()).map(|dir| Folder { dir })
    }

    /// Reads a regular file, by its path inside of the folder; `None` if it has more than `most` bytes.
    pub(super) fn read(&self, inside: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.check(inside)?;
        read_at_most(self.dir.open(inside)?, most)
    }

    /// Replaces a regular file, whole or not at all. It keeps its permissions.
    pub(super) fn replace(&self, inside: &Path, bytes: &[u8]) -> io::Result<()> {
        self.check(inside)?;
        let permissions = self.dir.metadata(inside)?.permissions();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        for number in 0..MAX_NAMES {
            let unfinished = inside.with_file_name(format!(".tidegate-{}-{number}", process::id()));
            let mut file = match self.dir.open_with(&unfinished, &options) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let written = file
                .set_permissions(permissions)
                .and_then(|()| file.write_all(bytes))
                .and_then(|()| file.sync_all())
                .and_then(|()| self.dir.rename(&unfinished, &self.dir, inside));
            if written.is_err() {
                // The first error is the one to report.
                let _ = self.dir.remove_file(&unfinished);
            }
            return written;
        }
        Err(io::Error::other("the names of unfinished files are used up"))
    }

    /// Returns true if a path inside of the folder is a link.
    pub(super) fn is_link(&self, inside: &Path) -> bool {
        self.dir.symlink_metadata(inside).is_ok_and(|metadata| metadata.is_symlink())
    }

    /// Refuses a path with a link in it, and what is not a regular file.
    fn check(&self, inside: &Path) -> io::Result<()> {
        for part in inside.ancestors().filter(|part| *part != Path::new("")) {
            let metadata = self.dir.symlink_metadata(part)?;
            if metadata.is_symlink() {
                return Err(io::Error::other("it is a link now"));
            }
            if part == inside && !metadata.is_file() {
                return Err(no_file());
            }
        }
        Ok(())
    }
}

/// Lists the notes and Sigma files of a folder, and what would be one if it could be read, by name.
///
/// Hidden files and folders are passed over, other extensions than `.md`, `.markdown`, `.yml` and `.yaml`, and
/// a `README.md` without a `kind`, which says what a folder is for.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = Entry> {
    walk(folder).filter_map(move |entry| {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let error = error.into_io_error().unwrap_or_else(no_file);
                return Some(Entry::Unreadable(path, error));
            }
        };
        let (path, kind) = (entry.path(), entry.file_type());
        let is_wanted = is_source(path);
        if kind.is_symlink() {
            let is_followed_by_others = is_wanted || path.is_dir();
            return is_followed_by_others.then(|| Entry::Link(path.to_owned()));
        }
        if kind.is_dir() || !is_wanted {
            return None;
        }
        let inside = path.strip_prefix(folder).unwrap_or(path).to_owned();
        Some(if kind.is_file() { Entry::Source(inside) } else { Entry::Special(path.to_owned()) })
    })
}

/// Walks a folder without hidden files and folders, and without following links below it.
fn walk(root: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let is_shown = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
    };
    WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(is_shown)
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}

fn is_source(path: &Path) -> bool {
    let is_source = matches!(extension(path).as_deref(), Some("md" | "markdown" | "yml" | "yaml"));
    let is_readme = path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("readme"));
    is_source && (!is_readme || says_its_kind(path))
}

/// How much of a README is read to see whether it is a note.
const MAX_HEAD_BYTES: usize = 4_096;

/// Returns true if a file has front matter with a `kind`. A README without one says what its folder is for.
fn says_its_kind(path: &Path) -> bool {
    let head = head(path, MAX_HEAD_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    lines.next().is_some_and(|line| line.trim_end() == "---")
        && lines.take_while(|line| line.trim_end() != "---").any(|line| line.starts_with("kind:"))
}

/// The first bytes of a regular file. A pipe would wait for a writer, and a link may lead anywhere.
fn head(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(no_file());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The stamps of files, and of all notes and Sigma files in folders.
pub(crate) fn stamps<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for path in paths {
        for entry in walk(path).flatten() {
            if entry.depth() > 0 && !is_source(entry.path()) {
                continue;
            }
            // A link that was named is followed, and its state is that of the file.
            let metadata = match entry.depth() {
                0 => fs::metadata(path).ok(),
                _ => entry.metadata().ok(),
            };
            if let Some(metadata) = metadata.filter(fs::Metadata::is_file) {
                stamps.push((entry.into_path(), metadata.len(), metadata.modified().ok()));
            }
        }
    }
    stamps
}

/// The files of a folder with these extensions: path inside of it with `/`, and bytes. Hidden ones are
/// passed over, and so are pipes and devices; links are not followed.
pub(crate) fn tree(root: &Path, extensions: &[&str]) -> io::Result<Vec<(String, Vec<u8>)>> {
    files(root, |path| extension(path).is_some_and(|it| extensions.contains(&it.as_str())))
}

/// The notes of a folder, as [`tree`] finds files: Markdown, and files without an extension that begin as
/// front matter does.
pub(crate) fn notes(root: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    files(root, |path| match extension(path) {
        Some(extension) => matches!(extension.as_str(), "md" | "markdown"),
        None => head(path, 5).is_ok_and(|it| it.starts_with(b"---\n") || it == b"---\r\n"),
    })
}

/// The paths of all files in a folder, with `/`. Hidden ones are passed over.
pub(crate) fn paths(root: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in walk(root) {
        let entry = entry?;
        if let (false, Ok(inside)) = (entry.file_type().is_dir(), entry.path().strip_prefix(root)) {
            found.insert(name(inside).to_string());
        }
    }
    Ok(found)
}

/// The regular files below a folder, in order; of anything else the path itself. Hidden ones are passed over,
/// and links are not followed.
pub(crate) fn regular_files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = walk(path).filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let mut found: Vec<_> = files.map(DirEntry::into_path).collect();
    found.sort();
    // An empty folder is reported as what it is.
    if found.is_empty() { vec![path.to_owned()] } else { found }
}

/// The regular files of a folder that are wanted, in order, read on as many threads as there are processors.
fn files(
    root: &Path,
    is_wanted: impl Fn(&Path) -> bool + Sync,
) -> io::Result<Vec<(String, Vec<u8>)>> {
    let folder = match fs::metadata(root)? {
        metadata if metadata.is_dir() => Some(Folder::open(root)?),
        _ => None,
    };
    let mut paths = Vec::new();
    for entry in walk(root) {
        let entry = entry?;
        if entry.file_type().is_file() {
            paths.push(entry.into_path());
        }
    }
    let read = |path: &PathBuf| -> io::Result<Option<(String, Vec<u8>)>> {
        if !is_wanted(path) {
            return Ok(None);
        }
        let inside = path.strip_prefix(root).unwrap_or(path);
        let (bytes, inside) = match &folder {
            Some(folder) => (folder.read(inside, MAX_FILE_BYTES)?, inside.to_owned()),
            // A file that is named is its own root.
            None => {
                let inside = path.file_name().map(PathBuf::from).unwrap_or_default();
                (read_at_most(File::open(path)?, MAX_FILE_BYTES)?, inside)
            }
        };
        Ok(bytes.map(|bytes| (name(&inside).to_string(), bytes)))
    };
    // The first error in order is the one to report.
    let found: Vec<_> = paths.par_iter().map(read).collect();
    found.into_iter().filter_map(Result::transpose).collect()
}
