//! Reporting: what happens to an inspection once the response is there.

use inspect::{Action, Inspector, RuleMatch, Ruling, User, Verdict};

use crate::config::{ListenerTls, Suppression};
use crate::decide::decide;
use crate::event::{Event, EventFacts, StreamState};
use crate::headers::Headers;
use crate::host::{Host, LogLevel, Property};
use crate::inspection::{Inspection, Reported};
use crate::limits::{MIN_OWED_BYTES, MIN_OWED_SECONDS};
use crate::metrics::Failure;
use crate::plugin::Plugin;
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, number};
use crate::suppression::{self, EventSubject, Moved};
use closed::{moved, seconds};

mod closed;

impl Plugin {
    /// Reports a tunnel when it opens, as its end may be hours away. A second event at the end has its
    /// bytes and how long it was open.
    pub(crate) fn report_at_response(&self, host: &dyn Host, inspection: &mut Inspection) {
        if !inspection.is_tunnel || inspection.action != Action::Observe {
            return;
        }
        // What is answered in any other way is over soon, and has one event.
        let is_open = |code: u64| code == 101 || (200..300).contains(&code);
        if read_number(host, Property::ResponseCode).is_none_or(is_open) {
            self.report_early(host, inspection, Reported::Opened);
        }
    }

    /// Reports a request that is still running.
    pub(crate) fn report_running(&self, host: &dyn Host, inspection: &mut Inspection) {
        self.report_early(host, inspection, Reported::Running);
    }

    /// Reports a connection that was judged: one that goes on is reported again when it is closed.
    pub(crate) fn report_connection(&self, host: &dyn Host, inspection: &mut Inspection) {
        if inspection.action == Action::Observe {
            return self.report_early(host, inspection, Reported::Opened);
        }
        let Ok(inspector) = self.inspector.try_borrow() else {
            return self.count_failure(host, Failure::Busy);
        };
        let (late, response) = (LateMatches::default(), ResponseSnapshot::default());
        self.report(host, &inspector, inspection, &late, &response, None);
    }

    fn report_early(&self, host: &dyn Host, inspection: &mut Inspection, reported: Reported) {
        if inspection.reported != Reported::No || inspection.action == Action::Allow {
            return;
        }
        let Ok(inspector) = self.inspector.try_borrow() else {
            return self.count_failure(host, Failure::Busy);
        };
        let (response, stream) = match reported {
            Reported::Running => (ResponseSnapshot::default(), Some(StreamState::Running)),
            _ => {
                let response = ResponseSnapshot {
                    status: read_number(host, Property::ResponseCode),
                    upstream_address: read(host, Property::UpstreamAddress),
                    ..ResponseSnapshot::default()
                };
                (response, Some(StreamState::Opened))
            }
        };
        let late = LateMatches::default();
        let outcome = self.report(host, &inspector, inspection, &late, &response, stream);
        inspection.reported = match outcome {
            Outcome::Written => reported,
            Outcome::Suppressed => Reported::Suppressed,
            Outcome::Repeated => Reported::Repeated,
        };
    }

    /// Ends an inspection: evaluates the rules that waited for the response, and reports what was not
    /// reported yet. A denied request has no response but our own, so no rule is evaluated on it.
    pub(crate) fn conclude(&self, host: &dyn Host, inspection: &mut Inspection) {
        let Ok(mut inspector) = self.inspector.try_borrow_mut() else {
            return self.count_failure(host, Failure::Busy);
        };
        let mut response = ResponseSnapshot::default();
        let mut late = LateMatches::default();
        let mut is_pending = inspection.verdict.pending;
        if let Some(tracked) = &mut inspection.tracked {
            self.record(host, tracked);
            is_pending |= !tracked.waiting.is_empty()
                && inspector.may_match(&tracked.waiting, &tracked.behaviour);
        }
        if is_pending && inspection.action != Action::Deny {
            self.read_needed(host, &mut response);
            late = self.judge_late(host, &mut inspector, inspection, &response);
        }
        let is_owed = match inspection.reported {
            Reported::Suppressed => {
                response.complete(host);
                self.outlives_windows(host, &inspector, inspection, &response)
            }
            Reported::Repeated => {
                response.complete(host);
                is_long(moved(host, inspection.since, &response))
            }
            _ => false,
        };
        if is_owed {
            inspection.reported = Reported::Owed;
        }
        // Matches that are all excused are counted, without an event.
        let (is_due, stream) = match inspection.reported {
            Reported::No => (inspection.action != Action::Allow, None),
            Reported::Opened | Reported::Running | Reported::Owed => {
                (true, Some(StreamState::Closed))
            }
            Reported::Suppressed | Reported::Repeated => (false, None),
        };
        if !is_due && !late.is_alert() {
            return;
        }
        response.complete(host);
        if stream.is_some() {
            response.seconds = seconds(host, inspection.since);
        }
        self.report(host, &inspector, inspection, &late, &response, stream);
    }

