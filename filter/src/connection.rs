//! One connection whose TLS passes through: the server name is judged.

use std::mem;
use std::rc::Rc;

use inspect::{Action, Mode, Request, Transport};

use crate::config::FailureMode;
use crate::decide::decide;
use crate::headers::{Headers, serialise};
use crate::host::{Host, Property};
use crate::http::Flow;
use crate::inspection::{Inspection, Reported};
use crate::judge::raised;
use crate::metrics::Failure;
use crate::open_connections::Slot;
use crate::plugin::Plugin;
use crate::snapshot::{Snapshot, without_port};
use crate::source::Sender;

/// One connection, from its first bytes to its end.
#[derive(Debug)]
pub struct Connection {
    plugin: Option<Rc<Plugin>>,
    stage: Stage,
    /// Its place among those of its client, where their number is limited.
    slot: Option<Slot>,
}

/// How far a connection has come.
#[derive(Debug)]
enum Stage {
    /// It was not judged.
    Waiting,
    /// It may go on; where it was reported, its end is reported too.
    Open(Option<Box<Inspection>>),
    /// It was closed; further bytes are held.
    Closed,
}

impl Connection {
    pub(crate) fn new(plugin: Option<Rc<Plugin>>) -> Self {
        Connection { plugin, stage: Stage::Waiting, slot: None }
    }

    /// Judges a connection with a server name, before the filters behind this one see it: if it is
    /// closed, no name was looked up and nobody was called.
    ///
    /// A client that has too many open connections already gets no further one, whatever the name.
    pub fn on_new(&mut self, host: &dyn Host) -> Flow {
        if let (Some(plugin), None) = (&self.plugin, &self.slot) {
            match plugin.take_slot(host) {
                Ok(slot) => self.slot = slot,
                Err(failure) => {
                    plugin.count_failure(host, failure);
                    plugin.close(host);
                    self.stage = Stage::Closed;
                }
            }
        }
        self.judge(host, Plugin::judge_name)
    }

    /// Judges a connection without a server name by its first bytes, which distinguish TLS from the
    /// rest.
    pub fn on_data(&mut self, host: &dyn Host, n_bytes: usize) -> Flow {
        if n_bytes == 0 {
            return self.flow();
        }
        self.judge(host, Plugin::judge_bytes)
    }

    /// Reports the end of a connection whose start was reported: its bytes, and how long it was open.
    pub fn on_end(&mut self, host: &dyn Host) {
        let stage = mem::replace(&mut self.stage, Stage::Open(None));
        if let (Some(plugin), Stage::Open(Some(mut inspection))) = (&self.plugin, stage) {
            plugin.conclude(host, &mut inspection);
        }
    }

    fn judge(
        &mut self,
        host: &dyn Host,
        judge: impl FnOnce(&Plugin, &dyn Host) -> Result<Stage, Failure>,
    ) -> Flow {
        if let (Some(plugin), Stage::Waiting) = (&self.plugin, &self.stage) {
            self.stage = plugin.or_fail(host, judge(plugin, host));
        }
        self.flow()
    }

    fn flow(&self) -> Flow {
        match self.stage {
            Stage::Waiting | Stage::Open(_) => Flow::Continue,
            Stage::Closed => Flow::Pause,
        }
    }
}

impl Plugin {
    /// Counts a connection among those of its client, if their number is limited.
    fn take_slot(&self, host: &dyn Host) -> Result<Option<Slot>, Failure> {
        let most = self.settings.connections_per_source;
        if most == 0 {
            return Ok(None);
        }
        // Clients without an address share one limit.
        let address = property(host, Property::SourceAddress).unwrap_or_default();
        let source = address.as_deref().map(without_port).unwrap_or_default();
        Slot::take(source, most).map(Some).ok_or(Failure::Connections)
    }

    fn or_fail(&self, host: &dyn Host, judged: Result<Stage, Failure>) -> Stage {
        judged.unwrap_or_else(|failure| {
            self.count_failure(host, failure);
            match self.settings.failure_mode {
                FailureMode::Open => Stage::Open(None),
                FailureMode::Closed => {
                    // If not even this works, the bytes are held: nothing passes.
                    self.close(host);
                    Stage::Closed
                }
            }
        })
    }

    fn judge_name(&self, host: &dyn Host) -> Result<Stage, Failure> {
        match property(host, Property::ServerName)? {
            Some(server_name) => self.judge_connection(host, Transport::Tls, Some(server_name)),
            None => Ok(Stage::Waiting),
        }
    }

