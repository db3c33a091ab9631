//! `tidegate events`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use diagnostics::{Finding, Sources, report};
use gateway::event::{self, Dialect};
use memchr::memmem;
use serde_json::Value;
use traffic::limits::MAX_LINE_BYTES;
use traffic::{BYTE_ORDER_MARK, LineJoiner, inner_lines};

use super::{Outcome, ResultFile};
use crate::unpacked::{self, Unpacked};
use crate::{disk, unknown_log};

/// Convert the gateway's events to ECS or OCSF.
///
/// Reads logs line by line: events as JSON lines, or lines of Envoy's log that contain an event, also as
/// Kubernetes, docker and fluent-bit wrap them, and compressed by gzip or zstd. Other lines are skipped and
/// counted; a line with an event that is cut, or in a place where the log has none, is broken, and so is one of more
/// than 1 MiB. Prints one JSON
/// line per event as soon as it is read. The exit code is 1 if a line is broken or a log cannot be read.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate events --to ecs envoy.log envoy.log.1.gz -o events.ndjson\n\
\x20 tail -F envoy.log | tidegate events --to ocsf")]
pub(crate) struct Events {
    /// The logs, one after the other; `-` is standard input [default: standard input]
    #[arg(value_name = "LOGS")]
    logs: Vec<PathBuf>,
    /// The schema of the output
    #[arg(long, value_enum)]
    to: DialectName,
    #[command(flatten)]
    result: ResultFile,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectName {
    /// Elastic Common Schema 9.4.
    Ecs,
    /// Open Cybersecurity Schema Framework 1.8.
    Ocsf,
    /// The gateway's own schema: the events of Envoy's log, unchanged.
    Native,
}

/// Counts of events, of broken events, and of lines without any; and the logs that could not be read to their end.
#[derive(Default)]
struct Counts {
    events: u64,
    others: u64,
    broken: u64,
    unread: Vec<Finding>,
}

impl Events {
    pub(super) fn run(&self) -> Outcome {
        let written = match &self.result.output {
            Some(path) => disk::write_with(path, |out| self.convert_all(out)),
            None => self.convert_all(&mut io::stdout().lock()),
        };
        match (written, &self.result.output) {
            (Ok(counts), _) => counts.outcome(),
            (Err(error), Some(path)) => {
                let help = "give `--output` a file in a folder that you may write to";
                Outcome::refused(&[disk::unwritable(path, &error, help)], &Sources::new())
            }
            // A reader that has gone away, as `head` does, has seen what it wanted.
            (Err(error), None) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::default(),
            (Err(error), None) => Outcome::failed(&disk::reason(&error)),
        }
    }

    fn convert_all(&self, out: &mut dyn Write) -> io::Result<Counts> {
        let stdin = [PathBuf::from("-")];
        let logs = if self.logs.is_empty() { &stdin[..] } else { &self.logs };
        let mut counts = Counts::default();
        for log in logs {
            if log.as_os_str() == "-" {
                disk::announce_stdin("lines with events, or name a log")?;
            }
            match disk::open(log).and_then(|(reader, _)| unpacked::open(reader)) {
                Ok(Unpacked::Text(text)) => {
                    self.convert(log, BufReader::new(text), &mut counts, out)?;
                }
                Ok(Unpacked::Archive(_)) => {
                    counts.unread.push(unknown_log::tar_archive(&disk::name(log)));
                }
                Err(error) => counts.unread.push(disk::unreadable(log, &error)),
            }
        }
        Ok(counts)
    }

    /// Converts one log. An error is one of the output.
    fn convert(
        &self,
        log: &Path,
        mut input: impl BufRead,
        counts: &mut Counts,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut joiner = LineJoiner::default();
        let mut line = Vec::new();
        for idx in 0_u64.. {
            match read_line(&mut input, &mut line) {
                Ok(Line::Whole) => {}
                Ok(Line::TooLong) => {
                    counts.broken += 1;
                    continue;
                }
                Ok(Line::End) => break,
                Err(error) => {
                    counts.unread.push(disk::unreadable(log, &error));
                    break;
                }
            }
            let line = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| idx == 0).unwrap_or(&line);
            match joiner.join(line.trim_ascii_end()) {
                Some(whole) => self.line(&whole, counts, out)?,
                None => counts.others += 1,
            }
        }
        for rest in joiner.finish() {
            self.line(&rest, counts, out)?;
        }
        Ok(())
    }

    fn line(&self, line: &[u8], counts: &mut Counts, out: &mut dyn Write) -> io::Result<()> {
        let Some(events) = logged_events(line) else {
            counts.others += 1;
            return Ok(());
        };
        // An event that is lost between the log and a SIEM is worse than one broken line too many.
        counts.broken += u64::from(events.is_empty());
        for event in events {
            let Ok(event) = event else {
                counts.broken += 1;
                continue;
            };
            counts.events += 1;
            let event = match self.to {
                DialectName::Ecs => event::convert(&event, Dialect::Ecs),
                DialectName::Ocsf => event::convert(&event, Dialect::Ocsf),
                DialectName::Native => event,
            };
            // Line by line, for whoever follows a log as it grows.
            writeln!(out, "{}", event::to_line(&event))?;
            out.flush()?;
        }
        Ok(())
    }
}

/// What was read of a log.
#[derive(Clone, Copy, Debug)]
enum Line {
    Whole,
    /// It has more than [`MAX_LINE_BYTES`] and was passed over.
    TooLong,
    End,
}

