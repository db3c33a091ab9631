//! A fake Envoy that drives the functions of the module, as C would.
//!
//! Also what a sanitiser runs: everything that Envoy lends is a heap allocation of exactly its size, which
//! ends with the callback.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::worker::{State, Worker};

type Labels = Vec<String>;

/// A metric's name and keys.
type Defined = (Vec<u8>, Labels);

#[derive(Default)]
struct FakeConfig {
    metrics: Vec<Defined>,
    values: BTreeMap<(usize, Labels), u64>,
    calls: Vec<(Vec<u8>, Vec<u8>)>,
    n_schedulers: usize,
}

/// The configuration's own pointer, and what Envoy has of a stream.
struct FakeStream {
    config: *mut FakeConfig,
    module: *const c_void,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    texts: BTreeMap<u32, Vec<u8>>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    responses: Vec<(u32, Vec<u8>, Vec<u8>)>,
}

static LOG: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());

unsafe fn text(buffer: Buffer) -> Vec<u8> {
    unsafe { buffer.bytes() }.to_vec()
}

unsafe fn labels(labels: *mut Buffer, n_labels: usize) -> Labels {
    let labels = unsafe { readable(labels.cast_const(), n_labels) };
    labels.iter().map(|label| String::from_utf8(unsafe { text(*label) }).unwrap()).collect()
}

unsafe extern "C" fn log_line(level: u32, line: Buffer) {
    let line = String::from_utf8(unsafe { text(line) }).unwrap();
    LOG.lock().unwrap().push((level, line));
}

unsafe extern "C" fn headers_size(stream: Pointer, kind: u32) -> usize {
    assert_eq!(kind, REQUEST_HEADERS);
    unsafe { &*stream.cast::<FakeStream>() }.headers.len()
}

unsafe extern "C" fn headers(stream: Pointer, _: u32, out: *mut Header) -> bool {
    let stream = unsafe { &*stream.cast::<FakeStream>() };
    for (idx, (name, value)) in stream.headers.iter().enumerate() {
        unsafe { out.add(idx).write(Header::of(name, value)) };
    }
    true
}

/// As Envoy: null removes the header, and a value replaces all that it has.
unsafe extern "C" fn set_header(stream: Pointer, kind: u32, name: Buffer, value: Buffer) -> bool {
    assert_eq!(kind, REQUEST_HEADERS);
    let stream = unsafe { &mut *stream.cast::<FakeStream>() };
    let name = unsafe { text(name) };
    stream.headers.retain(|(known, _)| *known != name);
    if !value.data.is_null() {
        stream.headers.push((name, unsafe { text(value) }));
    }
    true
}

unsafe fn lend(value: Option<&Vec<u8>>, out: *mut Buffer) -> bool {
    if let Some(value) = value {
        unsafe { out.write(Buffer::of(value)) };
    }
    value.is_some()
}

unsafe extern "C" fn attribute_string(stream: Pointer, id: u32, out: *mut Buffer) -> bool {
    let stream = unsafe { &*stream.cast::<FakeStream>() };
    unsafe { lend(stream.texts.get(&id), out) }
}

unsafe extern "C" fn attribute_int(_: Pointer, id: u32, out: *mut u64) -> bool {
    if id == 15 {
        unsafe { out.write(200) };
    }
    id == 15
}

unsafe extern "C" fn cluster_name(_: Pointer, out: *mut Buffer) -> bool {
    static NAME: &[u8] = b"upstream";
    unsafe { out.write(Buffer::of(NAME)) };
    true
}

unsafe extern "C" fn filter_state(stream: Pointer, name: Buffer, out: *mut Buffer) -> bool {
    let stream = unsafe { &*stream.cast::<FakeStream>() };
    unsafe { lend(stream.state.get(&text(name)), out) }
}

unsafe extern "C" fn set_filter_state(stream: Pointer, name: Buffer, value: Buffer) -> bool {
    let stream = unsafe { &mut *stream.cast::<FakeStream>() };
    unsafe { stream.state.insert(text(name), text(value)) };
    true
}

