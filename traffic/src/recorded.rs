//! A request that somebody wrote down: in a note, as a curl command, as a line of an access log.

use inspect::{Request, Response};

/// An owned request, which lends an [`inspect::Request`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedRequest {
    /// See [`Request::method`].
    pub method: Vec<u8>,
    /// See [`Request::scheme`].
    pub scheme: Vec<u8>,
    /// See [`Request::authority`].
    pub authority: Vec<u8>,
    /// See [`Request::path`].
    pub path: Option<Vec<u8>>,
    /// See [`Request::version`].
    pub version: Vec<u8>,
    /// See [`Request::user_agent`].
    pub user_agent: Option<Vec<u8>>,
    /// See [`Request::referrer`].
    pub referrer: Option<Vec<u8>>,
    /// See [`Request::cookie`].
    pub cookie: Option<Vec<u8>>,
    /// See [`Request::method_override`].
    pub method_override: Option<Vec<u8>>,
    /// See [`Request::server_name`].
    pub server_name: Option<Vec<u8>>,
    /// See [`Request::connect_target`].
    pub connect_target: Option<Vec<u8>>,
    /// See [`Request::source_address`].
    pub source_address: Option<Vec<u8>>,
    /// See [`Request::response`].
    pub response: Option<RecordedResponse>,
}

/// What was written down about the response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedResponse {
    /// See [`Response::status`].
    pub status: Option<u16>,
    /// See [`Response::request_bytes`].
    pub request_bytes: Option<u64>,
    /// See [`Response::response_bytes`].
    pub response_bytes: Option<u64>,
    /// See [`Response::upstream_address`].
    pub upstream_address: Option<Vec<u8>>,
}

impl RecordedRequest {
    /// The request, borrowed.
    pub fn lend(&self) -> Request<'_> {
        Request {
            method: &self.method,
            scheme: &self.scheme,
            authority: &self.authority,
            path: self.path.as_deref(),
            version: &self.version,
            user_agent: self.user_agent.as_deref(),
            referrer: self.referrer.as_deref(),
            cookie: self.cookie.as_deref(),
            method_override: self.method_override.as_deref(),
            server_name: self.server_name.as_deref(),
            connect_target: self.connect_target.as_deref(),
            source_address: self.source_address.as_deref(),
            response: self.response.as_ref().map(|response| Response {
                status: response.status,
                request_bytes: response.request_bytes,
                response_bytes: response.response_bytes,
                upstream_address: response.upstream_address.as_deref(),
            }),
            ..Request::default()
        }
    }

    /// The URL, or the authority of a CONNECT.
    pub fn url(&self) -> Vec<u8> {
        let mut url = Vec::new();
        if let Some(path) = &self.path {
            if !self.scheme.is_empty() {
                url.extend_from_slice(&self.scheme);
                url.extend_from_slice(b"://");
            }
            url.extend_from_slice(&self.authority);
            url.extend_from_slice(path);
        } else {
            url.extend_from_slice(&self.authority);
        }
        url
    }
}
