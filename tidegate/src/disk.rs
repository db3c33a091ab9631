//! The one place that touches the file system and standard input.

mod folder;
mod ownership;
mod program;
mod read_files;
mod temporary;
mod vault_folder;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, SourceFile, contains_key};
use inspect::limits::MAX_PACK_BYTES;
use tempfile::NamedTempFile;

use folder::{Entry, Folder};
pub(crate) use folder::{Stamp, notes, paths, regular_files, stamps, tree};
pub(crate) use ownership::{Stranger, folder_stranger, owner_is_shared, stranger};
pub(crate) use program::read_program;
pub(crate) use read_files::{may_replace, will_read};
pub(crate) use temporary::Temporary;
pub(crate) use vault_folder::VaultFolder;

/// Reads files, and all notes and Sigma files in folders; what cannot be read is a finding.
///
/// What is in a folder and is not a file, as a pipe or a device, is never opened, and links there are not
/// followed. A file that is named is always read. A file that is reached twice is read once.
pub(crate) fn gather(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Finding>) {
    let mut gathered = Gathered::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => gathered.folder(path),
            Ok(_) => gathered.add(path, || read_at_most(File::open(path)?, MAX_FILE_BYTES)),
            Err(error) => gathered.findings.push(unreadable(path, &error)),
        }
    }
    (gathered.files, gathered.findings)
}

#[derive(Default)]
struct Gathered {
    seen: BTreeSet<PathBuf>,
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
}

impl Gathered {
    fn add(&mut self, path: &Path, read: impl FnOnce() -> io::Result<Option<Vec<u8>>>) {
        // Where a path has no canonical form, as that of a pipe, it is its own.
        if !self.seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())) {
            return;
        }
        will_read(path);
        let name = name(path);
        match read() {
            Ok(Some(bytes)) if contains_key(&bytes) => {
                self.findings.push(Finding::secret_key(&name));
            }
            Ok(Some(bytes)) => self.files.push(SourceFile { name, bytes }),
            Ok(None) => self.findings.push(Finding::too_large(&name, MAX_FILE_BYTES)),
            Err(error) => self.findings.push(unreadable(path, &error)),
        }
    }

    fn folder(&mut self, path: &Path) {
        let folder = match Folder::open(path) {
            Ok(folder) => folder,
            Err(error) => return self.findings.push(unreadable(path, &error)),
        };
        let mut n_found = 0;
        for entry in folder::entries(path) {
            n_found += 1;
            match entry {
                Entry::Source(inside) => {
                    self.add(&path.join(&inside), || folder.read(&inside, MAX_FILE_BYTES));
                }
                Entry::Link(link) => self.findings.push(link_in_folder(&link)),
                // A pipe would wait for a writer, and a device may never end.
                Entry::Special(path) => self.findings.push(unreadable(&path, &no_file())),
                Entry::Unreadable(path, error) => self.findings.push(unreadable(&path, &error)),
            }
        }
        if n_found == 0 {
            let message = "the folder holds no note and no Sigma file";
            let help = "give a folder with notes (`.md`) or Sigma files (`.yml`, `.yaml`), or write one with `tidegate new rule TITLE`";
            self.findings.push(Finding::about(
                &name(path),
                &diagnostics::codes::NOTHING_FOUND,
                message,
                help,
            ));
        }
    }
}

/// Replaces a file that [`gather`] found in `paths`, whole or not at all. What was found in a folder is
/// written there; what was named is written where its links lead.
pub(crate) fn replace(paths: &[PathBuf], file: &str, bytes: &[u8]) -> io::Result<()> {
    let file = Path::new(file);
    for folder in paths.iter().filter(|path| path.is_dir()) {
        let inside = match &*name(folder) {
            "." => Some(file).filter(|file| file.is_relative()),
            root => file.strip_prefix(root).ok(),
        };
        if let Some(inside) = inside.filter(|inside| **inside != *"") {
            return Folder::open(folder)?.replace(inside, bytes);
        }
    }
    stage(file, bytes, Access::Shared)?.ok_or_else(no_file)?.put()
}

/// Returns a path that somebody else chose, if it is below the working folder and leads nowhere else: it is
/// relative, and no part of it is hidden, `..` or a link. It may be missing.
pub(crate) fn confined(path: &str) -> io::Result<PathBuf> {
    let mut inside = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".") => {
                inside.push(name);
            }
            Component::Normal(_) => return Err(io::Error::other("hidden files are left alone")),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(io::Error::other("it is outside of the project"));
            }
        }
    }
    let folder = Folder::open(Path::new("."))?;
    if inside.ancestors().any(|part| part != Path::new("") && folder.is_link(part)) {
        return Err(io::Error::other("links are not followed"));
    }
    Ok(if inside.as_os_str().is_empty() { PathBuf::from(".") } else { inside })
}

/// Returns true if the path is a folder.
pub(crate) fn is_folder(path: &str) -> bool {
    Path::new(path).is_dir()
}

