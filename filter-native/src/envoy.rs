//! Envoy's ABI for dynamic modules, and all unsafe code: the functions that Envoy exports, as methods
//! that are safe, and the functions that Envoy calls.
//!
//! Declared from Envoy's documentation of the ABI, for the HTTP filter of Envoy 1.39 and 1.40. The
//! functions of Envoy are looked up when the module is loaded, not linked: an older Envoy, which lacks
//! some, gets a sentence in its log and not an error of the dynamic linker.
//!
//! See: <https://github.com/envoyproxy/envoy/blob/main/source/extensions/dynamic_modules/abi/abi.h>
#![expect(unsafe_code, reason = "the ABI is C; each function of it is a few lines, checked here")]

use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::{Arc, OnceLock};

use filter::{Flow, LocalResponse, LogLevel, MetricKind};

use crate::Probe;
use crate::configuration::Configuration;
use crate::stream::Stream;

/// The oldest Envoy that has all functions that the module calls.
pub const ENVOY_AT_LEAST: &str = "1.39";

/// Returned by functions of metrics and calls that succeeded.
const SUCCESS: u32 = 0;
/// The request headers, of the kinds of header maps.
const REQUEST_HEADERS: u32 = 0;

/// A pointer that only Envoy reads.
type Pointer = *mut c_void;

/// Bytes that one side lends to the other.
#[repr(C)]
#[derive(Clone, Copy)]
struct Buffer {
    data: *const u8,
    length: usize,
}

/// A header that one side lends to the other.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    name: *const u8,
    name_length: usize,
    value: *const u8,
    value_length: usize,
}

const NO_BYTES: Buffer = Buffer { data: null(), length: 0 };

impl Buffer {
    fn of(bytes: &[u8]) -> Buffer {
        Buffer { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// Returns the bytes.
    ///
    /// # Safety
    /// They are null, or readable for `'b`.
    unsafe fn bytes<'b>(self) -> &'b [u8] {
        // SAFETY: the caller's promise.
        unsafe { readable(self.data, self.length) }
    }
}

impl Header {
    fn of(name: &[u8], value: &[u8]) -> Header {
        Header {
            name: name.as_ptr(),
            name_length: name.len(),
            value: value.as_ptr(),
            value_length: value.len(),
        }
    }

    /// Returns name and value.
    ///
    /// # Safety
    /// Both are null, or readable for `'b`.
    unsafe fn pair<'b>(&self) -> (&'b [u8], &'b [u8]) {
        // SAFETY: the caller's promise.
        unsafe { (readable(self.name, self.name_length), readable(self.value, self.value_length)) }
    }
}

/// Returns the values at a pointer; none at null.
///
/// # Safety
/// `data` is null, or `length` values are readable there for `'b`.
unsafe fn readable<'b, T>(data: *const T, length: usize) -> &'b [T] {
    if data.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(data, length) }
}

/// Declares Envoy's functions as a table of pointers, each by the end of its name.
macro_rules! callbacks {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)+) => {
        #[derive(Clone, Copy)]
        struct Callbacks {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)+
        }

        impl Callbacks {
            /// Looks up all functions; the error is the name of one that is missing.
            ///
            /// # Safety
            /// What `symbol` finds under the name of a function of the ABI is that function.
            unsafe fn find(symbol: impl Fn(&CStr) -> Pointer) -> Result<Self, &'static str> {
                Ok(Callbacks {
                    $($name: {
                        let name = concat!("envoy_dynamic_module_callback_", stringify!($name), "\0");
                        let name = CStr::from_bytes_with_nul(name.as_bytes()).unwrap_or_default();
                        let found = symbol(name);
                        if found.is_null() {
                            return Err(stringify!($name));
                        }
                        // SAFETY: a function of the ABI with this name has this type.
                        unsafe {
                            std::mem::transmute::<
                                Pointer,
                                unsafe extern "C" fn($($type),*) $(-> $result)?,
                            >(found)
                        }
                    },)+
                })
            }
        }
    };
}

