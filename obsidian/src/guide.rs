//! The authoring guide of a technique: what its rules look at, look for, and leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catalogue::query::Role;
use catalogue::{CatalogueRule, Collection, Reading};

use super::evidence;
use super::prose::{code, inline};
use super::sources::{Reach, key, tests};
use super::taxonomy;

/// Most rows of a table; the rest is counted below it.
const MAX_ROWS: usize = 25;

/// The guide as Markdown; `as_of` is part of the reason of an empty table.
pub fn markdown(rules: &[&CatalogueRule], reach: &Reach, as_of: &str) -> String {
    let mut text = format!(
        "### Authoring guide\n\nPatterns shared by {}. Field names are those of one table for all vendors; each rule counts once a row.\n\n",
        counted(rules.len(), "rule")
    );
    text.push_str(&events(rules, as_of));
    text.push_str(&fields(rules, as_of));
    text.push_str(&values(rules, reach, as_of));
    text.push_str(&exclusions(rules, as_of));
    text.push_str(&unread(rules));
    text
}

pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn empty(what: &str, as_of: &str) -> String {
    format!("No rows{as_of}: {what}.\n\n")
}

fn rest(n_rows: usize) -> String {
    if n_rows > MAX_ROWS {
        format!("\n{} more rows are left out.\n\n", n_rows - MAX_ROWS)
    } else {
        "\n".to_owned()
    }
}

fn events(rules: &[&CatalogueRule], as_of: &str) -> String {
    let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for rule in rules {
        for event in super::events::of(rule) {
            *counts.entry(event).or_default() += 1;
        }
    }
    let mut text = "#### Events covered\n\n".to_owned();
    if counts.is_empty() {
        return text
            + &empty("no rule of this technique names a log whose events are known", as_of);
    }
    text.push_str("| Provider | Event | Title | Rules |\n| --- | --- | --- | ---: |\n");
    for ((provider, event, title), n) in counts {
        let _ = writeln!(text, "| {provider} | {event} | {title} | {n} |");
    }
    text + "\n"
}

fn fields(rules: &[&CatalogueRule], as_of: &str) -> String {
    #[derive(Default)]
    struct Row {
        n_rules: usize,
        operators: BTreeMap<&'static str, usize>,
        samples: BTreeMap<String, usize>,
    }
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for rule in rules {
        let combinations: BTreeSet<_> =
            tests(rule).into_iter().map(|(_, test)| key(test)).collect();
        let mut seen = BTreeSet::new();
        for (field, operator, value) in combinations {
            let row = rows.entry(field.clone()).or_default();
            row.n_rules += usize::from(seen.insert((field.clone(), "")));
            if seen.insert((field, operator)) {
                *row.operators.entry(operator).or_default() += 1;
            }
            if !value.is_empty() {
                *row.samples.entry(value).or_default() += 1;
            }
        }
    }
    let mut text = format!("#### Fields filtered most ({} distinct)\n\n", rows.len());
    if rows.is_empty() {
        return text + &empty("no query of this technique's rules was read", as_of);
    }
    let n_rows = rows.len();
    let mut sorted: Vec<_> = rows.into_iter().collect();
    sorted.sort_by(|left, right| {
        right.1.n_rules.cmp(&left.1.n_rules).then_with(|| left.0.cmp(&right.0))
    });
    text.push_str("| Field | Rules | How | Samples |\n| --- | ---: | --- | --- |\n");
    for (field, row) in sorted.into_iter().take(MAX_ROWS) {
        let how: Vec<String> =
            ranked(row.operators).into_iter().map(|(name, n)| format!("{name} {n}")).collect();
        let samples: Vec<String> =
            ranked(row.samples).into_iter().take(3).map(|(value, _)| code(&value)).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            inline(&field),
            row.n_rules,
            how.join(", "),
            samples.join(", ")
        );
    }
    text + &rest(n_rows)
}

fn ranked<K: Ord>(counts: BTreeMap<K, usize>) -> Vec<(K, usize)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    sorted
}