    fn judge_bytes(&self, host: &dyn Host) -> Result<Stage, Failure> {
        // The type of a TLS record that holds a handshake (RFC 8446, 5.1).
        const HANDSHAKE: u8 = 22;
        let first = host.downstream_data(1).map_err(|_| Failure::HeaderMap)?;
        let is_tls = first.first() == Some(&HANDSHAKE);
        let transport = if is_tls { Transport::Tls } else { Transport::NotTls };
        self.judge_connection(host, transport, None)
    }

    fn judge_connection(
        &self,
        host: &dyn Host,
        transport: Transport,
        server_name: Option<Vec<u8>>,
    ) -> Result<Stage, Failure> {
        if self.settings.mode == Mode::Off {
            return Ok(Stage::Open(None));
        }
        let source_address = property(host, Property::SourceAddress)?;
        let connect_target = property(host, Property::ConnectTarget)?;
        // Without a name, the place that the client wanted is judged: in a tunnel the target of CONNECT,
        // else the address.
        let destination = match &connect_target {
            Some(target) => Some(target.clone()),
            None => property(host, Property::DestinationAddress)?,
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
        let tls = self.settings.listener_tls;
        let read_sender = || Sender::read(host, tls, None, &[], source_address.as_deref());
        let asked = inspector.asks_user(&request).then(read_sender);
        let mut verdict = match &asked {
            Some(sender) => inspector.inspect_of(&request, &self.user(sender)),
            None => inspector.inspect(&request),
        };
        self.count(|counters| counters.request(host));
        if !verdict.anomalies.is_empty() {
            self.count(|counters| counters.anomalies(host, verdict.anomalies));
        }
        let is_refused = verdict.truncated && self.settings.failure_mode == FailureMode::Closed;
        if verdict.truncated {
            self.count_failure(host, Failure::Truncated);
        }
        let is_tracked = self.is_tracked(&inspector, &request, &verdict);
        if verdict.matches.is_empty() && !is_tracked {
            if is_refused {
                self.close(host);
            }
            return Ok(if is_refused { Stage::Closed } else { Stage::Open(None) });
        }
        let sender = asked.unwrap_or_else(read_sender);
        let look_up = || self.look_up(host, &mut inspector, &request, &sender, &mut verdict);
        let mut tracked = is_tracked.then(look_up).flatten();
        let pack = inspector.pack();
        let decision = decide(host, &self.settings, pack, &mut verdict, &request, &sender);
        // What could not be read whole does not pass, and what matched is reported.
        let fired = self.correlate(host, &inspector, &verdict, &decision.rulings);
        let mut action = if is_refused { Action::Deny } else { raised(decision.action, &fired) };
        if action == Action::Deny
            && !self.close(host)
            && self.settings.failure_mode == FailureMode::Open
        {
            action = Action::Observe;
        }
        self.count(|counters| {
            counters.matches(host, pack, &verdict.matches, &decision.rulings, action);
        });
        if action == Action::Allow && tracked.is_none() {
            return Ok(Stage::Open(None));
        }
        if let (Action::Deny, Some(tracked)) = (action, &mut tracked) {
            // Nothing is heard of it any more.
            self.record(host, tracked);
        }
        let headers = Headers { authority: &authority, ..Headers::default() };
        // The event is that of a request without method and path.
        let snapshot = Snapshot {
            header_map: serialise(&[(":authority", &authority)]),
            server_name,
            transport,
            connect_target,
            source_address,
            ..Snapshot::default()
        };
        let (matches, would_deny) = (&verdict.matches, decision.would_deny);
        if action != Action::Allow {
            let shown = snapshot.shown(pack, &headers);
            self.show(host, pack, matches, (action, would_deny), shown);
        }
        let mut inspection = Inspection {
            snapshot,
            verdict,
            decision,
            sender,
            action,
            is_tunnel: true,
            reported: Reported::No,
            fired,
            since: tracked.as_ref().map(|tracked| tracked.since).or_else(|| host.milliseconds()),
            tracked: tracked.map(Box::new),
        };
        drop(inspector);
        if inspection.action != Action::Allow {
            self.report_connection(host, &mut inspection);
        }
        Ok(match action {
            Action::Deny => Stage::Closed,
            Action::Observe | Action::Allow => Stage::Open(Some(Box::new(inspection))),
        })
    }

    /// Closes the client's connection; returns false if that failed.
    fn close(&self, host: &dyn Host) -> bool {
        let is_closed = host.close_downstream().is_ok();
        if !is_closed {
            self.count_failure(host, Failure::LocalResponse);
        }
        is_closed
    }
}

fn property(host: &dyn Host, property: Property) -> Result<Option<Vec<u8>>, Failure> {
    host.property(property).map_err(|_| Failure::Property)
}

#[cfg(test)]
mod tests;
