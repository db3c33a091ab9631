//! Why a request gets its verdict: every rule that matches, and its condition with the truth of each
//! part.

mod json;
mod tree;

use inspect::pack::Phase;
use inspect::{Condition, Inspector, Mode, RuleId, Truth};

use crate::recorded::RecordedRequest;
pub use json::to_json;
pub use tree::{condition_lines, printable};

/// What a pack makes of a request, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The request line: method, URL and version, printable.
    pub request: String,
    /// What happens to it where matches are only reported.
    pub monitor: &'static str,
    /// What happens to it where rules are enforced.
    pub enforce: &'static str,
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
    /// The condition.
    pub condition: Condition,
}

/// Explains a request. `asked` are rules to explain even if they do not match.
pub fn explain(
    inspector: &mut Inspector,
    request: &RecordedRequest,
    asked: &[RuleId],
) -> Explanation {
    let verdict = inspector.inspect(&request.lend());
    let matched: Vec<_> = verdict.matches.iter().map(|matched| matched.rule).collect();
    // What the request decides is known: only the truth of the other rules can still be open.
    let rules = (0..).map(RuleId).zip(&inspector.pack().tables().rules);
    let undecided = rules.filter(|(_, rule)| rule.phase == Phase::Response).map(|(id, _)| id);
    let is_undecided = |rule: &RuleId| {
        inspector.condition(*rule).is_some_and(|condition| condition.truth == Truth::Unknown)
    };
    let undecided: Vec<_> = undecided.filter(is_undecided).collect();
    let others = asked.iter().copied();
    let others: Vec<_> =
        others.filter(|rule| !matched.contains(rule) && !undecided.contains(rule)).collect();
    let explained = |rules: &[RuleId]| {
        rules.iter().filter_map(|rule| explained_rule(inspector, *rule)).collect()
    };
    let line = [&request.method[..], &request.url(), &request.version].map(printable);
    Explanation {
        request: line.join(" ").trim_end().to_owned(),
        monitor: verdict.action(Mode::Monitor).as_str(),
        enforce: verdict.action(Mode::Enforce).as_str(),
        truncated: verdict.truncated,
        matches: explained(&matched),
        undecided: explained(&undecided),
        others: explained(&others),
    }
}

fn explained_rule(inspector: &Inspector, rule_id: RuleId) -> Option<ExplainedRule> {
    let tables = inspector.pack().tables();
    let rule = tables.rule(rule_id)?;
    Some(ExplainedRule {
        id: tables.str(rule.id).to_owned(),
        title: tables.str(rule.title).to_owned(),
        author: tables.str(rule.author).to_owned(),
        status: tables.str(rule.status).to_owned(),
        level: rule.level.as_str(),
        phase: rule.phase,
        tags: tables.rule_tags(rule).map(str::to_owned).collect(),
        condition: inspector.condition(rule_id)?,
    })
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
