//! The module that Envoy runs: `filter.wasm`.
#![forbid(unsafe_code)]

mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|id| Box::new(filter_wasm::Root::new(id)));
    }}
}
