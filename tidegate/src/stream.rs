//! Logs in, records out: reading, threads and the order of what they find.
//!
//! One thread cuts logs into pieces at line breaks, others judge pieces by the rules, and this one
//! writes what they found in the order of the pieces. There is a fixed number of buffers, so that
//! reading waits for writing and memory does not grow with a log.

mod cutter;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use diagnostics::{Finding, Place, Span};
use hunt::{Hunter, Output, PieceReport, PolicyReplay, ReadLog, Report, Uses};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inspect::Pack;
use traffic::{FieldMap, Layout, Unreadable};

use crate::{disk, unknown_log};

use cutter::Cutter;

/// What to hunt, and with what.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Job<'j> {
    /// The bytes of packs. The logs are read once, as a pipe gives nothing a second time, and each piece
    /// of them is judged by every pack.
    pub(crate) packs: &'j [&'j [u8]],
    pub(crate) logs: Vec<PathBuf>,
    /// Logs that say what was known before; they are read first.
    pub(crate) baselines: Vec<PathBuf>,
    /// Whether [`Done::pairs`] is wanted.
    pub(crate) wants_pairs: bool,
    /// Whether [`Done::page`] is wanted.
    pub(crate) wants_page: bool,
    /// How the logs are read; without it the start of each log decides.
    pub(crate) layout: Option<Layout>,
    pub(crate) map: &'j FieldMap,
    pub(crate) output: Output,
    pub(crate) show_values: bool,
    /// How the pack's policy is replayed, if it is.
    pub(crate) policy: Option<PolicyReplay>,
    pub(crate) n_threads: Option<NonZero<usize>>,
    /// Whether what sources did is kept, for learning.
    pub(crate) learns: bool,
}

/// The result of a job for one pack.
pub(crate) struct Done {
    pub(crate) summary: String,
    /// Lines that are events, and lines that could not be read.
    pub(crate) n_events: u64,
    pub(crate) n_unreadable: u64,
    /// The place of the first of these, and why it could not be read.
    pub(crate) first_unreadable: Option<(Place, Unreadable)>,
    /// Logs that were not read, or not to their end.
    pub(crate) problems: Vec<Finding>,
    /// Logs of which a share of the requests was not read.
    unread: Vec<Finding>,
    /// What sources did, if that is kept.
    pub(crate) uses: Uses,
    /// What every source did with every host.
    pub(crate) pairs: String,
    /// The report as a page of HTML.
    pub(crate) page: String,
}

impl Done {
    fn new(report: &Report, problems: &[Finding], wants_pairs: bool) -> Done {
        let counts = report.counts();
        let first_unreadable = report.first_unreadable().map(|(file, line, reason)| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            (Place { file: Arc::clone(file), span: Span::point(line, 1) }, reason)
        });
        let lost = report.lost().map(|error| disk::unreadable(&disk::Temporary::folder(), error));
        Done {
            summary: report.summary(),
            n_events: counts.n_events,
            n_unreadable: counts.n_unreadable(),
            first_unreadable,
            problems: problems.iter().cloned().chain(lost).collect(),
            unread: report.logs().filter_map(|(file, read)| unread(file, read)).collect(),
            uses: report.uses().clone(),
            page: report.page(),
            pairs: if wants_pairs { report.pairs() } else { String::new() },
        }
    }

    /// Returns findings about logs that could not be read, also where not one line could be, or too few.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.problems.iter().chain(&self.unread).cloned().collect()
    }
}

/// Of a log one of so many lines that look like requests may be unread without a finding.
const MIN_READ: u64 = 10;

