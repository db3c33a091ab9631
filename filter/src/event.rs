//! The event: the log line about a request that rules matched.
//!
//! One JSON object in one line, one per request that any rule matched, written at level `warn` when
//! the request is over. A tunnel (CONNECT, an upgrade as WebSocket, or TLS that passes) may stay open for
//! hours, so it has an event when it opens and one when it is over, with its bytes and how long it ran.
//! Keys without a value are omitted.
//!
//! No value of the request is copied into it: the path is a template ([`inspect::redact`]), evidence
//! names the rule's pattern and not the text that it matched. The fields below are the schema; their
//! order is part of it. docs/events.md explains them, and tests check events of a real gateway against
//! its table.

mod fired;
mod line;

use inspect::pack::{Operation, Phase, Rule};
use inspect::{
    Action, Anomalies, Anomaly, BehaviourField, Decision, FieldValue, Mode, Pack, RuleMatch,
    Ruling, StrId, Usage, redact,
};
use std::borrow::Cow;

use crate::correlation::inline::Fired;
use crate::headers::Headers;
use crate::label::{cut, request_id, short_hash, traceparent};
use crate::limits::{MAX_LISTED_RULES, MAX_NAME_BYTES, MAX_TAGS};
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, Snapshot, without_port};
use fired::fired_correlation;

/// The version of the schema; grows when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// One request that rules matched.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "fields are called as their keys in the log")]
pub(crate) struct Event<'e> {
    /// Always `tidegate.match`: distinguishes events from other lines of a log.
    event: &'static str,
    /// The version of this schema.
    schema: u32,
    /// When the event was written, in milliseconds since 1970.
    time: Option<u64>,
    /// `monitor` or `enforce`.
    mode: &'static str,
    /// `observe` (the request passed) or `deny` (it was answered with 403, or with 503 if it was
    /// truncated and the filter fails closed).
    action: &'static str,
    /// True if mode `enforce` denies such a request: a rule matched on the request alone.
    would_deny: bool,
    /// The techniques of MITRE ATT&CK that the rules are tagged with, as `T1102.002`, sorted.
    techniques: Vec<String>,
    /// How many rules matched; `rules` lists at most 64.
    n_rules: usize,
    /// The rules that matched, in the pack's order, and behind them the correlations that fired.
    rules: Vec<MatchedRule<'e>>,
    /// The request's anomalies, by the names in docs/evasions.md.
    anomalies: Vec<&'static str>,
    /// What is known of the fields of behaviour that the rules ask for, by their names without
    /// `tidegate.`.
    behaviour: Vec<(&'static str, FieldValue)>,
    /// `open` in the event of a tunnel that opens or of a request that is still running, `closed` in its
    /// second event, when it is over; absent in the event of a request that is over.
    stream: Option<&'static str>,
    /// The request.
    request: RequestPart<'e>,
    /// The response; absent if the stream ended before one.
    response: Option<ResponsePart>,
    /// The parts of Envoy's configuration that the request went through; absent if none has a name.
    gateway: GatewayPart,
    /// The pack that judged.
    pack: PackPart<'e>,
    /// True if the request was so large that part of it was not inspected.
    truncated: bool,
    /// The suppressed events, in an event that closes a window of suppression.
    suppressed: Option<Suppressed>,
}

/// Events that were not written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suppressed {
    /// How many events.
    pub(crate) count: u32,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: u64,
    /// Why: `window` or `rate`.
    pub(crate) by: &'static str,
}

/// A rule that matched.
#[derive(Debug)]
struct MatchedRule<'e> {
    /// Sigma `id`, or the title if the rule has none.
    id: Cow<'e, str>,
    /// Sigma `title`.
    title: Cow<'e, str>,
    /// Sigma `level`.
    level: &'static str,
    /// Sigma `author`: the Detection Rule License requires it wherever a match is shown.
    author: Cow<'e, str>,
    /// Sigma `tags`.
    tags: Vec<Cow<'e, str>>,
    /// `request`: known with the request headers, can be enforced; `response`: can only report.
    phase: &'static str,
    /// In which form of the request the rule matched.
    view: &'static str,
    /// `correlation` if it is one that fired; absent for a rule.
    kind: Option<&'static str>,
    /// What the correlation counted.
    value: Option<u64>,
    /// The policy's ruling on the match.
    policy: PolicyPart<'e>,
    /// The detection items that hold; empty for a rule that matches because something is missing.
    evidence: Vec<Found<'e>>,
}