callbacks! {
    fn log(level: u32, line: Buffer);
    fn http_get_headers_size(stream: Pointer, kind: u32) -> usize;
    fn http_get_headers(stream: Pointer, kind: u32, headers: *mut Header) -> bool;
    fn http_set_header(stream: Pointer, kind: u32, name: Buffer, value: Buffer) -> bool;
    fn http_filter_get_attribute_string(stream: Pointer, id: u32, value: *mut Buffer) -> bool;
    fn http_filter_get_attribute_int(stream: Pointer, id: u32, value: *mut u64) -> bool;
    fn http_get_cluster_name(stream: Pointer, name: *mut Buffer) -> bool;
    fn http_get_filter_state_bytes(stream: Pointer, name: Buffer, value: *mut Buffer) -> bool;
    fn http_set_filter_state_bytes(stream: Pointer, name: Buffer, value: Buffer) -> bool;
    fn http_send_response(
        stream: Pointer,
        status: u32,
        headers: *mut Header,
        n_headers: usize,
        body: Buffer,
        details: Buffer,
    );
    fn http_filter_increment_counter(
        stream: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        count: u64,
    ) -> u32;
    fn http_filter_set_gauge(
        stream: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        value: u64,
    ) -> u32;
    fn http_filter_record_histogram_value(
        stream: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        value: u64,
    ) -> u32;
    fn http_filter_config_define_counter(
        config: Pointer,
        name: Buffer,
        labels: *mut Buffer,
        n_labels: usize,
        id: *mut usize,
    ) -> u32;
    fn http_filter_config_define_gauge(
        config: Pointer,
        name: Buffer,
        labels: *mut Buffer,
        n_labels: usize,
        id: *mut usize,
    ) -> u32;
    fn http_filter_config_define_histogram(
        config: Pointer,
        name: Buffer,
        labels: *mut Buffer,
        n_labels: usize,
        id: *mut usize,
    ) -> u32;
    fn http_filter_config_increment_counter(
        config: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        count: u64,
    ) -> u32;
    fn http_filter_config_set_gauge(
        config: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        value: u64,
    ) -> u32;
    fn http_filter_config_record_histogram_value(
        config: Pointer,
        id: usize,
        labels: *mut Buffer,
        n_labels: usize,
        value: u64,
    ) -> u32;
    fn http_filter_config_http_callout(
        config: Pointer,
        id: *mut u64,
        cluster: Buffer,
        headers: *mut Header,
        n_headers: usize,
        body: Buffer,
        milliseconds: u64,
    ) -> u32;
    fn http_filter_config_scheduler_new(config: Pointer) -> Pointer;
    fn http_filter_config_scheduler_commit(scheduler: Pointer, event: u64);
    fn http_filter_config_scheduler_delete(scheduler: Pointer);
}

static CALLBACKS: OnceLock<Callbacks> = OnceLock::new();

/// Writes a line to Envoy's log. Before the module is loaded there is none.
pub(crate) fn log(level: LogLevel, line: &str) {
    let level = match level {
        LogLevel::Info => 2,
        LogLevel::Warn => 3,
        LogLevel::Error => 4,
    };
    if let Some(callbacks) = CALLBACKS.get() {
        // SAFETY: Envoy reads the line during the call only.
        unsafe { (callbacks.log)(level, Buffer::of(line.as_bytes())) }
    }
}

