//! The context of one connection whose TLS passes through: the server name is judged.

use std::rc::Rc;

use inspect::{Action as Verb, Mode, Request, Transport};
use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::Action;

use crate::config::FailureMode;
use crate::headers::Headers;
use crate::host::{self, Property};
use crate::metrics::{Counters, Failure};
use crate::plugin::{Inspection, Plugin};
use crate::report::Late;
use crate::snapshot::{ResponseSnapshot, Snapshot, without_port};
use crate::source::Sender;
use crate::trace;

/// One connection, from its first bytes to its end.
#[derive(Debug)]
pub(crate) struct Connection {
    plugin: Option<Rc<Plugin>>,
    stage: Stage,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client has sent nothing.
    Waiting,
    /// It may go on.
    Open,
    /// It was closed; what still arrives stays here.
    Closed,
}

impl Connection {
    pub(crate) fn new(plugin: Option<Rc<Plugin>>) -> Self {
        Connection { plugin, stage: Stage::Waiting }
    }
}

impl Context for Connection {}

impl StreamContext for Connection {
    /// Judged with the first bytes and not when the connection opens: they tell TLS from all else.
    fn on_downstream_data(&mut self, n_bytes: usize, _: bool) -> Action {
        if let (Some(plugin), Stage::Waiting, 1..) = (&self.plugin, self.stage, n_bytes) {
            self.stage = plugin.judge_connection();
        }
        match self.stage {
            Stage::Waiting | Stage::Open => Action::Continue,
            Stage::Closed => Action::Pause,
        }
    }
}

impl Plugin {
    fn judge_connection(&self) -> Stage {
        self.try_judge_connection().unwrap_or_else(|failure| {
            self.count_failure(failure);
            match self.failure_mode {
                FailureMode::Open => Stage::Open,
                FailureMode::Closed => {
                    // Where not even this works, the bytes stay here: nothing passes.
                    self.close();
                    Stage::Closed
                }
            }
        })
    }

    fn try_judge_connection(&self) -> Result<Stage, Failure> {
        // The type of a TLS record that holds a handshake (RFC 8446, 5.1).
        const HANDSHAKE: u8 = 22;
        if self.mode == Mode::Off {
            return Ok(Stage::Open);
        }
        let property = |property| host::property(property).map_err(|_| Failure::Property);
        let first = host::downstream_data(1).map_err(|_| Failure::HeaderMap)?;
        let is_tls = first.first() == Some(&HANDSHAKE);
        let server_name = property(Property::SERVER_NAME)?;
        let source_address = property(Property::SOURCE_ADDRESS)?;
        // Without a name, the address that the client wanted is what there is to be judged.
        let destination = property(Property::DESTINATION_ADDRESS)?;
        let authority = server_name.as_ref().or(destination.as_ref()).cloned().unwrap_or_default();
        let request = Request {
            authority: &authority,
            server_name: server_name.as_deref().or(is_tls.then_some(b"")),
            transport: if is_tls { Transport::Tls } else { Transport::NotTls },
            source_address: source_address.as_deref().map(without_port),
            ..Request::default()
        };
        let mut inspector = self.inspector.try_borrow_mut().map_err(|_| Failure::Busy)?;
        let mut verdict = inspector.inspect(&request);
        self.count(Counters::request);
        if !verdict.anomalies.is_empty() {
            self.count(|counters| counters.anomalies(verdict.anomalies));
        }
        if verdict.matches.is_empty() {
            return Ok(Stage::Open);
        }
        let sender = Sender::read(None, &[], source_address.as_deref());
        let pack = inspector.pack();
        let decision = self.decide(pack, &mut verdict, &request, &sender);
        let mut action = decision.action;
        if action == Verb::Deny && !self.close() && self.failure_mode == FailureMode::Open {
            action = Verb::Observe;
        }
        self.count(|counters| counters.matches(pack, &verdict.matches, &decision.rulings, action));
        if action == Verb::Allow {
            return Ok(Stage::Open);
        }
        if !trace::leave(pack, &verdict.matches, action, decision.would_deny, None) {
            self.count_failure(Failure::FilterState);
        }
        // The event is that of a request without method and path.
        let header_map = host::serialise(&[(":authority", &authority)]);
        debug_assert!(Headers::read(&header_map).is_ok());
        let snapshot = Snapshot { header_map, server_name, source_address, version: None };
        let (is_tunnel, is_told) = (true, false);
        let mut inspection =
            Inspection { snapshot, verdict, decision, sender, action, is_tunnel, is_told };
        self.tell(&inspector, &mut inspection, &Late::default(), &ResponseSnapshot::default());
        Ok(if action == Verb::Deny { Stage::Closed } else { Stage::Open })
    }

    /// Closes the client's connection; whether that worked.
    fn close(&self) -> bool {
        let closed = host::close_downstream().is_ok();
        if !closed {
            self.count_failure(Failure::LocalResponse);
        }
        closed
    }
}
