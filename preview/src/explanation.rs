//! Why a request gets its verdict, in the form in which the page draws it.

use diagnostics::printable;
use hunt::ObservedPair;
use inspect::pack::Phase;
use inspect::{
    Anomaly, Condition, Decision, Evidence, Inspector, Mode, Node, Pack, Request, RuleId,
    ServiceMatch, Truth, User, Verdict, View, Views, plain_host,
};
use serde::Serialize;
use traffic::RecordedRequest;

use crate::decision::{decide, said};
use crate::limits::MAX_TIMES;
use crate::sentence::{Piece, sentence};
use crate::undone::{Spelling, meaning, undone};

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
    /// The rules that match, then those that wait for the response, then those asked for.
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
#[expect(clippy::too_many_lines, reason = "one part of the explanation after the other")]
pub(crate) fn explain(
    inspector: &mut Inspector,
    recorded: &RecordedRequest,
    asked: &[RuleId],
    context: Context<'_>,
) -> Explained {
    let Context { now, services, observed, is_draft } = context;
    let request = recorded.lend();
    let behaviour = observed.as_ref().filter(|_| is_draft).map(|pair| pair.behaviour);
    let behaviour = behaviour.unwrap_or_default();
    let verdict = inspector.inspect_with(&request, &User::of(&request), &behaviour);
    let decide = |bound| decide(inspector.pack(), &verdict, &request, bound, now);
    let (monitor, enforce) = (decide(Mode::Monitor), decide(Mode::Enforce));
    let tables = inspector.pack().tables();
    let matched = verdict.matches.iter().map(|of| (of.rule, of.phase, Some(of.view)));
    let mut rules: Vec<_> = matched.collect();
    let is_undecided =
        |rule: RuleId| inspector.condition(rule).is_some_and(|of| of.truth == Truth::Unknown);
    for (rule, of_pack) in (0..).map(RuleId).zip(&tables.rules) {
        if verdict.matches.iter().any(|matched| matched.rule == rule) {
            continue;
        }
        if verdict.pending && is_undecided(rule) {
            rules.push((rule, Phase::Response, None));
        } else if asked.contains(&rule) {
            rules.push((rule, of_pack.phase, None));
        }
    }
    // Rules that match come first, in the order of their rulings.
    let rulings = enforce.rulings.iter().map(|ruling| said(inspector.pack(), ruling));
    let policies = rulings.chain(std::iter::repeat(Vec::new()));
    let rules = rules.iter().zip(policies).filter_map(|((rule, phase, view), policy)| {
        Some(RuleExplained { policy, ..explain_rule(inspector, *rule, *phase, *view)? })
    });
    let views = Views::of(&request);
    let sent = Spelling {
        authority: &recorded.authority,
        path: recorded.path.as_deref().unwrap_or_default(),
    };
    let mut readings = vec![Reading {
        view: View::Raw.as_str(),
        url: printable(&recorded.url()),
        meaning: meaning(View::Raw),
        undone: Vec::new(),
    }];
    for form in views.forms() {
        let reading = RecordedRequest {
            authority: form.authority.clone().unwrap_or_else(|| recorded.authority.clone()),
            path: form.path.clone().or_else(|| recorded.path.clone()),
            ..recorded.clone()
        };
        let url = printable(&reading.url());
        if readings.iter().any(|known| known.url == url) {
            continue;
        }
        let read = Spelling {
            authority: &reading.authority,
            path: reading.path.as_deref().unwrap_or_default(),
        };
        let undone = match form.view {
            View::Raw | View::Canonical | View::Decoded => undone(sent, read),
            View::ServerName | View::Tunnel => Vec::new(),
        };
        readings.push(Reading {
            view: form.view.as_str(),
            url,
            meaning: meaning(form.view),
            undone,
        });
    }
    let headers = [
        ("user-agent", &recorded.user_agent),
        ("referer", &recorded.referrer),
        ("cookie", &recorded.cookie),
        ("server name", &recorded.server_name),
    ];
    let headers =
        headers.into_iter().filter_map(|(name, value)| Some((name, printable(value.as_ref()?))));
    let anomalies = verdict.anomalies.iter().map(|of: Anomaly| (of.as_str(), of.meaning()));
    let pack = inspector.pack();
    let service = if pack.tables().services.services.is_empty() {
        let verdict = Verdict { anomalies: verdict.anomalies, ..Verdict::default() };
        services.and_then(|services| {
            let decision =
                crate::decision::decide(services, &verdict, &request, Mode::Enforce, now);
            service_use(services, &request, &decision)
        })
    } else {
        service_use(pack, &request, &enforce)
    };
    let behaviour = observed.map(|pair| OverTime {
        source: printable(pair.source.as_bytes()),
        host: printable(pair.host.as_bytes()),
        fields: pair.fields,
        n_requests: pair.times.len(),
        times: pair.times.into_iter().take(MAX_TIMES).collect(),
    });
    Explained {
        service,
        behaviour,
        method: printable(&recorded.method),
        headers: headers.collect(),
        readings,
        anomalies: anomalies.collect(),
        monitor: monitor.action.as_str(),
        enforce: enforce.action.as_str(),
        truncated: verdict.truncated,
        rules: rules.collect(),
    }
}