/// What a callback is about, for the functions that Envoy has for both: a configuration or a stream.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'c> {
    Config(EnvoyConfig<'c>),
    Stream(EnvoyStream<'c>),
}

/// Envoy's number of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnvoyMetric(pub(crate) usize);

impl Scope<'_> {
    /// Adds to a counter, sets a gauge or adds to a histogram; returns false if Envoy refused.
    pub(crate) fn record(
        self,
        kind: MetricKind,
        EnvoyMetric(id): EnvoyMetric,
        labels: &[String],
        value: u64,
    ) -> bool {
        let Some(callbacks) = CALLBACKS.get() else { return false };
        let (pointer, function) = match (self, kind) {
            (Scope::Stream(stream), MetricKind::Counter) => {
                (stream.pointer, callbacks.http_filter_increment_counter)
            }
            (Scope::Stream(stream), MetricKind::Gauge) => {
                (stream.pointer, callbacks.http_filter_set_gauge)
            }
            (Scope::Stream(stream), MetricKind::Histogram) => {
                (stream.pointer, callbacks.http_filter_record_histogram_value)
            }
            (Scope::Config(config), MetricKind::Counter) => {
                (config.pointer, callbacks.http_filter_config_increment_counter)
            }
            (Scope::Config(config), MetricKind::Gauge) => {
                (config.pointer, callbacks.http_filter_config_set_gauge)
            }
            (Scope::Config(config), MetricKind::Histogram) => {
                (config.pointer, callbacks.http_filter_config_record_histogram_value)
            }
        };
        // No label, no allocation: the counter of every request has none.
        let mut labels: Vec<_> = labels.iter().map(|text| Buffer::of(text.as_bytes())).collect();
        // SAFETY: the pointer is Envoy's for this callback; Envoy reads the labels during the call only.
        unsafe { function(pointer, id, labels.as_mut_ptr(), labels.len(), value) == SUCCESS }
    }
}

/// Envoy's side of a configuration, in one of its callbacks.
#[derive(Clone, Copy)]
pub(crate) struct EnvoyConfig<'c> {
    pointer: Pointer,
    callback: PhantomData<&'c ()>,
}

impl EnvoyConfig<'_> {
    /// Defines a metric with these labels. Envoy allows it while a configuration is made.
    pub(crate) fn define(
        self,
        kind: MetricKind,
        name: &str,
        labels: &[&str],
    ) -> Option<EnvoyMetric> {
        let callbacks = CALLBACKS.get()?;
        let function = match kind {
            MetricKind::Counter => callbacks.http_filter_config_define_counter,
            MetricKind::Gauge => callbacks.http_filter_config_define_gauge,
            MetricKind::Histogram => callbacks.http_filter_config_define_histogram,
        };
        let mut labels: Vec<_> = labels.iter().map(|label| Buffer::of(label.as_bytes())).collect();
        let (name, mut id) = (Buffer::of(name.as_bytes()), 0);
        // SAFETY: the pointer is Envoy's for this callback; Envoy reads name and labels and writes the
        // number during the call only.
        let status =
            unsafe { function(self.pointer, name, labels.as_mut_ptr(), labels.len(), &raw mut id) };
        (status == SUCCESS).then_some(EnvoyMetric(id))
    }

    /// Sends a request to a cluster; returns its number, or Envoy's status.
    pub(crate) fn call(
        self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        milliseconds: u64,
    ) -> Result<u64, u32> {
        let callbacks = CALLBACKS.get().ok_or(u32::MAX)?;
        let headers = headers.iter();
        let pair = |(name, value): &(&str, &str)| Header::of(name.as_bytes(), value.as_bytes());
        let mut headers: Vec<_> = headers.map(pair).collect();
        let mut id = 0;
        // SAFETY: the pointer is Envoy's for this callback; Envoy copies what it is lent, and writes the
        // number, during the call.
        let status = unsafe {
            (callbacks.http_filter_config_http_callout)(
                self.pointer,
                &raw mut id,
                Buffer::of(cluster.as_bytes()),
                headers.as_mut_ptr(),
                headers.len(),
                Buffer::of(body),
                milliseconds,
            )
        };
        if status == SUCCESS { Ok(id) } else { Err(status) }
    }

    /// Makes a scheduler, with which any thread wakes the main thread.
    pub(crate) fn scheduler(self) -> Option<Scheduler> {
        let callbacks = CALLBACKS.get()?;
        // SAFETY: the pointer is Envoy's for this callback.
        let pointer = unsafe { (callbacks.http_filter_config_scheduler_new)(self.pointer) };
        (!pointer.is_null()).then_some(Scheduler(pointer))
    }
}

/// Wakes the main thread for a configuration, from any thread.
#[derive(Debug)]
pub(crate) struct Scheduler(Pointer);

