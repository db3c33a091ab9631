//! The host of the filter: what [`filter::Host`] asks for, from Envoy's own functions.

use std::cell::{Cell, RefCell};
use std::time::{SystemTime, UNIX_EPOCH};

use filter::{
    Host, HostError, LocalResponse, LogLevel, MetricId, MetricKind, Post, Property, Protocol,
};

use crate::envoy::{self, EnvoyStream, Scope};
use crate::metrics::Metrics;
use crate::shared_data;

/// The status of a call that has no stream or no configuration to be about.
const NOT_HERE: HostError = HostError(1);
/// The status of a call that Envoy refused.
const REFUSED: HostError = HostError(2);

/// Envoy, in one of its callbacks.
pub(crate) struct NativeHost<'h> {
    scope: Scope<'h>,
    metrics: &'h Metrics,
    /// The configuration that is to be taken.
    configuration: &'h [u8],
    /// The headers of the collector's answer.
    answer: &'h [u8],
    /// The answer to the request. Envoy sends it when the filter has returned, since it calls back for
    /// the response.
    response: RefCell<Option<LocalResponse>>,
    /// The period of ticks that was requested, in milliseconds.
    tick_period: Cell<Option<u32>>,
}

impl<'h> NativeHost<'h> {
    pub(crate) fn new(scope: Scope<'h>, metrics: &'h Metrics) -> Self {
        NativeHost {
            scope,
            metrics,
            configuration: &[],
            answer: &[],
            response: RefCell::default(),
            tick_period: Cell::default(),
        }
    }

    /// The same, with a configuration that is to be taken.
    pub(crate) fn with_configuration(self, configuration: &'h [u8]) -> Self {
        NativeHost { configuration, ..self }
    }

    /// The same, with the headers of an answer to a call.
    pub(crate) fn with_answer(self, answer: &'h [u8]) -> Self {
        NativeHost { answer, ..self }
    }

    /// Returns the response that is to be sent.
    pub(crate) fn into_response(self) -> Option<LocalResponse> {
        self.response.into_inner()
    }

    /// Returns the period of ticks that was requested.
    pub(crate) fn tick_period(&self) -> Option<u32> {
        self.tick_period.get()
    }

    fn stream(&self) -> Result<EnvoyStream<'h>, HostError> {
        match self.scope {
            Scope::Stream(stream) => Ok(stream),
            Scope::Config(_) => Err(NOT_HERE),
        }
    }
}

impl Host for NativeHost<'_> {
    fn plugin_configuration(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.configuration.to_vec())
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        self.stream()?.request_headers().ok_or(REFUSED)
    }

    fn set_request_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError> {
        done(self.stream()?.set_request_header(name, value))
    }

    fn property(&self, property: Property) -> Result<Option<Vec<u8>>, HostError> {
        let stream = self.stream()?;
        let value = match attribute(property) {
            Attribute::Text(id) => stream.text(id),
            Attribute::Number(id) => stream.number(id).map(|number| number.to_le_bytes().to_vec()),
            Attribute::Cluster => stream.cluster(),
            Attribute::FilterState(name) => stream.filter_state(name),
            Attribute::Missing => None,
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// Puts `wasm.` before the name, as Envoy does for the other host: access logs are the same for both.
    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        done(self.stream()?.set_filter_state(&["wasm.", name].concat(), value))
    }

    /// Envoy derives the status of gRPC from that of HTTP: 403 becomes `PERMISSION_DENIED`, 503
    /// `UNAVAILABLE`.
    fn send_local_response(&self, response: &LocalResponse) -> Result<(), HostError> {
        self.stream()?;
        self.response.replace(Some(response.clone()));
        Ok(())
    }

    fn downstream_data(&self, _: usize) -> Result<Vec<u8>, HostError> {
        Err(NOT_HERE)
    }

    fn close_downstream(&self) -> Result<(), HostError> {
        Err(NOT_HERE)
    }

    fn shared_data(&self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        Ok(shared_data::get(key))
    }

    fn set_shared_data(&self, key: &str, value: &[u8], cas: u32) -> Result<(), HostError> {
        done(shared_data::set(key, value, cas))
    }

    #[expect(clippy::disallowed_methods, reason = "the host is the filter's clock")]
    fn time(&self) -> Result<u64, HostError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| REFUSED)?;
        u64::try_from(now.as_nanos()).map_err(|_| REFUSED)
    }

    fn post(&self, post: &Post<'_>) -> Result<u32, HostError> {
        let Scope::Config(config) = self.scope else { return Err(NOT_HERE) };
        let milliseconds = u64::from(post.timeout_seconds) * 1000;
        let call = config.call(post.cluster, post.headers, post.body, milliseconds);
        call.map(call_number).map_err(HostError)
    }

    fn call_headers(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.answer.to_vec())
    }

    fn check_answers(&self) -> Result<(), &'static str> {
        Ok(())
    }

    fn check_protocol(&self, protocol: Protocol) -> Result<(), &'static str> {
        match protocol {
            Protocol::Http => Ok(()),
            Protocol::Tls => Err("`filter.wasm`: the native module has an HTTP filter only"),
        }
    }

    fn set_tick_period(&self, milliseconds: u32) -> Result<(), HostError> {
        self.tick_period.set(Some(milliseconds));
        Ok(())
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostError> {
        envoy::log(level, line);
        Ok(())
    }

    fn define_metric(&self, _: MetricKind, name: &str) -> Result<MetricId, HostError> {
        self.metrics.series(name).ok_or(REFUSED)
    }

    fn add(&self, metric: MetricId, count: u64) -> Result<(), HostError> {
        done(self.metrics.record(self.scope, metric, count))
    }

    fn record(&self, metric: MetricId, value: u64) -> Result<(), HostError> {
        done(self.metrics.record(self.scope, metric, value))
    }
}

/// Returns the filter's number of a call of Envoy's: its low half.
pub(crate) fn call_number(call: u64) -> u32 {
    u32::try_from(call & u64::from(u32::MAX)).unwrap_or_default()
}

fn done(is_done: bool) -> Result<(), HostError> {
    if is_done { Ok(()) } else { Err(REFUSED) }
}

/// Where Envoy has a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// An attribute that is a text, by its number.
    Text(u32),
    /// An attribute that is a number.
    Number(u32),
    Cluster,
    FilterState(&'static str),
    /// Envoy has no function for it.
    Missing,
}

/// Returns the place of a property, by the numbers of Envoy's ABI, which are the same in 1.39 and 1.40.
/// `RequestBytes`, `FilterChain` and `VirtualHost` are not set before 1.40.
fn attribute(property: Property) -> Attribute {
    match property {
        Property::Protocol => Attribute::Text(10),
        Property::RequestBytes => Attribute::Number(13),
        Property::ResponseCode => Attribute::Number(15),
        Property::ResponseBytes => Attribute::Number(21),
        Property::SourceAddress => Attribute::Text(24),
        Property::DestinationAddress => Attribute::Text(26),
        Property::ServerName => Attribute::Text(30),
        Property::TlsVersion => Attribute::Text(31),
        Property::PeerIdentity => Attribute::Text(37),
        Property::UpstreamAddress => Attribute::Text(41),
        Property::Route => Attribute::Text(61),
        Property::VirtualHost => Attribute::Text(63),
        Property::FilterChain => Attribute::Text(66),
        Property::Cluster => Attribute::Cluster,
        Property::Client => Attribute::FilterState("tidegate.client"),
        Property::ConnectTarget => Attribute::FilterState("tidegate.connect_target"),
        Property::Node => Attribute::Missing,
    }
}
