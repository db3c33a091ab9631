//! Judging a request: what it is, what its rules and the policy say, and what happens to it.

use inspect::{Action, Mode, Pack, RuleMatch, Transport};

use crate::config::FailureMode;
use crate::correlation::inline::Fired;
use crate::credentials::Authentication;
use crate::decide::decide;
use crate::deny::{Client, denial, denied, not_judged};
use crate::filter_state;
use crate::headers::Headers;
use crate::host::{Host, Property};
use crate::inspection::{Inspection, Reported, Step};
use crate::label::request_id;
use crate::metrics::Failure;
use crate::plugin::Plugin;
use crate::snapshot::{Shown, Snapshot};

impl Plugin {
    /// Judges the request of the current stream, and acts on it: counters, filter state, denial.
    pub(crate) fn judge(&self, host: &dyn Host) -> Step {
        self.try_judge(host).unwrap_or_else(|failure| self.fail(host, failure))
    }

    /// Counts a request that cannot be judged; the failure mode decides whether it passes.
    pub(crate) fn fail(&self, host: &dyn Host, failure: Failure) -> Step {
        self.count_failure(host, failure);
        match self.settings.failure_mode {
            FailureMode::Open => Step::Pass,
            FailureMode::Closed => {
                // If not even this can be sent, the stream stays paused: nothing passes.
                self.answer(host, &not_judged(failure));
                Step::Refuse
            }
        }
    }

    fn try_judge(&self, host: &dyn Host) -> Result<Step, Failure> {
        if self.settings.mode == Mode::Off {
            return Ok(Step::Pass);
        }
        let mut snapshot = self.read_request(host)?;
        let headers = Headers::read(&snapshot.header_map).map_err(|_| Failure::HeaderMap)?;
        // No server name: either there is no TLS, or the client sent no name, which is odd. The scheme
        // does not decide it, as a client writes what it likes.
        if self.needs.server_name && snapshot.server_name.is_none() {
            let version = self.read(host, true, Property::TlsVersion)?;
            snapshot.transport = version.map_or(Transport::Unknown, |_| Transport::Tls);
        }
        let mut inspector = self.inspector.try_borrow_mut().map_err(|_| Failure::Busy)?;
        let is_connect = headers.path.is_none();
        let (authentication, mut failed) =
            self.authenticate(host, inspector.pack(), &snapshot, is_connect);
        match authentication {
            Authentication::Passed(client) => snapshot.client = client,
            Authentication::Refused => return Ok(Step::Refuse),
        }
        let request = snapshot.request(&headers, None);
        // Who sent it is read before only if a rule asks what the policy knows of the sender's use.
        let asked = inspector.asks_user(&request).then(|| self.sender(host, &snapshot));
        let mut verdict = match &asked {
            Some(sender) => inspector.inspect_of(&request, &self.user(sender)),
            None => inspector.inspect(&request),
        };
        let is_tracked = self.is_tracked(&inspector, &request, &verdict);
        let is_asked = is_tracked || !verdict.matches.is_empty();
        let known = asked.or_else(|| is_asked.then(|| self.sender(host, &snapshot)));
        let is_known = known.is_some();
        let sender = known.unwrap_or_default();
        let look_up = || self.look_up(host, &mut inspector, &request, &sender, &mut verdict);
        let tracked = is_tracked.then(look_up).flatten();
        let pack = inspector.pack();
        let decision = decide(host, &self.settings, pack, &mut verdict, &request, &sender);
        let fired = self.correlate(host, &inspector, &verdict, &decision.rulings);
        let mut action = raised(decision.action, &fired);
        self.count(|counters| counters.request(host));
        if !verdict.anomalies.is_empty() {
            self.count(|counters| counters.anomalies(host, verdict.anomalies));
        }
        if verdict.truncated {
            failed = Some(Failure::Truncated);
        }
        if self.restrict(host, pack, &request, &snapshot, is_known.then_some(&sender)).is_err() {
            failed = Some(Failure::RequestHeader);
        }
        let is_refused = self.refuses(host, failed, action);
        if is_refused {
            if action == Action::Allow {
                return Ok(Step::Refuse);
            }
            // It does not pass, and what matched is reported.
            action = Action::Deny;
        }
        if action == Action::Allow {
            // A request whose matches are all excused is not reported, but its exceptions are counted.
            self.count(|counters| {
                counters.matches(host, pack, &verdict.matches, &decision.rulings, action);
            });
            if !verdict.pending && tracked.is_none() {
                return Ok(Step::Pass);
            }
        }
        if action == Action::Deny && !is_refused {
            let tables = pack.tables();
            let denial = denial(tables, &verdict, &decision);
            let request_id = headers.request_id.and_then(request_id);
            let client = Client { is_grpc: headers.is_grpc(), request_id };
            let is_sent = self.answer(host, &denied(denial, client));
            if !is_sent && self.settings.failure_mode == FailureMode::Open {
                action = Action::Observe;
            }
        }
        if action != Action::Allow {
            self.count(|counters| {
                counters.matches(host, pack, &verdict.matches, &decision.rulings, action);
            });
            let would_deny = decision.would_deny;
            let matches = &verdict.matches;
            let shown = snapshot.shown(pack, &headers);
            self.show(host, pack, matches, (action, would_deny), shown);
        }
        let is_tunnel = headers.is_tunnel();
        drop(headers);
        let inspection = Inspection {
            snapshot,
            verdict,
            decision,
            sender,
            action,
            is_tunnel,
            reported: Reported::No,
            fired,
            since: tracked.as_ref().map(|tracked| tracked.since).or_else(|| host.milliseconds()),
            tracked: tracked.map(Box::new),
        };
        Ok(match action {
            Action::Deny => Step::Deny(Box::new(inspection)),
            Action::Observe | Action::Allow => Step::Follow(Box::new(inspection)),
        })
    }

