//! The context of one HTTP request: callbacks in, steps out.

use std::mem;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::plugin::{Inspection, Plugin, Step};

/// One HTTP request, from its headers to its end.
#[derive(Debug)]
pub(crate) struct HttpStream {
    plugin: Option<Rc<Plugin>>,
    stage: Stage,
}

/// How far a request has come. Each stage is taken out when it is used, so that nothing is judged or
/// told twice, whatever callbacks come.
#[derive(Debug)]
enum Stage {
    /// Its headers have not been seen.
    Waiting,
    /// It was judged, and something is left to tell.
    Judged(Box<Inspection>),
    /// Nothing is left to do.
    Over,
}

impl HttpStream {
    pub(crate) fn new(plugin: Option<Rc<Plugin>>) -> Self {
        HttpStream { plugin, stage: Stage::Waiting }
    }
}

impl Context for HttpStream {}

impl HttpContext for HttpStream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let (Some(plugin), Stage::Waiting) = (&self.plugin, &self.stage) else {
            return Action::Continue;
        };
        let (stage, action) = match plugin.judge_timed() {
            Step::Pass => (Stage::Over, Action::Continue),
            Step::Follow(inspection) => (Stage::Judged(inspection), Action::Continue),
            // The answer is sent once this callback returns, and comes back to us as a response.
            Step::Deny(inspection) => (Stage::Judged(inspection), Action::Pause),
            Step::Refuse => (Stage::Over, Action::Pause),
        };
        self.stage = stage;
        action
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let (Some(plugin), Stage::Judged(inspection)) = (&self.plugin, &mut self.stage) {
            plugin.tell_at_response(inspection);
        }
        Action::Continue
    }

    /// Called once, when the request is over, also if it was denied or reset, and never for requests
    /// that Envoy itself refuses.
    fn on_log(&mut self) {
        let stage = mem::replace(&mut self.stage, Stage::Over);
        if let (Some(plugin), Stage::Judged(inspection)) = (&self.plugin, stage) {
            plugin.conclude(*inspection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, FailureMode};
    use crate::testing::decoded;
    use inspect::Mode;

    fn stream(failure_mode: FailureMode) -> HttpStream {
        let pack = decoded("cs-host: a.example");
        let config = Config {
            pack,
            mode: Mode::Enforce,
            failure_mode,
            protocol: crate::config::Protocol::Http,
            public_keys: Vec::new(),
            identity_key: None,
            source_header: None,
            noise: crate::noise::Noise::default(),
            collector: None,
        };
        HttpStream::new(Some(Rc::new(Plugin::start(config))))
    }

    // Outside of wasm every call to the host fails, which is what these tests need.
    #[test]
    fn a_request_that_cannot_be_judged_meets_the_failure_mode() {
        for (failure_mode, expect) in
            [(FailureMode::Open, Action::Continue), (FailureMode::Closed, Action::Pause)]
        {
            let mut stream = stream(failure_mode);
            assert_eq!(stream.on_http_request_headers(0, true), expect, "{failure_mode:?}");
            assert!(matches!(stream.stage, Stage::Over));
        }
    }

    #[test]
    fn a_stream_is_judged_once_and_only_with_a_plugin() {
        let mut stream = stream(FailureMode::Closed);
        assert_eq!(stream.on_http_request_headers(0, true), Action::Pause);
        assert_eq!(stream.on_http_request_headers(0, true), Action::Continue);
        stream.on_http_response_headers(0, true);
        stream.on_log();
        stream.on_log();
        assert_eq!(HttpStream::new(None).on_http_request_headers(0, true), Action::Continue);
    }
}
