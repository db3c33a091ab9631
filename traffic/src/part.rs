//! The parts of a request that logs give, and the keys under which JSON logs give them.

use std::collections::BTreeMap;

/// A part of a recorded request or of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The method.
    Method,
    /// `http` or `https`.
    Scheme,
    /// Host and port.
    Authority,
    /// The port, where a log has it apart from the host.
    Port,
    /// Path and query, or an absolute URL.
    Path,
    /// The query, where a log has it apart from the path.
    Query,
    /// The version of HTTP.
    Protocol,
    /// The `user-agent` header.
    UserAgent,
    /// The `referer` header.
    Referer,
    /// The `cookie` header.
    Cookie,
    /// The server name of TLS.
    ServerName,
    /// The address of the client.
    SourceAddress,
    /// The status of the response.
    Status,
    /// Bytes that the client sent.
    RequestBytes,
    /// Bytes that it received.
    ResponseBytes,
    /// The address of the server.
    UpstreamAddress,
    /// When the request was sent.
    Time,
    /// Who sent it, beside its address: the URI in the client's certificate, or what a trusted hop
    /// calls it.
    Identity,
    /// How long the request took, from its first byte to the last of its response. The rank of the key says
    /// the unit: milliseconds below `SECONDS_RANK`, seconds from there on.
    Duration,
    /// Zeek's name for the connection on which the request came.
    Connection,
    /// The first line of the request: method, target and version, where a log has them together.
    RequestLine,
}

/// The first rank of the keys of [`Part::Duration`] whose values are seconds.
pub(crate) const SECONDS_RANK: u8 = 4;

impl Part {
    /// Every part, in the order of its number.
    pub const ALL: [Part; 21] = [
        Part::Method,
        Part::Scheme,
        Part::Authority,
        Part::Port,
        Part::Path,
        Part::Query,
        Part::Protocol,
        Part::UserAgent,
        Part::Referer,
        Part::Cookie,
        Part::ServerName,
        Part::SourceAddress,
        Part::Status,
        Part::RequestBytes,
        Part::ResponseBytes,
        Part::UpstreamAddress,
        Part::Time,
        Part::Identity,
        Part::Duration,
        Part::Connection,
        Part::RequestLine,
    ];

    /// Returns the name of the part, as field maps and docs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Method => "method",
            Part::Scheme => "scheme",
            Part::Authority => "host",
            Part::Port => "port",
            Part::Path => "path",
            Part::Query => "query",
            Part::Protocol => "version",
            Part::UserAgent => "agent",
            Part::Referer => "referrer",
            Part::Cookie => "cookie",
            Part::ServerName => "server_name",
            Part::SourceAddress => "source",
            Part::Status => "status",
            Part::RequestBytes => "request_bytes",
            Part::ResponseBytes => "bytes",
            Part::UpstreamAddress => "upstream",
            Part::Time => "time",
            Part::Identity => "identity",
            Part::Duration => "duration",
            Part::Connection => "connection",
            Part::RequestLine => "request_line",
        }
    }

    /// Returns the part of a name that [`Part::as_str`] gives.
    pub fn from_name(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.as_str() == name)
    }
}

/// A set of parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts(u32);

impl Parts {
    /// Adds a part.
    pub fn insert(&mut self, part: Part) {
        self.0 |= 1 << part as u32;
    }

    /// Returns true if the part is in the set.
    pub fn contains(self, part: Part) -> bool {
        self.0 & 1 << part as u32 != 0
    }

    /// Returns true if no part is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the parts in their order.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |part| self.contains(*part))
    }
}