/// Returns true if the path is a file, or a link to one.
pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Returns the path of what makes a folder the root of a Git repository, if it is one.
pub(crate) fn repository(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(".git")).filter(|git| fs::symlink_metadata(git).is_ok())
}

/// Returns the working folder, without links; `None` if it was deleted.
pub(crate) fn working_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// Reads a pack; also returns its name.
pub(crate) fn read_pack(path: &Path) -> Result<(Arc<str>, Vec<u8>), Box<Finding>> {
    // One byte more than a pack may have, so that its own check reports that it is too large.
    read(path, MAX_PACK_BYTES + 1)
}

/// Reads a file that must be UTF-8 text and not a secret key; also returns its name. Findings may quote it.
pub(crate) fn read_text(path: &Path) -> Result<(Arc<str>, String), Box<Finding>> {
    let (name, text) = read_key(path)?;
    if contains_key(text.as_bytes()) {
        Err(Box::new(Finding::secret_key(&name)))
    } else {
        Ok((name, text))
    }
}

/// Reads a file with a key, which must be UTF-8 text; also returns its name. No finding may quote it.
pub(crate) fn read_key(path: &Path) -> Result<(Arc<str>, String), Box<Finding>> {
    let (name, bytes) = read(path, MAX_FILE_BYTES)?;
    String::from_utf8(bytes).map(|text| (Arc::clone(&name), text)).map_err(|_| {
        let help = "save the file as UTF-8";
        Box::new(Finding::about(
            &name,
            &diagnostics::codes::NOT_UTF_8,
            "the file is not UTF-8",
            help,
        ))
    })
}

/// Opens a log; `-` is standard input. Also returns its size, if it has one.
pub(crate) fn open(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("this is a folder"));
    }
    will_read(path);
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), size))
}

/// The size of a file; 0 where it has none.
pub(crate) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Returns the text of a log after the first `from` bytes. A log that is shorter now was restarted.
pub(crate) fn tail(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = if file.metadata()?.len() < from { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reports on standard error what a command waits for, if standard input is a terminal.
pub(crate) fn announce_stdin(wanted: &str) -> io::Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    writeln!(io::stderr(), "waiting for standard input: paste {wanted}; Ctrl-D ends it")
}

/// Reads standard input to its end.
pub(crate) fn read_stdin(most: usize, name: &Arc<str>) -> Result<Vec<u8>, Box<Finding>> {
    let bytes = read_at_most(io::stdin().lock(), most).map_err(|error| {
        let message = format!("standard input cannot be read: {}", reason(&error));
        Box::new(Finding::about(
            name,
            &diagnostics::codes::UNREADABLE,
            message,
            "give the request as an argument",
        ))
    })?;
    bytes.ok_or_else(|| Box::new(Finding::too_large(name, most)))
}

/// Reads a file; also returns its name.
pub(crate) fn read(path: &Path, most: usize) -> Result<(Arc<str>, Vec<u8>), Box<Finding>> {
    will_read(path);
    let bytes = File::open(path).and_then(|file| read_at_most(file, most));
    match bytes.map_err(|error| Box::new(unreadable(path, &error)))? {
        Some(bytes) => Ok((name(path), bytes)),
        None => Err(Box::new(Finding::too_large(&name(path), most))),
    }
}

/// Reads to the end, or gives up one byte behind the bound.
pub(crate) fn read_at_most(stream: impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
}

/// Returns true if `path` is a non-empty file that does not begin with `start`.
pub(crate) fn is_other_than(path: &Path, start: &[u8]) -> bool {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
    let mut found = vec![0; start.len()];
    let mut read = || File::open(path)?.read_exact(&mut found);
    is_file && (read().is_err() || found != start)
}

/// Writes a file whole or not at all: beside it first, and then in its place.
///
/// A link is kept, and the file that it leads to is replaced. A pipe or a device cannot be replaced: it is
/// written to. A file that this run has read is refused: a log or a note is not to be lost by a wrong option.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    may_replace(path)?;
    rewrite(path, bytes)
}

/// Writes a file as [`write()`] does, also one that was read: what is new of it is written.
pub(crate) fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match stage(path, bytes, Access::Shared)? {
        Some(staged) => staged.put(),
        None => OpenOptions::new().write(true).open(path)?.write_all(bytes),
    }
}

/// Writes a file as [`write()`] does, from what `fill` writes piece by piece; returns what `fill` returns.
pub(crate) fn write_with<T>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    if let Some(mut staged) = stage(path, &[], Access::Shared)? {
        let filled = {
            let mut file = io::BufWriter::new(staged.file.as_file_mut());
            let filled = fill(&mut file)?;
            file.flush()?;
            filled
        };
        may_replace(path)?;
        staged.put()?;
        return Ok(filled);
    }
    fill(&mut OpenOptions::new().write(true).open(path)?)
}

/// A written file beside its target, not yet renamed.
struct Staged {
    file: NamedTempFile,
    target: PathBuf,
}

impl Staged {
    fn put(self) -> io::Result<()> {
        self.file.persist(&self.target).map(|_| ()).map_err(|error| error.error)
    }
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, as the umask has it: a gateway runs as another user.
    Shared,
    /// Its owner. A file of the same owner that is replaced and that others cannot read keeps its group and
    /// permissions, because a group may have been given access.
    Secret,
}

