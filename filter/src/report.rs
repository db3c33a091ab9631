//! Telling: what happens to an inspection once the response is there.

use inspect::{Action, Inspector, RuleMatch};

use crate::event::{Event, Told};
use crate::headers::Headers;
use crate::host::{self, LogLevel, Property};
use crate::metrics::Failure;
use crate::plugin::{Inspection, Plugin};
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, number};
use crate::trace;

impl Plugin {
    /// Tells of a tunnel when it opens, as its end may be hours away. Rules that wait for the end
    /// are told of at the end.
    pub(crate) fn tell_at_response(&self, inspection: &mut Inspection) {
        let due = inspection.is_tunnel && inspection.action == Action::Observe;
        if !due || inspection.is_told {
            return;
        }
        let Ok(inspector) = self.inspector.try_borrow() else {
            return self.count_failure(Failure::Busy);
        };
        let response = ResponseSnapshot {
            status: read_number(Property::RESPONSE_CODE),
            upstream_address: read(Property::UPSTREAM_ADDRESS),
            ..ResponseSnapshot::default()
        };
        self.tell(&inspector, inspection, &[], &response);
        inspection.is_told = true;
    }

    /// Ends an inspection: evaluates the rules that waited for the response, and tells what was not
    /// told yet. A denied request has no response but our own, so no rule looks at it.
    pub(crate) fn conclude(&self, mut inspection: Inspection) {
        let Ok(mut inspector) = self.inspector.try_borrow_mut() else {
            return self.count_failure(Failure::Busy);
        };
        let mut response = ResponseSnapshot::default();
        let mut late = Vec::new();
        if self.needs.response && inspection.action != Action::Deny {
            self.read_needed(&mut response);
            late = self.judge_late(&mut inspector, &mut inspection, &response);
        }
        if late.is_empty() && (inspection.is_told || inspection.verdict.matches.is_empty()) {
            return;
        }
        response.complete();
        self.tell(&inspector, &mut inspection, &late, &response);
    }

    /// The rules that match now and did not before; counts them.
    fn judge_late(
        &self,
        inspector: &mut Inspector,
        inspection: &mut Inspection,
        response: &ResponseSnapshot,
    ) -> Vec<RuleMatch> {
        let Ok(headers) = Headers::read(&inspection.snapshot.header_map) else { return Vec::new() };
        let request = inspection.snapshot.request(&headers, Some(response.response()));
        let verdict = inspector.inspect(&request);
        let early = &mut inspection.verdict;
        early.truncated |= verdict.truncated;
        let is_new = |matched: &RuleMatch| early.matches.iter().all(|old| old.rule != matched.rule);
        let late: Vec<RuleMatch> = verdict.matches.into_iter().filter(is_new).collect();
        if late.is_empty() {
            return late;
        }
        inspection.action = Action::Observe;
        let pack = inspector.pack();
        self.count(|counters| counters.matches(pack, &late, Action::Observe));
        let all: Vec<RuleMatch> = early.matches.iter().chain(&late).cloned().collect();
        let path = headers.path.map(inspect::redact::path_template);
        let would_deny = early.would_deny();
        if !trace::leave(pack, &all, Action::Observe, would_deny, path.as_deref()) {
            self.count_failure(Failure::FilterState);
        }
        late
    }

    /// Writes the event.
    pub(crate) fn tell(
        &self,
        inspector: &Inspector,
        inspection: &mut Inspection,
        late: &[RuleMatch],
        response: &ResponseSnapshot,
    ) {
        let Inspection { snapshot, verdict, action, is_told, .. } = inspection;
        for (place, property) in [
            (&mut snapshot.server_name, Property::SERVER_NAME),
            (&mut snapshot.source_address, Property::SOURCE_ADDRESS),
        ] {
            if place.is_none() {
                *place = read(property);
            }
        }
        let identity = read(Property::PEER_IDENTITY);
        let gateway = GatewaySnapshot {
            node: read(Property::NODE),
            filter_chain: read(Property::FILTER_CHAIN),
            virtual_host: read(Property::VIRTUAL_HOST),
            route: read(Property::ROUTE),
            cluster: read(Property::CLUSTER),
        };
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return };
        let early = if *is_told { &[][..] } else { &verdict.matches };
        let matches = in_order(early, late);
        let told = Told {
            pack: inspector.pack(),
            mode: self.mode,
            action: *action,
            would_deny: verdict.would_deny(),
            truncated: verdict.truncated,
            matches: &matches,
            anomalies: verdict.anomalies,
            snapshot,
            headers: &headers,
            identity: identity.as_deref(),
            response,
            gateway: &gateway,
            time: host::time().ok().map(|nanoseconds| nanoseconds / 1_000_000),
        };
        if host::log(LogLevel::Warn, &Event::new(&told).to_json()).is_err() {
            self.count_failure(Failure::Event);
        }
    }

    /// Reads of the response what the pack asks for.
    fn read_needed(&self, response: &mut ResponseSnapshot) {
        let needs = self.needs;
        let number = |wanted: bool, property| wanted.then(|| read_number(property)).flatten();
        response.status = number(needs.status, Property::RESPONSE_CODE);
        response.request_bytes = number(needs.request_bytes, Property::REQUEST_BYTES);
        response.response_bytes = number(needs.response_bytes, Property::RESPONSE_BYTES);
        if needs.upstream_address {
            response.upstream_address = read(Property::UPSTREAM_ADDRESS);
        }
    }
}

impl ResponseSnapshot {
    /// Reads what was not read yet.
    fn complete(&mut self) {
        for (place, property) in [
            (&mut self.status, Property::RESPONSE_CODE),
            (&mut self.request_bytes, Property::REQUEST_BYTES),
            (&mut self.response_bytes, Property::RESPONSE_BYTES),
        ] {
            if place.is_none() {
                *place = read_number(property);
            }
        }
        if self.upstream_address.is_none() {
            self.upstream_address = read(Property::UPSTREAM_ADDRESS);
        }
    }
}

/// Both lists as one, in the pack's order, in which each of them is.
fn in_order<'m>(early: &'m [RuleMatch], late: &'m [RuleMatch]) -> Vec<&'m RuleMatch> {
    let mut matches = Vec::with_capacity(early.len() + late.len());
    let mut late = late.iter().peekable();
    for matched in early {
        while let Some(before) = late.next_if(|late| late.rule < matched.rule) {
            matches.push(before);
        }
        matches.push(matched);
    }
    matches.extend(late);
    matches
}

/// A property that is told if it is there; an event without it is better than none.
fn read(property: Property) -> Option<Vec<u8>> {
    host::property(property).ok().flatten()
}

fn read_number(property: Property) -> Option<u64> {
    number(&read(property)?)
}