/// Calls back for the response before it returns, as Envoy does.
unsafe extern "C" fn send_response(
    stream: Pointer,
    status: u32,
    _: *mut Header,
    _: usize,
    body: Buffer,
    details: Buffer,
) {
    let module = {
        let stream = unsafe { &mut *stream.cast::<FakeStream>() };
        unsafe { stream.responses.push((status, text(body), text(details))) };
        stream.module
    };
    unsafe { envoy_dynamic_module_on_http_filter_response_headers(stream, module, true) };
}

unsafe extern "C" fn record_of_stream(
    stream: Pointer,
    id: usize,
    labels: *mut Buffer,
    n_labels: usize,
    value: u64,
) -> u32 {
    let config = unsafe { &*stream.cast::<FakeStream>() }.config;
    unsafe { record_of_config(config.cast(), id, labels, n_labels, value) }
}

unsafe extern "C" fn record_of_config(
    config: Pointer,
    id: usize,
    values: *mut Buffer,
    n_labels: usize,
    value: u64,
) -> u32 {
    let config = unsafe { &mut *config.cast::<FakeConfig>() };
    let values = unsafe { labels(values, n_labels) };
    assert_eq!(config.metrics[id].1.len(), values.len(), "as many labels as were defined");
    *config.values.entry((id, values)).or_default() += value;
    SUCCESS
}

unsafe extern "C" fn define(
    config: Pointer,
    name: Buffer,
    keys: *mut Buffer,
    n_labels: usize,
    id: *mut usize,
) -> u32 {
    let config = unsafe { &mut *config.cast::<FakeConfig>() };
    unsafe {
        config.metrics.push((text(name), labels(keys, n_labels)));
        id.write(config.metrics.len() - 1);
    }
    SUCCESS
}

/// Fails inside of the call for the cluster `absent`, as Envoy does without a host.
unsafe extern "C" fn callout(
    config: Pointer,
    id: *mut u64,
    cluster: Buffer,
    _: *mut Header,
    n_headers: usize,
    body: Buffer,
    _: u64,
) -> u32 {
    assert!(n_headers > 4);
    let config = unsafe { &mut *config.cast::<FakeConfig>() };
    unsafe {
        config.calls.push((text(cluster), text(body)));
        id.write(u64::from(u32::MAX) + config.calls.len() as u64);
    }
    SUCCESS
}

unsafe extern "C" fn scheduler_new(config: Pointer) -> Pointer {
    unsafe { &mut *config.cast::<FakeConfig>() }.n_schedulers += 1;
    Box::into_raw(Box::new(7_u64)).cast()
}

unsafe extern "C" fn scheduler_commit(scheduler: Pointer, event: u64) {
    assert_eq!((unsafe { *scheduler.cast::<u64>() }, event), (7, 0));
}

unsafe extern "C" fn scheduler_delete(scheduler: Pointer) {
    drop(unsafe { Box::from_raw(scheduler.cast::<u64>()) });
}

/// What a symbol look-up in the fake Envoy finds.
fn fake_symbol(name: &CStr) -> Pointer {
    let name = name.to_str().unwrap();
    let Some(name) = name.strip_prefix("envoy_dynamic_module_callback_") else {
        return null_mut();
    };
    match name {
        "log" => log_line as Pointer,
        "http_get_headers_size" => headers_size as Pointer,
        "http_get_headers" => headers as Pointer,
        "http_set_header" => set_header as Pointer,
        "http_filter_get_attribute_string" => attribute_string as Pointer,
        "http_filter_get_attribute_int" => attribute_int as Pointer,
        "http_get_cluster_name" => cluster_name as Pointer,
        "http_get_filter_state_bytes" => filter_state as Pointer,
        "http_set_filter_state_bytes" => set_filter_state as Pointer,
        "http_send_response" => send_response as Pointer,
        "http_filter_increment_counter"
        | "http_filter_set_gauge"
        | "http_filter_record_histogram_value" => record_of_stream as Pointer,
        "http_filter_config_increment_counter"
        | "http_filter_config_set_gauge"
        | "http_filter_config_record_histogram_value" => record_of_config as Pointer,
        "http_filter_config_define_counter"
        | "http_filter_config_define_gauge"
        | "http_filter_config_define_histogram" => define as Pointer,
        "http_filter_config_http_callout" => callout as Pointer,
        "http_filter_config_scheduler_new" => scheduler_new as Pointer,
        "http_filter_config_scheduler_commit" => scheduler_commit as Pointer,
        "http_filter_config_scheduler_delete" => scheduler_delete as Pointer,
        _ => null_mut(),
    }
}

