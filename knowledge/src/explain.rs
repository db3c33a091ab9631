//! Why a request gets its verdict: every rule that matches, and its condition with the truth of each
//! part.

mod found;
mod json;
mod sentence;
mod spelling;
mod text;
mod tree;

use diagnostics::{closest, printable};
use inspect::pack::{Operation, Phase, Tables};
use inspect::{
    Allowance, Anomalies, Behaviour, Condition, HeaderChange, IdentityKey, Inspector, Mode,
    PolicyQuery, Request, RuleId, Ruling, Source, StrId, Truth, Usage, User, View,
};
use traffic::RecordedRequest;

pub use found::Found;
pub use json::to_json;
pub use sentence::Piece;
pub use spelling::{Reading, view_meaning};
pub use tree::condition_lines;

use crate::policy;
use sentence::sentence;

/// What an explanation depends on beside the request and the rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'s> {
    /// Who sends it.
    pub source: Source<'s>,
    /// When, in seconds since 1970.
    pub now: u64,
    /// The key of the identities that the policy lists.
    pub key: Option<IdentityKey>,
    /// What the source did over time; the default where that is not known.
    pub behaviour: Behaviour,
    /// How many rules are explained where none matches, waits or was asked for: those that came nearest. Finding
    /// them takes as long as evaluating all rules.
    pub n_nearest: usize,
}

/// The verdict of a pack on a request, with the reasons.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The request line: method, URL and version, printable.
    pub request: String,
    /// Its user agent, printable: that of the log, of the command, or what the command's program sends by itself.
    pub user_agent: Option<String>,
    /// The request in each of its readings that differ; the first is the request as it was sent.
    pub readings: Vec<Reading>,
    /// What is odd about it.
    pub anomalies: Anomalies,
    /// What happens to it where matches are only reported.
    pub monitor: &'static str,
    /// What happens to it where rules are enforced.
    pub enforce: &'static str,
    /// The service that the request goes to.
    pub service: Option<String>,
    /// What it does to the service.
    pub operations: Vec<Operation>,
    /// What the policy knows of this use of the service; `None` without a policy.
    pub usage: Option<Usage>,
    /// What the policy's allow-lists say of it; `None` if its source is in no group that has one.
    pub allowance: Option<String>,
    /// What the policy does to the headers by which vendors restrict tenants, one after the other.
    pub headers: Vec<String>,
    /// Whether some of the request was larger than the bounds and not looked at.
    pub truncated: bool,
    /// The rules that match.
    pub matches: Vec<ExplainedRule>,
    /// The rules that the response will decide.
    pub undecided: Vec<ExplainedRule>,
    /// The rules that were asked for and do not match.
    pub others: Vec<ExplainedRule>,
    /// The rules that came nearest, where none matches, waits or was asked for; at most [`Context::n_nearest`].
    pub nearest: Vec<ExplainedRule>,
    /// True if the nearest rules were looked for and none is near.
    pub is_far: bool,
}

/// A rule and its condition on a request.
#[derive(Clone, Debug)]
pub struct ExplainedRule {
    /// Sigma `id`, or the title where a rule has none.
    pub id: String,
    /// Sigma `title`.
    pub title: String,
    /// Sigma `author`; shown with every match, as SigmaHQ's licence asks.
    pub author: String,
    /// Sigma `status`; may be empty.
    pub status: String,
    /// Sigma `level`; may be empty.
    pub level: &'static str,
    /// When the rule is decided.
    pub phase: Phase,
    /// Sigma `tags`.
    pub tags: Vec<String>,
    /// The decision of the policy on the match, if the pack has a policy.
    pub ruling: Option<ExplainedRuling>,
    /// The view in which it matched first; `None` if it does not match.
    pub view: Option<View>,
    /// One sentence: why it matches, waits or does not match.
    pub because: Vec<Piece>,
    /// The condition, on the request in that view, or as it was sent.
    pub condition: Condition,
}

