//! One outbound request as the gateway sees it, and the fields of Sigma's proxy taxonomy in it.

use crate::words::has_byte;

/// One outbound request: bytes, borrowed from whoever received them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'r> {
    /// The method, as sent.
    pub method: &'r [u8],
    /// The scheme of the request target; empty where it is not known.
    pub scheme: &'r [u8],
    /// The authority: host and perhaps port. For CONNECT the target.
    pub authority: &'r [u8],
    /// Path and query; `None` for CONNECT, which has none.
    pub path: Option<&'r [u8]>,
    /// The protocol version, as `HTTP/1.1`.
    pub version: &'r [u8],
    /// The `user-agent` header.
    pub user_agent: Option<&'r [u8]>,
    /// The `referer` header.
    pub referrer: Option<&'r [u8]>,
    /// The `cookie` header.
    pub cookie: Option<&'r [u8]>,
    /// The headers that name a method in place of the request's own ([`METHOD_OVERRIDES`]), joined by commas.
    pub method_override: Option<&'r [u8]>,
    /// The server name that the client asked for in TLS, where TLS was seen; empty where the client
    /// asked for none.
    pub server_name: Option<&'r [u8]>,
    /// What the connection speaks, where that is known.
    pub transport: Transport,
    /// The target of the CONNECT in whose tunnel this came, where there is one.
    pub connect_target: Option<&'r [u8]>,
    /// The address of the client, without port.
    pub source_address: Option<&'r [u8]>,
    /// Who the client is, from an authenticated source: a SPIFFE id.
    pub source_identity: Option<&'r [u8]>,
    /// What is known from the response; `None` as long as there is none.
    pub response: Option<Response<'r>>,
}

impl Request<'_> {
    /// Returns true if nothing is known of what is sent but the name for which a connection is: a CONNECT, or TLS that
    /// passes through.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.path.is_none()
    }
}

impl<'r> Request<'r> {
    /// The names beside its authority by which it goes: the server name and the target of its tunnel. The server
    /// name of a CONNECT is the gateway's own, and not among them.
    pub(crate) fn other_names(&self) -> impl Iterator<Item = &'r [u8]> {
        let server_name = self.server_name.filter(|_| self.path.is_some());
        let names = [server_name, self.connect_target].into_iter().flatten();
        names.filter(|name| !name.is_empty())
    }
}

/// Headers in which servers take a method in place of the request's own, in lower case.
///
/// The first is of Google's APIs, `OneDrive` and most web frameworks, the second of `OData` services as
/// `SharePoint`, the third of a few others.
pub const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method-override", "x-http-method", "x-method-override"];

/// What a connection speaks below HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Not known, or of no concern.
    #[default]
    Unknown,
    /// TLS.
    Tls,
    /// Something else, where TLS is expected: on port 443, or in a tunnel.
    NotTls,
}

/// What is known from the response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response<'r> {
    /// The status code.
    pub status: Option<u16>,
    /// Bytes that the client sent.
    pub request_bytes: Option<u64>,
    /// Bytes that the client got.
    pub response_bytes: Option<u64>,
    /// The address that answered, without port.
    pub upstream_address: Option<&'r [u8]>,
}

/// Splits `:port` off an authority; the port keeps its colon, and is empty where there is none.
pub fn split_port(authority: &[u8]) -> (&[u8], &[u8]) {
    // Most have no colon, which is known before it is looked for from the end.
    if !has_byte(authority, b':') {
        return (authority, b"");
    }
    let colon = authority.iter().rposition(|byte| *byte == b':');
    match colon.and_then(|colon| authority.split_at_checked(colon)) {
        Some((host, port))
            if port.iter().skip(1).all(u8::is_ascii_digit)
                && (!host.contains(&b':') || host.ends_with(b"]")) =>
        {
            (host, port)
        }
        _ => (authority, b""),
    }
}
