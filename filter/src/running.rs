//! Requests that rules matched and that are still running.
//!
//! An event is written when its request is over, which a client that sends a byte a minute puts off for
//! as long as it likes. So a request that has run for [`REPORT_SECONDS`] is reported while it runs, at
//! the next tick or at the next response headers on this worker, and a second event closes it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use inspect::Action;

use crate::host::Host;
use crate::inspection::Inspection;
use crate::limits::{MAX_RUNNING, REPORT_SECONDS};
use crate::memory::{Part, Running};
use crate::plugin::Plugin;

// In order of arrival. A request outlives the configuration that it was judged with, so they are
// kept outside of all.
const RUNNING: Part<VecDeque<Running>> = Part(|memory| &memory.running);

/// Shares an inspection with this list, if there is something to report. Without a clock, or if too many
/// requests are running, it is reported at once.
pub(crate) fn watch(
    host: &dyn Host,
    plugin: &Rc<Plugin>,
    inspection: Inspection,
) -> Rc<RefCell<Inspection>> {
    let inspection = Rc::new(RefCell::new(inspection));
    let Inspection { action, since, .. } = *inspection.borrow();
    if action == Action::Allow {
        return inspection;
    }
    let is_full = RUNNING.with_borrow_mut(|running| {
        // Those that are over leave the list here and at ticks.
        while running.front().is_some_and(|first| first.inspection.strong_count() == 0) {
            running.pop_front();
        }
        if running.len() >= MAX_RUNNING {
            running.retain(|other| other.inspection.strong_count() > 0);
        }
        running.len() >= MAX_RUNNING
    });
    match since.map(|milliseconds| milliseconds / 1000) {
        Some(since) if !is_full => RUNNING.with_borrow_mut(|running| {
            running.push_back(Running {
                since,
                plugin: Rc::downgrade(plugin),
                inspection: Rc::downgrade(&inspection),
            });
        }),
        _ => plugin.report_running(host, &mut inspection.borrow_mut()),
    }
    inspection
}

/// Reports requests that have been running for long.
pub(crate) fn report_due(host: &dyn Host) {
    if RUNNING.with_borrow(VecDeque::is_empty) {
        return;
    }
    let Some(now) = host.seconds() else { return };
    loop {
        // A clock that was set back makes nothing wait for longer.
        let is_due = |first: &Running| {
            !(first.since..first.since.saturating_add(REPORT_SECONDS)).contains(&now)
                || first.inspection.strong_count() == 0
        };
        let due = RUNNING.with_borrow_mut(|running| {
            if running.front().is_some_and(is_due) { running.pop_front() } else { None }
        });
        let Some(due) = due else { return };
        if let (Some(plugin), Some(inspection)) = (due.plugin.upgrade(), due.inspection.upgrade())
            && let Ok(mut inspection) = inspection.try_borrow_mut()
        {
            plugin.report_running(host, &mut inspection);
        }
    }
}

#[cfg(test)]
mod tests;
