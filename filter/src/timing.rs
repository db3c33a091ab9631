//! How long judging takes: measured for one request of many.

use crate::host;
use crate::plugin::{Plugin, Step};

impl Plugin {
    /// Judges the request of the current stream, and times that where it is the request's turn.
    pub(crate) fn judge_timed(&self) -> Step {
        let mut is_timed = false;
        self.count(|counters| is_timed = counters.is_timed());
        if !is_timed {
            return self.judge();
        }
        let start = host::time();
        let step = self.judge();
        // A clock that was set back meanwhile measured nothing.
        if let (Ok(start), Ok(end)) = (start, host::time())
            && let Some(nanoseconds) = end.checked_sub(start)
        {
            self.count(|counters| counters.evaluation(nanoseconds / 1000));
        }
        step
    }
}
