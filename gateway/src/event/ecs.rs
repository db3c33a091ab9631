//! An event in the Elastic Common Schema.
//!
//! What has no field there is kept under `tidegate`, unchanged.

use serde_json::{Value, json};

use super::{at, first_rule, host, ip, number, path, put, rank, reason, set, tactics, text, texts};

/// The version of the schema that is written.
const VERSION: &str = "9.4.0";

/// Scores by level, from none to critical: Elastic's own for their rules.
const SCORES: [u64; 6] = [0, 1, 21, 47, 73, 99];

pub(super) fn map(event: &Value) -> Value {
    let mut out = json!({});
    for (to, from) in [("@timestamp", "time"), ("event.start", "suppressed.since")] {
        let time = number(event, from).and_then(|time| i64::try_from(time).ok());
        let time = time.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
        put(&mut out, to, time.map(|time| time.to_string()));
    }
    set(&mut out, "ecs.version", VERSION);
    what_happened(event, &mut out);
    rule(event, &mut out);
    request(event, &mut out);
    set(&mut out, "observer.vendor", "tidegate");
    set(&mut out, "observer.product", "tidegate");
    set(&mut out, "observer.type", "proxy");
    put(&mut out, "observer.name", text(event, "gateway.node"));
    for (to, from) in [
        ("mode", "mode"),
        ("would_deny", "would_deny"),
        ("n_rules", "n_rules"),
        ("rules", "rules"),
        ("anomalies", "anomalies"),
        ("behaviour", "behaviour"),
        ("tunnel", "request.tunnel"),
        ("service", "request.service"),
        ("operations", "request.operations"),
        ("usage", "request.usage"),
        ("tenant", "request.tenant"),
        ("credential", "request.credential"),
        ("gateway", "gateway"),
        ("pack.hash", "pack.hash"),
        ("truncated", "truncated"),
        ("stream", "stream"),
        ("grpc_status", "response.grpc_status"),
        ("suppressed", "suppressed"),
    ] {
        put(&mut out, &format!("tidegate.{to}"), at(event, from).cloned());
    }
    out
}

fn what_happened(event: &Value, out: &mut Value) {
    let is_denied = text(event, "action") == Some("deny");
    set(out, "event.kind", "alert");
    let mut categories = vec!["intrusion_detection", "network"];
    if text(event, "request.method").is_some_and(|method| !method.is_empty()) {
        categories.push("web");
    }
    set(out, "event.category", categories);
    set(out, "event.type", vec![if is_denied { "denied" } else { "allowed" }]);
    put(out, "event.action", text(event, "action"));
    set(out, "event.outcome", if is_denied { "failure" } else { "success" });
    set(out, "event.provider", "tidegate");
    set(out, "event.dataset", "tidegate.match");
    set(out, "event.reason", reason(event));
    // In nanoseconds.
    let seconds = number(event, "response.seconds");
    put(out, "event.duration", seconds.map(|seconds| seconds.saturating_mul(1_000_000_000)));
    let score = SCORES.get(first_rule(event).map_or(0, rank)).copied().unwrap_or_default();
    set(out, "event.severity", score);
    set(out, "event.risk_score", score);
}

fn rule(event: &Value, out: &mut Value) {
    if let Some(rule) = first_rule(event) {
        put(out, "rule.id", text(rule, "id"));
        put(out, "rule.name", text(rule, "title"));
        put(out, "rule.author", text(rule, "author").map(|author| vec![author]));
        put(out, "rule.category", text(rule, "level"));
    }
    put(out, "rule.ruleset", text(event, "pack.name"));
    put(out, "rule.version", number(event, "pack.version").map(|version| version.to_string()));
    let all = texts(event, "techniques");
    let (subs, techniques): (Vec<&str>, Vec<&str>) =
        all.into_iter().partition(|technique| technique.contains('.'));
    let mut parents: Vec<&str> = techniques;
    parents.extend(subs.iter().filter_map(|sub| sub.split('.').next()));
    parents.sort_unstable();
    parents.dedup();
    let tactics = tactics(event);
    if !parents.is_empty() || !tactics.is_empty() {
        set(out, "threat.framework", "MITRE ATT&CK");
    }
    put(out, "threat.technique.id", listed(parents));
    put(out, "threat.technique.subtechnique.id", listed(subs));
    put(out, "threat.tactic.id", listed(tactics.iter().map(|(id, _)| *id).collect()));
    put(out, "threat.tactic.name", listed(tactics.iter().map(|(_, name)| *name).collect()));
}

/// The list, if anything is in it.
fn listed(list: Vec<&str>) -> Option<Vec<&str>> {
    Some(list).filter(|list| !list.is_empty())
}

fn request(event: &Value, out: &mut Value) {
    let method = text(event, "request.method").filter(|method| !method.is_empty());
    put(out, "http.request.method", method);
    put(out, "http.request.id", text(event, "request.id"));
    put(out, "http.request.body.bytes", number(event, "response.request_bytes"));
    put(out, "http.response.status_code", number(event, "response.code"));
    put(out, "http.response.body.bytes", number(event, "response.response_bytes"));
    set(out, "network.direction", "outbound");
    if method.is_some() {
        set(out, "network.protocol", "http");
    }
    if let Some((name, port)) = host(event) {
        set(out, "url.domain", name);
        put(out, "url.port", port);
        set(out, "destination.address", name);
        put(out, "destination.port", port);
        put(out, "destination.domain", Some(name).filter(|name| ip(name).is_none()));
    }
    if let Some((path, query)) = path(event) {
        set(out, "url.path", path);
        put(out, "url.query", query);
    }
    put(out, "destination.ip", text(event, "response.upstream").and_then(ip));
    if let Some(source) = text(event, "request.source") {
        set(out, "source.address", source);
        put(out, "source.ip", ip(source));
    }
    let identity = text(event, "request.identity");
    put(out, "tls.client.x509.alternative_names", identity.map(|identity| vec![identity]));
    put(out, "tls.client.server_name", text(event, "request.sni"));
    // version-trace-parent-flags, checked by the filter.
    if let Some(trace) = text(event, "request.traceparent") {
        let mut parts = trace.split('-').skip(1);
        put(out, "trace.id", parts.next());
        put(out, "span.id", parts.next());
    }
}
