//! An event in the Open Cybersecurity Schema Framework.
//!
//! An alert about one request is that request's activity with the profile `security_control`, as the
//! framework asks for atomic alerts; a finding (2004) would be for what has a life of its own.
//! What has no attribute there is kept under `unmapped`, unchanged.

use serde_json::{Value, json};

use super::{at, first_rule, host, ip, number, path, put, rank, reason, set, tactics, text, texts};

/// The version of the schema that is written.
const VERSION: &str = "1.8.0";
const NETWORK_CATEGORY: u64 = 4;
const NETWORK_ACTIVITY: u64 = 4001;
const HTTP_ACTIVITY: u64 = 4002;
/// Of network activity: a connection is opened.
const OPEN: u64 = 1;

/// Methods with their activity of HTTP Activity.
const ACTIVITIES: &[(&str, u64)] = &[
    ("CONNECT", 1),
    ("DELETE", 2),
    ("GET", 3),
    ("HEAD", 4),
    ("OPTIONS", 5),
    ("POST", 6),
    ("PUT", 7),
    ("TRACE", 8),
    ("PATCH", 9),
];
const OTHER: u64 = 99;

pub(super) fn map(event: &Value) -> Value {
    let method = text(event, "request.method").filter(|method| !method.is_empty());
    let known = |method| ACTIVITIES.iter().find(|(name, _)| *name == method);
    let (class, activity) = match method {
        Some(method) => (HTTP_ACTIVITY, known(method).map_or(OTHER, |(_, activity)| *activity)),
        None => (NETWORK_ACTIVITY, OPEN),
    };
    let mut out = json!({
        "class_uid": class,
        "category_uid": NETWORK_CATEGORY,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "time": number(event, "time").unwrap_or_default(),
        // Sigma's levels are this schema's, from 1.
        "severity_id": first_rule(event).map_or(0, rank),
        "is_alert": true,
        "message": reason(event),
        "metadata": {
            "version": VERSION,
            "product": {"name": "tidegate", "vendor_name": "tidegate"},
            "profiles": ["security_control"],
            "log_name": "tidegate.match",
        },
    });
    if activity == OTHER {
        put(&mut out, "activity_name", method);
    }
    put(&mut out, "metadata.log_version", number(event, "schema").map(|it| it.to_string()));
    put(&mut out, "metadata.correlation_uid", text(event, "request.traceparent"));
    put(&mut out, "count", number(event, "suppressed.count"));
    put(&mut out, "start_time", number(event, "suppressed.since"));
    control(event, &mut out);
    endpoints(event, &mut out);
    if method.is_some() {
        http(event, &mut out);
    }
    unmapped(event, &mut out);
    out
}

fn control(event: &Value, out: &mut Value) {
    // Denied and blocked; observed, and an alert.
    let is_denied = text(event, "action") == Some("deny");
    let (action, disposition) = if is_denied { (2, 2) } else { (3, 19) };
    set(out, "action_id", action);
    set(out, "disposition_id", disposition);
    if let Some(rule) = first_rule(event) {
        put(out, "firewall_rule.uid", text(rule, "id"));
        put(out, "firewall_rule.name", text(rule, "title"));
        put(out, "firewall_rule.category", text(rule, "level"));
        let evidence = rule.get("evidence").and_then(Value::as_array);
        let found = evidence.into_iter().flatten().filter_map(|found| {
            Some(format!("{}: {}", text(found, "item")?, text(found, "pattern")?))
        });
        let found: Vec<String> = found.collect();
        put(out, "firewall_rule.match_details", Some(found).filter(|found| !found.is_empty()));
        put(out, "firewall_rule.match_location", text(rule, "view"));
    }
    put(out, "firewall_rule.version", number(event, "pack.version").map(|it| it.to_string()));
    put(out, "policy.name", text(event, "pack.name"));
    put(out, "policy.uid", text(event, "pack.hash"));
    put(out, "policy.version", number(event, "pack.version").map(|it| it.to_string()));
    let tactics = tactics(event).into_iter();
    let tactics: Vec<Value> =
        tactics.map(|(uid, name)| json!({"uid": uid, "name": name})).collect();
    let attacks = texts(event, "techniques").into_iter().map(|technique| {
        let parent = technique.split('.').next().unwrap_or(technique);
        let mut attack = json!({"technique": {"uid": parent}});
        if technique != parent {
            set(&mut attack, "sub_technique.uid", technique);
        }
        put(&mut attack, "tactics", Some(tactics.clone()).filter(|list| !list.is_empty()));
        attack
    });
    let attacks: Vec<Value> = attacks.collect();
    put(out, "attacks", Some(attacks).filter(|attacks| !attacks.is_empty()));
}

fn endpoints(event: &Value, out: &mut Value) {
    if let Some(source) = text(event, "request.source") {
        let key = if ip(source).is_some() { "ip" } else { "name" };
        set(out, &format!("src_endpoint.{key}"), source);
    }
    put(out, "src_endpoint.uid", text(event, "request.identity"));
    if let Some((name, port)) = host(event) {
        let key = if ip(name).is_some() { "name" } else { "hostname" };
        set(out, &format!("dst_endpoint.{key}"), name);
        put(out, "dst_endpoint.port", port);
    }
    put(out, "dst_endpoint.ip", text(event, "response.upstream").and_then(ip));
    // In milliseconds.
    let seconds = number(event, "response.seconds");
    put(out, "duration", seconds.map(|seconds| seconds.saturating_mul(1000)));
    put(out, "traffic.bytes_out", number(event, "response.request_bytes"));
    put(out, "traffic.bytes_in", number(event, "response.response_bytes"));
}

fn http(event: &Value, out: &mut Value) {
    put(out, "http_request.http_method", text(event, "request.method"));
    put(out, "http_request.uid", text(event, "request.id"));
    put(out, "http_request.body_length", number(event, "response.request_bytes"));
    let (name, port) = host(event).unwrap_or_default();
    // A CONNECT has only an authority, which is no URL with a path.
    match path(event) {
        Some((path, query)) => {
            set(out, "http_request.url.path", path);
            put(out, "http_request.url.query_string", query);
        }
        None => put(out, "http_request.url.url_string", text(event, "request.host")),
    }
    set(out, "http_request.url.hostname", name);
    put(out, "http_request.url.port", port);
    if let Some(code) = number(event, "response.code") {
        set(out, "http_response.code", code);
        put(out, "http_response.body_length", number(event, "response.response_bytes"));
    }
}

fn unmapped(event: &Value, out: &mut Value) {
    for (to, from) in [
        ("mode", "mode"),
        ("would_deny", "would_deny"),
        ("n_rules", "n_rules"),
        ("rules", "rules"),
        ("anomalies", "anomalies"),
        ("behaviour", "behaviour"),
        // The object for TLS asks for a version, which the event does not have.
        ("sni", "request.sni"),
        ("tunnel", "request.tunnel"),
        ("service", "request.service"),
        ("operations", "request.operations"),
        ("usage", "request.usage"),
        ("tenant", "request.tenant"),
        ("credential", "request.credential"),
        ("gateway", "gateway"),
        ("truncated", "truncated"),
        ("stream", "stream"),
        ("grpc_status", "response.grpc_status"),
        ("suppressed", "suppressed"),
    ] {
        put(out, &format!("unmapped.{to}"), at(event, from).cloned());
    }
}
