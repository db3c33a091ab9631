//! What a rule is worth at a proxy: decided there, decided in part, or not at all.
//!
//! A rule that asks for a process beside a host name cannot be decided from a request. Its network
//! half can: as a *lead*, a rule that matches wherever the whole rule could. What the proxy does not
//! see is taken for "could be": true where the rule asks for it, false where the rule excludes it.

use std::collections::{BTreeMap, BTreeSet};

use inspect::pack::Level;

use crate::logsource::{AtProxy, field_at_proxy};
use crate::rule::{Condition, Item, Linking, Rule, Search, Selection, Token, Value, ValueTest};

/// Whether a rule can be decided from what a proxy sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decidability {
    /// All that it asks for is seen.
    Yes,
    /// Some of it is seen: [`lead`] gives the rule of that part.
    Partly {
        /// The fields that are not seen.
        missing: BTreeSet<String>,
    },
    /// Nothing that it depends on is seen.
    No {
        /// The fields that are not seen.
        missing: BTreeSet<String>,
    },
}

impl Decidability {
    /// `yes`, `partly` or `no`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Decidability::Yes => "yes",
            Decidability::Partly { .. } => "partly",
            Decidability::No { .. } => "no",
        }
    }

    /// The fields that are not seen, in order.
    pub fn missing(&self) -> Vec<&str> {
        match self {
            Decidability::Yes => Vec::new(),
            Decidability::Partly { missing } | Decidability::No { missing } => {
                missing.iter().map(String::as_str).collect()
            }
        }
    }
}

/// Whether a rule can be decided from what a proxy sees.
///
/// Keywords look at all fields of an event, of which a proxy sees only its own: they count as seen
/// where the rule is written for proxies, and as not seen elsewhere.
pub fn decidability(rule: &Rule) -> Decidability {
    let mut missing = BTreeSet::new();
    for selection in used_selections(rule) {
        selection.search.items(&mut |item| missing.extend(unseen(rule, item)));
    }
    if missing.is_empty() {
        return Decidability::Yes;
    }
    match reduce(rule) {
        Reduced::Rule(_) => Decidability::Partly { missing },
        Reduced::Constant => Decidability::No { missing },
    }
}

/// The rule in the proxy's own field names, where all that it asks for is seen.
pub fn at_proxy(rule: &Rule) -> Option<Rule> {
    match (decidability(rule), reduce(rule)) {
        (Decidability::Yes, Reduced::Rule(rule)) => Some(*rule),
        _ => None,
    }
}

/// The part of a rule that a proxy sees, as a rule of its own: it matches wherever the whole rule
/// could, and says in its title what was not seen. Its level is one lower.
///
/// `None` for rules that are decided as they are, and for those of which nothing is seen.
pub fn lead(rule: &Rule) -> Option<Rule> {
    let Decidability::Partly { missing } = decidability(rule) else { return None };
    let Reduced::Rule(mut lead) = reduce(rule) else { return None };
    let missing: Vec<_> = missing.into_iter().collect();
    lead.metadata.title =
        format!("{} (lead: {} not seen)", lead.metadata.title, missing.join(", "));
    lead.metadata.level = lead.metadata.level.map(|level| match level {
        Level::Critical => Level::High,
        Level::High => Level::Medium,
        Level::Medium => Level::Low,
        Level::Low | Level::Informational => Level::Informational,
        Level::Unset => Level::Unset,
    });
    Some(*lead)
}

/// The selections that the condition names.
fn used_selections(rule: &Rule) -> impl Iterator<Item = &Selection> {
    rule.condition.selections().into_iter().filter_map(|idx| rule.selections.get(idx))
}

/// The fields of an item that a proxy does not see.
fn unseen(rule: &Rule, item: &Item) -> Vec<String> {
    let unseen = |field: &str| field_at_proxy(&rule.logsource, field).is_none();
    let Some(field) = &item.field else {
        let own = rule.logsource.category.as_deref() == Some("proxy");
        return if own { Vec::new() } else { vec!["keywords".to_owned()] };
    };
    let others = item.values.iter().filter_map(|value| match &value.test {
        ValueTest::Field { field, .. } => Some(field),
        _ => None,
    });
    others.chain([field]).filter(|field| unseen(field)).cloned().collect()
}

