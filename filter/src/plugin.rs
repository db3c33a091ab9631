//! A configuration at work: what all streams of one plugin share.

use std::cell::RefCell;

use inspect::{Action, Decision, IdentityKey, Inspector, Mode, Transport, Verdict};

use crate::collector::Collector;
use crate::config::{Config, FailureMode, Protocol};
use crate::deny::{Client, denied, denying_rule, not_judged};
use crate::headers::Headers;
use crate::host::{self, LocalResponse, LogLevel, Property};
use crate::label::request_id;
use crate::metrics::{Counters, Failure, record_pack};
use crate::noise::Noise;
use crate::snapshot::{Needs, Snapshot};
use crate::source::{Sender, TrustedHeader};
use crate::trace;

/// A pack at work in a mode.
///
/// Shared by the contexts of all streams, and knows nothing of their kind: a network filter's
/// context can share it as an HTTP filter's does. The engine's working memory is reused from request
/// to request; a VM has one thread, and a callback that came inside another would find it borrowed,
/// which is [`Failure::Busy`] and no panic.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) inspector: RefCell<Inspector>,
    pub(crate) needs: Needs,
    pub(crate) mode: Mode,
    pub(crate) protocol: Protocol,
    pub(crate) failure_mode: FailureMode,
    pub(crate) identity_key: Option<IdentityKey>,
    pub(crate) source_header: Option<TrustedHeader>,
    pub(crate) noise: Noise,
    /// Where events are posted to.
    pub(crate) collector: Option<Collector>,
    counters: RefCell<Counters>,
}

/// What becomes of a request once its headers were judged.
#[derive(Debug)]
pub(crate) enum Step {
    /// It passes, and nothing more is to be done.
    Pass,
    /// It passes; there is something to tell, or there are rules that wait for the response.
    Follow(Box<Inspection>),
    /// It was answered; there is something to tell.
    Deny(Box<Inspection>),
    /// It was answered, for it could not be judged.
    Refuse,
}

/// A request that was judged, until all is told about it.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) snapshot: Snapshot,
    pub(crate) verdict: Verdict,
    /// What policy makes of the verdict.
    pub(crate) decision: Decision,
    /// Who asked; read where a rule matched.
    pub(crate) sender: Sender,
    /// What became of the request: what was decided, or less where that could not be done.
    pub(crate) action: Action,
    /// Whether the stream may stay open for hours once the response has started.
    pub(crate) is_tunnel: bool,
    /// Whether the matches of the request were told already.
    pub(crate) is_told: bool,
}

impl Plugin {
    /// Puts a configuration to work, and says so in the log and in metrics.
    pub(crate) fn start(config: Config) -> Plugin {
        let Config {
            pack,
            mode,
            failure_mode,
            protocol,
            public_keys,
            identity_key,
            source_header,
            noise,
            collector,
        } = config;
        let tables = pack.tables();
        let line = format!(
            "tidegate: {} rules of pack `{}` version {} loaded, hosts as {}, {}hash {}, mode {}, failure mode {}",
            tables.rules.len(),
            tables.name,
            tables.version,
            tables.hosts.as_str(),
            if public_keys.is_empty() { "" } else { "signed, " },
            pack.hash(),
            mode.as_str(),
            failure_mode.as_str(),
        );
        // A host that does not log is no reason not to start.
        host::log(LogLevel::Info, &line).unwrap_or_default();
        record_pack(&pack);
        Plugin {
            needs: Needs::of(tables),
            inspector: RefCell::new(Inspector::new(pack)),
            counters: RefCell::default(),
            mode,
            failure_mode,
            protocol,
            identity_key,
            source_header,
            noise,
            collector,
        }
    }

    /// Judges the request of the current stream, and acts on it: counters, filter state, denial.
    pub(crate) fn judge(&self) -> Step {
        self.try_judge().unwrap_or_else(|failure| {
            self.count_failure(failure);
            match self.failure_mode {
                FailureMode::Open => Step::Pass,
                FailureMode::Closed => {
                    // Where not even this can be sent, the stream stays paused: nothing passes.
                    self.answer(&not_judged(failure));
                    Step::Refuse
                }
            }
        })
    }

