//! A line on a terminal that says what is being done; nothing where there is no terminal.

use std::io::{self, IsTerminal, Write};

/// Writes over its own line on standard error.
#[derive(Debug)]
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { shown: io::stderr().is_terminal() }
    }

    /// Says what is being done.
    pub(super) fn say(&self, what: &str) {
        if self.shown {
            // A terminal that went away is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{what}");
        }
    }

    /// Says how far it is, every 64 steps.
    pub(super) fn count(&self, what: &str, step: usize, of: usize) {
        if self.shown && step.is_multiple_of(64) {
            let filled = step * 24 / of.max(1);
            self.say(&format!(
                "{what} [{}{}] {step}/{of}",
                "#".repeat(filled),
                " ".repeat(24 - filled)
            ));
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.say("");
    }
}
