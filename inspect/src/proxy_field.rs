//! The fields of Sigma's proxy taxonomy and our own, which rules ask of a request.

use crate::anomaly::ANOMALY_FIELD;
use crate::behaviour::BehaviourField;
use crate::pack::{Phase, Tables};

/// The field under which rules find the kinds of secrets in a request. It has one value for each.
pub const SECRET_FIELD: &str = "tidegate.secret";

/// The field under which rules find the service that a request goes to, by the name of its note.
pub const SERVICE_FIELD: &str = "tidegate.service";

/// The field under which rules find the operations of a request.
pub const OPERATION_FIELD: &str = "tidegate.operation";

/// The field under which rules find the group of sources that may not do what a request does.
pub const UNLISTED_FIELD: &str = "tidegate.unlisted";

/// A field that a [`crate::Request`] answers.
///
/// The specification's descriptions of `cs-bytes` and `sc-bytes` are swapped, and that of `c-uri-query`
/// says "path component"; the meaning here is the one that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyField {
    /// The full URL with scheme and host; for CONNECT the authority.
    Uri,
    /// What follows the last dot of the path's last segment.
    UriExtension,
    /// The query, without `?`.
    UriQuery,
    /// The path, without the query.
    UriStem,
    /// The `user-agent` header.
    UserAgent,
    /// Bytes that the client sent.
    RequestBytes,
    /// The `cookie` header.
    Cookie,
    /// The host, without port.
    Host,
    /// The method.
    Method,
    /// The `referer` header.
    Referrer,
    /// The protocol version.
    Version,
    /// Bytes that the client got.
    ResponseBytes,
    /// The status code.
    Status,
    /// The client's address.
    SourceAddress,
    /// The address that the request goes to: known at once where the host is an address.
    DestinationAddress,
    /// The server name that the client asked for in TLS.
    ServerName,
    /// The names of the request's anomalies.
    Anomaly,
    /// The service that the request goes to.
    Service,
    /// The category of that service.
    Category,
    /// What the request does to the service.
    Operation,
    /// Whether the user agent is that of the service's own clients.
    Client,
    /// What the policy knows of this use of the service.
    Usage,
    /// The kinds of secrets in the request.
    Secret,
    /// The group of sources that may not do this.
    Unlisted,
    /// What the source did over time.
    Behaviour(BehaviourField),
}

/// Every name under which rules ask for a field, in alphabetical order.
///
/// Sigma's proxy taxonomy (specification 2.1, appendix taxonomy), the names that SigmaHQ's own test
/// of log sources accepts beside it (`cs-uri`, `cs-uri-query`, `cs-uri-stem`, `r-dns`),
/// `tls.client.server_name`, the Elastic Common Schema's name for the SNI, which Sigma has no name for,
/// and our own: [`ANOMALY_FIELD`] and those that services and behaviour answer.
pub const PROXY_FIELDS: &[(&str, ProxyField)] = &[
    ("c-uri", ProxyField::Uri),
    ("c-uri-extension", ProxyField::UriExtension),
    ("c-uri-query", ProxyField::UriQuery),
    ("c-uri-stem", ProxyField::UriStem),
    ("c-useragent", ProxyField::UserAgent),
    ("cs-bytes", ProxyField::RequestBytes),
    ("cs-cookie", ProxyField::Cookie),
    ("cs-host", ProxyField::Host),
    ("cs-method", ProxyField::Method),
    ("cs-referrer", ProxyField::Referrer),
    ("cs-uri", ProxyField::Uri),
    ("cs-uri-query", ProxyField::UriQuery),
    ("cs-uri-stem", ProxyField::UriStem),
    ("cs-version", ProxyField::Version),
    ("dst_ip", ProxyField::DestinationAddress),
    ("r-dns", ProxyField::Host),
    ("sc-bytes", ProxyField::ResponseBytes),
    ("sc-status", ProxyField::Status),
    ("src_ip", ProxyField::SourceAddress),
    of_behaviour(BehaviourField::ActiveHours),
    of_behaviour(BehaviourField::AfterDeadDrop),
    (ANOMALY_FIELD, ProxyField::Anomaly),
    of_behaviour(BehaviourField::Beacon),
    of_behaviour(BehaviourField::BeaconPeriod),
    ("tidegate.category", ProxyField::Category),
    ("tidegate.client", ProxyField::Client),
    of_behaviour(BehaviourField::FirstUse),
    of_behaviour(BehaviourField::Identities),
    of_behaviour(BehaviourField::NewHosts),
    (OPERATION_FIELD, ProxyField::Operation),
    of_behaviour(BehaviourField::Prevalence),
    of_behaviour(BehaviourField::Requests),
    (SECRET_FIELD, ProxyField::Secret),
    (SERVICE_FIELD, ProxyField::Service),
    of_behaviour(BehaviourField::ServicePrevalence),
    of_behaviour(BehaviourField::Sources),
    of_behaviour(BehaviourField::TunnelSeconds),
    (UNLISTED_FIELD, ProxyField::Unlisted),
    of_behaviour(BehaviourField::UploadBytes),
    of_behaviour(BehaviourField::UploadRatio),
    ("tidegate.usage", ProxyField::Usage),
    ("tls.client.server_name", ProxyField::ServerName),
];

const fn of_behaviour(field: BehaviourField) -> (&'static str, ProxyField) {
    (field.as_str(), ProxyField::Behaviour(field))
}

/// Returns the field behind each name of a pack, in their order; `None` where no request answers it.
pub fn proxy_fields(tables: &Tables) -> Vec<Option<ProxyField>> {
    tables.fields.iter().map(|name| ProxyField::from_name(tables.str(*name))).collect()
}

impl ProxyField {
    /// The field behind a name, if a request answers it.
    pub fn from_name(name: &str) -> Option<ProxyField> {
        let idx = PROXY_FIELDS.binary_search_by_key(&name, |(name, _)| name).ok()?;
        PROXY_FIELDS.get(idx).map(|(_, field)| *field)
    }

    /// When the field is known.
    pub fn phase(self) -> Phase {
        match self {
            ProxyField::RequestBytes
            | ProxyField::ResponseBytes
            | ProxyField::Status
            | ProxyField::DestinationAddress => Phase::Response,
            ProxyField::Uri
            | ProxyField::UriExtension
            | ProxyField::UriQuery
            | ProxyField::UriStem
            | ProxyField::UserAgent
            | ProxyField::Cookie
            | ProxyField::Host
            | ProxyField::Method
            | ProxyField::Referrer
            | ProxyField::Version
            | ProxyField::SourceAddress
            | ProxyField::ServerName
            | ProxyField::Anomaly
            | ProxyField::Service
            | ProxyField::Category
            | ProxyField::Operation
            | ProxyField::Client
            | ProxyField::Usage
            | ProxyField::Secret
            | ProxyField::Unlisted => Phase::Request,
            ProxyField::Behaviour(field) => field.phase(),
        }
    }

    /// Returns true if the services of the pack answer the field.
    pub fn is_of_service(self) -> bool {
        matches!(
            self,
            ProxyField::Service
                | ProxyField::Category
                | ProxyField::Operation
                | ProxyField::Client
                | ProxyField::Usage
        )
    }

    /// Returns true if the value is a name that we give, and no text of the request.
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            ProxyField::Anomaly
                | ProxyField::Secret
                | ProxyField::Unlisted
                | ProxyField::Behaviour(_)
        ) || self.is_of_service()
    }
}
