//! A host in memory: answers from what a test sets, and records what the filter does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::headers::{pairs, serialise};
use crate::host::{Host, HostError, LocalResponse, LogLevel, MetricId, MetricKind, Post, Property};

/// A kind of call, to make it fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Configuration,
    RequestHeaders,
    SetRequestHeader,
    Property(Property),
    SetFilterState,
    SendLocalResponse,
    DownstreamData,
    CloseDownstream,
    SharedData,
    SetSharedData,
    Time,
    Post,
    CheckAnswers,
    SetTickPeriod,
    Log,
    DefineMetric,
    RecordMetric,
}

/// A request that the filter sent to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) cluster: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) call: u32,
}

/// Values that workers share, each with the number of its last change.
type SharedData = BTreeMap<String, (Vec<u8>, u32)>;

/// A host that works, unless a test says otherwise.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    configuration: RefCell<Vec<u8>>,
    headers: RefCell<Vec<u8>>,
    properties: RefCell<BTreeMap<Property, Vec<u8>>>,
    data: RefCell<Vec<u8>>,
    answer: RefCell<Vec<u8>>,
    nanoseconds: Cell<u64>,
    fails: RefCell<BTreeSet<Call>>,
    is_broken: Cell<bool>,
    lost_swaps: Cell<u32>,
    meanwhile: RefCell<Option<Vec<u8>>>,
    shared: Arc<Mutex<SharedData>>,
    metrics: RefCell<Vec<(MetricKind, String, Vec<u64>)>>,
    lines: RefCell<Vec<(LogLevel, String)>>,
    filter_state: RefCell<BTreeMap<String, String>>,
    responses: RefCell<Vec<LocalResponse>>,
    is_closed: Cell<bool>,
    posted: RefCell<Vec<Posted>>,
    tick_period: Cell<Option<u32>>,
    calls: RefCell<BTreeMap<Call, usize>>,
}

impl FakeHost {
    /// Returns a host at a time of day.
    pub(crate) fn new() -> Self {
        let host = FakeHost::default();
        host.nanoseconds.set(1_763_697_600_000_000_000);
        host
    }

    /// Returns a host on which every call fails.
    pub(crate) fn broken() -> Self {
        let host = FakeHost::default();
        host.is_broken.set(true);
        host
    }

    /// Returns the host of another worker at the same time: both share data.
    pub(crate) fn worker(&self) -> Self {
        let host = FakeHost { shared: Arc::clone(&self.shared), ..FakeHost::default() };
        host.nanoseconds.set(self.nanoseconds.get());
        host
    }

    /// Makes a kind of call fail from now on.
    pub(crate) fn fail(&self, call: Call) {
        self.fails.borrow_mut().insert(call);
    }

    /// Makes a kind of call work again.
    pub(crate) fn mend(&self, call: Call) {
        self.fails.borrow_mut().remove(&call);
    }

    /// Lets another worker win the next swaps of shared data.
    pub(crate) fn lose_swaps(&self, n_swaps: u32) {
        self.lost_swaps.set(n_swaps);
    }

    /// Lets another worker write a value before the next swap of shared data, under its key.
    pub(crate) fn write_meanwhile(&self, value: &[u8]) {
        *self.meanwhile.borrow_mut() = Some(value.to_vec());
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, seconds: u64) {
        self.nanoseconds.set(self.nanoseconds.get() + seconds * 1_000_000_000);
    }

    /// Moves the clock back.
    pub(crate) fn turn_back(&self, seconds: u64) {
        self.nanoseconds.set(self.nanoseconds.get() - seconds * 1_000_000_000);
    }

    /// Sets the plugin's configuration.
    pub(crate) fn set_configuration(&self, bytes: &[u8]) {
        *self.configuration.borrow_mut() = bytes.to_vec();
    }

    /// Sets the request headers of the current stream.
    pub(crate) fn set_headers(&self, pairs: &[(&str, &[u8])]) {
        *self.headers.borrow_mut() = serialise(pairs);
    }