/// A rule without what is not seen.
enum Reduced {
    Rule(Box<Rule>),
    /// Nothing is left that depends on the request.
    Constant,
}

/// A part of a condition after what is not seen, or always the same, was decided.
#[derive(Clone, Copy)]
enum Part<T> {
    Known(bool),
    Open(T),
}

fn reduce(rule: &Rule) -> Reduced {
    let mut reducer = Reducer { rule, selections: Vec::new(), known: BTreeMap::new() };
    let condition = match reducer.condition(&rule.condition, true) {
        Part::Open(condition) => condition,
        Part::Known(_) => return Reduced::Constant,
    };
    let rule = Rule { selections: reducer.selections, condition, ..rule.clone() };
    Reduced::Rule(Box::new(rule))
}

struct Reducer<'r> {
    rule: &'r Rule,
    selections: Vec<Selection>,
    /// What became of each selection and of what the rule wants of it.
    known: BTreeMap<(usize, bool), Part<usize>>,
}

impl Reducer<'_> {
    /// `holds` says whether the rule wants this part to hold: what is not seen is taken for that.
    fn condition(&mut self, condition: &Condition, holds: bool) -> Part<Condition> {
        match condition {
            Condition::Selection(idx) => {
                let part = self.known.get(&(*idx, holds)).copied();
                let part = part.unwrap_or_else(|| {
                    let part = self.selection(*idx, holds);
                    self.known.insert((*idx, holds), part);
                    part
                });
                match part {
                    Part::Known(known) => Part::Known(known),
                    Part::Open(idx) => Part::Open(Condition::Selection(idx)),
                }
            }
            Condition::Not(part) => match self.condition(part, !holds) {
                Part::Known(known) => Part::Known(!known),
                Part::Open(part) => Part::Open(Condition::Not(Box::new(part))),
            },
            Condition::All(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.condition(part, holds)).collect();
                join(parts, false, Condition::All)
            }
            Condition::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.condition(part, holds)).collect();
                join(parts, true, Condition::Any)
            }
        }
    }

    fn selection(&mut self, idx: usize, holds: bool) -> Part<usize> {
        let Some(selection) = self.rule.selections.get(idx) else { return Part::Known(false) };
        match self.search(&selection.search, holds) {
            Part::Known(known) => Part::Known(known),
            Part::Open(search) => {
                let (name, span) = (selection.name.clone(), selection.span);
                self.selections.push(Selection { name, span, search });
                Part::Open(self.selections.len() - 1)
            }
        }
    }

    fn search(&self, search: &Search, holds: bool) -> Part<Search> {
        match search {
            Search::All(parts) => join(
                parts.iter().map(|part| self.search(part, holds)).collect(),
                false,
                Search::All,
            ),
            Search::Any(parts) => {
                join(parts.iter().map(|part| self.search(part, holds)).collect(), true, Search::Any)
            }
            Search::Item(item) => self.item(item, holds),
        }
    }

    fn item(&self, item: &Item, holds: bool) -> Part<Search> {
        if !unseen(self.rule, item).is_empty() {
            return Part::Known(holds);
        }
        let at_proxy = |field: &str| field_at_proxy(&self.rule.logsource, field);
        let Some(field) = &item.field else { return Part::Open(Search::Item(item.clone())) };
        match at_proxy(field) {
            None => Part::Known(holds),
            Some(AtProxy::Always(constant)) => match always(item, constant) {
                Some(known) => Part::Known(known),
                None => Part::Known(holds),
            },
            Some(AtProxy::Field(name)) => {
                let mut item = item.clone();
                item.field = Some(name.to_owned());
                for value in &mut item.values {
                    if let ValueTest::Field { field, .. } = &mut value.test {
                        match at_proxy(field) {
                            Some(AtProxy::Field(name)) => name.clone_into(field),
                            Some(AtProxy::Always(_)) | None => return Part::Known(holds),
                        }
                    }
                }
                Part::Open(Search::Item(item))
            }
        }
    }
}

