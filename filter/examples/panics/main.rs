//! The filter, but a request with a mark makes it panic: what a bug in it would do to a gateway, for
//! tests of Envoy's failure policies.
//!
//! The sources are the filter's own; only the module that takes callbacks is wrapped. So the module
//! that is shipped has nothing of this in it. A new module of the filter has to be named here too.

#[path = "../../src/collector.rs"]
mod collector;
#[path = "../../src/config.rs"]
mod config;
#[path = "../../src/connection.rs"]
mod connection;
#[path = "../../src/decide.rs"]
mod decide;
#[path = "../../src/deny.rs"]
mod deny;
#[path = "../../src/event.rs"]
mod event;
#[path = "../../src/export.rs"]
mod export;
#[path = "../../src/export_queue.rs"]
mod export_queue;
#[path = "../../src/headers.rs"]
mod headers;
#[path = "../../src/host.rs"]
mod host;
mod http;
#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/label.rs"]
mod label;
#[path = "../../src/limits.rs"]
mod limits;
#[expect(
    unreachable_pub,
    dead_code,
    reason = "the library gives the table to whoever documents it"
)]
#[path = "../../src/metric_table.rs"]
mod metric_table;
#[path = "../../src/metrics.rs"]
mod metrics;
#[path = "../../src/noise.rs"]
mod noise;
#[path = "../../src/noise_table.rs"]
mod noise_table;
#[path = "../../src/plugin.rs"]
mod plugin;
#[path = "../../src/proto_struct.rs"]
mod proto_struct;
#[path = "../../src/report.rs"]
mod report;
#[path = "../../src/root.rs"]
mod root;
#[path = "../../src/snapshot.rs"]
mod snapshot;
#[path = "../../src/source.rs"]
mod source;
#[path = "../../src/timing.rs"]
mod timing;
#[path = "../../src/trace.rs"]
mod trace;
#[path = "../../src/trust.rs"]
mod trust;