    /// Sets the request headers of the current stream, as bytes of any kind.
    pub(crate) fn set_header_map(&self, bytes: &[u8]) {
        *self.headers.borrow_mut() = bytes.to_vec();
    }

    /// Sets a property of the current stream.
    pub(crate) fn set_property(&self, property: Property, value: &[u8]) {
        self.properties.borrow_mut().insert(property, value.to_vec());
    }

    /// Sets a number that is a property of the current stream.
    pub(crate) fn set_number(&self, property: Property, value: u64) {
        self.set_property(property, &value.to_le_bytes());
    }

    /// Sets the bytes that the client of the current connection sent.
    pub(crate) fn set_data(&self, bytes: &[u8]) {
        *self.data.borrow_mut() = bytes.to_vec();
    }

    /// Sets the headers of the collector's answer.
    pub(crate) fn set_answer(&self, status: &str) {
        *self.answer.borrow_mut() = serialise(&[(":status", status)]);
    }

    /// Returns what a counter counted; 0 if it was never defined.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.recorded(name).iter().sum()
    }

    /// Returns the values of a metric, in order.
    pub(crate) fn recorded(&self, name: &str) -> Vec<u64> {
        let metrics = self.metrics.borrow();
        let found = metrics.iter().find(|(_, known, _)| known == name);
        found.map(|(_, _, values)| values.clone()).unwrap_or_default()
    }

    /// Returns the log lines that are not events.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.borrow();
        let lines = lines.iter().filter(|(level, _)| *level != LogLevel::Warn);
        lines.map(|(_, line)| line.clone()).collect()
    }

    /// Returns the events in the log.
    pub(crate) fn events(&self) -> Vec<Value> {
        let lines = self.lines.borrow();
        let lines = lines.iter().filter(|(level, _)| *level == LogLevel::Warn);
        lines.map(|(_, line)| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns a filter state object of the current stream.
    pub(crate) fn filter_state(&self, name: &str) -> Option<String> {
        self.filter_state.borrow().get(name).cloned()
    }

    /// Returns the values of a request header of the current stream, as they are forwarded.
    pub(crate) fn forwarded(&self, name: &str) -> Vec<String> {
        let pairs = pairs(&self.headers.borrow()).unwrap();
        let values = pairs.into_iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| String::from_utf8(value).unwrap()).collect()
    }

    /// Returns the responses that were sent to clients.
    pub(crate) fn responses(&self) -> Vec<LocalResponse> {
        self.responses.borrow().clone()
    }

    /// Returns true if the client's connection was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Returns the requests to clusters.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.borrow().clone()
    }

    /// Returns the tick period, if ticks were requested.
    pub(crate) fn tick_period(&self) -> Option<u32> {
        self.tick_period.get()
    }

    /// Starts the next stream: nothing is left of the one before.
    pub(crate) fn next_stream(&self) {
        self.headers.borrow_mut().clear();
        self.properties.borrow_mut().clear();
        self.filter_state.borrow_mut().clear();
        self.data.borrow_mut().clear();
        self.is_closed.set(false);
    }

    /// Returns the calls since this was asked last, each kind with how many there were.
    pub(crate) fn take_calls(&self) -> Vec<(Call, usize)> {
        self.calls.take().into_iter().collect()
    }

    fn check(&self, call: Call) -> Result<(), HostError> {
        *self.calls.borrow_mut().entry(call).or_default() += 1;
        let fails = self.is_broken.get() || self.fails.borrow().contains(&call);
        if fails { Err(HostError(10)) } else { Ok(()) }
    }
}

impl Host for FakeHost {
    fn plugin_configuration(&self) -> Result<Vec<u8>, HostError> {
        self.check(Call::Configuration)?;
        Ok(self.configuration.borrow().clone())
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        self.check(Call::RequestHeaders)?;
        Ok(self.headers.borrow().clone())
    }

