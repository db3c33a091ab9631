//! The filter, but a request with a mark makes it panic: what a bug would do to a gateway, for tests
//! of Envoy's failure policies. The shipped module contains none of this.
#![forbid(unsafe_code)]

use filter::Host;
use filter_wasm::{HttpStreamContext, Root, WasmHost};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

/// The header that requests a panic, whatever its value.
const MARK: &[u8] = b"x-tidegate-panic";

/// The context of one HTTP request, which panics if the request has the mark.
struct Panicking(HttpStreamContext);

impl Context for Panicking {}

impl HttpContext for Panicking {
    fn on_http_request_headers(&mut self, n_headers: usize, is_end: bool) -> Action {
        let headers = WasmHost { root: 0 }.request_headers().unwrap_or_default();
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

mod entry {
    use super::{Panicking, Root};

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|id| {
            Box::new(Root::wrapping(id, |stream| Box::new(Panicking(stream))))
        });
    }}
}
