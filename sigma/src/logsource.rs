//! What the fields of other log sources are at a proxy.
//!
//! A rule over DNS queries or network connections asks for names and addresses that the proxy sees
//! too. Each row says under which name of the proxy taxonomy; a field without a row is not seen.

use crate::rule::Logsource;

/// What a field of another log source is at the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtProxy {
    /// A field of the proxy taxonomy.
    Field(&'static str),
    /// The same in every request: a proxied connection is always made by the client, over TCP.
    Always(&'static str),
}

/// A log source and its fields: category, product, service (empty matches any), then the fields.
#[derive(Debug)]
pub struct Mapping {
    /// `category`, or empty.
    pub category: &'static str,
    /// `product`, or empty.
    pub product: &'static str,
    /// `service`, or empty.
    pub service: &'static str,
    /// Field names of the log source, each with what it is at the proxy.
    pub fields: &'static [(&'static str, AtProxy)],
}

use AtProxy::{Always, Field};

/// Every log source whose events a proxy sees in part. Field names: specification 2.1, appendix
/// taxonomy; Sysmon events 3 and 22; Zeek's `http.log`, `dns.log`, `ssl.log` and `conn.log`.
pub const MAPPINGS: &[Mapping] = &[
    Mapping {
        category: "dns",
        product: "",
        service: "",
        fields: &[("query", Field("cs-host")), ("src_ip", Field("src_ip"))],
    },
    Mapping {
        category: "dns_query",
        product: "",
        service: "",
        fields: &[("QueryName", Field("cs-host"))],
    },
    Mapping {
        category: "network_connection",
        product: "",
        service: "",
        fields: &[
            ("DestinationHostname", Field("cs-host")),
            ("DestinationIp", Field("dst_ip")),
            ("Initiated", Always("true")),
            ("Protocol", Always("tcp")),
            ("SourceIp", Field("src_ip")),
        ],
    },
    Mapping {
        category: "firewall",
        product: "",
        service: "",
        fields: &[("dst_ip", Field("dst_ip")), ("src_ip", Field("src_ip"))],
    },
    Mapping {
        category: "webserver",
        product: "",
        service: "",
        fields: &[
            ("c-ip", Field("src_ip")),
            ("cs-bytes", Field("cs-bytes")),
            ("cs-cookie", Field("cs-cookie")),
            ("cs-host", Field("cs-host")),
            ("cs-method", Field("cs-method")),
            ("cs-referer", Field("cs-referrer")),
            ("cs-uri-query", Field("c-uri-query")),
            ("cs-uri-stem", Field("c-uri-stem")),
            ("cs-user-agent", Field("c-useragent")),
            ("cs-version", Field("cs-version")),
            ("sc-bytes", Field("sc-bytes")),
            ("sc-status", Field("sc-status")),
        ],
    },
    Mapping {
        category: "",
        product: "zeek",
        service: "http",
        fields: &[
            ("host", Field("cs-host")),
            ("id.orig_h", Field("src_ip")),
            ("id.resp_h", Field("dst_ip")),
            ("method", Field("cs-method")),
            ("referrer", Field("cs-referrer")),
            ("status_code", Field("sc-status")),
            ("user_agent", Field("c-useragent")),
        ],
    },
    Mapping {
        category: "",
        product: "zeek",
        service: "dns",
        fields: &[("id.orig_h", Field("src_ip")), ("query", Field("cs-host"))],
    },
    Mapping {
        category: "",
        product: "zeek",
        service: "ssl",
        fields: &[
            ("id.orig_h", Field("src_ip")),
            ("id.resp_h", Field("dst_ip")),
            ("server_name", Field("tls.client.server_name")),
        ],
    },
];

/// What a field of a log source is at the proxy; `None` where it is not seen there.
pub fn field_at_proxy(logsource: &Logsource, field: &str) -> Option<AtProxy> {
    if logsource.category.as_deref() == Some("proxy") {
        return inspect::PROXY_FIELDS
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(name, _)| Field(name));
    }
    let is = |wanted: &str, given: &Option<String>| {
        wanted.is_empty() || given.as_deref() == Some(wanted)
    };
    let mapping = MAPPINGS.iter().find(|mapping| {
        is(mapping.category, &logsource.category)
            && is(mapping.product, &logsource.product)
            && is(mapping.service, &logsource.service)
    })?;
    mapping.fields.iter().find(|(name, _)| *name == field).map(|(_, at_proxy)| *at_proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_mapped_to_is_one_that_requests_answer() {
        for mapping in MAPPINGS {
            assert!(mapping.fields.is_sorted_by_key(|(name, _)| *name), "{}", mapping.category);
            for (name, at_proxy) in mapping.fields {
                if let Field(field) = at_proxy {
                    assert!(inspect::ProxyField::from_name(field).is_some(), "{name} -> {field}");
                }
            }
        }
    }
}
