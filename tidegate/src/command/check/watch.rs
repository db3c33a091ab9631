//! `tidegate check --watch`: the same again whenever a file changes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::command::Outcome;
use crate::disk;
use crate::limits::{QUIET_MILLISECONDS, WATCH_SECONDS};
use crate::terminal;

/// Prints the outcome, and prints it anew when a file of the paths has changed, until Ctrl-C.
///
/// The system reports changes as they happen. Whatever it does not report is found by looking now and then: what
/// is behind a link, on a network, or in a folder that was removed and is there again.
pub(super) fn watch(paths: &[PathBuf], outcome: impl Fn() -> Outcome) -> Outcome {
    match try_watch(paths, outcome) {
        Ok(()) => Outcome::default(),
        // A reader that has gone away has seen what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::default(),
        Err(error) => Outcome::failed(&disk::reason(&error)),
    }
}

fn try_watch(paths: &[PathBuf], outcome: impl Fn() -> Outcome) -> io::Result<()> {
    let (sender, changes) = channel();
    let on_event = move |event: notify::Result<Event>| {
        // Reading is no change, and this program reads.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            // Nobody listens any more when this ends.
            let _ = sender.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(on_event).ok();
    loop {
        // Again each time: a folder may have been removed, and be there again.
        watch_all(watcher.as_mut(), paths);
        let stamps = disk::stamps(paths.iter());
        let Outcome { stdout, stderr, .. } = outcome();
        terminal::clear()?;
        terminal::print(&stdout, true)?;
        terminal::print_error(&stderr)?;
        terminal::print_error("watching; Ctrl-C ends this\n")?;
        io::stdout().flush()?;
        while disk::stamps(paths.iter()) == stamps {
            wait(&changes)?;
            watch_all(watcher.as_mut(), paths);
        }
    }
}

/// Waits for a change and the end of the burst that it is part of, and at most as long as one looks anyway.
fn wait(changes: &Receiver<()>) -> io::Result<()> {
    let closed = || io::Error::other("changes are no longer reported");
    match changes.recv_timeout(Duration::from_secs(WATCH_SECONDS)) {
        Ok(()) => {}
        Err(RecvTimeoutError::Timeout) => return Ok(()),
        // Without a watcher there is nobody to send.
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(Duration::from_secs(WATCH_SECONDS));
            return Ok(());
        }
    }
    loop {
        match changes.recv_timeout(Duration::from_millis(QUIET_MILLISECONDS)) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(closed()),
        }
    }
}

/// Asks the system to report changes of folders, and of the folders of files: an editor replaces a file.
fn watch_all(watcher: Option<&mut RecommendedWatcher>, paths: &[PathBuf]) {
    let Some(watcher) = watcher else { return };
    for path in paths {
        let (folder, mode) = if path.is_dir() {
            (path.as_path(), RecursiveMode::Recursive)
        } else {
            let folder = path.parent().filter(|folder| **folder != *"");
            (folder.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)
        };
        // What cannot be watched is looked at.
        let _ = watcher.watch(folder, mode);
    }
}