/// Returns the finding for a log of which no line could be read, or too few.
fn unread(file: &Arc<str>, read: &ReadLog) -> Option<Finding> {
    let (line, message, help) = match (read.first_unreadable, read.missed) {
        (Some((line, reason)), missed) if read.n_events == 0 => {
            let help = match (reason, missed) {
                (Unreadable::NoHost, _) => NO_HOST_HELP,
                (_, Some(missed)) => missed.seems.help(),
                _ => WRONG_FORMAT_HELP,
            };
            (line, format!("no line could be read: {}", reason.as_str()), help)
        }
        (_, Some(missed)) if missed.n_lines * MIN_READ >= missed.n_lines + read.n_events => {
            let message = format!(
                "{} of {} lines that look like requests could not be read; the first seems to be {}",
                missed.n_lines,
                missed.n_lines + read.n_events,
                missed.seems.as_str()
            );
            (missed.first, message, missed.seems.help())
        }
        _ => return None,
    };
    let mut finding = unknown_log::with(file, &message, help);
    finding.diagnostic.place.span = Span::point(u32::try_from(line).unwrap_or(u32::MAX), 1);
    Some(finding)
}

/// What helps where no line names a host.
const NO_HOST_HELP: &str = "name the key or the column of the host with `--map`: `host = \"request.host\"` for a key in an object, as it is behind what a collector wraps around the line; the log of a web server that has paths alone cannot be judged";
/// What helps where lines are read as something that they are not.
const WRONG_FORMAT_HELP: &str = "if `--input-format` is given, leave it out, so that the first lines show what the log is, or name another one; `--log-format` describes a text log of Envoy, `--map` the keys of JSON";

/// A part of a log, numbered in the order in which records are written.
struct Piece {
    number: u64,
    part: Part,
}

enum Part {
    /// Several logs follow that may be of the same time.
    Archive,
    /// The next log begins.
    Log(Arc<str>, Purpose),
    /// Whole lines, or a whole document.
    Lines(Layout, Vec<u8>, Purpose),
    /// A line that does not fit into a piece.
    TooLong,
    /// The log cannot be read, or not on.
    Problem(Box<Finding>),
}

/// What a log is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Hunt,
    Baseline,
}

enum Found {
    Archive,
    Log(Arc<str>, Purpose),
    /// The report of each pack about a piece, and the piece's buffer.
    Pieces(Vec<PieceReport>, Option<Vec<u8>>),
    Problem(Box<Finding>),
}

