//! A configuration in use: what all streams of one plugin share.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use inspect::{
    Action, BehaviourFields, Decision, Inspector, Mode, Pack, RuleMatch, Transport, User, Verdict,
};

use crate::behaviour::{Held, Recent, Scopes, Tracked, reservation};
use crate::config::{Config, FailureMode, ListenerTls, Settings};
use crate::correlation::{Correlations, Fired};
use crate::credentials::Authentication;
use crate::decide::decide;
use crate::deny::{Client, denial, denied, not_judged};
use crate::filter_state;
use crate::headers::Headers;
use crate::host::{Host, LocalResponse, LogLevel, Property};
use crate::label::request_id;
use crate::metrics::{Counters, Failure, define_lost_swaps, record_pack};
use crate::snapshot::{Needs, Shown, Snapshot};
use crate::source::Sender;

/// A pack and its settings.
///
/// Shared by all streams of any kind. The engine's working memory is reused from request to request; a
/// worker has one thread, and a callback inside another would find it borrowed, which is
/// [`Failure::Busy`] and no panic.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) inspector: RefCell<Inspector>,
    pub(crate) pack: Arc<Pack>,
    pub(crate) needs: Needs,
    pub(crate) settings: Arc<Settings>,
    /// What the pack's rules ask of behaviour.
    pub(crate) behaviour: BehaviourFields,
    pub(crate) scopes: Scopes,
    /// Whether uses are written before rules are evaluated.
    pub(crate) reserves: bool,
    pub(crate) recent: RefCell<Recent>,
    pub(crate) held: RefCell<Held>,
    /// The gateway's node id, once an event has asked for it: it never changes.
    pub(crate) node: OnceCell<Vec<u8>>,
    /// The correlations that run here.
    pub(crate) correlations: Correlations,
    counters: RefCell<Counters>,
}

/// What happens to a request once its headers were judged.
#[derive(Debug)]
pub(crate) enum Step {
    /// It passes, and nothing is left to do.
    Pass,
    /// It passes; there is something to report, or there are rules that wait for the response.
    Follow(Box<Inspection>),
    /// It was answered; there is something to report.
    Deny(Box<Inspection>),
    /// It was answered, for it could not be judged.
    Refuse,
}

/// A request that was judged, until all of it is reported.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) snapshot: Snapshot,
    pub(crate) verdict: Verdict,
    /// The policy's decision on the verdict.
    pub(crate) decision: Decision,
    /// Who sent it; read if a rule matched.
    pub(crate) sender: Sender,
    /// What happened to the request: what was decided, or less if that could not be done.
    pub(crate) action: Action,
    /// True if the stream may stay open for hours once the response has started.
    pub(crate) is_tunnel: bool,
    /// How far the matches of the request were reported.
    pub(crate) reported: Reported,
    /// When it was judged, in milliseconds since 1970; `None` without a clock.
    pub(crate) since: Option<u64>,
    /// The correlations that fired with it.
    pub(crate) fired: Vec<Fired>,
    /// What is known of its source's behaviour, if a rule depends on that.
    pub(crate) tracked: Option<Box<Tracked>>,
}

/// How far the matches of a request were reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    /// They were not.
    No,
    /// They were, in the event of a tunnel that opened; a second event is due when it is over.
    Opened,
    /// They were, while the request was running; a second event is due when it is over.
    Running,
    /// They were to be reported, but the event was suppressed, and a window counts it.
    Suppressed,
    /// They are about behaviour that was reported.
    Repeated,
    /// The event was not written, but the stream ran for long or moved much: an event is due when it is over.
    Owed,
}

impl Plugin {
    /// Puts a configuration to use, and announces it in the log and in metrics.
    pub(crate) fn start(host: &dyn Host, Config { pack, settings }: Config) -> Plugin {
        let tables = pack.tables();
        let line = format!(
            "tidegate: {} rules of pack `{}` version {} loaded, hosts as {}, {}hash {}, mode {}, failure mode {}",
            tables.rules.len(),
            tables.name,
            tables.version,
            tables.hosts.as_str(),
            if settings.public_keys.is_empty() { "" } else { "signed, " },
            pack.hash(),
            settings.mode.as_str(),
            settings.failure_mode.as_str(),
        );
        // A host that does not log is no reason not to start.
        host.log(LogLevel::Info, &line).unwrap_or_default();
        record_pack(host, &pack);
        let plugin = Plugin::new(Arc::new(pack), Arc::new(settings));
        if !plugin.behaviour.is_empty() || !plugin.correlations.is_empty() {
            define_lost_swaps(host);
        }
        plugin
    }

    /// Puts a configuration to use that was announced before.
    pub(crate) fn new(pack: Arc<Pack>, settings: Arc<Settings>) -> Plugin {
        let (mut needs, scopes) = (Needs::of(pack.tables()), Scopes::of(pack.tables()));
        needs.server_name &= settings.listener_tls == ListenerTls::Any;
        let inspector = Inspector::new(Arc::clone(&pack)).deferring();
        Plugin {
            needs,
            behaviour: inspector.asks_behaviour(),
            scopes,
            reserves: reservation::is_needed(&inspector, settings.mode),
            recent: RefCell::default(),
            held: RefCell::default(),
            node: OnceCell::default(),
            correlations: Correlations::of(pack.tables()),
            inspector: RefCell::new(inspector),
            pack,
            settings,
            counters: RefCell::default(),
        }
    }

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
        let asked = inspector.asks_usage().then(|| self.sender(host, &snapshot));
        let mut verdict = match &asked {
            Some(sender) => inspector.inspect_of(&request, &self.user(sender)),
            None => inspector.inspect(&request),
        };
        let is_tracked = self.is_tracked(&inspector, &request, &verdict);
        let is_asked = is_tracked || !verdict.matches.is_empty();
        let known = asked.or_else(|| is_asked.then(|| self.sender(host, &snapshot)));
        let is_known = known.is_some();
        let sender = known.unwrap_or_default();
        let tracked = if is_tracked {
            self.look_up(host, &mut inspector, &request, &sender, &mut verdict)
        } else {
            None
        };
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

    /// Reads who sent the current request.
    pub(crate) fn sender(&self, host: &dyn Host, snapshot: &Snapshot) -> Sender {
        let address = snapshot.source_address.as_deref();
        let header = self.settings.source_header.as_ref();
        let tls = self.settings.listener_tls;
        let mut sender = Sender::read(host, tls, header, &snapshot.header_map, address);
        sender.client.clone_from(&snapshot.client);
        if sender.is_ambiguous {
            self.count_failure(host, Failure::SourceHeader);
        }
        sender
    }

    /// The sender as the user of a service.
    pub(crate) fn user<'s>(&self, sender: &'s Sender) -> User<'s> {
        User { source: sender.source(), key: self.settings.identity_key }
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

    /// Answers the request; returns false if that failed.
    pub(crate) fn answer(&self, host: &dyn Host, response: &LocalResponse) -> bool {
        let is_sent = host.send_local_response(response).is_ok();
        if !is_sent {
            self.count_failure(host, Failure::LocalResponse);
        }
        is_sent
    }

    /// Counts a failure.
    pub(crate) fn count_failure(&self, host: &dyn Host, failure: Failure) {
        self.count(|counters| counters.error(host, failure));
    }

    /// Counts; but not inside of counting.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counters)) {
        if let Ok(mut counters) = self.counters.try_borrow_mut() {
            count(&mut counters);
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
