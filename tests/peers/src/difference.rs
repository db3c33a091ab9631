//! A rule and an event on which two engines differ.

use std::fmt;

use serde_json::Value;

use crate::rsigma;
use crate::rule::Rule;
use crate::tidegate::Tidegate;

/// A rule, an event, and what each engine says: whether it matches.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The rule.
    pub rule: Rule,
    /// The event.
    pub event: Value,
    /// tidegate's answer.
    pub tidegate: bool,
    /// rsigma's answer.
    pub rsigma: bool,
}

impl Difference {
    /// Asks both engines again; `None` where they agree or one refuses the rule.
    pub fn of(rule: &Rule, event: &Value) -> Option<Difference> {
        let (tidegate, rsigma) = answers(rule, event)?;
        let (rule, event) = (rule.clone(), event.clone());
        (tidegate != rsigma).then_some(Difference { rule, event, tidegate, rsigma })
    }
}

/// What tidegate and rsigma say; `None` where one refuses the rule.
pub fn answers(rule: &Rule, event: &Value) -> Option<(bool, bool)> {
    let peer = rsigma::compile(rule).ok()?;
    let mut own = Tidegate::new(std::slice::from_ref(rule)).ok()?;
    if own.refusals.iter().any(Option::is_some) {
        return None;
    }
    Some((own.matches(event)[0], rsigma::matches(&peer, event)))
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "from {}", self.rule.origin)?;
        for line in self.rule.yaml().lines().filter(|line| !line.starts_with("title")) {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "    event: {}", self.event)?;
        write!(f, "    tidegate {}, rsigma {}", self.tidegate, self.rsigma)
    }
}