fn panic_on_request(headers: &[u8]) {
    assert!(!headers.windows(7).any(|name| name == b"x-panic"), "the request asked for a panic");
}

/// A module that was loaded into the fake Envoy, with a configuration.
struct Fake {
    envoy: *mut FakeConfig,
    module: *const c_void,
}

/// The outcome of one request.
struct Seen {
    action: u32,
    response: Option<(u32, String)>,
    rules: Option<Vec<u8>>,
    /// The headers that are forwarded.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Lets a test have the process for itself: workers, and what waits in them for a collector, outlive a configuration,
/// and the tick of another test's would post it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for worker in Worker::all() {
        worker.enter(|state| *state = State::default());
    }
    alone
}

fn load() {
    PROBE.get_or_init(|| Some(panic_on_request));
    assert!(!init(fake_symbol).is_null());
}

fn pack(host: &str) -> Vec<u8> {
    let text = format!(
        "title: one\nid: 0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d01\nlogsource: {{category: proxy}}\n\
         detection: {{s: {{cs-host: {host}}}, condition: s}}\n"
    );
    let parsed = sigma::parse(&sigma::Source::new("rule", &text));
    let mut compiler = sigma::Compiler::new("fake", 1);
    assert!(compiler.add(&parsed.rules[0]).is_ok());
    compiler.finish().encode()
}

fn settings(more: &str) -> String {
    let pack = STANDARD.encode(pack("a.example"));
    format!(r#"{{"pack":"{pack}","mode":"enforce"{more}}}"#)
}

impl Fake {
    fn new(settings: &str) -> Fake {
        load();
        let envoy = Box::into_raw(Box::<FakeConfig>::default());
        // The text ends with the call.
        let text = settings.as_bytes().to_vec().into_boxed_slice();
        let module = unsafe {
            envoy_dynamic_module_on_http_filter_config_new(
                envoy.cast(),
                Buffer::of(b"tidegate"),
                Buffer::of(&text),
            )
        };
        Fake { envoy, module }
    }

    fn envoy(&self) -> &FakeConfig {
        unsafe { &*self.envoy }
    }

    fn request(&self, host: &str, more: &[(&str, &str)]) -> Seen {
        let base = [(":method", "GET"), (":authority", host), (":path", "/"), (":scheme", "http")];
        let headers = base.iter().chain(more);
        let headers =
            headers.map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()));
        let module = unsafe { envoy_dynamic_module_on_http_filter_new(self.module, null_mut()) };
        let stream = FakeStream {
            config: self.envoy,
            module,
            headers: headers.collect(),
            texts: BTreeMap::from([(24, b"192.0.2.1:1".to_vec())]),
            state: BTreeMap::new(),
            responses: Vec::new(),
        };
        let envoy = Box::into_raw(Box::new(stream));
        let pointer: Pointer = envoy.cast();
        let action =
            unsafe { envoy_dynamic_module_on_http_filter_request_headers(pointer, module, true) };
        unsafe {
            if action == Action::Continue as u32 {
                envoy_dynamic_module_on_http_filter_response_headers(pointer, module, true);
            }
            envoy_dynamic_module_on_http_filter_stream_complete(pointer, module);
            envoy_dynamic_module_on_http_filter_destroy(module);
        }
        let mut stream = unsafe { Box::from_raw(envoy) };
        assert!(stream.responses.len() < 2);
        let response = stream.responses.pop();
        Seen {
            action,
            response: response
                .map(|(status, _, details)| (status, String::from_utf8(details).unwrap())),
            rules: stream.state.remove(&b"wasm.tidegate.rules"[..]),
            headers: stream.headers,
        }
    }

    fn tick(&self) {
        unsafe {
            envoy_dynamic_module_on_http_filter_config_scheduled(self.envoy.cast(), self.module, 0);
        }
    }

    fn answer(&self, call: u64, status: Option<&str>) {
        let name = b":status".to_vec().into_boxed_slice();
        let value = status.unwrap_or_default().as_bytes().to_vec().into_boxed_slice();
        let headers = [Header::of(&name, &value)];
        let (headers, n_headers) = match status {
            Some(_) => (headers.as_ptr(), 1),
            None => (null(), 0),
        };
        unsafe {
            envoy_dynamic_module_on_http_filter_config_http_callout_done(
                self.envoy.cast(),
                self.module,
                call,
                u32::from(status.is_none()),
                headers,
                n_headers,
                null(),
                0,
            );
        }
    }

    /// A counter's value.
    fn count(&self, name: &str, labels: &[&str]) -> Option<u64> {
        let envoy = self.envoy();
        let id = envoy.metrics.iter().position(|(known, _)| known == name.as_bytes());
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        envoy.values.get(&(id?, labels)).copied()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        unsafe {
            if !self.module.is_null() {
                envoy_dynamic_module_on_http_filter_config_destroy(self.module);
            }
            drop(Box::from_raw(self.envoy));
        }
    }
}

