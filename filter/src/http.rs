//! One HTTP request: the host's callbacks, each of which does its work once.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;

use crate::host::Host;
use crate::inspection::{Inspection, Step};
use crate::metrics::Failure;
use crate::plugin::Plugin;
use crate::running;

/// What the host does with a stream after a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The stream goes on.
    Continue,
    /// The stream stays where it is: it was answered or closed.
    Pause,
}

/// One HTTP request, from its headers to its end.
#[derive(Debug)]
pub struct HttpStream {
    plugin: Option<Rc<Plugin>>,
    stage: Stage,
    has_body: bool,
}

/// How far a request has come. Each stage is taken out when it is used, so that nothing is judged or
/// reported twice, whatever callbacks come.
#[derive(Debug)]
enum Stage {
    /// Its headers have not been seen.
    Waiting,
    /// It was judged, and something is left to report.
    Judged(Rc<RefCell<Inspection>>),
    /// Nothing is left to do.
    Over,
}

impl HttpStream {
    pub(crate) fn new(plugin: Option<Rc<Plugin>>) -> Self {
        HttpStream { plugin, stage: Stage::Waiting, has_body: true }
    }

    /// Says that the request has no body: it ends with its headers. Nobody is asked for its bytes then.
    pub fn ends_with_headers(&mut self) {
        self.has_body = false;
    }

    /// Judges the request, once its headers are there.
    pub fn on_request_headers(&mut self, host: &dyn Host) -> Flow {
        let (Some(plugin), Stage::Waiting) = (&self.plugin, &self.stage) else {
            return Flow::Continue;
        };
        let (inspection, flow) = match plugin.judge_timed(host) {
            Step::Pass => (None, Flow::Continue),
            Step::Follow(inspection) => (Some(inspection), Flow::Continue),
            // The answer is sent once this callback returns, and arrives as a response.
            Step::Deny(inspection) => (Some(inspection), Flow::Pause),
            Step::Refuse => (None, Flow::Pause),
        };
        self.stage = match inspection {
            Some(mut inspection) => {
                if let Some(tracked) = &mut inspection.tracked {
                    tracked.has_body = self.has_body;
                }
                Stage::Judged(running::watch(host, plugin, *inspection))
            }
            None => Stage::Over,
        };
        flow
    }

    /// Returns true if nothing is left to do for the request, so that no later callback needs this.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Ends the inspection of a request whose judging panicked, for hosts that catch panics: the request
    /// counts as one that cannot be judged.
    pub fn on_panic(&mut self, host: &dyn Host) -> Flow {
        self.stage = Stage::Over;
        match self.plugin.as_ref().map(|plugin| plugin.fail(host, Failure::Panic)) {
            Some(Step::Refuse) => Flow::Pause,
            _ => Flow::Continue,
        }
    }

    /// Reports a tunnel that opens, and other requests that have been running for long.
    pub fn on_response_headers(&mut self, host: &dyn Host) {
        running::report_due(host);
        if let (Some(plugin), Stage::Judged(inspection)) = (&self.plugin, &self.stage)
            && let Ok(mut inspection) = inspection.try_borrow_mut()
        {
            plugin.report_at_response(host, &mut inspection);
        }
    }

    /// Evaluates the rules that waited for the response, and reports the request.
    pub fn on_end(&mut self, host: &dyn Host) {
        let stage = mem::replace(&mut self.stage, Stage::Over);
        if let (Some(plugin), Stage::Judged(inspection)) = (&self.plugin, stage)
            && let Ok(mut inspection) = inspection.try_borrow_mut()
        {
            plugin.conclude(host, &mut inspection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FailureMode;
    use crate::testing::{FakeHost, config_of};
    use inspect::Mode;

    fn stream(failure_mode: FailureMode) -> HttpStream {
        let mut config = config_of("cs-host: a.example");
        config.settings.mode = Mode::Enforce;
        config.settings.failure_mode = failure_mode;
        HttpStream::new(Some(Rc::new(Plugin::start(&FakeHost::broken(), config))))
    }

    #[test]
    fn a_request_that_cannot_be_judged_meets_the_failure_mode() {
        for (failure_mode, expect) in
            [(FailureMode::Open, Flow::Continue), (FailureMode::Closed, Flow::Pause)]
        {
            let mut stream = stream(failure_mode);
            let flow = stream.on_request_headers(&FakeHost::broken());
            assert_eq!(flow, expect, "{failure_mode:?}");
            assert!(matches!(stream.stage, Stage::Over));
        }
    }

    #[test]
    fn a_stream_is_judged_once_and_only_with_a_plugin() {
        let host = FakeHost::broken();
        let mut stream = stream(FailureMode::Closed);
        assert_eq!(stream.on_request_headers(&host), Flow::Pause);
        assert_eq!(stream.on_request_headers(&host), Flow::Continue);
        stream.on_response_headers(&host);
        stream.on_end(&host);
        stream.on_end(&host);
        assert_eq!(HttpStream::new(None).on_request_headers(&host), Flow::Continue);
    }
}