impl Job<'_> {
    /// Hunts; writes the records of each pack to the `out` in its place as they are found, and returns
    /// the results in the same order.
    ///
    /// # Errors
    /// What is found cannot be written.
    pub(crate) fn run(&self, outs: &mut [&mut dyn Write]) -> io::Result<Vec<Done>> {
        let n_cores = thread::available_parallelism().map_or(1, NonZero::get);
        let n_threads = self.n_threads.map_or(n_cores, NonZero::get);
        let reports = self.packs.iter().map(|pack| {
            let report = Report::new(decode(pack)?, self.output, self.logs.len(), self.show_values);
            let report = report.with_spill(Box::new(disk::Temporary::default()));
            let report = if self.wants_page { report.with_page() } else { report };
            Ok(match self.policy {
                Some(policy) => report.with_policy(policy),
                None => report,
            })
        });
        let mut reports = reports.collect::<io::Result<Vec<_>>>()?;
        let bar = &self.progress();
        thread::scope(|scope| {
            let (free, buffers) = channel();
            for _ in 0..=2 * n_threads {
                free.send(Vec::new()).map_err(io::Error::other)?;
            }
            let (pieces, waiting) = channel();
            let waiting = Arc::new(Mutex::new(waiting));
            let (finds, found) = channel();
            scope.spawn(move || {
                let log = Arc::from("");
                let purpose = Purpose::Baseline;
                let mut cutter =
                    Cutter { log, purpose, number: 0, spare: None, pieces, buffers, bar };
                let baselines = self.baselines.iter().map(|log| (log, Purpose::Baseline));
                let logs = self.logs.iter().map(|log| (log, Purpose::Hunt));
                for (log, purpose) in baselines.chain(logs) {
                    cutter.purpose = purpose;
                    if cutter.log(log, self.layout.as_ref()).is_none() {
                        // Nobody takes pieces any more.
                        return;
                    }
                }
            });
            for _ in 0..n_threads {
                let (waiting, finds) = (Arc::clone(&waiting), finds.clone());
                scope.spawn(move || self.work(&waiting, &finds));
            }
            drop((waiting, finds));
            let problems = collect(&found, &free, &mut reports, outs)?;
            for (report, out) in reports.iter_mut().zip(outs) {
                out.write_all(report.finish().as_bytes())?;
                out.flush()?;
            }
            bar.finish_and_clear();
            let done = |report| Done::new(report, &problems, self.wants_pairs);
            Ok(reports.iter().map(done).collect())
        })
    }

    /// A bar on a terminal, unless the records go to the same one.
    fn progress(&self) -> ProgressBar {
        let is_shown = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let n_bytes = self.logs.iter().map(|log| disk::size(log)).sum();
        let bar = ProgressBar::with_draw_target(Some(n_bytes), target);
        let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Judges pieces until there are no more.
    fn work(&self, waiting: &Mutex<Receiver<Piece>>, finds: &Sender<(u64, Found)>) {
        let mut made: Option<(Layout, Vec<Hunter>)> = None;
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Piece { number, part }) = next else { return };
            let found = match part {
                Part::Archive => Found::Archive,
                Part::Log(name, purpose) => Found::Log(name, purpose),
                Part::Problem(problem) => Found::Problem(problem),
                Part::TooLong => {
                    let pieces = self.packs.iter().map(|_| PieceReport::too_long());
                    Found::Pieces(pieces.collect(), None)
                }
                Part::Lines(layout, bytes, purpose) => {
                    let (known, hunters) =
                        made.get_or_insert_with(|| (layout.clone(), self.hunters(&layout)));
                    if *known != layout {
                        for hunter in &mut *hunters {
                            hunter.set_layout(layout.clone(), self.map);
                        }
                        *known = layout;
                    }
                    let pieces = hunters.iter_mut().map(|hunter| match purpose {
                        Purpose::Hunt => hunter.hunt(&bytes),
                        Purpose::Baseline => hunter.note(&bytes),
                    });
                    let pieces = pieces.collect();
                    Found::Pieces(pieces, Some(bytes))
                }
            };
            if finds.send((number, found)).is_err() {
                return;
            }
        }
    }

    /// One for each pack. All of them have been decoded before, for the reports.
    fn hunters(&self, layout: &Layout) -> Vec<Hunter> {
        let packs = self.packs.iter().filter_map(|pack| decode(pack).ok());
        let hunters = packs.map(|pack| {
            let hunter = Hunter::new(pack, layout.clone(), self.map, self.show_values);
            let hunter = if self.learns { hunter.with_uses() } else { hunter };
            let hunter = if self.wants_pairs { hunter.with_behaviour() } else { hunter };
            match self.policy {
                Some(policy) => hunter.with_policy(policy),
                None => hunter,
            }
        });
        hunters.collect()
    }
}

fn decode(pack: &[u8]) -> io::Result<Pack> {
    Pack::decode(pack).map_err(io::Error::other)
}

/// Puts what was found in order and writes it. Buffers go back once their place has been written.
fn collect(
    found: &Receiver<(u64, Found)>,
    free: &Sender<Vec<u8>>,
    reports: &mut [Report],
    outs: &mut [&mut dyn Write],
) -> io::Result<Vec<Finding>> {
    let mut problems = Vec::new();
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, found) in found {
        early.insert(number, found);
        while let Some(found) = early.remove(&next) {
            next += 1;
            match found {
                Found::Archive => reports.iter_mut().for_each(Report::hold),
                Found::Log(name, purpose) => reports.iter_mut().for_each(|report| match purpose {
                    Purpose::Hunt => report.begin(&name),
                    Purpose::Baseline => report.begin_baseline(&name),
                }),
                Found::Problem(problem) => problems.push(*problem),
                Found::Pieces(pieces, buffer) => {
                    let pieces = reports.iter_mut().zip(pieces).zip(outs.iter_mut());
                    for ((report, piece), out) in pieces {
                        let records = report.take(piece);
                        if !records.is_empty() {
                            out.write_all(records.as_bytes())?;
                            out.flush()?;
                        }
                    }
                    if let Some(buffer) = buffer {
                        // The reader may be done already, and then needs no buffer.
                        let _ = free.send(buffer);
                    }
                }
            }
        }
    }
    Ok(problems)
}