    fn set_request_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError> {
        self.check(Call::SetRequestHeader)?;
        let map = self.headers.borrow().clone();
        let mut pairs = pairs(&map).unwrap();
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (name.to_owned(), value.as_bytes().to_vec())));
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        *self.headers.borrow_mut() = serialise(&pairs);
        Ok(())
    }

    fn property(&self, property: Property) -> Result<Option<Vec<u8>>, HostError> {
        self.check(Call::Property(property))?;
        Ok(self.properties.borrow().get(&property).cloned())
    }

    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        self.check(Call::SetFilterState)?;
        let value = String::from_utf8(value.to_vec()).unwrap();
        self.filter_state.borrow_mut().insert(name.to_owned(), value);
        Ok(())
    }

    fn send_local_response(&self, response: &LocalResponse) -> Result<(), HostError> {
        self.check(Call::SendLocalResponse)?;
        self.responses.borrow_mut().push(response.clone());
        Ok(())
    }

    fn downstream_data(&self, n_bytes: usize) -> Result<Vec<u8>, HostError> {
        self.check(Call::DownstreamData)?;
        Ok(self.data.borrow().iter().take(n_bytes).copied().collect())
    }

    fn close_downstream(&self) -> Result<(), HostError> {
        self.check(Call::CloseDownstream)?;
        self.is_closed.set(true);
        Ok(())
    }

    fn shared_data(&self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.check(Call::SharedData)?;
        Ok(self.shared.lock().unwrap().get(key).cloned())
    }

    fn set_shared_data(&self, key: &str, value: &[u8], cas: u32) -> Result<(), HostError> {
        self.check(Call::SetSharedData)?;
        if let Some(rest) = self.lost_swaps.get().checked_sub(1) {
            self.lost_swaps.set(rest);
            return Err(HostError(8));
        }
        if let Some(other) = self.meanwhile.take() {
            self.worker().set_shared_data(key, &other, 0)?;
        }
        let mut shared = self.shared.lock().unwrap();
        let current = shared.get(key).map(|(_, cas)| *cas);
        if cas != 0 && current.is_some_and(|current| cas != current) {
            return Err(HostError(8));
        }
        shared.insert(key.to_owned(), (value.to_vec(), current.unwrap_or_default() + 1));
        Ok(())
    }

    fn time(&self) -> Result<u64, HostError> {
        self.check(Call::Time)?;
        Ok(self.nanoseconds.get())
    }

    fn post(&self, post: &Post<'_>) -> Result<u32, HostError> {
        self.check(Call::Post)?;
        let mut posted = self.posted.borrow_mut();
        let call = u32::try_from(posted.len()).unwrap() + 1;
        let headers =
            post.headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        posted.push(Posted {
            cluster: post.cluster.to_owned(),
            headers: headers.collect(),
            body: String::from_utf8(post.body.to_vec()).unwrap(),
            call,
        });
        Ok(call)
    }

    fn call_headers(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.answer.borrow().clone())
    }

    fn check_answers(&self) -> Result<(), &'static str> {
        self.check(Call::CheckAnswers).map_err(|_| "something that is not there")
    }

    fn set_tick_period(&self, milliseconds: u32) -> Result<(), HostError> {
        self.check(Call::SetTickPeriod)?;
        self.tick_period.set(Some(milliseconds));
        Ok(())
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostError> {
        self.check(Call::Log)?;
        self.lines.borrow_mut().push((level, line.to_owned()));
        Ok(())
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Result<MetricId, HostError> {
        self.check(Call::DefineMetric)?;
        let mut metrics = self.metrics.borrow_mut();
        let known = metrics.iter().position(|(_, known, _)| known == name);
        let idx = known.unwrap_or_else(|| {
            metrics.push((kind, name.to_owned(), Vec::new()));
            metrics.len() - 1
        });
        Ok(MetricId(u32::try_from(idx).unwrap()))
    }

    fn add(&self, metric: MetricId, count: u64) -> Result<(), HostError> {
        self.record(metric, count)
    }

    fn record(&self, metric: MetricId, value: u64) -> Result<(), HostError> {
        self.check(Call::RecordMetric)?;
        let mut metrics = self.metrics.borrow_mut();
        let (_, _, values) = metrics.get_mut(metric.0 as usize).ok_or(HostError(1))?;
        values.push(value);
        Ok(())
    }
}
