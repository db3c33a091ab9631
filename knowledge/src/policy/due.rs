//! Exceptions whose time is over, or soon will be, and filters for which nobody answers.

use diagnostics::{Finding, Findings, Span};
use jiff::Timestamp;
use sigma::Filter;

use super::{Exception, FilterOwner, Policy, Word};
use crate::codes;

/// A span of time in seconds: a whole number and `h`, `d` or `w`.
pub fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let of_unit = match unit {
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return None,
    };
    number.checked_mul(of_unit)
}

/// A point in time as `--now` gives it: a day or a time, in seconds since 1970.
pub fn moment(text: &str) -> Option<u64> {
    super::read::time(text)
}

/// A point in time, in seconds since 1970, as people read it.
pub fn written(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|it| Timestamp::from_second(it).ok());
    at.map_or_else(|| seconds.to_string(), |at| at.to_string())
}

impl Policy {
    /// Tells of each exception that no longer applies at `now`, or not `within` seconds later, of each
    /// filter that should be gone by then, and of filters for which nobody answers.
    pub fn due(&self, filters: &[Filter], now: u64, within: u64) -> Vec<Finding> {
        let mut findings = Findings::new(&self.file);
        for exception in &self.exceptions {
            let Exception { id, owner, ticket, expires, .. } = exception;
            let (what, said) = ("exception", ["no longer applies since", "applies until"]);
            report(&mut findings, (what, id), said, (owner, ticket), *expires, (now, within));
        }
        for FilterOwner { filter, owner, ticket, expires } in &self.filters {
            let (what, said) = ("filter", ["should be gone since", "may stay until"]);
            report(&mut findings, (what, filter), said, (owner, ticket), *expires, (now, within));
        }
        for owned in self.filters.iter().filter(|of| filters.iter().all(|it| !of.is(it))) {
            let message = format!("there is no filter `{}`", owned.filter.text.escape_debug());
            let help = "give a filter's `id` or `title`; take it out of the policy if it is gone";
            findings.add(&codes::NO_EFFECT, owned.filter.span, message, help);
        }
        let mut list = findings.into_list();
        for filter in filters.iter().filter(|it| self.filters.iter().all(|of| !of.is(it))) {
            let mut findings = Findings::new(&filter.file);
            let title = filter.metadata.title.escape_debug();
            let message = format!("nobody answers for the filter `{title}`, and it has no end");
            let help = "list it under `filters` in the policy with `owner`, `ticket`, `reason` and `expires`, or make it an exception";
            findings.add(&codes::UNOWNED_FILTER, filter.span, message, help);
            list.extend(findings.into_list());
        }
        list
    }
}

/// Tells of something that is over or soon will be.
fn report(
    findings: &mut Findings,
    (what, id): (&str, &Word),
    [is_over, is_due]: [&str; 2],
    (owner, ticket): (&str, &str),
    (expires, span): (u64, Span),
    (now, within): (u64, u64),
) {
    if expires > now.saturating_add(within) {
        return;
    }
    let said = if expires <= now { is_over } else { is_due };
    let message = format!("the {what} `{}` {said} {}", id.text.escape_debug(), written(expires));
    let help = format!(
        "ask {} ({}) whether it is still needed; if not, remove it",
        owner.escape_debug(),
        ticket.escape_debug(),
    );
    findings.add(&codes::DUE_EXCEPTION, span, message, help);
}

impl FilterOwner {
    fn is(&self, filter: &Filter) -> bool {
        let name = Some(&self.filter.text);
        filter.metadata.id.as_ref() == name || Some(&filter.metadata.title) == name
    }
}
