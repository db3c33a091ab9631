//! Envoy's configuration for a test.

use std::net::SocketAddr;

use serde_json::{Value, json};

const HTTP: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
const INSPECTOR: &str =
    "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const TO_TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const FROM_TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// What a route does: answers at once, without an upstream.
pub fn direct_response() -> Value {
    json!({"direct_response": {"status": 200, "body": {"inline_string": "ok"}}})
}

/// Builds a configuration whose listeners speak HTTP/1.1, HTTP/2 and CONNECT on ports that the
/// operating system chooses.
///
/// Every request is written to the access log as one line of JSON.
#[derive(Clone, Debug, Default)]
pub struct Bootstrap {
    upstream: Option<SocketAddr>,
    listeners: Vec<Value>,
    clusters: Vec<Value>,
    is_quiet: bool,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'c> {
    /// The certificate.
    pub chain: &'c str,
    /// The private key.
    pub key: &'c str,
}

impl Bootstrap {
    /// A configuration without listeners, whose requests are answered by Envoy itself.
    pub fn new() -> Self {
        Bootstrap::default()
    }

    /// Sends the requests of listeners that are added from now on to an upstream.
    #[must_use]
    pub fn upstream(mut self, address: SocketAddr) -> Self {
        self.upstream = Some(address);
        self.clusters.push(cluster("upstream", &socket(address)));
        self
    }

    /// Adds a listener with HTTP filters in front of the router.
    #[must_use]
    pub fn listener(self, name: &str, http_filters: &[Value]) -> Self {
        let filter = self.connection_manager(name, http_filters);
        self.raw_listener(name, &[filter], None)
    }

    /// Adds a listener that terminates TLS, and for each server name a listener in clear text,
    /// called `NAME/SERVER NAME`, that reaches it as a client that asks for this server name.
    ///
    /// Envoy is its own TLS client here because it sends any text as a server name. The two listeners
    /// meet at a socket file in Envoy's directory, as a cluster has to know an address beforehand.
    #[must_use]
    pub fn tls_listener(
        mut self,
        name: &str,
        certificate: Certificate<'_>,
        server_names: &[String],
        http_filters: &[Value],
    ) -> Self {
        let file = pipe(name);
        let context = json!({"tls_certificates": [{
            "certificate_chain": {"inline_string": certificate.chain},
            "private_key": {"inline_string": certificate.key},
        }]});
        let context = json!({"@type": FROM_TLS, "common_tls_context": context});
        let filter = self.connection_manager(name, http_filters);
        self = self.raw_listener(name, &[filter], Some((file.clone(), context)));
        for server_name in server_names {
            let name = format!("{name}/{server_name}");
            let mut cluster = cluster(&name, &file);
            if let Some(cluster) = cluster.as_object_mut() {
                let context = json!({"@type": TO_TLS, "sni": server_name});
                let socket = json!({"name": "tls", "typed_config": context});
                cluster.insert("transport_socket".to_owned(), socket);
            }
            self.clusters.push(cluster);
            let proxy = json!({"@type": TCP, "stat_prefix": "to_tls", "cluster": name});
            let filter = json!({"name": "tcp", "typed_config": proxy});
            self = self.raw_listener(&name, &[filter], None);
        }
        self
    }

