//! A filter that reads the header map and lets every request pass: what any filter costs that looks
//! at headers, for benchmarks. It calls the host as the real filter does.
#![forbid(unsafe_code)]

use filter::Host;
use filter_wasm::WasmHost;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }
}

struct Stream;

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        // An empty map would be a broken host; it also keeps the call from being optimised away.
        match (WasmHost { root: 0 }).request_headers() {
            Ok(map) if map.is_empty() => Action::Pause,
            Ok(_) | Err(_) => Action::Continue,
        }
    }
}

mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(super::Root));
    }}
}
