//! What the filter would have made of what a log holds, by the pack's policy.

use std::borrow::Cow;

use inspect::pack::Phase;
use inspect::{
    Action, CorrelationHit, Decision, IdentityKey, Mode, Pack, PolicyQuery, Request, Ruling,
    Source, StrId, Verdict,
};

use traffic::Unreadable;

use crate::hunter::Hunter;
use traffic::log_line::text;

/// How a policy is held against a log.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The mode of the gateway: how far matches go at most.
    pub bound: Mode,
    /// The key of identities; without one none is recognised.
    pub key: Option<IdentityKey>,
    /// The clock for events without a time, in seconds since 1970.
    pub now: u64,
}

/// What is left of a verdict, and what is made of it.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    /// The exceptions that took matches out, each as often as it did.
    pub(crate) excepted: Vec<StrId>,
    /// The exceptions that would have, had they not expired.
    pub(crate) expired: Vec<StrId>,
    /// How many matches are of rules that the policy turns off.
    pub(crate) n_off: u64,
    /// Who sent it, beside the address.
    identity: Option<String>,
}

impl Terms {
    /// Decides as the filter does when the request comes and again when the response is there. What it
    /// does not tell is taken out of the verdict: what is turned off, and what only the response of a
    /// denied request would have shown, as there is none.
    pub(crate) fn decide(
        &self,
        pack: &Pack,
        verdict: &mut Verdict,
        request: &Request<'_>,
        source: Source<'_>,
        time_ms: Option<i64>,
    ) -> Decided {
        let of_event = time_ms.map(|time_ms| u64::try_from(time_ms / 1000).unwrap_or_default());
        let now = of_event.unwrap_or(self.now);
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

impl Hunter {
    /// What correlations learn of an event, and what the policy makes of it; takes out of the verdict
    /// what is not told.
    pub(crate) fn decide(
        &mut self,
        terms: &Terms,
        verdict: &mut Verdict,
        of: Of<'_>,
        time_ms: Option<i64>,
    ) -> Result<(Vec<CorrelationHit>, Option<Decided>), Unreadable> {
        let seen;
        let lent;
        let (request, source) = match of {
            Of::Request(request, source) => (request, source),
            Of::Line(line) => {
                seen = self.events.subject(line)?;
                lent = seen.lend();
                let address = lent.source_address;
                (&lent, Source { address, ..Source::default() })
            }
        };
        let decided = terms.decide(self.inspector.pack(), verdict, request, source, time_ms);
        let rulings = decided.decision.rulings.iter();
        let matches = verdict.matches.iter().zip(rulings);
        let left = matches.filter(|(_, ruling)| ruling.exception.is_none());
        let left = left.map(|(matched, _)| matched.clone()).collect();
        let hits =
            self.inspector.correlation_hits(&Verdict { matches: left, ..Verdict::default() });
        Ok((hits, Some(decided)))
    }
}

/// What an event is of.
#[derive(Clone, Copy)]
pub(crate) enum Of<'l> {
    /// A request, and who sent it.
    Request(&'l Request<'l>, Source<'l>),
    /// A line that is none.
    Line(&'l [u8]),
}

impl<'l> Of<'l> {
    pub(crate) fn request(self) -> Option<&'l Request<'l>> {
        match self {
            Of::Request(request, _) => Some(request),
            Of::Line(_) => None,
        }
    }
}

/// Who sent the request of a line: by its certificate or as a trusted hop calls it, as the log says, and
/// its address.
pub(crate) struct Who<'l> {
    name: Option<Cow<'l, str>>,
    address: Option<&'l [u8]>,
}

impl<'l> Who<'l> {
    /// Reads what a log says as it is written.
    pub(crate) fn read(raw: Option<&'l str>, request: &Request<'l>) -> Result<Self, Unreadable> {
        let name = raw.map(text).transpose()?;
        Ok(Who { name, address: request.source_address })
    }

    /// The same for a policy: what has the form of a URI is of a certificate.
    pub(crate) fn lend(&self) -> Source<'_> {
        let name = self.name.as_deref().map(str::as_bytes);
        let is_identity = self.name.as_deref().is_some_and(|name| name.contains("://"));
        Source {
            identity: name.filter(|_| is_identity),
            named: name.filter(|_| !is_identity),
            address: self.address,
        }
    }
}

/// What is written of a decision, by the names that events have.
#[derive(Debug, Default)]
pub(crate) struct Told<'p> {
    pub(crate) action: &'static str,
    pub(crate) would_deny: bool,
    /// Texts by their names.
    pub(crate) texts: Vec<(&'static str, Cow<'p, str>)>,
}

impl<'p> Told<'p> {
    /// What is told of a match.
    pub(crate) fn of(pack: &'p Pack, terms: &Terms, decided: &'p Decided, ruling: &Ruling) -> Self {
        let decision = &decided.decision;
        let text = |id: StrId| pack.tables().str(id).into();
        let hash = |hash: u64| format!("{hash:016x}").into();
        let mode = (ruling.mode != terms.bound).then(|| ruling.mode.as_str().into());
        let texts = [
            ("mode", mode),
            ("statement", ruling.statement.map(text)),
            ("exception", ruling.exception.map(text)),
            ("expired_exception", ruling.expired.map(text)),
            ("service", decision.service.map(text)),
            ("usage", decision.usage.map(|usage| usage.as_str().into())),
            ("tenant", decision.identity.map(hash)),
            ("credential", decision.credential.map(hash)),
            ("identity", decided.identity.as_deref().map(Into::into)),
        ];
        Told {
            action: decision.action.as_str(),
            would_deny: decision.would_deny,
            texts: texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect(),
        }
    }

    /// A text by its name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }
}