/// The keys of access logs in JSON by part: the first that has a value counts. A value that is null,
/// empty or `-` is one that the proxy did not have.
///
/// They are the defaults of Istio, Envoy Gateway and Contour, the header names that Envoy's
/// documentation uses, nginx's variables, and what tidegate's own examples write.
pub const ACCESS_LOG_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["method", ":method", "request_method", "req_method"]),
    (Part::Scheme, &["scheme", ":scheme", "request_scheme"]),
    (
        Part::Authority,
        &[
            "authority",
            ":authority",
            "host",
            "request_host",
            "request_authority",
            "http_host",
            "request_http_host",
        ],
    ),
    // Before routes rewrite it, the path is in the first three.
    (
        Part::Path,
        &[
            "x_envoy_original_path",
            "x-envoy-original-path",
            "x-envoy-origin-path",
            "path",
            ":path",
            "request_path",
            "request_uri",
            "uri",
            PATH_TEMPLATE,
        ],
    ),
    (Part::Query, &["args", "query_string"]),
    (Part::Protocol, &["protocol", "http_version", "server_protocol", "request_protocol"]),
    (Part::UserAgent, &["user_agent", "user-agent", "http_user_agent", "request_user_agent"]),
    (Part::Referer, &["referer", "referrer", "http_referer", "request_referer"]),
    (Part::Cookie, &["cookie", "http_cookie"]),
    (
        Part::ServerName,
        &[
            "requested_server_name",
            "ssl_server_name",
            "ssl_preread_server_name",
            "server_name",
            "sni",
        ],
    ),
    (
        Part::SourceAddress,
        &[
            "downstream_remote_address_without_port",
            "downstream_remote_address",
            "downstream_direct_remote_address",
            "source_address",
            "client_ip",
            "client",
            "remote_addr",
            "source",
            "src_ip",
            "src",
        ],
    ),
    (Part::Status, &["response_code", "status", "status_code", "response_status"]),
    // Seen from the proxy in Envoy's names, from the client where a log says out and in, or up and down.
    (
        Part::RequestBytes,
        &["bytes_received", "request_bytes", "bytes_up", "bytes_out", "request_length"],
    ),
    (
        Part::ResponseBytes,
        &[
            "bytes_sent",
            "response_bytes",
            "bytes_down",
            "bytes_in",
            "body_bytes_sent",
            "response_body_size",
        ],
    ),
    (Part::UpstreamAddress, &["upstream_host", "upstream_remote_address", "upstream_addr"]),
    (Part::Time, TIME_KEYS),
    (Part::RequestLine, &["request", "request_line"]),
    (Part::Identity, &["source_identity", "identity", "downstream_peer_uri_san"]),
    (
        Part::Duration,
        &[
            "duration",
            "duration_ms",
            "request_duration",
            "total_duration",
            "request_time",
            "duration_s",
            "duration_seconds",
        ],
    ),
];

/// The key of the shipped gateway's access log under which the filter's template of the path is.
pub(crate) const PATH_TEMPLATE: &str = "path_template";

/// The key of the filter's events under which the template of the path is.
pub(crate) const EVENT_PATH: &str = "request.path";

/// The keys of events in the Elastic Common Schema.
pub(crate) const ECS_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["http.request.method"]),
    (Part::Scheme, &["url.scheme"]),
    (Part::Authority, &["url.domain", "destination.domain", "server.domain"]),
    (Part::Port, &["url.port"]),
    (Part::Path, &["url.path", "url.original", "url.full"]),
    (Part::Query, &["url.query"]),
    (Part::Protocol, &["http.version"]),
    (Part::UserAgent, &["user_agent.original"]),
    (Part::Referer, &["http.request.referrer"]),
    (Part::ServerName, &["tls.client.server_name"]),
    (Part::SourceAddress, &["source.ip", "client.ip", "source.address", "client.address"]),
    (Part::Status, &["http.response.status_code"]),
    (Part::RequestBytes, &["http.request.body.bytes", "http.request.bytes", "source.bytes"]),
    (
        Part::ResponseBytes,
        &["http.response.body.bytes", "http.response.bytes", "destination.bytes"],
    ),
    (Part::UpstreamAddress, &["destination.ip", "server.ip"]),
    (Part::Time, TIME_KEYS),
];

