//! The events that close windows of suppression, and what is left of suppressed streams at their end.

use inspect::{Anomalies, Decision, Inspector, Pack, RuleId, RuleMatch};

use crate::event::{EventFacts, Suppressed};
use crate::headers::{Headers, serialise};
use crate::host::Host;
use crate::inspection::Inspection;
use crate::metrics::Failure;
use crate::plugin::Plugin;
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, Snapshot};
use crate::suppression::{self, Closed, ClosedWindow, EventSubject, Limit, Moved};

impl Plugin {
    /// Closes windows that are over, and reports how many events were suppressed in them.
    pub(crate) fn close_windows(&self, host: &dyn Host) {
        if !self.settings.suppression.is_on() {
            return;
        }
        let Ok(inspector) = self.inspector.try_borrow() else {
            return self.count_failure(host, Failure::Busy);
        };
        self.report_closed(host, inspector.pack(), &suppression::close_due(host));
    }

    /// Adds what a stream moved whose first event was suppressed to its window; returns true if the stream
    /// outlived that, so that its end is to be reported.
    pub(super) fn outlives_windows(
        &self,
        host: &dyn Host,
        inspector: &Inspector,
        inspection: &Inspection,
        response: &ResponseSnapshot,
    ) -> bool {
        let Inspection { snapshot, verdict, decision, sender, action, since, .. } = inspection;
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return true };
        let subject = EventSubject {
            pack: inspector.pack(),
            decision,
            sender,
            authority: headers.authority,
            method: headers.method,
            names: snapshot.names(),
            action: *action,
            moved: moved(host, *since, response),
        };
        let (settings, rulings) = (self.settings.suppression, &decision.rulings);
        let (is_due, closed) =
            suppression::settle(host, settings, &subject, &verdict.matches, rulings);
        self.report_closed(host, inspector.pack(), &closed);
        is_due
    }

    /// Reports windows that were closed.
    pub(super) fn report_closed(&self, host: &dyn Host, pack: &Pack, closed: &Closed) {
        for _ in 0..closed.n_evicted {
            self.count(|counters| counters.evicted(host));
        }
        for window in &closed.windows {
            self.report_window(host, pack, window);
        }
    }

    fn report_window(&self, host: &dyn Host, pack: &Pack, window: &ClosedWindow) {
        let (facts, moved) = (&window.facts, window.moved);
        let tables = pack.tables();
        let is_rule =
            |rule: &inspect::pack::Rule| tables.str(rule.id).as_bytes() == facts.rule.as_slice();
        // A rule that an update removed has nothing to report any more.
        let Some(idx) = tables.rules.iter().position(is_rule) else { return };
        let matched = RuleMatch {
            rule: RuleId(u32::try_from(idx).unwrap_or(u32::MAX)),
            view: facts.view,
            phase: facts.phase,
            alerts: true,
            evidence: Vec::new(),
        };
        let address = &facts.source_address;
        let snapshot = Snapshot {
            header_map: serialise(&[(":authority", &facts.host)]),
            source_address: (!address.is_empty()).then(|| address.clone()),
            ..Snapshot::default()
        };
        let Ok(headers) = Headers::read(&snapshot.header_map) else { return };
        let event = EventFacts {
            pack,
            mode: self.settings.mode,
            action: facts.action,
            would_deny: facts.would_deny,
            decision: &Decision {
                usage: facts.usage,
                identity: facts.tenant,
                operations: facts.operations,
                ..Decision::default()
            },
            rulings: &[],
            truncated: false,
            matches: &[&matched],
            fired: &[],
            anomalies: Anomalies::default(),
            behaviour: Vec::new(),
            snapshot: &snapshot,
            headers: &headers,
            identity: facts.identity.as_deref(),
            response: &ResponseSnapshot {
                request_bytes: Some(moved.request_bytes),
                response_bytes: Some(moved.response_bytes),
                seconds: Some(moved.seconds),
                ..ResponseSnapshot::default()
            },
            gateway: &GatewaySnapshot::default(),
            time: host.milliseconds(),
            stream: None,
            suppressed: Some(Suppressed {
                count: window.n_suppressed,
                since: window.from.saturating_mul(1000),
                by: match window.limit {
                    Limit::Repeat => "window",
                    Limit::Rate => "rate",
                },
            }),
        };
        self.write(host, &event);
    }
}

/// Returns what a request moved that is over.
pub(super) fn moved(host: &dyn Host, since: Option<u64>, response: &ResponseSnapshot) -> Moved {
    Moved {
        request_bytes: response.request_bytes.unwrap_or_default(),
        response_bytes: response.response_bytes.unwrap_or_default(),
        seconds: seconds(host, since).unwrap_or_default(),
    }
}

/// Returns for how long a request ran that was judged at a time in milliseconds, in seconds.
pub(super) fn seconds(host: &dyn Host, since: Option<u64>) -> Option<u64> {
    let (now, since) = host.milliseconds().zip(since)?;
    Some(now.saturating_sub(since) / 1000)
}
