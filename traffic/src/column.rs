//! The names that logs have for columns, by what they give.

use crate::part::Part;

/// What a column gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// A part of a request, with its rank among the columns of that part.
    Part(Part, u8),
    /// A day; the time of day is in another column.
    Date,
    /// The time of a day, or a whole time where there is no column of the day.
    TimeOfDay,
}

impl Column {
    /// The rank of a column with whole URLs among those of the path.
    pub(crate) const URL: u8 = 1;
}

/// The names of columns, in lower case and with `-` for other signs: those of the extended format (Blue
/// Coat, IIS, CloudFront), and those that proxies and searches export as CSV.
const NAMES: &[(Column, &[&str])] = &[
    (
        Column::Part(Part::Method, 0),
        &["cs-method", "c-method", "sc-method", "method", "http-method"],
    ),
    (
        Column::Part(Part::Method, 1),
        &["request-method", "http-request-method", "verb", "req-method", "client-request-method"],
    ),
    (
        Column::Part(Part::Scheme, 0),
        &["cs-uri-scheme", "c-uri-scheme", "cs-protocol-scheme", "url-scheme", "scheme"],
    ),
    // In CloudFront's logs `cs(Host)` is its own name, and `x-host-header`, which follows, what the client asked for.
    (
        Column::Part(Part::Authority, 0),
        &["cs-host", "x-host-header", "host", "http-host", "url-host", "hostname"],
    ),
    (
        Column::Part(Part::Authority, 1),
        &[
            "cs-uri-host",
            "c-uri-host",
            "authority",
            "request-host",
            "url-domain",
            "client-request-host",
        ],
    ),
    (
        Column::Part(Part::Authority, 2),
        &[
            "r-host",
            "domain",
            "dest-host",
            "dhost",
            "destination-host",
            "destination-domain",
            "server-hostname",
            "site",
            "fqdn",
            "desthostname",
            "dst-host",
            "target-host",
            "server-name",
        ],
    ),
    (Column::Part(Part::Authority, 3), &["r-dns", "s-dns", "cs-host-2"]),
    (Column::Part(Part::Path, 0), &["cs-uri-path", "c-uri-path", "url-path", "uri-path"]),
    (
        Column::Part(Part::Path, 2),
        &["path", "request-path", "uri-stem", "request-uri", "client-request-uri"],
    ),
    (
        Column::Part(Part::Path, Column::URL),
        &[
            "cs-uri",
            "c-uri",
            "url",
            "uri",
            "full-url",
            "request-url",
            "url-full",
            "url-original",
            "requesturl",
            "web-url",
            "url-filename",
            "remoteurl",
        ],
    ),
    (Column::Part(Part::Path, 3), &["cs-uri-stem", "c-uri-stem"]),
    (
        Column::Part(Part::Query, 0),
        &["cs-uri-query", "c-uri-query", "url-query", "uri-query", "query", "query-string"],
    ),
    (
        Column::Part(Part::Protocol, 0),
        &["cs-version", "cs-protocol-version", "http-version", "protocol-version", "version"],
    ),
    (
        Column::Part(Part::UserAgent, 0),
        &[
            "cs-user-agent",
            "c-useragent",
            "user-agent",
            "useragent",
            "http-user-agent",
            "user-agent-original",
            "request-user-agent",
            "client-request-user-agent",
            "agent",
            "ua",
            "requestclientapplication",
        ],
    ),
    (
        Column::Part(Part::Referer, 0),
        &[
            "cs-referer",
            "cs-referrer",
            "referer",
            "referrer",
            "http-referer",
            "http-referrer",
            "refererurl",
            "http-request-referrer",
        ],
    ),
    (Column::Part(Part::Cookie, 0), &["cs-cookie", "cookie"]),
    (
        Column::Part(Part::ServerName, 0),
        &[
            "tls-client-server-name",
            "sni",
            "ssl-sni",
            "requested-server-name",
            "x-cs-ssl-sni",
            "cs-sni",
        ],
    ),
    (
        Column::Part(Part::SourceAddress, 0),
        &["c-ip", "src-ip", "source-ip", "client-ip", "clientip", "srcip", "src"],
    ),
    (
        Column::Part(Part::SourceAddress, 1),
        &[
            "client",
            "cip",
            "source-address",
            "remote-addr",
            "src-addr",
            "client-address",
            "client-addr",
            "client-host",
            "sourceip",
            "ip",
            "internal-client-ip",
            "internal-ip",
            "user-ip",
            "source-ip-address",
            "id-orig-h",
            "client-ip-address",
        ],
    ),
    (
        Column::Part(Part::Status, 0),
        &[
            "sc-status",
            "status",
            "status-code",
            "http-status",
            "response-code",
            "http-response-status-code",
            "statuscode",
            "response-status",
            "downstream-status",
            "edge-response-status",
            "rescode",
            "http-status-code",
        ],
    ),
    (
        Column::Part(Part::RequestBytes, 0),
        &[
            "cs-bytes",
            "bytes-out",
            "request-bytes",
            "bytes-received",
            "requestsize",
            "http-request-bytes",
            "sent-bytes",
            "sentbyte",
            "bytes-sent-by-client",
        ],
    ),
    (
        Column::Part(Part::ResponseBytes, 0),
        &[
            "sc-bytes",
            "bytes-in",
            "response-bytes",
            "bytes-sent",
            "bytes",
            "responsesize",
            "rcvdbyte",
            "http-response-bytes",
            "size",
        ],
    ),
    (
        Column::Part(Part::UpstreamAddress, 0),
        &[
            "r-ip",
            "dst-ip",
            "dest-ip",
            "destination-ip",
            "serverip",
            "server-ip",
            "dstip",
            "dst",
            "dest",
            "s-supplier-ip",
            "cs-uri-ip",
        ],
    ),
    (
        Column::Part(Part::Time, 1),
        &[
            "timestamp",
            "datetime",
            "date-time",
            "start-time",
            "ts",
            "event-time",
            "gmttime",
            "eventtime",
            "receive-time",
            "generated-time",
            "time-generated",
            "timegenerated",
        ],
    ),
    (Column::Part(Part::Time, 2), &["x-timestamp", "localtime", "gmttime-iso", "created"]),
    (Column::Part(Part::Time, 3), &["timestamp-unix", "x-timestamp-unix", "epoch"]),
    (Column::Part(Part::Identity, 0), &["identity", "source-identity"]),
    (Column::Date, &["date"]),
    (Column::TimeOfDay, &["time"]),
    (Column::Part(Part::Port, 0), &["cs-uri-port", "c-uri-port", "url-port"]),
];

