//! Search identifiers: maps, lists and keywords.

use inspect::PROXY_FIELDS;

use super::{MapOf, Reader};
use crate::codes;
use diagnostics::closest;

use crate::modifier::{self, Modifier};
use crate::rule::{Item, Linking, Logsource, Search};
use diagnostics::yaml::{Kind, Node};

/// How keywords are called where a field has a name.
const KEYWORDS: &str = "keywords";

impl Reader<'_, '_> {
    /// Reads what a search identifier searches for.
    pub(super) fn search(&mut self, name: &str, node: &Node, logsource: &Logsource) -> Search {
        match &node.kind {
            Kind::Map(_) => {
                let map = self.map(node, MapOf::Key(name)).unwrap_or_default();
                self.not_empty(name, node, map.len());
                let items = map.iter().filter_map(|(key, value)| self.item(key, value, logsource));
                Search::All(items.map(Search::Item).collect())
            }
            Kind::List(list) => {
                self.not_empty(name, node, list.len());
                self.any_of(name, list, logsource)
            }
            Kind::Scalar { .. } if node.text().is_none() => {
                self.not_empty(name, node, 0);
                Search::Any(Vec::new())
            }
            Kind::Scalar { .. } => self.any_of(name, std::slice::from_ref(node), logsource),
        }
    }

    fn not_empty(&mut self, name: &str, node: &Node, n_parts: usize) {
        if n_parts == 0 {
            self.refuse(
                &codes::EMPTY_SEARCH,
                node.span,
                format!("`{name}` has nothing to search for"),
                "give fields with values, or a list of keywords; or remove it",
            );
        }
    }

    /// A list: the keywords in it are one item, the maps and lists are parts of their own.
    fn any_of(&mut self, name: &str, list: &[Node], logsource: &Logsource) -> Search {
        let (keywords, others): (Vec<_>, Vec<_>) =
            list.iter().partition(|node| matches!(node.kind, Kind::Scalar { .. }));
        let mut parts = Vec::new();
        if let Some(first) = keywords.first() {
            let values = self.values(&[Modifier::Contains], &keywords);
            parts.push(Search::Item(Item {
                field: None,
                label: KEYWORDS.into(),
                linking: Linking::Any,
                negated: false,
                values,
                span: first.span,
            }));
        }
        parts.extend(others.into_iter().map(|node| self.search(name, node, logsource)));
        if parts.len() == 1 { parts.remove(0) } else { Search::Any(parts) }
    }

    /// A field with its modifiers, and its values.
    fn item(&mut self, key: &Node, value: &Node, logsource: &Logsource) -> Option<Item> {
        let label = key.text()?;
        let mut names = label.split('|');
        let field = names.next().filter(|field| !field.is_empty());
        let names: Vec<_> = names.collect();
        if let Some(field) = field {
            self.known_field(field, key, logsource);
        }
        let mut problems = Vec::new();
        let chain = modifier::chain(self.source, &names, key, &mut problems);
        self.refused |= !problems.is_empty();
        self.diagnostics.append(&mut problems);
        let mut chain = chain?;
        if field.is_none() && !chain.contains(&Modifier::Re) {
            // Keywords are looked for anywhere in a value.
            chain.push(Modifier::Contains);
        }
        let values: Vec<_> = match &value.kind {
            Kind::List(list) => list.iter().collect(),
            Kind::Scalar { .. } | Kind::Map(_) => vec![value],
        };
        if values.is_empty() {
            let message = format!("the list of `{label}` is empty");
            let help = "give the values to look for, or `null` for a field that must be missing";
            self.refuse(&codes::EMPTY_SEARCH, value.span, message, help);
        }
        let linking = if chain.contains(&Modifier::All) { Linking::All } else { Linking::Any };
        let negated = chain.contains(&Modifier::Neq);
        let values = self.values(&chain, &values);
        Some(Item {
            field: field.map(str::to_owned),
            label: if field.is_some() { label.to_owned() } else { format!("{KEYWORDS}{label}") },
            linking,
            negated,
            values,
            span: key.span,
        })
    }

    fn values(&mut self, chain: &[Modifier], nodes: &[&Node]) -> Vec<crate::rule::Value> {
        let mut values = Vec::new();
        for node in nodes {
            match modifier::apply(self.source, &mut self.budget.regexes, chain, node) {
                Ok(value) => values.push(value),
                Err(diagnostic) => {
                    self.refused = true;
                    self.diagnostics.push(diagnostic);
                }
            }
        }
        values
    }

    /// Refuses a field that the events of a log source do not have.
    fn known_field(&mut self, field: &str, key: &Node, logsource: &Logsource) {
        if logsource.category.as_deref() != Some("proxy")
            || PROXY_FIELDS.iter().any(|(name, _)| *name == field)
        {
            return;
        }
        let near = closest(field, PROXY_FIELDS.iter().map(|(name, _)| *name));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the fields are {}",
                PROXY_FIELDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
            ),
        };
        let message = format!("proxy events have no field `{field}`");
        self.refuse(&codes::UNKNOWN_FIELD, key.span, message, help);
        self.fix(near, key.part(0..field.chars().count()));
    }
}
