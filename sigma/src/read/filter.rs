//! Filters.

use super::{DocumentKind, MapOf, Reader};
use crate::codes;
use crate::correlation::Reference;
use crate::filter::{Applies, Filter};
use diagnostics::yaml::{Kind, Node};

impl Reader<'_, '_> {
    /// A document with `filter`.
    pub(super) fn filter(&mut self, document: &Node) -> Option<Filter> {
        let kind = DocumentKind::Filter;
        let map = self.map(document, MapOf::Document(kind))?;
        let metadata = self.metadata(kind, map, document.span);
        let logsource = self.logsource(kind, map, document.span);
        let (_, node) = map.iter().find(|(key, _)| key.text() == Some("filter"))?;
        let inside = self.map(node, MapOf::Key("filter"))?;
        let rules = inside.iter().find(|(key, _)| key.text() == Some("rules"));
        let applies = match rules {
            None => {
                let help = "list the rules by `id` or `name`, or write `rules: any`";
                self.missing(kind, "rules", node.span, help);
                None
            }
            Some((_, node)) => match (&node.kind, node.text()) {
                (Kind::List(list), _) if list.is_empty() => Some(Applies::Any),
                (_, Some(any)) if any.eq_ignore_ascii_case("any") => Some(Applies::Any),
                _ => Some(Applies::To(self.references("rules", node))),
            },
        };
        let is_list = |(key, value): &(Node, Node)| {
            key.text() == Some("condition") && matches!(value.kind, Kind::List(_))
        };
        if let Some((_, node)) = inside.iter().find(|entry| is_list(entry)) {
            let message = "the `condition` of a filter must be one text".into();
            let help = "join the conditions by `or` or `and`";
            self.refuse(&codes::WRONG_TYPE, node.span, message, help);
        }
        let (selections, condition) = self.searches(kind, inside, node.span, &logsource);
        if self.refused {
            return None;
        }
        Some(Filter {
            file: self.source.name.into(),
            span: document.span,
            metadata,
            logsource,
            applies: applies?,
            selections,
            condition: condition?,
        })
    }

    /// A list of names, or one.
    pub(super) fn references(&mut self, key: &str, node: &Node) -> Vec<Reference> {
        let nodes = match &node.kind {
            Kind::List(list) => list.as_slice(),
            Kind::Scalar { .. } | Kind::Map(_) => std::slice::from_ref(node),
        };
        let mut references = Vec::new();
        for node in nodes {
            match node.text() {
                Some(text) => {
                    references.push(Reference { text: text.trim().to_owned(), span: node.span });
                }
                None => {
                    let message = format!("`{key}` contains something that is not a text");
                    let help = "write one name, or a list of names";
                    self.refuse(&codes::WRONG_TYPE, node.span, message, help);
                }
            }
        }
        references
    }
}