/// Writes a file beside its path, to be renamed; `None` for what is not a file, such as a device.
fn stage(path: &Path, bytes: &[u8], access: Access) -> io::Result<Option<Staged>> {
    let target = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path)?,
        Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    stage_at(target, bytes, access).map(Some)
}

/// Writes a file beside its target, to be renamed. A link in its place is replaced, and not followed.
fn stage_at(target: PathBuf, bytes: &[u8], access: Access) -> io::Result<Staged> {
    let path = target.as_path();
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tidegate-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(match access {
            Access::Shared => 0o666,
            Access::Secret => 0o600,
        }));
    }
    let mut file = builder.tempfile_in(folder)?;
    // A replaced file keeps its permissions, unless a secret would be left readable: by everybody, or by whom
    // another user chose, who put the file there first.
    if let Ok(metadata) = fs::symlink_metadata(path)
        && metadata.is_file()
        && (access == Access::Shared || ownership::keeps_secret(&metadata, file.as_file())?)
    {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(Staged { file, target })
}

/// Creates a file, whole or not at all; a secret one is for its owner only.
pub(crate) fn create(path: &Path, bytes: &[u8], is_secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if is_secret { 0o600 } else { 0o644 });
    }
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // A partial file would block another try.
        let _ = fs::remove_file(path);
    }
    written
}

/// Creates a folder and those above it, where they do not exist.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Removes a file that is not needed after all.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Writes several files into a folder, all or none: each beside its place first, and then all in their places.
///
/// Below the folder no link is followed, and nothing but a file is replaced: whoever may write into the folder
/// would choose what is overwritten, and who reads the key that a file contains.
pub(crate) fn place_all<'p>(
    root: &Path,
    files: &[(&'p Path, &[u8], Access)],
) -> Result<(), (&'p Path, io::Error)> {
    let mut staged = Vec::new();
    for (path, bytes, access) in files {
        let one = || {
            let inside = path.strip_prefix(root).map_err(io::Error::other)?;
            for part in inside.ancestors().filter(|part| !part.as_os_str().is_empty()) {
                let found = fs::symlink_metadata(root.join(part));
                if found.as_ref().is_ok_and(fs::Metadata::is_symlink) {
                    return Err(io::Error::other(
                        "it is or is behind a link, which is not followed",
                    ));
                }
                if part == inside && found.is_ok_and(|found| !found.is_file()) {
                    return Err(no_file());
                }
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            stage_at(path.to_path_buf(), bytes, *access)
        };
        staged.push((*path, one().map_err(|error| (*path, error))?));
    }
    staged.into_iter().try_for_each(|(path, staged)| staged.put().map_err(|error| (path, error)))
}

/// Returns random bytes.
pub(crate) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Returns the name of a path in findings: with `/`, and without `./` in front. That of standard input, `-`, would be
/// escaped in a table as the start of a formula.
pub(crate) fn name(path: &Path) -> Arc<str> {
    if path.as_os_str() == "-" {
        return "<stdin>".into();
    }
    let name = path.to_string_lossy();
    let name = if cfg!(windows) { name.replace('\\', "/").into() } else { name };
    match name.strip_prefix("./") {
        Some(rest) if !rest.is_empty() => rest.into(),
        _ => name.as_ref().into(),
    }
}

/// Returns the system's reason for an error, as the end of a message.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn no_file() -> io::Error {
    io::Error::other("this is no file")
}

/// A finding about a path that cannot be written; `help` is given where its folder is there.
pub(crate) fn unwritable(path: &Path, error: &io::Error, help: &str) -> Finding {
    let message = format!("the file cannot be written: {}", reason(error));
    let folder = path.parent().map(name);
    let help = match (error.kind(), folder) {
        (ErrorKind::NotFound, Some(folder)) if !folder.is_empty() => {
            format!("make the folder `{folder}` first, or give another path")
        }
        (ErrorKind::NotADirectory | ErrorKind::AlreadyExists, Some(folder)) => {
            format!("`{folder}` is a file, or within one: give another path")
        }
        _ => help.to_owned(),
    };
    Finding::about(&name(path), &diagnostics::codes::UNWRITABLE, message, help)
}

/// A finding about a path where nothing is.
pub(crate) fn missing(path: &Path) -> Option<Finding> {
    fs::metadata(path).err().map(|error| unreadable(path, &error))
}

/// A finding about a path that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Finding {
    let message = format!("the path cannot be read: {}", reason(error));
    let help = "check the path, and that you may read it";
    Finding::about(&name(path), &diagnostics::codes::UNREADABLE, message, help)
}

/// A finding about a link below a named folder.
/// Returns true if the path is a link, wherever it leads.
pub(crate) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn link_in_folder(path: &Path) -> Finding {
    let message = "this is a link, and links below a folder are not followed";
    let help = "name the path that it leads to, or put a copy in its place";
    Finding::about(&name(path), &diagnostics::codes::LINK, message, help)
}
