//! Waiting for another process, with an end.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take that a test waits for: generous, since a loaded machine compiles wasm
/// for many seconds; reached only by failures.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The time between two polls: Envoy does not announce a log line or a counter.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until there is an answer, and returns it.
///
/// `what` completes "waited for". An error of `ask` ends the waiting, as does the deadline of a minute.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        thread::sleep(PAUSE);
    }
}
