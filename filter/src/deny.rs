//! The responses to requests that do not pass.
//!
//! A response quotes nothing of the request but its id, and only a well-formed one: everything else
//! could carry markup, or a header of its own. The rule's id lets a person ask about the denial.

use inspect::pack::Tables;
use inspect::{Action, Decision, UNLISTED_FIELD, Verdict};

use crate::host::LocalResponse;
use crate::label::rule_label;
use crate::metrics::{Failure, Unauthenticated};

/// `Forbidden`.
const DENIED: u32 = 403;
/// `Proxy Authentication Required`.
const UNAUTHENTICATED: u32 = 407;
/// gRPC `UNAUTHENTICATED`.
const GRPC_UNAUTHENTICATED: i32 = 16;
/// `Service Unavailable`.
const NOT_JUDGED: u32 = 503;
/// gRPC `PERMISSION_DENIED`.
const GRPC_PERMISSION_DENIED: i32 = 7;
/// The host's value for "not gRPC".
const NOT_GRPC: i32 = -1;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// The answer that asks for credentials.
const CHALLENGE: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("proxy-authenticate", "Basic realm=\"tidegate\", charset=\"UTF-8\""),
];

/// The client that is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'c> {
    /// True if it speaks gRPC.
    pub(crate) is_grpc: bool,
    /// The request's id, if it is well-formed.
    pub(crate) request_id: Option<&'c str>,
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Denial<'t> {
    /// The id of the rule.
    pub(crate) rule: &'t str,
    /// The group whose allow-list does not have the request, if that is why.
    pub(crate) group: Option<&'t str>,
}

/// Returns the response to a request that policy denies.
pub(crate) fn denied(denial: Denial<'_>, client: Client<'_>) -> LocalResponse {
    let rule = rule_label(denial.rule);
    let group = denial.group.map(rule_label);
    let details = format!("tidegate_deny{{rule={rule}}}");
    let reason = "egress denied by policy";
    if client.is_grpc {
        let request = client.request_id.map(|id| format!(", request {id}")).unwrap_or_default();
        let group = group.map(|group| format!(", group {group}")).unwrap_or_default();
        let body = format!("{reason} (rule {rule}{group}{request})");
        let grpc_status = GRPC_PERMISSION_DENIED;
        return LocalResponse { status: DENIED, grpc_status, details, headers: &[], body };
    }
    // The safe characters of a request id need no escapes in JSON.
    let request = client.request_id.map(|id| format!(",\"request_id\":\"{id}\""));
    let request = request.unwrap_or_default();
    let group = group.map(|group| format!(",\"group\":\"{group}\"")).unwrap_or_default();
    let body = format!("{{\"error\":\"{reason}\",\"rule\":\"{rule}\"{group}{request}}}\n");
    LocalResponse { status: DENIED, grpc_status: NOT_GRPC, details, headers: JSON, body }
}

/// Returns the response to a request that does not name its client. Credentials are asked for only where they
/// would be taken.
pub(crate) fn unauthenticated(why: Unauthenticated) -> LocalResponse {
    let (status, headers, error) = match why {
        Unauthenticated::Missing | Unauthenticated::Wrong => {
            (UNAUTHENTICATED, CHALLENGE, "proxy authentication required")
        }
        Unauthenticated::Insecure => {
            (DENIED, JSON, "proxy credentials are taken over TLS or loopback only")
        }
    };
    LocalResponse {
        status,
        grpc_status: GRPC_UNAUTHENTICATED,
        details: format!("tidegate_unauthenticated{{kind={}}}", why.as_str()),
        headers,
        body: format!("{{\"error\":\"{error}\"}}\n"),
    }
}

/// Returns the response to a request that could not be judged, under `failure_mode: closed`.
///
/// Envoy turns it into `UNAVAILABLE` for a client that speaks gRPC.
pub(crate) fn not_judged(failure: Failure) -> LocalResponse {
    LocalResponse {
        status: NOT_JUDGED,
        grpc_status: NOT_GRPC,
        details: format!("tidegate_error{{kind={}}}", failure.as_str()),
        headers: JSON,
        body: "{\"error\":\"egress policy cannot be evaluated\"}\n".to_owned(),
    }
}

/// Returns what a denial names: of the rules that deny, the first of the highest level.
pub(crate) fn denial<'t>(tables: &'t Tables, verdict: &Verdict, decision: &Decision) -> Denial<'t> {
    let judged = verdict.matches.iter().zip(&decision.rulings);
    let denying = judged.filter(|(_, ruling)| ruling.action == Action::Deny);
    let rules = denying.filter_map(|(matched, ruling)| Some((tables.rule(matched.rule)?, ruling)));
    // `max_by_key` returns the last of equals.
    let Some((rule, ruling)) = rules.rev().max_by_key(|(rule, _)| rule.level) else {
        return Denial::default();
    };
    let rule = tables.str(rule.id);
    // The statement of a group has its name.
    let group = ruling.statement.filter(|_| rule == UNLISTED_FIELD).map(|name| tables.str(name));
    Denial { rule, group }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "7c9bcb9e-94bb-4f5c-9a1b-3f6d1e6a2c11";

    #[test]
    fn a_denial_is_json_and_names_rule_and_request() {
        let client = Client { is_grpc: false, request_id: Some("6f1a") };
        let response = denied(Denial { rule: RULE, group: None }, client);
        assert_eq!((response.status, response.grpc_status), (403, -1));
        assert_eq!(response.details, format!("tidegate_deny{{rule={RULE}}}"));
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        let expect = serde_json::json!({
            "error": "egress denied by policy", "rule": RULE, "request_id": "6f1a",
        });
        assert_eq!(body, expect);
    }

    #[test]
    fn the_id_of_a_rule_cannot_break_the_response() {
        let client = Client { is_grpc: false, request_id: None };
        let response = denied(Denial { rule: "a \"title\"\r\nX: y", group: None }, client);
        assert_eq!(response.details, "tidegate_deny{rule=a__title___X__y}");
        assert!(serde_json::from_str::<serde_json::Value>(&response.body).is_ok());
    }

    #[test]
    fn grpc_clients_get_a_grpc_status() {
        let client = Client { is_grpc: true, request_id: Some("6f1a") };
        let response = denied(Denial { rule: RULE, group: None }, client);
        assert_eq!(response.grpc_status, 7);
        assert_eq!(response.body, format!("egress denied by policy (rule {RULE}, request 6f1a)"));
    }

    #[test]
    fn a_denial_by_an_allow_list_names_the_group() {
        let denial = Denial { rule: UNLISTED_FIELD, group: Some("build \"hosts\"") };
        let client = Client { is_grpc: false, request_id: None };
        let body = denied(denial, client).body;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let expect = serde_json::json!({
            "error": "egress denied by policy", "rule": "tidegate_unlisted", "group": "build__hosts_",
        });
        assert_eq!(body, expect);
        let grpc = denied(denial, Client { is_grpc: true, request_id: None }).body;
        assert_eq!(grpc, "egress denied by policy (rule tidegate_unlisted, group build__hosts_)");
    }

    #[test]
    fn a_failure_is_not_a_denial() {
        let response = not_judged(Failure::HeaderMap);
        assert_eq!(response.status, 503);
        assert_eq!(response.details, "tidegate_error{kind=header_map}");
    }
}
