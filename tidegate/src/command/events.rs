//! `tidegate events`.

use std::io::{self, BufRead, Write};

use clap::{Args, ValueEnum};
use gateway::event::{self, Dialect};

use super::Outcome;
use crate::disk;

/// Turns the gateway's events into events of another schema.
///
/// Reads standard input line by line: events as JSON lines, or lines of Envoy's log with an event in
/// them; other lines are passed over and counted. Writes one JSON line per event as it comes.
#[derive(Args, Debug)]
pub(crate) struct Events {
    /// The schema to write
    #[arg(long, value_enum)]
    to: DialectName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectName {
    /// Elastic Common Schema 9.4.
    Ecs,
    /// Open Cybersecurity Schema Framework 1.8.
    Ocsf,
    /// The gateway's own, taken out of Envoy's log.
    Native,
}

/// Lines by what they held.
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
            match event::find(&String::from_utf8_lossy(&line)) {
                Ok(None) => counts.others += 1,
                Err(_) => counts.broken += 1,
                Ok(Some(event)) => {
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
        }
        Ok(counts)
    }
}