/// Whether an item holds on a field that is always the same text; `None` where that needs an engine.
fn always(item: &Item, constant: &str) -> Option<bool> {
    let holds = |value: &Value| match &value.test {
        ValueTest::Text { variants, .. } => Some(variants.iter().any(|tokens| {
            matches!(tokens.as_slice(), [Token::Literal(literal)]
                if literal.eq_ignore_ascii_case(constant.as_bytes()))
        })),
        ValueTest::Null => Some(false),
        ValueTest::Exists(exists) => Some(*exists),
        _ => None,
    };
    let answers: Option<Vec<bool>> = item.values.iter().map(holds).collect();
    let answers = answers?;
    let all = match item.linking {
        Linking::Any => answers.contains(&true),
        Linking::All => !answers.contains(&false),
    };
    Some(all != item.negated)
}

/// Joins parts: one that is `absorbing` decides, the opposite is left out.
fn join<T>(parts: Vec<Part<T>>, absorbing: bool, many: fn(Vec<T>) -> T) -> Part<T> {
    let mut open = Vec::new();
    for part in parts {
        match part {
            Part::Known(known) if known == absorbing => return Part::Known(absorbing),
            Part::Known(_) => {}
            Part::Open(part) => open.push(part),
        }
    }
    match open.len() {
        0 => Part::Known(!absorbing),
        1 => open.pop().map_or(Part::Known(!absorbing), Part::Open),
        _ => Part::Open(many(open)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, parse};

    fn rule(logsource: &str, detection: &str) -> Rule {
        let text =
            format!("title: t\nlevel: high\nlogsource: {logsource}\ndetection: {detection}\n");
        let mut parsed = parse(&Source::new("t.yml", &text));
        assert_eq!(parsed.diagnostics, [], "{text}");
        parsed.rules.remove(0)
    }

    #[test]
    fn rules_are_decided_by_what_their_condition_depends_on() {
        let connection = "{category: network_connection, product: windows}";
        for (logsource, detection, expect) in [
            ("{category: proxy}", "{s: {cs-host: a}, condition: s}", "yes"),
            (connection, "{s: {DestinationHostname: a, Initiated: 'true'}, condition: s}", "yes"),
            (connection, "{s: {DestinationHostname: a, Image: x}, condition: s}", "partly Image"),
            (
                connection,
                "{s: {DestinationHostname: a}, f: {Image: x}, condition: s and not f}",
                "partly Image",
            ),
            (
                connection,
                "{s: {DestinationHostname: a}, f: {Image: x}, condition: s or f}",
                "no Image",
            ),
            (connection, "{s: {Image: x, Initiated: 'true'}, condition: s}", "no Image"),
            (connection, "{s: {DestinationHostname: a}, f: {Image: x}, condition: s}", "yes"),
            (connection, "{s: {DestinationHostname: a, Initiated: 'false'}, condition: s}", "yes"),
            ("{category: dns_query}", "{s: {QueryName: a}, condition: s}", "yes"),
            ("{category: process_creation}", "{s: {Image: a}, condition: s}", "no Image"),
            ("{category: dns}", "{s: [a, b], condition: s}", "no keywords"),
            ("{category: proxy}", "{s: [a, b], condition: s}", "yes"),
        ] {
            let found = decidability(&rule(logsource, detection));
            let got = format!("{} {}", found.as_str(), found.missing().join(","));
            assert_eq!(got.trim_end(), expect, "{logsource} {detection}");
        }
    }

    #[test]
    fn a_lead_keeps_what_is_seen_and_says_what_is_not() {
        let rule = rule(
            "{category: network_connection}",
            "{s: {DestinationHostname|endswith: .example, Image: x}, f: {User: y}, condition: s and not f}",
        );
        let lead = lead(&rule).unwrap();
        assert_eq!(lead.metadata.title, "t (lead: Image, User not seen)");
        assert_eq!(lead.metadata.level, Some(Level::Medium));
        let mut fields = Vec::new();
        for selection in &lead.selections {
            selection.search.items(&mut |item| fields.extend(item.field.clone()));
        }
        assert_eq!(fields, ["cs-host"]);
    }
}
