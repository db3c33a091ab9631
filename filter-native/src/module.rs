//! The module that Envoy loads: `libtidegate_native.so`.
#![forbid(unsafe_code)]

mod entry {
    filter_native::module!(None);
}