/// The keys of events in the Open Cybersecurity Schema Framework.
pub(crate) const OCSF_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["http_request.http_method"]),
    (Part::Scheme, &["http_request.url.scheme"]),
    (Part::Authority, &["http_request.url.hostname", "dst_endpoint.hostname", "dst_endpoint.name"]),
    (Part::Port, &["http_request.url.port"]),
    (
        Part::Path,
        &["http_request.url.path", "http_request.url.url_string", "http_request.url.text"],
    ),
    (Part::Query, &["http_request.url.query_string"]),
    (Part::Protocol, &["http_request.version"]),
    (Part::UserAgent, &["http_request.user_agent"]),
    (Part::Referer, &["http_request.referrer"]),
    (Part::ServerName, &["tls.sni", "unmapped.sni"]),
    (Part::SourceAddress, &["src_endpoint.ip", "src_endpoint.name"]),
    (Part::Status, &["http_response.code", "http_response.status"]),
    (Part::RequestBytes, &["http_request.body_length", "http_request.length", "traffic.bytes_out"]),
    (
        Part::ResponseBytes,
        &["http_response.body_length", "http_response.length", "traffic.bytes_in"],
    ),
    (Part::UpstreamAddress, &["dst_endpoint.ip"]),
    (Part::Time, TIME_KEYS),
];

/// The keys of entries of Google Cloud Logging: of `HttpRequest`, and what Secure Web Proxy and Cloud Service Mesh
/// add.
///
/// See: <https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest>
pub(crate) const GCP_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["httpRequest.requestMethod"]),
    (
        Part::Authority,
        &[
            "jsonPayload.enforcedGatewaySecurityPolicy.hostname",
            "jsonPayload.authority",
            "labels.authority",
        ],
    ),
    (Part::Path, &["httpRequest.requestUrl"]),
    (Part::Protocol, &["httpRequest.protocol"]),
    (Part::UserAgent, &["httpRequest.userAgent"]),
    (Part::Referer, &["httpRequest.referer"]),
    (Part::ServerName, &["labels.requested_server_name"]),
    (Part::SourceAddress, &["httpRequest.remoteIp"]),
    (Part::Status, &["httpRequest.status"]),
    (Part::RequestBytes, &["httpRequest.requestSize"]),
    (Part::ResponseBytes, &["httpRequest.responseSize"]),
    (Part::UpstreamAddress, &["httpRequest.serverIp"]),
    (Part::Time, &["timestamp", "receiveTimestamp"]),
];

/// The keys of the log of queries of Amazon Route 53 Resolver. A query is read as the name of a connection is.
///
/// See: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html>
pub(crate) const ROUTE53_KEYS: &[(Part, &[&str])] = &[
    (Part::ServerName, &["query_name"]),
    (Part::SourceAddress, &["srcaddr"]),
    (Part::Time, &["query_timestamp"]),
];

/// The keys of the filter's own events.
pub(crate) const EVENT_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["request.method"]),
    (Part::Authority, &["request.host"]),
    (Part::Path, &[EVENT_PATH]),
    (Part::ServerName, &["request.sni"]),
    (Part::SourceAddress, &["request.source"]),
    (Part::Status, &["response.code"]),
    (Part::RequestBytes, &["response.request_bytes"]),
    (Part::ResponseBytes, &["response.response_bytes"]),
    (Part::UpstreamAddress, &["response.upstream"]),
    (Part::Time, TIME_KEYS),
    (Part::Identity, &["request.identity"]),
];

/// The keys of Zeek's `http.log`; of its `ssl.log` the server name, as one stream may contain both.
pub(crate) const ZEEK_HTTP_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["method"]),
    (Part::Authority, &["host"]),
    (Part::Path, &["uri"]),
    (Part::Protocol, &["version"]),
    (Part::UserAgent, &["user_agent"]),
    (Part::Referer, &["referrer"]),
    (Part::ServerName, &["server_name"]),
    (Part::SourceAddress, &["id.orig_h", "id_orig_h"]),
    (Part::Status, &["status_code"]),
    (Part::RequestBytes, &["request_body_len"]),
    (Part::ResponseBytes, &["response_body_len"]),
    (Part::UpstreamAddress, &["id.resp_h", "id_resp_h"]),
    (Part::Time, TIME_KEYS),
    (Part::Connection, &["uid"]),
];

