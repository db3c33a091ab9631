//! What is made of a verdict.

use crate::pack::Phase;
use crate::verdict::{RuleMatch, Verdict};

/// Whether matches are only reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Matches are reported, nothing is blocked. What would have been blocked is told.
    #[default]
    Monitor,
    /// Requests that a rule matches are denied, where the rule is decided before the response.
    Enforce,
}

impl Mode {
    /// The name in configuration and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Monitor => "monitor",
            Mode::Enforce => "enforce",
        }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// No rule matched: it passes.
    Allow,
    /// A rule matched: it passes and is reported.
    Observe,
    /// A rule matched: it is answered with 403 and reported.
    Deny,
}

impl Action {
    /// The name in events, metrics and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Observe => "observe",
            Action::Deny => "deny",
        }
    }
}

impl Verdict {
    /// The matches that are alerts by themselves: all but those of rules that a correlation took in
    /// without `generate: true`.
    pub fn alerts(&self) -> impl Iterator<Item = &RuleMatch> {
        self.matches.iter().filter(|matched| matched.alerts)
    }

    /// Whether enforcement would deny the request: a rule matched on what the request alone tells, and
    /// is an alert by itself.
    ///
    /// A rule that matched once the response was there cannot deny, whatever the mode.
    pub fn would_deny(&self) -> bool {
        self.alerts().any(|matched| matched.phase == Phase::Request)
    }

    /// What happens to the request in a mode.
    pub fn action(&self, mode: Mode) -> Action {
        match (self.alerts().next().is_none(), mode) {
            (true, _) => Action::Allow,
            (false, Mode::Enforce) if self.would_deny() => Action::Deny,
            (false, Mode::Enforce | Mode::Monitor) => Action::Observe,
        }
    }
}
