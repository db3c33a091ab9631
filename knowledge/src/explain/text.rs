//! An explanation as text, for a person.

use diagnostics::printable;
use inspect::pack::Phase;
use inspect::{Usage, View};

use super::{
    ExplainedRule, ExplainedRuling, Explanation, Piece, Reading, condition_lines, view_meaning,
};

impl Explanation {
    /// The explanation as text, for a person.
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!("request  {}", self.request)];
        if let Some(user_agent) = self.user_agent.as_ref().filter(|agent| !agent.is_empty()) {
            lines.push(format!("agent    {user_agent}"));
        }
        lines.extend([
            format!("verdict  {}", self.verdict()),
            format!("action   {} in monitor mode, {} in enforce mode", self.monitor, self.enforce),
        ]);
        if let Some(service) = &self.service {
            let usage = self.usage.map(Usage::as_str);
            let usage = usage.map_or_else(String::new, |usage| format!(", {usage} use"));
            lines.push(format!("service  {}{usage}", printable(service.as_bytes())));
            if !self.operations.is_empty() {
                let operations = self.operations.iter().map(|of| of.as_str());
                lines.push(format!("does     {}", operations.collect::<Vec<_>>().join(", ")));
            }
        }
        if let Some(allowance) = &self.allowance {
            lines.push(format!("allow    {allowance}"));
        }
        lines.extend(self.headers.iter().map(|change| format!("header   {change}")));
        for anomaly in self.anomalies.iter() {
            lines.push(format!("odd      {} (`{}`)", anomaly.meaning(), anomaly.as_str()));
        }
        for reading in self.readings.iter().skip(1) {
            let Reading { view, url, undone } = reading;
            let undone = match undone.as_slice() {
                [] => String::new(),
                undone => format!("; undone: {}", undone.join("; ")),
            };
            lines.push(format!("read as  `{url}` ({}{undone})", view.as_str()));
        }
        if self.truncated {
            lines.push(
                "note     the request is larger than the bounds; the rest was not looked at"
                    .to_owned(),
            );
        }
        if self.is_far {
            let what = if self.service.is_some() { "this host or service" } else { "this host" };
            lines.push(format!(
                "note     no rule is near: none asks for {what}; `--rule TITLE` explains any of them"
            ));
        }
        if !self.nearest.is_empty() {
            lines.push(String::new());
            lines.push("The rules that came nearest:".to_owned());
        }
        for (heading, rules) in [
            ("matches", &self.matches),
            ("is decided with the response", &self.undecided),
            ("does not match", &self.others),
            ("does not match", &self.nearest),
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
    /// Why it matches, waits or does not match, as one sentence; values are in backticks. Empty where there is
    /// nothing to say.
    pub fn reason(&self) -> String {
        let quoted = |piece: &Piece| {
            if piece.is_value { format!("`{}`", piece.text) } else { piece.text.clone() }
        };
        self.because.iter().map(quoted).collect()
    }

    fn lines(&self, heading: &str) -> Vec<String> {
        let mut about = Vec::new();
        let phase = match self.phase {
            Phase::Request => "decided by the request",
            Phase::Response => "decided with the response, cannot deny",
        };
        let view = self.view.filter(|view| *view != View::Raw);
        let view = view.map(|view| format!("{}: {}", view.as_str(), view_meaning(view)));
        for (name, value) in [
            ("view", view.as_deref().unwrap_or_default()),
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
        let because = match self.reason() {
            reason if reason.is_empty() => reason,
            reason => format!(", because {reason}"),
        };
        let mut lines = vec![format!("`{title}` {heading}{because}")];
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
