//! The proxy that runs the filter, as a trait: bytes in, bytes out, errors as values.
//!
//! The library calls a proxy through [`Host`] only, and every call may fail. A crate per kind of proxy
//! implements it: `filter-wasm` over the imports of proxy-wasm. Tests use an in-memory host.

use std::fmt;

/// The number of a value that is not there yet: a value that another worker wrote meanwhile has another one, so
/// that it is not overwritten. Envoy counts changes from 1, and sets what is not there whatever the number
/// (`SharedData::set` of proxy-wasm-cpp-host).
const ABSENT: u32 = u32::MAX;

/// The protocol of a plugin's streams; it has to fit the place at which Envoy runs the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, in an HTTP filter.
    #[default]
    Http,
    /// TLS that passes through, in a network filter: the server name is judged.
    Tls,
}

impl Protocol {
    /// Returns the name in the configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Tls => "tls",
        }
    }
}

/// The error of a call that the host refused; the number is the host's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError(pub u32);

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host answered with status {}", self.0)
    }
}

/// How urgent a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// A change of state that is as it should be.
    Info,
    /// An event: a request that rules matched.
    Warn,
    /// Something that an operator has to mend.
    Error,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// A sum that only grows.
    Counter,
    /// The last value.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// The host's number of a metric that was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricId(pub u32);

/// A property of the current stream that the filter reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// The server name in the client's TLS handshake.
    ServerName,
    /// The version of TLS; not set without TLS.
    TlsVersion,
    /// The URI in the subject alternative name of the client's certificate.
    PeerIdentity,
    /// The client's address, with port.
    SourceAddress,
    /// The HTTP version, as `HTTP/1.1`.
    Protocol,
    /// Bytes of the request's body: 64 bits, little endian, as all numbers.
    RequestBytes,
    /// Bytes of the response's body.
    ResponseBytes,
    /// The response's status code.
    ResponseCode,
    /// The address that the client connected to, with port.
    DestinationAddress,
    /// The address that the gateway connected to, with port.
    UpstreamAddress,
    /// The gateway's node id.
    Node,
    /// The name of the listener's filter chain.
    FilterChain,
    /// The name of the virtual host.
    VirtualHost,
    /// The name of the route.
    Route,
    /// The name of the upstream cluster.
    Cluster,
    /// The client that the CONNECT in whose tunnel the stream arrived named, which the gateway's configuration
    /// passes on; `-` for none.
    Client,
    /// The target of the CONNECT in whose tunnel the stream arrived, which the gateway's configuration
    /// passes on.
    ConnectTarget,
}

/// A response that the gateway sends itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// The status; Envoy answers gRPC requests with 200 and `grpc_status` instead.
    pub status: u32,
    /// The gRPC status; `-1` for a request that is not gRPC.
    pub grpc_status: i32,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// Names and values. The host does not check them for line breaks: constants only.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body; for gRPC the message.
    pub body: String,
}

/// A request of the filter's own, to one of the gateway's clusters.
#[derive(Clone, Copy, Debug)]
pub struct Post<'p> {
    /// The cluster.
    pub cluster: &'p str,
    /// Headers, the pseudo headers first.
    pub headers: &'p [(&'p str, &'p str)],
    /// The body.
    pub body: &'p [u8],
    /// Seconds after which the host gives up.
    pub timeout_seconds: u32,
}

/// What the filter needs from a proxy.
///
/// Calls about "the current stream" concern the stream whose callback is running; outside of one they
/// fail.
pub trait Host {
    /// Returns the plugin's configuration; empty if there is none.
    fn plugin_configuration(&self) -> Result<Vec<u8>, HostError>;

    /// Returns the request headers of the current stream, laid out as
    /// [`serialise`](crate::serialise) does.
    fn request_headers(&self) -> Result<Vec<u8>, HostError>;

    /// Sets a header of the current request to one value, in place of all that it has; `None` removes it.
    /// The host does not check the value for line breaks.
    fn set_request_header(&self, name: &str, value: Option<&str>) -> Result<(), HostError>;

    /// Returns a property of the current stream; `None` if it is not set or empty.
    fn property(&self, property: Property) -> Result<Option<Vec<u8>>, HostError>;

    /// Sets a filter state object of the current stream, which the access log prints.
    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError>;

    /// Answers the current request.
    fn send_local_response(&self, response: &LocalResponse) -> Result<(), HostError>;

    /// Returns at most `n_bytes` of what the client has sent and the host still holds. Connections only.
    fn downstream_data(&self, n_bytes: usize) -> Result<Vec<u8>, HostError>;

    /// Closes the client's connection. Connections only.
    fn close_downstream(&self) -> Result<(), HostError>;

    /// Returns the value that all workers share under a key, and the number of its last change.
    fn shared_data(&self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError>;

    /// Returns the same, or the number with which [`Host::set_shared_data`] sets a value only if there is none yet.
    fn shared_data_or_new(&self, key: &str) -> Result<(Option<Vec<u8>>, u32), HostError> {
        let found = self.shared_data(key)?;
        Ok(found.map_or((None, ABSENT), |(value, cas)| (Some(value), cas)))
    }

    /// Sets the value that all workers share under a key; fails if there is one that changed since the number
    /// `cas` was read. With 0 it is set in any case.
    fn set_shared_data(&self, key: &str, value: &[u8], cas: u32) -> Result<(), HostError>;

    /// Returns nanoseconds since 1970.
    fn time(&self) -> Result<u64, HostError>;

    /// Returns seconds since 1970; `None` without a clock.
    fn seconds(&self) -> Option<u64> {
        self.time().ok().map(|nanoseconds| nanoseconds / 1_000_000_000)
    }

    /// Returns milliseconds since 1970; `None` without a clock.
    fn milliseconds(&self) -> Option<u64> {
        self.time().ok().map(|nanoseconds| nanoseconds / 1_000_000)
    }

    /// Sends a request of the filter's own; returns the number under which its answer arrives.
    fn post(&self, post: &Post<'_>) -> Result<u32, HostError>;

    /// Returns the headers of the answer to [`Host::post`] whose callback is running, laid out as those
    /// of requests.
    fn call_headers(&self) -> Result<Vec<u8>, HostError>;

    /// Checks that answers to [`Host::post`] can be received; an error says what is missing.
    fn check_answers(&self) -> Result<(), &'static str>;

    /// Checks that the host has streams of a protocol; an error says what is missing.
    fn check_protocol(&self, _protocol: Protocol) -> Result<(), &'static str> {
        Ok(())
    }

    /// Requests a tick in every such period from now on.
    fn set_tick_period(&self, milliseconds: u32) -> Result<(), HostError>;

    /// Writes one line to the gateway's log.
    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostError>;

    /// Defines a metric, or finds the one that has the name already.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Result<MetricId, HostError>;

    /// Adds to a counter.
    fn add(&self, metric: MetricId, count: u64) -> Result<(), HostError>;

    /// Sets a gauge, or adds a value to a histogram.
    fn record(&self, metric: MetricId, value: u64) -> Result<(), HostError>;
}