    /// Returns the rules that match now and did not before; counts them.
    fn judge_late(
        &self,
        host: &dyn Host,
        inspector: &mut Inspector,
        inspection: &mut Inspection,
        response: &ResponseSnapshot,
    ) -> LateMatches {
        let Ok(headers) = Headers::read(&inspection.snapshot.header_map) else {
            return LateMatches::default();
        };
        let request = inspection.snapshot.request(&headers, Some(response.response()));
        let behaviour = inspection.tracked.as_ref().map(|tracked| tracked.behaviour);
        let behaviour = behaviour.unwrap_or_default();
        let verdict = if inspector.asks_user(&request) {
            inspector.inspect_with(&request, &self.user(&inspection.sender), &behaviour)
        } else {
            inspector.inspect_with(&request, &User::of(&request), &behaviour)
        };
        let early = &mut inspection.verdict;
        early.truncated |= verdict.truncated;
        let is_new = |matched: &RuleMatch| early.matches.iter().all(|old| old.rule != matched.rule);
        let matches: Vec<RuleMatch> = verdict.matches.into_iter().filter(is_new).collect();
        if matches.is_empty() {
            return LateMatches::default();
        }
        let is_sender_read = inspector.asks_user(&request) || inspection.tracked.is_some();
        if early.matches.is_empty() && !is_sender_read {
            inspection.sender = self.sender(host, &inspection.snapshot);
        }
        let mut verdict = Verdict { matches, ..Verdict { matches: Vec::new(), ..verdict } };
        let pack = inspector.pack();
        let sender = &inspection.sender;
        let decision = decide(host, &self.settings, pack, &mut verdict, &request, sender);
        let late = LateMatches { matches: verdict.matches, rulings: decision.rulings };
        self.count(|counters| {
            counters.matches(host, pack, &late.matches, &late.rulings, Action::Observe);
        });
        if decision.action == Action::Allow {
            return late;
        }
        inspection.action = Action::Observe;
        if inspection.decision.rulings.is_empty() {
            inspection.decision =
                inspect::Decision { rulings: Vec::new(), action: Action::Allow, ..decision };
        }
        let all: Vec<RuleMatch> = early.matches.iter().chain(&late.matches).cloned().collect();
        let would_deny = inspection.decision.would_deny;
        let shown = inspection.snapshot.shown(pack, &headers);
        self.show(host, pack, &all, (Action::Observe, would_deny), shown);
        late
    }

    /// Writes the event, unless it is suppressed. The event that closes a stream never is.
    pub(crate) fn report(
        &self,
        host: &dyn Host,
        inspector: &Inspector,
        inspection: &mut Inspection,
        late: &LateMatches,
        response: &ResponseSnapshot,
        stream: Option<StreamState>,
    ) -> Outcome {
        // The event that this one closes was admitted, or the stream outlived its window.
        let is_closing = stream == Some(StreamState::Closed);
        let has_fired = !inspection.fired.is_empty();
        if !is_closing && !has_fired && self.repeats_behaviour(host, inspector, inspection, late) {
            self.count(|counters| counters.suppressed(host));
            return Outcome::Repeated;
        }
        let moved = match stream {
            Some(StreamState::Opened | StreamState::Running) => Moved::default(),
            Some(StreamState::Closed) | None => moved(host, inspection.since, response),
        };
        let Inspection {
            snapshot,
            verdict,
            decision,
            sender,
            action,
            reported,
            tracked,
            fired,
            ..
        } = inspection;
        // While a request runs, its stream is not the current one.
        let is_current = stream != Some(StreamState::Running);
        let read = |property| if is_current { read(host, property) } else { None };
        if snapshot.server_name.is_none() && self.settings.listener_tls == ListenerTls::Any {
            snapshot.server_name = read(Property::ServerName);
        }
        if snapshot.source_address.is_none() {
            snapshot.source_address.clone_from(&sender.source_address);
        }
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return Outcome::Written };
        let early = not_suppressed(*reported, verdict, &decision.rulings);
        let (matches, rulings) = in_order(early, late);
        let pack = inspector.pack();
        let Headers { authority, method, .. } = headers;
        let action = *action;
        let names = snapshot.names();
        let subject =
            EventSubject { pack, decision, sender, authority, method, names, action, moved };
        let settings = if is_closing { Suppression::default() } else { self.settings.suppression };
        let (is_admitted, closed) =
            suppression::admit(host, settings, &subject, &matches, &rulings);
        self.report_closed(host, pack, &closed);
        // A correlation fires once for a window, and what it counted is in no other event.
        if !is_admitted && !has_fired {
            self.count(|counters| counters.suppressed(host));
            return Outcome::Suppressed;
        }
        let gateway = GatewaySnapshot {
            node: self.node(read),
            filter_chain: read(Property::FilterChain),
            virtual_host: read(Property::VirtualHost),
            route: read(Property::Route),
            cluster: read(Property::Cluster),
        };
        let facts = EventFacts {
            pack,
            mode: self.settings.mode,
            action,
            would_deny: decision.would_deny,
            decision,
            rulings: &rulings,
            truncated: verdict.truncated,
            matches: &matches,
            fired,
            anomalies: verdict.anomalies,
            behaviour: tracked.as_ref().map_or_else(Vec::new, |tracked| {
                tracked.answers(matches.iter().map(|matched| inspector.behaviour_of(matched.rule)))
            }),
            snapshot,
            headers: &headers,
            identity: sender.shown(),
            response,
            gateway: &gateway,
            time: host.milliseconds(),
            suppressed: None,
            stream,
        };
        self.write(host, &facts);
        Outcome::Written
    }

    /// Returns the gateway's node id, if it is known or can be read.
    fn node(&self, read: impl Fn(Property) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        if let Some(node) = self.node.get() {
            return Some(node.clone());
        }
        let node = read(Property::Node)?;
        Some(self.node.get_or_init(|| node).clone())
    }

    /// Returns true if an event is only about behaviour that was reported.
    fn repeats_behaviour(
        &self,
        host: &dyn Host,
        inspector: &Inspector,
        inspection: &Inspection,
        late: &LateMatches,
    ) -> bool {
        let Inspection { verdict, decision, reported, .. } = inspection;
        let early = not_suppressed(*reported, verdict, &decision.rulings);
        let (matches, rulings) = in_order(early, late);
        let Ok(headers) = Headers::read(&inspection.snapshot.header_map) else { return false };
        let subject = EventSubject {
            pack: inspector.pack(),
            decision,
            sender: &inspection.sender,
            authority: headers.authority,
            method: headers.method,
            names: inspection.snapshot.names(),
            action: inspection.action,
            moved: Moved::default(),
        };
        self.is_repeated(host, inspector, inspection, &subject, (&matches, &rulings))
    }

    /// Writes an event to the log, and queues it for the collector.
    fn write(&self, host: &dyn Host, facts: &EventFacts<'_>) {
        let event = Event::new(facts).to_json();
        if host.log(LogLevel::Warn, &event).is_err() {
            self.count_failure(host, Failure::Event);
        }
        self.export(host, &event);
    }

    /// Reads the parts of the response that the pack needs.
    fn read_needed(&self, host: &dyn Host, response: &mut ResponseSnapshot) {
        let needs = self.needs;
        let number = |wanted: bool, property| wanted.then(|| read_number(host, property)).flatten();
        response.status = number(needs.status, Property::ResponseCode);
        response.request_bytes = number(needs.request_bytes, Property::RequestBytes);
        response.response_bytes = number(needs.response_bytes, Property::ResponseBytes);
        if needs.upstream_address {
            response.upstream_address = read(host, Property::UpstreamAddress);
        }
    }
}

