//! Where a gateway posts its events: a URL, and Envoy's cluster for it.

use std::net::IpAddr;

use serde_json::{Value, json};

/// The cluster that is written where none is named.
const CLUSTER: &str = "tidegate_collector";
/// The file of authorities on Envoy's machine that a collector's certificate is checked against.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A collector of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    url: String,
    is_tls: bool,
    host: String,
    port: u16,
    /// A cluster that Envoy knows already.
    cluster: Option<String>,
    /// A file on Envoy's machine with what `authorization` says.
    credential: Option<String>,
}

/// The name under which Envoy knows the credential.
const CREDENTIAL: &str = "tidegate_collector_credential";

impl Collector {
    /// Reads a URL, as `https://logs.example:8088/ingest`.
    ///
    /// # Errors
    /// What is wrong with it; also credentials, which do not belong into a configuration.
    pub fn read(url: &str) -> Result<Collector, &'static str> {
        let (is_tls, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err("a collector's URL starts with `http://` or `https://`"),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err("a collector's URL holds no blank, no `#`, and no letter outside of ASCII");
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if rest.get(authority.len()..).is_some_and(|path| path.starts_with('?')) {
            return Err("a collector's URL has a path before its `?`");
        }
        if authority.contains('@') {
            return Err("credentials do not belong into a collector's URL");
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| "the port of a collector's URL is no port")?)
            }
            _ => (authority, if is_tls { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("a collector's URL has a host");
        }
        let (url, host) = (url.to_owned(), host.to_owned());
        Ok(Collector { url, is_tls, host, port, cluster: None, credential: None })
    }

    /// The same collector behind a cluster that Envoy knows already.
    #[must_use]
    pub fn behind(self, cluster: Option<String>) -> Collector {
        Collector { cluster, ..self }
    }

    /// The same collector, to which Envoy sends the header `authorization` as a file on its machine has it.
    ///
    /// The header is added to requests of this cluster alone, behind all that clients can send: what has it
    /// is from the gateway.
    #[must_use]
    pub fn with_credential(self, file: Option<String>) -> Collector {
        Collector { credential: file, ..self }
    }

    /// The secret that Envoy reads the credential from.
    pub(super) fn secret(&self) -> Option<Value> {
        let file = self.credential.as_ref()?;
        Some(json!({"name": CREDENTIAL, "generic_secret": {"secret": {"filename": file}}}))
    }

    /// The filter's settings for it.
    pub(super) fn settings(&self) -> [(&'static str, &str); 2] {
        [("collector", self.cluster.as_deref().unwrap_or(CLUSTER)), ("collector_url", &self.url)]
    }

    /// The cluster, as Envoy is configured with it; `None` where Envoy knows one already.
    pub(super) fn cluster(&self) -> Option<Value> {
        if self.cluster.is_some() {
            return None;
        }
        let socket = json!({"address": self.host, "port_value": self.port});
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
        let is_address = self.host.parse::<IpAddr>().is_ok();
        let mut cluster = json!({
            "name": CLUSTER,
            "type": if is_address { "STATIC" } else { "STRICT_DNS" },
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": CLUSTER,
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
        });
        if let (true, Some(fields)) = (self.is_tls, cluster.as_object_mut()) {
            let kind = if is_address { "IP_ADDRESS" } else { "DNS" };
            let name = json!({"san_type": kind, "matcher": {"exact": self.host}});
            let mut context = json!({
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {
                    "validation_context": {
                        "trusted_ca": {"filename": AUTHORITIES},
                        "match_typed_subject_alt_names": [name],
                    },
                },
            });
            // A server name is a name, and no address.
            if let (false, Some(context)) = (is_address, context.as_object_mut()) {
                context.insert("sni".to_owned(), json!(self.host));
            }
            let socket = json!({"name": "envoy.transport_sockets.tls", "typed_config": context});
            fields.insert("transport_socket".to_owned(), socket);
        }
        if let (true, Some(fields)) = (self.credential.is_some(), cluster.as_object_mut()) {
            let extension = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
            let injected = json!({
                "@type": extension("http.injected_credentials.generic.v3.Generic"),
                "credential": {"name": CREDENTIAL},
                "header": "authorization",
            });
            let injector = json!({
                "@type": extension("filters.http.credential_injector.v3.CredentialInjector"),
                "overwrite": true,
                "credential": {
                    "name": "envoy.http.injected_credentials.generic",
                    "typed_config": injected,
                },
            });
            let codec = json!({"@type": extension("filters.http.upstream_codec.v3.UpstreamCodec")});
            let options = json!({
                "@type": extension("upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": {"http_protocol_options": {}},
                "http_filters": [
                    {"name": "envoy.filters.http.credential_injector", "typed_config": injector},
                    {"name": "envoy.filters.http.upstream_codec", "typed_config": codec},
                ],
            });
            let options =
                json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options});
            fields.insert("typed_extension_protocol_options".to_owned(), options);
        }
        Some(cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_host_port_and_whether_there_is_tls() {
        for (url, host, port, is_tls) in [
            ("http://logs.example", "logs.example", 80, false),
            ("https://logs.example/ingest?from=a", "logs.example", 443, true),
            ("https://logs.example:8088/", "logs.example", 8088, true),
            ("http://192.0.2.7:4318", "192.0.2.7", 4318, false),
            ("http://[2001:db8::7]:4318/v1", "2001:db8::7", 4318, false),
            ("http://[2001:db8::7]/v1", "2001:db8::7", 80, false),
        ] {
            let read = Collector::read(url).unwrap();
            assert_eq!((read.host.as_str(), read.port, read.is_tls), (host, port, is_tls), "{url}");
        }
        for url in [
            "logs.example",
            "ftp://logs.example",
            "http://",
            "http:///ingest",
            "http://logs.example:port/",
            "http://user:word@logs.example/",
            "http://logs.example/a b",
            "http://logs.example/#here",
            "http://logs.example?from=a",
        ] {
            assert!(Collector::read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_cluster_is_written_only_where_none_is_named() {
        let collector = Collector::read("https://logs.example/").unwrap();
        let cluster = collector.cluster().unwrap();
        let context = &cluster["transport_socket"]["typed_config"];
        assert_eq!(
            (&cluster["type"], &context["sni"]),
            (&json!("STRICT_DNS"), &json!("logs.example"))
        );
        assert_eq!(collector.settings()[0].1, CLUSTER);
        let named = collector.behind(Some("outbound|443||logs.example".to_owned()));
        assert_eq!(named.cluster(), None);
        assert_eq!(named.settings()[0].1, "outbound|443||logs.example");
        assert_eq!(named.secret(), None);
        let address = Collector::read("http://192.0.2.7:4318").unwrap().cluster().unwrap();
        assert_eq!(
            (&address["type"], &address["transport_socket"]),
            (&json!("STATIC"), &Value::Null)
        );
    }
}
