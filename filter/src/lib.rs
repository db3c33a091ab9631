//! The Envoy plugin: a proxy-wasm HTTP filter that holds each request against a pack.
//!
//! Thin on purpose: the engine is [`inspect`], the configuration is a pack that was compiled
//! elsewhere, and what stands here is what happens between Envoy and the engine.
//!
//! # What it does
//!
//! 1. **Configuration** (module `config`): a pack as raw bytes, or JSON with a pack in base64 and a
//!    mode. It is taken whole or refused with a line in the log that says why; what ran before goes on.
//! 2. **Request headers**: one read of the header map, and one of each property that the pack asks
//!    for (the server name of TLS, the client's address, the protocol version). The verdict lists
//!    every rule that matched. Rules are counted (`metrics`), the access log learns of them
//!    (`trace`), and in mode `enforce` the request is answered with 403 (`deny`).
//! 3. **The end of the request**: rules that waited for the response are evaluated and can only
//!    report; then one JSON event goes to the log (`event`). For tunnels this happens when they open.
//!
//! A request that no rule matches costs the header map, at most one property per field that the pack
//! asks for, and one counter.
//!
//! # Callbacks
//!
//! | callback                   | what happens |
//! | -------------------------- | ------------ |
//! | `proxy_on_configure`       | takes or refuses a configuration |
//! | `proxy_on_context_create`  | a context per plugin and per request |
//! | `proxy_on_request_headers` | judges; continues, or answers and pauses |
//! | `proxy_on_response_headers`| tells of a tunnel that opens; always continues |
//! | `proxy_on_log`             | evaluates what waited for the response; writes the event |
//! | `proxy_on_delete`          | frees the context |
//! | `proxy_on_tick`            | closes windows of events that were left out (`noise`), posts events to the collector (`export`), where either is on |
//! | `proxy_on_http_call_response` | takes the collector's answer |
//!
//! Bodies and trailers are neither read nor held back.
//!
//! # TLS that passes through
//!
//! With `"protocol": "tls"` the same module runs as a network filter in front of `tcp_proxy`
//! (module `connection`): a server name is judged before anything behind the filter hears of the
//! connection, a connection without one when its first bytes arrive. It also needs the capabilities
//! `proxy_on_new_connection`, `proxy_on_downstream_data` and `proxy_close_stream`.
//!
//! # Tunnels that end here
//!
//! Where the gateway ends a CONNECT and looks into the tunnel through an internal listener, the filter
//! inside compares what was promised outside with what it sees: the gateway passes the target on as
//! filter state `tidegate.connect_target`, an `envoy.string` that is shared with the upstream
//! connection. `examples/connect-sni` shows it.
//!
//! # Capabilities
//!
//! The filter runs under `capability_restriction_config` with these and no others. Envoy then skips
//! the callbacks that the SDK exports and the filter has no use for, which saves CPU on every request.
//!
//! ```text
//! proxy_on_context_create       proxy_get_buffer_bytes
//! proxy_on_configure            proxy_get_header_map_pairs
//! proxy_on_request_headers      proxy_get_property
//! proxy_on_response_headers     proxy_set_property
//! proxy_on_log                  proxy_send_local_response
//! proxy_on_delete               proxy_define_metric
//!                               proxy_increment_metric
//!                               proxy_record_metric
//!                               proxy_log
//!                               proxy_get_current_time_nanoseconds
//!                               proxy_get_shared_data
//!                               proxy_set_shared_data
//! proxy_on_tick                 proxy_set_tick_period_milliseconds
//! proxy_on_http_call_response   proxy_http_call
//!                               proxy_set_effective_context
//! ```
//!
//! # What Envoy has to be told
//!
//! - The server name of TLS is known only with the listener filter `tls_inspector`, also where the
//!   listener terminates TLS itself.
//! - `source` in events, and `src_ip` in rules, is Envoy's downstream remote address: without
//!   `use_remote_address: true` a client sets it by `X-Forwarded-For`.
//! - `failure_policy: FAIL_RELOAD`: with `FAIL_OPEN` a dead VM lets everything pass unseen.
//!
//! # When something fails
//!
//! No path panics, as a panic would take the VM and with it all requests on the worker: every call to
//! the host stands in `host` and returns a `Result`, and indexing, unwrapping and the like are denied
//! by lints. A request that cannot be judged is counted, and `failure_mode` says whether it passes
//! (`open`, the default) or is answered with 503 (`closed`).

#![deny(unsafe_code)]

mod collector;
mod config;
mod connection;
mod decide;
mod deny;
mod event;
mod export;
mod export_queue;
mod headers;
mod host;
mod http;
mod json;
mod label;
mod limits;
pub mod metric_table;
mod metrics;
mod noise;
mod noise_table;
mod plugin;
mod proto_struct;
mod report;
mod root;
mod snapshot;
mod source;
#[cfg(test)]
mod testing;
mod timing;
mod trace;
mod trust;
