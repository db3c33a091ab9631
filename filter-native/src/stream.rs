//! One request, as Envoy has a pointer to it.

use std::cell::Cell;
use std::sync::Arc;

use filter::{Flow, LocalResponse};

use crate::configuration::Configuration;
use crate::envoy::{EnvoyStream, Scope};
use crate::host::NativeHost;
use crate::worker::Worker;

/// One HTTP request. What the filter knows of it is in the worker's state.
pub(crate) struct Stream {
    configuration: Arc<Configuration>,
    worker: Arc<Worker>,
    /// The stream's place in the state, if something is left to do.
    place: Cell<Option<usize>>,
}

impl Stream {
    /// Makes a stream of the current worker.
    pub(crate) fn new(configuration: Arc<Configuration>) -> Stream {
        Stream { configuration, worker: Worker::current(), place: Cell::default() }
    }

    /// Judges the request; also returns the response that is to be sent. With `is_end` it has no body.
    pub(crate) fn on_request_headers(
        &self,
        envoy: EnvoyStream<'_>,
        is_end: bool,
    ) -> (Flow, Option<LocalResponse>) {
        if self.place.get().is_some() {
            return (Flow::Continue, None);
        }
        let host = self.host(envoy);
        let flow = self.worker.enter(|state| {
            let mut stream = self.configuration.root(state).http_stream();
            if is_end {
                stream.ends_with_headers();
            }
            let flow = stream.on_request_headers(&host);
            if !stream.is_over() {
                self.place.set(Some(state.keep(stream)));
            }
            flow
        });
        (flow, host.into_response())
    }

    /// The same for a request whose judging panicked: the failure mode decides, and the worker gets a new
    /// root.
    pub(crate) fn on_panic(&self, envoy: EnvoyStream<'_>) -> (Flow, Option<LocalResponse>) {
        let host = self.host(envoy);
        let flow = self.worker.enter(|state| {
            self.configuration.forget_root(state);
            self.configuration.root(state).http_stream().on_panic(&host)
        });
        (flow, host.into_response())
    }

    /// Reports a tunnel that opens.
    pub(crate) fn on_response_headers(&self, envoy: EnvoyStream<'_>) {
        if let Some(place) = self.place.get() {
            let host = self.host(envoy);
            self.worker.enter(|state| {
                state.with_stream(place, |stream| stream.on_response_headers(&host));
            });
        }
    }

    /// Evaluates the rules that waited for the response, and reports the request.
    pub(crate) fn on_end(&self, envoy: EnvoyStream<'_>) {
        if let Some(place) = self.place.take() {
            let host = self.host(envoy);
            self.worker.enter(|state| {
                if let Some(mut stream) = state.remove(place) {
                    stream.on_end(&host);
                }
            });
        }
    }

    fn host<'h>(&'h self, envoy: EnvoyStream<'h>) -> NativeHost<'h> {
        NativeHost::new(Scope::Stream(envoy), self.configuration.metrics())
    }
}

impl Drop for Stream {
    /// Envoy may free a stream that has not ended.
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.worker.enter(|state| drop(state.remove(place)));
        }
    }
}
