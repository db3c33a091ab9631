//! Who owns a file, and who may change or read it. Where the system has no owners, everything is one's own.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// Why a file may have been written by another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It, or the link in its place, belongs to neither this user nor root.
    Owner,
    /// Everybody may write to it.
    Writable,
}

/// Returns why a file may have been written by another user; `None` for one of this user, of root or, under sudo,
/// of who called it. A link counts, too: who made it chose where relative paths of the file lead.
#[cfg(unix)]
pub(crate) fn stranger(path: &Path) -> io::Result<Option<Stranger>> {
    use std::os::unix::fs::MetadataExt;
    let (own, target) = (fs::symlink_metadata(path)?, fs::metadata(path)?);
    Ok(if !is_trusted(own.uid()) || !is_trusted(target.uid()) {
        Some(Stranger::Owner)
    } else if target.mode() & EVERYBODY_WRITES != 0 {
        Some(Stranger::Writable)
    } else {
        None
    })
}

/// Returns why another user may have put a file into a folder; `None` for a folder of this user, of root or, under
/// sudo, of who called it. In a folder such as `/tmp` everybody writes and only owners replace files: who owns the
/// file decides there.
#[cfg(unix)]
pub(crate) fn folder_stranger(folder: &Path) -> io::Result<Option<Stranger>> {
    use std::os::unix::fs::MetadataExt;
    const ONLY_OWNERS_REPLACE: u32 = 0o1000;
    let metadata = fs::metadata(folder)?;
    let mode = metadata.mode();
    Ok(if !is_trusted(metadata.uid()) {
        Some(Stranger::Owner)
    } else if mode & EVERYBODY_WRITES != 0 && mode & ONLY_OWNERS_REPLACE == 0 {
        Some(Stranger::Writable)
    } else {
        None
    })
}

#[cfg(unix)]
const EVERYBODY_WRITES: u32 = 0o002;

/// Returns true for this user, root and, under sudo, who called it.
#[cfg(unix)]
fn is_trusted(uid: u32) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let caller = std::env::var_os("SUDO_UID").filter(|_| me == 0);
    let caller: Option<u32> = caller.and_then(|uid| uid.to_str()?.parse().ok());
    uid == me || uid == 0 || Some(uid) == caller
}

#[cfg(not(unix))]
pub(crate) fn folder_stranger(_: &Path) -> io::Result<Option<Stranger>> {
    Ok(None)
}

#[cfg(not(unix))]
pub(crate) fn stranger(_: &Path) -> io::Result<Option<Stranger>> {
    Ok(None)
}

/// Returns true if a file, a folder and another folder all belong to one user.
#[cfg(unix)]
pub(crate) fn owner_is_shared(file: &Path, folders: [&Path; 2]) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| fs::symlink_metadata(path).ok().map(|metadata| metadata.uid());
    let of_file = owner(file);
    of_file.is_some() && folders.into_iter().all(|folder| owner(folder) == of_file)
}

#[cfg(not(unix))]
pub(crate) fn owner_is_shared(_: &Path, _: [&Path; 2]) -> bool {
    true
}

/// Returns true if a file with a secret may have the permissions of the one that it replaces: that one has the
/// same owner and one name, and others cannot read it. The new file then has its group, too.
#[cfg(unix)]
pub(super) fn keeps_secret(replaced: &Metadata, new: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    const OTHERS: u32 = 0o007;
    let own = new.metadata()?;
    // A file with a second name may have been put here by who has the other one.
    let is_own = replaced.uid() == own.uid() && replaced.nlink() == 1;
    if !is_own || replaced.mode() & OTHERS != 0 {
        return Ok(false);
    }
    let group = Some(replaced.gid()).filter(|group| *group != own.gid());
    // Who is not in the group cannot give it access; the file is for its owner then.
    Ok(group.is_none() || std::os::unix::fs::fchown(new, None, group).is_ok())
}

#[cfg(not(unix))]
pub(super) fn keeps_secret(_: &Metadata, _: &File) -> io::Result<bool> {
    Ok(true)
}
