//! Every call to the host, and nothing else: bytes in, bytes out, errors as values.
//!
//! The SDK's own wrappers panic on a status that they do not expect and on text that is not UTF-8,
//! and a panic kills the whole virtual machine (`failure_policy` decides whether later requests are
//! refused or pass unseen). So the imports are declared here once more. Outside of wasm there is no
//! host and every call fails with a [`HostError`], so that `cargo check` and `clippy` cover the crate.
//!
//! See: <https://github.com/proxy-wasm/proxy-wasm-rust-sdk/issues/25>
#![expect(
    unsafe_code,
    reason = "calling the host is a foreign call; each is one line, checked here"
)]

use std::ptr::{null_mut, slice_from_raw_parts_mut};
use std::time::Duration;

use filter::{
    Host, HostError, LocalResponse, LogLevel, MetricId, MetricKind, Post, Property, serialise,
};
use proxy_wasm::hostcalls;

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const INTERNAL_FAILURE: u32 = 10;

const REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;
const DOWNSTREAM_DATA: u32 = 2;
const PLUGIN_CONFIGURATION: u32 = 7;
const DOWNSTREAM: u32 = 2;

/// The proxy-wasm host, as seen from one plugin.
#[derive(Clone, Copy, Debug)]
pub struct WasmHost {
    /// The number of the plugin's root context.
    pub root: u32,
}

