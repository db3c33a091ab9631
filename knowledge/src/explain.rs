//! Why a request gets its verdict: every rule that matches, and its condition with the truth of each
//! part.

mod json;
mod tree;

use diagnostics::printable;
use inspect::pack::{Operation, Phase, Tables};
use inspect::{
    Allowance, Condition, IdentityKey, Inspector, Mode, PolicyQuery, Request, RuleId, Ruling,
    Source, StrId, Truth, Usage, User,
};

pub use json::to_json;

use crate::policy;
use traffic::RecordedRequest;
pub use tree::condition_lines;

/// What a policy is asked with, beside the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyContext<'s> {
    /// Who sends it.
    pub source: Source<'s>,
    /// When, in seconds since 1970.
    pub now: u64,
    /// The key of the identities that the policy lists.
    pub key: Option<IdentityKey>,
}

/// The verdict of a pack on a request, with the reasons.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The request line: method, URL and version, printable.
    pub request: String,
    /// What happens to it where matches are only reported.
    pub monitor: &'static str,
    /// What happens to it where rules are enforced.
    pub enforce: &'static str,
    /// The service that the request goes to.
    pub service: Option<String>,
    /// What it does to the service.
    pub operations: Vec<&'static str>,
    /// What the policy knows of this use of the service.
    pub usage: Option<&'static str>,
    /// What the policy's allow-lists say of it; `None` if its source is in no group that has one.
    pub allowance: Option<String>,
    /// Whether some of the request was larger than the bounds and not looked at.
    pub truncated: bool,
    /// The rules that match.
    pub matches: Vec<ExplainedRule>,
    /// The rules that the response will decide.
    pub undecided: Vec<ExplainedRule>,
    /// The rules that were asked for and do not match.
    pub others: Vec<ExplainedRule>,
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
    /// The condition.
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
    context: &PolicyContext<'_>,
) -> Explanation {
    let lent = request.lend();
    let user = User { source: context.source, key: context.key };
    let verdict = inspector.inspect_of(&lent, &user);
    let decide = |bound: Mode| {
        let PolicyContext { source, now, key } = *context;
        inspector.pack().decide(&verdict, &PolicyQuery { request: &lent, source, now, bound, key })
    };
    let (monitor, enforce) = (decide(Mode::Monitor), decide(Mode::Enforce));
    let matched: Vec<_> =
        verdict.matches.iter().map(|matched| (matched.rule, matched.phase)).collect();
    let n_rules = inspector.pack().tables().rules.len();
    let is_matched = |rule: RuleId| matched.iter().any(|(matched, _)| *matched == rule);
    let is_undecided = |rule: RuleId| {
        inspector.condition(rule).is_some_and(|condition| condition.truth == Truth::Unknown)
    };
    let mut undecided = Vec::new();
    if verdict.pending {
        let rules = (0..).map(RuleId).take(n_rules);
        let rules = rules.filter(|rule| !is_matched(*rule) && is_undecided(*rule));
        undecided.extend(rules.map(|rule| (rule, Phase::Response)));
    }
    let is_listed = |rule: RuleId| {
        is_matched(rule) || undecided.iter().any(|(undecided, _)| *undecided == rule)
    };
    let others = asked
        .iter()
        .filter(|rule| !is_listed(**rule))
        .filter_map(|rule| Some((*rule, inspector.pack().tables().rule(*rule)?.phase)));
    let others: Vec<_> = others.collect();
    let explained = |rules: &[(RuleId, Phase)]| -> Vec<ExplainedRule> {
        let of = |(rule, phase): &(RuleId, Phase)| explained_rule(inspector, *rule, *phase);
        rules.iter().filter_map(of).collect()
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
        monitor: monitor.action.as_str(),
        enforce: enforce.action.as_str(),
        service: enforce.service.map(|service| tables.str(service).to_owned()),
        operations: enforce.operations.iter().map(Operation::as_str).collect(),
        allowance: explained_allowance(inspector, &lent, context),
        usage: enforce.usage.filter(|_| tables.policy.is_given()).map(Usage::as_str),
        truncated: verdict.truncated,
        matches,
        undecided: explained(&undecided),
        others: explained(&others),
    }
}

fn explained_rule(inspector: &Inspector, rule_id: RuleId, phase: Phase) -> Option<ExplainedRule> {
    let tables = inspector.pack().tables();
    let rule = tables.rule(rule_id)?;
    Some(ExplainedRule {
        id: tables.str(rule.id).to_owned(),
        title: tables.str(rule.title).to_owned(),
        author: tables.str(rule.author).to_owned(),
        status: tables.str(rule.status).to_owned(),
        level: rule.level.as_str(),
        phase,
        tags: tables.rule_tags(rule).map(str::to_owned).collect(),
        ruling: None,
        condition: inspector.condition(rule_id)?,
    })
}

