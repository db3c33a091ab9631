//! Every call to the host, and nothing else: bytes in, bytes out, errors as values.
//!
//! The SDK's own wrappers panic on a status that they do not expect and on text that is not UTF-8,
//! and a panic takes the whole VM down (`failure_policy` decides whether what follows is refused or
//! let through unseen). So the imports are declared here once more. Outside of wasm there is no
//! host: every call fails with [`HostError`], so that the rest of the crate is tested natively.
//!
//! See: <https://github.com/proxy-wasm/proxy-wasm-rust-sdk/issues/25>
#![expect(
    unsafe_code,
    reason = "calling the host is a foreign call; each is one line, checked here"
)]

use std::fmt;
use std::ptr::{null_mut, slice_from_raw_parts_mut};
use std::time::Duration;

use proxy_wasm::hostcalls;

/// The host refused a call; the number is proxy-wasm's `WasmResult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostError(pub(crate) u32);

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host answered with status {}", self.0)
    }
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const INTERNAL_FAILURE: u32 = 10;

/// What [`log`] says how urgent a line is.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum LogLevel {
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum MetricKind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// A metric that the host knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetricId(u32);

/// A property of the stream, by the name that Envoy gives it; path segments are separated by NUL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property(&'static [u8]);

impl Property {
    pub(crate) const SERVER_NAME: Property = Property(b"connection\0requested_server_name");
    pub(crate) const TLS_VERSION: Property = Property(b"connection\0tls_version");
    pub(crate) const PEER_IDENTITY: Property = Property(b"connection\0uri_san_peer_certificate");
    pub(crate) const SOURCE_ADDRESS: Property = Property(b"source\0address");
    pub(crate) const PROTOCOL: Property = Property(b"request\0protocol");
    pub(crate) const REQUEST_BYTES: Property = Property(b"request\0size");
    pub(crate) const RESPONSE_BYTES: Property = Property(b"response\0size");
    pub(crate) const RESPONSE_CODE: Property = Property(b"response\0code");
    pub(crate) const DESTINATION_ADDRESS: Property = Property(b"destination\0address");
    pub(crate) const UPSTREAM_ADDRESS: Property = Property(b"upstream\0address");
    pub(crate) const NODE: Property = Property(b"xds\0node\0id");
    pub(crate) const FILTER_CHAIN: Property = Property(b"xds\0filter_chain_name");
    pub(crate) const VIRTUAL_HOST: Property = Property(b"xds\0virtual_host_name");
    pub(crate) const ROUTE: Property = Property(b"xds\0route_name");
    pub(crate) const CLUSTER: Property = Property(b"xds\0cluster_name");
    /// Filter state that the gateway's configuration leaves for what comes out of a tunnel.
    pub(crate) const CONNECT_TARGET: Property = Property(b"filter_state\0tidegate.connect_target");
}

/// The request headers of the current stream, serialised as proxy-wasm does; see [`crate::headers`].
pub(crate) fn request_headers() -> Result<Vec<u8>, HostError> {
    const REQUEST_HEADERS: u32 = 0;
    // SAFETY: the host writes through both pointers, which outlive the call.
    returned(|data, size| unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) })
}

/// The configuration of the plugin, as it came.
pub(crate) fn plugin_configuration() -> Result<Vec<u8>, HostError> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    // SAFETY: the host writes through both pointers, which outlive the call.
    let bytes = returned(|data, size| unsafe {
        proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size)
    });
    // Envoy says "not found" where there is no configuration at all.
    bytes.or_else(|error| if error.0 == NOT_FOUND { Ok(Vec::new()) } else { Err(error) })
}

/// What the client has sent and is still held, at most `n_bytes` of it. Network filters only.
pub(crate) fn downstream_data(n_bytes: usize) -> Result<Vec<u8>, HostError> {
    const DOWNSTREAM_DATA: u32 = 2;
    // SAFETY: the host writes through both pointers, which outlive the call.
    returned(|data, size| unsafe {
        proxy_get_buffer_bytes(DOWNSTREAM_DATA, 0, n_bytes, data, size)
    })
}

/// Closes the client's connection. Network filters only.
pub(crate) fn close_downstream() -> Result<(), HostError> {
    const DOWNSTREAM: u32 = 2;
    // SAFETY: no pointers.
    done(unsafe { proxy_close_stream(DOWNSTREAM) })
}

