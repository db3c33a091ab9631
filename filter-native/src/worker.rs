//! The state of each of Envoy's workers, under a lock.
//!
//! The filter's roots and streams share memory that one thread at a time may use. All of it that belongs
//! to one worker is in its [`State`], which is reached only through [`Worker::enter`]. The worker itself
//! finds the lock free, but for some microseconds a second in which the main thread does the work of a
//! tick.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use filter::{HttpStream, Memory, Root};

use crate::envoy::Confined;

/// A thread of Envoy that has streams.
pub(crate) struct Worker {
    state: Mutex<Confined<State>>,
}

/// What the filter keeps for a worker.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What outlives configurations.
    memory: Rc<Memory>,
    /// By the number of their configuration.
    roots: BTreeMap<u64, Root>,
    /// Streams that have something left to do, by their place.
    streams: Vec<Option<HttpStream>>,
    /// Places that are free.
    free: Vec<usize>,
}

// Threads live longer than configurations, and an event that waits for the collector has to find its
// way out after its configuration is gone.
static WORKERS: Mutex<Vec<Arc<Worker>>> = Mutex::new(Vec::new());

thread_local! {
    static CURRENT: Arc<Worker> = Worker::register();
}

impl Worker {
    fn register() -> Arc<Worker> {
        let state = Mutex::new(Confined::new(State::default()));
        let worker = Arc::new(Worker { state });
        WORKERS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&worker));
        worker
    }

    /// Returns the worker of the current thread.
    pub(crate) fn current() -> Arc<Worker> {
        CURRENT.with(Arc::clone)
    }

    /// Returns all workers that have had a stream.
    pub(crate) fn all() -> Vec<Arc<Worker>> {
        WORKERS.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs something with the state, and with its memory as that of the current thread.
    ///
    /// A panic inside leaves the lock usable: the filter's borrows end with it, and
    /// [`State::forget_root`] replaces what may be half done.
    pub(crate) fn enter<R>(&self, run: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state.get();
        // Left before the lock is.
        let _entered = Memory::enter(&Rc::clone(&state.memory));
        run(state)
    }
}

impl State {
    /// Returns the root of a configuration, which `make` makes if there is none.
    pub(crate) fn root(&mut self, configuration: u64, make: impl FnOnce() -> Root) -> &Root {
        self.roots.entry(configuration).or_insert_with(make)
    }

    /// Drops the root of a configuration.
    pub(crate) fn forget_root(&mut self, configuration: u64) {
        self.roots.remove(&configuration);
    }

    /// Keeps a stream; returns its place.
    pub(crate) fn keep(&mut self, stream: HttpStream) -> usize {
        let place = self.free.pop().unwrap_or(self.streams.len());
        match self.streams.get_mut(place) {
            Some(slot) => *slot = Some(stream),
            None => self.streams.push(Some(stream)),
        }
        place
    }

    /// Uses a stream that is kept.
    pub(crate) fn with_stream(&mut self, place: usize, run: impl FnOnce(&mut HttpStream)) {
        if let Some(Some(stream)) = self.streams.get_mut(place) {
            run(stream);
        }
    }

    /// Takes a stream out.
    pub(crate) fn remove(&mut self, place: usize) -> Option<HttpStream> {
        let stream = self.streams.get_mut(place)?.take()?;
        self.free.push(place);
        Some(stream)
    }
}
