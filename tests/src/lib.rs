//! End-to-end tests: a real Envoy, its surroundings, and the table of cases that every runner reads.
//!
//! A test starts an [`Envoy`] from a [`Bootstrap`], with a [`StandIn`] for the internet behind it, and
//! talks to it with exact bytes over [`http1`] or over [`http2`]. Everything listens on loopback, on
//! ports that the operating system hands out, and ends when it is dropped.
//!
//! ```no_run
//! use tests::{Bootstrap, Envoy, http1};
//!
//! # fn main() -> anyhow::Result<()> {
//! let envoy = Envoy::start(&Bootstrap::new().listener("egress", &[]).json())?;
//! let response = http1::send(envoy.listener("egress")?, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")?;
//! assert_eq!(response.status, 200);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "this crate is where tests touch files, clocks and the environment"
)]

pub mod admin;
pub mod authority;
mod bootstrap;
pub mod case;
mod client_hello;
pub mod clients;
mod clock;
pub mod collector;
mod deadline;
mod envoy;
pub mod example;
mod exempt;
pub mod gateway;
pub mod generated_traffic;
mod git_server;
mod host;
pub mod http1;
pub mod http2;
mod name_server;
pub mod one_host;
mod plugin;
pub mod prometheus;
pub mod requests;
mod scarce;
pub mod shipped;
mod stand_in;
pub mod workspace;

pub use bootstrap::{Bootstrap, Certificate, direct_response};
pub use client_hello::client_hello;
pub use clock::{Clock, Preload};
pub use deadline::until;
pub use envoy::{Cpu, Envoy, Launch, TICK};
pub use exempt::exempt;
pub use git_server::GitServer;
pub use host::adapt;
pub use name_server::NameServer;
pub use plugin::Plugin;
pub use scarce::scarce;
pub use stand_in::StandIn;
