//! The decision of a pack's policy on a verdict, as far as the page knows: by the page's clock, and for the
//! source that the traffic names. The key of identities is a secret and does not belong into a page.

use inspect::{Decision, Mode, Pack, PolicyQuery, Request, User, Verdict};
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
