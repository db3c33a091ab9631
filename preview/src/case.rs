//! Requests of the table of cases and the verdicts on them, as a native engine and a browser exchange
//! them.

use inspect::{Mode, Pack, Request, Response, Transport, Verdict};
use serde::{Deserialize, Serialize};

/// A request of a case, byte by byte.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of `Request`")]
pub struct CaseRequest {
    pub method: Vec<u8>,
    pub scheme: Vec<u8>,
    pub authority: Vec<u8>,
    pub path: Option<Vec<u8>>,
    pub version: Vec<u8>,
    pub user_agent: Option<Vec<u8>>,
    pub referrer: Option<Vec<u8>>,
    pub cookie: Option<Vec<u8>>,
    pub method_override: Option<Vec<u8>>,
    pub server_name: Option<Vec<u8>>,
    /// True if the connection is known not to be TLS.
    pub is_not_tls: bool,
    pub connect_target: Option<Vec<u8>>,
    pub source_address: Option<Vec<u8>>,
    pub source_identity: Option<Vec<u8>>,
    /// The status of the response; `None` as long as there is none.
    pub status: Option<u16>,
}

impl CaseRequest {
    /// The parts of a request that cases have.
    pub fn of(request: &Request<'_>) -> CaseRequest {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        CaseRequest {
            method: request.method.to_vec(),
            scheme: request.scheme.to_vec(),
            authority: request.authority.to_vec(),
            path: owned(request.path),
            version: request.version.to_vec(),
            user_agent: owned(request.user_agent),
            referrer: owned(request.referrer),
            cookie: owned(request.cookie),
            method_override: owned(request.method_override),
            server_name: owned(request.server_name),
            is_not_tls: request.transport == Transport::NotTls,
            connect_target: owned(request.connect_target),
            source_address: owned(request.source_address),
            source_identity: owned(request.source_identity),
            status: request.response.and_then(|response| response.status),
        }
    }

    /// The request as the engine takes it.
    pub fn lend(&self) -> Request<'_> {
        let response = Response { status: self.status, ..Response::default() };
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
            transport: if self.is_not_tls { Transport::NotTls } else { Transport::Unknown },
            connect_target: self.connect_target.as_deref(),
            source_address: self.source_address.as_deref(),
            source_identity: self.source_identity.as_deref(),
            response: self.status.is_some().then_some(response),
        }
    }
}

/// All of a verdict that two engines can differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaseVerdict {
    /// Title, view, fields and patterns of the rules that match, in the engine's order.
    pub matches: Vec<String>,
    /// Names of the anomalies.
    pub anomalies: Vec<&'static str>,
    /// The actions in monitor and in enforce mode.
    pub actions: [&'static str; 2],
}

impl CaseVerdict {
    /// Of a verdict by a pack.
    pub fn new(verdict: &Verdict, pack: &Pack) -> CaseVerdict {
        let tables = pack.tables();
        let matches = verdict.matches.iter().map(|matched| {
            let title = tables.rule(matched.rule).map_or("", |rule| tables.str(rule.title));
            let evidence =
                matched.evidence.iter().map(|of| format!("; {} {}", of.field, of.pattern));
            format!("{title}, {}{}", matched.view.as_str(), evidence.collect::<String>())
        });
        CaseVerdict {
            matches: matches.collect(),
            anomalies: verdict.anomalies.iter().map(inspect::Anomaly::as_str).collect(),
            actions: [Mode::Monitor, Mode::Enforce].map(|mode| verdict.action(mode).as_str()),
        }
    }
}
