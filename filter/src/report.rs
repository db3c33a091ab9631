//! Telling: what happens to an inspection once the response is there.

use inspect::{Action, Inspector, RuleMatch, Ruling, Verdict};

use crate::event::{Event, Told};
use crate::headers::Headers;
use crate::host::{self, LogLevel, Property};
use crate::metrics::Failure;
use crate::noise::Subject;
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
        self.tell(&inspector, inspection, &Late::default(), &response);
        inspection.is_told = true;
    }

    /// Ends an inspection: evaluates the rules that waited for the response, and tells what was not
    /// told yet. A denied request has no response but our own, so no rule looks at it.
    pub(crate) fn conclude(&self, mut inspection: Inspection) {
        let Ok(mut inspector) = self.inspector.try_borrow_mut() else {
            return self.count_failure(Failure::Busy);
        };
        let mut response = ResponseSnapshot::default();
        let mut late = Late::default();
        if inspection.verdict.pending && inspection.action != Action::Deny {
            self.read_needed(&mut response);
            late = self.judge_late(&mut inspector, &mut inspection, &response);
        }
        // Matches that are excused alone are counted, and no event.
        let is_due = inspection.action != Action::Allow && !inspection.is_told;
        if !is_due && !late.is_alert() {
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
    ) -> Late {
        let Ok(headers) = Headers::read(&inspection.snapshot.header_map) else {
            return Late::default();
        };
        let request = inspection.snapshot.request(&headers, Some(response.response()));
        let verdict = inspector.inspect(&request);
        let early = &mut inspection.verdict;
        early.truncated |= verdict.truncated;
        let is_new = |matched: &RuleMatch| early.matches.iter().all(|old| old.rule != matched.rule);
        let matches: Vec<RuleMatch> = verdict.matches.into_iter().filter(is_new).collect();
        if matches.is_empty() {
            return Late::default();
        }
        if early.matches.is_empty() {
            inspection.sender = self.sender(&inspection.snapshot);
        }
        let mut verdict = Verdict { matches, ..Verdict { matches: Vec::new(), ..verdict } };
        let pack = inspector.pack();
        let decision = self.decide(pack, &mut verdict, &request, &inspection.sender);
        let late = Late { matches: verdict.matches, rulings: decision.rulings };
        self.count(|counters| {
            counters.matches(pack, &late.matches, &late.rulings, Action::Observe);
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
        let path = headers.template(pack);
        let would_deny = inspection.decision.would_deny;
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
        late: &Late,
        response: &ResponseSnapshot,
    ) {
        let Inspection { snapshot, verdict, decision, sender, action, is_told, .. } = inspection;
        if snapshot.server_name.is_none() {
            snapshot.server_name = read(Property::SERVER_NAME);
        }
        if snapshot.source_address.is_none() {
            snapshot.source_address.clone_from(&sender.source_address);
        }
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return };
        let early =
            if *is_told { (&[][..], &[][..]) } else { (&*verdict.matches, &*decision.rulings) };
        let (matches, rulings) = in_order(early, late);
        let pack = inspector.pack();
        let subject =
            Subject { pack, decision, sender, authority: headers.authority, action: *action };
        if !self.may_tell(&subject, &matches, &rulings) {
            return;
        }
        let gateway = GatewaySnapshot {
            node: read(Property::NODE),
            filter_chain: read(Property::FILTER_CHAIN),
            virtual_host: read(Property::VIRTUAL_HOST),
            route: read(Property::ROUTE),
            cluster: read(Property::CLUSTER),
        };
        let told = Told {
            pack,
            mode: self.mode,
            action: *action,
            would_deny: decision.would_deny,
            decision,
            rulings: &rulings,
            truncated: verdict.truncated,
            matches: &matches,
            anomalies: verdict.anomalies,
            snapshot,
            headers: &headers,
            identity: sender.shown(),
            response,
            gateway: &gateway,
            time: host::time().ok().map(|nanoseconds| nanoseconds / 1_000_000),
            suppressed: None,
        };
        self.write(&told);
    }

    /// Writes an event into the log, and queues it for the collector.
    pub(crate) fn write(&self, told: &Told<'_>) {
        let event = Event::new(told).to_json();
        if host::log(LogLevel::Warn, &event).is_err() {
            self.count_failure(Failure::Event);
        }
        self.export(&event);
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

/// What matched once the response was there, and what policy makes of it.
#[derive(Debug, Default)]
pub(crate) struct Late {
    matches: Vec<RuleMatch>,
    rulings: Vec<Ruling>,
}

impl Late {
    fn is_alert(&self) -> bool {
        self.rulings.iter().any(|ruling| ruling.action != Action::Allow)
    }
}

/// Both lists as one, in the pack's order, in which each of them is.
fn in_order<'m>(
    (matches, rulings): (&'m [RuleMatch], &[Ruling]),
    late: &'m Late,
) -> (Vec<&'m RuleMatch>, Vec<Ruling>) {
    let late = late.matches.iter().zip(&late.rulings);
    let mut all: Vec<_> = matches.iter().zip(rulings).chain(late).collect();
    all.sort_by_key(|(matched, _)| matched.rule);
    all.into_iter().map(|(matched, ruling)| (matched, *ruling)).unzip()
}

/// A property that is told if it is there; an event without it is better than none.
fn read(property: Property) -> Option<Vec<u8>> {
    host::property(property).ok().flatten()
}

fn read_number(property: Property) -> Option<u64> {
    number(&read(property)?)
}
