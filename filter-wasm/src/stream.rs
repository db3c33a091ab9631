//! The contexts of streams: callbacks are forwarded, and flows returned as proxy-wasm's actions.

use filter::{Connection, Flow, HttpStream};
use proxy_wasm::traits::{Context, HttpContext, StreamContext};
use proxy_wasm::types::Action;

use crate::host::WasmHost;

/// The context of one HTTP request.
#[derive(Debug)]
pub struct HttpStreamContext {
    host: WasmHost,
    stream: HttpStream,
}

impl HttpStreamContext {
    pub(crate) fn new(host: WasmHost, stream: HttpStream) -> Self {
        HttpStreamContext { host, stream }
    }
}

impl Context for HttpStreamContext {}

impl HttpContext for HttpStreamContext {
    fn on_http_request_headers(&mut self, _: usize, is_end: bool) -> Action {
        if is_end {
            self.stream.ends_with_headers();
        }
        action(self.stream.on_request_headers(&self.host))
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.stream.on_response_headers(&self.host);
        Action::Continue
    }

    /// Called once, when the request is over, also if it was denied or reset, and never for requests
    /// that Envoy itself refuses.
    fn on_log(&mut self) {
        self.stream.on_end(&self.host);
    }
}

/// The context of one connection whose TLS passes through.
#[derive(Debug)]
pub struct ConnectionContext {
    host: WasmHost,
    connection: Connection,
}

impl ConnectionContext {
    pub(crate) fn new(host: WasmHost, connection: Connection) -> Self {
        ConnectionContext { host, connection }
    }
}

impl Context for ConnectionContext {}

impl StreamContext for ConnectionContext {
    fn on_new_connection(&mut self) -> Action {
        action(self.connection.on_new(&self.host))
    }

    fn on_downstream_data(&mut self, n_bytes: usize, _: bool) -> Action {
        action(self.connection.on_data(&self.host, n_bytes))
    }

    /// Called once, when the connection is closed by either side.
    fn on_log(&mut self) {
        self.connection.on_end(&self.host);
    }
}

fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}
