//! The clock: a thread that wakes Envoy's main thread once in a period.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::envoy::Scheduler;

/// A thread that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_requested: Mutex<bool>,
    changed: Condvar,
}

impl Ticker {
    /// Starts a thread that uses the scheduler once in every period.
    pub(crate) fn start(scheduler: Scheduler, period: Duration) -> io::Result<Ticker> {
        let stop = Arc::<Stop>::default();
        let clock = Arc::clone(&stop);
        let thread = thread::Builder::new().name("tidegate-tick".to_owned()).spawn(move || {
            while !clock.is_requested_within(period) {
                scheduler.wake();
            }
        })?;
        Ok(Ticker { stop, thread: Some(thread) })
    }
}

impl Stop {
    fn is_requested_within(&self, period: Duration) -> bool {
        let is_requested = self.is_requested.lock().unwrap_or_else(PoisonError::into_inner);
        let waited =
            self.changed.wait_timeout_while(is_requested, period, |is_requested| !*is_requested);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self.stop.is_requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and if it did, it would be over too.
            thread.join().unwrap_or_default();
        }
    }
}