/// The keys of Suricata's `eve.json`, of its events `http` and `tls`.
pub(crate) const SURICATA_KEYS: &[(Part, &[&str])] = &[
    (Part::Method, &["http.http_method"]),
    (Part::Authority, &["http.hostname"]),
    (Part::Path, &["http.url"]),
    (Part::Protocol, &["http.protocol"]),
    (Part::UserAgent, &["http.http_user_agent"]),
    (Part::Referer, &["http.http_refer"]),
    (Part::ServerName, &["tls.sni", "quic.sni"]),
    (Part::SourceAddress, &["src_ip"]),
    (Part::Status, &["http.status"]),
    (Part::ResponseBytes, &["http.length"]),
    (Part::UpstreamAddress, &["dest_ip"]),
    (Part::Time, &["timestamp"]),
];

/// Where logs keep the time of an event.
pub const TIME_KEYS: &[&str] =
    &["start_time", "timestamp", "@timestamp", "time", "ts", "time_iso8601", "time_local", "msec"];

/// Which keys of a JSON log give which parts. A dot in a key also means a key in an inner object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// By length, because that distinguishes almost all keys.
    by_length: Vec<Vec<(String, Place)>>,
    inner: Vec<Keys>,
}

/// What a key gives: a part, with the key's rank among those of the part, or an inner object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) value: Option<(Part, u8)>,
    pub(crate) inner: Option<u16>,
}

impl Keys {
    /// Reads a table of keys by part; each key has the rank of its place among those of its part.
    pub(crate) fn new<'k>(table: impl IntoIterator<Item = (Part, &'k [&'k str])>) -> Keys {
        let mut entries = Vec::new();
        for (part, names) in table {
            entries.extend((0..).zip(names).map(|(rank, name)| (*name, part, rank)));
        }
        Keys::build(&entries)
    }

    /// Of two entries with one key the first counts.
    pub(crate) fn build(entries: &[(&str, Part, u8)]) -> Keys {
        let mut places: BTreeMap<&str, Place> = BTreeMap::new();
        let mut inner: BTreeMap<&str, Vec<(&str, Part, u8)>> = BTreeMap::new();
        for (name, part, rank) in entries {
            let place = places.entry(name).or_default();
            place.value = place.value.or(Some((*part, *rank)));
            if let Some((outer, rest)) = name.split_once('.') {
                inner.entry(outer).or_default().push((rest, *part, *rank));
            }
        }
        let mut keys = Keys::default();
        // There are no more than parts with each of their ranks.
        for (idx, (outer, entries)) in (0..=u16::MAX).zip(inner) {
            places.entry(outer).or_default().inner = Some(idx);
            keys.inner.push(Keys::build(&entries));
        }
        for (name, place) in places {
            if keys.by_length.len() <= name.len() {
                keys.by_length.resize(name.len() + 1, Vec::new());
            }
            if let Some(known) = keys.by_length.get_mut(name.len()) {
                known.push((name.to_owned(), place));
            }
        }
        keys
    }

    /// Returns what a key gives; most give nothing.
    pub(crate) fn find(&self, key: &str) -> Option<Place> {
        let known = self.by_length.get(key.len())?;
        known.iter().find(|(name, _)| *name == key).map(|(_, place)| *place)
    }

    /// Returns the key of a part by its rank.
    pub(crate) fn name(&self, part: Part, rank: u8) -> Option<&str> {
        let known = self.by_length.iter().flatten();
        known
            .into_iter()
            .find_map(|(name, place)| (place.value == Some((part, rank))).then_some(name.as_str()))
    }

    /// Returns the keys of an inner object.
    pub(crate) fn inner(&self, idx: u16) -> Option<&Keys> {
        self.inner.get(usize::from(idx))
    }
}
