//! The filter as a dynamic module of Envoy: [`filter`] in Envoy's own process, without a sandbox.
//!
//! The second host beside `filter-wasm`: opt-in, for HTTP, and less than half of its cost. `docs/native.md`
//! compares them.
//!
//! # Layers
//!
//! - `envoy` declares the ABI and contains all unsafe code: the functions that Envoy exports, as safe
//!   methods, and those that Envoy calls, which catch panics.
//! - `host` implements [`filter::Host`] over it, with `metrics` and `shared_data`.
//! - `worker` keeps the state of each of Envoy's threads under a lock; `configuration` and `stream` are
//!   what Envoy holds pointers to; `ticker` is the clock.
//!
//! # Threads
//!
//! Envoy makes configurations on its main thread, where ticks and answers of the collector arrive too,
//! and streams on its workers. A worker's root, its streams and its memory are one state under a lock,
//! which the worker takes in each of its callbacks and the main thread once a second. All workers share
//! the pack.
//!
//! # When something fails
//!
//! Lints deny what could panic, as in all crates. A panic that comes nevertheless is caught at the
//! callback: the request counts as one that cannot be judged, so `failure_mode` decides, and the worker
//! gets a new root. A stack overflow or a fault in unsafe code ends Envoy.

#![deny(unsafe_code)]

mod configuration;
mod envoy;
mod host;
mod metrics;
mod shared_data;
mod stream;
mod ticker;
mod worker;

pub use envoy::{ENVOY_AT_LEAST, program_init};

/// A function that sees the request headers before the filter does, as the host lays them out: for tests of
/// what happens when judging a request panics.
pub type Probe = fn(&[u8]);
