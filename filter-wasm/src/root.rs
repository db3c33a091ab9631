//! The plugin's root context.

use filter::Protocol;
use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::ContextType;

use crate::host::WasmHost;
use crate::stream::{ConnectionContext, HttpStreamContext};

/// Makes the context of a request from the filter's.
type Wrap = fn(HttpStreamContext) -> Box<dyn HttpContext>;

/// The root context: one per plugin configuration and virtual machine.
#[derive(Debug)]
pub struct Root {
    host: WasmHost,
    plugin: filter::Root,
    wrap: Wrap,
}

impl Root {
    /// Makes the root context of this number.
    pub fn new(id: u32) -> Self {
        Root::wrapping(id, |stream| Box::new(stream))
    }

    /// Makes a root context whose contexts of requests are wrapped, for modules that test a host.
    pub fn wrapping(id: u32, wrap: Wrap) -> Self {
        Root { host: WasmHost { root: id }, plugin: filter::Root::default(), wrap }
    }
}

impl Context for Root {
    /// Envoy has a new configuration, or ends.
    fn on_done(&mut self) -> bool {
        self.plugin.write_sums(&self.host);
        true
    }

    fn on_http_call_response(&mut self, call: u32, n_headers: usize, _: usize, _: usize) {
        self.plugin.take_answer(&self.host, call, n_headers);
    }
}

impl RootContext for Root {
    /// Envoy counts a refused configuration in `update_rejected`.
    fn on_configure(&mut self, _: usize) -> bool {
        self.plugin.configure(&self.host)
    }

    fn on_tick(&mut self) {
        self.plugin.tick(&self.host);
    }

    /// Never `None`, on which the SDK panics. One root makes streams of one kind only.
    fn get_type(&self) -> Option<ContextType> {
        Some(match self.plugin.protocol() {
            Protocol::Tls => ContextType::StreamContext,
            Protocol::Http => ContextType::HttpContext,
        })
    }

    /// Never `None`, on which the SDK panics.
    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(ConnectionContext::new(self.host, self.plugin.connection())))
    }

    /// Never `None`, on which the SDK panics.
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some((self.wrap)(HttpStreamContext::new(self.host, self.plugin.http_stream())))
    }
}
