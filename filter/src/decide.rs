//! The policy's decision on a verdict.

use inspect::{Decision, Mode, Pack, PolicyQuery, Request, Ruling, Verdict};

use crate::config::{FailureMode, Settings};
use crate::host::Host;
use crate::source::Sender;

/// Decides on a verdict, and removes the matches that the policy turned off.
///
/// Exceptions need the clock. Without one they hold if the plugin fails open: a request that somebody
/// excused passes then, and is denied otherwise.
pub(crate) fn decide(
    host: &dyn Host,
    settings: &Settings,
    pack: &Pack,
    verdict: &mut Verdict,
    request: &Request<'_>,
    sender: &Sender,
) -> Decision {
    if verdict.matches.is_empty() {
        return Decision::default();
    }
    let without_clock = match settings.failure_mode {
        FailureMode::Open => 0,
        FailureMode::Closed => u64::MAX,
    };
    let query = PolicyQuery {
        request,
        source: sender.source(),
        now: host.seconds().unwrap_or(without_clock),
        bound: settings.mode,
        key: settings.identity_key,
    };
    let mut decision = pack.decide(verdict, &query);
    let is_on = |ruling: &Ruling| ruling.mode != Mode::Off;
    let mut rulings = decision.rulings.iter();
    verdict.matches.retain(|_| rulings.next().is_some_and(is_on));
    decision.rulings.retain(is_on);
    decision
}