/// The policy's ruling on a match; each part is absent if the policy does not mention it.
#[derive(Debug, Default)]
struct PolicyPart<'e> {
    /// The match's mode, if a statement or the policy's default differs from the plugin's mode.
    mode: Option<&'static str>,
    /// The statement of the policy that decided.
    statement: Option<Cow<'e, str>>,
    /// The exception that excused the match.
    exception: Option<Cow<'e, str>>,
    /// An exception that would have, but has expired.
    expired: Option<Cow<'e, str>>,
}

/// A detection item that holds.
#[derive(Debug)]
struct Found<'e> {
    /// The field, as `cs-host`; `keywords` for a keyword.
    field: Cow<'e, str>,
    /// The field and its modifiers as the rule writes them, as `cs-host|endswith`.
    item: Cow<'e, str>,
    /// The rule's value that matched. Never the request's.
    pattern: Cow<'e, str>,
}

/// The request, redacted.
#[derive(Debug)]
struct RequestPart<'e> {
    /// `x-request-id`, if it is an id and nothing else.
    id: Option<&'e str>,
    /// `traceparent`, if it has the form of W3C Trace Context.
    traceparent: Option<&'e str>,
    /// The method; `{}` where it may be a secret.
    method: &'e str,
    /// Host and port as sent, without userinfo; bytes that are not printable ASCII as `\xff`.
    host: Cow<'e, str>,
    /// The server name that the client asked for in TLS, escaped like `host`.
    sni: Option<String>,
    /// The target of the CONNECT in whose tunnel the request arrived, escaped like `host`.
    tunnel: Option<String>,
    /// The path's template: words are kept, possible identifiers and secrets are `{}`.
    /// Absent for CONNECT.
    path: Option<Cow<'e, str>>,
    /// The service that the host belongs to.
    service: Option<Cow<'e, str>>,
    /// What the request does to the service.
    operations: Vec<&'static str>,
    /// The policy's knowledge of this use of the service: `sanctioned`, `known` (for another source)
    /// or `new`.
    usage: Option<&'static str>,
    /// The keyed hash of the tenant in the URL, as policies can list it.
    tenant: Option<String>,
    /// The keyed hash of the credential in the URL.
    credential: Option<String>,
    /// The client's address, without port.
    source: Option<String>,
    /// The client's identity: the URI in the subject alternative name of its certificate (SPIFFE id), or
    /// else the header that a trusted hop set.
    identity: Option<String>,
}

/// The response.
#[derive(Debug)]
struct ResponsePart {
    /// The status code that the client got; for a denied request the gateway's own.
    code: Option<u16>,
    /// The gRPC status of a denial: its `code` is 200 then.
    grpc_status: Option<u8>,
    /// Bytes of body that the client announced (`content-length`) or else sent. Absent in the
    /// first event of a tunnel.
    request_bytes: Option<u64>,
    /// Bytes of body that the client got, as `%BYTES_SENT%` counts. Absent in the first event of
    /// a tunnel.
    response_bytes: Option<u64>,
    /// How long it ran, in seconds; only in the second event of a stream.
    seconds: Option<u64>,
    /// The address that the gateway connected to, without port.
    upstream: Option<String>,
}

/// Envoy's names for the route of a request, escaped like the host.
#[derive(Debug, Default)]
struct GatewayPart {
    /// `node.id`.
    node: Option<String>,
    /// The filter chain of the listener.
    filter_chain: Option<String>,
    /// The virtual host.
    virtual_host: Option<String>,
    /// The route.
    route: Option<String>,
    /// The upstream cluster; absent for a denied request.
    cluster: Option<String>,
}

/// The pack that judged.
#[derive(Debug)]
struct PackPart<'e> {
    /// Its name.
    name: Cow<'e, str>,
    /// Its version.
    version: u64,
    /// The first 16 hexadecimal digits of its content hash.
    hash: String,
}