/// A property of the current stream; `None` where the stream has none of that name, or an empty one:
/// without TLS some versions of Envoy say that the server name is empty.
pub(crate) fn property(property: Property) -> Result<Option<Vec<u8>>, HostError> {
    let Property(path) = property;
    // SAFETY: `path` is static; the host writes through both pointers, which outlive the call.
    let value =
        returned(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) });
    match value {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(HostError(NOT_FOUND)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets a filter state object of the current stream; Envoy puts `wasm.` before the name.
pub(crate) fn set_filter_state(name: &str, value: &[u8]) -> Result<(), HostError> {
    // SAFETY: the host reads both slices during the call only.
    done(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// What the virtual machines of a `vm_id` share under a key, and the number that says which writing of
/// it this is.
pub(crate) fn shared_data(key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
    let mut cas = 0;
    // SAFETY: the host reads the key and writes through all pointers during the call only.
    let value = returned(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas)
    });
    match value {
        Ok(value) => Ok(Some((value, cas))),
        Err(HostError(NOT_FOUND)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Shares a value; an error if somebody wrote since `cas` was read. With 0 it is written in any case.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<(), HostError> {
    // SAFETY: the host reads both slices during the call only.
    done(unsafe {
        proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
    })
}

/// Nanoseconds since 1970.
pub(crate) fn time() -> Result<u64, HostError> {
    let mut nanoseconds = 0;
    // SAFETY: the host writes through the pointer, which outlives the call.
    done(unsafe { proxy_get_current_time_nanoseconds(&raw mut nanoseconds) })?;
    Ok(nanoseconds)
}

/// Seconds since 1970; `None` where there is no clock.
pub(crate) fn seconds() -> Option<u64> {
    time().ok().map(|nanoseconds| nanoseconds / 1_000_000_000)
}

/// Posts to a cluster; the number of the call, with which the answer comes to the current plugin.
///
/// Through the SDK, as it has to know whom to give the answer to, and panics on an answer that it does
/// not expect. It panics also on statuses that Envoy does not give here: for a cluster that is not
/// there, or a call that is not allowed, it has others. On the answer it panics where
/// [`set_effective_context`] is not allowed.
pub(crate) fn post(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout_seconds: u32,
) -> Result<u32, HostError> {
    if cfg!(not(target_family = "wasm")) {
        return Err(HostError(INTERNAL_FAILURE));
    }
    let timeout = Duration::from_secs(u64::from(timeout_seconds));
    let called =
        hostcalls::dispatch_http_call(cluster, headers.to_vec(), Some(body), Vec::new(), timeout);
    called.map_err(|status| HostError(status as u32))
}

/// Has calls to the host mean a context; an error also where this is not allowed.
pub(crate) fn set_effective_context(context: u32) -> Result<(), HostError> {
    // SAFETY: no pointers.
    done(unsafe { proxy_set_effective_context(context) })
}

/// The headers of the answer to [`post`], serialised as those of requests.
pub(crate) fn call_headers() -> Result<Vec<u8>, HostError> {
    const CALL_RESPONSE_HEADERS: u32 = 6;
    // SAFETY: the host writes through both pointers, which outlive the call.
    returned(|data, size| unsafe { proxy_get_header_map_pairs(CALL_RESPONSE_HEADERS, data, size) })
}

/// Has the host call `on_tick` of the current plugin from now on.
pub(crate) fn set_tick_period(milliseconds: u32) -> Result<(), HostError> {
    // SAFETY: no pointers.
    done(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Writes one line to Envoy's log.
pub(crate) fn log(level: LogLevel, line: &str) -> Result<(), HostError> {
    // SAFETY: the host reads the slice during the call only.
    done(unsafe { proxy_log(level as u32, line.as_ptr(), line.len()) })
}

/// Defines a metric, or finds the one that has the name already.
pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<MetricId, HostError> {
    let mut id = 0;
    // SAFETY: the host reads the name and writes through the pointer during the call only.
    done(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(MetricId(id))
}

/// Adds one to a counter.
pub(crate) fn increment(metric: MetricId) -> Result<(), HostError> {
    add(metric, 1)
}

/// Adds to a counter.
pub(crate) fn add(metric: MetricId, count: u64) -> Result<(), HostError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    // SAFETY: no pointers.
    done(unsafe { proxy_increment_metric(metric.0, count) })
}

/// Sets a gauge, or adds a value to a histogram.
pub(crate) fn record(metric: MetricId, value: u64) -> Result<(), HostError> {
    // SAFETY: no pointers.
    done(unsafe { proxy_record_metric(metric.0, value) })
}

/// An answer that the gateway gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalResponse {
    /// The status; Envoy answers gRPC requests with 200 and `grpc_status` instead.
    pub(crate) status: u32,
    /// `-1` for a request that is not gRPC.
    pub(crate) grpc_status: i32,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: String,
    /// Names and values. The host does not look for line breaks in them: constants only.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The body; for gRPC the message.
    pub(crate) body: String,
}

/// Answers the current request; Envoy does so when the callback has returned.
pub(crate) fn send_local_response(response: &LocalResponse) -> Result<(), HostError> {
    let LocalResponse { status, grpc_status, details, headers, body } = response;
    let headers = serialise(headers);
    // SAFETY: the host reads all slices during the call only.
    done(unsafe {
        proxy_send_local_response(
            *status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            *grpc_status,
        )
    })
}

/// Pairs as the host reads them: the count, the lengths, then names and values, each with a NUL.
pub(crate) fn serialise<V: AsRef<[u8]>>(pairs: &[(&str, V)]) -> Vec<u8> {
    let length = |n_bytes: usize| u32::try_from(n_bytes).unwrap_or_default().to_le_bytes();
    let mut bytes = Vec::from(length(pairs.len()));
    for (name, value) in pairs {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.as_ref().len()));
    }
    for (name, value) in pairs {
        for text in [name.as_bytes(), value.as_ref()] {
            bytes.extend(text);
            bytes.push(0);
        }
    }
    bytes
}

fn done(status: u32) -> Result<(), HostError> {
    if status == OK { Ok(()) } else { Err(HostError(status)) }
}

/// Makes a call that returns bytes, which the host allocated in our memory, and takes them over.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, HostError> {
    let (mut data, mut size) = (null_mut::<u8>(), 0);
    done(call(&raw mut data, &raw mut size))?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the host got `data` from `proxy_on_memory_allocate(size)`, which gives away a boxed
    // slice of bytes of that very size, and keeps no pointer to it.
    let bytes = unsafe { Box::from_raw(slice_from_raw_parts_mut(data, size)) };
    Ok(bytes.into_vec())
}

/// Declares the host's functions; outside of wasm, stand-ins that always fail.
macro_rules! imports {
    ($(fn $name:ident($($argument:ident: $type:ty),+ $(,)?);)+) => {
        #[cfg(target_family = "wasm")]
        #[link(wasm_import_module = "env")]
        unsafe extern "C" {
            $(fn $name($($argument: $type),+) -> u32;)+
        }
        $(
            #[cfg(not(target_family = "wasm"))]
            #[allow(clippy::too_many_arguments, reason = "the signature is the host's")]
            unsafe fn $name($(_: $type),+) -> u32 {
                INTERNAL_FAILURE
            }
        )+
    };
}

imports! {
    fn proxy_set_tick_period_milliseconds(period: u32);
    fn proxy_set_effective_context(context: u32);
    fn proxy_log(level: u32, line_data: *const u8, line_size: usize);
    fn proxy_get_current_time_nanoseconds(return_time: *mut u64);
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    );
    fn proxy_get_header_map_pairs(
        map: u32,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    );
    fn proxy_get_property(
        path_data: *const u8,
        path_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    );
    fn proxy_set_property(
        path_data: *const u8,
        path_size: usize,
        value_data: *const u8,
        value_size: usize,
    );
    fn proxy_get_shared_data(
        key_data: *const u8,
        key_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
        return_cas: *mut u32,
    );
    fn proxy_set_shared_data(
        key_data: *const u8,
        key_size: usize,
        value_data: *const u8,
        value_size: usize,
        cas: u32,
    );
    fn proxy_define_metric(
        kind: u32,
        name_data: *const u8,
        name_size: usize,
        return_id: *mut u32,
    );
    fn proxy_increment_metric(id: u32, offset: i64);
    fn proxy_record_metric(id: u32, value: u64);
    fn proxy_close_stream(stream: u32);
    fn proxy_send_local_response(
        status: u32,
        details_data: *const u8,
        details_size: usize,
        body_data: *const u8,
        body_size: usize,
        headers_data: *const u8,
        headers_size: usize,
        grpc_status: i32,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_host_every_call_fails() {
        assert_eq!(request_headers(), Err(HostError(10)));
        assert_eq!(property(Property::SERVER_NAME), Err(HostError(10)));
        assert_eq!(log(LogLevel::Info, "nobody reads this"), Err(HostError(10)));
    }

    #[test]
    fn pairs_are_laid_out_as_the_host_reads_them() {
        let expect = [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, b'a', 0, b'b', b'c', 0];
        assert_eq!(serialise(&[("a", "bc")]), expect);
    }
}
