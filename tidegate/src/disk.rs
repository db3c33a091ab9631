//! The one place that touches the file system and standard input.

mod vault_folder;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use diagnostics::limits::MAX_FILE_BYTES;
use diagnostics::{Finding, SourceFile};
use inspect::limits::MAX_PACK_BYTES;
use tempfile::NamedTempFile;
use walkdir::WalkDir;

pub(crate) use vault_folder::VaultFolder;

/// Reads files, and all notes and Sigma files in folders; what cannot be read is a finding.
///
/// In folders, hidden files and folders are passed over, other extensions than `.md`, `.yml` and
/// `.yaml`, and `README.md`, which says what a folder is for. What is found there and is no file, as a pipe
/// or a device, is never opened. A file that is named is always read.
/// A file that is reached twice is read once.
pub(crate) fn gather(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Finding>) {
    let mut gathered = Gathered::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => gathered.folder(path),
            Ok(_) => gathered.file(path),
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
    fn file(&mut self, path: &Path) {
        // Where a path has no canonical form, as that of a pipe, it is its own.
        if !self.seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())) {
            return;
        }
        match read(path, MAX_FILE_BYTES) {
            Ok((name, bytes)) => self.files.push(SourceFile { name, bytes }),
            Err(finding) => self.findings.push(*finding),
        }
    }

    fn folder(&mut self, folder: &Path) {
        let mut n_found = 0;
        let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        let is_shown = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        };
        for entry in entries.filter_entry(is_shown) {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_source(entry.path()) => {
                    n_found += 1;
                    self.file(entry.path());
                }
                // A pipe would wait for a writer, and a device may never end.
                Ok(entry) if !entry.file_type().is_dir() && is_source(entry.path()) => {
                    n_found += 1;
                    self.findings.push(unreadable(entry.path(), &no_file()));
                }
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let error = match error.into_io_error() {
                        Some(error) => error,
                        None => io::Error::other("the link leads back to a folder above it"),
                    };
                    n_found += 1;
                    self.findings.push(unreadable(&path, &error));
                }
            }
        }
        if n_found == 0 {
            let message = "the folder holds no note and no Sigma file";
            let help = "give a folder with notes (`.md`) or Sigma files (`.yml`, `.yaml`)";
            self.findings.push(Finding::about(
                &name(folder),
                &diagnostics::codes::NOTHING_FOUND,
                message,
                help,
            ));
        }
    }
}

fn is_source(path: &Path) -> bool {
    let extension =
        path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let is_source = matches!(extension.as_deref(), Some("md" | "yml" | "yaml"));
    is_source && path.file_name().is_none_or(|name| name != "README.md")
}

/// The state of a file, which changes when it is written: path, size and time.
pub(crate) type Stamp = (PathBuf, u64, Option<SystemTime>);

/// The stamps of files, and of all notes and Sigma files in folders.
pub(crate) fn stamps<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for path in paths {
        let is_shown = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        };
        let entries = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(is_shown).flatten() {
            if entry.depth() > 0 && !is_source(entry.path()) {
                continue;
            }
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                stamps.push((entry.into_path(), metadata.len(), metadata.modified().ok()));
            }
        }
    }
    stamps
}

/// Returns true if the path is a folder.
pub(crate) fn is_folder(path: &str) -> bool {
    Path::new(path).is_dir()
}

/// Reads a pack; also returns its name.
pub(crate) fn read_pack(path: &Path) -> Result<(Arc<str>, Vec<u8>), Box<Finding>> {
    // One byte more than a pack may have, so that its own check reports that it is too large.
    read(path, MAX_PACK_BYTES + 1)
}

/// Reads a file that must be UTF-8 text; also returns its name.
pub(crate) fn read_text(path: &Path) -> Result<(Arc<str>, String), Box<Finding>> {
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
    bytes.ok_or_else(|| Box::new(too_large(name, most)))
}

/// Reads a file; also returns its name.
pub(crate) fn read(path: &Path, most: usize) -> Result<(Arc<str>, Vec<u8>), Box<Finding>> {
    let bytes = File::open(path).and_then(|file| read_at_most(file, most));
    match bytes.map_err(|error| Box::new(unreadable(path, &error)))? {
        Some(bytes) => Ok((name(path), bytes)),
        None => Err(Box::new(too_large(&name(path), most))),
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
/// written to.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match stage(path, bytes, Access::Shared)? {
        Some(staged) => staged.put(),
        None => OpenOptions::new().write(true).open(path)?.write_all(bytes),
    }
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
    /// Its owner. A file that is replaced and that others cannot read keeps its permissions, because a
    /// group may have been given access.
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
    // A replaced file keeps its permissions, unless a secret would be left readable.
    if let Ok(metadata) = fs::metadata(path)
        && (access == Access::Shared || !is_readable_by_others(&metadata))
    {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(Some(Staged { file, target }))
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o007 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &fs::Metadata) -> bool {
    false
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

/// Removes a file that is not needed after all.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Writes several files, all or none: each beside its place first, and then all in their places.
pub(crate) fn place_all<'p>(
    files: &[(&'p Path, &[u8], Access)],
) -> Result<(), (&'p Path, io::Error)> {
    let mut staged = Vec::new();
    for (path, bytes, access) in files {
        let one = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            stage(path, bytes, *access)?.ok_or_else(no_file)
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

/// Returns the name of a path in findings: with `/`, and without `./` in front.
pub(crate) fn name(path: &Path) -> Arc<str> {
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

/// A finding about a path that cannot be written.
pub(crate) fn unwritable(path: &Path, error: &io::Error, help: &str) -> Finding {
    let message = format!("the file cannot be written: {}", reason(error));
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

/// A finding about a file that is larger than anything of its kind.
pub(crate) fn too_large(name: &Arc<str>, most: usize) -> Finding {
    let message = format!("this is larger than {most} bytes");
    let help = "give a smaller file; nothing of its kind is that large";
    Finding::about(name, &diagnostics::codes::FILE_TOO_LARGE, message, help)
}

/// The files of a folder with these extensions: path inside of it with `/`, and bytes. Hidden ones are
/// passed over, and so are pipes and devices; links are not followed, so that a folder is never left.
pub(crate) fn tree(root: &Path, extensions: &[&str]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    fs::metadata(root)?;
    let is_shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
    };
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(is_shown) {
        let entry = entry?;
        let path = entry.path();
        let extension =
            path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let wanted = extension.is_some_and(|extension| extensions.contains(&extension.as_str()));
        if !entry.file_type().is_file() || !wanted {
            continue;
        }
        let Some(bytes) = read_at_most(File::open(path)?, MAX_FILE_BYTES)? else { continue };
        // A file that is named is its own root.
        let inside = match path.strip_prefix(root) {
            Ok(inside) if inside != Path::new("") => inside.to_owned(),
            _ => path.file_name().map(PathBuf::from).unwrap_or_default(),
        };
        found.push((name(&inside).to_string(), bytes));
    }
    Ok(found)
}