/// What a decision knows of the service of a request.
fn service_use(pack: &Pack, request: &Request<'_>, decision: &Decision) -> Option<ServiceUse> {
    let tables = pack.tables();
    let host = plain_host(request.authority)?;
    let found = ServiceMatch::of(tables, &host, request.path)?;
    let operations = decision.operations.iter().map(|of| (of.as_str(), of.meaning()));
    let usage = decision.usage.filter(|_| tables.policy.is_given());
    Some(ServiceUse {
        name: tables.str(found.name).to_owned(),
        category: found.category(tables).to_owned(),
        operations: operations.collect(),
        identity: found.identity_text(tables).map(|text| printable(text.as_bytes())),
        usage: usage.map(inspect::Usage::as_str),
    })
}

fn explain_rule(
    inspector: &Inspector,
    rule_id: RuleId,
    phase: Phase,
    view: Option<View>,
) -> Option<RuleExplained> {
    let tables = inspector.pack().tables();
    let rule = tables.rule(rule_id)?;
    let condition = inspector.condition(rule_id)?;
    Some(RuleExplained {
        id: tables.str(rule.id).to_owned(),
        title: tables.str(rule.title).to_owned(),
        author: tables.str(rule.author).to_owned(),
        level: rule.level.as_str(),
        phase: phase_name(phase),
        tags: tables.rule_tags(rule).map(str::to_owned).collect(),
        view: view.map(View::as_str),
        policy: Vec::new(),
        because: sentence(&condition),
        condition: part(&condition),
    })
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
        Node::Item { label, patterns, evidence } => {
            label.clone_into(&mut part.label);
            patterns.clone_into(&mut part.values);
            part.found = evidence.as_ref().map(found);
        }
    }
    part
}

/// The evidence inside its value: the longest literal piece of the pattern, or all of the value.
fn found(evidence: &Evidence) -> Found {
    let pattern = evidence.pattern.to_ascii_lowercase();
    let literal = pattern.split(['*', '?']).max_by_key(|piece| piece.len()).unwrap_or_default();
    let value = &evidence.value;
    let folded = value.to_ascii_lowercase();
    let at = match literal.len() {
        0 => None,
        n_bytes => folded.windows(n_bytes).position(|window| window == literal.as_bytes()),
    };
    let (start, end) = at.map_or((0, value.len()), |at| (at, at + literal.len()));
    let slice = |from: usize, to: usize| printable(value.get(from..to).unwrap_or_default());
    Found {
        field: evidence.field.clone(),
        pattern: evidence.pattern.clone(),
        before: slice(0, start),
        hit: slice(start, end),
        after: slice(end, value.len()),
    }
}
