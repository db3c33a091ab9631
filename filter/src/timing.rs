//! How long judging takes: measured for one request of many.

use crate::host::Host;
use crate::inspection::Step;
use crate::plugin::Plugin;

impl Plugin {
    /// Judges the request of the current stream, and measures the time for every n-th request.
    pub(crate) fn judge_timed(&self, host: &dyn Host) -> Step {
        let mut is_timed = false;
        self.count(|counters| is_timed = counters.is_timed());
        if !is_timed {
            return self.judge(host);
        }
        let start = host.time();
        let step = self.judge(host);
        // A clock that was set back meanwhile measured nothing.
        if let (Ok(start), Ok(end)) = (start, host.time())
            && let Some(nanoseconds) = end.checked_sub(start)
        {
            self.count(|counters| counters.evaluation(host, nanoseconds / 1000));
        }
        step
    }
}