impl ResponseSnapshot {
    /// Reads what was not read yet.
    fn complete(&mut self, host: &dyn Host) {
        for (place, property) in [
            (&mut self.status, Property::ResponseCode),
            (&mut self.request_bytes, Property::RequestBytes),
            (&mut self.response_bytes, Property::ResponseBytes),
        ] {
            if place.is_none() {
                *place = read_number(host, property);
            }
        }
        if self.upstream_address.is_none() {
            self.upstream_address = read(host, Property::UpstreamAddress);
        }
    }
}

/// Returns true if the end of a stream is reported although what it is about was: no window sums up what it
/// moved.
fn is_long(moved: Moved) -> bool {
    moved.seconds >= MIN_OWED_SECONDS
        || moved.request_bytes.saturating_add(moved.response_bytes) >= MIN_OWED_BYTES
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was written.
    Written,
    /// It was suppressed, and a window counts it.
    Suppressed,
    /// It is about behaviour that was reported.
    Repeated,
}

/// The rules that matched once the response was there, and their rulings.
#[derive(Debug, Default)]
pub(crate) struct LateMatches {
    matches: Vec<RuleMatch>,
    rulings: Vec<Ruling>,
}

impl LateMatches {
    fn is_alert(&self) -> bool {
        self.rulings.iter().any(|ruling| ruling.action != Action::Allow)
    }
}

/// Returns the matches that were known at the request, unless an event of them was suppressed.
fn not_suppressed<'m>(
    reported: Reported,
    verdict: &'m Verdict,
    rulings: &'m [Ruling],
) -> (&'m [RuleMatch], &'m [Ruling]) {
    match reported {
        Reported::No | Reported::Opened | Reported::Running | Reported::Owed => {
            (&verdict.matches, rulings)
        }
        Reported::Suppressed | Reported::Repeated => (&[], &[]),
    }
}

/// Merges both lists, each of which is in the pack's order, into one in that order.
fn in_order<'m>(
    (matches, rulings): (&'m [RuleMatch], &[Ruling]),
    late: &'m LateMatches,
) -> (Vec<&'m RuleMatch>, Vec<Ruling>) {
    let late = late.matches.iter().zip(&late.rulings);
    let mut all: Vec<_> = matches.iter().zip(rulings).chain(late).collect();
    all.sort_by_key(|(matched, _)| matched.rule);
    all.into_iter().map(|(matched, ruling)| (matched, *ruling)).unzip()
}

/// Reads a property for an event; an event without it is better than none.
fn read(host: &dyn Host, property: Property) -> Option<Vec<u8>> {
    host.property(property).ok().flatten()
}

pub(crate) fn read_number(host: &dyn Host, property: Property) -> Option<u64> {
    number(&read(host, property)?)
}

#[cfg(test)]
mod tests;
