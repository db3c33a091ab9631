//! The fields of an event: the one table from which the page is generated and against which events are
//! checked.

use std::fmt::Write;

use serde_json::Value;

/// A field of the event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its path: keys joined by dots, `[]` after a list.
    pub path: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it is in every event, or in every element of its list or object.
    pub presence: Presence,
    /// What it means.
    pub meaning: &'static str,
    /// Its field in ECS; empty if it is kept under `tidegate`.
    pub ecs: &'static str,
    /// Its attribute in OCSF; empty if it is kept under `unmapped`.
    pub ocsf: &'static str,
}

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number, not negative.
    Number,
    /// A number from -1 to 1.
    Ratio,
    /// `true` or `false`.
    Flag,
    /// A list of texts.
    Texts,
    /// A list of objects.
    Objects,
    /// An object.
    Object,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// Whether a field is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Wherever its object is.
    Always,
    /// Where it has a value.
    Sometimes,
}

use Kind::{Flag, Number, Object, Objects, OneOf, Ratio, Text, Texts};
use Presence::{Always, Sometimes};

const fn field(
    path: &'static str,
    kind: Kind,
    presence: Presence,
    [ecs, ocsf]: [&'static str; 2],
    meaning: &'static str,
) -> Field {
    Field { path, kind, presence, meaning, ecs, ocsf }
}

/// The views of a request, as `docs/evasions.md` explains them.
const VIEWS: &[&str] = &["raw", "canonical", "decoded", "server-name", "tunnel"];

/// Every field, in the order in which the filter writes them.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    field("event", OneOf(&["tidegate.match"]), Always, ["event.dataset", "metadata.log_name"], "What to search for in a log that also contains other lines."),
    field("schema", Number, Always, ["", "metadata.log_version"], "The version of this schema: 1. It grows when a field changes its meaning or goes; fields may be added without."),
    field("time", Number, Sometimes, ["@timestamp", "time"], "When the event was written, in milliseconds since 1970."),
    field("mode", OneOf(&["monitor", "enforce"]), Always, ["", ""], "The mode of the gateway."),
    field("action", OneOf(&["observe", "deny"]), Always, ["event.action, event.type, event.outcome", "action_id, disposition_id"], "What happened to the request: it passed, or it was answered with 403."),
    field("would_deny", Flag, Always, ["", ""], "Whether mode `enforce` denies such a request: a rule matched on the request alone."),
    field("techniques", Texts, Always, ["threat.technique.id, threat.technique.subtechnique.id", "attacks"], "The techniques of MITRE ATT&CK that the rules are tagged with, sorted."),
    field("n_rules", Number, Always, ["", ""], "How many rules matched and correlations fired; `rules` lists at most 64 of each."),
    field("rules", Objects, Always, ["", ""], "The rules that matched, in the pack's order, and the correlations that fired. ECS and OCSF have room for one: the first of the highest level."),
    field("rules[].id", Text, Always, ["rule.id", "firewall_rule.uid"], "Sigma `id`, or the title where the rule has none."),
    field("rules[].title", Text, Always, ["rule.name, event.reason", "firewall_rule.name, message"], "Sigma `title`."),
    field("rules[].level", OneOf(&["informational", "low", "medium", "high", "critical"]), Sometimes, ["rule.category, event.severity, event.risk_score", "firewall_rule.category, severity_id"], "Sigma `level`."),
    field("rules[].author", Text, Sometimes, ["rule.author", ""], "Sigma `author`: the Detection Rule License asks for it wherever a match is shown."),
    field("rules[].tags", Texts, Sometimes, ["threat.tactic.id, threat.tactic.name", "attacks[].tactics"], "Sigma `tags`, at most 32."),
    field("rules[].phase", OneOf(&["request", "response"]), Always, ["", ""], "Known with the request headers and fit to be enforced, or only with the response."),
    field("rules[].view", OneOf(VIEWS), Always, ["", "firewall_rule.match_location"], "In which reading of the request the rule matched."),
    field("rules[].kind", OneOf(&["correlation"]), Sometimes, ["", ""], "What it is, if it is not a rule: a correlation that fired with this request. It reports, and denies nothing."),
    field("rules[].value", Number, Sometimes, ["", ""], "What the correlation counted: events, values or rules."),
    field("rules[].mode", OneOf(&["monitor", "enforce"]), Sometimes, ["", ""], "How far the match goes, where the policy says less or more than the gateway's mode."),
    field("rules[].statement", Text, Sometimes, ["", ""], "The statement of the policy that says so; not there for the policy's `default`."),
    field("rules[].exception", Text, Sometimes, ["", ""], "The `id` of the exception that takes the match out; present where another rule of the request is not excepted."),
    field("rules[].expired_exception", Text, Sometimes, ["", ""], "The `id` of the exception that would have taken the match out, had it not expired."),
    field("rules[].evidence", Objects, Sometimes, ["", "firewall_rule.match_details"], "What was found; not there for a rule that matches where something is missing."),
    field("rules[].evidence[].field", Text, Always, ["", ""], "The field, as `cs-host`; `keywords` for a keyword."),
    field("rules[].evidence[].item", Text, Always, ["", ""], "The field and its modifiers as the rule writes them, as `cs-host|endswith`."),
    field("rules[].evidence[].pattern", Text, Always, ["", ""], "The value of the rule that was found. Never the request's."),
    field("anomalies", Texts, Sometimes, ["", ""], "What is odd about the request, by the names in [evasions.md](evasions.md)."),
    field("behaviour", Object, Sometimes, ["", ""], "What the source did over time: the fields of [behaviour.md](behaviour.md#fields) that the rules ask for, as far as they are known, when the rule matched."),
    field("behaviour.active_hours", Number, Sometimes, ["", ""], "Hours of the last 24 in which the source used the host."),
    field("behaviour.after_dead_drop", Number, Sometimes, ["", ""], "Seconds from the last read of a dead drop to the first request to the host."),
    field("behaviour.beacon", Ratio, Sometimes, ["", ""], "How regular the contacts are: 0 as chance has it, 1 as a clock."),
    field("behaviour.beacon_period", Number, Sometimes, ["", ""], "The median of the gaps between contacts, in seconds."),
    field("behaviour.first_use", Texts, Sometimes, ["", ""], "What is new, and to whom."),
    field("behaviour.identities", Number, Sometimes, ["", ""], "Identities of the service that the source used."),
    field("behaviour.new_hosts", Number, Sometimes, ["", ""], "Hosts that were new to the source in the clock hour."),
    field("behaviour.prevalence", Ratio, Sometimes, ["", ""], "The share of all sources that use the host."),
    field("behaviour.requests", Number, Sometimes, ["", ""], "Requests of the source to the host."),
    field("behaviour.service_prevalence", Ratio, Sometimes, ["", ""], "The share of all sources that use the service."),
    field("behaviour.sources", Number, Sometimes, ["", ""], "Sources that use the host."),
    field("behaviour.tunnel_seconds", Number, Sometimes, ["", ""], "The longest tunnel or request, in seconds."),
    field("behaviour.upload_bytes", Number, Sometimes, ["", ""], "Bytes that the source sent to the host."),
    field("behaviour.upload_ratio", Ratio, Sometimes, ["", ""], "Bytes sent less bytes received, as a share of both."),
    field("stream", OneOf(&["open", "closed"]), Sometimes, ["", ""], "Only for what has two events: a tunnel (CONNECT, WebSocket, TLS that passes), and a request that runs for more than ten seconds. `open` when it opens or while it runs, and `closed` when it is over, with its bytes and `response.seconds`."),
    field("request", Object, Always, ["", ""], "What was asked for, redacted."),
    field("request.id", Text, Sometimes, ["http.request.id", "http_request.uid"], "`x-request-id`, if it is an id and nothing else."),
    field("request.traceparent", Text, Sometimes, ["trace.id, span.id", "metadata.correlation_uid"], "`traceparent` (W3C Trace Context), if it has that form."),
    field("request.method", Text, Always, ["http.request.method", "http_request.http_method, activity_id"], "The method; empty for TLS that passes through."),
    field("request.host", Text, Always, ["url.domain, url.port, destination.address, destination.domain, destination.port", "http_request.url.hostname, http_request.url.port, dst_endpoint.hostname, dst_endpoint.port"], "Host and port as sent, without userinfo; bytes that are not printable ASCII as `\\xff`."),
    field("request.sni", Text, Sometimes, ["tls.client.server_name", ""], "The server name that the client asked for in TLS, escaped like the host."),
    field("request.tunnel", Text, Sometimes, ["", ""], "The target of the CONNECT in whose tunnel the request came, escaped like the host."),
    field("request.path", Text, Sometimes, ["url.path, url.query", "http_request.url.path, http_request.url.query_string"], "The path's template: words stay, what may be an identifier or a secret is `{}`, or has the name that the service's note gives the place, as `{secret}`. Not there for CONNECT."),
    field("request.service", Text, Sometimes, ["", ""], "The service that the host belongs to, by the title of its note."),
    field("request.operations", Texts, Sometimes, ["", ""], "What the request does to the service, by the names in [services.md](services.md#operations)."),
    field("request.usage", OneOf(&["sanctioned", "known", "new"]), Sometimes, ["", ""], "Whether the policy lists this use of the service: for this source, only for another one, for nobody."),
    field("request.tenant", Text, Sometimes, ["", ""], "The keyed hash of the tenant, bot, webhook or bucket that the URL names, as a policy can list it; only with `identity_key`."),
    field("request.credential", Text, Sometimes, ["", ""], "The keyed hash of the credential in the URL: shows that two requests use the same one, never its text."),
    field("request.source", Text, Sometimes, ["source.address, source.ip", "src_endpoint.ip"], "The client's address, without port."),
    field("request.identity", Text, Sometimes, ["tls.client.x509.alternative_names", "src_endpoint.uid"], "Who the client is: the name that its credentials prove, else the URI in its certificate's subject alternative name (SPIFFE id), else the name that a trusted hop sent in `source_header`."),
    field("response", Object, Sometimes, ["", ""], "What was answered; not there where the stream ended before an answer."),
    field("response.code", Number, Sometimes, ["http.response.status_code", "http_response.code"], "The status code that the client got; for a denied request the gateway's own."),
    field("response.grpc_status", Number, Sometimes, ["", ""], "The gRPC status of a denial: Envoy answers a request that says it is gRPC with `code` 200 and this status, 7 (permission denied), or 14 (unavailable) for a request that was refused because it is truncated."),
    field("response.request_bytes", Number, Sometimes, ["http.request.body.bytes", "http_request.body_length, traffic.bytes_out"], "Bytes of body that the client announced or else sent; of a tunnel what went through it. Not there in the first of two events."),
    field("response.response_bytes", Number, Sometimes, ["http.response.body.bytes", "http_response.body_length, traffic.bytes_in"], "Bytes of body that the client got; of a tunnel what came through it. Not there in the first of two events."),
    field("response.seconds", Number, Sometimes, ["event.duration", "duration"], "How long the tunnel or request ran, in seconds; only with `stream: closed`, and of the longest in an event that closes a window."),
    field("response.upstream", Text, Sometimes, ["destination.ip", "dst_endpoint.ip"], "The address that the gateway connected to, without port."),
    field("gateway", Object, Sometimes, ["", ""], "Which part of Envoy's configuration the request came through, by the names there."),
    field("gateway.node", Text, Sometimes, ["observer.name", ""], "Envoy's `node.id`."),
    field("gateway.filter_chain", Text, Sometimes, ["", ""], "The name of the listener's filter chain."),
    field("gateway.virtual_host", Text, Sometimes, ["", ""], "The name of the virtual host."),
    field("gateway.route", Text, Sometimes, ["", ""], "The name of the route."),
    field("gateway.cluster", Text, Sometimes, ["", ""], "The name of the upstream cluster; not there for a denied request."),
    field("pack", Object, Always, ["", ""], "The pack that judged."),
    field("pack.name", Text, Always, ["rule.ruleset", "policy.name"], "Its name."),
    field("pack.version", Number, Always, ["rule.version", "policy.version, firewall_rule.version"], "Its version."),
    field("pack.hash", Text, Always, ["", "policy.uid"], "The first 16 hexadecimal digits of its content hash."),
    field("truncated", Flag, Always, ["", ""], "Whether the request was so large that some of it was not inspected."),
    field("suppressed", Object, Sometimes, ["", ""], "In an event that closes a window of suppression: what was left out in it. It names one rule and the host of the first request, no path; bytes and the longest seconds of what ended in it are in `response`."),
    field("suppressed.count", Number, Always, ["", "count"], "How many events were left out."),
    field("suppressed.since", Number, Always, ["event.start", "start_time"], "When the window opened, in milliseconds since 1970."),
    field("suppressed.by", OneOf(&["window", "rate"]), Always, ["", ""], "Why: `suppress_seconds` or `events_per_minute`."),
];