impl Host for WasmHost {
    fn plugin_configuration(&self) -> Result<Vec<u8>, HostError> {
        // SAFETY: the host writes through both pointers, which outlive the call.
        let bytes = returned(|data, size| unsafe {
            proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size)
        });
        // Envoy says "not found" if there is no configuration at all.
        bytes.or_else(|error| if error.0 == NOT_FOUND { Ok(Vec::new()) } else { Err(error) })
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        // SAFETY: the host writes through both pointers, which outlive the call.
        returned(|data, size| unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) })
    }

    fn set_request_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError> {
        let Some(value) = value else {
            // SAFETY: the host reads the name during the call only.
            return done(unsafe {
                proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len())
            });
        };
        // SAFETY: the host reads both slices during the call only.
        done(unsafe {
            proxy_replace_header_map_value(
                REQUEST_HEADERS,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        })
    }

    /// Without TLS some versions of Envoy report an empty server name, others none.
    fn property(&self, property: Property) -> Result<Option<Vec<u8>>, HostError> {
        let path = path(property);
        // SAFETY: `path` is static; the host writes through both pointers, which outlive the call.
        let value = returned(|data, size| unsafe {
            proxy_get_property(path.as_ptr(), path.len(), data, size)
        });
        match value {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(HostError(NOT_FOUND)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Envoy puts `wasm.` before the name.
    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        // SAFETY: the host reads both slices during the call only.
        done(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
    }

    /// Envoy sends the answer when the callback has returned.
    fn send_local_response(&self, response: &LocalResponse) -> Result<(), HostError> {
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

    fn downstream_data(&self, n_bytes: usize) -> Result<Vec<u8>, HostError> {
        // SAFETY: the host writes through both pointers, which outlive the call.
        returned(|data, size| unsafe {
            proxy_get_buffer_bytes(DOWNSTREAM_DATA, 0, n_bytes, data, size)
        })
    }

    fn close_downstream(&self) -> Result<(), HostError> {
        // SAFETY: no pointers.
        done(unsafe { proxy_close_stream(DOWNSTREAM) })
    }

    /// The virtual machines of one `vm_id` share these values.
    fn shared_data(&self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
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

    fn set_shared_data(&self, key: &str, value: &[u8], cas: u32) -> Result<(), HostError> {
        // SAFETY: the host reads both slices during the call only.
        done(unsafe {
            proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
        })
    }

    fn time(&self) -> Result<u64, HostError> {
        let mut nanoseconds = 0;
        // SAFETY: the host writes through the pointer, which outlives the call.
        done(unsafe { proxy_get_current_time_nanoseconds(&raw mut nanoseconds) })?;
        Ok(nanoseconds)
    }

    /// Calls through the SDK, which has to know the plugin that the answer belongs to. It panics on
    /// statuses that Envoy does not return here: for an unknown cluster, or a call that is not allowed,
    /// Envoy has others. On the answer it panics if [`Host::check_answers`] fails.
    fn post(&self, post: &Post<'_>) -> Result<u32, HostError> {
        if cfg!(not(target_family = "wasm")) {
            return Err(HostError(INTERNAL_FAILURE));
        }
        let timeout = Duration::from_secs(u64::from(post.timeout_seconds));
        let headers = post.headers.to_vec();
        let trailers = Vec::new();
        hostcalls::dispatch_http_call(post.cluster, headers, Some(post.body), trailers, timeout)
            .map_err(|status| HostError(status as u32))
    }

    fn call_headers(&self) -> Result<Vec<u8>, HostError> {
        // SAFETY: the host writes through both pointers, which outlive the call.
        returned(|data, size| unsafe {
            proxy_get_header_map_pairs(CALL_RESPONSE_HEADERS, data, size)
        })
    }

    /// The SDK hands an answer to the plugin by its number, and panics if it may not set the context.
    fn check_answers(&self) -> Result<(), &'static str> {
        // SAFETY: no pointers.
        done(unsafe { proxy_set_effective_context(self.root) }).map_err(|_| {
            "the capabilities `proxy_http_call`, `proxy_on_http_call_response` and `proxy_set_effective_context`, and the last is not allowed"
        })
    }

    fn set_tick_period(&self, milliseconds: u32) -> Result<(), HostError> {
        // SAFETY: no pointers.
        done(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostError> {
        let level = match level {
            LogLevel::Info => 2,
            LogLevel::Warn => 3,
            LogLevel::Error => 4,
        };
        // SAFETY: the host reads the slice during the call only.
        done(unsafe { proxy_log(level, line.as_ptr(), line.len()) })
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Result<MetricId, HostError> {
        let kind = match kind {
            MetricKind::Counter => 0,
            MetricKind::Gauge => 1,
            MetricKind::Histogram => 2,
        };
        let mut id = 0;
        // SAFETY: the host reads the name and writes through the pointer during the call only.
        done(unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
        Ok(MetricId(id))
    }

    fn add(&self, metric: MetricId, count: u64) -> Result<(), HostError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        // SAFETY: no pointers.
        done(unsafe { proxy_increment_metric(metric.0, count) })
    }

    fn record(&self, metric: MetricId, value: u64) -> Result<(), HostError> {
        // SAFETY: no pointers.
        done(unsafe { proxy_record_metric(metric.0, value) })
    }
}

/// Returns Envoy's name of a property; path segments are separated by NUL.
///
/// See: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>
fn path(property: Property) -> &'static [u8] {
    match property {
        Property::ServerName => b"connection\0requested_server_name",
        Property::TlsVersion => b"connection\0tls_version",
        Property::PeerIdentity => b"connection\0uri_san_peer_certificate",
        Property::SourceAddress => b"source\0address",
        Property::Protocol => b"request\0protocol",
        Property::RequestBytes => b"request\0size",
        Property::ResponseBytes => b"response\0size",
        Property::ResponseCode => b"response\0code",
        Property::DestinationAddress => b"destination\0address",
        Property::UpstreamAddress => b"upstream\0address",
        Property::Node => b"xds\0node\0id",
        Property::FilterChain => b"xds\0filter_chain_name",
        Property::VirtualHost => b"xds\0virtual_host_name",
        Property::Route => b"xds\0route_name",
        Property::Cluster => b"xds\0cluster_name",
        Property::Client => b"filter_state\0tidegate.client",
        Property::ConnectTarget => b"filter_state\0tidegate.connect_target",
    }
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

/// Declares the host's functions; outside of wasm, functions that always fail.
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
    fn proxy_replace_header_map_value(
        map: u32,
        name_data: *const u8,
        name_size: usize,
        value_data: *const u8,
        value_size: usize,
    );
    fn proxy_remove_header_map_value(map: u32, name_data: *const u8, name_size: usize);
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
        let host = WasmHost { root: 1 };
        assert_eq!(host.request_headers(), Err(HostError(INTERNAL_FAILURE)));
        assert_eq!(host.property(Property::ServerName), Err(HostError(INTERNAL_FAILURE)));
        assert_eq!(host.log(LogLevel::Info, "not written"), Err(HostError(INTERNAL_FAILURE)));
    }
}
