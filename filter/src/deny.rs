//! The responses to requests that do not pass.
//!
//! A response quotes nothing of the request but its id, and only a well-formed one: everything else
//! could carry markup, or a header of its own. The rule's id lets a person ask about the denial.

use inspect::pack::{Rule, Tables};
use inspect::{Action, Decision, Verdict};

use crate::host::LocalResponse;
use crate::label::rule_label;
use crate::metrics::Failure;

/// `Forbidden`.
const DENIED: u32 = 403;
/// `Service Unavailable`.
const NOT_JUDGED: u32 = 503;
/// gRPC `PERMISSION_DENIED`.
const GRPC_PERMISSION_DENIED: i32 = 7;
/// The host's value for "not gRPC".
const NOT_GRPC: i32 = -1;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// The client that is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'c> {
    /// True if it speaks gRPC.
    pub(crate) is_grpc: bool,
    /// The request's id, if it is well-formed.
    pub(crate) request_id: Option<&'c str>,
}

/// Returns the response to a request that policy denies because of `rule`.
pub(crate) fn denied(rule: &str, client: Client<'_>) -> LocalResponse {
    let rule = rule_label(rule);
    let details = format!("tidegate_deny{{rule={rule}}}");
    let reason = "egress denied by policy";
    if client.is_grpc {
        let request = client.request_id.map(|id| format!(", request {id}")).unwrap_or_default();
        let body = format!("{reason} (rule {rule}{request})");
        let grpc_status = GRPC_PERMISSION_DENIED;
        return LocalResponse { status: DENIED, grpc_status, details, headers: &[], body };
    }
    // The safe characters of a request id need no escapes in JSON.
    let request = client.request_id.map(|id| format!(",\"request_id\":\"{id}\""));
    let request = request.unwrap_or_default();
    let body = format!("{{\"error\":\"{reason}\",\"rule\":\"{rule}\"{request}}}\n");
    LocalResponse { status: DENIED, grpc_status: NOT_GRPC, details, headers: JSON, body }
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

/// Returns the rule that a denial names: of those that deny, the first of the highest level.
pub(crate) fn denying_rule<'t>(
    tables: &'t Tables,
    verdict: &Verdict,
    decision: &Decision,
) -> Option<&'t Rule> {
    let judged = verdict.matches.iter().zip(&decision.rulings);
    let denying = judged.filter(|(_, ruling)| ruling.action == Action::Deny);
    // `max_by_key` returns the last of equals.
    denying.filter_map(|(matched, _)| tables.rule(matched.rule)).rev().max_by_key(|rule| rule.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "7c9bcb9e-94bb-4f5c-9a1b-3f6d1e6a2c11";

    #[test]
    fn a_denial_is_json_and_names_rule_and_request() {
        let client = Client { is_grpc: false, request_id: Some("6f1a") };
        let response = denied(RULE, client);
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
        let response = denied("a \"title\"\r\nX: y", client);
        assert_eq!(response.details, "tidegate_deny{rule=a__title___X__y}");
        assert!(serde_json::from_str::<serde_json::Value>(&response.body).is_ok());
    }

    #[test]
    fn grpc_clients_get_a_grpc_status() {
        let client = Client { is_grpc: true, request_id: Some("6f1a") };
        let response = denied(RULE, client);
        assert_eq!(response.grpc_status, 7);
        assert_eq!(response.body, format!("egress denied by policy (rule {RULE}, request 6f1a)"));
    }

    #[test]
    fn a_failure_is_not_a_denial() {
        let response = not_judged(Failure::HeaderMap);
        assert_eq!(response.status, 503);
        assert_eq!(response.details, "tidegate_error{kind=header_map}");
    }
}
