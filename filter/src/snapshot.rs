//! The parts of one request that were read, and the parts that a pack needs.

use std::cell::OnceCell;

use inspect::pack::Tables;
use inspect::{Pack, ProxyField, Request, Response, Transport, proxy_fields, redact};

use crate::headers::Headers;

/// The properties that a pack needs to judge a request, computed once per configuration. Each costs about
/// a fifth of what the header map costs, so none is read without need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is about one value, none excludes another")]
pub(crate) struct Needs {
    pub(crate) server_name: bool,
    pub(crate) source_address: bool,
    pub(crate) version: bool,
    pub(crate) status: bool,
    pub(crate) request_bytes: bool,
    pub(crate) response_bytes: bool,
    pub(crate) upstream_address: bool,
}

impl Needs {
    /// Returns the properties that the rules of a pack use.
    pub(crate) fn of(tables: &Tables) -> Needs {
        // Keywords search everything.
        let everything = tables.has_keywords();
        let fields: Vec<ProxyField> = proxy_fields(tables).into_iter().flatten().collect();
        let asks = |field| everything || fields.contains(&field);
        Needs {
            // The server name is also a reading of the host, and so of the service, and the base of
            // anomalies.
            server_name: [
                ProxyField::ServerName,
                ProxyField::Anomaly,
                ProxyField::Host,
                ProxyField::Uri,
                ProxyField::DestinationAddress,
            ]
            .into_iter()
            .any(asks)
                || fields.iter().any(|field| field.is_of_service())
                || !tables.policy.headers.is_empty()
                || !tables.policy.credentials.is_empty(),
            source_address: asks(ProxyField::SourceAddress),
            version: asks(ProxyField::Version),
            status: asks(ProxyField::Status),
            request_bytes: asks(ProxyField::RequestBytes),
            response_bytes: asks(ProxyField::ResponseBytes),
            upstream_address: asks(ProxyField::DestinationAddress),
        }
    }
}

/// A request as far as it was read: the header map as the host returned it, and properties.
///
/// Kept until all of the request is reported, so that a later filter that changes headers changes no
/// verdict.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) header_map: Vec<u8>,
    pub(crate) server_name: Option<Vec<u8>>,
    /// TLS if it was seen; a connection without a server name may be TLS too.
    pub(crate) transport: Transport,
    /// The target, with port, of the CONNECT in whose tunnel the request arrived.
    pub(crate) connect_target: Option<Vec<u8>>,
    /// The client that it names by its credentials.
    pub(crate) client: Option<Vec<u8>>,
    /// With port, as the host returns it.
    pub(crate) source_address: Option<Vec<u8>>,
    pub(crate) version: Option<Vec<u8>>,
    /// What of it may be shown, once somebody has asked.
    pub(crate) shown: OnceCell<Shown>,
}

/// What of a request may leave the gateway, for its event and the access log.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Host and port as sent, without userinfo; bytes that are not printable ASCII as `\xff`.
    pub(crate) host: String,
    /// The path's template, with the names of the pack's services; CONNECT has none.
    pub(crate) path: Option<String>,
}

impl Snapshot {
    /// Returns where the tunnel goes in which the request came, and the server name, as far as they were read.
    pub(crate) fn names(&self) -> [Option<&[u8]>; 2] {
        [self.connect_target.as_deref(), self.server_name.as_deref()]
    }

    /// Returns what of the request may be shown; `headers` are those of this snapshot. It is read once: finding the
    /// words of a path takes as long as judging it.
    pub(crate) fn shown(&self, pack: &Pack, headers: &Headers<'_>) -> &Shown {
        self.shown.get_or_init(|| Shown {
            host: redact::host(headers.authority),
            path: headers.template(pack),
        })
    }