// SAFETY: Envoy allows any thread to use a scheduler; it posts to the main thread, and keeps the
// configuration by a weak pointer.
unsafe impl Send for Scheduler {}

impl Scheduler {
    /// Requests the callback `config_scheduled` on the main thread.
    pub(crate) fn wake(&self) {
        if let Some(callbacks) = CALLBACKS.get() {
            // SAFETY: Envoy made the pointer, and it is deleted when this is dropped.
            unsafe { (callbacks.http_filter_config_scheduler_commit)(self.0, 0) }
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        if let Some(callbacks) = CALLBACKS.get() {
            // SAFETY: Envoy made the pointer, and nobody else has it.
            unsafe { (callbacks.http_filter_config_scheduler_delete)(self.0) }
        }
    }
}

/// Envoy's side of a stream, in one of its callbacks.
#[derive(Clone, Copy)]
pub(crate) struct EnvoyStream<'c> {
    pointer: Pointer,
    callback: PhantomData<&'c ()>,
}

impl EnvoyStream<'_> {
    /// Returns the request headers, laid out as [`filter::lay_out`] does.
    pub(crate) fn request_headers(self) -> Option<Vec<u8>> {
        let callbacks = CALLBACKS.get()?;
        // SAFETY: the pointer is Envoy's for this callback.
        let n_headers = unsafe { (callbacks.http_get_headers_size)(self.pointer, REQUEST_HEADERS) };
        let mut headers: Vec<Header> = Vec::with_capacity(n_headers);
        // SAFETY: there is room for as many headers as Envoy has, of which none can come or go in a
        // callback.
        let is_filled = unsafe {
            (callbacks.http_get_headers)(self.pointer, REQUEST_HEADERS, headers.as_mut_ptr())
        };
        if !is_filled {
            return None;
        }
        // SAFETY: Envoy has written that many.
        unsafe { headers.set_len(n_headers) };
        // SAFETY: Envoy lends names and values until the callback ends, and they are copied here.
        let map = filter::lay_out(headers.iter().map(|header| unsafe { header.pair() }));
        if let Some(Some(probe)) = PROBE.get() {
            probe(&map);
        }
        Some(map)
    }

    /// Sets a request header in place of all that it has, or removes it; returns false if Envoy refused.
    pub(crate) fn set_request_header(self, name: &str, value: Option<&str>) -> bool {
        let Some(callbacks) = CALLBACKS.get() else { return false };
        let name = Buffer::of(name.as_bytes());
        let value = value.map_or(NO_BYTES, |value| Buffer::of(value.as_bytes()));
        // SAFETY: the pointer is Envoy's for this callback; Envoy copies both texts during the call, and takes
        // null for a header that is to be removed.
        unsafe { (callbacks.http_set_header)(self.pointer, REQUEST_HEADERS, name, value) }
    }

    /// Returns the text of an attribute; `None` if it is not set or this Envoy does not have it.
    pub(crate) fn text(self, attribute: u32) -> Option<Vec<u8>> {
        let callbacks = CALLBACKS.get()?;
        Self::lent(|value| {
            // SAFETY: the pointer is Envoy's for this callback; Envoy writes through the other.
            unsafe { (callbacks.http_filter_get_attribute_string)(self.pointer, attribute, value) }
        })
    }

    /// Returns the number of an attribute; `None` if it is not set or this Envoy does not have it.
    pub(crate) fn number(self, attribute: u32) -> Option<u64> {
        let callbacks = CALLBACKS.get()?;
        let mut number = 0;
        // SAFETY: the pointer is Envoy's for this callback; Envoy writes through the other.
        let is_set = unsafe {
            (callbacks.http_filter_get_attribute_int)(self.pointer, attribute, &raw mut number)
        };
        is_set.then_some(number)
    }

    /// Returns the name of the upstream cluster.
    pub(crate) fn cluster(self) -> Option<Vec<u8>> {
        let callbacks = CALLBACKS.get()?;
        // SAFETY: the pointer is Envoy's for this callback; Envoy writes through the other.
        Self::lent(|value| unsafe { (callbacks.http_get_cluster_name)(self.pointer, value) })
    }

    /// Returns a filter state object that is a text.
    pub(crate) fn filter_state(self, name: &str) -> Option<Vec<u8>> {
        let callbacks = CALLBACKS.get()?;
        let name = Buffer::of(name.as_bytes());
        Self::lent(|value| {
            // SAFETY: the pointer is Envoy's for this callback; Envoy reads the name, and writes through
            // the other.
            unsafe { (callbacks.http_get_filter_state_bytes)(self.pointer, name, value) }
        })
    }

    /// Copies what Envoy lends until the callback ends.
    fn lent(call: impl FnOnce(*mut Buffer) -> bool) -> Option<Vec<u8>> {
        let mut value = NO_BYTES;
        if !call(&raw mut value) {
            return None;
        }
        // SAFETY: Envoy has returned true, so the bytes are its own, and are readable until the callback
        // ends.
        Some(unsafe { value.bytes() }.to_vec())
    }

    /// Sets a filter state object; returns false if Envoy refused.
    pub(crate) fn set_filter_state(self, name: &str, value: &[u8]) -> bool {
        let Some(callbacks) = CALLBACKS.get() else { return false };
        let (name, value) = (Buffer::of(name.as_bytes()), Buffer::of(value));
        // SAFETY: the pointer is Envoy's for this callback; Envoy copies both during the call.
        unsafe { (callbacks.http_set_filter_state_bytes)(self.pointer, name, value) }
    }

    /// Answers the request. Envoy calls back for the response before this returns.
    fn respond(self, response: &LocalResponse) {
        let Some(callbacks) = CALLBACKS.get() else { return };
        let headers = response.headers.iter();
        let pair = |(name, value): &(&str, &str)| Header::of(name.as_bytes(), value.as_bytes());
        let mut headers: Vec<_> = headers.map(pair).collect();
        // SAFETY: the pointer is Envoy's for this callback; Envoy copies what it is lent during the call.
        unsafe {
            (callbacks.http_send_response)(
                self.pointer,
                response.status,
                headers.as_mut_ptr(),
                headers.len(),
                Buffer::of(response.body.as_bytes()),
                Buffer::of(response.details.as_bytes()),
            );
        }
    }
}

