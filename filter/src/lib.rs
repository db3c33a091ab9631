//! The filter: runs a pack over each request that a proxy forwards.
//!
//! The engine is [`inspect`], and the configuration is a pack that was compiled elsewhere. This crate is
//! what happens between a proxy and the engine, over the trait [`Host`]; a thin crate per kind of proxy
//! implements the trait and forwards callbacks (`filter-wasm` for proxy-wasm).
//!
//! # What it does
//!
//! 1. **Configuration** ([`Root::configure`], module `config`): a pack as raw bytes, or JSON with a pack
//!    in base64 and a mode. It is taken whole or refused with a log line that says why; what ran before
//!    goes on.
//! 2. **Request headers** ([`HttpStream`]): one read of the header map, and one of each property that
//!    the pack needs (the server name of TLS, the client's address, the protocol version). The verdict
//!    lists every rule that matched. Rules are counted (`metrics`), the access log gets the verdict
//!    (`filter_state`), and in mode `enforce` the request is answered with 403 (`deny`).
//! 3. **The end of the request**: rules that waited for the response are evaluated and can only
//!    report; then one JSON event goes to the log (`report`, `event`). For tunnels this happens when
//!    they open.
//!    A request whose source's behaviour a rule asks for is written to the shared tables (`behaviour`).
//! 4. **Ticks** ([`Root::tick`]): requests that have been running for long are reported (`running`),
//!    windows of suppressed events close (`suppression`), and queued events are posted to the collector
//!    (`export`).
//!
//! A request that no rule matches costs the header map, at most one property per field that the pack
//! asks for, and one counter.
//!
//! # TLS that passes through
//!
//! With `"protocol": "tls"` a network filter in front of `tcp_proxy` judges connections
//! ([`Connection`]): a server name is judged before any filter behind this one sees the connection, a
//! connection without one when its first bytes arrive.
//!
//! # Tunnels that end here
//!
//! If the gateway ends a CONNECT and looks into the tunnel through an internal listener, the filter
//! inside compares the target outside with what it sees: the gateway passes the target on as filter
//! state `tidegate.connect_target`, an `envoy.string` that is shared with the upstream connection.
//! `examples/connect-sni` shows it.
//!
//! # What Envoy has to be configured with
//!
//! - The server name of TLS is known only with the listener filter `tls_inspector`, also if the
//!   listener terminates TLS itself.
//! - `source` in events, and `src_ip` in rules, is Envoy's downstream remote address: without
//!   `use_remote_address: true` a client sets it by `X-Forwarded-For`.
//! - `failure_policy: FAIL_RELOAD`: with `FAIL_OPEN` a dead VM lets everything pass unseen.
//!
//! # When something fails
//!
//! No path panics; lints deny indexing, unwrapping and the like. A request that cannot be judged is
//! counted, and `failure_mode` decides whether it passes (`open`, the default) or is answered with 503
//! (`closed`).

#![forbid(unsafe_code)]

mod behaviour;
mod collector;
mod config;
mod connection;
mod correlation;
mod credentials;
mod decide;
mod deny;
mod event;
mod export;
mod export_queue;
mod filter_state;
mod headers;
mod host;
mod http;
mod inspection;
mod json;
mod judge;
mod keys;
mod label;
mod limits;
mod memory;
pub mod metric_table;
mod metrics;
mod open_connections;
mod packs;
mod plugin;
mod proto_struct;
mod report;
mod restrict;
mod root;
mod running;
mod snapshot;
mod source;
mod suppression;
#[cfg(test)]
mod testing;
mod timing;
mod trust;
mod trusted_header;

pub use connection::Connection;
pub use headers::{lay_out, serialise};
pub use host::{
    Host, HostError, LocalResponse, LogLevel, MetricId, MetricKind, Post, Property, Protocol,
};
pub use http::{Flow, HttpStream};
pub use memory::{Entered, Memory};
pub use root::{Root, Taken};