    /// Returns the request for the engine.
    pub(crate) fn request<'r>(
        &'r self,
        headers: &'r Headers<'r>,
        response: Option<Response<'r>>,
    ) -> Request<'r> {
        Request {
            method: headers.method,
            scheme: headers.scheme,
            authority: headers.authority,
            path: headers.path,
            version: self.version.as_deref().unwrap_or_default(),
            user_agent: headers.user_agent,
            referrer: headers.referrer,
            cookie: headers.cookie.as_deref(),
            method_override: headers.method_override.as_deref(),
            server_name: self.server_name.as_deref(),
            transport: self.transport,
            connect_target: self.connect_target.as_deref(),
            source_address: self.source_address.as_deref().map(without_port),
            response,
            ..Request::default()
        }
    }
}

/// The parts of a response that were read.
#[derive(Debug, Default)]
pub(crate) struct ResponseSnapshot {
    pub(crate) status: Option<u64>,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: Option<u64>,
    /// With port, as the host returns it.
    pub(crate) upstream_address: Option<Vec<u8>>,
    /// How long a stream ran of which two events are written.
    pub(crate) seconds: Option<u64>,
}

impl ResponseSnapshot {
    /// Returns the response for the engine.
    pub(crate) fn response(&self) -> Response<'_> {
        Response {
            // Envoy has no response code, or 0, if the stream ended before there was one.
            status: self.status.and_then(|code| u16::try_from(code).ok()).filter(|code| *code > 0),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            upstream_address: self.upstream_address.as_deref().map(without_port),
        }
    }
}

/// The parts of Envoy's configuration that a request went through; read only for an event.
#[derive(Debug, Default)]
pub(crate) struct GatewaySnapshot {
    pub(crate) node: Option<Vec<u8>>,
    pub(crate) filter_chain: Option<Vec<u8>>,
    pub(crate) virtual_host: Option<Vec<u8>>,
    pub(crate) route: Option<Vec<u8>>,
    pub(crate) cluster: Option<Vec<u8>>,
}

/// Returns an address as Envoy writes it (`192.0.2.1:80`, `[::1]:80`) without port and brackets.
pub(crate) fn without_port(address: &[u8]) -> &[u8] {
    if let Some(rest) = address.strip_prefix(b"[") {
        return rest.split(|byte| *byte == b']').next().unwrap_or_default();
    }
    let mut halves = address.splitn(2, |byte| *byte == b':');
    match (halves.next(), halves.next()) {
        // Two colons: IPv6 without brackets has no port.
        (Some(host), Some(port)) if !port.contains(&b':') => host,
        _ => address,
    }
}

/// Reads a number as the host writes it: 64 bits, little endian.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::decoded;

    #[test]
    fn addresses_lose_their_port() {
        for (address, expect) in [
            ("192.0.2.1:8080", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(without_port(address.as_bytes()), expect.as_bytes(), "{address}");
        }
    }

    #[test]
    fn numbers_have_eight_bytes() {
        assert_eq!(number(&200u64.to_le_bytes()), Some(200));
        assert_eq!(number(b"200"), None);
    }

    #[test]
    fn only_the_properties_that_rules_use_are_read() {
        let header_only = Needs::default();
        for (item, expect) in [
            ("c-useragent: a", header_only),
            ("cs-host: a.example", Needs { server_name: true, ..header_only }),
            ("tls.client.server_name: a.example", Needs { server_name: true, ..header_only }),
            ("src_ip|cidr: 192.0.2.0/24", Needs { source_address: true, ..header_only }),
            ("cs-version: HTTP/1.0", Needs { version: true, ..header_only }),
            ("sc-status: 404", Needs { status: true, ..header_only }),
            (
                "dst_ip|cidr: 192.0.2.0/24",
                Needs { server_name: true, upstream_address: true, ..header_only },
            ),
        ] {
            assert_eq!(Needs::of(decoded(item).tables()), expect, "{item}");
        }
    }

    #[test]
    fn a_stream_that_ended_before_a_response_has_no_status() {
        let response = ResponseSnapshot { status: Some(0), ..ResponseSnapshot::default() };
        assert_eq!(response.response().status, None);
        let response = ResponseSnapshot { status: Some(403), ..ResponseSnapshot::default() };
        assert_eq!(response.response().status, Some(403));
    }
}