/// A value that any thread may have, though its type says otherwise.
pub(crate) struct Confined<T>(T);

// SAFETY: the only one is the state of a worker, which `worker` keeps under a lock together with all that
// shares memory with it. What a thread leaves in it, another finds only with the lock.
unsafe impl Send for Confined<crate::worker::State> {}

impl Confined<crate::worker::State> {
    pub(crate) fn new(state: crate::worker::State) -> Self {
        Confined(state)
    }

    /// Returns the state; only with the lock, as a lock owns it.
    pub(crate) fn get(&mut self) -> &mut crate::worker::State {
        &mut self.0
    }
}

/// Runs a callback; a panic is `None`, and a line in the log.
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves half done is replaced: see `worker`.
    let result = catch_unwind(AssertUnwindSafe(run));
    if result.is_err() {
        log(LogLevel::Error, "tidegate: a callback panicked; please report it");
    }
    result.ok()
}

unsafe extern "C" {
    /// Of the C library.
    fn dlsym(handle: Pointer, symbol: *const c_char) -> Pointer;
}

/// Looks up a symbol of the program that loaded the module.
fn symbol(name: &CStr) -> Pointer {
    // SAFETY: null is `RTLD_DEFAULT` on Linux: all that the process has loaded.
    unsafe { dlsym(null_mut(), name.as_ptr()) }
}

/// Makes a module: its entry point, which Envoy calls when it is loaded. All other functions of a module are
/// the library's.
#[macro_export]
macro_rules! module {
    ($probe:expr) => {
        #[unsafe(no_mangle)]
        extern "C" fn envoy_dynamic_module_on_program_init() -> *const ::core::ffi::c_char {
            $crate::program_init($probe)
        }
    };
}