/// Returns what a column of this name gives. Only letters and digits count, without their case:
/// `cs(User-Agent)`, `http.request.method`, `user_agent`, `@timestamp`, `HTTPMethod`, `Status Code`.
pub(crate) fn column(name: &str) -> Option<Column> {
    let signs = name.bytes().filter(u8::is_ascii_alphanumeric);
    let signs: Vec<u8> = signs.map(|byte| byte.to_ascii_lowercase()).collect();
    let is_same =
        |known: &str| known.bytes().filter(u8::is_ascii_alphanumeric).eq(signs.iter().copied());
    let known = NAMES.iter().find(|(_, names)| names.iter().any(|known| is_same(known)));
    known.map(|(column, _)| *column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_in_any_writing() {
        for (name, expect) in [
            ("cs(User-Agent)", Some(Column::Part(Part::UserAgent, 0))),
            ("HTTP User Agent", Some(Column::Part(Part::UserAgent, 0))),
            ("url.domain", Some(Column::Part(Part::Authority, 1))),
            ("@timestamp", Some(Column::Part(Part::Time, 1))),
            ("src_ip", Some(Column::Part(Part::SourceAddress, 0))),
            ("cs(Host)", Some(Column::Part(Part::Authority, 0))),
            ("_time", Some(Column::TimeOfDay)),
            ("HTTPMethod", Some(Column::Part(Part::Method, 0))),
            ("time-taken", None),
            ("", None),
        ] {
            assert_eq!(column(name), expect, "{name}");
        }
    }

    #[test]
    fn a_name_is_in_one_list() {
        let mut names: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).collect();
        let n_names = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n_names);
    }
}