fn logged(part: &str) -> bool {
    LOG.lock().unwrap().iter().any(|(_, line)| line.contains(part))
}

const RULE: &str = "0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d01";

#[test]
fn requests_pass_or_are_answered_and_both_are_counted() {
    let _alone = alone();
    let fake = Fake::new(&settings(""));
    assert_eq!(fake.envoy().n_schedulers, 1);
    for _ in 0..3 {
        let seen = fake.request("b.example", &[]);
        assert_eq!((seen.action, seen.response, seen.rules), (0, None, None));
    }
    let seen = fake.request("a.example", &[("x-request-id", "r-1")]);
    assert_eq!(seen.action, 1);
    assert_eq!(seen.response, Some((403, format!("tidegate_deny{{rule={RULE}}}"))));
    assert_eq!(seen.rules.as_deref(), Some(RULE.as_bytes()));
    assert!(logged("\"id\":\"r-1\""));
    assert_eq!(fake.count("tidegate_requests_total", &[]), Some(4));
    assert_eq!(fake.count("tidegate_matches_total", &[RULE, "deny"]), Some(1));
    assert_eq!(fake.count("tidegate_refused_total", &["older"]), Some(0));
}

#[test]
fn a_header_of_the_policy_replaces_the_clients_copies() {
    let _alone = alone();
    let mut tables = inspect::Pack::decode(&pack("a.example")).unwrap().tables().clone();
    let mut string = |text: &str| {
        tables.strings.push_str(text);
        tables.string_ends.push(tables.strings.len().try_into().unwrap());
        inspect::StrId(u32::try_from(tables.string_ends.len()).unwrap() - 1)
    };
    let [host, name, value] = ["b.example", "x-allowed", "ours"].map(&mut string);
    let hosts = inspect::pack::Range { start: 0, end: 1 };
    let service = inspect::pack::Service {
        name: host,
        category: host,
        operations: inspect::pack::Range::ANY,
        clients: inspect::pack::Range::ANY,
    };
    tables.services.services.push(service);
    tables.services.texts.push(host);
    tables.services.headers.push(inspect::pack::ServiceHeader { service: 0, name, hosts });
    let sources = inspect::pack::Range::ANY;
    tables.policy.headers.push(inspect::pack::HeaderValue { header: 0, sources, value });
    let pack = STANDARD.encode(tables.encode());
    let fake = Fake::new(&format!(r#"{{"pack":"{pack}","mode":"enforce"}}"#));
    for (host, expect) in [("b.example", &["ours"][..]), ("c.example", &["theirs", "others"])] {
        let seen = fake.request(host, &[("x-allowed", "theirs"), ("x-allowed", "others")]);
        let values = seen.headers.iter().filter(|(name, _)| name == b"x-allowed");
        let values: Vec<_> = values.map(|(_, value)| str::from_utf8(value).unwrap()).collect();
        assert_eq!((seen.action, values.as_slice()), (0, expect));
    }
}

#[test]
fn a_panic_is_a_request_that_cannot_be_judged_and_later_ones_are_judged() {
    let _alone = alone();
    for (mode, action, response) in
        [("open", 0, None), ("closed", 1, Some((503, "tidegate_error{kind=panic}".to_owned())))]
    {
        let fake = Fake::new(&settings(&format!(r#","failure_mode":"{mode}""#)));
        for n_panics in 1..=3 {
            let seen = fake.request("a.example", &[("x-panic", "1")]);
            assert_eq!((seen.action, seen.response), (action, response.clone()), "{mode}");
            assert_eq!(fake.count("tidegate_errors_total", &["panic"]), Some(n_panics));
            assert_eq!(fake.request("a.example", &[]).response.unwrap().0, 403);
            assert_eq!(fake.request("b.example", &[]).action, 0);
        }
    }
    assert!(logged("a callback panicked"));
}

#[test]
fn a_bad_configuration_is_refused_with_a_reason_and_counted() {
    let _alone = alone();
    for (settings, reason) in [
        (String::new(), "no configuration"),
        ("{\"pack\":\"?\"}".to_owned(), "base64"),
        (settings(",\"mod\":\"x\""), "unknown key `mod`"),
        (settings(",\"protocol\":\"tls\""), "the native module has an HTTP filter only"),
    ] {
        let fake = Fake::new(&settings);
        assert!(fake.module.is_null(), "{settings}");
        assert_eq!(fake.count("tidegate_refused_total", &["configuration"]), Some(1));
        let log = LOG.lock().unwrap();
        let (_, line) = log.iter().rfind(|(_, line)| line.contains("refused")).unwrap();
        assert!(line.contains(reason), "{line}");
    }
}

#[test]
fn an_older_envoy_is_refused() {
    let _alone = alone();
    let missing = c"envoy_dynamic_module_callback_http_filter_config_increment_counter";
    let older = |name: &CStr| if name == missing { null_mut() } else { fake_symbol(name) };
    assert!(init(older).is_null());
    assert!(init(|_: &CStr| null_mut()).is_null());
    load();
    let newer = |name: &CStr| {
        let newest = name == c"envoy_dynamic_module_callback_log_v2";
        if newest { log_line as Pointer } else { fake_symbol(name) }
    };
    for (version, expect) in [(init(fake_symbol), c"v0.1.0"), (init(newer), c"v0.2.0")] {
        assert_eq!(unsafe { CStr::from_ptr(version) }, expect);
    }
}

#[test]
fn events_reach_the_collector_at_ticks_and_its_answers_the_queue() {
    let _alone = alone();
    let fake = Fake::new(&settings(r#","collector":"logs""#));
    fake.tick();
    assert!(fake.envoy().calls.is_empty());
    fake.request("a.example", &[]);
    fake.tick();
    let calls = &fake.envoy().calls;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0, b"logs");
    assert!(calls[0].1.starts_with(b"{\"event\":\"tidegate.match\""));
    let first = u64::from(u32::MAX) + 1;
    fake.answer(first + 9, Some("200"));
    assert_eq!(fake.count("tidegate_exported_total", &[]), None);
    fake.answer(first, None);
    assert_eq!(fake.count("tidegate_export_failures_total", &[]), Some(1));
}

#[test]
fn what_waits_for_the_collector_outlives_its_configuration() {
    let _alone = alone();
    let fake = Fake::new(&settings(r#","collector":"first""#));
    fake.request("a.example", &[]);
    drop(fake);
    let fake = Fake::new(&settings(r#","collector":"second""#));
    fake.tick();
    assert_eq!(fake.envoy().calls[0].0, b"second");
    fake.answer(u64::from(u32::MAX) + 1, Some("200"));
    assert_eq!(fake.count("tidegate_exported_total", &[]), Some(1));
}

#[test]
fn workers_share_a_configuration_and_each_has_its_streams() {
    let _alone = alone();
    let fake = Fake::new(&settings(""));
    let (envoy, module) = (fake.envoy as usize, fake.module as usize);
    // One after the other: the fake has no lock for its counters, as Envoy has.
    for _ in 0..4 {
        std::thread::spawn(move || {
            let fake = Fake { envoy: envoy as *mut FakeConfig, module: module as *const c_void };
            assert_eq!(fake.request("a.example", &[]).action, 1);
            assert_eq!(fake.request("b.example", &[]).action, 0);
            std::mem::forget(fake);
        })
        .join()
        .unwrap();
    }
    fake.tick();
    assert_eq!(fake.count("tidegate_requests_total", &[]), Some(8));
    assert!(Worker::all().len() >= 4);
}

/// What Envoy does with one of the streams that are open.
#[derive(Clone, Debug)]
enum Event {
    Open(Vec<(Vec<u8>, Vec<u8>)>),
    Request(usize),
    Response(usize),
    Complete(usize),
    Destroy(usize),
    Tick,
    Answer(u64, bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let name = prop_oneof![
        Just(b":authority".to_vec()),
        Just(b":path".to_vec()),
        Just(b":method".to_vec()),
        Just(b"cookie".to_vec()),
        Just(b"x-panic".to_vec()),
        vec(any::<u8>(), 0..8),
    ];
    let value = prop_oneof![
        Just(b"a.example".to_vec()),
        Just(b"CONNECT".to_vec()),
        vec(any::<u8>(), 0..64)
    ];
    let place = 0_usize..8;
    let event = prop_oneof![
        3 => vec((name, value), 0..6).prop_map(Event::Open),
        3 => place.clone().prop_map(Event::Request),
        2 => place.clone().prop_map(Event::Response),
        2 => place.clone().prop_map(Event::Complete),
        2 => place.prop_map(Event::Destroy),
        1 => Just(Event::Tick),
        1 => (0_u64..4, any::<bool>()).prop_map(|(call, is_ok)| Event::Answer(call, is_ok)),
    ];
    vec(event, 0..40)
}

impl Fake {
    fn open(&self, headers: Vec<(Vec<u8>, Vec<u8>)>) -> *mut FakeStream {
        let module = unsafe { envoy_dynamic_module_on_http_filter_new(self.module, null_mut()) };
        Box::into_raw(Box::new(FakeStream {
            config: self.envoy,
            module,
            headers,
            texts: BTreeMap::from([(30, b"a.example".to_vec())]),
            state: BTreeMap::new(),
            responses: Vec::new(),
        }))
    }
}

unsafe fn close(stream: *mut FakeStream) {
    unsafe {
        let stream = Box::from_raw(stream);
        envoy_dynamic_module_on_http_filter_destroy(stream.module);
    }
}

/// A few, unless `PROPTEST_CASES` asks for more, as `cargo xtask sanitize` does.
fn cases() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..Default::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig { cases: 64, ..config },
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Streams may end at any time, also without their end being reported, and headers have any bytes.
    #[test]
    fn any_bytes_and_any_order_of_callbacks_are_survived(
        events in events(),
        failure_mode in prop_oneof![Just("open"), Just("closed")],
    ) {
        let _alone = alone();
        let more = format!(r#","failure_mode":"{failure_mode}","collector":"logs""#);
        let fake = Fake::new(&settings(&more));
        let mut streams: Vec<*mut FakeStream> = Vec::new();
        for event in events {
            let at = |place: usize| streams.get(place % streams.len().max(1)).copied();
            unsafe {
                match event {
                    Event::Open(headers) => streams.push(fake.open(headers)),
                    Event::Request(place) => if let Some(stream) = at(place) {
                        envoy_dynamic_module_on_http_filter_request_headers(
                            stream.cast(), (*stream).module, true,
                        );
                    }
                    Event::Response(place) => if let Some(stream) = at(place) {
                        envoy_dynamic_module_on_http_filter_response_headers(
                            stream.cast(), (*stream).module, true,
                        );
                    }
                    Event::Complete(place) => if let Some(stream) = at(place) {
                        envoy_dynamic_module_on_http_filter_stream_complete(
                            stream.cast(), (*stream).module,
                        );
                    }
                    Event::Destroy(place) => if !streams.is_empty() {
                        close(streams.swap_remove(place % streams.len()));
                    }
                    Event::Tick => fake.tick(),
                    Event::Answer(call, is_ok) => {
                        fake.answer(u64::from(u32::MAX) + call, is_ok.then_some("200"));
                    }
                }
            }
        }
        streams.into_iter().for_each(|stream| unsafe { close(stream) });
    }

    #[test]
    fn any_bytes_are_taken_or_refused_as_a_configuration(
        start in prop_oneof![Just(String::new()), Just("{\"pack\":\"".to_owned()), Just(settings(""))],
        rest in vec(any::<char>(), 0..40),
        cut in 0_usize..400,
    ) {
        let _alone = alone();
        let mut text: Vec<char> = start.chars().collect();
        text.truncate(text.len().saturating_sub(cut));
        text.extend(rest);
        let fake = Fake::new(&text.into_iter().collect::<String>());
        if !fake.module.is_null() {
            prop_assert_eq!(fake.request("b.example", &[]).action, 0);
        }
    }
}