/// Called once when the module is loaded; returns the version of the ABI, or null to be refused.
pub fn program_init(probe: Option<Probe>) -> *const c_char {
    // Set before where the module is loaded once more.
    PROBE.get_or_init(|| probe);
    init(symbol)
}

static PROBE: OnceLock<Option<Probe>> = OnceLock::new();

fn init(symbol: impl Fn(&CStr) -> Pointer) -> *const c_char {
    // SAFETY: symbols with these names are Envoy's.
    match unsafe { Callbacks::find(&symbol) } {
        Ok(callbacks) => {
            // Set before where the module is loaded once more.
            CALLBACKS.get_or_init(|| callbacks);
            // Envoy 1.40 has this function first, with the version of the ABI.
            let is_newer = !symbol(c"envoy_dynamic_module_callback_log_v2").is_null();
            if is_newer { c"v0.2.0".as_ptr() } else { c"v0.1.0".as_ptr() }
        }
        Err(missing) => {
            let line = format!(
                "tidegate: the native module needs Envoy {ENVOY_AT_LEAST} or later: this one has no `{missing}`; use `filter.wasm`\n"
            );
            // Such an Envoy may lack the function for its log, too.
            std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
            null()
        }
    }
}

/// Makes a configuration; null refuses it.
///
/// # Safety
/// Called by Envoy, as all that follow: `envoy` is its own pointer, and the bytes are readable.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    envoy: Pointer,
    _name: Buffer,
    config: Buffer,
) -> *const c_void {
    // SAFETY: Envoy lends the bytes during the call.
    let bytes = unsafe { config.bytes() };
    let envoy = EnvoyConfig { pointer: envoy, callback: PhantomData };
    let configuration = caught(|| Configuration::new(envoy, bytes)).flatten();
    configuration.map_or(null(), |configuration| Arc::into_raw(Arc::new(configuration)).cast())
}

/// Frees a configuration.
///
/// # Safety
/// `config` is a result of `config_new`, and not used again.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(config: *const c_void) {
    // SAFETY: see above.
    let configuration = unsafe { Arc::from_raw(config.cast::<Configuration>()) };
    caught(|| configuration.end());
}

/// Makes a stream.
///
/// # Safety
/// `config` is a result of `config_new`.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_new(
    config: *const c_void,
    _envoy: Pointer,
) -> *const c_void {
    let config = config.cast::<Configuration>();
    // SAFETY: see above; the count is that of the new `Arc`.
    let configuration = unsafe {
        Arc::increment_strong_count(config);
        Arc::from_raw(config)
    };
    let stream = caught(|| Box::new(Stream::new(configuration)));
    stream.map_or(null(), |stream| Box::into_raw(stream).cast_const().cast())
}

/// Frees a stream.
///
/// # Safety
/// `stream` is a result of `new`, and not used again.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_destroy(stream: *const c_void) {
    // SAFETY: see above.
    let stream = unsafe { Box::from_raw(stream.cast_mut().cast::<Stream>()) };
    caught(|| drop(stream));
}

/// Judges a request.
///
/// # Safety
/// `envoy` is Envoy's pointer, and `stream` a result of `new`.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    envoy: Pointer,
    stream: *const c_void,
    is_end: bool,
) -> u32 {
    let envoy = EnvoyStream { pointer: envoy, callback: PhantomData };
    // The stream is not borrowed while Envoy is answered below, as it calls back.
    // SAFETY: see above; Envoy calls a stream's functions on one thread.
    let judged = caught(|| unsafe { &*stream.cast::<Stream>() }.on_request_headers(envoy, is_end));
    let judged = match judged {
        Some(judged) => Some(judged),
        // SAFETY: the same.
        None => caught(|| unsafe { &*stream.cast::<Stream>() }.on_panic(envoy)),
    };
    let Some((flow, response)) = judged else { return Action::StopIteration as u32 };
    if let Some(response) = &response {
        envoy.respond(response);
    }
    match flow {
        Flow::Continue => Action::Continue as u32,
        Flow::Pause => Action::StopIteration as u32,
    }
}

