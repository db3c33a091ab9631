//! What shipped rules leave out by the host: never by a part of it that a client or an attacker chooses.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests read the shipped files; what is shipped takes its inputs from the caller"
)]

mod shipped;

use std::collections::BTreeSet;

use knowledge::Library;
use shipped::notes;
use sigma::{Condition, Item, Search, Token, ValueTest};

/// Collects the selections that a condition leaves out where they are met.
fn left_out(condition: &Condition, is_negated: bool, indexes: &mut BTreeSet<usize>) {
    match condition {
        Condition::Selection(idx) if is_negated => drop(indexes.insert(*idx)),
        Condition::Selection(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                left_out(part, is_negated, indexes);
            }
        }
        Condition::Not(part) => left_out(part, !is_negated, indexes),
    }
}

/// Returns true if a search is met by some host whose end anybody may choose: no item of a map bounds it.
fn is_open(search: &Search) -> bool {
    match search {
        Search::All(parts) => {
            let mut of_host = parts.iter().filter(|part| asks_for_host(part)).peekable();
            of_host.peek().is_some() && of_host.all(is_open)
        }
        Search::Any(parts) => parts.iter().any(is_open),
        Search::Item(item) => {
            is_host(item) && item.values.iter().any(|value| !is_bound(&value.test))
        }
    }
}

fn asks_for_host(search: &Search) -> bool {
    let mut found = false;
    search.items(&mut |item| found |= is_host(item));
    found
}

fn is_host(item: &Item) -> bool {
    item.field.as_deref() == Some("cs-host")
}

/// Returns true if a host that fits ends as the value says.
fn is_bound(test: &ValueTest) -> bool {
    match test {
        ValueTest::Text { variants, .. } => {
            variants.iter().all(|tokens| matches!(tokens.last(), Some(Token::Literal(_))))
        }
        ValueTest::Regex(regex) => regex.as_str().ends_with('$'),
        _ => true,
    }
}

#[test]
fn no_shipped_rule_leaves_out_a_host_by_its_first_labels() {
    let library = Library::read(notes());
    let mut n_left_out = 0;
    let mut open = Vec::new();
    for entry in &library.rules {
        let rule = &entry.rule;
        let mut indexes = BTreeSet::new();
        left_out(&rule.condition, false, &mut indexes);
        for selection in indexes.iter().filter_map(|idx| rule.selections.get(*idx)) {
            n_left_out += 1;
            if is_open(&selection.search) {
                open.push(format!("{}: `{}`", rule.metadata.title, selection.name));
            }
        }
    }
    assert!(n_left_out > 50, "{n_left_out}");
    assert!(open.is_empty(), "left out by the first labels of a host: {open:#?}");
}