/// The decision of a policy on a match in enforce mode.
#[derive(Clone, Debug)]
pub struct ExplainedRuling {
    /// How far the match goes.
    pub mode: &'static str,
    /// The statement that says so; without one, the policy's default.
    pub statement: Option<String>,
    /// The exception that takes the match out.
    pub exception: Option<String>,
    /// An exception that would have, if its time were not over.
    pub expired_exception: Option<String>,
}

/// Explains a request. `asked` are rules to explain even if they do not match.
pub fn explain(
    inspector: &mut Inspector,
    request: &RecordedRequest,
    asked: &[RuleId],
    context: &Context<'_>,
) -> Explanation {
    let lent = request.lend();
    let user = User { source: context.source, key: context.key };
    let verdict = inspector.inspect_with(&lent, &user, &context.behaviour);
    let decide = |bound: Mode| {
        let Context { source, now, key, .. } = *context;
        inspector.pack().decide(&verdict, &PolicyQuery { request: &lent, source, now, bound, key })
    };
    let (monitor, enforce) = (decide(Mode::Monitor), decide(Mode::Enforce));
    let matched = verdict.matches.iter().map(|of| (of.rule, of.phase, Some(of.view)));
    let matched: Vec<_> = matched.collect();
    let n_rules = inspector.pack().tables().rules.len();
    let is_matched = |rule: RuleId| matched.iter().any(|(matched, ..)| *matched == rule);
    let is_undecided = |rule: RuleId| {
        inspector.condition(rule).is_some_and(|condition| condition.truth == Truth::Unknown)
    };
    let mut undecided = Vec::new();
    if verdict.pending {
        let rules = (0..).map(RuleId).take(n_rules);
        let rules = rules.filter(|rule| !is_matched(*rule) && is_undecided(*rule));
        undecided.extend(rules.map(|rule| (rule, Phase::Response, None)));
    }
    let is_listed = |rule: RuleId| {
        is_matched(rule) || undecided.iter().any(|(undecided, ..)| *undecided == rule)
    };
    let with_phases = |rules: &[RuleId]| -> Vec<Listed> {
        let phase = |rule: RuleId| Some((rule, inspector.pack().tables().rule(rule)?.phase, None));
        rules.iter().filter(|rule| !is_listed(**rule)).filter_map(|rule| phase(*rule)).collect()
    };
    let others = with_phases(asked);
    let is_plain = matched.is_empty() && undecided.is_empty() && asked.is_empty();
    let nearest =
        if is_plain { with_phases(&inspector.nearest(context.n_nearest)) } else { Vec::new() };
    let is_far = is_plain && context.n_nearest > 0 && nearest.is_empty();
    let explained = |rules: &[Listed]| -> Vec<ExplainedRule> {
        rules.iter().filter_map(|rule| explained_rule(inspector, *rule)).collect()
    };
    let tables = inspector.pack().tables();
    let mut matches = explained(&matched);
    if tables.policy.is_given() {
        for (rule, ruling) in matches.iter_mut().zip(&enforce.rulings) {
            rule.ruling = Some(explained_ruling(tables, ruling));
        }
    }
    let line = [&request.method[..], &request.url(), &request.version].map(printable);
    Explanation {
        request: line.join(" ").trim_end().to_owned(),
        user_agent: request.user_agent.as_deref().map(printable),
        readings: spelling::readings(request),
        anomalies: verdict.anomalies,
        monitor: monitor.action.as_str(),
        enforce: enforce.action.as_str(),
        service: enforce.service.map(|service| tables.str(service).to_owned()),
        operations: enforce.operations.iter().collect(),
        allowance: explained_allowance(inspector, &lent, context),
        headers: explained_headers(inspector, &lent, context),
        usage: enforce.usage.filter(|_| tables.policy.is_given()),
        truncated: verdict.truncated,
        matches,
        undecided: explained(&undecided),
        others: explained(&others),
        nearest: explained(&nearest),
        is_far,
    }
}

