//! The names that logs have for columns, by what they give.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Unreadable;
use crate::json;
use crate::part::{Part, SECONDS_RANK};

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
    (Column::Part(Part::Scheme, 1), &["request-scheme", "client-request-scheme"]),
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
    (
        Column::Part(Part::Path, 0),
        &["cs-uri-path", "c-uri-path", "url-path", "uri-path", "original-request-uri-with-args"],
    ),
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
            "target-url",
        ],
    ),
    (Column::Part(Part::Path, 3), &["cs-uri-stem", "c-uri-stem"]),
    (
        Column::Part(Part::Query, 0),
        &[
            "cs-uri-query",
            "c-uri-query",
            "url-query",
            "uri-query",
            "query",
            "query-string",
            "request-query",
        ],
    ),
    (
        Column::Part(Part::Protocol, 0),
        &[
            "cs-version",
            "cs-protocol-version",
            "http-version",
            "protocol-version",
            "version",
            "request-proto",
            "request-protocol",
        ],
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
            "request-referer",
            "client-request-referer",
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
    // The service that ztunnel's clients call.
    (Column::Part(Part::ServerName, 2), &["dst-service"]),
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
            "remote-ip",
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
            "bytes-read",
            "client-request-bytes",
            "request-content-size",
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
            "response-body-size",
            "edge-response-bytes",
            "downstream-content-size",
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
            "time-generated-utc",
            "timegenerated",
            "edge-start-timestamp",
            "start-utc",
            "started-at",
        ],
    ),
    (Column::Part(Part::Time, 2), &["x-timestamp", "localtime", "gmttime-iso", "created"]),
    (Column::Part(Part::Time, 3), &["timestamp-unix", "x-timestamp-unix", "epoch"]),
    (Column::Part(Part::Duration, 1), &["duration-ms", "request-duration-ms"]),
    (Column::Part(Part::Duration, SECONDS_RANK), &["duration-seconds", "duration-s"]),
    (Column::Part(Part::Identity, 0), &["identity", "source-identity"]),
    (Column::Date, &["date"]),
    (Column::TimeOfDay, &["time"]),
    (Column::Part(Part::Port, 0), &["cs-uri-port", "c-uri-port", "url-port"]),
];

/// An object within a line, whose keys are names of columns too: of the request and its headers (Caddy, Kong), of
/// what Azure logs of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// The line itself.
    Line,
    /// `request`.
    Request,
    /// `response`.
    Response,
    /// `headers` of a request.
    Headers,
    /// `tls` of a request.
    Tls,
    /// `latencies`, in milliseconds (Kong).
    Latencies,
    /// `properties`.
    ///
    /// See: <https://learn.microsoft.com/azure/azure-monitor/reference/tables/azurediagnostics>
    Properties,
}

impl Container {
    /// All of them, in the order of their numbers.
    const ALL: [Container; 7] = [
        Container::Line,
        Container::Request,
        Container::Response,
        Container::Headers,
        Container::Tls,
        Container::Latencies,
        Container::Properties,
    ];

    /// Returns the container with a number, which `as u16` gives.
    pub(crate) fn from_idx(idx: u16) -> Option<Container> {
        Container::ALL.get(usize::from(idx)).copied()
    }

    /// Returns the container that is under a key of this one.
    pub(crate) fn inner(self, key: &str) -> Option<Container> {
        match (self, key) {
            (Container::Line, "request") => Some(Container::Request),
            (Container::Line, "response") => Some(Container::Response),
            (Container::Line, "latencies") => Some(Container::Latencies),
            (Container::Line, "properties") => Some(Container::Properties),
            (Container::Request, "headers") => Some(Container::Headers),
            (Container::Request, "tls") => Some(Container::Tls),
            _ => None,
        }
    }

    /// Returns what a key of this container gives.
    pub(crate) fn column(self, key: &str) -> Option<Column> {
        let is_one_of = |column: &Column, parts: &[Part]| matches!(column, Column::Part(part, _) if parts.contains(part));
        match self {
            Container::Line => column(key),
            Container::Request => column(&format!("request-{key}")).or_else(|| column(key)),
            Container::Response => column(&format!("response-{key}"))
                .filter(|of| is_one_of(of, &[Part::Status, Part::ResponseBytes])),
            Container::Headers => column(key).filter(|of| {
                is_one_of(of, &[Part::Authority, Part::UserAgent, Part::Referer, Part::Cookie])
            }),
            Container::Tls => {
                matches!(key, "server_name" | "sni").then_some(Column::Part(Part::ServerName, 0))
            }
            Container::Latencies => (key == "request").then_some(Column::Part(Part::Duration, 0)),
            Container::Properties => match key.to_ascii_lowercase().as_str() {
                // Seen from the gateway.
                "receivedbytes" => Some(Column::Part(Part::RequestBytes, 0)),
                "sentbytes" => Some(Column::Part(Part::ResponseBytes, 0)),
                // What the client asked for, before a gateway wrote another host.
                "originalhost" => Some(Column::Part(Part::Authority, 0)),
                // All that a firewall knows of TLS that it does not open.
                "fqdn" => Some(Column::Part(Part::ServerName, 1)),
                _ => column(key),
            },
        }
    }
}