    /// Adds a listener that terminates TLS and takes only clients whose certificate this authority
    /// signed.
    #[must_use]
    pub fn mutual_tls_listener(
        self,
        name: &str,
        certificate: Certificate<'_>,
        authority: &str,
        http_filters: &[Value],
    ) -> Self {
        let context = json!({
            "@type": FROM_TLS,
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": {"inline_string": certificate.chain},
                    "private_key": {"inline_string": certificate.key},
                }],
                "validation_context": {"trusted_ca": {"inline_string": authority}},
            },
        });
        let filter = self.connection_manager(name, http_filters);
        self.raw_listener(name, &[filter], Some((loopback(), context)))
    }

    /// Adds a listener with a network filter in front of a proxy to the upstream.
    #[must_use]
    pub fn network_listener(self, name: &str, filter: &Value) -> Self {
        let proxy = json!({"@type": TCP, "stat_prefix": name, "cluster": "upstream"});
        let proxy = json!({"name": "tcp", "typed_config": proxy});
        self.raw_listener(name, &[filter.clone(), proxy], None)
    }

    /// Writes no access log for listeners that are added from now on: for measuring.
    #[must_use]
    pub fn quiet(self) -> Self {
        Bootstrap { is_quiet: true, ..self }
    }

    /// The configuration.
    pub fn json(&self) -> Value {
        json!({
            // Without a name Envoy takes no configuration from files that change.
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": loopback()},
            "static_resources": {"listeners": self.listeners, "clusters": self.clusters},
        })
    }

    fn connection_manager(&self, name: &str, http_filters: &[Value]) -> Value {
        let router = json!({"name": "router", "typed_config": {"@type": ROUTER}});
        let filters: Vec<_> = http_filters.iter().cloned().chain([router]).collect();
        let log = json!({
            "host": "%REQ(:AUTHORITY)%",
            "method": "%REQ(:METHOD)%",
            "status": "%RESPONSE_CODE%",
            "details": "%RESPONSE_CODE_DETAILS%",
            "request_id": "%REQ(X-REQUEST-ID)%",
            "case": "%REQ(X-CASE)%",
            "rules": "%FILTER_STATE(wasm.tidegate.rules:PLAIN)%",
            "action": "%FILTER_STATE(wasm.tidegate.action:PLAIN)%",
        });
        let log = json!({"@type": LOG, "path": "/dev/stdout", "log_format": {"json_format": log}});
        let log = json!({"name": "file", "typed_config": log});
        let logs = if self.is_quiet { Vec::new() } else { vec![log] };
        let manager = json!({
            "@type": HTTP,
            "stat_prefix": name.replace('/', "_"),
            "http2_protocol_options": {"allow_connect": true},
            "http_protocol_options": {"accept_http_10": true},
            "upgrade_configs": [{"upgrade_type": "CONNECT"}],
            "access_log": logs,
            "http_filters": filters,
            // Requests of 900 headers are among the tests.
            "common_http_protocol_options": {"max_headers_count": 1000},
            "max_request_headers_kb": 96,
            "route_config": {"virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": self.routes()},
            ]},
        });
        json!({"name": "http", "typed_config": manager})
    }

    fn routes(&self) -> Vec<Value> {
        let connect = json!({"connect_matcher": {}});
        let any = json!({"prefix": "/"});
        if self.upstream.is_none() {
            return [connect, any].map(|matcher| with_match(direct_response(), matcher)).into();
        }
        let tunnel = json!({"upgrade_type": "CONNECT", "connect_config": {}});
        let tunnel = json!({"route": {"cluster": "upstream", "upgrade_configs": [tunnel]}});
        let plain = json!({"route": {"cluster": "upstream"}});
        vec![with_match(tunnel, connect), with_match(plain, any)]
    }

    /// `tls` is the address of a listener that terminates TLS, and how it does.
    fn raw_listener(mut self, name: &str, filters: &[Value], tls: Option<(Value, Value)>) -> Self {
        let mut chain = json!({"filters": filters});
        let mut listener_filters = Vec::new();
        let mut address = loopback();
        if let (Some((place, context)), Some(chain)) = (tls, chain.as_object_mut()) {
            address = place;
            // The part of Envoy that reads the server name.
            let inspector = json!({"@type": INSPECTOR});
            listener_filters.push(json!({"name": "tls_inspector", "typed_config": inspector}));
            let socket = json!({"name": "tls", "typed_config": context});
            chain.insert("transport_socket".to_owned(), socket);
        }
        let listener = json!({
            "name": name,
            "address": address,
            "listener_filters": listener_filters,
            "filter_chains": [chain],
        });
        self.listeners.push(listener);
        self
    }
}

fn with_match(mut route: Value, matcher: Value) -> Value {
    if let Some(route) = route.as_object_mut() {
        route.insert("match".to_owned(), matcher);
    }
    route
}

fn cluster(name: &str, address: &Value) -> Value {
    let endpoint = json!({"endpoint": {"address": address}});
    let endpoints = json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]});
    json!({"name": name, "load_assignment": endpoints})
}

/// A port that the operating system chooses.
fn loopback() -> Value {
    socket(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn socket(address: SocketAddr) -> Value {
    let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
    json!({"socket_address": socket})
}

fn pipe(listener: &str) -> Value {
    json!({"pipe": {"path": format!("{}.sock", listener.replace('/', "_"))}})
}