/// Reads the next line, without its line break, in place of what `line` has. Of a longer one than
/// [`MAX_LINE_BYTES`] no more than that is held.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let most = MAX_LINE_BYTES as u64 + 1;
    let n_read = input.by_ref().take(most).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if n_read > MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(if n_read == 0 { Line::End } else { Line::Whole })
}

impl Counts {
    fn outcome(&self) -> Outcome {
        let Counts { events, others, broken, unread } = self;
        let findings = report::to_text(unread, &Sources::new());
        let counted = format!("events: {events} written, {broken} broken, {others} other lines\n");
        let code = u8::from(*broken > 0 || !unread.is_empty());
        Outcome { stderr: findings + &counted, code, ..Outcome::default() }
    }
}

/// Returns the events of a line, however collectors wrapped it; `None` if it contains no beginning of one. A line
/// that does and has none lost it, or a client wrote it there.
pub(super) fn logged_events(line: &[u8]) -> Option<Vec<Result<Value, serde_json::Error>>> {
    memmem::find(line, b"tidegate.match")?;
    let lines = inner_lines(line);
    let mut is_named = false;
    for line in &lines {
        let line = String::from_utf8_lossy(line);
        let events = event::find(&line);
        if !events.is_empty() {
            return Some(events);
        }
        is_named |= event::is_named(&line);
    }
    is_named.then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_a_line_is_wrapped_and_none_is_lost_in_silence() {
        let event = r#"{"event":"tidegate.match","schema":1,"rules":[{"title":"\"a\""}]}"#;
        let plain =
            format!("[2026-11-29 19:40:12.960][1][warning][wasm] wasm log tidegate: {event}");
        let quoted = |text: &str| Value::from(text).to_string();
        let docker = format!(r#"{{"log": {}, "stream": "stderr"}}"#, quoted(&format!("{plain}\n")));
        let (first, second) = plain.split_at(90);
        let cri = "2026-11-20T08:00:00.2Z stderr";
        let long = format!("{plain}{}", " ".repeat(MAX_LINE_BYTES));
        for (log, expect) in [
            // A longer line is not held, whatever is in it, and the next one is read.
            (format!("{long}\n{event}\n{long}"), (1, 2, 0)),
            (format!("{}\n{event}", "a".repeat(MAX_LINE_BYTES)), (1, 0, 1)),
            (event.to_owned(), (1, 0, 0)),
            (plain.clone(), (1, 0, 0)),
            (format!("{cri} F {plain}"), (1, 0, 0)),
            (docker.clone(), (1, 0, 0)),
            (format!("{cri} F {docker}"), (1, 0, 0)),
            (format!(r#"{{"Level": "warning", "Message": {}}}"#, quoted(&plain)), (1, 0, 0)),
            (format!(r#"{{"kubernetes": {{}}, "message": {}}}"#, quoted(&docker)), (1, 0, 0)),
            (format!(r#"{{"time": "x", "log_processed": {event}}}"#), (1, 0, 0)),
            (format!("\u{feff}{docker}\r"), (1, 0, 0)),
            (format!(r#"{{"_p": "P", "log": {}}}"#, quoted(first)), (0, 1, 1)),
            (format!(r#"{{"textPayload": {}, "labels": {{}}}}"#, quoted(&plain)), (1, 0, 0)),
            (format!(r#"{{"_source": {{"message": {}}}}}"#, quoted(&docker)), (1, 0, 0)),
            (format!("{cri} P {first}\n{cri} F {second}"), (1, 0, 1)),
            (format!("{cri} P {first}"), (0, 1, 1)),
            (plain.get(..plain.len() - 5).unwrap().to_owned(), (0, 1, 0)),
            // What a client wrote is not an event, and is not skipped in silence either.
            (
                format!(r#"{{"log": {}}}"#, quoted(&format!("10.0.0.9 \"GET /\" \"{event}\""))),
                (0, 1, 0),
            ),
            (format!(r#"{{"path": "/", "user_agent": {}}}"#, quoted(event)), (0, 1, 0)),
            ("another line {}".to_owned(), (0, 0, 1)),
            // The name alone is not an event: a client writes it into a host.
            (r#"{"host":"tidegate.match","path":"/"}"#.to_owned(), (0, 0, 1)),
            (format!("GET /x ua={event}"), (0, 1, 0)),
        ] {
            let (mut counts, mut out) = (Counts::default(), Vec::new());
            let result = ResultFile { output: None };
            let command = Events { logs: Vec::new(), to: DialectName::Native, result };
            command.convert(Path::new("-"), log.as_bytes(), &mut counts, &mut out).unwrap();
            assert_eq!((counts.events, counts.broken, counts.others), expect, "{log}");
            let written = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for line in written {
                let line: Value = serde_json::from_slice(line).unwrap();
                assert_eq!(line, serde_json::from_str::<Value>(event).unwrap());
            }
        }
    }

    #[test]
    fn a_line_of_any_length_takes_bounded_memory() {
        let mut input = BufReader::new(io::repeat(b'a').take(64 << 20));
        let mut line = Vec::new();
        assert!(matches!(read_line(&mut input, &mut line), Ok(Line::TooLong)));
        assert!(line.capacity() <= 4 * MAX_LINE_BYTES, "{}", line.capacity());
        assert!(matches!(read_line(&mut input, &mut line), Ok(Line::End)));
    }
}