    /// Puts what was found into the filter state, for the access log.
    pub(crate) fn show(
        &self,
        host: &dyn Host,
        pack: &Pack,
        matches: &[RuleMatch],
        (action, would_deny): (Action, bool),
        shown: &Shown,
    ) {
        if !filter_state::set(host, pack, matches, action, would_deny, shown) {
            self.count_failure(host, Failure::FilterState);
        }
    }

    /// Counts a failure after which a request would pass that may not; returns true if it was answered for
    /// that, and not denied already.
    fn refuses(&self, host: &dyn Host, failed: Option<Failure>, action: Action) -> bool {
        let Some(failure) = failed else { return false };
        self.count_failure(host, failure);
        let is_refused =
            self.settings.failure_mode == FailureMode::Closed && action != Action::Deny;
        if is_refused {
            self.answer(host, &not_judged(failure));
        }
        is_refused
    }

    /// Reads the parts of the request that the pack needs, and no more.
    fn read_request(&self, host: &dyn Host) -> Result<Snapshot, Failure> {
        let header_map = host.request_headers().map_err(|_| Failure::HeaderMap)?;
        let read = |wanted, property| self.read(host, wanted, property);
        let server_name = read(self.needs.server_name, Property::ServerName)?;
        Ok(Snapshot {
            header_map,
            // Only TLS that ends at this gateway can have come out of a tunnel that ends here.
            connect_target: read(server_name.is_some(), Property::ConnectTarget)?,
            server_name,
            client: None,
            transport: Transport::Unknown,
            source_address: read(self.needs.source_address, Property::SourceAddress)?,
            version: read(self.needs.version, Property::Protocol)?,
            ..Snapshot::default()
        })
    }

    /// Reads a property if it is wanted; the failure mode decides what a failure means.
    fn read(
        &self,
        host: &dyn Host,
        wanted: bool,
        property: Property,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let value = if wanted { host.property(property) } else { Ok(None) };
        match (value, self.settings.failure_mode) {
            (Ok(value), _) => Ok(value),
            (Err(_), FailureMode::Closed) => Err(Failure::Property),
            // Rules on other fields can still be judged.
            (Err(_), FailureMode::Open) => {
                self.count_failure(host, Failure::Property);
                Ok(None)
            }
        }
    }
}

/// What happens to a request with which correlations fire: it is reported, if nothing else happens to it.
pub(crate) fn raised(action: Action, fired: &[Fired]) -> Action {
    if fired.is_empty() { action } else { action.max(Action::Observe) }
}

#[cfg(test)]
mod host_calls;
#[cfg(test)]
mod tests;
