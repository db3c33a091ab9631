//! `tidegate events`.

use std::io::{self, BufRead, Write};

use clap::{Args, ValueEnum};
use gateway::event::{self, Dialect};

use super::Outcome;
use crate::disk;

/// Convert the gateway's events to ECS or OCSF.
///
/// Reads standard input line by line: events as JSON lines, or lines of Envoy's log that contain an
/// event; other lines are skipped and counted. Prints one JSON line per event as soon as it is read.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate events --to ecs < envoy.log > events.ndjson\n\
\x20 tail -F envoy.log | tidegate events --to ocsf")]
pub(crate) struct Events {
    /// The schema of the output
    #[arg(long, value_enum)]
    to: DialectName,
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

/// Counts of events, of broken events, and of lines without any.
#[derive(Default)]
struct Counts {
    events: u64,
    others: u64,
    broken: u64,
}

impl Events {
    pub(super) fn run(&self) -> Outcome {
        match self.convert(io::stdin().lock(), &mut io::stdout().lock()) {
            Ok(Counts { events, others, broken }) => {
                let stderr =
                    format!("events: {events} written, {broken} broken, {others} other lines\n");
                Outcome { stderr, code: u8::from(broken > 0), ..Outcome::default() }
            }
            // A reader that has gone away, as `head` does, has seen what it wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::default(),
            Err(error) => Outcome::failed(&disk::reason(&error)),
        }
    }

    fn convert(&self, input: impl BufRead, out: &mut impl Write) -> io::Result<Counts> {
        let mut counts = Counts::default();
        for line in input.split(b'\n') {
            let line = line?;
            let events = event::find(&String::from_utf8_lossy(&line));
            counts.others += u64::from(events.is_empty());
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
                writeln!(out, "{event}")?;
                out.flush()?;
            }
        }
        Ok(counts)
    }
}