/// The facts that an event is written from.
#[derive(Debug)]
pub(crate) struct EventFacts<'f> {
    pub(crate) pack: &'f Pack,
    pub(crate) mode: Mode,
    pub(crate) action: Action,
    pub(crate) would_deny: bool,
    pub(crate) truncated: bool,
    pub(crate) matches: &'f [&'f RuleMatch],
    /// The correlations that fired with the request.
    pub(crate) fired: &'f [Fired],
    pub(crate) decision: &'f Decision,
    /// The ruling on each match, in their order.
    pub(crate) rulings: &'f [Ruling],
    pub(crate) anomalies: Anomalies,
    /// The fields of behaviour that the rules ask for, and what is known of them.
    pub(crate) behaviour: Vec<(BehaviourField, FieldValue)>,
    pub(crate) snapshot: &'f Snapshot,
    pub(crate) headers: &'f Headers<'f>,
    pub(crate) identity: Option<&'f [u8]>,
    pub(crate) response: &'f ResponseSnapshot,
    pub(crate) gateway: &'f GatewaySnapshot,
    /// Milliseconds since 1970.
    pub(crate) time: Option<u64>,
    pub(crate) suppressed: Option<Suppressed>,
    /// Set for a request with two events.
    pub(crate) stream: Option<StreamState>,
}

/// The state of a long request that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamState {
    /// It is a tunnel or connection that may stay open for hours, and it is the current stream.
    Opened,
    /// It is still running, and another stream may be the current one.
    Running,
    /// It is over, and an event was written while it was running.
    Closed,
}

impl<'e> Event<'e> {
    /// Makes the event of a request.
    pub(crate) fn new(facts: &'e EventFacts<'e>) -> Event<'e> {
        let tables = facts.pack.tables();
        let rules = || {
            let matches = (0..).zip(facts.matches).take(MAX_LISTED_RULES);
            matches.filter_map(|(idx, matched): (usize, _)| {
                Some((*matched, tables.rule(matched.rule)?, facts.rulings.get(idx)))
            })
        };
        let fired = || {
            let listed = facts.fired.iter().take(MAX_LISTED_RULES);
            listed.filter_map(|fired| Some((fired, tables.correlation(fired.correlation)?)))
        };
        let tags = rules().flat_map(|(_, rule, _)| tables.rule_tags(rule));
        let fired_tags = fired().flat_map(|(_, of)| tables.correlation_tags(of));
        let tags = tags.chain(fired_tags.map(|tag| tables.str(*tag)));
        let text = |id: StrId| cut(tables.str(id));
        let of_request = facts.snapshot.shown(facts.pack, facts.headers);
        let hash = |hash: Option<u64>| hash.map(|hash| format!("{hash:016x}"));
        Event {
            event: "tidegate.match",
            schema: SCHEMA,
            time: facts.time,
            mode: facts.mode.as_str(),
            action: facts.action.as_str(),
            would_deny: facts.would_deny,
            techniques: techniques(tags),
            n_rules: facts.matches.len() + facts.fired.len(),
            rules: rules()
                .map(|(matched, rule, ruling)| {
                    let policy = ruling.map(|ruling| PolicyPart {
                        mode: (ruling.mode != facts.mode).then(|| ruling.mode.as_str()),
                        statement: ruling.statement.map(text),
                        exception: ruling.exception.map(text),
                        expired: ruling.expired.map(text),
                    });
                    matched_rule(facts.pack, matched, rule, policy.unwrap_or_default())
                })
                .chain(fired().map(|(fired, of)| fired_correlation(tables, *fired, of, facts.mode)))
                .collect(),
            stream: facts.stream.map(|state| match state {
                StreamState::Opened | StreamState::Running => "open",
                StreamState::Closed => "closed",
            }),
            anomalies: facts.anomalies.iter().map(Anomaly::as_str).collect(),
            behaviour: facts.behaviour.iter().map(|(field, value)| (key(*field), *value)).collect(),
            request: RequestPart {
                id: facts.headers.request_id.and_then(request_id),
                traceparent: facts.headers.traceparent.and_then(traceparent),
                method: redact::method(facts.headers.method),
                host: of_request.host.as_str().into(),
                sni: facts.snapshot.server_name.as_deref().map(redact::host),
                tunnel: facts.snapshot.connect_target.as_deref().map(redact::host),
                path: of_request.path.as_deref().map(Cow::Borrowed),
                service: facts.decision.service.map(text),
                operations: facts.decision.operations.iter().map(Operation::as_str).collect(),
                usage: facts.decision.usage.map(Usage::as_str),
                tenant: hash(facts.decision.identity),
                credential: hash(facts.decision.credential),
                source: facts.snapshot.source_address.as_deref().map(without_port).map(shown),
                identity: facts.identity.map(shown),
            },
            response: response_part(facts.response, grpc_status(facts)),
            gateway: gateway_part(facts.gateway),
            pack: PackPart {
                name: cut(&tables.name),
                version: tables.version,
                hash: short_hash(facts.pack),
            },
            truncated: facts.truncated,
            suppressed: facts.suppressed,
        }
    }
}

