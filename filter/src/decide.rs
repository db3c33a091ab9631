//! What the pack's policy makes of a verdict.

use inspect::{Decision, Mode, Pack, PolicyQuery, Request, Ruling, Verdict};

use crate::config::FailureMode;
use crate::host;
use crate::plugin::Plugin;
use crate::source::Sender;

impl Plugin {
    /// Decides on a verdict, and takes out of it what the policy turned off.
    ///
    /// The clock is asked for exceptions. Where there is none, they hold if the plugin fails open:
    /// a request that somebody excused is then let through, and otherwise denied.
    pub(crate) fn decide(
        &self,
        pack: &Pack,
        verdict: &mut Verdict,
        request: &Request<'_>,
        sender: &Sender,
    ) -> Decision {
        if verdict.matches.is_empty() {
            return Decision::default();
        }
        let without_clock = match self.failure_mode {
            FailureMode::Open => 0,
            FailureMode::Closed => u64::MAX,
        };
        let now = host::seconds().unwrap_or(without_clock);
        let query = PolicyQuery {
            request,
            source: sender.source(),
            now,
            bound: self.mode,
            key: self.identity_key,
        };
        let mut decision = pack.decide(verdict, &query);
        let is_on = |ruling: &Ruling| ruling.mode != Mode::Off;
        let mut rulings = decision.rulings.iter();
        verdict.matches.retain(|_| rulings.next().is_some_and(is_on));
        decision.rulings.retain(is_on);
        decision
    }
}