type Combination = (String, &'static str, String);

/// What rules ask for, with the indexes of the rules that do.
fn combinations(rules: &[&CatalogueRule], wanted: Role) -> Vec<(Combination, BTreeSet<usize>)> {
    let mut found: BTreeMap<Combination, BTreeSet<usize>> = BTreeMap::new();
    for (idx, rule) in rules.iter().enumerate() {
        let of_rule = tests(rule).into_iter().filter(|(role, _)| *role == wanted);
        for combination in of_rule.map(|(_, test)| key(test)) {
            found.entry(combination).or_default().insert(idx);
        }
    }
    let mut sorted: Vec<_> = found.into_iter().collect();
    sorted
        .sort_by(|left, right| right.1.len().cmp(&left.1.len()).then_with(|| left.0.cmp(&right.0)));
    sorted
}

/// A list that rules share, as that of scripting clients, is one row where it has so many values.
const MIN_SHARED: usize = 6;
/// A value that so many other rules ask for is no sign of this technique.
const MIN_REACH: usize = 5;

fn values(rules: &[&CatalogueRule], reach: &Reach, as_of: &str) -> String {
    let rows = combinations(rules, Role::Indicator);
    let mut text = format!("#### Top indicator values ({} distinct)\n\n", rows.len());
    if rows.is_empty() {
        return text + &empty("no query of this technique's rules was read", as_of);
    }
    text.push_str("Corpus reach counts the rules of all collections, of any technique, that ask for the same; it is blank where none outside of this technique does. A list that the same rules share is one row.\n\n");
    text.push_str(
        "| Field | Kind | Value | Rules | Corpus reach |\n| --- | --- | --- | ---: | ---: |\n",
    );
    let mut lists: BTreeMap<(&str, &BTreeSet<usize>), Vec<&Combination>> = BTreeMap::new();
    for (combination, of_rules) in &rows {
        let is_common = reach.count(combination) >= of_rules.len() + MIN_REACH;
        if of_rules.len() > 1 || is_common {
            lists.entry((combination.0.as_str(), of_rules)).or_default().push(combination);
        }
    }
    lists.retain(|_, values| values.len() >= MIN_SHARED);
    let row = |field: &str, kind: &str, value: &str, n: usize, all: usize| {
        let shown = if all > n { all.to_string() } else { String::new() };
        format!("| {} | {kind} | {value} | {n} | {shown} |\n", inline(field))
    };
    let mut written = Vec::new();
    for (combination, of_rules) in &rows {
        let (field, operator, value) = combination;
        if !lists.get(&(field.as_str(), of_rules)).is_some_and(|it| it.contains(&combination)) {
            let all = reach.count(combination);
            written.push(row(field, operator, &code(value), of_rules.len(), all));
        }
    }
    let n_rows = written.len() + lists.len();
    written.truncate(MAX_ROWS.saturating_sub(lists.len()));
    for ((field, of_rules), values) in &lists {
        let samples: Vec<String> = values.iter().take(3).map(|(_, _, value)| code(value)).collect();
        let shown = format!("{} shared values, as {}", values.len(), samples.join(", "));
        let all = values.iter().map(|it| reach.count(it)).max().unwrap_or_default();
        written.push(row(field, "list", &shown, of_rules.len(), all));
    }
    text.push_str(&written.concat());
    text + &rest(n_rows)
}

fn exclusions(rules: &[&CatalogueRule], as_of: &str) -> String {
    let rows = combinations(rules, Role::Exclusion);
    let mut text = format!("#### Exclusions ({} distinct)\n\n", rows.len());
    if rows.is_empty() {
        return text + &empty("no rule of this technique leaves anything out", as_of);
    }
    text.push_str("| Field | Kind | Value | Rules excluding |\n| --- | --- | --- | ---: |\n");
    for ((field, operator, value), of_rules) in rows.iter().take(MAX_ROWS) {
        let n = of_rules.len();
        let _ = writeln!(text, "| {} | {operator} | {} | {n} |", inline(field), code(value));
    }
    text + &rest(rows.len())
}

/// What was not read exactly, by reason: nothing is left out in silence.
fn unread(rules: &[&CatalogueRule]) -> String {
    let mut reasons: BTreeMap<(Collection, String), usize> = BTreeMap::new();
    for rule in rules {
        match &rule.reading {
            Reading::Read(expression) => {
                for (reason, n) in expression.unread() {
                    *reasons.entry((rule.vendor, reason.to_owned())).or_default() += n;
                }
            }
            Reading::NoQuery(reason) => {
                *reasons.entry((rule.vendor, (*reason).to_owned())).or_default() += 1;
            }
            Reading::Refused(reason) => {
                *reasons.entry((rule.vendor, format!("not readable: {reason}"))).or_default() += 1;
            }
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    let list: Vec<String> = reasons
        .into_iter()
        .map(|((vendor, reason), n)| format!("{} {} ({n})", vendor.as_str(), inline(&reason)))
        .collect();
    format!("Not read exactly, and so not counted above: {}.\n", list.join("; "))
}

/// Whether a proxy can decide a rule: `yes`, `partly`, `no`, and why. A rule that asks for something beside
/// its query is decided by one request in part at most.
pub fn decidable(rule: &CatalogueRule) -> (&'static str, String) {
    match (query_decidable(rule), rule.conditions.as_slice()) {
        (("yes", why), [first, ..]) => {
            ("partly", format!("{why}; beside its query it asks for {first}"))
        }
        (answer, _) => answer,
    }
}

fn query_decidable(rule: &CatalogueRule) -> (&'static str, String) {
    let Reading::Read(expression) = &rule.reading else {
        return ("no", "its query cannot be read exactly".into());
    };
    let (mut seen, mut answered, mut unseen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (_, test) in expression.tests() {
        // Keywords and what only says which log it is decide nothing about a request.
        if test.field.is_empty()
            || matches!(
                taxonomy::normal(&test.field),
                "event.code" | "event.action" | "host.os" | "connection.initiated"
            )
        {
            continue;
        }
        let set = match taxonomy::at_the_proxy(&test.field) {
            true if test.field.starts_with("tidegate.") => &mut answered,
            true => &mut seen,
            false => &mut unseen,
        };
        set.insert(taxonomy::normal(&test.field));
    }
    let list = |set: &BTreeSet<&str>| set.iter().take(6).copied().collect::<Vec<_>>().join(", ");
    let reasons = expression.unread();
    let has = match (seen.is_empty(), answered.is_empty()) {
        (true, true) => return ("no", "it asks for nothing that a proxy sees".into()),
        (false, true) => format!("a proxy sees {}", list(&seen)),
        (true, false) => format!("this gateway answers {}", list(&answered)),
        (false, false) => {
            format!("a proxy sees {}; this gateway answers {}", list(&seen), list(&answered))
        }
    };
    let is_late = |name: &&str| {
        matches!(*name, "bytes.in" | "bytes.out" | "http.status") || evidence::is_late(name)
    };
    let late: BTreeSet<&str> = seen.iter().chain(&answered).copied().filter(is_late).collect();
    match (unseen.is_empty(), reasons.values().sum::<usize>()) {
        (true, 0) if !late.is_empty() => {
            ("partly", format!("{has}; {} only with the response", list(&late)))
        }
        (true, 0) => ("yes", has),
        (true, n) => ("partly", format!("{has}; {n} of its conditions are not read exactly")),
        (false, _) => ("partly", format!("{has}, but not {}", list(&unseen))),
    }
}