/// Returns the key of a field of behaviour.
fn key(field: BehaviourField) -> &'static str {
    let name = field.as_str();
    name.strip_prefix("tidegate.").unwrap_or(name)
}

fn matched_rule<'e>(
    pack: &'e Pack,
    matched: &'e RuleMatch,
    rule: &Rule,
    policy: PolicyPart<'e>,
) -> MatchedRule<'e> {
    let tables = pack.tables();
    let evidence = matched.evidence.iter().map(|evidence| Found {
        field: cut(&evidence.field),
        item: cut(&evidence.label),
        pattern: cut(&evidence.pattern),
    });
    MatchedRule {
        id: cut(tables.str(rule.id)),
        title: cut(tables.str(rule.title)),
        level: rule.level.as_str(),
        author: cut(tables.str(rule.author)),
        tags: tables.rule_tags(rule).take(MAX_TAGS).map(cut).collect(),
        phase: match matched.phase {
            Phase::Request => "request",
            Phase::Response => "response",
        },
        view: matched.view.as_str(),
        kind: None,
        value: None,
        policy,
        evidence: evidence.collect(),
    }
}

fn response_part(response: &ResponseSnapshot, grpc_status: Option<u8>) -> Option<ResponsePart> {
    let seen = response.response();
    let part = ResponsePart {
        code: seen.status,
        grpc_status,
        request_bytes: seen.request_bytes,
        response_bytes: seen.response_bytes,
        seconds: response.seconds,
        upstream: seen.upstream_address.map(shown),
    };
    let is_known = part.code.is_some() || part.upstream.is_some() || part.seconds.is_some();
    is_known.then_some(part)
}

/// Returns the gRPC status of a local response: Envoy sends it with the status 200 to a client whose
/// request says that it is gRPC.
fn grpc_status(facts: &EventFacts<'_>) -> Option<u8> {
    const PERMISSION_DENIED: u8 = 7;
    const UNAVAILABLE: u8 = 14;
    let is_denied = facts.action == Action::Deny && facts.headers.is_grpc();
    is_denied.then_some(match facts.decision.action {
        Action::Deny => PERMISSION_DENIED,
        // It was refused for another reason.
        Action::Observe | Action::Allow => UNAVAILABLE,
    })
}

fn gateway_part(gateway: &GatewaySnapshot) -> GatewayPart {
    let name = |name: &Option<Vec<u8>>| name.as_deref().map(shown);
    GatewayPart {
        node: name(&gateway.node),
        filter_chain: name(&gateway.filter_chain),
        virtual_host: name(&gateway.virtual_host),
        route: name(&gateway.route),
        cluster: name(&gateway.cluster),
    }
}

/// Returns the techniques that tags name, sorted, each once.
fn techniques<'t>(tags: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut techniques: Vec<String> = Vec::new();
    for technique in tags.filter_map(technique) {
        if let Err(at) = techniques.binary_search(&technique) {
            techniques.insert(at, technique);
        }
    }
    techniques
}

/// Returns the technique that a tag names: `T1102.002` for `attack.t1102.002`.
fn technique(tag: &str) -> Option<String> {
    let id = tag.strip_prefix("attack.t")?;
    let numbers = id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (numbers && id.starts_with(|char: char| char.is_ascii_digit()) && id.len() <= 8)
        .then(|| format!("T{id}"))
}

/// Returns bytes of the request that are not secret as printable ASCII.
fn shown(bytes: &[u8]) -> String {
    bytes.get(..MAX_NAME_BYTES).unwrap_or(bytes).escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
