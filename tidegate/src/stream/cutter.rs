//! Logs to pieces: at line breaks, at the headers of logs that were joined, and file by file of an archive.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use diagnostics::Finding;
use hunt::limits::PIECE_BYTES;
use indicatif::ProgressBar;
use tar::Archive;
use traffic::Layout;
use traffic::limits::MAX_HAR_BYTES;

use super::{Part, Piece, Purpose};
use crate::unpacked::{self, Unpacked};
use crate::{disk, unknown_log};

/// Cuts logs into pieces. `None` means that nobody takes them any more.
pub(super) struct Cutter<'b> {
    /// The log that is read.
    pub(super) log: Arc<str>,
    pub(super) purpose: Purpose,
    pub(super) number: u64,
    /// A buffer that was taken and not sent.
    pub(super) spare: Option<Vec<u8>>,
    pub(super) pieces: Sender<Piece>,
    pub(super) buffers: Receiver<Vec<u8>>,
    /// Counts the bytes of files, also of compressed ones.
    pub(super) bar: &'b ProgressBar,
}

impl Cutter<'_> {
    fn send(&mut self, part: Part) -> Option<()> {
        let number = self.number;
        self.number += 1;
        self.pieces.send(Piece { number, part }).ok()
    }

    fn problem(&mut self, error: &io::Error) -> Option<()> {
        // An error that is not the system's is one of what unpacks the log.
        let finding = match error.raw_os_error() {
            Some(_) => disk::unreadable(Path::new(&*self.log), error),
            None => unknown_log::damaged(&self.log, error),
        };
        self.send(Part::Problem(Box::new(finding)))
    }

    /// Begins a log.
    fn begin(&mut self, name: Arc<str>) -> Option<()> {
        self.log = Arc::clone(&name);
        self.send(Part::Log(name, self.purpose))
    }

    /// Cuts a log, or each file of an archive.
    pub(super) fn log(&mut self, path: &Path, layout: Option<&Layout>) -> Option<()> {
        let name = disk::name(path);
        if path.as_os_str() == "-" {
            let wanted = "the lines of a log, or give the names of logs";
            if let Err(error) = disk::announce_stdin(wanted) {
                self.begin(name)?;
                return self.problem(&error);
            }
        }
        let opened = disk::open(path).and_then(|(reader, size)| {
            Ok((unpacked::open(Box::new(self.bar.wrap_read(reader)))?, size))
        });
        match opened {
            Ok((Unpacked::Text(mut text), size)) => {
                self.begin(name)?;
                self.lines(&mut text, size.is_none(), layout)
            }
            Ok((Unpacked::Archive(mut archive), _)) => {
                self.send(Part::Archive)?;
                self.archive(&name, &mut archive, layout)
            }
            Err(error) => {
                self.begin(name)?;
                self.problem(&error)
            }
        }
    }

    /// Reads the files of an archive as those of a folder are read: each is a log, and hidden ones are passed over.
    fn archive(
        &mut self,
        name: &Arc<str>,
        archive: &mut Archive<Box<dyn Read + '_>>,
        layout: Option<&Layout>,
    ) -> Option<()> {
        let files = match archive.entries() {
            Ok(files) => files,
            Err(error) => return self.broken_archive(name, &error),
        };
        for file in files {
            let file = match file {
                Ok(file) => file,
                Err(error) => return self.broken_archive(name, &error),
            };
            let path = file.path_bytes();
            let path = String::from_utf8_lossy(path.strip_prefix(b"./").unwrap_or(&path));
            let mut parts = path.split('/').filter(|part| *part != "..");
            let is_hidden = parts.any(|part| part.starts_with('.'));
            let kind = file.header().entry_type();
            if is_hidden || !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
                continue;
            }
            let inside = Arc::from(format!("{name}/{path}"));
            self.begin(inside)?;
            match unpacked::open(Box::new(file)) {
                Ok(Unpacked::Text(mut text)) => self.lines(&mut text, false, layout)?,
                Ok(Unpacked::Archive(_)) => {
                    let finding = unknown_log::tar_archive(&self.log);
                    self.send(Part::Problem(Box::new(finding)))?;
                }
                Err(error) => self.problem(&error)?,
            }
        }
        Some(())
    }

    fn broken_archive(&mut self, name: &Arc<str>, error: &io::Error) -> Option<()> {
        self.begin(Arc::clone(name))?;
        self.problem(error)
    }

    /// Cuts at line breaks. What a stream gives is passed on as it comes, a file piece by piece.
    fn lines(
        &mut self,
        reader: &mut dyn Read,
        is_stream: bool,
        given: Option<&Layout>,
    ) -> Option<()> {
        let mut found: Option<Layout> = None;
        let mut carry: Vec<u8> = Vec::new();
        let mut is_skipping = false;
        loop {
            let mut buffer = match self.spare.take() {
                Some(buffer) => buffer,
                None => self.buffers.recv().ok()?,
            };
            let n_carried = carry.len();
            // What the buffer had before is overwritten: to clear all of it takes time.
            buffer.resize(n_carried.max(PIECE_BYTES), 0);
            if let Some(start) = buffer.get_mut(..n_carried) {
                start.copy_from_slice(&carry);
            }
            carry.clear();
            let (n_read, failure) = fill(reader, &mut buffer, n_carried, is_stream);
            if !is_skipping && found.as_ref().is_some_and(|layout| layout.is_over(&buffer)) {
                found = None;
            }
            if found.is_none() && !buffer.is_empty() {
                found = match given {
                    Some(given) => Some(given.clone().within(&buffer)),
                    None => Layout::detect(&buffer),
                };
                // A stream may give the first lines in parts.
                let is_growing = is_stream && n_read > 0 && failure.is_none();
                if found.is_none() && is_growing && buffer.len() < PIECE_BYTES {
                    carry = buffer;
                    self.spare = Some(Vec::new());
                    continue;
                }
            }
            if let Some(error) = failure {
                // What was read before is judged, as of a compressed log that is cut.
                if let Some(layout) = found.filter(|layout| !layout.is_document() && !is_skipping)
                    && let Some(end) = layout.end_of_lines(&buffer)
                {
                    buffer.truncate(end);
                    self.send(Part::Lines(layout, buffer, self.purpose))?;
                } else {
                    self.spare = Some(buffer);
                }
                return self.problem(&error);
            }
            let Some(layout) = found.clone() else {
                let problem =
                    (!buffer.is_empty()).then(|| unknown_log::finding(&self.log, &buffer));
                // A buffer that is not sent serves the next log.
                self.spare = Some(buffer);
                return match problem {
                    Some(problem) => self.send(Part::Problem(Box::new(problem))),
                    None => Some(()),
                };
            };
            if layout.is_document() {
                return self.document(reader, buffer, layout);
            }
            if n_read == 0 {
                // The last line need not end with a line break.
                if buffer.is_empty() || is_skipping {
                    self.spare = Some(buffer);
                    return Some(());
                }
                let Some(next) = layout.next_header(&buffer) else {
                    return self.send(Part::Lines(layout.clone(), buffer, self.purpose));
                };
                // Behind a header of other columns is another log.
                carry = buffer.split_off(next);
                self.send(Part::Lines(layout.clone(), buffer, self.purpose))?;
                found = None;
                continue;
            }
            if is_skipping {
                let Some(end) = memchr::memchr(b'\n', &buffer) else {
                    self.spare = Some(buffer);
                    continue;
                };
                buffer.drain(..=end);
                is_skipping = false;
            }
            let is_full = buffer.len() >= PIECE_BYTES;
            let end = layout.end_of_lines(&buffer).and_then(|end| {
                let before = before_comments(&buffer, end);
                before.or(Some(end).filter(|_| is_full))
            });
            match end {
                Some(end) => {
                    // A header of other columns begins another log, as where logs were joined.
                    let next = layout.next_header(buffer.get(..end).unwrap_or_default());
                    carry = buffer.split_off(next.unwrap_or(end));
                    self.send(Part::Lines(layout.clone(), buffer, self.purpose))?;
                    if next.is_some() {
                        found = None;
                    }
                }
                None if is_full => {
                    is_skipping = true;
                    self.send(Part::TooLong)?;
                    self.spare = Some(buffer);
                }
                None => {
                    carry = buffer;
                    self.spare = Some(Vec::new());
                }
            }
        }
    }

    fn document(
        &mut self,
        reader: &mut dyn Read,
        mut document: Vec<u8>,
        layout: Layout,
    ) -> Option<()> {
        match disk::read_at_most(reader, MAX_HAR_BYTES) {
            Ok(Some(rest)) if rest.len() + document.len() <= MAX_HAR_BYTES => {
                document.extend(rest);
                self.send(Part::Lines(layout, document, self.purpose))
            }
            Ok(_) => {
                self.spare = Some(Vec::new());
                let finding = Finding::too_large(&self.log, MAX_HAR_BYTES);
                self.send(Part::Problem(Box::new(finding)))
            }
            Err(error) => {
                self.spare = Some(Vec::new());
                self.problem(&error)
            }
        }
    }
}

/// Returns where the comments begin that end lines: a header may have several, and goes on in what follows. `None` if
/// there is nothing else.
fn before_comments(buffer: &[u8], mut end: usize) -> Option<usize> {
    loop {
        let lines = buffer.get(..end.checked_sub(1)?)?;
        let start = memchr::memrchr(b'\n', lines).map_or(0, |start| start + 1);
        if buffer.get(start) != Some(&b'#') {
            return Some(end);
        }
        end = start;
    }
}

/// Reads behind the first `start` bytes until the buffer is full; of a stream, what there is. Returns how many bytes
/// were read, and the error that ended reading.
fn fill(
    reader: &mut dyn Read,
    buffer: &mut Vec<u8>,
    start: usize,
    is_stream: bool,
) -> (usize, Option<io::Error>) {
    let mut failure = None;
    let mut end = start;
    while let Some(room) = buffer.get_mut(end..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(n_read) => end += n_read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        if is_stream && end > start {
            break;
        }
    }
    buffer.truncate(end);
    (end - start, failure)
}
