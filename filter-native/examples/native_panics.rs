//! The native module, but a request with a mark makes it panic: what a bug would do to a gateway, for tests.
//! The shipped module contains none of this.
#![forbid(unsafe_code)]

/// The header that requests a panic, whatever its value.
const MARK: &[u8] = b"x-tidegate-panic";

fn panic_on_request(headers: &[u8]) {
    assert!(headers.windows(MARK.len()).all(|name| name != MARK), "the request asked for a panic");
}

mod entry {
    filter_native::module!(Some(super::panic_on_request));
}
