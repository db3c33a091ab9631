//! The events that close windows of suppression.

use inspect::{Anomalies, Decision, Pack, RuleId, RuleMatch};

use crate::event::{EventFacts, Suppressed};
use crate::headers::{Headers, serialise};
use crate::host::Host;
use crate::metrics::Failure;
use crate::plugin::Plugin;
use crate::snapshot::{GatewaySnapshot, ResponseSnapshot, Snapshot};
use crate::suppression::{self, Closed, ClosedWindow, Limit};

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
        let facts = &window.facts;
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
                ..Decision::default()
            },
            rulings: &[],
            truncated: false,
            matches: &[&matched],
            anomalies: Anomalies::default(),
            behaviour: Vec::new(),
            snapshot: &snapshot,
            headers: &headers,
            identity: facts.identity.as_deref(),
            response: &ResponseSnapshot::default(),
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
