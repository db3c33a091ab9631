//! A vault's folder, which nothing that is read or written through it leaves.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path};
use std::process;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

/// Where files of a vault are written before they are put in place; Obsidian does not look into it.
const UNFINISHED: &str = ".tidegate/new";

/// Most names that are tried for an unfinished file; others belong to runs that were killed.
const MAX_NAMES: usize = 10_000;

/// An open vault. Other people may write into it too, so no part of a path below it may be a link.
///
/// Links are refused by name. If somebody puts one in place after that check, the path is still resolved
/// beneath the open folder, so that nothing outside of it is read or written.
#[derive(Debug)]
pub(crate) struct VaultFolder {
    folder: Dir,
    n_names: AtomicUsize,
}

impl VaultFolder {
    /// Opens a vault that exists. The vault's own path may be a link.
    pub(crate) fn open(vault: &Path) -> io::Result<VaultFolder> {
        let folder = Dir::open_ambient_dir(vault, ambient_authority())?;
        Ok(VaultFolder { folder, n_names: AtomicUsize::new(0) })
    }

    /// Opens a vault, and makes its folder if there is none.
    pub(crate) fn create(vault: &Path) -> io::Result<VaultFolder> {
        fs::create_dir_all(vault)?;
        VaultFolder::open(vault)
    }

    /// Reads a regular file.
    pub(crate) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let path = Path::new(path);
        let parents = path.parent().into_iter().flat_map(Path::ancestors);
        for folder in parents.filter(|folder| *folder != Path::new("")) {
            self.check(folder, Kind::Folder)?;
        }
        self.check(path, Kind::File)?;
        let mut bytes = Vec::new();
        self.folder.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a file whole or not at all, and makes its folders.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = Path::new(path);
        if let Some(folder) = path.parent() {
            self.make(folder)?;
        }
        match self.check(path, Kind::File) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.make(Path::new(UNFINISHED))?;
        let (unfinished, mut file) = self.unfinished()?;
        let written = file
            .write_all(bytes)
            .and_then(|()| self.folder.rename(&unfinished, &self.folder, path));
        if written.is_err() {
            // The first error is the one to report.
            let _ = self.folder.remove_file(&unfinished);
        }
        written
    }

    /// Removes the folder of unfinished files where this run leaves it empty. What others put there stays.
    pub(crate) fn tidy(&self) {
        // It is not there, or not empty, or a link: nothing that this run made is left in it.
        let _ = self.folder.remove_dir(UNFINISHED);
    }

    /// Makes a folder with those above it.
    fn make(&self, folder: &Path) -> io::Result<()> {
        let mut made = std::path::PathBuf::new();
        for component in folder.components() {
            let Component::Normal(name) = component else {
                return Err(io::Error::other("the path leaves the vault"));
            };
            made.push(name);
            match self.check(&made, Kind::Folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    match self.folder.create_dir(&made) {
                        // Another thread, or another run, was faster.
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                            self.check(&made, Kind::Folder)?;
                        }
                        result => result?,
                    }
                }
                result => result?,
            }
        }
        Ok(())
    }

    /// Makes an empty file under a name that nobody uses.
    fn unfinished(&self) -> io::Result<(String, cap_std::fs::File)> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        for _ in 0..MAX_NAMES {
            let number = self.n_names.fetch_add(1, Relaxed);
            let name = format!("{UNFINISHED}/{}-{number}", process::id());
            match self.folder.open_with(&name, &options) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                result => return result.map(|file| (name, file)),
            }
        }
        Err(io::Error::other("the names of unfinished files are used up"))
    }

    /// Refuses what is not of this kind, and links of any kind.
    fn check(&self, path: &Path, kind: Kind) -> io::Result<()> {
        let metadata = self.folder.symlink_metadata(path)?;
        let shown = path.display();
        if metadata.is_symlink() {
            return Err(io::Error::other(format!(
                "`{shown}` is a link, and links in a vault are not followed"
            )));
        }
        match kind {
            Kind::Folder if !metadata.is_dir() => {
                Err(io::Error::other(format!("`{shown}` is not a folder")))
            }
            Kind::File if !metadata.is_file() => {
                Err(io::Error::other(format!("`{shown}` is not a regular file")))
            }
            _ => Ok(()),
        }
    }
}

/// What a path has to be.
#[derive(Clone, Copy)]
enum Kind {
    Folder,
    File,
}
