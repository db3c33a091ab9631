//! What a command or a script has its client send.

use inspect::METHOD_OVERRIDES;

use crate::expansion::Expansion;
use crate::recorded::RecordedRequest;
use crate::url::host_name;

/// A request as a client sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientRequest<'a> {
    pub method: &'a str,
    pub scheme: &'a str,
    /// Host and port of the URL: the server that TLS asks for.
    pub connects_to: &'a str,
    /// The `Host` header.
    pub host: &'a str,
    pub path: &'a str,
    pub version: &'a str,
    pub user_agent: Option<String>,
    pub referrer: Option<String>,
    pub cookie: Option<String>,
    /// The headers that name another method.
    pub method_override: Option<String>,
    /// Where a proxy is asked for a tunnel to, if that is not the host of the URL.
    pub tunnel: Option<String>,
}

impl ClientRequest<'_> {
    /// Makes the request; `None` where the text has expanded to too much.
    pub(crate) fn record(self, expansion: &Expansion) -> Option<RecordedRequest> {
        let given =
            [&self.user_agent, &self.referrer, &self.cookie, &self.method_override, &self.tunnel];
        let given = given.into_iter().flatten().map(String::len);
        let parts = [self.method, self.connects_to, self.host, self.path].map(str::len);
        if !expansion.takes(given.chain(parts).sum()) {
            return None;
        }
        let server_name = (self.scheme == "https").then(|| host_name(self.connects_to)).flatten();
        Some(RecordedRequest {
            method: self.method.as_bytes().to_vec(),
            scheme: self.scheme.as_bytes().to_vec(),
            authority: self.host.as_bytes().to_vec(),
            path: Some(self.path.as_bytes().to_vec()),
            version: self.version.as_bytes().to_vec(),
            user_agent: self.user_agent.map(String::into_bytes),
            referrer: self.referrer.map(String::into_bytes),
            cookie: self.cookie.map(String::into_bytes),
            method_override: self.method_override.map(String::into_bytes),
            server_name,
            connect_target: self.tunnel.map(String::into_bytes),
            ..RecordedRequest::default()
        })
    }
}

/// Joins the headers that name another method; `None` where there is none.
pub(crate) fn method_override(header: impl Fn(&str) -> Option<String>) -> Option<String> {
    let found: Vec<_> = METHOD_OVERRIDES.iter().filter_map(|name| header(name)).collect();
    (!found.is_empty()).then(|| found.join(","))
}

/// Joins headers of one name as a proxy does; `None` where there is none.
pub(crate) fn join<'v>(name: &str, values: impl Iterator<Item = &'v str>) -> Option<String> {
    let values: Vec<_> = values.collect();
    let between = if name == "cookie" { "; " } else { "," };
    (!values.is_empty()).then(|| values.join(between))
}