/// What the allow-lists say; `None` if the source is in no group that has one.
fn explained_allowance(
    inspector: &Inspector,
    request: &Request<'_>,
    context: &PolicyContext<'_>,
) -> Option<String> {
    let tables = inspector.pack().tables();
    let user = User { source: context.source, key: context.key };
    let group = |group: StrId| tables.str(group).escape_debug();
    match inspector.allowance(request, &user) {
        Allowance::NoGroup => None,
        Allowance::Unlisted(name) => Some(format!("not listed for group `{}`", group(name))),
        Allowance::Listed(name, entry) => {
            let entry = policy::entry_name(tables, entry);
            Some(format!("listed for group `{}`, by {entry}", group(name)))
        }
    }
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

/// The rules of a pack that have this id, or this title.
pub fn find_rules(inspector: &Inspector, id_or_title: &str) -> Vec<RuleId> {
    let tables = inspector.pack().tables();
    let rules = (0..).map(RuleId).zip(&tables.rules);
    let is_meant = |rule: &inspect::pack::Rule| {
        tables.str(rule.id).eq_ignore_ascii_case(id_or_title)
            || tables.str(rule.title) == id_or_title
    };
    rules.filter(|(_, rule)| is_meant(rule)).map(|(id, _)| id).collect()
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

impl Explanation {
    /// The explanation as text, for a person.
    pub fn to_text(&self) -> String {
        let mut lines = vec![
            format!("request  {}", self.request),
            format!("verdict  {}", self.verdict()),
            format!("action   {} in monitor mode, {} in enforce mode", self.monitor, self.enforce),
        ];
        if let Some(service) = &self.service {
            let usage = self.usage.map_or_else(String::new, |usage| format!(", {usage} use"));
            lines.push(format!("service  {}{usage}", printable(service.as_bytes())));
            if !self.operations.is_empty() {
                lines.push(format!("does     {}", self.operations.join(", ")));
            }
        }
        if let Some(allowance) = &self.allowance {
            lines.push(format!("allow    {allowance}"));
        }
        if self.truncated {
            lines.push(
                "note     the request is larger than the bounds; the rest was not looked at"
                    .to_owned(),
            );
        }
        for (heading, rules) in [
            ("matches", &self.matches),
            ("is decided with the response", &self.undecided),
            ("does not match", &self.others),
        ] {
            for rule in rules {
                lines.push(String::new());
                lines.extend(rule.lines(heading));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn verdict(&self) -> String {
        let matches = match self.matches.len() {
            0 => "no rule matches".to_owned(),
            1 => "1 rule matches".to_owned(),
            n_matches => format!("{n_matches} rules match"),
        };
        match self.undecided.len() {
            0 => matches,
            1 => format!("{matches}, 1 rule waits for the response"),
            n_undecided => format!("{matches}, {n_undecided} rules wait for the response"),
        }
    }
}

impl ExplainedRule {
    fn lines(&self, heading: &str) -> Vec<String> {
        let mut about = Vec::new();
        let phase = match self.phase {
            Phase::Request => "decided by the request",
            Phase::Response => "decided with the response, cannot deny",
        };
        for (name, value) in [
            ("id", self.id.as_str()),
            ("author", &self.author),
            ("level", self.level),
            ("status", &self.status),
            ("phase", phase),
            ("tags", &self.tags.join(", ")),
            ("policy", &self.ruling.as_ref().map_or_else(String::new, ExplainedRuling::line)),
        ] {
            if !value.is_empty() {
                about.push(format!("  {name:<8} {}", printable(value.as_bytes())));
            }
        }
        let title = printable(self.title.as_bytes());
        let mut lines = vec![format!("`{title}` {heading}")];
        lines.append(&mut about);
        lines.extend(condition_lines(&self.condition).iter().map(|line| format!("  {line}")));
        lines
    }
}

impl ExplainedRuling {
    fn line(&self) -> String {
        let mut line = match &self.statement {
            Some(statement) => format!("{} by statement `{statement}`", self.mode),
            None => format!("{} by default", self.mode),
        };
        for (exception, what) in [
            (&self.exception, "taken out by exception"),
            (&self.expired_exception, "no longer taken out by exception"),
        ] {
            if let Some(exception) = exception {
                line.push_str(&format!(", {what} `{exception}`"));
            }
        }
        line
    }
}