/// Visits the columns that an object has, with their values as they are written, those of containers in it too.
pub(crate) fn columns<'l>(
    object: &'l [u8],
    container: Container,
    visit: &mut dyn FnMut(Column, &'l str),
) -> Result<(), Unreadable> {
    json::object(object, |key, raw| {
        if let Some(inner) = container.inner(key)
            && raw.starts_with('{')
        {
            // A part of the line, which is JSON as a whole.
            let _ = columns(raw.as_bytes(), inner, visit);
        } else if let Some(column) = container.column(key)
            && (container == Container::Line || !raw.starts_with('{'))
        {
            visit(column, if container == Container::Headers { first_text(raw) } else { raw });
        }
    })
}

/// Returns a value as a column has it: a method in capitals, which some programs write in small letters (PAN-OS).
pub(crate) fn plain_value(part: Part, raw: &str) -> &str {
    let is_quoted = raw.starts_with('"');
    let text = json::inside(raw).unwrap_or(raw);
    let mut known = METHODS.iter().filter(|_| part == Part::Method);
    match known.find(|(small, ..)| *small == text) {
        Some((_, _, quoted)) if is_quoted => quoted,
        Some((_, plain, _)) => plain,
        None => raw,
    }
}

/// Methods in small letters, in capitals, and as a text of JSON.
const METHODS: &[(&str, &str, &str)] = &[
    ("get", "GET", "\"GET\""),
    ("head", "HEAD", "\"HEAD\""),
    ("post", "POST", "\"POST\""),
    ("put", "PUT", "\"PUT\""),
    ("patch", "PATCH", "\"PATCH\""),
    ("delete", "DELETE", "\"DELETE\""),
    ("options", "OPTIONS", "\"OPTIONS\""),
    ("connect", "CONNECT", "\"CONNECT\""),
];

/// Returns the first text of a list of texts, with its quotes, as the values of a header are written (Caddy); anything
/// else as it is.
fn first_text(raw: &str) -> &str {
    let list = raw.strip_prefix('[').map(str::trim_start).filter(|list| list.starts_with('"'));
    let Some(list) = list else { return raw };
    let mut is_escaped = false;
    let end = list.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.and_then(|end| list.get(..end + 2)).unwrap_or(raw)
}

/// What columns give by the letters and digits of their names. Of two with one name the first counts.
static BY_SIGNS: LazyLock<HashMap<Vec<u8>, Column>> = LazyLock::new(|| {
    let mut by_signs = HashMap::new();
    for (column, names) in NAMES {
        for name in *names {
            by_signs.entry(signs(name)).or_insert(*column);
        }
    }
    by_signs
});

/// Returns what a column of this name gives. Only letters and digits count, without their case:
/// `cs(User-Agent)`, `http.request.method`, `user_agent`, `@timestamp`, `HTTPMethod`, `Status Code`.
pub(crate) fn column(name: &str) -> Option<Column> {
    BY_SIGNS.get(&signs(name)).copied()
}

/// Returns the letters and digits of a name, in lower case.
fn signs(name: &str) -> Vec<u8> {
    let signs = name.bytes().filter(u8::is_ascii_alphanumeric);
    signs.map(|byte| byte.to_ascii_lowercase()).collect()
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
    fn values_of_lists_and_small_methods_are_plain() {
        for (raw, expect) in [
            (r#"["curl/8"]"#, r#""curl/8""#),
            (r#"[ "a\"b", "c" ]"#, r#""a\"b""#),
            (r#"["a\\","c"]"#, r#""a\\""#),
            ("[1]", "[1]"),
            ("[", "["),
            (r#"["a"#, r#"["a"#),
            (r#""a""#, r#""a""#),
        ] {
            assert_eq!(first_text(raw), expect, "{raw}");
        }
        for (part, raw, expect) in [
            (Part::UserAgent, "get", "get"),
            (Part::Method, "get", "GET"),
            (Part::Method, r#""post""#, r#""POST""#),
            (Part::Method, "Get", "Get"),
            (Part::Method, "FOO", "FOO"),
        ] {
            assert_eq!(plain_value(part, raw), expect, "{raw}");
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
