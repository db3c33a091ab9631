//! What the filter would have done with the requests of a log, by the pack's policy.

use std::borrow::Cow;

use inspect::pack::Phase;
use inspect::{
    Action, Decision, IdentityKey, Mode, Pack, PolicyQuery, Request, Ruling, Source, StrId, Verdict,
};

/// How a policy is replayed over a log.
#[derive(Clone, Copy, Debug)]
pub struct PolicyReplay {
    /// The mode of the gateway: how far matches go at most.
    pub bound: Mode,
    /// The key of identities; without one none is recognised.
    pub key: Option<IdentityKey>,
    /// The clock for events without a time, in seconds since 1970.
    pub now: u64,
}

/// What is left of a verdict, and what happens to it.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    /// The exceptions that took matches out, each as often as it did.
    pub(crate) excepted: Vec<StrId>,
    /// The exceptions that would have, had they not expired.
    pub(crate) expired: Vec<StrId>,
    /// How many matches are of rules that the policy turns off.
    pub(crate) n_off: u64,
    /// The sender's identity or name.
    identity: Option<String>,
}

impl PolicyReplay {
    /// Decides as the filter does when the request comes and again when the response is there. Matches
    /// that the filter does not report are taken out of the verdict: those that are turned off, and those
    /// that only the response of a denied request would have shown, as there is none.
    pub(crate) fn decide(
        &self,
        pack: &Pack,
        verdict: &mut Verdict,
        request: &Request<'_>,
        source: Source<'_>,
        time_ms: Option<i64>,
    ) -> Decided {
        let event_time = time_ms.map(|time_ms| u64::try_from(time_ms / 1000).unwrap_or_default());
        let now = event_time.unwrap_or(self.now);
        let query = PolicyQuery { request, source, now, bound: self.bound, key: self.key };
        let mut decision = pack.decide(verdict, &query);
        let is_denied = decision.action == Action::Deny;
        let identity = source.identity.or(source.named).filter(|name| !name.is_empty());
        let identity = identity.map(|name| name.escape_ascii().to_string());
        let mut decided = Decided { identity, ..Decided::default() };
        let rulings = std::mem::take(&mut decision.rulings);
        let mut kept = Vec::new();
        for (matched, ruling) in std::mem::take(&mut verdict.matches).into_iter().zip(rulings) {
            if ruling.mode == Mode::Off {
                decided.n_off += 1;
            } else if !(is_denied && matched.phase == Phase::Response) {
                decided.excepted.extend(ruling.exception);
                decided.expired.extend(ruling.expired);
                kept.push((matched, ruling));
            }
        }
        (verdict.matches, decision.rulings) = kept.into_iter().unzip();
        decided.decision = decision;
        decided
    }
}

/// What was recorded of an event.
#[derive(Clone, Copy)]
pub(crate) enum Recorded<'l> {
    /// A request, and who sent it.
    Request(&'l Request<'l>, Source<'l>),
    /// A JSON object.
    Object(&'l [u8]),
}

impl<'l> Recorded<'l> {
    /// The address of the sender of a request; its name where the log has no address.
    pub(crate) fn source(self) -> Option<&'l [u8]> {
        match self {
            Recorded::Request(request, source) => {
                let address = request.source_address.filter(|address| !address.is_empty());
                address.or(source.identity).or(source.named)
            }
            Recorded::Object(_) => None,
        }
    }
}

/// The sender of a recorded request: by its certificate or as a trusted hop calls it, and its address.
pub(crate) struct Sender<'l> {
    pub(crate) name: Option<&'l str>,
    pub(crate) address: Option<&'l [u8]>,
}

impl<'l> Sender<'l> {
    /// Returns the source for a policy. A name with the form of a URI is of a certificate.
    pub(crate) fn lend(&self) -> Source<'l> {
        let name = self.name.map(str::as_bytes);
        let is_identity = self.name.is_some_and(|name| name.contains("://"));
        Source {
            identity: name.filter(|_| is_identity),
            named: name.filter(|_| !is_identity),
            address: self.address,
        }
    }
}

/// The facts of a decision that records contain, by the names that events have.
#[derive(Debug, Default)]
pub(crate) struct PolicyFacts<'p> {
    pub(crate) action: &'static str,
    pub(crate) would_deny: bool,
    /// Texts by their names.
    pub(crate) texts: Vec<(&'static str, Cow<'p, str>)>,
}

impl<'p> PolicyFacts<'p> {
    /// Returns the facts about a match.
    pub(crate) fn new(
        pack: &'p Pack,
        policy: &PolicyReplay,
        decided: &'p Decided,
        ruling: &Ruling,
    ) -> Self {
        let decision = &decided.decision;
        let text = |id: StrId| pack.tables().str(id).into();
        let operations: Vec<_> =
            decision.operations.iter().map(inspect::pack::Operation::as_str).collect();
        let operations = (!operations.is_empty()).then(|| operations.join(",").into());
        let hash = |hash: u64| format!("{hash:016x}").into();
        let mode = (ruling.mode != policy.bound).then(|| ruling.mode.as_str().into());
        let texts = [
            ("mode", mode),
            ("statement", ruling.statement.map(text)),
            ("exception", ruling.exception.map(text)),
            ("expired_exception", ruling.expired.map(text)),
            ("service", decision.service.map(text)),
            ("operations", operations),
            ("usage", decision.usage.map(|usage| usage.as_str().into())),
            ("tenant", decision.identity.map(hash)),
            ("credential", decision.credential.map(hash)),
            ("identity", decided.identity.as_deref().map(Into::into)),
        ];
        PolicyFacts {
            action: decision.action.as_str(),
            would_deny: decision.would_deny,
            texts: texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect(),
        }
    }

    /// Returns a text by its name; an empty one where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }
}
