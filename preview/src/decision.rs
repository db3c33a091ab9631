//! The decision of a pack's policy on a verdict, as far as the page knows: by the page's clock, and for the
//! source that the traffic names. The key of identities is a secret and does not belong into a page.

use inspect::{Action, Decision, Mode, Pack, PolicyQuery, Request, User, Verdict};
use knowledge::explain::ExplainedRuling;

/// Decides as a gateway in a mode does; `now` is in seconds since 1970.
pub(crate) fn decide(
    pack: &Pack,
    verdict: &Verdict,
    request: &Request<'_>,
    bound: Mode,
    now: u64,
) -> Decision {
    let source = User::of(request).source;
    pack.decide(verdict, &PolicyQuery { request, source, now, bound, key: None })
}

/// The actions on a request in the modes monitor and enforce.
///
/// A mode bounds what happens to each match and nothing else, so that one decision is enough; most requests match
/// nothing and need none.
pub(crate) fn actions(
    pack: &Pack,
    verdict: &Verdict,
    request: &Request<'_>,
    now: u64,
) -> (Action, Action) {
    if verdict.matches.is_empty() {
        return (Action::Allow, Action::Allow);
    }
    let enforced = decide(pack, verdict, request, Mode::Enforce, now).action;
    (enforced.min(Action::Observe), enforced)
}

/// Describes the policy's decision on a match in mode enforce.
pub(crate) fn said(pack: &Pack, ruling: &ExplainedRuling) -> Vec<String> {
    let by = ruling
        .statement
        .as_ref()
        .map_or("by default".to_owned(), |statement| format!("by the statement `{statement}`"));
    let mut said = vec![format!("policy: {} {by}", ruling.mode)];
    if let Some(exception) = &ruling.exception {
        said.push(format!("excepted by {exception}"));
    }
    if let Some(exception) = &ruling.expired_exception {
        said.push(format!("the exception {exception} has expired"));
    }
    if pack.tables().policy.key_check != 0 {
        said.push("identities are not known here".to_owned());
    }
    said
}
