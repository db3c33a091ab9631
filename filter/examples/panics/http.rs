//! The context of one HTTP request, which panics where the request says so.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host;
use crate::plugin::Plugin;

#[path = "../../src/http.rs"]
mod real;

/// The header that asks for a panic, whatever its value.
const MARK: &[u8] = b"x-tidegate-panic";

/// What the filter makes for a request.
#[derive(Debug)]
pub(crate) struct HttpStream(real::HttpStream);

impl HttpStream {
    pub(crate) fn new(plugin: Option<Rc<Plugin>>) -> Self {
        HttpStream(real::HttpStream::new(plugin))
    }
}

impl Context for HttpStream {}

impl HttpContext for HttpStream {
    fn on_http_request_headers(&mut self, n_headers: usize, is_end: bool) -> Action {
        let headers = host::request_headers().unwrap_or_default();
        assert!(
            headers.windows(MARK.len()).all(|name| name != MARK),
            "the request asked for a panic"
        );
        self.0.on_http_request_headers(n_headers, is_end)
    }

    fn on_http_response_headers(&mut self, n_headers: usize, is_end: bool) -> Action {
        self.0.on_http_response_headers(n_headers, is_end)
    }

    fn on_log(&mut self) {
        self.0.on_log();
    }
}
