//! A case's request as the engine takes it.

use inspect::{Request, Response};
use tests::case::{Case, Wire};

/// What a gateway would see of `wire`, which is the case's.
pub(crate) fn request<'r>(case: &'r Case, wire: &'r Wire) -> Request<'r> {
    Request {
        method: &wire.method,
        scheme: &wire.scheme,
        authority: &wire.authority,
        path: wire.path.as_deref(),
        version: b"HTTP/1.1",
        user_agent: wire.header("user-agent"),
        referrer: wire.header("referer"),
        cookie: wire.header("cookie"),
        server_name: case.request.server_name.as_deref().map(str::as_bytes),
        source_address: Some(b"127.0.0.1"),
        response: Some(Response {
            status: Some(case.request.status.unwrap_or(200)),
            ..Response::default()
        }),
        ..Request::default()
    }
}