/// What Envoy does with a stream after a callback.
enum Action {
    Continue = 0,
    StopIteration = 1,
}

/// Reports a tunnel that opens.
///
/// # Safety
/// As for `request_headers`.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    envoy: Pointer,
    stream: *const c_void,
    _is_end: bool,
) -> u32 {
    let envoy = EnvoyStream { pointer: envoy, callback: PhantomData };
    // SAFETY: as for `request_headers`.
    caught(|| unsafe { &*stream.cast::<Stream>() }.on_response_headers(envoy));
    Action::Continue as u32
}

/// Called before the access log is written.
///
/// # Safety
/// As for `request_headers`.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_stream_complete(
    envoy: Pointer,
    stream: *const c_void,
) {
    let envoy = EnvoyStream { pointer: envoy, callback: PhantomData };
    // SAFETY: as for `request_headers`.
    caught(|| unsafe { &*stream.cast::<Stream>() }.on_end(envoy));
}

/// Does what is due at a tick, on the main thread.
///
/// # Safety
/// `envoy` is Envoy's pointer, and `config` a result of `config_new`.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(
    envoy: Pointer,
    config: *const c_void,
    _event: u64,
) {
    let envoy = EnvoyConfig { pointer: envoy, callback: PhantomData };
    // SAFETY: see above.
    caught(|| unsafe { &*config.cast::<Configuration>() }.tick(envoy));
}

/// Takes an answer of the collector, on the main thread.
///
/// # Safety
/// As for `config_scheduled`; the headers are null or readable.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_http_callout_done(
    envoy: Pointer,
    config: *const c_void,
    call: u64,
    result: u32,
    headers: *const Header,
    n_headers: usize,
    _body: *const Buffer,
    _n_body: usize,
) {
    let envoy = EnvoyConfig { pointer: envoy, callback: PhantomData };
    caught(|| {
        // SAFETY: see above.
        let headers = unsafe { readable(headers, if result == SUCCESS { n_headers } else { 0 }) };
        // SAFETY: Envoy lends names and values during the call.
        let map = filter::lay_out(headers.iter().map(|header| unsafe { header.pair() }));
        // SAFETY: see above.
        let configuration = unsafe { &*config.cast::<Configuration>() };
        configuration.take_answer(envoy, call, headers.len(), map);
    });
}

/// Exports functions that Envoy requires and the filter does not use.
macro_rules! unused {
    ($(fn $name:ident($($type:ty),*) $(-> $result:ty)?;)+) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name($(_: $type),*) $(-> $result)? {
                $(Action::Continue as $result)?
            }
        )+
    };
}

unused! {
    fn envoy_dynamic_module_on_http_filter_request_body(Pointer, *const c_void, bool) -> u32;
    fn envoy_dynamic_module_on_http_filter_request_trailers(Pointer, *const c_void) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_body(Pointer, *const c_void, bool) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_trailers(Pointer, *const c_void) -> u32;
    fn envoy_dynamic_module_on_http_filter_scheduled(Pointer, *const c_void, u64);
    fn envoy_dynamic_module_on_http_filter_http_callout_done(
        Pointer, *const c_void, u64, u32, *const Header, usize, *const Buffer, usize
    );
    fn envoy_dynamic_module_on_http_filter_http_stream_headers(
        Pointer, *const c_void, u64, *const Header, usize, bool
    );
    fn envoy_dynamic_module_on_http_filter_http_stream_data(
        Pointer, *const c_void, u64, *const Buffer, usize, bool
    );
    fn envoy_dynamic_module_on_http_filter_http_stream_trailers(
        Pointer, *const c_void, u64, *const Header, usize
    );
    fn envoy_dynamic_module_on_http_filter_http_stream_complete(Pointer, *const c_void, u64);
    fn envoy_dynamic_module_on_http_filter_http_stream_reset(Pointer, *const c_void, u64, u32);
    fn envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(
        Pointer, *const c_void
    );
    fn envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(
        Pointer, *const c_void
    );
}

#[cfg(test)]
mod tests;
