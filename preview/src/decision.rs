//! The decision of a pack's policy on a verdict, as far as the page knows: by the page's clock, and for the
//! address that the traffic names. The key of identities is a secret and does not belong into a page.

use inspect::{Decision, Mode, Pack, PolicyQuery, Request, Ruling, Source, Verdict};

/// Decides as a gateway in a mode does; `now` is in seconds since 1970.
pub(crate) fn decide(
    pack: &Pack,
    verdict: &Verdict,
    request: &Request<'_>,
    bound: Mode,
    now: u64,
) -> Decision {
    let source = Source { address: request.source_address, ..Source::default() };
    pack.decide(verdict, &PolicyQuery { request, source, now, bound, key: None })
}

/// Describes the policy's decision on a match in mode enforce; empty without a policy.
pub(crate) fn said(pack: &Pack, ruling: &Ruling) -> Vec<String> {
    let tables = pack.tables();
    if !tables.policy.is_given() {
        return Vec::new();
    }
    let by = ruling.statement.map_or("by default".to_owned(), |statement| {
        format!("by the statement `{}`", tables.str(statement))
    });
    let mut said = vec![format!("policy: {} {by}", ruling.mode.as_str())];
    if let Some(exception) = ruling.exception {
        said.push(format!("excepted by {}", tables.str(exception)));
    }
    if let Some(exception) = ruling.expired {
        said.push(format!("the exception {} has expired", tables.str(exception)));
    }
    if tables.policy.key_check != 0 {
        said.push("identities are not known here".to_owned());
    }
    said
}
