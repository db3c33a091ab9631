//! What the engine is asked to reach, and whether a run reached it.

use std::fmt;

/// Nanoseconds per event with the proxy rules, natively and in V8.
pub const PROXY_NANOS: f64 = 1_000.0;
/// How many times faster than rsigma at its best, on the same rules and events.
pub const TIMES_RSIGMA: f64 = 15.0;
/// Nanoseconds per event with all active rules at once.
pub const ALL_NANOS: f64 = 3_000.0;
/// What 10,000 indicators may cost, in costs of 100.
pub const INDICATORS_RATIO: f64 = 1.5;
/// Milliseconds to compile all active rules.
pub const COMPILE_MILLIS: f64 = 1_000.0;
/// Milliseconds to decode a pack of 10,000 rules in V8.
pub const DECODE_MILLIS: f64 = 5.0;

/// A goal and what was seen of it.
#[derive(Clone, Debug)]
pub struct Goal {
    /// What was measured, with its unit.
    pub what: String,
    /// What was seen.
    pub seen: f64,
    /// What is asked for.
    pub bound: Bound,
}

/// On which side of a number a figure has to be.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// There or below.
    AtMost(f64),
    /// There or above.
    AtLeast(f64),
}

impl Goal {
    /// Whether it is reached.
    pub fn is_held(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.seen <= most,
            Bound::AtLeast(least) => self.seen >= least,
        }
    }
}

impl fmt::Display for Goal {
    /// A row of a Markdown table: what, seen, goal, held or missed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, bound) = match self.bound {
            Bound::AtMost(most) => ("≤", most),
            Bound::AtLeast(least) => ("≥", least),
        };
        let digits = if self.seen < 100.0 { 2 } else { 0 };
        let outcome = if self.is_held() { "held" } else { "missed" };
        write!(f, "| {} | {:.digits$} | {sign} {bound} | {outcome} |", self.what, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_says_whether_it_is_reached() {
        for (seen, bound, expect) in [
            (999.6, Bound::AtMost(1_000.0), "| it | 1000 | ≤ 1000 | held |"),
            (1_000.4, Bound::AtMost(1_000.0), "| it | 1000 | ≤ 1000 | missed |"),
            (14.5, Bound::AtLeast(15.0), "| it | 14.50 | ≥ 15 | missed |"),
            (15.0, Bound::AtLeast(15.0), "| it | 15.00 | ≥ 15 | held |"),
        ] {
            let goal = Goal { what: "it".to_owned(), seen, bound };
            assert_eq!(goal.to_string(), expect);
        }
    }
}
