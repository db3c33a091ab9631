//! Why a request gets its verdict, in the form in which the page draws it.

use diagnostics::printable;
use hunt::ObservedPair;
use inspect::pack::{Operation, Phase};
use inspect::{
    Condition, Inspector, Mode, Node, Pack, Request, RuleId, ServiceMatch, Truth, Usage, User,
    Verdict, View, plain_host,
};
use knowledge::explain::{self, ExplainedRule, Explanation, view_meaning};
use knowledge::limits::MAX_NEAREST;
use serde::Serialize;
use traffic::RecordedRequest;

use crate::decision::{decide, said};
use crate::limits::MAX_TIMES;

/// The explanation of one request. All text is printable: control characters are escaped.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The method.
    pub method: String,
    /// Header names and values that the engine sees.
    pub headers: Vec<(&'static str, String)>,
    /// The request in each of its readings; the first is raw.
    pub readings: Vec<Reading>,
    /// Names and meanings.
    pub anomalies: Vec<(&'static str, &'static str)>,
    /// The action in monitor mode.
    pub monitor: &'static str,
    /// The action in enforce mode.
    pub enforce: &'static str,
    /// True if a part of the request was beyond the bounds.
    pub truncated: bool,
    /// The service that it goes to, where one is known.
    pub service: Option<ServiceUse>,
    /// What its source did with its host, where the traffic is a log with times.
    pub behaviour: Option<OverTime>,
    /// The rules that match, then those that wait for the response, then those asked for, or else those that came
    /// nearest.
    pub rules: Vec<RuleExplained>,
}

/// A request in a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The view's name.
    pub view: &'static str,
    /// The URL, or the authority of a CONNECT.
    pub url: String,
    /// What the view is.
    pub meaning: &'static str,
    /// What was undone to come from the request as it was sent to this.
    pub undone: Vec<String>,
}

/// What a source did with a host over the whole log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverTime {
    /// The source.
    pub source: String,
    /// The host.
    pub host: String,
    /// The fields that have a value, as rules name them, and the values.
    pub fields: Vec<(&'static str, String)>,
    /// How many requests there were.
    pub n_requests: usize,
    /// When they were, in seconds since 1970; at most [`MAX_TIMES`] of them, from the first.
    pub times: Vec<u32>,
}

/// What a request does to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceUse {
    /// The name of the service.
    pub name: String,
    /// Its category; may be empty.
    pub category: String,
    /// The operations that the request fits: name and meaning.
    pub operations: Vec<(&'static str, &'static str)>,
    /// The tenant that the URL names.
    pub identity: Option<String>,
    /// What the pack's policy knows of the use; `None` without a policy.
    pub usage: Option<&'static str>,
}

/// A rule and its condition on the request.
#[derive(Clone, Debug, Serialize)]
pub struct RuleExplained {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The author, shown with every match.
    pub author: String,
    /// The level; may be empty.
    pub level: &'static str,
    /// `request` or `response`: when it is decided.
    pub phase: &'static str,
    /// Its tags.
    pub tags: Vec<String>,
    /// The view in which it matched.
    pub view: Option<&'static str>,
    /// The decision of the pack's policy on the match.
    pub policy: Vec<String>,
    /// One sentence: why it matches, waits or does not match.
    pub because: Vec<Piece>,
    /// The condition.
    pub condition: Part,
}

/// A piece of a sentence: words, or a value from the rule or the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The text, printable.
    pub text: String,
    /// True for a value.
    pub is_value: bool,
}

/// A part of a condition.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// The selection that it is.
    pub name: Option<String>,
    /// `true`, `false` or `not yet known`.
    pub truth: &'static str,
    /// `all`, `any`, `not` or `item`.
    pub kind: &'static str,
    /// Parts of `all`, `any` and `not`.
    pub parts: Vec<Part>,
    /// The field and modifiers of an item.
    pub label: String,
    /// The values that an item lists.
    pub values: Vec<String>,
    /// The text that was found.
    pub found: Option<Found>,
}

/// The evidence for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The field.
    pub field: String,
    /// The value of the rule.
    pub pattern: String,
    /// The part of the request's value before the evidence.
    pub before: String,
    /// The evidence.
    pub hit: String,
    /// The part after it.
    pub after: String,
}

/// What is known beside a request and the rules.
pub(crate) struct Context<'c> {
    /// The clock, in seconds since 1970.
    pub(crate) now: u64,
    /// Services for rules that come without.
    pub(crate) services: Option<&'c Pack>,
    /// What the source of the request did over time.
    pub(crate) observed: Option<ObservedPair>,
    /// True if the rules are those of the draft, which alone are run over time.
    pub(crate) is_draft: bool,
}