/// What is wrong with an event by the table; empty where nothing is.
pub fn check(event: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check_at(event, "", &mut wrong);
    wrong
}

fn check_at(value: &Value, path: &str, wrong: &mut Vec<String>) {
    let Value::Object(map) = value else {
        return wrong.push(format!("`{path}` is no object"));
    };
    let of = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in map {
        let path = of(key);
        match FIELDS.iter().find(|field| field.path == path) {
            None => wrong.push(format!("`{path}` is not in the table")),
            Some(field) => check_value(value, field, wrong),
        }
    }
    for field in FIELDS.iter().filter(|field| field.presence == Always) {
        let (parent, key) = field.path.rsplit_once('.').unwrap_or(("", field.path));
        if parent == path && !map.contains_key(key) {
            wrong.push(format!("`{}` is missing", field.path));
        }
    }
}

fn check_value(value: &Value, field: &Field, wrong: &mut Vec<String>) {
    let is_texts =
        |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let fits = match field.kind {
        Text => value.is_string(),
        Number => value.is_u64(),
        Ratio => value.as_f64().is_some_and(|number| (-1.0..=1.0).contains(&number)),
        Flag => value.is_boolean(),
        Texts => is_texts(value),
        OneOf(values) => value.as_str().is_some_and(|text| values.contains(&text)),
        Object => return check_at(value, field.path, wrong),
        Objects => match value.as_array() {
            None => false,
            Some(list) => {
                let path = format!("{}[]", field.path);
                return list.iter().for_each(|element| check_at(element, &path, wrong));
            }
        },
    };
    if !fits {
        wrong.push(format!("`{}` is {value}, not {}", field.path, name(field.kind)));
    }
}

fn name(kind: Kind) -> String {
    match kind {
        Text => "text".to_owned(),
        Number => "number".to_owned(),
        Ratio => "number from -1 to 1".to_owned(),
        Flag => "`true` or `false`".to_owned(),
        Texts => "list of texts".to_owned(),
        Objects => "list of objects".to_owned(),
        Object => "object".to_owned(),
        OneOf(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            values.join(", ")
        }
    }
}

/// The table as Markdown, for `docs/events.md`.
pub fn table() -> String {
    let mut text = String::from(
        "| field | is | there | means | ECS | OCSF |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let listed = |names: &str| {
        let names: Vec<_> = names.split(", ").filter(|it| !it.is_empty()).collect();
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    for Field { path, kind, presence, meaning, ecs, ocsf } in FIELDS {
        let there = match presence {
            Always => "always",
            Sometimes => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{path}` | {} | {there} | {meaning} | {} | {} |",
            name(*kind),
            listed(ecs),
            listed(ocsf),
        );
    }
    text
}
