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
    /// It was not judged.
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
    /// A connection with a server name is judged before the filters behind this one hear of it: where
    /// it is closed, no name was looked up and nobody was called.
    fn on_new_connection(&mut self) -> Action {
        self.judge(Plugin::judge_name)
    }

    /// A connection without a server name is judged with its first bytes: they tell TLS from all else.
    fn on_downstream_data(&mut self, n_bytes: usize, _: bool) -> Action {
        if n_bytes == 0 {
            return self.step();
        }
        self.judge(Plugin::judge_bytes)
    }
}

impl Connection {
    fn judge(&mut self, judge: impl FnOnce(&Plugin) -> Result<Stage, Failure>) -> Action {
        if let (Some(plugin), Stage::Waiting) = (&self.plugin, self.stage) {
            self.stage = plugin.or_fail(judge(plugin));
        }
        self.step()
    }

    fn step(&self) -> Action {
        match self.stage {
            Stage::Waiting | Stage::Open => Action::Continue,
            Stage::Closed => Action::Pause,
        }
    }
}

impl Plugin {
    fn or_fail(&self, judged: Result<Stage, Failure>) -> Stage {
        judged.unwrap_or_else(|failure| {
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

    fn judge_name(&self) -> Result<Stage, Failure> {
        match property(Property::SERVER_NAME)? {
            Some(server_name) => self.judge_connection(Transport::Tls, Some(server_name)),
            None => Ok(Stage::Waiting),
        }
    }

    fn judge_bytes(&self) -> Result<Stage, Failure> {
        // The type of a TLS record that holds a handshake (RFC 8446, 5.1).
        const HANDSHAKE: u8 = 22;
        let first = host::downstream_data(1).map_err(|_| Failure::HeaderMap)?;
        let is_tls = first.first() == Some(&HANDSHAKE);
        let transport = if is_tls { Transport::Tls } else { Transport::NotTls };
        self.judge_connection(transport, None)
    }

    fn judge_connection(
        &self,
        transport: Transport,
        server_name: Option<Vec<u8>>,
    ) -> Result<Stage, Failure> {
        if self.mode == Mode::Off {
            return Ok(Stage::Open);
        }
        let source_address = property(Property::SOURCE_ADDRESS)?;
        let connect_target = property(Property::CONNECT_TARGET)?;
        // Without a name, what the client wanted is to be judged: in a tunnel the target of CONNECT,
        // else the address.
        let destination = match &connect_target {
            Some(target) => Some(target.clone()),
            None => property(Property::DESTINATION_ADDRESS)?,
        };
        let authority = server_name.clone().or(destination).unwrap_or_default();
        let request = Request {
            authority: &authority,
            server_name: server_name.as_deref(),
            connect_target: connect_target.as_deref(),
            transport,
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
        let snapshot = Snapshot {
            header_map,
            server_name,
            transport,
            connect_target,
            source_address,
            version: None,
        };
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

fn property(property: Property) -> Result<Option<Vec<u8>>, Failure> {
    host::property(property).map_err(|_| Failure::Property)
}