    fn try_judge(&self) -> Result<Step, Failure> {
        if self.mode == Mode::Off {
            return Ok(Step::Pass);
        }
        let mut snapshot = self.read_request()?;
        let headers = Headers::read(&snapshot.header_map).map_err(|_| Failure::HeaderMap)?;
        // No server name: either there is no TLS, or the client asked for none, which is odd. The scheme does
        // not tell, as a client writes what it likes.
        if self.needs.server_name && snapshot.server_name.is_none() {
            let version = self.read(true, Property::TLS_VERSION)?;
            snapshot.transport = version.map_or(Transport::Unknown, |_| Transport::Tls);
        }
        let mut inspector = self.inspector.try_borrow_mut().map_err(|_| Failure::Busy)?;
        let request = snapshot.request(&headers, None);
        let mut verdict = inspector.inspect(&request);
        let pack = inspector.pack();
        let sender = match verdict.matches.as_slice() {
            [] => Sender::default(),
            [..] => self.sender(&snapshot),
        };
        let decision = self.decide(pack, &mut verdict, &request, &sender);
        let mut action = decision.action;
        self.count(Counters::request);
        if !verdict.anomalies.is_empty() {
            self.count(|counters| counters.anomalies(verdict.anomalies));
        }
        if verdict.truncated {
            self.count_failure(Failure::Truncated);
        }
        if action == Action::Allow {
            // Of a request whose matches are all excused nothing is told, but what excused them is counted.
            self.count(|counters| {
                counters.matches(pack, &verdict.matches, &decision.rulings, action);
            });
            if !verdict.pending {
                return Ok(Step::Pass);
            }
        }
        if action == Action::Deny {
            let tables = pack.tables();
            let rule =
                denying_rule(tables, &verdict, &decision).map_or("", |rule| tables.str(rule.id));
            let request_id = headers.request_id.and_then(request_id);
            let client = Client { is_grpc: headers.is_grpc(), request_id };
            if !self.answer(&denied(rule, client)) && self.failure_mode == FailureMode::Open {
                action = Action::Observe;
            }
        }
        if action != Action::Allow {
            self.count(|counters| {
                counters.matches(pack, &verdict.matches, &decision.rulings, action);
            });
            let path = headers.template(pack);
            let would_deny = decision.would_deny;
            if !trace::leave(pack, &verdict.matches, action, would_deny, path.as_deref()) {
                self.count_failure(Failure::FilterState);
            }
        }
        let is_tunnel = headers.is_tunnel();
        drop(headers);
        let is_told = false;
        let inspection =
            Inspection { snapshot, verdict, decision, sender, action, is_tunnel, is_told };
        Ok(match action {
            Action::Deny => Step::Deny(Box::new(inspection)),
            Action::Observe | Action::Allow => Step::Follow(Box::new(inspection)),
        })
    }

    /// Who sent the current request.
    pub(crate) fn sender(&self, snapshot: &Snapshot) -> Sender {
        let address = snapshot.source_address.as_deref();
        Sender::read(self.source_header.as_ref(), &snapshot.header_map, address)
    }

    /// Reads of the request what the pack asks for, and no more.
    fn read_request(&self) -> Result<Snapshot, Failure> {
        let header_map = host::request_headers().map_err(|_| Failure::HeaderMap)?;
        let read = |wanted, property| self.read(wanted, property);
        let server_name = read(self.needs.server_name, Property::SERVER_NAME)?;
        Ok(Snapshot {
            header_map,
            // Only TLS that was ended here can have come out of a tunnel that was ended here.
            connect_target: read(server_name.is_some(), Property::CONNECT_TARGET)?,
            server_name,
            transport: Transport::Unknown,
            source_address: read(self.needs.source_address, Property::SOURCE_ADDRESS)?,
            version: read(self.needs.version, Property::PROTOCOL)?,
        })
    }

    /// Reads a property, where it is wanted, and as the failure mode has it.
    fn read(&self, wanted: bool, property: Property) -> Result<Option<Vec<u8>>, Failure> {
        let value = if wanted { host::property(property) } else { Ok(None) };
        match (value, self.failure_mode) {
            (Ok(value), _) => Ok(value),
            (Err(_), FailureMode::Closed) => Err(Failure::Property),
            // Rules that look at other fields can still be judged.
            (Err(_), FailureMode::Open) => {
                self.count_failure(Failure::Property);
                Ok(None)
            }
        }
    }

    /// Answers the request; whether that worked.
    fn answer(&self, response: &LocalResponse) -> bool {
        let sent = host::send_local_response(response).is_ok();
        if !sent {
            self.count_failure(Failure::LocalResponse);
        }
        sent
    }

    /// Counts something that went wrong.
    pub(crate) fn count_failure(&self, failure: Failure) {
        self.count(|counters| counters.error(failure));
    }

    /// Counts; but not inside of counting.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counters)) {
        if let Ok(mut counters) = self.counters.try_borrow_mut() {
            count(&mut counters);
        }
    }
}
