//! The events that wait for the collector: a bounded queue, at most one call, and pauses after failures.
//!
//! Calls no host: the time is an argument, in seconds since 1970.

use std::collections::VecDeque;

use crate::limits::{LOST_SECONDS, MAX_BATCH_BYTES, MAX_PAUSE_SECONDS, MAX_QUEUED_BYTES};

/// Events in order of arrival, until the collector has them.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: VecDeque<Box<str>>,
    n_bytes: usize,
    /// The number of first events that are a batch; after a failure the same ones are posted again.
    n_batch: usize,
    /// The call with the batch, if it is not answered yet.
    call: Option<u32>,
    /// The time at which the batch was posted, or failed.
    since: u64,
    /// Seconds without a call after a failure; 0 after a success.
    pause: u64,
}

/// The collector's answer to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The collector has it.
    Taken,
    /// The collector will never take it.
    Refused,
    /// The collector may take it later, or there was no answer.
    Failed,
}

impl Answer {
    /// Returns the meaning of a status; without one there was no answer.
    ///
    /// Timeouts, too many requests, and errors of the server are tried again. Any other answer would be
    /// the same next time, and later events would wait forever.
    pub(crate) fn of(status: Option<&[u8]>) -> Answer {
        match status {
            Some([b'2', ..]) => Answer::Taken,
            None | Some(b"408" | b"425" | b"429" | [b'5', ..]) => Answer::Failed,
            Some(_) => Answer::Refused,
        }
    }
}

/// The effect of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Events that left the queue.
    pub(crate) n_events: usize,
    /// True for the first failure after a success, and the first success after a failure.
    pub(crate) is_turn: bool,
}

impl Queue {
    /// Adds an event; returns false if there is no room.
    pub(crate) fn add(&mut self, event: &str) -> bool {
        let n_bytes = self.n_bytes + event.len() + 1;
        let fits = n_bytes <= MAX_QUEUED_BYTES;
        if fits {
            self.n_bytes = n_bytes;
            self.events.push_back(event.into());
        }
        fits
    }

    /// Returns true if more events are queued than fit in a call.
    pub(crate) fn is_long(&self) -> bool {
        self.n_bytes >= MAX_BATCH_BYTES
    }

    /// Returns true if a call is so old that it has no answer any more: its plugin was removed.
    pub(crate) fn is_lost(&mut self, now: u64) -> bool {
        self.call.is_some() && self.elapsed(now) >= LOST_SECONDS
    }

    /// Returns the next batch as lines, if one is due. It stays in the queue until [`Queue::answered`].
    pub(crate) fn batch(&mut self, now: u64) -> Option<String> {
        let is_paused = self.elapsed(now) < self.pause;
        if self.call.is_some() || is_paused || self.events.is_empty() {
            return None;
        }
        if self.n_batch == 0 {
            let mut n_bytes = 0;
            let mut fits = |n_event_bytes: usize| {
                n_bytes += n_event_bytes + 1;
                n_bytes <= MAX_BATCH_BYTES
            };
            // An event that is larger than a batch is sent alone.
            self.n_batch = self.events.iter().take_while(|event| fits(event.len())).count().max(1);
        }
        let mut body = String::new();
        for event in self.events.iter().take(self.n_batch) {
            body.push_str(event);
            body.push('\n');
        }
        Some(body)
    }

    /// Records that the batch was posted.
    pub(crate) fn posted(&mut self, call: u32, now: u64) {
        self.call = Some(call);
        self.since = now;
    }

    /// Returns true if an answer is that to the current batch.
    pub(crate) fn awaits(&self, call: u32) -> bool {
        self.call == Some(call)
    }

    /// Records the answer to the current batch.
    pub(crate) fn answered(&mut self, answer: Answer, now: u64) -> Outcome {
        self.call = None;
        self.since = now;
        let was_failing = self.pause > 0;
        let is_taken = answer == Answer::Taken;
        self.pause = if is_taken { 0 } else { (self.pause * 2).clamp(1, MAX_PAUSE_SECONDS) };
        let mut n_events = 0;
        if answer != Answer::Failed {
            n_events = std::mem::take(&mut self.n_batch).min(self.events.len());
            let gone = self.events.drain(..n_events);
            self.n_bytes -= gone.map(|event| event.len() + 1).sum::<usize>();
        }
        Outcome { n_events, is_turn: was_failing == is_taken }
    }

