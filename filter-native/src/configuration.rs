//! One configuration, as Envoy has a pointer to it.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use filter::{LogLevel, Memory, Root, Taken};

use crate::envoy::{self, EnvoyConfig, Scope};
use crate::host::{NativeHost, call_number};
use crate::metrics::Metrics;
use crate::ticker::Ticker;
use crate::worker::{State, Worker};

/// A configuration that was taken. Workers share its pack and its metrics.
pub(crate) struct Configuration {
    /// Its number in the process.
    id: u64,
    taken: Taken,
    metrics: Metrics,
    ticker: Mutex<Option<Ticker>>,
    /// Answers of the collector that wait, as one can arrive while a call is made.
    answers: Mutex<VecDeque<Answer>>,
    /// True while the main thread does something for the workers.
    is_busy: AtomicBool,
}

/// An answer of the collector.
struct Answer {
    call: u64,
    n_headers: usize,
    headers: Vec<u8>,
}

static LAST_ID: AtomicU64 = AtomicU64::new(0);

impl Configuration {
    /// Takes a configuration; `None` refuses it, after a line in the log.
    ///
    /// The pack is decoded here, once, and workers that have had streams get their roots at once, so that
    /// none of their requests waits for one.
    pub(crate) fn new(envoy: EnvoyConfig<'_>, bytes: &[u8]) -> Option<Configuration> {
        let Some(metrics) = Metrics::define(envoy) else {
            envoy::log(LogLevel::Error, "tidegate: configuration refused: metrics cannot be made");
            return None;
        };
        let scope = Scope::Config(envoy);
        let host = NativeHost::new(scope, &metrics).with_configuration(bytes);
        // What other configurations have left on this thread is no concern of a new one.
        let entered = Memory::enter(&Rc::default());
        let mut root = Root::default();
        let is_taken = root.configure(&host);
        drop(entered);
        let taken = root.taken().filter(|_| is_taken)?;
        let period = host.tick_period();
        metrics.keep_refusals(scope);
        let configuration = Configuration {
            id: LAST_ID.fetch_add(1, Ordering::Relaxed),
            taken,
            metrics,
            ticker: Mutex::default(),
            answers: Mutex::default(),
            is_busy: AtomicBool::default(),
        };
        for worker in Worker::all() {
            // Made before the worker is kept from its work.
            let root = Root::of(&configuration.taken);
            worker.enter(|state| {
                state.root(configuration.id, || root);
            });
        }
        if let Some(period) = period {
            configuration.start_ticks(envoy, Duration::from_millis(period.into()));
        }
        Some(configuration)
    }

    fn start_ticks(&self, envoy: EnvoyConfig<'_>, period: Duration) {
        let ticker = envoy.scheduler().and_then(|scheduler| Ticker::start(scheduler, period).ok());
        if ticker.is_none() {
            envoy::log(LogLevel::Error, "tidegate: no ticks: events wait for later ones");
        }
        *self.ticker.lock().unwrap_or_else(PoisonError::into_inner) = ticker;
    }

    /// Ends the clock and drops the roots. Streams that still run keep what they need.
    pub(crate) fn end(&self) {
        drop(self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take());
        for worker in Worker::all() {
            worker.enter(|state| self.forget_root(state));
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the root on a worker.
    pub(crate) fn root<'s>(&self, state: &'s mut State) -> &'s Root {
        state.root(self.id, || Root::of(&self.taken))
    }

    /// Drops the root on a worker; the next use makes a new one.
    pub(crate) fn forget_root(&self, state: &mut State) {
        state.forget_root(self.id);
    }

    /// Does what is due, for all workers.
    pub(crate) fn tick(&self, envoy: EnvoyConfig<'_>) {
        self.each(envoy, &[], |root, host| root.tick(host));
        self.deliver(envoy);
    }

    /// Takes an answer of the collector; `n_headers` is 0 if the call failed without one.
    pub(crate) fn take_answer(
        &self,
        envoy: EnvoyConfig<'_>,
        call: u64,
        n_headers: usize,
        headers: Vec<u8>,
    ) {
        let answer = Answer { call, n_headers, headers };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
        // A call that fails at once answers inside of itself.
        if !self.is_busy.load(Ordering::Relaxed) {
            self.deliver(envoy);
        }
    }

    fn deliver(&self, envoy: EnvoyConfig<'_>) {
        let next = || self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(Answer { call, n_headers, headers }) = next() {
            let call = call_number(call);
            // Only the worker that made the call takes it.
            self.each(envoy, &headers, |root, host| root.take_answer(host, call, n_headers));
        }
    }

    /// Does something with the root of each worker. Answers that arrive meanwhile wait.
    fn each(&self, envoy: EnvoyConfig<'_>, answer: &[u8], work: impl Fn(&Root, &NativeHost<'_>)) {
        let _busy = Busy::of(&self.is_busy);
        let host = NativeHost::new(Scope::Config(envoy), &self.metrics).with_answer(answer);
        for worker in Worker::all() {
            worker.enter(|state| work(self.root(state), &host));
        }
    }
}

/// True until it is dropped, also by a panic.
struct Busy<'b>(&'b AtomicBool);

impl<'b> Busy<'b> {
    fn of(flag: &'b AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        Busy(flag)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
