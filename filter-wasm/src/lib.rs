//! The filter as a proxy-wasm module: [`filter`] over the host calls of Envoy's sandbox.
//!
//! `host` implements [`filter::Host`] over the imports of proxy-wasm; `root` and `stream` forward
//! callbacks. Nothing else is here. The module that is shipped is `src/module.rs`.
//!
//! # Callbacks
//!
//! | callback                   | what happens |
//! | -------------------------- | ------------ |
//! | `proxy_on_configure`       | takes or refuses a configuration |
//! | `proxy_on_context_create`  | makes a context per plugin and per request |
//! | `proxy_on_request_headers` | judges; continues, or answers and pauses |
//! | `proxy_on_response_headers`| reports a tunnel that opens; always continues |
//! | `proxy_on_log`             | evaluates the rules that waited for the response; writes the event |
//! | `proxy_on_delete`          | frees the context |
//! | `proxy_on_tick`            | closes windows of suppression, posts events to the collector, where either is configured |
//! | `proxy_on_http_call_response` | takes the collector's answer |
//!
//! Bodies and trailers are neither read nor held back. A network filter (`"protocol": "tls"`) also
//! needs `proxy_on_new_connection`, `proxy_on_downstream_data` and `proxy_close_stream`.
//!
//! # Capabilities
//!
//! The module runs under `capability_restriction_config` with these and no others. Envoy then skips
//! the callbacks that the SDK exports and the filter does not use, which saves CPU on every request.
//!
//! ```text
//! proxy_on_context_create       proxy_get_buffer_bytes
//! proxy_on_configure            proxy_get_header_map_pairs
//! proxy_on_request_headers      proxy_get_property
//! proxy_on_response_headers     proxy_set_property
//! proxy_on_log                  proxy_send_local_response
//! proxy_on_delete               proxy_replace_header_map_value
//!                               proxy_remove_header_map_value
//!                               proxy_define_metric
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
//! # When something fails
//!
//! No path panics: a panic kills the virtual machine and with it all requests on the worker. Every call
//! to the host is in `host` and returns a `Result`, and lints deny indexing, unwrapping and the like.

#![deny(unsafe_code)]

mod host;
mod root;
mod stream;

pub use host::WasmHost;
pub use root::Root;
pub use stream::{ConnectionContext, HttpStreamContext};