    /// Returns seconds since the last call or failure. A clock that is set back restarts them, so that no
    /// pause lasts forever.
    fn elapsed(&mut self, now: u64) -> u64 {
        self.since = self.since.min(now);
        now - self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(events: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for event in events {
            assert!(queue.add(event));
        }
        queue
    }

    /// Posts the batch that is due, and answers it.
    fn post(queue: &mut Queue, now: u64, answer: Answer) -> Option<(String, Outcome)> {
        let body = queue.batch(now)?;
        queue.posted(7, now);
        assert!(queue.batch(now).is_none(), "one call at a time");
        assert!(queue.awaits(7) && !queue.awaits(8));
        Some((body, queue.answered(answer, now)))
    }

    #[test]
    fn a_batch_that_failed_is_posted_again_as_it_was_after_pauses_that_double() {
        let mut queue = queue(&["a", "b"]);
        let mut now = 1_000;
        let (body, outcome) = post(&mut queue, now, Answer::Failed).unwrap();
        assert_eq!((body.as_str(), outcome), ("a\nb\n", Outcome { n_events: 0, is_turn: true }));
        assert!(queue.add("c"));
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            for second in 0..pause {
                assert!(queue.batch(now + second).is_none(), "after {second} s of {pause}");
            }
            now += pause;
            let (body, outcome) = post(&mut queue, now, Answer::Failed).unwrap();
            assert_eq!((body.as_str(), outcome), ("a\nb\n", Outcome::default()));
        }
        now += MAX_PAUSE_SECONDS;
        let (body, outcome) = post(&mut queue, now, Answer::Taken).unwrap();
        assert_eq!((body.as_str(), outcome), ("a\nb\n", Outcome { n_events: 2, is_turn: true }));
        // Later events follow at once, and then nothing is left.
        let (body, outcome) = post(&mut queue, now, Answer::Taken).unwrap();
        assert_eq!((body.as_str(), outcome), ("c\n", Outcome { n_events: 1, is_turn: false }));
        assert!(queue.batch(now).is_none());
        assert_eq!((queue.n_bytes, queue.events.len()), (0, 0));
    }

    #[test]
    fn a_batch_that_is_refused_for_good_does_not_delay_later_events() {
        let mut queue = queue(&["a"]);
        let (_, outcome) = post(&mut queue, 5, Answer::Refused).unwrap();
        assert_eq!(outcome, Outcome { n_events: 1, is_turn: true });
        assert!(queue.add("b"));
        assert!(queue.batch(5).is_none(), "it is a failure, and has a pause");
        assert_eq!(queue.batch(6).as_deref(), Some("b\n"));
    }

    #[test]
    fn a_full_queue_takes_no_more_and_batches_are_bounded() {
        let mut queue = Queue::default();
        let event = "x".repeat(999);
        let n_added = (0..5_000).filter(|_| queue.add(&event)).count();
        assert_eq!(n_added, MAX_QUEUED_BYTES / 1_000);
        assert!(queue.is_long());
        let (body, outcome) = post(&mut queue, 0, Answer::Taken).unwrap();
        assert_eq!(body.len(), MAX_BATCH_BYTES / 1_000 * 1_000);
        assert_eq!(outcome.n_events, body.len() / 1_000);
        assert!(queue.add(&event));
    }

    #[test]
    fn an_event_that_is_larger_than_a_batch_is_sent_alone() {
        let large = "x".repeat(MAX_BATCH_BYTES + 1);
        let mut queue = queue(&[&large, "b"]);
        let (body, _) = post(&mut queue, 0, Answer::Taken).unwrap();
        assert_eq!(body.len(), large.len() + 1);
        assert_eq!(queue.batch(0).as_deref(), Some("b\n"));
    }

    #[test]
    fn an_answer_that_never_arrives_is_a_failure_and_a_late_one_is_ignored() {
        let mut queue = queue(&["a"]);
        assert!(queue.batch(100).is_some());
        queue.posted(1, 100);
        assert!(!queue.is_lost(100 + LOST_SECONDS - 1));
        assert!(queue.is_lost(100 + LOST_SECONDS));
        queue.answered(Answer::Failed, 100 + LOST_SECONDS);
        assert!(!queue.awaits(1));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_pause_longer() {
        let mut queue = queue(&["a"]);
        post(&mut queue, 1_000_000, Answer::Failed).unwrap();
        assert!(queue.batch(50).is_none());
        assert!(queue.batch(51).is_some());
    }

    #[test]
    fn a_status_decides_whether_the_batch_is_posted_again() {
        for (status, answer) in [
            (Some("200"), Answer::Taken),
            (Some("204"), Answer::Taken),
            (None, Answer::Failed),
            (Some("503"), Answer::Failed),
            (Some("500"), Answer::Failed),
            (Some("429"), Answer::Failed),
            (Some("408"), Answer::Failed),
            (Some("400"), Answer::Refused),
            (Some("401"), Answer::Refused),
            (Some("413"), Answer::Refused),
            (Some("302"), Answer::Refused),
        ] {
            assert_eq!(Answer::of(status.map(str::as_bytes)), answer, "{status:?}");
        }
    }
}