/// A rule, when it is decided, and the view in which it matches.
type Listed = (RuleId, Phase, Option<View>);

fn explained_rule(inspector: &Inspector, (rule_id, phase, view): Listed) -> Option<ExplainedRule> {
    let tables = inspector.pack().tables();
    let rule = tables.rule(rule_id)?;
    let condition = inspector.condition(rule_id)?;
    Some(ExplainedRule {
        id: tables.str(rule.id).to_owned(),
        title: tables.str(rule.title).to_owned(),
        author: tables.str(rule.author).to_owned(),
        status: tables.str(rule.status).to_owned(),
        level: rule.level.as_str(),
        phase,
        tags: tables.rule_tags(rule).map(str::to_owned).collect(),
        ruling: None,
        view,
        because: sentence(&condition),
        condition,
    })
}

/// What the allow-lists say; `None` if the source is in no group that has one.
fn explained_allowance(
    inspector: &Inspector,
    request: &Request<'_>,
    context: &Context<'_>,
) -> Option<String> {
    let tables = inspector.pack().tables();
    let user = User { source: context.source, key: context.key };
    let group = |group: StrId| tables.str(group).escape_debug();
    match inspector.allowance(request, &user) {
        Allowance::NoGroup => None,
        Allowance::Unlisted(name) => {
            let hidden = if request.path.is_none() {
                "; what is done in the tunnel is not seen"
            } else {
                ""
            };
            Some(format!("not listed for group `{}`{hidden}", group(name)))
        }
        Allowance::Listed(name, entry) => {
            let entry = policy::entry_name(tables, entry);
            Some(format!("listed for group `{}`, by {entry}", group(name)))
        }
    }
}

/// What the policy does to each header that restricts tenants, as one line each.
fn explained_headers(
    inspector: &Inspector,
    request: &Request<'_>,
    context: &Context<'_>,
) -> Vec<String> {
    let changes = inspector.pack().header_changes(request, || context.source);
    let line = |change: HeaderChange<'_>| match change.value {
        Some(value) => format!("sets {}: {}", change.name, printable(value.as_bytes())),
        None => format!("removes {} if the client sends it", change.name),
    };
    changes.into_iter().map(line).collect()
}

fn explained_ruling(tables: &Tables, ruling: &Ruling) -> ExplainedRuling {
    let text = |id: Option<StrId>| id.map(|id| tables.str(id).to_owned());
    ExplainedRuling {
        mode: ruling.mode.as_str(),
        statement: text(ruling.statement),
        exception: text(ruling.exception),
        expired_exception: text(ruling.expired),
    }
}

/// The rules of a pack that have this id, or this title, in either case of letters.
pub fn find_rules(inspector: &Inspector, id_or_title: &str) -> Vec<RuleId> {
    let tables = inspector.pack().tables();
    let wanted = id_or_title.to_lowercase();
    let rules = (0..).map(RuleId).zip(&tables.rules);
    let is_meant = |rule: &inspect::pack::Rule| {
        tables.str(rule.id).eq_ignore_ascii_case(id_or_title)
            || tables.str(rule.title).to_lowercase() == wanted
    };
    rules.filter(|(_, rule)| is_meant(rule)).map(|(id, _)| id).collect()
}

/// The title of a rule of a pack near a text that is no rule's id or title: a misspelt one, or else the only one
/// that contains it.
pub fn near_title<'i>(inspector: &'i Inspector, text: &str) -> Option<&'i str> {
    let tables = inspector.pack().tables();
    let titles = || tables.rules.iter().map(|rule| tables.str(rule.title));
    let wanted = text.to_lowercase();
    closest(text, titles()).or_else(|| {
        let mut with_text = titles().filter(|title| title.to_lowercase().contains(&wanted));
        with_text.next().filter(|_| with_text.next().is_none())
    })
}

/// What a truth is called.
pub(crate) fn truth_name(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "not yet known",
    }
}

/// What a phase is called.
pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Request => "request",
        Phase::Response => "response",
    }
}