/// Explains a request; `asked` are rules to explain even if they do not match.
pub(crate) fn explained(
    inspector: &mut Inspector,
    recorded: &RecordedRequest,
    asked: &[RuleId],
    context: Context<'_>,
) -> Explained {
    let Context { now, services, observed, is_draft } = context;
    let request = recorded.lend();
    let behaviour = observed.as_ref().filter(|_| is_draft).map(|pair| pair.behaviour);
    let behaviour = behaviour.unwrap_or_default();
    let source = User::of(&request).source;
    let context = explain::Context { source, now, key: None, behaviour, n_nearest: MAX_NEAREST };
    let explanation = explain::explain(inspector, recorded, asked, &context);
    let pack = inspector.pack();
    let service = if pack.tables().services.services.is_empty() {
        let verdict = Verdict { anomalies: explanation.anomalies, ..Verdict::default() };
        services.and_then(|services| {
            let decision = decide(services, &verdict, &request, Mode::Enforce, now);
            let operations: Vec<_> = decision.operations.iter().collect();
            service_use(services, &request, &operations, decision.usage)
        })
    } else {
        service_use(pack, &request, &explanation.operations, explanation.usage)
    };
    let headers = [
        ("user-agent", &recorded.user_agent),
        ("referer", &recorded.referrer),
        ("cookie", &recorded.cookie),
        ("server name", &recorded.server_name),
    ];
    let headers =
        headers.into_iter().filter_map(|(name, value)| Some((name, printable(value.as_ref()?))));
    let behaviour = observed.map(|pair| OverTime {
        source: printable(pair.source.as_bytes()),
        host: printable(pair.host.as_bytes()),
        fields: pair.fields,
        n_requests: pair.times.len(),
        times: pair.times.into_iter().take(MAX_TIMES).collect(),
    });
    let Explanation { matches, undecided, others, nearest, .. } = explanation;
    let rules = [matches, undecided, others, nearest].into_iter().flatten();
    Explained {
        service,
        behaviour,
        method: printable(&recorded.method),
        headers: headers.collect(),
        readings: explanation.readings.into_iter().map(reading).collect(),
        anomalies: explanation.anomalies.iter().map(|of| (of.as_str(), of.meaning())).collect(),
        monitor: explanation.monitor,
        enforce: explanation.enforce,
        truncated: explanation.truncated,
        rules: rules.map(|rule| explain_rule(pack, rule)).collect(),
    }
}

fn reading(of: explain::Reading) -> Reading {
    let explain::Reading { view, url, undone } = of;
    Reading { view: view.as_str(), url, meaning: view_meaning(view), undone }
}

/// What a pack knows of the service of a request.
fn service_use(
    pack: &Pack,
    request: &Request<'_>,
    operations: &[Operation],
    usage: Option<Usage>,
) -> Option<ServiceUse> {
    let tables = pack.tables();
    let host = plain_host(request.authority)?;
    let found = ServiceMatch::of(tables, &host, request.path)?;
    let operations = operations.iter().map(|of| (of.as_str(), of.meaning()));
    let usage = usage.filter(|_| tables.policy.is_given());
    Some(ServiceUse {
        name: tables.str(found.name).to_owned(),
        category: found.category(tables).to_owned(),
        operations: operations.collect(),
        identity: found.identity_text(tables).map(|text| printable(text.as_bytes())),
        usage: usage.map(Usage::as_str),
    })
}

fn explain_rule(pack: &Pack, rule: ExplainedRule) -> RuleExplained {
    RuleExplained {
        policy: rule.ruling.as_ref().map(|ruling| said(pack, ruling)).unwrap_or_default(),
        because: rule.because.into_iter().map(Piece::from).collect(),
        condition: part(&rule.condition),
        id: rule.id,
        title: rule.title,
        author: rule.author,
        level: rule.level,
        phase: phase_name(rule.phase),
        tags: rule.tags,
        view: rule.view.map(View::as_str),
    }
}

pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Request => "request",
        Phase::Response => "response",
    }
}

fn part(of: &Condition) -> Part {
    let mut part = Part {
        name: of.name.clone(),
        truth: match of.truth {
            Truth::True => "true",
            Truth::False => "false",
            Truth::Unknown => "not yet known",
        },
        kind: "item",
        parts: Vec::new(),
        label: String::new(),
        values: Vec::new(),
        found: None,
    };
    match &of.node {
        Node::All(parts) => {
            part.kind = "all";
            part.parts = parts.iter().map(self::part).collect();
        }
        Node::Any(parts) => {
            part.kind = "any";
            part.parts = parts.iter().map(self::part).collect();
        }
        Node::Not(inner) => {
            part.kind = "not";
            part.parts = vec![self::part(inner)];
        }
        Node::Item { label, patterns, evidence, .. } => {
            label.clone_into(&mut part.label);
            patterns.clone_into(&mut part.values);
            part.found = evidence.as_ref().map(|evidence| explain::Found::of(evidence).into());
        }
    }
    part
}

impl From<explain::Found> for Found {
    fn from(found: explain::Found) -> Found {
        let explain::Found { field, pattern, before, hit, after } = found;
        Found { field, pattern, before, hit, after }
    }
}

impl From<explain::Piece> for Piece {
    fn from(piece: explain::Piece) -> Piece {
        let explain::Piece { text, is_value } = piece;
        Piece { text, is_value }
    }
}
