//! Export: posts events to a collector in batches, as lines of JSON, in addition to the log.
//!
//! Each worker has a [`Queue`] of bounded size; events beyond it are counted and dropped, so that a
//! collector that is slow or down costs no request anything. Once a second the oldest events are posted,
//! one call at a time; if more are queued than fit in a call, the next call follows the answer. A batch
//! that was not taken is posted again, byte for byte, after a pause that doubles. The log has all events
//! in any case.

use inspect::pack::PackHash;

use crate::collector::Collector;
use crate::export_queue::{Answer, Queue};
use crate::headers;
use crate::host::{Host, HostError, LogLevel, Post};
use crate::limits::CALL_SECONDS;
use crate::memory::Part;
use crate::metrics::Loss;
use crate::plugin::Plugin;

// A new configuration takes over the events of the one before, and plugins of one worker share it.
const QUEUE: Part<Queue> = Part(|memory| &memory.queue);

impl Plugin {
    /// Queues an event, if there is a collector.
    pub(crate) fn export(&self, host: &dyn Host, event: &str) {
        if self.settings.collector.is_some() && !QUEUE.with_borrow_mut(|queue| queue.add(event)) {
            self.count(|counters| counters.export_dropped(host, Loss::Full, 1));
        }
    }

    /// Posts queued events, if a call is due.
    pub(crate) fn post_events(&self, host: &dyn Host) {
        let (Some(collector), Some(now)) = (&self.settings.collector, host.seconds()) else {
            return;
        };
        if QUEUE.with_borrow_mut(|queue| queue.is_lost(now)) {
            self.settle(host, collector, Answer::Failed, None);
        }
        let Some(body) = QUEUE.with_borrow_mut(|queue| queue.batch(now)) else { return };
        match collector.post(host, &body) {
            Ok(call) => QUEUE.with_borrow_mut(|queue| queue.posted(call, now)),
            Err(_) => self.settle(host, collector, Answer::Failed, None),
        }
    }

    /// Takes the collector's answer; a call without headers failed.
    pub(crate) fn take_answer(&self, host: &dyn Host, call: u32, n_headers: usize) {
        let Some(collector) = &self.settings.collector else { return };
        if !QUEUE.with_borrow(|queue| queue.awaits(call)) {
            return;
        }
        let headers =
            if n_headers == 0 { Vec::new() } else { host.call_headers().unwrap_or_default() };
        let status = headers::single(&headers, b":status");
        let answer = Answer::of(status);
        self.settle(host, collector, answer, status);
        if answer == Answer::Taken && QUEUE.with_borrow(Queue::is_long) {
            self.post_events(host);
        }
    }

    /// Ends a call: counts its batch, and logs when the collector starts or stops taking events.
    fn settle(
        &self,
        host: &dyn Host,
        collector: &Collector,
        answer: Answer,
        status: Option<&[u8]>,
    ) {
        // Without a clock the pause starts once there is one again.
        let now = host.seconds().unwrap_or(u64::MAX);
        let outcome = QUEUE.with_borrow_mut(|queue| queue.answered(answer, now));
        let n_events = outcome.n_events as u64;
        self.count(|counters| match answer {
            Answer::Taken => counters.exported(host, n_events),
            Answer::Refused => {
                counters.export_failed(host);
                counters.export_dropped(host, Loss::Refused, n_events);
            }
            Answer::Failed => counters.export_failed(host),
        });
        if outcome.is_turn {
            let cluster = &collector.cluster;
            let (level, said) = match answer {
                Answer::Taken => (LogLevel::Info, "takes events again".to_owned()),
                Answer::Refused | Answer::Failed => {
                    let status = status.unwrap_or(b"none").escape_ascii();
                    (LogLevel::Error, format!("does not take events: status {status}"))
                }
            };
            let line = format!("tidegate: the collector `{cluster}` {said}");
            // It is counted in any case.
            host.log(level, &line).unwrap_or_default();
        }
    }
}

impl Collector {
    /// Posts lines; returns the number of the call.
    fn post(&self, host: &dyn Host, body: &str) -> Result<u32, HostError> {
        let length = body.len().to_string();
        let key = PackHash::of(body.as_bytes()).to_string();
        let headers = [
            (":method", "POST"),
            (":scheme", self.scheme),
            (":authority", &self.authority),
            (":path", &self.path),
            ("content-type", "application/x-ndjson"),
            ("content-length", &length),
            ("idempotency-key", &key),
        ];
        host.post(&Post {
            cluster: &self.cluster,
            headers: &headers,
            body: body.as_bytes(),
            timeout_seconds: CALL_SECONDS,
        })
    }
}

#[cfg(test)]
mod tests;
