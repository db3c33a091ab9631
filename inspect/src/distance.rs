//! How far a rule that does not match is from an event.

use std::cmp::Reverse;

use crate::compare::test_truth;
use crate::evaluate::{Scratch, atom_truth};
use crate::event::Event;
use crate::ids::RuleId;
use crate::limits::MAX_MISSING;
use crate::pack::{KEYWORDS, Op, Tables};
use crate::proxy_field::ProxyField;
use crate::truth::Truth;

/// How many searches would have to be otherwise for a rule to match; in all of its alternatives, how many do not
/// find what they look for; and of those that need not be otherwise, how many found where the request goes to. The
/// nearest is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_field_names, reason = "each is a number")]
pub(crate) struct Distance {
    n_missing: u32,
    n_failing: u32,
    n_found: Reverse<u32>,
}

/// The distance of what nothing in the request could change.
const FAR: Distance = Distance { n_missing: u32::MAX, n_failing: 0, n_found: Reverse(0) };

/// Returns true for a field of which few requests have one value: the host or the service, or any field of other
/// logs. Methods, agents and the starts of paths are shared by most.
fn says_where(field: &str) -> bool {
    match ProxyField::from_name(field) {
        Some(
            ProxyField::Host
            | ProxyField::ServerName
            | ProxyField::Uri
            | ProxyField::Service
            | ProxyField::DestinationAddress,
        )
        | None => true,
        Some(_) => false,
    }
}

/// What it takes to make a part of a condition true, and to make it false.
#[derive(Clone, Copy, Debug)]
struct Part {
    to_hold: Distance,
    to_fail: u32,
}

impl Distance {
    /// Measures; `None` for a rule that matches or is far away.
    pub(crate) fn of(
        tables: &Tables,
        rule: RuleId,
        event: &Event,
        scratch: &Scratch,
    ) -> Option<Distance> {
        let mut stack: Vec<Part> = Vec::new();
        for word in tables.rule_code(tables.rule(rule)?) {
            let part = match Op::decode(*word)? {
                Op::Atom(atom) => {
                    let field = tables.atoms.get(atom.index())?.field;
                    let says_where = field == KEYWORDS || says_where(tables.field_name(field));
                    Part::of(atom_truth(tables, atom, event, scratch), u32::from(says_where))
                }
                Op::Test(test) => Part::of(test_truth(tables, test, event), 0),
                Op::All(n_parts) => {
                    let parts = stack.split_off(stack.len().checked_sub(n_parts as usize)?);
                    Part::all(&parts)
                }
                Op::Any(n_parts) => {
                    let parts = stack.split_off(stack.len().checked_sub(n_parts as usize)?);
                    Part::any(&parts)
                }
                Op::Not => stack.pop()?.not(),
                Op::Name(_) => continue,
            };
            stack.push(part);
        }
        let distance = stack.pop()?.to_hold;
        let is_near = (1..=MAX_MISSING).contains(&distance.n_missing) && distance.n_found.0 > 0;
        is_near.then_some(distance)
    }
}

impl Part {
    fn of(truth: Truth, n_found: u32) -> Part {
        let holds = Distance { n_missing: 0, n_failing: 0, n_found: Reverse(n_found) };
        let missing = Distance { n_missing: 1, n_failing: 1, n_found: Reverse(0) };
        match truth {
            Truth::True => Part { to_hold: holds, to_fail: 1 },
            Truth::False => Part { to_hold: missing, to_fail: 0 },
            // What a request does not say is not what it would have to be otherwise.
            Truth::Unknown => Part { to_hold: FAR, to_fail: u32::MAX },
        }
    }

    fn all(parts: &[Part]) -> Part {
        let add = |sum: Distance, part: &Part| Distance {
            n_missing: sum.n_missing.saturating_add(part.to_hold.n_missing),
            n_failing: sum.n_failing.saturating_add(part.to_hold.n_failing),
            n_found: Reverse(sum.n_found.0.saturating_add(part.to_hold.n_found.0)),
        };
        let nothing = Distance { n_missing: 0, n_failing: 0, n_found: Reverse(0) };
        Part {
            to_hold: parts.iter().fold(nothing, add),
            to_fail: parts.iter().map(|part| part.to_fail).min().unwrap_or_default(),
        }
    }

    fn any(parts: &[Part]) -> Part {
        let sum = |sum: u32, part: &Part| sum.saturating_add(part.to_fail);
        let nearest = parts.iter().map(|part| part.to_hold).min().unwrap_or(FAR);
        let failing = |sum: u32, part: &Part| sum.saturating_add(part.to_hold.n_failing);
        // An alternative that holds leaves nothing to fail in the others.
        let n_failing = if nearest.n_missing == 0 { 0 } else { parts.iter().fold(0, failing) };
        Part { to_hold: Distance { n_failing, ..nearest }, to_fail: parts.iter().fold(0, sum) }
    }

    /// What a `not` excludes is nothing that was found.
    fn not(self) -> Part {
        Part {
            to_hold: Distance {
                n_missing: self.to_fail,
                n_failing: self.to_fail,
                n_found: Reverse(0),
            },
            to_fail: self.to_hold.n_missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_way_to_a_match_is_measured() {
        let [yes, no, method] =
            [Part::of(Truth::True, 1), Part::of(Truth::False, 1), Part::of(Truth::True, 0)];
        for (part, expect) in [
            (Part::all(&[yes, no]), (1, 1, 1)),
            (Part::all(&[yes, yes, no, no]), (2, 2, 2)),
            (Part::any(&[Part::all(&[no, no]), Part::all(&[yes, no])]), (1, 3, 1)),
            (Part::any(&[no, Part::all(&[no, no]), yes]), (0, 0, 1)),
            (Part::all(&[method, no]), (1, 1, 0)),
            (Part::all(&[yes, Part::of(Truth::Unknown, 1)]), (u32::MAX, 0, 1)),
            (Part::all(&[yes, Part::any(&[yes, yes]).not()]), (2, 2, 1)),
            (Part::all(&[yes, Part::all(&[yes, yes]).not()]), (1, 1, 1)),
            (Part::all(&[yes, no.not()]), (0, 0, 1)),
            (Part::any(&[]), (u32::MAX, 0, 0)),
        ] {
            let Distance { n_missing, n_failing, n_found } = part.to_hold;
            assert_eq!((n_missing, n_failing, n_found.0), expect);
        }
    }

    #[test]
    fn fewer_searches_that_fail_are_nearer() {
        let [yes, no] = [Part::of(Truth::True, 1), Part::of(Truth::False, 1)];
        let one = Part::all(&[yes, no]);
        let many = Part::all(&[yes, Part::any(&[no, Part::all(&[no, no]), Part::all(&[yes, no])])]);
        assert!(one.to_hold < many.to_hold);
    }
}
